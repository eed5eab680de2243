//! The signature object of a receipt in a batch: on its own, and in a log.

use std::sync::Arc;

use super::{BATCH_ALG, BatchPlace, BatchRoot};
use crate::base64url;
use crate::canonical::Members;
use crate::digest::{Sha3Digest, push_hex};
use crate::id::KeyId;
use crate::json::{Json, Object};
use crate::payload::Payload;
use crate::receipt::Signature;
use crate::suite::ML_DSA_65;

/// The signature of one receipt of a batch, with everything to verify it alone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the format fixes the members")]
pub struct BatchedSignature {
    /// The signature over the root: the same for the whole batch.
    pub root: Arc<Signature>,
    /// The batch.
    pub place: BatchPlace,
    /// Which leaf this receipt is, from 0; not on the wire, it follows from `seq`.
    pub index: u16,
    /// From the leaf's sibling upwards, at most 10 digests.
    pub path: Vec<[u8; 32]>,
}

/// What the line of a batch's receipt carries in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the format fixes the members")]
pub struct Member {
    /// The key's id.
    pub kid: KeyId,
    /// The batch.
    pub place: BatchPlace,
    /// The raw signature over the root, in the last line of the batch only.
    pub sig: Option<Vec<u8>>,
}

impl BatchedSignature {
    /// Whether this is the batch's last receipt, whose line carries the signature.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.index + 1 == self.place.size()
    }

    /// The root to which the path leads from the receipt's payload, given also
    /// by its canonical bytes; `None` if the path does not have the length that
    /// its place in the batch asks for. What is signed are that root's
    /// [`signing_bytes`](BatchRoot::signing_bytes).
    #[must_use]
    pub fn root_over(&self, payload: &Payload, canonical_payload: &[u8]) -> Option<BatchRoot> {
        let Self { place, index, path, .. } = self;
        let root = place.root_over(*index, canonical_payload, path)?;
        let (log_id, key_thumbprint) = (payload.asqav.log_id, payload.key_thumbprint);
        Some(BatchRoot { log_id, place: *place, root, key_thumbprint })
    }

    /// Reads the object of receipt `seq` on its own: exactly its members.
    /// Whether the path leads anywhere is for [`crate::verify`].
    #[must_use]
    pub fn from_json(object: &Object, seq: u64) -> Option<Self> {
        let (place, path) = place_and_path(object)?;
        let (index, path) = (place.index_of(seq)?, path?);
        let kid = KeyId::parse(object.get("kid")?.as_str()?).ok()?;
        let sig = base64url::decode(object.get("sig")?.as_str()?)?;
        let sound = object.len() == 4 && sig.len() == ML_DSA_65.signature_len;
        let root = Arc::new(Signature { alg: ML_DSA_65.name, kid, sig });
        sound.then_some(Self { root, place, index, path })
    }

    /// Appends the object of a receipt on its own.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        write(&self.root.kid, self.place, Some(&self.path), Some(&self.root.sig), out);
    }

    /// Appends the object of a receipt in its log.
    pub(crate) fn write_in_log(&self, out: &mut Vec<u8>) {
        write(&self.root.kid, self.place, None, self.is_last().then_some(&*self.root.sig), out);
    }
}

impl Member {
    /// Appends the canonical object.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        write(&self.kid, self.place, None, self.sig.as_deref(), out);
    }

    /// Reads the object of receipt `seq` as it stands in a log: exactly its
    /// members, `sig` in the last line and in no other.
    pub(crate) fn from_json(object: &Object, seq: u64) -> Option<Self> {
        let (place, path) = place_and_path(object)?;
        let index = place.index_of(seq)?;
        let last = index + 1 == place.size();
        if path.is_some() || object.len() != 3 + usize::from(last) {
            return None;
        }
        let kid = KeyId::parse(object.get("kid")?.as_str()?).ok()?;
        let sig = match last {
            true => Some(base64url::decode(object.get("sig")?.as_str()?)?),
            false => None,
        };
        let sound = sig.as_ref().is_none_or(|sig| sig.len() == ML_DSA_65.signature_len);
        sound.then_some(Self { kid, place, sig })
    }
}

/// The member `batch` of a signature object, if that names a batch and the
/// member has `first_seq`, `size`, on its own `path`, and nothing else.
pub(crate) fn place_and_path(signature: &Object) -> Option<(BatchPlace, Option<Vec<[u8; 32]>>)> {
    if signature.get("alg")?.as_str()? != BATCH_ALG {
        return None;
    }
    let batch = signature.get("batch")?.as_object()?;
    let place = BatchPlace::new(batch.get("first_seq")?.as_count()?, batch.get("size")?.as_count()?)?;
    let path = match batch.get("path") {
        Some(path) => Some(path.as_array()?.iter().map(node).collect::<Option<_>>()?),
        None => None,
    };
    (batch.len() == 2 + usize::from(path.is_some())).then_some((place, path))
}

fn node(json: &Json) -> Option<[u8; 32]> {
    json.as_str().and_then(Sha3Digest::parse_hex).map(|digest| *digest.as_bytes())
}

fn write(kid: &KeyId, place: BatchPlace, path: Option<&[[u8; 32]]>, sig: Option<&[u8]>, out: &mut Vec<u8>) {
    let mut members = Members::open(out);
    members.text("alg", BATCH_ALG);
    let mut batch = Members::open(members.value("batch"));
    batch.count("first_seq", place.first_seq());
    if let Some(path) = path {
        batch.list("path", path.iter(), |node, out| {
            out.push(b'"');
            push_hex(node, out);
            out.push(b'"');
        });
    }
    batch.count("size", u64::from(place.size()));
    batch.close();
    members.text("kid", kid.as_str());
    if let Some(sig) = sig {
        members.text("sig", &base64url::encode(sig));
    }
    members.close();
}
