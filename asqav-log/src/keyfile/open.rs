//! Opens, checks and makes files that hold secrets.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;
use zeroize::Zeroizing;

use super::KeyFileError;

/// No key file is longer, in bytes.
const MAX_LEN: u64 = 16 * 1024;

/// The text of a file that nobody else may access.
pub(super) fn read_private(path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    let failed = |source| KeyFileError::Io { path: path.to_owned(), source };
    let named = path.symlink_metadata().map_err(failed)?;
    check_owner(path, &named)?;
    // Not blocking: opening a pipe would wait for its writer.
    let mut options = OpenOptions::new();
    let file =
        options.read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path).map_err(failed)?;
    check_private(path, &file.metadata().map_err(failed)?)?;
    let mut text = Zeroizing::new(String::with_capacity(8 * 1024));
    file.take(MAX_LEN).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// The open file is a regular one, ours, and closed to everybody else.
///
/// INVARIANT: judged on the open file, not on its name, which somebody could
/// exchange in between.
fn check_private(path: &Path, file: &Metadata) -> Result<(), KeyFileError> {
    if !file.is_file() {
        return Err(KeyFileError::NotAFile(path.to_owned()));
    }
    check_owner(path, file)?;
    let mode = file.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Exposed { path: path.to_owned(), mode });
    }
    Ok(())
}

/// Ours, or the system administrator's, who can read and replace it anyway.
fn check_owner(path: &Path, file: &Metadata) -> Result<(), KeyFileError> {
    let owner = file.uid();
    if owner == rustix::process::geteuid().as_raw() || owner == 0 {
        return Ok(());
    }
    Err(KeyFileError::OtherOwner { path: path.to_owned(), owner })
}

/// Makes the file `path` with `mode` and `bytes`, on disk when this returns.
pub(super) fn write_new(path: &Path, mode: u32, bytes: &[u8]) -> Result<(), KeyFileError> {
    let made = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let mut file = made.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => KeyFileError::Exists(path.to_owned()),
        _ => KeyFileError::Io { path: path.to_owned(), source },
    })?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|source| {
        // Half a key is none; the file is ours, made exclusively.
        drop(std::fs::remove_file(path));
        KeyFileError::Io { path: path.to_owned(), source }
    })
}

/// Makes `dir` and what is missing above it, mode 0700.
pub(super) fn make_dir(dir: &Path) -> Result<(), KeyFileError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|source| KeyFileError::Io { path: dir.to_owned(), source })
}

/// Makes the names in `dir` durable.
pub(super) fn sync_dir(dir: &Path) -> Result<(), KeyFileError> {
    let synced = File::open(dir).and_then(|dir| dir.sync_all());
    synced.map_err(|source| KeyFileError::Io { path: dir.to_owned(), source })
}
