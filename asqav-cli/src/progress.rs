//! A progress bar for long logs, on a terminal only.

use std::io::{self, IsTerminal as _};

use indicatif::{ProgressBar, ProgressStyle};

/// Shorter logs, in bytes, are read before a bar could be seen.
const LONG: u64 = 8 * 1024 * 1024;

/// Shows on standard error how many bytes were read.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// A bar for `total` bytes; hidden for short logs and outside a terminal.
    pub(crate) fn new(total: u64) -> Self {
        if total < LONG || !io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new(total);
        let template = "verifying {wide_bar} {bytes}/{total_bytes} {eta}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// `done` bytes were read so far.
    pub(crate) fn set(&self, done: u64) {
        self.0.set_position(done);
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
