//! One writer per log directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use asqav_core::log::LogError;
use rustix::fs::OFlags;

use crate::error::io_error;
use crate::names::LOCK;

/// An exclusive `flock` on the file `LOCK`, which names the holder.
pub(super) struct DirLock(File);

impl DirLock {
    /// Takes the lock of `dir` or says who holds it.
    pub(super) fn take(dir: &Path) -> Result<Self, LogError> {
        let path = dir.join(LOCK);
        let what = || format!("locking `{}`", path.display());
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(&path)
            .map_err(|error| io_error(what(), error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LogError::Locked { holder: holder(file) }),
            Err(TryLockError::Error(error)) => return Err(io_error(what(), error)),
        }
        // INVARIANT: the locked file is the one that the next writer will find
        // under this name; a replaced `LOCK` would let two writers in.
        let same = || -> std::io::Result<bool> {
            let (held, named) = (file.metadata()?, path.symlink_metadata()?);
            Ok((held.dev(), held.ino()) == (named.dev(), named.ino()))
        };
        if !same().map_err(|error| io_error(what(), error))? {
            return Err(LogError::Interfered { place: path.display().to_string() });
        }
        write_holder(&file).map_err(|error| io_error(what(), error))?;
        Ok(Self(file))
    }
}

impl Drop for DirLock {
    /// Empties the file; closing it releases the lock. The file stays, because
    /// removing it would race with the next writer.
    fn drop(&mut self) {
        // A stale name is harmless: it is shown only while the lock is held.
        drop(self.0.set_len(0));
    }
}

/// Who holds the lock, as the file says; it may be empty for an instant.
fn holder(mut file: File) -> String {
    let mut text = String::new();
    let read = (&mut file).take(512).read_to_string(&mut text);
    match text.lines().next() {
        Some(line) if read.is_ok() && !line.is_empty() => line.chars().filter(|c| !c.is_control()).collect(),
        _ => "another process".to_owned(),
    }
}

fn write_holder(mut file: &File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy();
    writeln!(file, "process {} on host {host}", std::process::id())
}
