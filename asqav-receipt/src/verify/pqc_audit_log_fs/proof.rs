//! A proof that an event is in a log, for whoever has no log.
//!
//! `{"format", "event", "header", "proof"}`: the event and the signed header as
//! they stand in the log, and the six members that the package's own `prove`
//! prints, which its `InclusionProof.from_dict` takes.

use super::event::{Event, Unreadable};
use super::header::Header;
use super::{Inputs, NAME, Report, Verifier, tree};
use crate::canonical;
use crate::digest::{decode_hex, encode_hex};
use crate::json::python::Value;
use crate::json::{Json, Object};
use crate::verify::finding;
use crate::verify::reason::ReasonCode;
use crate::verify::report::Axis;

/// A proof has at most this many bytes: an event, a header, and 64 siblings.
pub const MAX_PROOF_LEN: usize = 2 * 1024 * 1024;

/// Why there is no proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// A line of the segment is no event.
    #[error("line {line}: {note}")]
    Line {
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        note: String,
    },
    /// The segment holds no event of this id.
    #[error("the segment holds no such event")]
    NoSuchEvent,
    /// The header cannot be read.
    #[error("its header: {0}")]
    Header(String),
    /// The header is not about these events.
    #[error("its header is signed for other events: {0}")]
    Differs(&'static str),
}

/// Makes a proof while a segment is read. Memory grows by 32 bytes per event.
#[derive(Debug)]
pub struct EventProver {
    event_id: String,
    lines: u64,
    leaves: Vec<tree::Node>,
    found: Option<(usize, [u8; 32], Vec<u8>)>,
}

impl EventProver {
    /// For the first event with this id.
    #[must_use]
    pub fn new(event_id: &str) -> Self {
        Self { event_id: event_id.to_owned(), lines: 0, leaves: Vec::new(), found: None }
    }

    /// Takes the segment's next line.
    ///
    /// # Errors
    /// [`ProofError::Line`] when it is no event.
    pub fn line(&mut self, line: &[u8]) -> Result<(), ProofError> {
        self.lines += 1;
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let event = Event::read(line)
            .map_err(|Unreadable { note, .. }| ProofError::Line { line: self.lines, note })?;
        if self.found.is_none() && event.id == self.event_id {
            self.found = Some((self.leaves.len(), event.sha3, line.trim_ascii().to_vec()));
        }
        self.leaves.push(tree::leaf(&event.sha3));
        Ok(())
    }

    /// Whether the event was among the lines so far.
    #[must_use]
    pub const fn has_found(&self) -> bool {
        self.found.is_some()
    }

    /// The proof, with the content of the segment's header file.
    ///
    /// # Errors
    /// [`ProofError`]; whether the header's signature holds is for verification.
    pub fn finish(self, header: &[u8]) -> Result<Vec<u8>, ProofError> {
        let (index, event_sha3, event) = self.found.ok_or(ProofError::NoSuchEvent)?;
        let read = Header::read(header).map_err(|malformed| ProofError::Header(malformed.note))?;
        let path = tree::path(&self.leaves, index).ok_or(ProofError::NoSuchEvent)?;
        let siblings: Vec<_> = path.iter().map(|(node, _)| *node).collect();
        let size = u64::try_from(self.leaves.len()).unwrap_or(u64::MAX);
        if read.event_count != size {
            return Err(ProofError::Differs("another number of them"));
        }
        let at = u64::try_from(index).unwrap_or(u64::MAX);
        if tree::root_of(tree::leaf(&event_sha3), at, size, &siblings) != Some(read.merkle_root) {
            return Err(ProofError::Differs("another root"));
        }
        let mut proof = Object::new();
        proof.set("leaf_hash", encode_hex(&event_sha3));
        proof.set("index", Json::count(at));
        proof.set("tree_size", Json::count(size));
        proof.set("root", encode_hex(&read.merkle_root));
        proof
            .set("siblings", Json::Array(siblings.iter().map(|node| Json::from(encode_hex(node))).collect()));
        let side = |(_, left): &(_, bool)| Json::from(if *left { "L" } else { "R" });
        proof.set("directions", Json::Array(path.iter().map(side).collect()));
        let parts: [&[u8]; 9] = [
            b"{\"event\":",
            &event,
            b",\"format\":\"",
            NAME.as_bytes(),
            b"\",\"header\":",
            header.trim_ascii(),
            b",\"proof\":",
            &canonical::to_vec(&Json::Object(proof)),
            b"}\n",
        ];
        Ok(parts.concat())
    }
}

