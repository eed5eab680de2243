//! Writes a payload in canonical form, member by member, without a tree.

use crate::canonical::{member_order, write, write_integer, write_string};
use crate::digest::{Sha256Digest, encode_hex};
use crate::json::{Json, MAX_INTEGER};
use crate::payload::{
    Context, Controls, Extension, Folded, Form, Payload, PolicyInfo, ReceiptType, ToolInfo, Trace,
};

/// What an outcome carries besides its result.
const RESULT_DIGEST_LEN: usize = r#""result_digest":"sha256:","#.len() + 64;
/// What a post-hoc receipt carries besides its arguments.
const TOPOLOGY_LEN: usize = r#""capture_topology":"passive_telemetry","#.len();
/// `payload_digest.size` of an empty context has one digit, that of a full one four.
const SIZE_DIGITS: usize = 3;

impl Payload {
    /// The canonical bytes: what is signed and linked to.
    #[must_use]
    pub fn to_canonical(&self) -> Vec<u8> {
        let context = self.context.to_canonical();
        let mut out = Vec::with_capacity(1_536 + context.len());
        let mut members = Members::open(&mut out);
        members.text("action_id", &self.action_id.to_string());
        members.text("action_ref", &action_ref(self.action_type.as_str(), &context).to_tagged());
        members.text("action_type", self.action_type.as_str());
        members.text("agent_id", self.agent_id.as_str());
        self.asqav.write(members.value("asqav"), self);
        members.some_text("capture_topology", self.context.capture_topology());
        members.value("context").extend_from_slice(&context);
        self.controls.write(&mut members);
        members.text("decision", self.decision.as_str());
        members.some_text("expires_at", self.expires_at.map(|time| time.to_string()));
        members.some_text("invocation_ref", self.invocation_ref.map(|digest| digest.to_tagged()));
        members.text("issued_at", &self.issued_at.to_string());
        members.text("issuer_id", self.issuer_id.as_str());
        members.text("key_thumbprint", &self.key_thumbprint.to_tagged());
        members.text("mode", "payload");
        members.text("nonce", &self.nonce.to_string());
        let mut digest = Members::open(members.value("payload_digest"));
        digest.text("hash", &Sha256Digest::of(&context).to_hex());
        digest.count("size", context.len() as u64);
        digest.close();
        members.text("policy_digest", &self.policy_digest.to_tagged());
        members.text("previousReceiptHash", &self.link.sha256.to_hex());
        members.some_text("reason", self.reason.as_ref());
        members.some_text("result_digest", self.result_digest().map(|digest| digest.to_tagged()));
        members.count("seq", self.seq);
        members.some_text("session_id", self.session_id.as_ref());
        members.some_text("tool_name", self.tool_name.as_ref());
        members.text("type", self.receipt_type.as_str());
        members.count("v", 1);
        members.close();
        out
    }

    /// How many bytes of canonical `context` this payload has room for, however
    /// its sequence number, links and time turn out; at least
    /// [`MAX_CONTEXT_LEN`](super::MAX_CONTEXT_LEN).
    ///
    /// Takes the other members as they are; what `context` holds now does not
    /// matter.
    #[must_use]
    pub fn context_budget(&self) -> usize {
        let mut empty = self.clone();
        empty.context = Context::Result(None);
        empty.seq = super::MAX_SEQ;
        empty.link = super::Link::to(&[]);
        let besides = match self.receipt_type {
            ReceiptType::Outcome => RESULT_DIGEST_LEN,
            ReceiptType::Observation => TOPOLOGY_LEN,
            _ => 0,
        };
        // The empty context's own two bytes are free again.
        let used = empty.to_canonical().len() - "{}".len() + SIZE_DIGITS + besides;
        super::MAX_PAYLOAD_LEN.saturating_sub(used)
    }

