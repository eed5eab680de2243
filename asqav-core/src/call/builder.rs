//! Builds a [`ToolCall`].

use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::{ActionType, ActorName, IdError, ResourceName, TenantId, ToolName, ToolVersion};
use serde::Serialize;

use super::{
    ActorKind, Argument, CallError, Capture, Handling, JsonText, Origin, ToolCall, safe_code, safe_label,
};
use crate::argument::to_json_text;
use crate::delegation::Presented;

/// Builds a [`ToolCall`]; see [`ToolCall::builder`].
///
/// The first thing that cannot be represented becomes the call's
/// [`fault`](ToolCall::fault).
#[derive(Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct ToolCallBuilder {
    call: ToolCall,
}

impl ToolCallBuilder {
    pub(super) fn new(tool: &str, action: &str) -> Self {
        let mut fault = None;
        let call = ToolCall {
            tool: parse_or(safe_label, tool, ToolName::parse, &mut fault),
            action: parse_or(safe_label, action, ActionType::parse, &mut fault),
            version: None,
            definition_digest: None,
            origin: Origin::default(),
            arguments: Vec::new(),
            delegations: Vec::new(),
            fault: None,
            handling: Handling::default(),
        };
        Self { call: ToolCall { fault, ..call } }
    }

    /// The tool's version, 1 to 64 bytes.
    pub fn version(mut self, version: &str) -> Self {
        self.call.version = Some(parse_or(safe_code, version, ToolVersion::parse, &mut self.call.fault));
        self
    }

    /// SHA-256 of the tool's definition.
    pub const fn definition_digest(mut self, digest: Sha256Digest) -> Self {
        self.call.definition_digest = Some(digest);
        self
    }

    /// The tenant that the call is made for, 1 to 96 bytes.
    pub fn tenant(mut self, tenant: &str) -> Self {
        self.call.origin.tenant = Some(parse_or(safe_label, tenant, TenantId::parse, &mut self.call.fault));
        self
    }

    /// The actor on whose behalf the agent acts, its name 1 to 96 bytes.
    pub fn on_behalf_of(mut self, kind: ActorKind, name: &str) -> Self {
        let name = parse_or(safe_label, name, ActorName::parse, &mut self.call.fault);
        self.call.origin.actor = Some((kind, name));
        self
    }

    /// What the call is about, 1 to 96 bytes, e.g. `account:DE-1`.
    pub fn resource(mut self, resource: &str) -> Self {
        let resource = parse_or(safe_label, resource, ResourceName::parse, &mut self.call.fault);
        self.call.origin.resource = Some(resource);
        self
    }

    /// A chain of delegation tokens that the call comes with; several calls of
    /// this method add up, and all of them have to allow the call.
    pub fn delegation(mut self, presented: impl Into<Presented>) -> Self {
        self.call.delegations.push(presented.into());
        self
    }

    /// A declared argument; the receipt holds a commitment to it.
    pub fn argument<T: Serialize + ?Sized>(self, name: &str, value: &T) -> Self {
        self.captured(name, value, Capture::Commit)
    }

    /// A declared argument; the receipt holds its value, where it has at most
    /// 256 bytes of JSON text. A recorded value can never be forgotten.
    pub fn record<T: Serialize + ?Sized>(self, name: &str, value: &T) -> Self {
        self.captured(name, value, Capture::Record)
    }

    /// A declared argument that is never serialised; the receipt says that it
    /// was dropped, and the policy does not see it.
    pub fn skip(self, name: &str) -> Self {
        self.push(name, None, Capture::Drop, true)
    }

    /// A declared argument of which `redact(value)` goes into receipt, policy
    /// and vault; the tool still gets `value`. The commitment then covers the
    /// redacted value only.
    pub fn redact<'v, T: ?Sized, R: Serialize>(
        self,
        name: &str,
        value: &'v T,
        redact: impl FnOnce(&'v T) -> R,
    ) -> Self {
        self.captured(name, &redact(value), Capture::Commit)
    }

    /// A declared argument, captured as `capture` says.
    pub fn captured<T: Serialize + ?Sized>(mut self, name: &str, value: &T, capture: Capture) -> Self {
        match to_json_text(value) {
            Ok(text) => self.push(name, Some(text), capture, true),
            Err(error) => {
                self.fault(error.of_argument(name));
                self.push(name, None, Capture::Drop, true)
            }
        }
    }

