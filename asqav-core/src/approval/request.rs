//! What an approver is asked.

use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::{ActionId, ActionType, AgentId, ReasonCode, SessionId, ToolName};
use asqav_receipt::json::{Json, JsonError, Object};
use asqav_receipt::time::Timestamp;

use crate::call::Argument;

/// A call that waits for an approval.
///
/// `receipt`, `payload`, `policy_digest` and `expires_at` are what an approval
/// is bound to; the rest is for people to read, as the gate's process tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApprovalRequest {
    /// The denial receipt with the reason `approval_required`.
    pub receipt: ActionId,
    /// SHA-256 of its canonical payload, which commits to the arguments.
    pub payload: Sha256Digest,
    /// The policy that wants the approval.
    pub policy_digest: Sha256Digest,
    /// Until when the approval is good.
    pub expires_at: Timestamp,
    /// The agent that wants to act.
    pub agent: AgentId,
    /// The tool.
    pub tool: ToolName,
    /// The action's label.
    pub action: ActionType,
    /// The session.
    pub session: Option<SessionId>,
    /// The policy's reason.
    pub reason: ReasonCode,
    /// The arguments' names and JSON texts; no text of one that the gate was
    /// not given. They may be secrets.
    pub arguments: Vec<(String, Option<String>)>,
}

/// Why bytes are no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Not JSON by the strict rules.
    #[error("not strict JSON: {0}")]
    Json(#[from] JsonError),
    /// A member is missing or malformed.
    #[error("`{0}` is missing or malformed")]
    Member(&'static str),
}

impl ApprovalRequest {
    pub(crate) fn arguments_of(arguments: &[Argument]) -> Vec<(String, Option<String>)> {
        let text = |argument: &Argument| argument.value.as_ref().map(|value| value.as_str().to_owned());
        arguments.iter().map(|argument| (argument.name.clone(), text(argument))).collect()
    }

    /// Canonical JSON, for an approver elsewhere; arguments stand as their
    /// JSON texts.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut request = Object::new();
        request.set("asqav_approval", "v1");
        request.set("receipt", self.receipt.to_string().as_str());
        request.set("payload", self.payload.to_tagged().as_str());
        request.set("policy_digest", self.policy_digest.to_tagged().as_str());
        request.set("expires_at", self.expires_at.to_string().as_str());
        request.set("agent", self.agent.as_str());
        request.set("tool", self.tool.as_str());
        request.set("action", self.action.as_str());
        if let Some(session) = &self.session {
            request.set("session", session.as_str());
        }
        request.set("reason", self.reason.as_str());
        let argument = |(name, text): &(String, Option<String>)| {
            let mut argument = Object::new();
            argument.set("name", name.as_str());
            if let Some(text) = text {
                argument.set("json", text.as_str());
            }
            Json::Object(argument)
        };
        request.set("arguments", Json::Array(self.arguments.iter().map(argument).collect()));
        asqav_receipt::canonical::to_vec(&Json::Object(request))
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    /// [`RequestError`] for the first member that is missing or malformed.
    pub fn from_json(json: &[u8]) -> Result<Self, RequestError> {
        let json = Json::parse(json)?;
        let request = json.as_object().ok_or(RequestError::Member("asqav_approval"))?;
        let text = |name: &'static str| request.get(name).and_then(Json::as_str);
        if text("asqav_approval") != Some("v1") {
            return Err(RequestError::Member("asqav_approval"));
        }
        let session = match text("session") {
            Some(session) => Some(read("session", SessionId::parse(session).ok())?),
            None => None,
        };
        let arguments = request.get("arguments").and_then(Json::as_array).and_then(|arguments| {
            let argument = |argument: &Json| {
                let argument = argument.as_object()?;
                let name = argument.get("name")?.as_str()?.to_owned();
                Some((name, argument.get("json").and_then(Json::as_str).map(str::to_owned)))
            };
            arguments.iter().map(argument).collect::<Option<Vec<_>>>()
        });
        let digest = |name| read(name, text(name).and_then(Sha256Digest::parse_tagged));
        Ok(Self {
            receipt: read("receipt", text("receipt").and_then(|id| ActionId::parse(id).ok()))?,
            payload: digest("payload")?,
            policy_digest: digest("policy_digest")?,
            expires_at: read(
                "expires_at",
                text("expires_at").and_then(|time| Timestamp::parse_rfc3339(time).ok()),
            )?,
            agent: read("agent", text("agent").and_then(|id| AgentId::parse(id).ok()))?,
            tool: read("tool", text("tool").and_then(|name| ToolName::parse(name).ok()))?,
            action: read("action", text("action").and_then(|action| ActionType::parse(action).ok()))?,
            session,
            reason: read("reason", text("reason").and_then(|reason| ReasonCode::parse(reason).ok()))?,
            arguments: read("arguments", arguments)?,
        })
    }
}

fn read<T>(name: &'static str, value: Option<T>) -> Result<T, RequestError> {
    value.ok_or(RequestError::Member(name))
}