    /// SHA-256 of canonical(`context.result`) of an outcome receipt.
    fn result_digest(&self) -> Option<Sha256Digest> {
        match &self.context {
            Context::Result(Some(form)) if self.receipt_type == ReceiptType::Outcome => {
                let mut out = Vec::new();
                form.write(&mut out);
                Some(Sha256Digest::of(&out))
            }
            _ => None,
        }
    }
}

/// SHA-256 of canonical(`{action_type, context}`).
pub(crate) fn action_ref(action_type: &str, canonical_context: &[u8]) -> Sha256Digest {
    let mut head = Vec::with_capacity(64);
    let mut members = Members::open(&mut head);
    members.text("action_type", action_type);
    members.value("context");
    Sha256Digest::of_parts(&[&head, canonical_context, b"}"])
}

impl Context {
    /// The canonical bytes of the member `context`.
    #[must_use]
    pub fn to_canonical(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        let mut members = Members::open(&mut out);
        match self {
            Self::Arguments { shown, folded } => write_arguments(&mut members, shown, folded.as_ref()),
            Self::Result(result) => members.form("result", result.as_ref()),
            Self::Event { name, body } => write(&Json::Object(body.clone()), members.value(name)),
            Self::Step(form) => members.form("step", Some(form)),
            Self::Observed { shown, folded, result } => {
                write_arguments(&mut members, shown, folded.as_ref());
                members.form("result", result.as_ref());
            }
        }
        members.close();
        out
    }

    const fn capture_topology(&self) -> Option<&'static str> {
        match self {
            Self::Observed { .. } => Some("passive_telemetry"),
            _ => None,
        }
    }
}

fn write_arguments(members: &mut Members<'_>, shown: &[(String, Form)], folded: Option<&Folded>) {
    let mut ordered: Vec<_> = shown.iter().collect();
    ordered.sort_by(|(a, _), (b, _)| member_order(a, b));
    let mut arguments = Members::open(members.value("arguments"));
    for (name, form) in ordered {
        arguments.form(name, Some(form));
    }
    arguments.close();
    if let Some(Folded { count, root }) = folded {
        let mut tree = Members::open(members.value("arguments_root"));
        tree.count("count", *count);
        tree.text("root", &root.to_hex());
        tree.close();
    }
}

impl Form {
    /// Appends the canonical form, e.g. `{"commit":"…"}`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut members = Members::open(out);
        match self {
            Self::Commit(digest) => members.text("commit", &digest.to_hex()),
            Self::Value(value) => write(value, members.value("value")),
            Self::Text(text) => members.text("json", text),
            Self::Dropped => members.flag("dropped", true),
        }
        members.close();
    }
}

impl Controls {
    fn write(&self, members: &mut Members<'_>) {
        let Self { policy_matched, halted, delegation, quorum } = self;
        // A control that matched nothing is not claimed.
        let matched = policy_matched.filter(|&matched| matched > 0);
        if matched.is_none() && !halted && delegation.is_none() && quorum.is_none() {
            return;
        }
        let mut controls = Members::open(members.value("controls_evaluated"));
        if let Some(chain) = delegation {
            let mut scope = Members::open(controls.value("delegation_scope"));
            scope.text("chain", &chain.to_hex());
            scope.flag("checked", true);
            scope.close();
        }
        if *halted {
            let mut halt = Members::open(controls.value("emergency_halt"));
            halt.flag("checked", true);
            halt.flag("halted", true);
            halt.close();
        }
        if let Some(matched) = matched {
            let mut policy = Members::open(controls.value("policy"));
            policy.flag("evaluated", true);
            policy.count("matched_count", matched);
            policy.close();
        }
        if let Some(attestation) = quorum {
            let mut quorum = Members::open(controls.value("quorum"));
            quorum.text("attestation_hash", &attestation.to_hex());
            quorum.flag("fired", true);
            quorum.close();
        }
        controls.close();
    }
}

