//! A file, or a folder of files.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use asqav_receipt::checkpoint::{MAX_CHECKPOINT_FILE_LEN, SignedCheckpoint};

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
    /// `checkpoint-<size in 16 digits>.json`, and a different one of the same
    /// size beside it, because the two may be evidence of a fork.
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
            true => place(&self.path, checkpoint),
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

/// Where `checkpoint` belongs in `folder`: under its size; under size and digest
/// if something else has that name. What is there is never replaced.
pub(crate) fn place(folder: &Path, checkpoint: &SignedCheckpoint) -> PathBuf {
    let usual = folder.join(file_name(checkpoint));
    let bytes = checkpoint.to_file();
    let is_other = match usual.symlink_metadata() {
        Ok(found) if found.is_file() && found.len() <= MAX_CHECKPOINT_FILE_LEN as u64 => {
            std::fs::read(&usual).is_ok_and(|found| found != bytes)
        }
        found => found.is_ok(),
    };
    if !is_other {
        return usual;
    }
    let digest = checkpoint.digest().to_hex();
    let digest = digest.get(..16).unwrap_or_default();
    folder.join(format!("checkpoint-{:016}-{digest}.json", checkpoint.checkpoint.size))
}

/// Writes the file so that it is there as a whole or as it was.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".tmp");
    // A crash may have left it; or somebody put a link there, to have another
    // file overwritten.
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().create_new(true).write(true).open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}
