//! `anchors`: time proven from outside.
//!
//! The presence of an anchor proves nothing, and neither does its own word
//! that it is `pending`. Tokens are not evaluated yet, so that this axis never
//! passes.

use crate::base64url;
use crate::json::{Json, Object};
use crate::verify::finding::Finding;
use crate::verify::reason::ReasonCode;
use crate::verify::subject::text;

/// Judges the member `anchors`.
pub(in crate::verify) fn check(raw: &Object) -> Finding {
    let entries = match raw.get("anchors") {
        None | Some(Json::Null) => {
            return Finding::skip(ReasonCode::NotAnchored, "no anchors on this receipt");
        }
        Some(Json::Array(entries)) if entries.is_empty() => {
            return Finding::skip(ReasonCode::NotAnchored, "no anchors on this receipt");
        }
        Some(Json::Array(entries)) => entries,
        Some(_) => return Finding::fail(ReasonCode::MalformedAnchor, "`anchors` is not an array"),
    };
    for (at, entry) in entries.iter().enumerate() {
        let value = entry.as_object().and_then(|entry| text(entry, "value")).and_then(base64url::decode_any);
        if value.is_none_or(|bytes| bytes.is_empty()) {
            return Finding::fail(ReasonCode::MalformedAnchor, format!("anchor {at} has no readable value"));
        }
    }
    Finding::skip(
        ReasonCode::AnchorUnchecked,
        format!("{} anchors present, none of them proven", entries.len()),
    )
}
