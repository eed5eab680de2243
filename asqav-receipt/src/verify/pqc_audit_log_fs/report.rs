//! The verdict on such a log.

use super::NAME;
use crate::digest::encode_hex;
use crate::json::{Json, Object};
use crate::verify::reason::ReasonCode;
use crate::verify::report::{AxisReport, Head, Problem, Verdict, report_json};

/// What verification of a pqc-audit-log-fs log found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is unverified: the first problem of the verdict's class.
    pub reason_code: Option<ReasonCode>,
    /// How many events the sealed segments hold.
    pub events: u64,
    /// All fifteen axes, each over all segments; those that the format has
    /// nothing for say so.
    pub axes: Vec<AxisReport>,
    /// Every falsehood found, up to 1,000; what could not be checked, and
    /// remarks, once each. The notes name the file and the line.
    pub problems: Vec<Problem>,
    /// How many falsehoods are not listed.
    pub problems_omitted: u64,
    /// What a verdict of this report does not cover.
    pub not_checked: Vec<String>,
    /// The log's id, as its first header claims it.
    pub log_id: Option<String>,
    /// The segments with a header that could be read, in order.
    pub segments: Vec<SegmentReport>,
}

/// What was found about one sealed segment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SegmentReport {
    /// Its number, by its file's name.
    pub number: u64,
    /// How many lines were read as events.
    pub events: u64,
    /// `sealed_at`, as the header claims it.
    pub sealed_at: String,
    /// `signer_did`, which is not signed.
    pub signer_did: String,
    /// `algorithm`, which is not signed.
    pub labelled: String,
    /// What the key and the signature really are; `None` if unknown here.
    pub algorithm: Option<&'static str>,
    /// Whether the signature is that key's over this header.
    pub signature_valid: bool,
    /// Whether the caller pinned that key.
    pub pinned: bool,
    /// The signed root.
    pub merkle_root: [u8; 32],
    /// Whether the segment's events lead to it.
    pub root_matches: bool,
    /// How many things about this segment were shown to be false.
    pub falsehoods: usize,
}

impl SegmentReport {
    /// Whether the signature is an ML-DSA one, whatever its label says.
    #[must_use]
    pub fn is_post_quantum(&self) -> bool {
        self.algorithm == Some(crate::suite::ML_DSA_65.name)
    }

    fn to_json(&self) -> Json {
        let mut object = Object::new();
        object.set("number", Json::count(self.number));
        object.set("events", Json::count(self.events));
        object.set("sealed_at", self.sealed_at.as_str());
        object.set("signer_did", self.signer_did.as_str());
        object.set("labelled", self.labelled.as_str());
        object.set("algorithm", self.algorithm.map_or(Json::Null, Json::from));
        object.set("signature_valid", self.signature_valid);
        object.set("pinned", self.pinned);
        object.set("merkle_root", encode_hex(&self.merkle_root));
        object.set("root_matches", self.root_matches);
        Json::Object(object)
    }
}

impl Report {
    /// The newest signed root.
    #[must_use]
    pub fn newest_root(&self) -> Option<[u8; 32]> {
        self.segments.last().map(|segment| segment.merkle_root)
    }

    /// The report as `verify --json` prints it: the members of
    /// [`LogReport::to_json`](crate::verify::LogReport::to_json) (`receipts` is
    /// 0: the log holds events), and `format`, `events`, `log_id`, `signed`.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let head = Head {
            verdict: self.verdict,
            reason_code: self.reason_code,
            receipts: 0,
            segments: u64::try_from(self.segments.len()).unwrap_or(u64::MAX),
        };
        let mut json = report_json(&head, &self.axes, &self.problems, &self.not_checked);
        if let Json::Object(object) = &mut json {
            object.set("format", NAME);
            object.set("events", Json::count(self.events));
            object.set("log_id", self.log_id.as_deref().map_or(Json::Null, Json::from));
            let signed = self.segments.iter().map(SegmentReport::to_json).collect();
            object.set("signed", Json::Array(signed));
        }
        json
    }
}
