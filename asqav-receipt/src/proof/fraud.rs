//! That a log's owner signed two things that cannot both be true of one log.

use super::{ProofError, checkpoint_of, read};
use crate::canonical::to_vec;
use crate::checkpoint::SignedCheckpoint;
use crate::digest::Sha3Digest;
use crate::header::SignedHeader;
use crate::json::{Json, Object};
use crate::payload::Link;
use crate::receipt::parse_receipt;

/// The member by which a fraud proof is known, and its only value.
pub const FRAUD_MEMBER: (&str, &str) = ("asqav_fraud", "v1");

/// Two statements about one place of one log that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FraudProof {
    /// Two receipts with one number, each on its own.
    Receipts(Box<[Vec<u8>; 2]>),
    /// Two segment headers.
    Headers(Box<[SignedHeader; 2]>),
    /// Two checkpoints.
    Checkpoints(Box<[SignedCheckpoint; 2]>),
}

impl FraudProof {
    /// `receipts`, `headers` or `checkpoints`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Receipts(_) => "receipts",
            Self::Headers(_) => "headers",
            Self::Checkpoints(_) => "checkpoints",
        }
    }

    /// The number of the receipt about which the two disagree; the greatest, if
    /// there are several. Who signed them is for [`crate::verify`].
    ///
    /// # Errors
    /// [`ProofError::Consistent`] when both can be true of one log, or they are
    /// of different logs.
    pub fn check(&self) -> Result<u64, ProofError> {
        let seq = match self {
            Self::Receipts(pair) => receipts(pair)?,
            Self::Headers(pair) => contradiction(&pair.each_ref().map(of_header)),
            Self::Checkpoints(pair) => contradiction(&pair.each_ref().map(of_checkpoint)),
        };
        seq.ok_or(ProofError::Consistent)
    }

    /// Reads a proof: exactly its four members.
    ///
    /// # Errors
    /// [`ProofError::Member`].
    pub fn from_json(object: &Object) -> Result<Self, ProofError> {
        let (name, version) = FRAUD_MEMBER;
        if object.len() != 4 || object.get(name).and_then(Json::as_str) != Some(version) {
            return Err(ProofError::Member(name));
        }
        match object.get("kind").and_then(Json::as_str) {
            Some("receipts") => {
                Ok(Self::Receipts(Box::new([receipt(object, "first")?, receipt(object, "second")?])))
            }
            Some("headers") => {
                Ok(Self::Headers(Box::new([header(object, "first")?, header(object, "second")?])))
            }
            Some("checkpoints") => Ok(Self::Checkpoints(Box::new([
                checkpoint_of(object, "first")?,
                checkpoint_of(object, "second")?,
            ]))),
            _ => Err(ProofError::Member("kind")),
        }
    }

    /// The proof as JSON.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let [first, second] = match self {
            Self::Receipts(pair) => pair.each_ref().map(|receipt| read(receipt)),
            Self::Headers(pair) => pair.each_ref().map(|header| read(&header.to_file())),
            Self::Checkpoints(pair) => pair.each_ref().map(|checkpoint| read(&checkpoint.to_file())),
        };
        let mut object = Object::new();
        object.set(FRAUD_MEMBER.0, FRAUD_MEMBER.1);
        object.set("kind", self.kind());
        object.set("first", first);
        object.set("second", second);
        Json::Object(object)
    }
}

fn receipt(object: &Object, name: &'static str) -> Result<Vec<u8>, ProofError> {
    object.get(name).map(to_vec).filter(|line| parse_receipt(line).is_ok()).ok_or(ProofError::Member(name))
}

fn header(object: &Object, name: &'static str) -> Result<SignedHeader, ProofError> {
    let file = object.get(name).map(|signed| [to_vec(signed), b"\n".to_vec()].concat());
    file.and_then(|file| SignedHeader::parse(&file).ok()).ok_or(ProofError::Member(name))
}

/// The number that two different payloads of one log share. A second signature
/// over the same payload contradicts nothing.
fn receipts(pair: &[Vec<u8>; 2]) -> Result<Option<u64>, ProofError> {
    let read = |line: &[u8], name| {
        let (payload, _) = parse_receipt(line).map_err(|_| ProofError::Member(name))?;
        let object = payload.as_object().ok_or(ProofError::Member(name))?;
        let log_id = object.get("asqav").and_then(|asqav| asqav.as_object()?.get("log_id")?.as_str());
        let seq = object.get("seq").and_then(Json::as_count);
        let place = log_id.map(str::to_owned).zip(seq).ok_or(ProofError::Member(name))?;
        Ok::<_, ProofError>((place, payload))
    };
    let [first, second] = pair;
    let ((one, payload), (other, differing)) = (read(first, "first")?, read(second, "second")?);
    Ok((one == other && payload != differing).then_some(one.1))
}

/// What a header or a checkpoint says of a log.
struct Claims {
    log_id: crate::id::LogId,
    genesis: Sha3Digest,
    /// Links to receipts, by number.
    links: Vec<(u64, Link)>,
    /// A root over the receipts between two numbers.
    root: (u64, u64, Sha3Digest),
}

fn of_header(signed: &SignedHeader) -> Claims {
    let header = &signed.header;
    let before = header.first_seq.saturating_sub(1);
    Claims {
        log_id: header.log_id,
        genesis: header.genesis,
        links: vec![(before, header.before), (header.last_seq, header.last)],
        root: (header.first_seq, header.last_seq, header.root),
    }
}

fn of_checkpoint(signed: &SignedCheckpoint) -> Claims {
    let checkpoint = &signed.checkpoint;
    Claims {
        log_id: checkpoint.log_id,
        genesis: checkpoint.genesis,
        links: vec![(checkpoint.size, checkpoint.head)],
        root: (1, checkpoint.size, checkpoint.root),
    }
}

fn contradiction([one, other]: &[Claims; 2]) -> Option<u64> {
    if one.log_id != other.log_id {
        return None;
    }
    let links = one.links.iter().flat_map(|(seq, link)| {
        other.links.iter().filter(move |(at, found)| at == seq && found != link).map(|(at, _)| *at)
    });
    let ((first, last, root), (from, to, found)) = (one.root, other.root);
    let roots = ((first, last) == (from, to) && root != found).then_some(last);
    let genesis = (one.genesis != other.genesis).then_some(1);
    links.chain(roots).chain(genesis).max()
}
