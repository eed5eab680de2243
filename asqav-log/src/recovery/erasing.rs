//! Which erasures the last writer began and did not record.

use asqav_core::log::LogError;

use super::listing::Listing;
use super::mirrored::link_to;
use crate::storage::Storage;
use crate::tip::Tip;
use crate::vault::Erasures;

/// Reads `erasing.json`. An erasure whose receipt stands in the log is done:
/// the keys were destroyed before the receipt was written.
pub(super) fn read(storage: &mut dyn Storage, listing: &Listing, tip: &Tip) -> Result<Erasures, LogError> {
    let newest = tip.head.map_or(0, |head| head.seq);
    Erasures::read(storage, newest, |storage, erasing| {
        let link = match tip.head {
            Some(head) if head.seq == erasing.seq => Some(head.link),
            Some(head) if head.seq > erasing.seq => link_to(storage, listing, erasing.seq)?,
            _ => None,
        };
        Ok(link.and_then(|link| link.sha3) != Some(erasing.link))
    })
}
