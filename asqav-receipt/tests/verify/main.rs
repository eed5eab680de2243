//! What verification accepts, and everything that it must not.
//!
//! Each rule and each known mistake has a test that breaks it, next to the
//! twin that keeps it and is verified.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may end here, and says what it skips"
)]

#[path = "../support/mod.rs"]
mod support;

#[cfg(feature = "foreign-formats")]
mod acta;
#[cfg(feature = "anchors")]
mod anchors;
mod batch_lines;
mod batches;
mod checkpoints;
mod disclosures;
mod dsse;
mod evidence;
mod log_deleted;
mod log_end;
mod log_headers;
mod log_meaning;
mod log_tampering;
mod mistakes;
mod native;
mod proofs;
mod run;

use asqav_receipt::verify::{FailureClass, LogReport, ReasonCode, Report, Verdict};

/// A report on a receipt or on a log.
trait Verdicts: std::fmt::Debug {
    fn verdict(&self) -> Verdict;
    fn reason(&self) -> Option<ReasonCode>;

    #[track_caller]
    fn verified(&self) {
        assert_eq!(self.verdict(), Verdict::Verified, "{self:#?}");
    }

    #[track_caller]
    fn invalid(&self, reason: ReasonCode) {
        assert_eq!(self.reason(), Some(reason), "{self:#?}");
        assert_eq!(self.verdict(), Verdict::Unverified(FailureClass::Invalid), "{self:#?}");
    }

    #[track_caller]
    fn not_verified(&self) {
        assert!(self.verdict().failure_class().is_some(), "{self:#?}");
    }

    #[track_caller]
    fn unverifiable(&self, reason: ReasonCode) {
        assert_eq!(self.reason(), Some(reason), "{self:#?}");
        assert_eq!(self.verdict(), Verdict::Unverified(FailureClass::Unverifiable), "{self:#?}");
    }
}

impl Verdicts for Report {
    fn verdict(&self) -> Verdict {
        self.verdict
    }
    fn reason(&self) -> Option<ReasonCode> {
        self.reason_code
    }
}

impl Verdicts for LogReport {
    fn verdict(&self) -> Verdict {
        self.verdict
    }
    fn reason(&self) -> Option<ReasonCode> {
        self.reason_code
    }
}
