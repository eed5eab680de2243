//! The folder that a gate asks in.

use std::fs;
use std::path::Path;

use asqav_core::approval::ApprovalRequest;
use asqav_receipt::id::ActionId;

use crate::error::CliError;
use crate::input;

/// More requests than these are not listed at once.
const MAX_LISTED: usize = 1_000;

/// The end of a request's name, behind its receipt's id.
const SUFFIX: &str = ".request.json";

/// The requests, the oldest first; what is none is passed over.
pub(super) fn list(folder: &Path) -> Result<Vec<ApprovalRequest>, CliError> {
    let failed = |source| CliError::Read { path: folder.to_owned(), source };
    let mut ids = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let id = name.to_str().and_then(|name| ActionId::parse(name.strip_suffix(SUFFIX)?).ok());
        ids.extend(id);
    }
    ids.sort_unstable();
    ids.truncate(MAX_LISTED);
    // One that was answered meanwhile is gone.
    Ok(ids.into_iter().filter_map(|id| read(folder, id).ok()).collect())
}

/// The request about the receipt `id`.
pub(super) fn read(folder: &Path, id: ActionId) -> Result<ApprovalRequest, CliError> {
    let path = folder.join(format!("{id}{SUFFIX}"));
    let not = |why: String| CliError::NotA { path: path.clone(), expected: "a request for an approval", why };
    let failed = |source| CliError::Read { path: path.clone(), source };
    // Not through a link, and not from a pipe that never ends.
    if !fs::symlink_metadata(&path).map_err(failed)?.is_file() {
        return Err(not("it is no file".to_owned()));
    }
    let bytes = input::read(&path)?;
    let request = ApprovalRequest::from_json(&bytes).map_err(|error| not(error.to_string()))?;
    if request.receipt != id {
        return Err(not("it is about another receipt than its name says".to_owned()));
    }
    // What is not shown is not approved.
    if request.to_json() != bytes {
        return Err(not("it holds more than is known here, or is not canonical JSON".to_owned()));
    }
    Ok(request)
}