/// Whether a document says that it is such a proof.
#[must_use]
pub fn is_proof(document: &[u8]) -> bool {
    document.len() <= MAX_PROOF_LEN
        && document.windows(NAME.len()).any(|part| part == NAME.as_bytes())
        && Value::parse(document).is_ok_and(|value| value.get("format").and_then(Value::as_str) == Some(NAME))
}

/// Verifies a proof with its header's signature, without the log: the report
/// is that of a log of which one segment and one event are at hand.
#[must_use]
pub fn verify_proof(document: &[u8], inputs: &Inputs<'_>) -> Report {
    let mut verifier = Verifier::new(*inputs);
    if let Err(Unreadable { reason, note }) = check(document, &mut verifier) {
        verifier.findings.problem(Axis::Structure, reason, note);
    }
    let (axes, problems, problems_omitted) = verifier.findings.into_parts();
    let (verdict, reason_code) = finding::fold(&problems, false);
    let mut not_checked = vec![
        "time: claimed, not anchored".to_owned(),
        "chain: the other segments are not at hand".to_owned(),
        "content: what the event's digests, which are unsalted, are of".to_owned(),
    ];
    if verifier.segments.iter().any(|segment| !segment.is_post_quantum()) {
        not_checked
            .push("post-quantum: nothing; the signature is not ML-DSA, whatever its label says".to_owned());
    }
    Report {
        verdict,
        reason_code,
        events: verifier.events,
        axes,
        problems,
        problems_omitted,
        not_checked,
        log_id: verifier.log_id,
        segments: verifier.segments,
    }
}

fn check(document: &[u8], verifier: &mut Verifier<'_>) -> Result<(), Unreadable> {
    let malformed = |reason, note: &str| Unreadable { reason, note: note.to_owned() };
    if document.len() > MAX_PROOF_LEN {
        return Err(malformed(ReasonCode::TooLong, "longer than any proof"));
    }
    let value = Value::parse(document)
        .map_err(|error| Unreadable { reason: ReasonCode::MalformedJson, note: error.to_string() })?;
    let part = |name| {
        value
            .get(name)
            .ok_or_else(|| malformed(ReasonCode::MalformedMember, "not a proof: a member is missing"))
    };
    let event = Event::of(part("event")?)?;
    let header = Header::of(part("header")?)
        .map_err(|malformed| Unreadable { reason: malformed.reason, note: malformed.note })?;
    let path = Path::of(part("proof")?)
        .ok_or_else(|| malformed(ReasonCode::MalformedMember, "`proof` is malformed"))?;
    let leads = tree::root_of(tree::leaf(&event.sha3), path.index, header.event_count, &path.siblings);
    let root_matches = leads == Some(header.merkle_root)
        && (path.root, path.leaf_hash, path.size) == (header.merkle_root, event.sha3, header.event_count);
    verifier.take_one(&header, root_matches);
    for axis in [Axis::Nonce, Axis::Seq, Axis::Chain] {
        verifier.findings.note(axis, ReasonCode::PredecessorMissing, "the rest of the log is not at hand");
    }
    if root_matches {
        verifier.findings.pass(Axis::PayloadDigest);
        verifier.findings.pass(Axis::Structure);
    } else {
        let note = "the event does not lead to the signed root";
        verifier.findings.problem(Axis::PayloadDigest, ReasonCode::NotIncluded, note);
    }
    Ok(())
}

/// The package's `InclusionProof`. Its directions follow from the index and are
/// not read.
struct Path {
    leaf_hash: [u8; 32],
    index: u64,
    size: u64,
    root: [u8; 32],
    siblings: Vec<[u8; 32]>,
}

impl Path {
    fn of(value: &Value) -> Option<Self> {
        let node = |name| value.get(name).and_then(Value::as_str).and_then(decode_hex::<32>);
        let count = |name| match value.get(name)? {
            Value::Integer(digits) => digits.parse().ok(),
            _ => None,
        };
        let Some(Value::Array(siblings)) = value.get("siblings") else { return None };
        Some(Self {
            leaf_hash: node("leaf_hash")?,
            index: count("index")?,
            size: count("tree_size")?,
            root: node("root")?,
            siblings: siblings
                .iter()
                .map(|node| node.as_str().and_then(decode_hex))
                .collect::<Option<_>>()?,
        })
    }
}
