//! `chain`: the link to the predecessor, in both hash families.

use crate::canonical;
use crate::digest::{Sha3Digest, Sha256Digest};
use crate::json::{Json, Object};
use crate::payload::{Link, Payload};
use crate::verify::MAX_ENVELOPE_LEN;
use crate::verify::finding::Finding;
use crate::verify::reason::ReasonCode;
use crate::verify::subject::{Layout, Subject, ambiguous_number, text};

/// What is known of the receipt before this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::verify) enum Predecessor {
    /// Nothing was given.
    Missing,
    /// There is none: the log begins here.
    Start,
    /// Something was given that cannot be read, or not for certain.
    Unreadable(String),
    /// Its links and what has to go on from it.
    Known {
        /// What its successor links to.
        link: Link,
        /// Its `seq`.
        seq: Option<i64>,
        /// Its `asqav.log_id`.
        log_id: Option<String>,
    },
}

impl Predecessor {
    /// Reads an envelope or a payload.
    pub(in crate::verify) fn read(bytes: Option<&[u8]>) -> Self {
        let Some(bytes) = bytes else { return Self::Missing };
        let value = match Json::parse_within(bytes, MAX_ENVELOPE_LEN) {
            Ok(value) => value,
            Err(error) => return Self::Unreadable(error.to_string()),
        };
        let Json::Object(object) = value else { return Self::Unreadable("not a JSON object".to_owned()) };
        match object.get("payload") {
            Some(payload @ Json::Object(members)) => Self::of_payload(payload, members),
            _ => Self::of_payload(&Json::Object(object.clone()), &object),
        }
    }

    /// What the successor of this receipt, to which `link` leads, has to go on
    /// from.
    pub(in crate::verify) fn of(subject: &Subject<'_>, link: Link) -> Self {
        Self::Known {
            link,
            seq: subject.payload().get("seq").and_then(Json::as_integer),
            log_id: asqav_text(subject, "log_id").map(str::to_owned),
        }
    }

    /// The next receipt of the same log, to which `link` leads.
    pub(in crate::verify) fn go_on(&mut self, payload: &Payload, new: Link) {
        let number = i64::try_from(payload.seq).ok();
        match self {
            Self::Known { link, seq, log_id: Some(_) } => (*link, *seq) = (new, number),
            _ => {
                let log_id = Some(payload.asqav.log_id.to_string());
                *self = Self::Known { link: new, seq: number, log_id };
            }
        }
    }

    fn of_payload(value: &Json, payload: &Object) -> Self {
        if ambiguous_number(value).is_some() {
            return Self::Unreadable("it holds a number with more than one spelling".to_owned());
        }
        let asqav = payload.get("asqav").and_then(Json::as_object);
        Self::Known {
            link: Link::to(&canonical::to_vec(value)),
            seq: payload.get("seq").and_then(Json::as_integer),
            log_id: asqav.and_then(|asqav| text(asqav, "log_id")).map(str::to_owned),
        }
    }
}

/// Judges `previousReceiptHash` and, for receipts of ours, `asqav.prev` and
/// `asqav.log_id`.
pub(in crate::verify) fn check(subject: &Subject<'_>, predecessor: &Predecessor) -> Finding {
    if subject.layout == Layout::Flat {
        return Finding::skip(ReasonCode::PredecessorMissing, "flat receipts carry no link");
    }
    judge(subject, predecessor).into()
}

fn judge(subject: &Subject<'_>, predecessor: &Predecessor) -> Result<String, Finding> {
    let carried = carried_link(subject)?;
    let ours = subject.is_ours();
    if carried.sha256 == Link::GENESIS.sha256 {
        return first(subject, &carried, predecessor);
    }
    if ours && carried.sha3.is_none() {
        return Err(Finding::fail(
            ReasonCode::MalformedLink,
            "`asqav.prev` is absent on a receipt that is not the first",
        ));
    }
    let (link, log_id) = match predecessor {
        Predecessor::Missing => {
            return Err(Finding::skip(ReasonCode::PredecessorMissing, "the predecessor is not at hand"));
        }
        Predecessor::Start => {
            return Err(Finding::fail(
                ReasonCode::ChainBreak,
                "the log's first receipt links to a predecessor",
            ));
        }
        Predecessor::Unreadable(why) => {
            return Err(Finding::skip(
                ReasonCode::PredecessorUnreadable,
                format!("the predecessor cannot be read: {why}"),
            ));
        }
        Predecessor::Known { link, log_id, .. } => (link, log_id),
    };
    if carried.sha256 != link.sha256 {
        return Err(Finding::fail(
            ReasonCode::ChainBreak,
            "`previousReceiptHash` is not the predecessor's SHA-256",
        ));
    }
    if !ours {
        return Ok("links to the predecessor".to_owned());
    }
    if carried.sha3 != link.sha3 {
        return Err(Finding::fail(ReasonCode::ChainBreak, "`asqav.prev` is not the predecessor's SHA3-256"));
    }
    if asqav_text(subject, "log_id") != log_id.as_deref() {
        return Err(Finding::fail(ReasonCode::LogIdChanged, "the predecessor belongs to another log"));
    }
    Ok("links to the predecessor in both hash families".to_owned())
}

/// A first receipt has no predecessor; for one of ours it is also number 1.
fn first(subject: &Subject<'_>, carried: &Link, predecessor: &Predecessor) -> Result<String, Finding> {
    if carried.sha3.is_some() {
        return Err(Finding::fail(ReasonCode::MalformedLink, "`asqav.prev` on a first receipt"));
    }
    if !subject.is_ours() {
        return Ok("first receipt of its chain".to_owned());
    }
    if subject.payload().get("seq").and_then(Json::as_integer) != Some(1) {
        return Err(Finding::fail(
            ReasonCode::ChainBreak,
            "no link to a predecessor, although `seq` is not 1",
        ));
    }
    if matches!(predecessor, Predecessor::Known { .. }) {
        return Err(Finding::fail(
            ReasonCode::ChainBreak,
            "a first receipt does not follow the given predecessor",
        ));
    }
    Ok("first receipt of its log".to_owned())
}

fn carried_link(subject: &Subject<'_>) -> Result<Link, Finding> {
    let malformed = |name: &str| Finding::fail(ReasonCode::MalformedLink, format!("`{name}` is malformed"));
    let sha256 = subject
        .text("previousReceiptHash")
        .and_then(Sha256Digest::parse_hex)
        .ok_or_else(|| malformed("previousReceiptHash"))?;
    let sha3 = match subject.asqav().and_then(|asqav| asqav.get("prev")) {
        None => None,
        Some(prev) => {
            Some(prev.as_str().and_then(Sha3Digest::parse_tagged).ok_or_else(|| malformed("asqav.prev"))?)
        }
    };
    let mut link = Link::GENESIS;
    (link.sha256, link.sha3) = (sha256, sha3);
    Ok(link)
}

fn asqav_text<'a>(subject: &'a Subject<'_>, name: &str) -> Option<&'a str> {
    subject.asqav().and_then(|asqav| text(asqav, name))
}
