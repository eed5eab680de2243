//! Files that say what is about to be destroyed: the receipts that record it,
//! signed and on their own, one a line.
//!
//! The next start finishes what such a file says and, of erasures, signs for
//! it. So nothing counts in it but what the gate signed: who can write the log
//! directory and nothing more cannot have something destroyed in its name.

use std::io::BufReader;
use std::sync::Arc;

use asqav_core::log::{LogEntry, LogError};
use asqav_receipt::id::LogId;
use asqav_receipt::payload::Payload;
use asqav_receipt::receipt::{ReceiptSignature, parse_receipt, portable};

use crate::error::{damaged, io_error};
use crate::keyring::Keyring;
use crate::lines::{Lines, MAX_LINE_LEN, Piece};
use crate::storage::{FileReader, Storage, sync_names, write_whole};
use crate::tip::Tip;

/// So many receipts can be under way.
const MAX_ANNOUNCED: usize = 1 << 16;

/// A receipt that is announced before it is in the log.
#[derive(Debug, Clone)]
pub(crate) struct Announced {
    pub(crate) payload: Arc<Payload>,
    /// The receipt on its own.
    receipt: Vec<u8>,
}

/// Whose receipts count.
pub(crate) struct Issuer<'a> {
    /// The log; `None` if it has no receipt, so that none can be about it.
    log_id: Option<LogId>,
    keys: &'a Keyring<'a>,
}

impl<'a> Issuer<'a> {
    /// Whoever wrote the log that ends with `tip`.
    pub(crate) fn of(tip: &Tip, keys: &'a Keyring<'a>) -> Self {
        Self { log_id: tip.head.map(|_| tip.log_id), keys }
    }
}

impl Announced {
    pub(crate) fn of(entry: &LogEntry) -> Self {
        let receipt = portable(&entry.canonical, &entry.signature);
        Self { payload: Arc::clone(&entry.payload), receipt }
    }

    fn parse(piece: &Piece<'_>, issuer: &Issuer<'_>) -> Result<Self, String> {
        if !piece.complete || piece.bytes.len() > MAX_LINE_LEN {
            return Err("it is not one complete receipt".to_owned());
        }
        let (json, signature) = parse_receipt(piece.bytes).map_err(|error| error.to_string())?;
        let payload = Payload::from_json(&json).map_err(|error| error.to_string())?;
        let canonical = payload.to_canonical();
        let receipt = portable(&canonical, &signature);
        if receipt != piece.bytes {
            return Err("its derived members do not follow from the others".to_owned());
        }
        if issuer.log_id.is_some_and(|log_id| log_id != payload.asqav.log_id) {
            return Err("it is a receipt of another log".to_owned());
        }
        let thumbprint = &payload.key_thumbprint;
        match &signature {
            ReceiptSignature::Own(signature) => issuer.keys.check(thumbprint, &canonical, signature)?,
            ReceiptSignature::Batched(batched) => {
                let root = batched.root_over(&payload, &canonical).ok_or("its path leads to no root")?;
                issuer.keys.check(thumbprint, &root.signing_bytes(), &batched.root)?;
            }
        }
        Ok(Self { payload: Arc::new(payload), receipt })
    }
}

/// What the file `name` announces; `None` if there is no such file.
///
/// # Errors
/// [`LogError::Damaged`] for anything in it that is no receipt by `issuer`.
pub(crate) fn read(
    storage: &mut dyn Storage,
    name: &str,
    issuer: &Issuer<'_>,
) -> Result<Option<Vec<Announced>>, LogError> {
    let listed = storage.list("").map_err(|error| io_error("listing the log directory", error))?;
    let Some(entry) = listed.into_iter().find(|entry| entry.name == name) else { return Ok(None) };
    if entry.file_len.is_none() {
        return Err(damaged(name, "it is no regular file"));
    }
    let source = FileReader { storage, name, offset: 0 };
    let mut lines = Lines::new(BufReader::with_capacity(1 << 16, source));
    let mut announced = Vec::new();
    while let Some(piece) =
        lines.next_piece().map_err(|error| io_error(format!("reading `{name}`"), error))?
    {
        let place = || format!("{name}, line {}", piece.number);
        if announced.len() == MAX_ANNOUNCED {
            return Err(damaged(place(), "there are more than can be under way"));
        }
        announced.push(Announced::parse(&piece, issuer).map_err(|why| damaged(place(), why))?);
    }
    Ok(Some(announced))
}

/// Makes the file `name` announce exactly `receipts`, durably.
pub(crate) fn write<'a>(
    storage: &mut dyn Storage,
    name: &str,
    receipts: impl Iterator<Item = &'a Announced>,
) -> Result<(), LogError> {
    let (mut file, mut count) = (Vec::new(), 0);
    for announced in receipts {
        file.extend_from_slice(&announced.receipt);
        file.push(b'\n');
        count += 1;
    }
    if count > MAX_ANNOUNCED {
        return Err(damaged(name, "more is under way than it may name"));
    }
    write_whole(storage, name, &file)
}

/// Nothing is under way any more: removes the file `name`, durably.
pub(crate) fn remove(storage: &mut dyn Storage, name: &str) -> Result<(), LogError> {
    storage.remove(name).map_err(|error| io_error(format!("removing `{name}`"), error))?;
    sync_names(storage)
}