impl Extension {
    fn write(&self, out: &mut Vec<u8>, payload: &Payload) {
        let Self {
            log_id,
            tier,
            phase,
            outcome,
            recovered,
            error_type,
            started_at,
            duration_us,
            tool,
            policy,
            parents,
            trace,
        } = self;
        let mut members = Members::open(out);
        if let Some(duration) = duration_us {
            members.count("duration_us", *duration);
        }
        members.some_text("error_type", error_type.as_ref());
        members.text("log_id", &log_id.to_string());
        members.some_text("outcome", *outcome);
        if !parents.is_empty() {
            members.texts("parents", parents.iter().take(super::MAX_PARENTS));
        }
        members.text("phase", phase.as_str());
        if let Some(policy) = policy {
            policy.write(members.value("policy"), payload.controls.max_rules());
        }
        members.some_text("prev", payload.link.sha3.map(|digest| digest.to_tagged()));
        if *recovered {
            members.flag("recovered", true);
        }
        members.some_text("started_at", *started_at);
        members.text("tier", tier.as_str());
        if let Some(tool) = tool {
            tool.write(members.value("tool"));
        }
        if let Some(trace) = trace {
            trace.write(members.value("trace"));
        }
        members.close();
    }
}

impl PolicyInfo {
    fn write(&self, out: &mut Vec<u8>, max_rules: usize) {
        let Self { id, rules, inputs, shadow, obliged } = self;
        let mut members = Members::open(out);
        members.text("id", id.as_str());
        members.some_text("inputs", inputs.map(|digest| digest.to_hex()));
        if !obliged.is_empty() {
            members.texts("obliged", obliged.iter().take(super::MAX_NOTED));
        }
        members.texts("rules", rules.iter().take(max_rules));
        if !shadow.is_empty() {
            members.texts("shadow", shadow.iter().take(super::MAX_NOTED));
        }
        members.close();
    }
}

impl ToolInfo {
    fn write(&self, out: &mut Vec<u8>) {
        let Self { version, definition_digest } = self;
        let mut members = Members::open(out);
        members.some_text("definition_digest", definition_digest.map(|digest| digest.to_tagged()));
        members.some_text("version", version.as_ref());
        members.close();
    }
}

impl Trace {
    fn write(&self, out: &mut Vec<u8>) {
        let Self { trace_id, span_id } = self;
        let mut members = Members::open(out);
        members.text("span_id", &encode_hex(span_id));
        members.text("trace_id", &encode_hex(trace_id));
        members.close();
    }
}

/// An object being written.
///
/// INVARIANT: members are added in canonical order; the tests compare every
/// kind of payload with a general canonicaliser.
pub(crate) struct Members<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Members<'a> {
    pub(crate) fn open(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    pub(crate) fn close(self) {
        self.out.push(b'}');
    }

    /// Writes the name; the caller appends the value.
    pub(crate) fn value(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        write_string(name, self.out);
        self.out.push(b':');
        self.out
    }

    pub(crate) fn text(&mut self, name: &str, text: &str) {
        write_string(text, self.value(name));
    }

    pub(crate) fn some_text(&mut self, name: &str, text: Option<impl ToString>) {
        if let Some(text) = text {
            self.text(name, &text.to_string());
        }
    }

    pub(crate) fn texts(&mut self, name: &str, texts: impl Iterator<Item = impl ToString>) {
        let out = self.value(name);
        out.push(b'[');
        for (at, text) in texts.enumerate() {
            if at > 0 {
                out.push(b',');
            }
            write_string(&text.to_string(), out);
        }
        out.push(b']');
    }

    pub(crate) fn count(&mut self, name: &str, count: u64) {
        // Counts never come near 2^53; a payload must not hold more in any case.
        write_integer(
            i64::try_from(count).map_or(MAX_INTEGER, |count| count.min(MAX_INTEGER)),
            self.value(name),
        );
    }

    pub(crate) fn flag(&mut self, name: &str, flag: bool) {
        self.value(name).extend_from_slice(if flag { b"true" } else { b"false" });
    }

    fn form(&mut self, name: &str, form: Option<&Form>) {
        if let Some(form) = form {
            form.write(self.value(name));
        }
    }
}
