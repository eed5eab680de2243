//! Verdicts, and the evidence for them.

use super::reason::ReasonCode;
use crate::digest::Sha256Digest;
use crate::json::{Json, Object};

/// What verification says about a receipt or a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a caller must tell the three apart")]
pub enum Verdict {
    /// No axis failed, and none that matters was skipped.
    Verified,
    /// As [`Verdict::Verified`], with a payload digest that only its keyholder
    /// can recompute.
    VerifiedKeyed,
    /// Not verified, because of this.
    Unverified(FailureClass),
}

impl Verdict {
    /// `verified`, `verified_keyed` or `unverified`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::VerifiedKeyed => "verified_keyed",
            Self::Unverified(_) => "unverified",
        }
    }

    /// Why it is unverified; `None` if it is verified.
    #[must_use]
    pub const fn failure_class(self) -> Option<FailureClass> {
        match self {
            Self::Verified | Self::VerifiedKeyed => None,
            Self::Unverified(class) => Some(class),
        }
    }
}

/// The two ways of not being verified, never mixed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a caller must tell the two apart")]
pub enum FailureClass {
    /// Something that matters could not be checked.
    Unverifiable,
    /// Something was shown to be false.
    Invalid,
}

impl FailureClass {
    /// `invalid` or `unverifiable`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unverifiable => "unverifiable",
            Self::Invalid => "invalid",
        }
    }
}

macro_rules! axes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)+) => {
        /// One line of evidence. Every report has all of them, in this order.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(clippy::exhaustive_enums, reason = "the fifteen axes are the report's form")]
        pub enum Axis {
            $($(#[$doc])* $variant,)+
        }

        impl Axis {
            /// The axes in the order of every report.
            pub const ALL: [Self; 15] = [$(Self::$variant,)+];

            /// The name in reports.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

axes! {
    /// The members that its version, mode and type ask for.
    Structure = "structure",
    /// No other receipt with the same nonce.
    Nonce = "nonce",
    /// The number that follows the predecessor's.
    Seq = "seq",
    /// A key that the caller pinned.
    IssuerKey = "issuer_key",
    /// That key belongs to the claimed issuer and agent.
    IssuerBind = "issuer_bind",
    /// That key was in force.
    KeyStatus = "key_status",
    /// The signature over the canonical payload.
    Signature = "signature",
    /// The signed thumbprint is that key's.
    KeyBinding = "key_binding",
    /// The claimed counterparty's envelope.
    Counterparty = "counterparty",
    /// The digests over members of the payload.
    PayloadDigest = "payload_digest",
    /// Unsigned copies of signed members.
    OuterCopies = "outer_copies",
    /// The link to the predecessor, in both hash families.
    Chain = "chain",
    /// Time proven from outside.
    Anchors = "anchors",
    /// The claimed time is not in the future.
    Skew = "skew",
    /// The receipt's own end of validity. Reported; changes no verdict.
    Expiry = "expiry",
}

/// How an axis ended, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the profile has these three")]
pub enum AxisResult {
    /// Checked and found right.
    Pass,
    /// Not checked.
    Skipped,
    /// Checked and found wrong.
    Fail,
}

impl AxisResult {
    /// `PASS`, `FAIL` or `SKIPPED`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Skipped => "SKIPPED",
        }
    }
}

/// An axis with its result.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AxisReport {
    /// The axis.
    pub axis: Axis,
    /// How it ended.
    pub result: AxisResult,
    /// Why, unless it passed.
    pub reason: Option<ReasonCode>,
    /// The same in words. May quote the receipt: escape it before showing it.
    pub note: String,
}

/// Something found wrong or unchecked, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The receipt's sequence number, as far as it could be read.
    pub seq: Option<u64>,
    /// The receipt's id, as far as it could be read.
    pub action_id: Option<String>,
    /// The axis it belongs to.
    pub axis: Axis,
    /// Why; its class is [`ReasonCode::class`].
    pub reason_code: ReasonCode,
    /// The same in words.
    pub note: String,
}

/// What verification of one receipt found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is unverified: the first problem of the verdict's class.
    pub reason_code: Option<ReasonCode>,
    /// All fifteen axes in their order.
    pub axes: Vec<AxisReport>,
    /// Every axis that failed, and every skipped one that blocks the verdict.
    pub problems: Vec<Problem>,
    /// What a verdict of this report does not cover.
    pub not_checked: Vec<String>,
    /// What the receipt says about itself, as far as it could be read.
    pub subject: SubjectFacts,
    /// The values that a disclosure opens; empty unless every opening holds.
    /// They are as true as the verdict says.
    pub disclosed: Vec<DisclosedText>,
}

