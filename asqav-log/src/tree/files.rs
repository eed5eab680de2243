//! The arrays as files, read a few records at a time.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::reader::ReadError;
use crate::regular;

/// Files below a log directory, each opened once.
#[derive(Debug)]
pub(super) struct Files {
    dir: PathBuf,
    open: BTreeMap<String, File>,
    read: u64,
}

impl Files {
    pub(super) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), open: BTreeMap::new(), read: 0 }
    }

    /// How many bytes were read.
    pub(super) const fn bytes_read(&self) -> u64 {
        self.read
    }

    /// The length of the file `name`, bytes; 0 if there is none.
    pub(super) fn len(&mut self, name: &str) -> Result<u64, ReadError> {
        let path = self.dir.join(name);
        match self.file(name) {
            Ok(file) => {
                file.metadata().map(|found| found.len()).map_err(|source| ReadError::Io { path, source })
            }
            Err(ReadError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Up to `len` bytes of the file `name` from `offset` on.
    pub(super) fn read(&mut self, name: &str, offset: u64, len: usize) -> Result<Vec<u8>, ReadError> {
        let path = self.dir.join(name);
        let mut file = self.file(name)?;
        let mut bytes = Vec::with_capacity(len);
        let limit = u64::try_from(len).unwrap_or(u64::MAX);
        file.seek(SeekFrom::Start(offset))
            .and_then(|_| file.take(limit).read_to_end(&mut bytes))
            .map_err(|source| ReadError::Io { path, source })?;
        self.read += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(bytes)
    }

    fn file(&mut self, name: &str) -> Result<&File, ReadError> {
        use std::collections::btree_map::Entry;
        match self.open.entry(name.to_owned()) {
            Entry::Occupied(open) => Ok(open.into_mut()),
            Entry::Vacant(free) => Ok(free.insert(regular::open(&self.dir, name)?.0)),
        }
    }
}
