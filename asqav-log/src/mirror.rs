//! The head of the log, mirrored to a place outside the log's directory.
//!
//! Whoever can change the log directory can cut off the newest receipts, and
//! the rest verifies. Against that the writer keeps the head's number and links
//! elsewhere, and refuses to go on with a log that ends before its mirror or
//! holds another receipt there.
//!
//! With [`Durability::Durable`] the mirror is written and synced after each
//! group commit, before the receipts are acknowledged: one more sync for each
//! group commit. With [`Durability::Written`] it is written when a segment is
//! sealed and at most once a second, always after the log itself was synced.
//! The mirror is thus never ahead of what a power failure leaves; it may be
//! behind. A mirror that does not exist is made: deleting it takes the
//! protection away, so keep it where the log's writer cannot be impersonated.
//!
//! [`Durability::Durable`]: asqav_core::log::Durability::Durable
//! [`Durability::Written`]: asqav_core::log::Durability::Written

use std::path::Path;

use asqav_core::log::LogError;
use asqav_receipt::checkpoint::HeadMirror;

use crate::error::{damaged, io_error};
use crate::names::unfinished_name;
use crate::storage::{FsStorage, Storage};
use crate::tip::Tip;

/// A mirror is never longer than this, bytes.
const MAX_LEN: usize = 4_096;

/// One file that holds a [`HeadMirror`].
pub(crate) struct Mirror {
    storage: Box<dyn Storage>,
    name: String,
    /// The receipt that it names.
    seq: Option<u64>,
}

impl Mirror {
    /// The file at `path`; its folder has to exist.
    pub(crate) fn at(path: &Path) -> Self {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        Self::on(Box::new(FsStorage::new(folder.unwrap_or_else(|| Path::new(".")))), name.unwrap_or_default())
    }

    /// The file `name` in `storage`.
    pub(crate) const fn on(storage: Box<dyn Storage>, name: String) -> Self {
        Self { storage, name, seq: None }
    }

    /// What the mirror says; `None` if there is none yet.
    pub(crate) fn read(&mut self) -> Result<Option<HeadMirror>, LogError> {
        let bytes = match self.storage.read(&self.name, 0, MAX_LEN) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error(format!("reading the head mirror `{}`", self.name), error)),
        };
        match HeadMirror::parse(&bytes) {
            Some(mirror) => Ok(Some(mirror)),
            None => Err(damaged(format!("the head mirror `{}`", self.name), "it is not a head mirror")),
        }
    }

    /// Mirrors the head of `tip`, which is durable, unless the mirror says so
    /// already.
    pub(crate) fn update(&mut self, tip: &Tip) -> Result<(), LogError> {
        let Some(head) = tip.head.filter(|head| self.seq != Some(head.seq)) else { return Ok(()) };
        let Some(sha3) = head.link.sha3 else { return Ok(()) };
        let mirror = HeadMirror { log_id: tip.log_id, seq: head.seq, sha256: head.link.sha256, sha3 };
        let unfinished = unfinished_name(&self.name);
        let mut write = || -> std::io::Result<()> {
            if self.seq.is_none() {
                // A crash may have left it.
                match self.storage.remove(&unfinished) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            let mut file = self.storage.create(&unfinished)?;
            file.append(&mirror.to_file())?;
            file.sync()?;
            self.storage.rename(&unfinished, &self.name)
        };
        write().map_err(|error| io_error(format!("writing the head mirror `{}`", self.name), error))?;
        self.seq = Some(head.seq);
        Ok(())
    }
}
