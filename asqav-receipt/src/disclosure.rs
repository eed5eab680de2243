//! Disclosures: a receipt with the openings of some of its values, and of no
//! others.
//!
//! A disclosure needs no log to be checked. Each opening is bound to its
//! receipt, log and pointer by the commitment itself; that the receipt is
//! signed is for [`crate::verify`].

use std::collections::BTreeSet;

use crate::canonical::to_vec;
use crate::commitment::{Opening, Openings, commit, salt};
use crate::digest::{Sha3Digest, decode_hex, encode_hex};
use crate::id::{ActionId, LogId};
use crate::json::{Json, Object};
use crate::merkle::{self, Sha3Tree, TreeHash as _};
use crate::receipt::parse_receipt;

/// The member by which a disclosure is known, and its only value.
pub const DISCLOSURE_MEMBER: (&str, &str) = ("asqav_disclosure", "v1");

/// A path never has more than this many digests: a tree of 2^64 leaves.
const MAX_PATH: usize = 64;

/// What the pointer of an argument begins with.
const ARGUMENTS: &str = "/arguments/";

/// A receipt and the values of it that are disclosed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Disclosure {
    /// The receipt on its own, canonical.
    pub receipt: Vec<u8>,
    /// The disclosed values, at least one, each pointer once.
    pub values: Vec<DisclosedValue>,
}

/// One disclosed value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DisclosedValue {
    /// Pointer, salt and value.
    pub opening: Opening,
    /// Where the commitment stands among the folded ones, if it is one of them.
    pub folded: Option<FoldedPlace>,
}

/// The place of a commitment under `arguments_root`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoldedPlace {
    /// Its number among the folded commitments, from 0.
    pub index: u64,
    /// From the leaf's sibling upwards (RFC 9162 §2.1.3.1).
    pub path: Vec<Sha3Digest>,
}

/// Why there is no disclosure, or why one does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DisclosureError {
    /// The member of this name is absent or malformed, or not known.
    #[error("`{0}` is absent, malformed or not known")]
    Member(&'static str),
    /// The receipt commits to nothing at this pointer.
    #[error("the receipt has no commitment at `{0}`")]
    NotCommitted(String),
    /// The openings hold no value for this pointer.
    #[error("there is no opening of `{0}`")]
    NoOpening(String),
    /// The salt and the value are not what was committed to.
    #[error("`{0}` does not open the receipt's commitment")]
    DoesNotOpen(String),
}

impl Disclosure {
    /// Discloses the values at `pointers` (`/arguments/<name>`, `/result`,
    /// `/step`, `/policy/inputs`) of `receipt`, and nothing else.
    ///
    /// # Errors
    /// [`DisclosureError`] when a pointer is not committed to or `openings`
    /// are not those of the receipt.
    pub fn new(receipt: Vec<u8>, openings: &Openings, pointers: &[String]) -> Result<Self, DisclosureError> {
        let parsed = Receipt::parse(&receipt)?;
        let pointers: BTreeSet<_> = pointers.iter().collect();
        let value = |pointer: &&String| {
            let pointer = pointer.as_str();
            let missing = || DisclosureError::NoOpening(pointer.to_owned());
            let folded = match parsed.place(pointer)? {
                Place::Shown(_) => None,
                Place::Folded { .. } => Some(parsed.fold(openings, pointer).ok_or_else(missing)?),
            };
            let opening = openings.disclose(pointer).ok_or_else(missing)?;
            Ok(DisclosedValue { opening, folded })
        };
        let values = pointers.iter().map(value).collect::<Result<Vec<_>, _>>()?;
        if values.is_empty() {
            return Err(DisclosureError::Member("values"));
        }
        let disclosure = Self { receipt, values };
        disclosure.check()?;
        Ok(disclosure)
    }

