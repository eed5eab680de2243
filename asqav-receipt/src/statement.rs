//! In-toto statements about receipts: Statement v1 (in-toto attestation
//! framework, `spec/v1/statement.md`) with the asqav action predicate.

use crate::canonical;
use crate::digest::Sha256Digest;
use crate::json::{Json, JsonError, Object};

/// `_type` of every statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// `predicateType` of a statement about an agent's action.
pub const ACTION_PREDICATE: &str = "https://asqav.com/receipt/action/v1";

/// Members of the predicate that repeat members of the enclosed receipt's
/// payload.
pub(crate) const REPEATED: [(&str, &str); 6] = [
    ("agent_id", "agent_id"),
    ("gen_ai.agent.id", "agent_id"),
    ("decision", "decision"),
    ("action_ref", "action_id"),
    ("action_type", "action_type"),
    ("gen_ai.tool.name", "tool_name"),
];

/// A statement with the action predicate.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Statement {
    /// The name of the subject: the receipt's `action_id`.
    pub name: String,
    /// The subject's SHA-256. With an enclosed receipt: of its canonical
    /// `{payload, signature}`.
    pub sha256: Sha256Digest,
    /// The predicate as it stands there.
    pub predicate: Object,
}

/// Why there is no statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StatementError {
    /// Not JSON by the strict rules.
    #[error("the statement is not strict JSON: {0}")]
    Json(#[from] JsonError),
    /// A member is absent or not of its form.
    #[error("`{0}` is absent or malformed")]
    Member(&'static str),
    /// A predicate of another type.
    #[error("predicate type {0:?} is not known here")]
    Predicate(String),
}

impl Statement {
    /// The statement about `receipt`, which it encloses whole: who trusts the
    /// statement's signer for nothing but the copy can verify the receipt.
    ///
    /// `receipt` is an envelope of `payload` and `signature`; anchors are left
    /// out, since they come later than what is stated.
    ///
    /// # Errors
    /// [`StatementError`] when it is no such envelope, or when its payload lacks
    /// `action_id`, `agent_id` or `decision`.
    pub fn about(receipt: &[u8]) -> Result<Self, StatementError> {
        let json = Json::parse(receipt)?;
        let envelope = json.as_object().ok_or(StatementError::Member("payload"))?;
        let signed = signed_part(envelope).ok_or(StatementError::Member("signature"))?;
        let payload = envelope.get("payload").and_then(Json::as_object);
        let payload = payload.ok_or(StatementError::Member("payload"))?;
        for name in ["action_id", "agent_id", "decision"] {
            payload.get(name).and_then(Json::as_str).ok_or(StatementError::Member(name))?;
        }
        let mut predicate = Object::new();
        predicate.set("type", "action");
        predicate.set("gen_ai.operation.name", "execute_tool");
        for (name, member) in REPEATED {
            if let Some(value) = payload.get(member).filter(|value| **value != Json::Null) {
                predicate.set(name, value.clone());
            }
        }
        let sha256 = Sha256Digest::of(&canonical::to_vec(&signed));
        predicate.set("receipt", signed);
        let name = payload.get("action_id").and_then(Json::as_str).unwrap_or_default().to_owned();
        Ok(Self { name, sha256, predicate })
    }

    /// Reads a statement: exactly one subject, with a SHA-256 in lower-case
    /// hexadecimal digits, and the action predicate.
    ///
    /// # Errors
    /// [`StatementError`].
    pub fn parse(body: &[u8]) -> Result<Self, StatementError> {
        let json = Json::parse(body)?;
        let object = json.as_object().ok_or(StatementError::Member("_type"))?;
        let text = |name: &str| object.get(name).and_then(Json::as_str);
        if text("_type") != Some(STATEMENT_TYPE) {
            return Err(StatementError::Member("_type"));
        }
        match text("predicateType") {
            Some(ACTION_PREDICATE) => {}
            Some(other) => return Err(StatementError::Predicate(other.chars().take(96).collect())),
            None => return Err(StatementError::Member("predicateType")),
        }
        let (name, sha256) = subject(object).ok_or(StatementError::Member("subject"))?;
        let predicate = object.get("predicate").and_then(Json::as_object);
        let predicate = predicate.ok_or(StatementError::Member("predicate"))?.clone();
        Ok(Self { name, sha256, predicate })
    }

    /// The statement as canonical JSON: the body of a DSSE envelope.
    #[must_use]
    pub fn to_canonical(&self) -> Vec<u8> {
        let mut digest = Object::new();
        digest.set("sha256", self.sha256.to_hex());
        let mut subject = Object::new();
        subject.set("name", self.name.as_str());
        subject.set("digest", digest);
        let mut object = Object::new();
        object.set("_type", STATEMENT_TYPE);
        object.set("subject", Json::Array(vec![Json::Object(subject)]));
        object.set("predicateType", ACTION_PREDICATE);
        object.set("predicate", self.predicate.clone());
        canonical::to_vec(&Json::Object(object))
    }

    /// The receipt that the predicate encloses.
    #[must_use]
    pub fn receipt(&self) -> Option<&Object> {
        self.predicate.get("receipt").and_then(Json::as_object)
    }
}

/// `{payload, signature}` of an envelope.
pub(crate) fn signed_part(envelope: &Object) -> Option<Json> {
    let mut signed = Object::new();
    for name in ["payload", "signature"] {
        signed.set(name, envelope.get(name).filter(|part| part.as_object().is_some())?.clone());
    }
    Some(Json::Object(signed))
}

fn subject(statement: &Object) -> Option<(String, Sha256Digest)> {
    let [subject] = statement.get("subject")?.as_array()? else { return None };
    let subject = subject.as_object()?;
    let digest = subject.get("digest")?.as_object()?.get("sha256")?.as_str()?;
    Some((subject.get("name")?.as_str()?.to_owned(), Sha256Digest::parse_hex(digest)?))
}
