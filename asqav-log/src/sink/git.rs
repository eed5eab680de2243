//! A git repository.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use asqav_receipt::checkpoint::SignedCheckpoint;

use super::command::run;
use super::file::{place, replace};
use super::{CheckpointSink, SinkError};

/// Commits each checkpoint to a git repository, and pushes if it is told where.
///
/// The program `git` does the work, with the author that the repository is
/// configured with. A file `<log id>/checkpoint-<size>.json` is never changed;
/// a different checkpoint of the same size gets a file of its own.
#[derive(Debug, Clone)]
pub struct GitSink {
    repository: PathBuf,
    remote: Option<String>,
    timeout: Duration,
}

impl GitSink {
    /// Commits to the working tree at `repository`; `git` has 60 seconds for
    /// each step.
    #[must_use]
    pub fn new(repository: impl Into<PathBuf>) -> Self {
        Self { repository: repository.into(), remote: None, timeout: Duration::from_secs(60) }
    }

    /// Pushes the current branch to this remote after each commit.
    #[must_use]
    pub fn push_to(mut self, remote: impl Into<String>) -> Self {
        self.remote = Some(remote.into());
        self
    }

    fn git(&self, arguments: &[&str]) -> Result<(), SinkError> {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.repository).args(arguments);
        // Nobody is there to be asked for a password.
        command.env("GIT_TERMINAL_PROMPT", "0");
        run(&mut command, b"", self.timeout)
    }
}

impl CheckpointSink for GitSink {
    fn name(&self) -> String {
        format!("git {}", self.repository.display())
    }

    fn deliver(&mut self, checkpoint: &SignedCheckpoint) -> Result<(), SinkError> {
        let log_id = checkpoint.checkpoint.log_id.to_string();
        let path = place(&self.repository.join(&log_id), checkpoint);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = format!("{log_id}/{name}");
        let write = || {
            std::fs::create_dir_all(self.repository.join(&log_id))?;
            replace(&path, &checkpoint.to_file())
        };
        write().map_err(|source| SinkError::Io { what: format!("writing `{}`", path.display()), source })?;
        self.git(&["add", "--", &name])?;
        // After an error in a later step it may be committed already.
        if self.git(&["diff", "--cached", "--quiet", "--", &name]).is_err() {
            let message = format!("Checkpoint of log {log_id}: {} receipts", checkpoint.checkpoint.size);
            self.git(&["commit", "--quiet", "--message", &message, "--", &name])?;
        }
        match &self.remote {
            Some(remote) => self.git(&["push", "--quiet", "--", remote, "HEAD"]),
            None => Ok(()),
        }
    }
}
