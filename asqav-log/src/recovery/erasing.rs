//! Which erasures the last writer began and did not record.

use asqav_core::log::LogError;

use super::listing::Listing;
use super::mirrored::is_in_log;
use crate::journal::Issuer;
use crate::keyring::Keyring;
use crate::storage::Storage;
use crate::tip::Tip;
use crate::unsigned::journal::Left;
use crate::vault::Erasures;

/// Reads `erasing.jsonl`. An erasure whose receipt stands in the log is done:
/// the keys were destroyed before the receipt was written.
pub(super) fn read(
    storage: &mut dyn Storage,
    listing: &Listing,
    tip: &Tip,
    left: &Left,
    keys: &Keyring<'_>,
) -> Result<(Erasures, bool), LogError> {
    // What is journaled is going to be in the log.
    let newest = left.newest().unwrap_or(tip.next_seq() - 1);
    Erasures::read(storage, &Issuer::of(tip, keys), newest, |storage, announced| {
        Ok(!is_in_log(storage, listing, tip, announced)?)
    })
}
