//! One line of a log: canonical `{payload, signature}`, byte for byte.

use super::plain::{self, PlainLine, Scanned};
use crate::batch::Member;
use crate::canonical;
use crate::json::{Json, Object};
use crate::merkle::{Sha3Tree, TreeHash as _};
use crate::verify::subject::Subject;

/// A line of a log, read and hashed: all that can be done with it alone.
///
/// Most of the work of verifying a log is done here, and nothing of it depends
/// on other lines: lines may be read on any thread, and are given to
/// [`LogVerifier::read_line`](super::LogVerifier::read_line) in their order.
#[derive(Debug, Clone)]
#[must_use = "a line that is not given to the verifier is missing from the log"]
pub struct ReadLine {
    /// Its length without the line feed, bytes.
    pub(super) len: usize,
    /// Its hash in the log's trees.
    pub(super) leaf: [u8; 32],
    pub(super) content: Content,
}

/// What a line holds.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// A receipt as asqav writes it.
    Plain(PlainLine),
    /// Another canonical line.
    Other(Box<Line>),
    /// No line; in words, why.
    Unreadable(String),
}

impl ReadLine {
    /// Reads a line without its line feed; takes any bytes.
    pub fn new(line: &[u8]) -> Self {
        match Scanned::read(line) {
            Some(scanned) => {
                let mut plain = plain::hashed(vec![scanned]);
                Self::of(line, Sha3Tree::leaf(line), plain.next())
            }
            None => Self::thoroughly(line),
        }
    }

    /// Reads many lines: several times as fast as one by one where the
    /// processor can hash them at once. They share memory, which is freed with
    /// the last of them: give it some hundred at a time.
    #[must_use]
    pub fn each(lines: &[&[u8]]) -> Vec<Self> {
        let scanned: Vec<_> = lines.iter().map(|line| Scanned::read(line)).collect();
        let is_plain: Vec<_> = scanned.iter().map(Option::is_some).collect();
        let mut plain = plain::hashed(scanned.into_iter().flatten().collect());
        let lines = lines.iter().zip(Sha3Tree::leaves(lines)).zip(is_plain);
        lines
            .map(|((line, leaf), is_plain)| Self::of(line, leaf, is_plain.then(|| plain.next()).flatten()))
            .collect()
    }

    /// The same without the short way that receipts as asqav writes them take;
    /// several times slower. For tests: reports must not depend on the way.
    #[doc(hidden)]
    pub fn thoroughly(line: &[u8]) -> Self {
        Self::of(line, Sha3Tree::leaf(line), None)
    }

    fn of(line: &[u8], leaf: [u8; 32], plain: Option<PlainLine>) -> Self {
        let content = match plain {
            Some(plain) => Content::Plain(plain),
            None => match Line::read(line) {
                Ok(line) => Content::Other(Box::new(line)),
                Err(why) => Content::Unreadable(why),
            },
        };
        Self { len: line.len(), leaf, content }
    }

    /// Its place in a batch, if it has no signature of its own.
    pub(super) fn member(&self) -> Option<&Member> {
        match &self.content {
            Content::Plain(plain) => plain.member(),
            Content::Other(line) => line.member.as_ref(),
            Content::Unreadable(_) => None,
        }
    }

    /// The number of the receipt in it, if it is one of ours.
    pub(super) fn seq(&self) -> Option<u64> {
        match &self.content {
            Content::Plain(plain) => Some(plain.payload.seq),
            Content::Other(line) => line.seq,
            Content::Unreadable(_) => None,
        }
    }
}

/// A canonical line, as a tree.
#[derive(Debug, Clone)]
pub(super) struct Line {
    json: Json,
    member: Option<Member>,
    seq: Option<u64>,
}

impl Line {
    /// Reads a line.
    ///
    /// # Errors
    /// In words, why it is none.
    pub(super) fn read(line: &[u8]) -> Result<Self, String> {
        let json = Json::parse(line).map_err(|error| error.to_string())?;
        let object = json.as_object().ok_or("not an object")?;
        let signature = object.get("signature").and_then(Json::as_object);
        let member = signature.and_then(|signature| member(object, signature));
        let own = |signature: &Object| has_exactly(signature, &["alg", "kid", "sig"]);
        if !has_exactly(object, &["payload", "signature"])
            || (member.is_none() && !signature.is_some_and(own))
        {
            return Err("not an object of payload and signature".to_owned());
        }
        if canonical::to_vec(&json) != line {
            return Err("not the canonical bytes".to_owned());
        }
        let mut line = Self { json, member, seq: None };
        line.seq = line.subject().and_then(|subject| subject.seq());
        Ok(line)
    }

    /// Whether it has no signature of its own.
    pub(super) const fn is_member(&self) -> bool {
        self.member.is_some()
    }

    /// The receipt in it, if it is one of ours.
    pub(super) fn subject(&self) -> Option<Subject<'_>> {
        let subject = Subject::find(self.json.as_object()?).ok()?;
        subject.is_ours().then_some(subject)
    }
}

fn member(object: &Object, signature: &Object) -> Option<Member> {
    let seq = object.get("payload")?.as_object()?.get("seq")?.as_count()?;
    Member::from_json(signature, seq)
}

fn has_exactly(object: &Object, names: &[&str]) -> bool {
    object.len() == names.len() && names.iter().all(|name| object.get(name).is_some())
}
