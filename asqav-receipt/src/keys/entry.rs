//! One published key.

use crate::base64url;
use crate::digest::Sha256Digest;
use crate::id::LogId;
use crate::json::{Json, Object};
use crate::suite::{ED25519, ML_DSA_65, Suite, VerifyingKey};
use crate::time::Timestamp;

/// One entry of a key set. Key, status and issuer of a receipt always come
/// from the same entry.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct KeyEntry {
    /// `kid`.
    pub kid: Option<String>,
    /// `issuer_id`: who published the key.
    pub issuer_id: Option<String>,
    /// `org_id`: the organisation, as hash-mode receipts name it.
    pub org_id: Option<String>,
    /// `agent_id`: whose key it is.
    pub agent_id: Option<String>,
    /// `status`.
    pub status: KeyStatus,
    /// `revoked_at`; `Some(Err)` holds a text that is not a time.
    pub revoked_at: Option<Result<Timestamp, String>>,
    /// `compromised_since`; `Some(Err)` holds a text that is not a time.
    pub compromised_since: Option<Result<Timestamp, String>>,
    /// `revocation_reason`.
    pub revocation_reason: Option<String>,
    /// `log_id`: the only log that the key signs.
    pub log_id: Option<LogId>,
    /// `from_seq`: the first receipt that the key may sign.
    pub from_seq: Option<u64>,
    /// `to_seq`: the last receipt that the key may sign.
    pub to_seq: Option<u64>,
    material: Material,
}

/// The member `status`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyStatus {
    /// In use.
    Active,
    /// No longer in use; what it signed needs an anchor or checkpoint.
    Retired,
    /// Withdrawn (`revoked`, `suspended`).
    Revoked,
    /// In somebody else's hands: nothing that it signed stands.
    Compromised,
    /// Not stated.
    Absent,
    /// A status that this version does not know.
    Unknown(String),
}

#[derive(Debug, Clone)]
enum Material {
    Usable { public_key: Vec<u8>, decoded: Box<VerifyingKey> },
    Unusable(&'static str),
}

impl KeyEntry {
    /// The entry of a key in use.
    ///
    /// `None` if `public_key` is not a key of `suite`.
    #[must_use]
    pub fn active(
        suite: &'static Suite,
        public_key: &[u8],
        kid: &str,
        issuer: &str,
        agent: &str,
    ) -> Option<Self> {
        let decoded = VerifyingKey::new(suite, public_key)?;
        Some(Self {
            kid: Some(kid.to_owned()),
            issuer_id: Some(issuer.to_owned()),
            org_id: None,
            agent_id: Some(agent.to_owned()),
            status: KeyStatus::Active,
            revoked_at: None,
            compromised_since: None,
            revocation_reason: None,
            log_id: None,
            from_seq: None,
            to_seq: None,
            material: Material::Usable { public_key: public_key.to_vec(), decoded: Box::new(decoded) },
        })
    }

    /// The decoded key.
    ///
    /// # Errors
    /// Why the entry's key material is unusable.
    pub const fn key(&self) -> Result<&VerifyingKey, &'static str> {
        match &self.material {
            Material::Usable { decoded, .. } => Ok(decoded),
            Material::Unusable(why) => Err(why),
        }
    }

    /// The raw public key, where it is usable.
    #[must_use]
    pub fn public_key(&self) -> Option<&[u8]> {
        match &self.material {
            Material::Usable { public_key, .. } => Some(public_key),
            Material::Unusable(_) => None,
        }
    }

    /// The key's RFC 7638 thumbprint, where it is usable.
    #[must_use]
    pub fn thumbprint(&self) -> Option<&Sha256Digest> {
        self.key().ok().map(VerifyingKey::thumbprint)
    }

    pub(super) fn from_json(object: &Object) -> Self {
        let text = |name: &str| object.get(name).and_then(Json::as_str).map(str::to_owned);
        let time = |name: &str| {
            object.get(name).filter(|value| **value != Json::Null).map(|value| {
                let text = value.as_str().unwrap_or("not a text");
                Timestamp::parse_rfc3339(text).map_err(|_| text.to_owned())
            })
        };
        let usage = Usage::of(object);
        Self {
            kid: text("kid"),
            issuer_id: text("issuer_id"),
            org_id: text("org_id"),
            agent_id: text("agent_id"),
            status: status(object.get("status")),
            revoked_at: time("revoked_at"),
            compromised_since: time("compromised_since"),
            revocation_reason: text("revocation_reason"),
            material: match usage {
                Some(_) => Material::of(object),
                None => Material::Unusable("its range of use is malformed"),
            },
            log_id: usage.and_then(|usage| usage.log_id),
            from_seq: usage.and_then(|usage| usage.from_seq),
            to_seq: usage.and_then(|usage| usage.to_seq),
        }
    }

