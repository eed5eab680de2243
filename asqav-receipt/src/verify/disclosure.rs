//! A receipt with the openings of some of its values.
//!
//! The receipt is judged like any other. An opening that is not what the
//! receipt commits to fails the axis of digests.

use super::finding::Finding;
use super::input::ReceiptInputs;
use super::reason::ReasonCode;
use super::report::{Axis, AxisResult, DisclosedText, Report};
use crate::disclosure::{DISCLOSURE_MEMBER, Disclosure};
use crate::json::{Json, Object};

/// The format's name in reports.
const NAME: &str = "asqav (disclosure)";

/// Whether this is a disclosure by its form.
pub(super) fn is_disclosure(raw: &Object) -> bool {
    raw.get(DISCLOSURE_MEMBER.0).is_some()
}

/// Judges a disclosure.
pub(super) fn verify(raw: &Object, inputs: &ReceiptInputs<'_>) -> Report {
    let unreadable =
        |note: String| super::unreadable(Finding::fail(ReasonCode::MalformedMember, note), NAME, inputs);
    let disclosure = match Disclosure::from_json(raw) {
        Ok(disclosure) => disclosure,
        Err(error) => return unreadable(error.to_string()),
    };
    let Some(receipt) = raw.get("receipt").and_then(Json::as_object) else {
        return unreadable("`receipt` is not an object".to_owned());
    };
    let mut report = super::verify_object(receipt, inputs);
    let opened = disclosure.check();
    for axis in report.axes.iter_mut().filter(|axis| axis.axis == Axis::PayloadDigest) {
        match &opened {
            Err(error) if axis.result != AxisResult::Fail => {
                *axis = Finding::fail(ReasonCode::OpeningDiffers, error.to_string()).on(Axis::PayloadDigest);
            }
            Ok(()) if axis.result == AxisResult::Pass => {
                axis.note = format!("{}; {} values opened", axis.note, disclosure.values.len());
            }
            _ => {}
        }
    }
    let keyed = report.verdict == super::Verdict::VerifiedKeyed;
    let mut report = super::fold(report.axes, report.subject, keyed, inputs);
    report.subject.format = NAME;
    if opened.is_ok() {
        let text = |opening: crate::commitment::Opening| DisclosedText {
            pointer: opening.pointer,
            value: opening.value,
        };
        report.disclosed = disclosure.values.into_iter().map(|value| text(value.opening)).collect();
    }
    report.not_checked.push("values: those of the receipt that are not disclosed".to_owned());
    report
}
