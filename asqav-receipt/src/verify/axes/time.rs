//! `skew` and `expiry`: the claimed times, judged by the caller's clock.

use crate::json::Json;
use crate::time::Timestamp;
use crate::verify::finding::Finding;
use crate::verify::reason::ReasonCode;
use crate::verify::stamp;
use crate::verify::subject::Subject;

/// How far a claimed time may lie ahead, in microseconds.
pub(in crate::verify) const MAX_SKEW_MICROS: i64 = 300 * 1_000_000;

/// Judges the claimed time of issue.
pub(in crate::verify) fn skew(subject: &Subject<'_>, at: Option<Timestamp>) -> Finding {
    let Some(issued_at) = subject.issued_at().and_then(stamp::read) else {
        return Finding::fail(ReasonCode::MalformedTime, "the time of issue cannot be read");
    };
    let Some(at) = at else {
        return Finding::skip(ReasonCode::NoEvaluationTime, "no evaluation time was given");
    };
    let ahead = issued_at.unix_micros() - at.unix_micros();
    if ahead > MAX_SKEW_MICROS {
        let note = format!("claims to be issued {} s after the evaluation time", ahead / 1_000_000);
        return Finding::fail(ReasonCode::InTheFuture, note);
    }
    Finding::pass(format!("claims {issued_at}, judged at {at}"))
}

/// Judges the receipt's own end of validity.
pub(in crate::verify) fn expiry(subject: &Subject<'_>, at: Option<Timestamp>) -> Finding {
    let Some(value) = subject.payload().get("expires_at") else {
        return Finding::pass("declares no expiry");
    };
    // Unreadable is not "never".
    let Some(end) = value.as_str().and_then(stamp::read) else {
        return Finding::fail(ReasonCode::MalformedTime, "`expires_at` cannot be read");
    };
    match at {
        None => Finding::skip(
            ReasonCode::NoEvaluationTime,
            format!("expires at {end}; no evaluation time was given"),
        ),
        Some(at) if end < at => Finding::fail(ReasonCode::Expired, format!("expired at {end}")),
        Some(_) => Finding::pass(format!("expires at {end}")),
    }
}

/// Whether two timestamps name the same instant, or are the same text.
pub(in crate::verify) fn same_instant(one: &Json, other: &Json) -> bool {
    if one == other && one.as_str().is_some() {
        return true;
    }
    let read = |value: &Json| value.as_str().and_then(stamp::read);
    read(one).is_some() && read(one) == read(other)
}