    pub(super) fn to_json(&self) -> Object {
        let mut object = Object::new();
        if let Material::Usable { public_key, decoded } = &self.material {
            let (kty, member) = if *decoded.suite() == ML_DSA_65 { ("AKP", "pub") } else { ("OKP", "x") };
            object.set("kty", kty);
            object.set("alg", decoded.suite().name);
            if *decoded.suite() == ED25519 {
                object.set("crv", ED25519.name);
            }
            object.set(member, base64url::encode(public_key));
            object.set("public_key", base64url::encode_standard(public_key));
        }
        let status = match &self.status {
            KeyStatus::Active => Some("active"),
            KeyStatus::Retired => Some("retired"),
            KeyStatus::Revoked => Some("revoked"),
            KeyStatus::Compromised => Some("compromised"),
            KeyStatus::Unknown(text) => Some(text.as_str()),
            KeyStatus::Absent => None,
        };
        let time = |time: &Option<Result<Timestamp, String>>| {
            time.as_ref().map(|time| time.as_ref().map_or_else(Clone::clone, ToString::to_string))
        };
        let texts = [
            ("kid", self.kid.clone()),
            ("issuer_id", self.issuer_id.clone()),
            ("org_id", self.org_id.clone()),
            ("agent_id", self.agent_id.clone()),
            ("status", status.map(str::to_owned)),
            ("revoked_at", time(&self.revoked_at)),
            ("compromised_since", time(&self.compromised_since)),
            ("revocation_reason", self.revocation_reason.clone()),
            ("log_id", self.log_id.map(|id| id.to_string())),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                object.set(name, text);
            }
        }
        for (name, seq) in [("from_seq", self.from_seq), ("to_seq", self.to_seq)] {
            if let Some(seq) = seq {
                object.set(name, Json::count(seq));
            }
        }
        object
    }
}

fn status(value: Option<&Json>) -> KeyStatus {
    match value {
        None | Some(Json::Null) => KeyStatus::Absent,
        Some(Json::String(text)) => match text.as_str() {
            "active" => KeyStatus::Active,
            "retired" => KeyStatus::Retired,
            "revoked" | "suspended" => KeyStatus::Revoked,
            "compromised" => KeyStatus::Compromised,
            _ => KeyStatus::Unknown(text.clone()),
        },
        Some(_) => KeyStatus::Unknown("not a text".to_owned()),
    }
}

#[derive(Clone, Copy)]
struct Usage {
    log_id: Option<LogId>,
    from_seq: Option<u64>,
    to_seq: Option<u64>,
}

impl Usage {
    /// The range of use; `None` if a bound is there but malformed: ignoring it
    /// would widen the range.
    fn of(object: &Object) -> Option<Self> {
        let seq = |name: &str| match object.get(name) {
            Some(value) => value.as_count().map(Some),
            None => Some(None),
        };
        let log_id = match object.get("log_id") {
            Some(value) => Some(LogId::parse(value.as_str()?).ok()?),
            None => None,
        };
        Some(Self { log_id, from_seq: seq("from_seq")?, to_seq: seq("to_seq")? })
    }
}

/// By `alg`; keys of kind `OKP` name their curve, and `alg` may be absent or
/// the family's name `EdDSA` (RFC 8037 §2 and §3.1).
fn suite(object: &Object) -> Option<&'static Suite> {
    let text = |name: &str| object.get(name).and_then(Json::as_str);
    let curve = text("crv").and_then(crate::suite::by_name).filter(|suite| **suite == ED25519);
    match (text("alg"), object.get("alg"), object.get("crv")) {
        (Some("EdDSA"), ..) | (None, None, _) => curve,
        (Some(alg), _, None) => crate::suite::by_name(alg),
        (Some(alg), _, Some(_)) => crate::suite::by_name(alg).filter(|suite| Some(*suite) == curve),
        (None, Some(_), _) => None,
    }
}

impl Material {
    fn of(object: &Object) -> Self {
        let Some(suite) = suite(object) else { return Self::Unusable("its algorithm is not known") };
        let (kty, member) = if *suite == ML_DSA_65 { ("AKP", "pub") } else { ("OKP", "x") };
        if object.get("kty").is_some_and(|given| given.as_str() != Some(kty)) {
            return Self::Unusable("its key type is not its algorithm's");
        }
        let key = match (object.get(member), object.get("public_key")) {
            (None, None) => return Self::Unusable("it holds no public key"),
            (Some(one), None) => one.as_str().and_then(base64url::decode),
            (None, Some(one)) => one.as_str().and_then(base64url::decode_standard),
            (Some(one), Some(other)) => {
                let one = one.as_str().and_then(base64url::decode);
                if one != other.as_str().and_then(base64url::decode_standard) {
                    return Self::Unusable("its two spellings of the public key disagree");
                }
                one
            }
        };
        let Some(public_key) = key else { return Self::Unusable("its public key is malformed") };
        match VerifyingKey::new(suite, &public_key) {
            Some(decoded) => Self::Usable { public_key, decoded: Box::new(decoded) },
            None => Self::Unusable("its public key does not fit its algorithm"),
        }
    }
}
