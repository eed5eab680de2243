//! A file without a name, for what verification cannot keep in memory.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::{Mutex, PoisonError};

use asqav_receipt::verify::{Scratch, ScratchError};

/// A temporary file that is made when it is first needed, that nobody else can
/// open by a name, and that is gone with this value.
#[derive(Debug, Default)]
pub(super) struct TempFile(Mutex<Option<File>>);

impl TempFile {
    fn with<T>(&self, work: impl FnOnce(&mut File) -> io::Result<T>) -> Result<T, ScratchError> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let made = match file.take() {
            Some(file) => Ok(file),
            None => tempfile::tempfile(),
        };
        let failed = |error: io::Error| ScratchError::new(format!("a temporary file: {error}"));
        work(file.insert(made.map_err(failed)?)).map_err(failed)
    }
}

impl Scratch for TempFile {
    fn append(&self, bytes: &[u8]) -> Result<u64, ScratchError> {
        self.with(|file| {
            let offset = file.seek(SeekFrom::End(0))?;
            file.write_all(bytes)?;
            Ok(offset)
        })
    }

    fn read(&self, offset: u64, into: &mut [u8]) -> Result<(), ScratchError> {
        self.with(|file| {
            file.seek(SeekFrom::Start(offset))?;
            file.read_exact(into)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_what_it_was_given() {
        let file = TempFile::default();
        assert_eq!(file.append(b"one"), Ok(0));
        let mut read = [0; 2];
        file.read(1, &mut read).unwrap();
        assert_eq!(&read, b"ne");
        assert_eq!(file.append(b"two"), Ok(3), "behind what is there, wherever was read");
        file.read(2, &mut read).unwrap();
        assert_eq!(&read, b"et");
        assert!(file.read(5, &mut read).is_err(), "there are fewer bytes");
    }
}
