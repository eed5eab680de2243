//! What the writer asks of a disk: a trait small enough to lie.
//!
//! [`FsStorage`] is a directory. Tests put a simulated disk in its place that
//! loses what was not synced, fails, fills up and stops at any operation;
//! recovery then runs through these same few methods.
//!
//! Names are relative to the log directory, e.g. `segment-00000001.log` or
//! `vault/openings-00000001.bin`. What is assumed of a disk is written down in
//! `docs/DURABILITY.md`.

mod fs;
mod lock;

use std::io;

use asqav_core::log::LogError;

use crate::error::io_error;
use crate::names::unfinished_name;

pub use fs::FsStorage;

/// A directory for one writer.
pub trait Storage: Send {
    /// Makes the directory, its `vault/` and its `tree/` if they are missing,
    /// and takes the exclusive lock, which holds until the guard is dropped.
    ///
    /// # Errors
    /// [`LogError::Locked`] with the holder's name, or [`LogError::Io`].
    fn lock(&mut self) -> Result<Guard, LogError>;

    /// The entries of the folder `dir`; `""` is the log directory.
    ///
    /// # Errors
    /// What the system says.
    fn list(&mut self, dir: &str) -> io::Result<Vec<Entry>>;

    /// Up to `len` bytes of the file `name` from `offset` on; fewer only at
    /// its end. Follows no symbolic link.
    ///
    /// # Errors
    /// What the system says.
    fn read(&mut self, name: &str, offset: u64, len: usize) -> io::Result<Vec<u8>>;

    /// Makes the empty file `name`, readable by its owner only.
    ///
    /// # Errors
    /// What the system says; `AlreadyExists` if the name is taken.
    fn create(&mut self, name: &str) -> io::Result<Box<dyn StorageFile>>;

    /// The existing file `name`, to append to it.
    ///
    /// # Errors
    /// What the system says.
    fn open(&mut self, name: &str) -> io::Result<Box<dyn StorageFile>>;

    /// Writes `bytes` over what the existing file `name` holds at each of
    /// `offsets`, all within its length, and makes that durable.
    ///
    /// # Errors
    /// What the system says; some of it may then be done.
    fn overwrite(&mut self, name: &str, offsets: &[u64], bytes: &[u8]) -> io::Result<()>;

    /// Gives the file `from` the name `to`, replacing what had it, in one step.
    ///
    /// # Errors
    /// What the system says.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;

    /// Cuts the file `name` down to its first `len` bytes.
    ///
    /// Only files of derived data are cut: after a crash it may be undone.
    ///
    /// # Errors
    /// What the system says.
    fn truncate(&mut self, name: &str, len: u64) -> io::Result<()>;

    /// Removes the file `name`.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&mut self, name: &str) -> io::Result<()>;

    /// Makes the names in the folder `dir` durable; `""` is the log directory.
    ///
    /// # Errors
    /// What the system says.
    fn sync_dir(&mut self, dir: &str) -> io::Result<()>;
}

/// A file that one writer appends to.
pub trait StorageFile: Send {
    /// Adds all of `bytes` at the end.
    ///
    /// # Errors
    /// What the system says; some of the bytes may then be there.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes the content durable (`fdatasync`). After an error the content is
    /// unknown and the file is never synced again.
    ///
    /// # Errors
    /// What the system says.
    fn sync(&mut self) -> io::Result<()>;

    /// The file's present length, or `None` if its name leads elsewhere or
    /// nowhere by now.
    ///
    /// # Errors
    /// What the system says.
    fn present_len(&mut self) -> io::Result<Option<u64>>;
}

/// Holds the lock of a directory until it is dropped.
pub type Guard = Box<dyn Send>;

/// One entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "simulated disks build it")]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its length in bytes; `None` for anything but a regular file (symbolic
    /// links are not followed).
    pub file_len: Option<u64>,
}

/// Writes the file `name` so that after a crash it is there as a whole or, if
/// it was there before, as it was.
pub(crate) fn write_whole(storage: &mut dyn Storage, name: &str, bytes: &[u8]) -> Result<(), LogError> {
    let unfinished = unfinished_name(name);
    let io = |what: &str, error| io_error(format!("{what} `{name}`"), error);
    let mut file = storage.create(&unfinished).map_err(|error| io("making", error))?;
    file.append(bytes).map_err(|error| io("writing", error))?;
    file.sync().map_err(|error| io("syncing", error))?;
    storage.rename(&unfinished, name).map_err(|error| io("naming", error))?;
    sync_names(storage)
}

/// Makes the names in the log directory durable.
pub(crate) fn sync_names(storage: &mut dyn Storage) -> Result<(), LogError> {
    storage.sync_dir("").map_err(|error| io_error("syncing the log directory", error))
}

/// A file as a stream.
pub(crate) struct FileReader<'a> {
    /// Where it lies.
    pub(crate) storage: &'a mut dyn Storage,
    /// Its name.
    pub(crate) name: &'a str,
    /// What is read next, bytes from its start.
    pub(crate) offset: u64,
}

impl io::Read for FileReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.storage.read(self.name, self.offset, buffer.len())?;
        if let Some(part) = buffer.get_mut(..bytes.len()) {
            part.copy_from_slice(&bytes);
        }
        self.offset += u64::try_from(bytes.len()).map_err(io::Error::other)?;
        Ok(bytes.len())
    }
}
