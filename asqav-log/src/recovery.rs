//! Opening a log that somebody wrote before: the heart of crash safety.
//!
//! Recovery reads the newest header and the open segment only, whatever the
//! log's size, and repairs what a crash explains through the same functions
//! that write:
//!
//! - A file that was not finished (`….tmp`) is removed.
//! - Bytes after the last complete, valid line of the open segment are set
//!   aside into `torn-<seq>.bin`, if no line feed follows in them but those of
//!   a batch whose last line, which has the signature, did not get there. They
//!   are reported until a receipt follows receipt `<seq>`, and the gate's
//!   recovery receipt names them.
//! - The valid lines of the open segment are copied into a new file, synced,
//!   and renamed over the old one: after a sync that failed, the old file's
//!   content in the page cache need not be on disk.
//! - Erasures that were under way are told apart by the log itself: those
//!   whose erasure receipt is not there are handed to the gate, which records
//!   one; the keys are then destroyed once more.
//! - Deletions that were under way are finished if their deletion receipt is
//!   in the log, and taken back if it is not.
//! - The journal is written anew, and so made durable, if it holds receipts
//!   that the last writer did not commit, before anything counts on them. The
//!   writer then signs and commits them; bytes that were set aside go by the
//!   last of them, because that is the one before the recovery receipt.
//! - The newest header is written again when no receipt follows it, for the
//!   same reason.
//!
//! Everything else is damage and nothing is touched: a complete line that
//! fails, a line feed anywhere after damage, a segment without header that is
//! not the newest, a missing or renumbered segment, another agent's or issuer's
//! log, a log behind its mirror.

mod deleting;
mod erasing;
mod listing;
mod mirrored;
mod repair;
mod scan;
mod sealed;

use asqav_core::log::{LogError, LogOwner, Unclean};
use asqav_receipt::checkpoint::HeadMirror;
use asqav_receipt::header::SignedHeader;

use crate::keyring::Keyring;
use crate::segment::OpenSegment;
use crate::storage::Storage;
use crate::tip::Tip;
use crate::unsigned::JournalKey;
use crate::unsigned::journal::{self, Left};
use crate::vault::Erasures;

use listing::Listing;
use repair::Found;
use scan::Scan;

/// Where a log stands, ready for its next receipt.
pub(crate) struct Recovered {
    /// Where the chain stands.
    pub(crate) tip: Tip,
    /// The open segment, if it holds a receipt.
    pub(crate) segment: Option<OpenSegment>,
    /// The header of the newest sealed segment.
    pub(crate) sealed: Option<SignedHeader>,
    /// What the last writer left behind.
    pub(crate) unclean: Option<Unclean>,
    /// Erasures without their erasure receipt.
    pub(crate) erasures: Erasures,
    /// What is journaled and not committed.
    pub(crate) left: Left,
    /// Whether there is a journal.
    pub(crate) journaled: bool,
}

/// Checks the newest part of the log, repairs what may be repaired, and tells
/// where it stands.
pub(crate) fn recover(
    storage: &mut dyn Storage,
    owner: &LogOwner,
    keys: &Keyring<'_>,
    mirror: Option<&HeadMirror>,
    journal_key: Option<&JournalKey>,
) -> Result<Recovered, LogError> {
    let listing = Listing::read(storage)?;
    let first = sealed::first_receipt(storage, &listing, owner)?;
    let mut tip = Tip::new(first.as_ref().map_or(owner.new_log_id, |first| first.log_id));
    let header = match listing.sealed {
        0 => None,
        number => Some(sealed::read(storage, &listing, number, first.as_ref(), keys, &mut tip)?),
    };
    let scan = match listing.open {
        Some(_) => scan::scan(storage, owner, keys, tip)?,
        None => Scan::nothing(tip),
    };
    if let Some(mirror) = mirror {
        mirrored::check(storage, &listing, &scan.tip, mirror)?;
    }
    let left = match listing.unsigned {
        true => journal::read(storage, owner, journal_key, scan.tip.clone())?,
        false => Left::default(),
    };
    let (erasures, all_recorded) = erasing::read(storage, &listing, &scan.tip, &left, keys)?;
    let found = Found { scan, header, erasures, left };
    let recovered = repair::repair(storage, &listing, found, journal_key)?;
    // INVARIANT: nothing is removed before the receipt that says so is durable,
    // which repairing makes it; nor what announced it.
    if all_recorded {
        Erasures::all_recorded(storage)?;
    }
    deleting::finish(storage, &listing, &recovered.tip, keys)?;
    Ok(recovered)
}
