//! Digests of whole files, taken while they are read: what an import binds.

use std::io::{self, Read};

use asqav_receipt::digest::{Sha3Digest, Sha256Digest};
use sha2::Digest as _;

/// A file's length and digests, in both hash families.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileDigest {
    /// Its length, bytes.
    pub len: u64,
    /// SHA-256 of its bytes.
    pub sha256: Sha256Digest,
    /// SHA3-256 of its bytes.
    pub sha3: Sha3Digest,
}

/// What a segment's files held when they were verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SegmentDigests {
    /// The segment's number, by its files' names.
    pub number: u64,
    /// `segment-NNNNN.log`, if it is there.
    pub log: Option<FileDigest>,
    /// `segment-NNNNN.sig.json`, if it is there.
    pub header: Option<FileDigest>,
}

/// Passes a file on and hashes what passes.
pub(super) struct Tee<R> {
    inner: R,
    /// `None`: nothing is hashed.
    running: Option<Running>,
}

#[derive(Default)]
struct Running {
    len: u64,
    sha256: sha2::Sha256,
    sha3: sha3::Sha3_256,
}

impl<R: Read> Tee<R> {
    pub(super) fn new(inner: R, hashing: bool) -> Self {
        Self { inner, running: hashing.then(Running::default) }
    }

    /// The digests of the whole file, whatever of it was asked for; `None` if
    /// nothing is hashed.
    pub(super) fn finish(mut self) -> io::Result<Option<FileDigest>> {
        if self.running.is_some() {
            io::copy(&mut self, &mut io::sink())?;
        }
        Ok(self.running.map(|running| FileDigest {
            len: running.len,
            sha256: Sha256Digest::from_bytes(running.sha256.finalize().into()),
            sha3: Sha3Digest::from_bytes(running.sha3.finalize().into()),
        }))
    }
}

impl<R: Read> Read for Tee<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if let Some(running) = &mut self.running {
            let bytes = buffer.get(..read).unwrap_or_default();
            running.len += u64::try_from(read).unwrap_or_default();
            running.sha256.update(bytes);
            running.sha3.update(bytes);
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_the_whole_file_whatever_was_read_of_it() {
        let mut tee = Tee::new(&b"the whole"[..], true);
        let mut first = [0; 3];
        tee.read_exact(&mut first).unwrap();
        let digest = tee.finish().unwrap().unwrap();
        assert_eq!(digest.len, 9);
        assert_eq!(digest.sha256, Sha256Digest::of(b"the whole"));
        assert_eq!(digest.sha3, Sha3Digest::of(b"the whole"));
        assert_eq!(Tee::new(&b"x"[..], false).finish().unwrap(), None);
    }
}