    /// Whether each value is what the receipt commits to at its pointer. Who
    /// signed the receipt is for [`crate::verify`].
    ///
    /// # Errors
    /// [`DisclosureError`] with the first pointer that does not hold.
    pub fn check(&self) -> Result<(), DisclosureError> {
        let receipt = Receipt::parse(&self.receipt)?;
        self.values.iter().try_for_each(|value| receipt.check(value))
    }

    /// Reads a disclosure: exactly its three members.
    ///
    /// # Errors
    /// [`DisclosureError::Member`].
    pub fn from_json(object: &Object) -> Result<Self, DisclosureError> {
        let (name, version) = DISCLOSURE_MEMBER;
        if object.len() != 3 || object.get(name).and_then(Json::as_str) != Some(version) {
            return Err(DisclosureError::Member(name));
        }
        let receipt = object.get("receipt").map(to_vec).filter(|receipt| parse_receipt(receipt).is_ok());
        let values = object.get("values").and_then(Json::as_array).filter(|values| !values.is_empty());
        let values = values.and_then(|values| values.iter().map(DisclosedValue::from_json).collect());
        let values: Vec<DisclosedValue> = values.ok_or(DisclosureError::Member("values"))?;
        let pointers: BTreeSet<_> = values.iter().map(|value| &value.opening.pointer).collect();
        if pointers.len() != values.len() {
            return Err(DisclosureError::Member("values"));
        }
        Ok(Self { receipt: receipt.ok_or(DisclosureError::Member("receipt"))?, values })
    }

    /// The disclosure as JSON.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut object = Object::new();
        object.set(DISCLOSURE_MEMBER.0, DISCLOSURE_MEMBER.1);
        // It was read as JSON.
        object.set("receipt", Json::parse(&self.receipt).unwrap_or(Json::Null));
        object.set("values", Json::Array(self.values.iter().map(DisclosedValue::to_json).collect()));
        Json::Object(object)
    }
}

impl DisclosedValue {
    fn from_json(json: &Json) -> Option<Self> {
        let object = json.as_object()?;
        let text = |name: &str| object.get(name)?.as_str();
        let opening = Opening {
            pointer: text("pointer")?.to_owned(),
            salt: decode_hex(text("salt")?)?,
            value: text("value")?.to_owned(),
        };
        let folded = match object.len() {
            3 => None,
            5 => {
                let path = object.get("path")?.as_array().filter(|path| path.len() <= MAX_PATH)?;
                let path: Option<Vec<_>> =
                    path.iter().map(|node| Sha3Digest::parse_hex(node.as_str()?)).collect();
                Some(FoldedPlace { index: object.get("index")?.as_count()?, path: path? })
            }
            _ => return None,
        };
        Some(Self { opening, folded })
    }

    fn to_json(&self) -> Json {
        let Self { opening: Opening { pointer, salt, value }, folded } = self;
        let mut object = Object::new();
        object.set("pointer", pointer.as_str());
        object.set("salt", encode_hex(salt).as_str());
        object.set("value", value.as_str());
        if let Some(FoldedPlace { index, path }) = folded {
            object.set("index", Json::count(*index));
            object.set(
                "path",
                Json::Array(path.iter().map(|node| Json::from(node.to_hex().as_str())).collect()),
            );
        }
        Json::Object(object)
    }
}

/// Where a receipt commits to a value.
enum Place {
    /// By itself.
    Shown(Sha3Digest),
    /// Under `arguments_root`.
    Folded { count: u64, root: Sha3Digest },
}

/// What a disclosure needs of its receipt.
struct Receipt {
    payload: Json,
    log_id: LogId,
    action_id: ActionId,
}

impl Receipt {
    fn parse(receipt: &[u8]) -> Result<Self, DisclosureError> {
        let payload = parse_receipt(receipt).ok().map(|(payload, _)| payload);
        let read = payload.and_then(|payload| {
            let members = payload.as_object()?;
            let log_id = LogId::parse(members.get("asqav")?.as_object()?.get("log_id")?.as_str()?).ok()?;
            let action_id = ActionId::parse(members.get("action_id")?.as_str()?).ok()?;
            Some(Self { payload, log_id, action_id })
        });
        read.ok_or(DisclosureError::Member("receipt"))
    }

