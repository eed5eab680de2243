//! Opening files of a directory that somebody else may write to.

use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};

use crate::reader::ReadError;

/// Opens the regular file `name` of `dir`, not what a link leads to.
pub(crate) fn open(dir: &Path, name: &str) -> Result<(File, PathBuf), ReadError> {
    let path = dir.join(name);
    let opened = fs::symlink_metadata(&path).and_then(|named| {
        // Opening a pipe would wait for its writer.
        if !named.is_file() {
            return Ok(None);
        }
        let file = File::open(&path)?;
        let same = is_same(&named, &file.metadata()?);
        Ok(same.then_some(file))
    });
    match opened {
        Ok(Some(file)) => Ok((file, path)),
        Ok(None) => Err(ReadError::NotAFile { path }),
        Err(source) => Err(ReadError::Io { path, source }),
    }
}

#[cfg(unix)]
fn is_same(named: &Metadata, opened: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (named.dev(), named.ino()) == (opened.dev(), opened.ino())
}

#[cfg(not(unix))]
fn is_same(_: &Metadata, opened: &Metadata) -> bool {
    opened.is_file()
}
