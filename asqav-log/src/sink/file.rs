//! A file, or a folder of files.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use asqav_receipt::checkpoint::SignedCheckpoint;

use super::{CheckpointSink, SinkError};

/// Keeps checkpoints in the file system: on another disk, another machine's
/// share, or wherever whoever writes the log cannot rewrite them.
#[derive(Debug, Clone)]
pub struct FileSink {
    path: PathBuf,
}

impl FileSink {
    /// Keeps the newest checkpoint in the file `path`, replaced in one step; if
    /// `path` is a folder, each in a file of its own,
    /// `checkpoint-<size in 16 digits>.json`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}

impl CheckpointSink for FileSink {
    fn name(&self) -> String {
        format!("file {}", self.path.display())
    }

    fn deliver(&mut self, checkpoint: &SignedCheckpoint) -> Result<(), SinkError> {
        let target = match self.path.is_dir() {
            true => self.path.join(file_name(checkpoint)),
            false => self.path.clone(),
        };
        replace(&target, &checkpoint.to_file())
            .map_err(|source| SinkError::Io { what: format!("writing `{}`", target.display()), source })
    }
}

/// `checkpoint-0000000000010000.json` for one of 10,000 receipts.
pub(crate) fn file_name(checkpoint: &SignedCheckpoint) -> String {
    format!("checkpoint-{:016}.json", checkpoint.checkpoint.size)
}

/// Writes the file so that it is there as a whole or as it was.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".tmp");
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}