    /// The member at the end of `names`.
    fn member(&self, names: &[&str]) -> Option<&Json> {
        names.iter().try_fold(&self.payload, |json, name| json.as_object()?.get(name))
    }

    /// The commitment at `pointer`.
    fn place(&self, pointer: &str) -> Result<Place, DisclosureError> {
        let commitment = |json: Option<&Json>| json.and_then(Json::as_str).and_then(Sha3Digest::parse_hex);
        let none = || DisclosureError::NotCommitted(pointer.to_owned());
        let shown = match pointer.strip_prefix(ARGUMENTS) {
            Some(name) => match self.member(&["context", "arguments", name]) {
                Some(form) => form.as_object().and_then(|form| commitment(form.get("commit"))),
                None => return self.folded().ok_or_else(none),
            },
            None if pointer == "/policy/inputs" => commitment(self.member(&["asqav", "policy", "inputs"])),
            None => match pointer.strip_prefix('/') {
                Some(name @ ("result" | "step")) => commitment(self.member(&["context", name, "commit"])),
                _ => None,
            },
        };
        shown.map(Place::Shown).ok_or_else(none)
    }

    /// `arguments_root`.
    fn folded(&self) -> Option<Place> {
        let folded = self.member(&["context", "arguments_root"])?.as_object()?;
        let root = Sha3Digest::parse_hex(folded.get("root")?.as_str()?)?;
        Some(Place::Folded { count: folded.get("count")?.as_count()?, root })
    }

    fn check(&self, value: &DisclosedValue) -> Result<(), DisclosureError> {
        let DisclosedValue { opening, folded } = value;
        let holds = match (self.place(&opening.pointer)?, folded) {
            (Place::Shown(commitment), None) => opening.opens(&commitment, self.log_id, self.action_id),
            (Place::Folded { count, root }, Some(FoldedPlace { index, path })) => {
                let Opening { pointer, salt, value } = opening;
                let commitment = commit(self.log_id, self.action_id, pointer, salt, value.as_bytes());
                let leaf = Sha3Tree::leaf(commitment.as_bytes());
                let path: Vec<_> = path.iter().map(|node| *node.as_bytes()).collect();
                merkle::verify_inclusion::<Sha3Tree>(*index, count, &leaf, &path, root.as_bytes()).is_ok()
            }
            _ => false,
        };
        if holds { Ok(()) } else { Err(DisclosureError::DoesNotOpen(opening.pointer.clone())) }
    }

    /// The place of `pointer` among the arguments that the receipt does not
    /// show, ordered by their names' bytes.
    fn fold(&self, openings: &Openings, pointer: &str) -> Option<FoldedPlace> {
        let hidden = |pointer: &str| {
            let name = pointer.strip_prefix(ARGUMENTS);
            name.is_some_and(|name| self.member(&["context", "arguments", name]).is_none())
        };
        let mut values: Vec<_> = openings.values.iter().filter(|(pointer, _)| hidden(pointer)).collect();
        values.sort_unstable_by(|(one, _), (other, _)| one.as_bytes().cmp(other.as_bytes()));
        let index = values.iter().position(|(known, _)| known == pointer)?;
        let leaf = |(pointer, value): &&(String, String)| {
            let salt = salt(&openings.secret, pointer);
            let commitment = commit(self.log_id, self.action_id, pointer, &salt, value.as_bytes());
            Sha3Tree::leaf(commitment.as_bytes())
        };
        let leaves: Vec<_> = values.iter().map(leaf).collect();
        let path = merkle::inclusion_path::<Sha3Tree>(&leaves, index)?;
        let path = path.into_iter().map(Sha3Digest::from_bytes).collect();
        Some(FoldedPlace { index: u64::try_from(index).ok()?, path })
    }
}
