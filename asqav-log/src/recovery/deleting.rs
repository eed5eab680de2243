//! Which deletions the last writer began and did not finish.

use asqav_core::log::LogError;

use super::listing::Listing;
use super::mirrored::link_to;
use crate::error::io_error;
use crate::names::leaves_name;
use crate::retention::Deletions;
use crate::storage::{Storage, sync_names};
use crate::tip::Tip;

/// Goes by `deleting.json`. Leaf hashes beside a segment that it does not name
/// mean nothing: a failed sync brought back the one or the other.
pub(super) fn finish(storage: &mut dyn Storage, listing: &Listing, tip: &Tip) -> Result<(), LogError> {
    let deletions = Deletions::read(storage)?;
    let left: Vec<_> = listing.undeleted.iter().filter(|number| !deletions.names(**number)).collect();
    for number in &left {
        let name = leaves_name(**number);
        storage.remove(&name).map_err(|error| io_error(format!("removing `{name}`"), error))?;
    }
    if !left.is_empty() {
        sync_names(storage)?;
    }
    deletions.recover(storage, |storage, deleting| {
        let link = match tip.head {
            Some(head) if head.seq == deleting.seq => Some(head.link),
            Some(head) if head.seq > deleting.seq => link_to(storage, listing, deleting.seq)?,
            _ => None,
        };
        Ok(link.and_then(|link| link.sha3) == Some(deleting.link))
    })
}