    /// A declared argument whose JSON text came from outside.
    pub fn text(self, name: &str, value: JsonText, capture: Capture) -> Self {
        self.push(name, Some(value), capture, true)
    }

    /// An argument whose name the tool does not declare: its name is never
    /// shown, the receipt holds a commitment to it within `arguments_root`.
    pub fn undeclared(self, name: &str, value: JsonText) -> Self {
        self.push(name, Some(value), Capture::Commit, false)
    }

    /// Says that the call cannot be represented, e.g. because its arguments
    /// are not JSON; the gate refuses it then.
    pub fn unrepresentable(mut self, why: CallError) -> Self {
        self.fault(why);
        self
    }

    /// The call.
    #[must_use]
    pub fn build(mut self) -> ToolCall {
        self.call.settle();
        self.call
    }

    fn push(mut self, name: &str, value: Option<JsonText>, capture: Capture, declared: bool) -> Self {
        self.call.arguments.push(Argument { name: name.to_owned(), value, capture, declared });
        self
    }

    fn fault(&mut self, error: CallError) {
        self.call.fault.get_or_insert(error);
    }
}

impl ToolCall {
    /// Keeps the first argument of each name; a second one is a fault.
    ///
    /// INVARIANT: a receipt has no member twice. The gate asks again, because
    /// `arguments` is open to whoever has the call.
    pub(crate) fn settle(&mut self) {
        let Some(name) = self.duplicate() else { return };
        let duplicate = CallError::Duplicate(shortened(name));
        self.fault.get_or_insert(duplicate);
        let mut seen = std::collections::HashSet::new();
        self.arguments.retain(|argument| seen.insert(argument.name.clone()));
    }
}

impl CallError {
    /// The same error, naming the argument.
    #[must_use]
    pub fn of_argument(self, name: &str) -> Self {
        match self {
            Self::Value { why, flaw } => Self::Argument { name: shortened(name), why, flaw },
            other => other,
        }
    }
}

/// Names in errors stay readable however long they are.
fn shortened(name: &str) -> String {
    name.chars().take(64).collect()
}

fn parse_or<T>(
    safe: fn(&str) -> String,
    text: &str,
    parse: impl Fn(String) -> Result<T, IdError>,
    fault: &mut Option<CallError>,
) -> T {
    let error = match parse(text.to_owned()) {
        Ok(id) => return id,
        Err(error) => error,
    };
    fault.get_or_insert(CallError::Id(error));
    #[expect(clippy::expect_used, reason = "a safe form has 24 to 64 bytes of the identifier's alphabet")]
    parse(safe(text)).expect("a safe form is an identifier")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_the_first_fault_and_stays_usable() {
        let long = "x".repeat(5_000);
        let call = ToolCall::builder(&long, "a\u{7}").argument("amount", &f64::NAN).build();
        assert!(matches!(call.fault(), Some(CallError::Id(IdError::TooLong { len: 5_000, .. }))));
        assert!(call.tool.as_str().starts_with(&"x".repeat(40)));
        assert!(call.action.as_str().starts_with("a_~sha256:"));
        assert_eq!(call.arguments[0].capture, Capture::Drop);

        let call = ToolCall::builder("t", "a").argument("amount", &[f64::NAN]).build();
        let why = "argument `amount` cannot be represented: it holds a number that is not finite";
        assert_eq!(call.fault().unwrap().to_string(), why);
    }

    #[test]
    fn two_arguments_of_one_name_are_a_fault() {
        let call =
            ToolCall::builder("t", "a").argument("x", "1").argument("y", "2").argument("x", "3").build();
        assert_eq!(call.fault(), Some(&CallError::Duplicate("x".to_owned())));
        assert_eq!(call.arguments.len(), 2);
    }

    #[test]
    fn redaction_keeps_the_value_out() {
        let call =
            ToolCall::builder("t", "a").redact("card", "4111-1111", |card| card.split('-').next()).build();
        assert_eq!(call.arguments[0].value.as_ref().unwrap().as_str(), "\"4111\"");
    }
}
