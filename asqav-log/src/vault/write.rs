//! Adding entries to the vault: synced before the receipts that they open.

use asqav_core::log::LogError;
use asqav_receipt::commitment::Openings;
use asqav_receipt::id::LogId;
use zeroize::Zeroizing;

use super::entry::{SEAL_RANDOM_LEN, seal};
use super::header::{FileHeader, HEADER_LEN};
use super::key::VaultKey;
use super::{MAX_FILE_LEN, file_name, file_number};
use crate::error::{damaged, io_error};
use crate::names::VAULT;
use crate::storage::{Storage, StorageFile};

/// Appends entries to the newest file of the vault.
pub(crate) struct VaultWriter {
    key: VaultKey,
    log_id: [u8; 16],
    /// Numbers up to this one are taken.
    last_number: u64,
    /// The file of this writer; none before its first entry.
    open: Option<OpenFile>,
}

struct OpenFile {
    name: String,
    file: Box<dyn StorageFile>,
    len: u64,
    /// Whether something written is not synced.
    dirty: bool,
    /// Whether its name is durable.
    named: bool,
}

impl VaultWriter {
    /// Looks at the vault's files and checks that the newest was written under
    /// `key`.
    pub(crate) fn start(storage: &mut dyn Storage, key: VaultKey, log_id: LogId) -> Result<Self, LogError> {
        let listed = storage.list(VAULT).map_err(|error| io_error("listing `vault`", error))?;
        let files = listed.iter().filter_map(|entry| Some((file_number(&entry.name)?, entry)));
        let last = files.max_by_key(|(number, _)| *number);
        if let Some((number, _)) = last {
            check_key(storage, &path(number), &key)?;
        }
        let last_number = last.map_or(0, |(number, _)| number);
        Ok(Self { key, log_id: *log_id.as_bytes(), last_number, open: None })
    }

    /// Writes openings, each with the number of its receipt. Nothing happens if
    /// there are none.
    pub(crate) fn append<'a>(
        &mut self,
        storage: &mut dyn Storage,
        openings: impl Iterator<Item = (u64, Option<&'a Openings>)> + Clone,
    ) -> Result<(), LogError> {
        let mut bytes = Vec::new();
        let opened = openings.filter_map(|(seq, openings)| Some((seq, openings?)));
        // One system call for all of them.
        let mut random = Zeroizing::new(vec![[0; SEAL_RANDOM_LEN]; opened.clone().count()]);
        getrandom::fill(random.as_flattened_mut()).map_err(|error| {
            io_error("drawing the keys of vault entries", std::io::Error::other(error.to_string()))
        })?;
        for ((seq, openings), random) in opened.zip(random.iter()) {
            let sealed = seal(&self.key, &self.log_id, seq, openings, random)
                .ok_or_else(|| damaged(format!("openings of receipt {seq}"), "too long"))?;
            bytes.extend_from_slice(&sealed);
        }
        if bytes.is_empty() { Ok(()) } else { self.write(storage, &bytes) }
    }

    /// Makes what was written durable.
    pub(crate) fn sync(&mut self, storage: &mut dyn Storage) -> Result<(), LogError> {
        let Some(open) = &mut self.open else { return Ok(()) };
        if open.dirty {
            open.file.sync().map_err(|error| io_error(format!("syncing `{}`", open.name), error))?;
            open.dirty = false;
        }
        if !open.named {
            storage.sync_dir(VAULT).map_err(|error| io_error("syncing `vault`", error))?;
            open.named = true;
        }
        Ok(())
    }

    fn write(&mut self, storage: &mut dyn Storage, bytes: &[u8]) -> Result<(), LogError> {
        if self.open.as_ref().is_none_or(|open| open.len > MAX_FILE_LEN) {
            self.sync(storage)?;
            self.begin_file(storage)?;
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        let io = |what: &str, error| io_error(format!("{what} `{}`", open.name), error);
        if open.file.present_len().map_err(|error| io("looking at", error))? != Some(open.len) {
            return Err(LogError::Interfered { place: open.name.clone() });
        }
        open.dirty = true;
        open.file.append(bytes).map_err(|error| io("writing", error))?;
        open.len += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    fn begin_file(&mut self, storage: &mut dyn Storage) -> Result<(), LogError> {
        let name = path(self.last_number + 1);
        let io = |error| io_error(format!("making `{name}`"), error);
        let mut file = storage.create(&name).map_err(io)?;
        let header = FileHeader::new(self.log_id, &self.key).to_bytes();
        file.append(&header).map_err(io)?;
        self.last_number += 1;
        let len = u64::try_from(header.len()).unwrap_or(u64::MAX);
        self.open = Some(OpenFile { name, file, len, dirty: true, named: false });
        Ok(())
    }
}

/// Refuses to go on under another key than that of the file at `path`. A file
/// that a crash left without a header says nothing.
fn check_key(storage: &mut dyn Storage, path: &str, key: &VaultKey) -> Result<(), LogError> {
    let bytes =
        storage.read(path, 0, HEADER_LEN).map_err(|error| io_error(format!("reading `{path}`"), error))?;
    if FileHeader::parse(&bytes).is_none_or(|header| header.is_under(key)) {
        return Ok(());
    }
    Err(damaged(path, "it was written under another vault key"))
}

fn path(number: u64) -> String {
    format!("{VAULT}/{}", file_name(number))
}