/// A value that was committed to and is disclosed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DisclosedText {
    /// Where the receipt commits to it, e.g. `/arguments/account`.
    pub pointer: String,
    /// Its JSON text, as the tool was given or returned it.
    pub value: String,
}

/// What a receipt says about itself: claims, not findings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubjectFacts {
    /// The format's name, e.g. `asqav` or `acta`.
    pub format: &'static str,
    /// `seq`.
    pub seq: Option<u64>,
    /// `action_id`.
    pub action_id: Option<String>,
    /// `issuer_id`.
    pub issuer_id: Option<String>,
    /// `nonce`.
    pub nonce: Option<String>,
    /// `signature.kid`.
    pub kid: Option<String>,
    /// `signature.alg`.
    pub alg: Option<String>,
    /// SHA-256 of the canonical payload: what the successor links to.
    pub payload_sha256: Option<Sha256Digest>,
    /// The `kid` of the pinned key that every key axis was judged by.
    pub pinned_kid: Option<String>,
}

impl Report {
    /// The result of one axis.
    #[must_use]
    pub fn axis(&self, axis: Axis) -> Option<&AxisReport> {
        self.axes.iter().find(|report| report.axis == axis)
    }

    /// The report as `verify --json` prints it: `verdict`, `failure_class`,
    /// `reason_code`, `receipts` (1), `segments` (0), `axes`, `problems`,
    /// `not_checked`; of a disclosure also `disclosed`: `{pointer, value}`.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let head = Head { verdict: self.verdict, reason_code: self.reason_code, receipts: 1, segments: 0 };
        let mut json = report_json(&head, &self.axes, &self.problems, &self.not_checked);
        if let (Json::Object(object), false) = (&mut json, self.disclosed.is_empty()) {
            object.set("disclosed", Json::Array(self.disclosed.iter().map(DisclosedText::to_json).collect()));
        }
        json
    }
}

impl DisclosedText {
    fn to_json(&self) -> Json {
        let mut object = Object::new();
        object.set("pointer", self.pointer.as_str());
        object.set("value", self.value.as_str());
        Json::Object(object)
    }
}

pub(super) struct Head {
    pub(super) verdict: Verdict,
    pub(super) reason_code: Option<ReasonCode>,
    pub(super) receipts: u64,
    pub(super) segments: u64,
}

/// One shape for receipts and logs.
pub(super) fn report_json(
    head: &Head,
    axes: &[AxisReport],
    problems: &[Problem],
    not_checked: &[String],
) -> Json {
    let mut object = report_members(head);
    object.set("axes", axes_json(axes));
    object.set("problems", problems_json(problems));
    object.set("not_checked", texts_json(not_checked));
    Json::Object(object)
}

/// The members that every report begins with.
pub(super) fn report_members(head: &Head) -> Object {
    let mut object = Object::new();
    object.set("verdict", head.verdict.as_str());
    object.set("failure_class", text_or_null(head.verdict.failure_class().map(FailureClass::as_str)));
    object.set("reason_code", text_or_null(head.reason_code.map(ReasonCode::as_str)));
    object.set("receipts", count(head.receipts));
    object.set("segments", count(head.segments));
    object
}

pub(super) fn axes_json(axes: &[AxisReport]) -> Json {
    Json::Array(axes.iter().map(axis_json).collect())
}

pub(super) fn problems_json(problems: &[Problem]) -> Json {
    Json::Array(problems.iter().map(problem_json).collect())
}

pub(super) fn texts_json(lines: &[String]) -> Json {
    Json::Array(lines.iter().map(|line| Json::from(line.as_str())).collect())
}

fn axis_json(report: &AxisReport) -> Json {
    let mut object = Object::new();
    object.set("name", report.axis.as_str());
    object.set("result", report.result.as_str());
    object.set("note", report.note.as_str());
    Json::Object(object)
}

fn problem_json(problem: &Problem) -> Json {
    let mut object = Object::new();
    object.set("seq", problem.seq.map_or(Json::Null, count));
    object.set("action_id", text_or_null(problem.action_id.as_deref()));
    object.set("axis", problem.axis.as_str());
    object.set("reason_code", problem.reason_code.as_str());
    object.set("note", problem.note.as_str());
    Json::Object(object)
}

fn text_or_null(text: Option<&str>) -> Json {
    text.map_or(Json::Null, Json::from)
}

pub(super) fn count(number: u64) -> Json {
    Json::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}
