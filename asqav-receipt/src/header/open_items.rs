//! The member `open` of a header: what recovery and verification start from.

use crate::digest::{Sha3Digest, Sha256Digest};
use crate::id::{ActionId, ActionType, SessionId, ToolName};
use crate::json::{Json, Object};
use crate::open::{OpenDecision, OpenItem, OpenSession};

pub(super) fn to_json(item: &OpenItem) -> Json {
    let mut object = Object::new();
    match item {
        OpenItem::Decision(decision) => {
            let OpenDecision { seq, action_id, action_type, tool_name, session_id, payload_sha256 } =
                decision;
            object.set("kind", "decision");
            object.set("seq", Json::count(*seq));
            object.set("action_id", action_id.to_string());
            object.set("action_type", action_type.as_str());
            if let Some(tool) = tool_name {
                object.set("tool_name", tool.as_str());
            }
            if let Some(session) = session_id {
                object.set("session_id", session.as_str());
            }
            object.set("payload", payload_sha256.to_tagged());
        }
        OpenItem::Session(session) => {
            let OpenSession { seq, action_id, session_id, count, frontier } = session;
            object.set("kind", "session");
            object.set("seq", Json::count(*seq));
            object.set("action_id", action_id.to_string());
            object.set("session_id", session_id.as_str());
            object.set("count", Json::count(*count));
            object.set(
                "frontier",
                Json::Array(frontier.iter().map(|root| Json::from(root.to_hex())).collect()),
            );
        }
    }
    Json::Object(object)
}

pub(super) fn from_json(json: &Json) -> Option<OpenItem> {
    let object = json.as_object()?;
    let text = |name: &str| object.get(name)?.as_str();
    let seq = object.get("seq")?.as_count()?;
    let action_id = ActionId::parse(text("action_id")?).ok()?;
    match text("kind")? {
        "decision" => Some(OpenItem::Decision(OpenDecision {
            seq,
            action_id,
            action_type: ActionType::parse(text("action_type")?).ok()?,
            tool_name: optional(object, "tool_name", |name| ToolName::parse(name).ok())?,
            session_id: optional(object, "session_id", |id| SessionId::parse(id).ok())?,
            payload_sha256: Sha256Digest::parse_tagged(text("payload")?)?,
        })),
        "session" => {
            let frontier = object.get("frontier")?.as_array()?;
            let frontier =
                frontier.iter().map(|root| Sha3Digest::parse_hex(root.as_str()?)).collect::<Option<_>>()?;
            let session_id = SessionId::parse(text("session_id")?).ok()?;
            let session =
                OpenSession { seq, action_id, session_id, count: object.get("count")?.as_count()?, frontier };
            session.root().is_some().then_some(OpenItem::Session(session))
        }
        _ => None,
    }
}

/// `Some(None)` where the member is absent, `None` where it is malformed.
#[expect(clippy::option_option, reason = "absent and malformed are different answers")]
fn optional<T>(object: &Object, name: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
    match object.get(name) {
        Some(value) => read(value.as_str()?).map(Some),
        None => Some(None),
    }
}
