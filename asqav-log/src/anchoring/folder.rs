//! Checkpoints as files, and their anchors beside them.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use asqav_receipt::anchor::{Anchor, AnchorFileError, MAX_ANCHORS_FILE_LEN};
use asqav_receipt::checkpoint::{MAX_CHECKPOINT_FILE_LEN, SignedCheckpoint};

use crate::reader::ReadError;
use crate::regular;
use crate::sink::{SinkError, place, replace};

/// Why a file of anchors could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnchorFileFailure {
    /// The file system refused.
    #[error("reading `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// It is not a file of anchors.
    #[error("`{}`: {source}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: AnchorFileError,
    },
}

/// Where the anchors of what the file `path` holds lie: `<path>.anchors.jsonl`.
#[must_use]
pub fn anchors_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".anchors.jsonl");
    PathBuf::from(name)
}

/// The anchors beside the file `path`; none if there is no file of them.
///
/// # Errors
/// [`AnchorFileFailure`].
pub fn read_anchors(path: &Path) -> Result<Vec<Anchor>, AnchorFileFailure> {
    let path = anchors_path(path);
    let bytes = match fs::metadata(&path) {
        Ok(found) if found.len() > u64::try_from(MAX_ANCHORS_FILE_LEN).unwrap_or(u64::MAX) => {
            return Err(AnchorFileFailure::Form { path, source: AnchorFileError::TooLong });
        }
        Ok(_) => fs::read(&path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => Err(error),
    };
    let bytes = bytes.map_err(|source| AnchorFileFailure::Io { path: path.clone(), source })?;
    Anchor::parse_file(&bytes).map_err(|source| AnchorFileFailure::Form { path, source })
}

/// Writes the anchors beside the file `path`, whole or not at all, and synced.
///
/// # Errors
/// [`SinkError::Io`].
pub fn write_anchors(path: &Path, anchors: &[Anchor]) -> Result<(), SinkError> {
    let path = anchors_path(path);
    replace(&path, &Anchor::to_file(anchors))
        .map_err(|source| SinkError::Io { what: format!("writing `{}`", path.display()), source })
}

/// The checkpoints in `folder` without anchors, the oldest first; none if there
/// is no such folder.
///
/// # Errors
/// [`SinkError::Io`].
pub fn pending(folder: &Path) -> Result<Vec<PathBuf>, SinkError> {
    let io = |source| SinkError::Io { what: format!("listing `{}`", folder.display()), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry.map_err(io)?.file_name();
        let is_checkpoint =
            name.to_str().is_some_and(|name| name.starts_with("checkpoint-") && name.ends_with(".json"));
        let path = folder.join(name);
        if is_checkpoint && !anchors_path(&path).exists() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The checkpoint in `file`, which [`pending`] gave; a reason if it is none.
pub(super) fn read_checkpoint(file: &Path) -> Result<SignedCheckpoint, SinkError> {
    let none = |why: String| SinkError::Refused(format!("`{}`: {why}", file.display()));
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let (open, _) =
        regular::open(file.parent().unwrap_or(Path::new(".")), name).map_err(|error| match error {
            ReadError::Io { source, .. } => none(source.to_string()),
            other => none(other.to_string()),
        })?;
    let mut bytes = Vec::new();
    let most = u64::try_from(MAX_CHECKPOINT_FILE_LEN).unwrap_or(u64::MAX).saturating_add(1);
    open.take(most).read_to_end(&mut bytes).map_err(|error| none(error.to_string()))?;
    SignedCheckpoint::parse(&bytes).map_err(|error| none(error.to_string()))
}

/// Writes a checkpoint into `folder`, unless it is there, and says where.
pub(super) fn keep(folder: &Path, checkpoint: &SignedCheckpoint) -> Result<PathBuf, SinkError> {
    let target = place(folder, checkpoint);
    let bytes = checkpoint.to_file();
    let write = || {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        if fs::read(&target).is_ok_and(|found| found == bytes) {
            return Ok(());
        }
        replace(&target, &bytes)
    };
    let written = write();
    let failed = |source| SinkError::Io { what: format!("writing `{}`", target.display()), source };
    written.map_err(failed).map(|()| target)
}
