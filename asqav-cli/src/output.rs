//! Where a command's answer goes.

use std::io::{self, BufWriter, ErrorKind, IsTerminal as _, Stdout, Write};
use std::path::Path;

use asqav_receipt::canonical;
use asqav_receipt::json::Json;
use tempfile::NamedTempFile;

use crate::error::CliError;
use crate::text::{escape, escape_json};

/// Standard output, as text or as one JSON object.
///
/// A reader that closes the pipe early ends the output, not the command: its
/// exit code still tells the verdict.
#[derive(Debug)]
pub(crate) struct Output {
    to: BufWriter<Stdout>,
    json: bool,
    colour: bool,
    closed: bool,
}

/// Writes a new file, which is then there whole or not at all, and on disk; an
/// existing one is left alone.
pub(crate) fn write_new(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let failed = |source| CliError::Write { path: path.to_owned(), source };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = NamedTempFile::new_in(parent).map_err(failed)?;
    let mut buffer = BufWriter::new(file);
    fill(&mut buffer)?;
    let file = buffer.into_inner().map_err(|error| failed(error.into_error()))?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist_noclobber(path).map_err(|error| failed(error.error))?;
    // The name, too, where the folder may be opened.
    match std::fs::File::open(parent).and_then(|folder| folder.sync_all()) {
        Err(error) if error.kind() != io::ErrorKind::PermissionDenied => Err(failed(error)),
        _ => Ok(()),
    }
}

/// A colour for a word that matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    /// Good.
    Green,
    /// Bad.
    Red,
    /// Undecided.
    Yellow,
    /// Beside the point.
    Dim,
}

impl Output {
    /// Standard output; coloured on a terminal, unless `NO_COLOR` is set.
    pub(crate) fn stdout(json: bool) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colour = !json && !plain && io::stdout().is_terminal();
        Self { to: BufWriter::new(io::stdout()), json, colour, closed: false }
    }

    /// Whether one JSON object is asked for.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// `word`, coloured where colours are wanted; the rest must be escaped.
    pub(crate) fn paint(&self, colour: Colour, word: &str) -> String {
        let code = match colour {
            Colour::Green => "1;32",
            Colour::Red => "1;31",
            Colour::Yellow => "1;33",
            Colour::Dim => "2",
        };
        if self.colour { format!("\u{1b}[{code}m{word}\u{1b}[0m") } else { word.to_owned() }
    }

    /// Prints the one object, canonical JSON (RFC 8785) except that misleading
    /// characters are escaped.
    pub(crate) fn object(&mut self, json: &Json) -> Result<(), CliError> {
        let bytes = canonical::to_vec(json);
        writeln!(self, "{}", escape_json(&String::from_utf8_lossy(&bytes)))?;
        Ok(self.flush()?)
    }

    /// Says on standard error why the command failed.
    pub(crate) fn complain(&mut self, error: &CliError) {
        drop(self.flush());
        // With standard error closed, the exit code has to do.
        drop(writeln!(io::stderr(), "error: {}", escape(&error.to_string())));
    }

    /// Warns on standard error, of what is done all the same.
    pub(crate) fn warn(&mut self, text: &str) -> Result<(), CliError> {
        self.flush()?;
        drop(writeln!(io::stderr(), "warning: {text}"));
        Ok(())
    }

    /// Adds a remark on standard error, which JSON on standard output does not need.
    pub(crate) fn hint(&mut self, text: &str) -> Result<(), CliError> {
        self.flush()?;
        drop(writeln!(io::stderr(), "hint: {text}"));
        Ok(())
    }
}

impl Output {
    /// Whether nobody reads any more.
    pub(crate) const fn is_closed(&self) -> bool {
        self.closed
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.closed {
            return Ok(bytes.len());
        }
        match self.to.write(bytes) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(bytes.len())
            }
            result => result,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        match self.to.flush() {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            result => result,
        }
    }
}
