//! Which deletions the last writer began and did not finish.

use asqav_core::log::LogError;

use super::listing::Listing;
use super::mirrored::is_in_log;
use crate::error::io_error;
use crate::journal::Issuer;
use crate::keyring::Keyring;
use crate::names::leaves_name;
use crate::retention::Deletions;
use crate::storage::{Storage, sync_names};
use crate::tip::Tip;

/// Goes by `deleting.jsonl`. Leaf hashes beside a segment that it does not name
/// mean nothing: a failed sync brought back the one or the other.
pub(super) fn finish(
    storage: &mut dyn Storage,
    listing: &Listing,
    tip: &Tip,
    keys: &Keyring<'_>,
) -> Result<(), LogError> {
    let deletions = Deletions::read(storage, &Issuer::of(tip, keys))?;
    let left: Vec<_> = listing.undeleted.iter().filter(|number| !deletions.names(**number)).collect();
    for number in &left {
        let name = leaves_name(**number);
        storage.remove(&name).map_err(|error| io_error(format!("removing `{name}`"), error))?;
    }
    if !left.is_empty() {
        sync_names(storage)?;
    }
    deletions.recover(storage, |storage, announced| is_in_log(storage, listing, tip, announced))
}
