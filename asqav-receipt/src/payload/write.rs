//! Writes a payload in canonical form, member by member, without a tree.

use crate::canonical::{Members, member_order, write, write_count, write_string, write_time};
use crate::digest::{Sha3Digest, Sha256Digest, push_hex};
use crate::id::{ActionId, ErrorType, ReasonCode, RuleId, SessionId, ToolName, ToolVersion};
use crate::json::Json;
use crate::payload::{
    Context, Controls, Extension, Folded, Form, Link, Payload, PolicyInfo, ReceiptType, ToolInfo, Trace,
};
use crate::time::Timestamp;

/// What an outcome carries besides its result.
const RESULT_DIGEST_LEN: usize = r#""result_digest":"sha256:","#.len() + 64;
/// What a post-hoc receipt carries besides its arguments.
const TOPOLOGY_LEN: usize = r#""capture_topology":"passive_telemetry","#.len();
/// `payload_digest.size` of an empty context has one digit, that of a full one four.
const SIZE_DIGITS: usize = 3;

/// A payload's canonical bytes without what its place in a chain decides: its
/// sequence number, its links, its time.
///
/// Whoever places receipts one after the other has little left to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unplaced {
    bytes: Vec<u8>,
    /// Where in `bytes` the member `asqav.prev` goes, and the values of
    /// `issued_at`, `previousReceiptHash` and `seq`, in this order.
    gaps: [usize; 4],
}

impl Unplaced {
    /// What all gaps take at most.
    const GAPS_LEN: usize = 200;

    /// The canonical bytes before the first that depends on the place.
    #[must_use]
    pub fn before_place(&self) -> &[u8] {
        let [prev, ..] = self.gaps;
        self.bytes.get(..prev).unwrap_or_default()
    }

    /// Appends the canonical bytes of the payload at its place.
    pub fn place(&self, seq: u64, link: &Link, issued_at: Timestamp, out: &mut Vec<u8>) {
        let [prev, time, hash, number] = self.gaps;
        let between = |from, to| self.bytes.get(from..to).unwrap_or_default();
        out.reserve(self.bytes.len() + Self::GAPS_LEN);
        out.extend_from_slice(self.before_place());
        if let Some(sha3) = &link.sha3 {
            // `phase` stands before it in any case.
            out.extend_from_slice(br#","prev":""#);
            out.extend_from_slice(Sha3Digest::TAG.as_bytes());
            push_hex(sha3.as_bytes(), out);
            out.push(b'"');
        }
        out.extend_from_slice(between(prev, time));
        write_time(issued_at, out);
        out.extend_from_slice(between(time, hash));
        out.push(b'"');
        push_hex(link.sha256.as_bytes(), out);
        out.push(b'"');
        out.extend_from_slice(between(hash, number));
        write_count(seq, out);
        out.extend_from_slice(between(number, self.bytes.len()));
    }
}

impl Payload {
    /// The canonical bytes: what is signed and linked to.
    #[must_use]
    pub fn to_canonical(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.unplaced().place(self.seq, &self.link, self.issued_at, &mut out);
        out
    }

    /// The canonical bytes, whatever the payload's place will be.
    #[must_use]
    pub fn unplaced(&self) -> Unplaced {
        let context = self.context.to_canonical();
        let mut bytes = Vec::with_capacity(1_536 + context.len());
        let mut members = Members::open(&mut bytes);
        write_action_id(&self.action_id, members.value("action_id"));
        members.sha256("action_ref", &action_ref(self.action_type.as_str(), &context));
        members.text("action_type", self.action_type.as_str());
        members.text("agent_id", self.agent_id.as_str());
        let prev = self.asqav.write(members.value("asqav"), self);
        members.some_text("capture_topology", self.context.capture_topology());
        members.value("context").extend_from_slice(&context);
        self.controls.write(&mut members);
        members.text("decision", self.decision.as_str());
        members.some_time("expires_at", self.expires_at);
        members.some_sha256("invocation_ref", self.invocation_ref.as_ref());
        let time = members.value("issued_at").len();
        members.text("issuer_id", self.issuer_id.as_str());
        members.sha256("key_thumbprint", &self.key_thumbprint);
        members.text("mode", "payload");
        members.hex("nonce", "", self.nonce.as_bytes());
        let mut digest = Members::open(members.value("payload_digest"));
        digest.hex("hash", "", Sha256Digest::of(&context).as_bytes());
        digest.count("size", context.len() as u64);
        digest.close();
        members.sha256("policy_digest", &self.policy_digest);
        let hash = members.value("previousReceiptHash").len();
        members.some_text("reason", self.reason.as_ref().map(ReasonCode::as_str));
        members.some_sha256("result_digest", self.result_digest().as_ref());
        let number = members.value("seq").len();
        members.some_text("session_id", self.session_id.as_ref().map(SessionId::as_str));
        members.some_text("tool_name", self.tool_name.as_ref().map(ToolName::as_str));
        members.text("type", self.receipt_type.as_str());
        members.count("v", 1);
        members.close();
        Unplaced { bytes, gaps: [prev, time, hash, number] }
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
                let mut out = Vec::with_capacity(96);
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
    let mut arguments = Members::open(members.value("arguments"));
    if shown.is_sorted_by(|(a, _), (b, _)| member_order(a, b).is_lt()) {
        shown.iter().for_each(|(name, form)| form.write(arguments.value_of(name)));
    } else {
        let mut ordered: Vec<_> = shown.iter().collect();
        ordered.sort_by(|(a, _), (b, _)| member_order(a, b));
        ordered.iter().for_each(|(name, form)| form.write(arguments.value_of(name)));
    }
    arguments.close();
    if let Some(Folded { count, root }) = folded {
        let mut tree = Members::open(members.value("arguments_root"));
        tree.count("count", *count);
        tree.hex("root", "", root.as_bytes());
        tree.close();
    }
}

impl Form {
    /// Appends the canonical form, e.g. `{"commit":"…"}`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut members = Members::open(out);
        match self {
            Self::Commit(digest) => members.hex("commit", "", digest.as_bytes()),
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
            scope.hex("chain", "", chain.as_bytes());
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
            quorum.hex("attestation_hash", "", attestation.as_bytes());
            quorum.flag("fired", true);
            quorum.close();
        }
        controls.close();
    }
}

impl Extension {
    /// Appends all members but `prev`; gives where that goes.
    fn write(&self, out: &mut Vec<u8>, payload: &Payload) -> usize {
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
        members.some_text("error_type", error_type.as_ref().map(ErrorType::as_str));
        members.hex("log_id", "", log_id.as_bytes());
        members.some_text("outcome", outcome.map(|outcome| outcome.as_str()));
        if !parents.is_empty() {
            members.list("parents", parents.iter().take(super::MAX_PARENTS), write_action_id);
        }
        members.text("phase", phase.as_str());
        if let Some(policy) = policy {
            policy.write(members.value("policy"), payload.controls.max_rules());
        }
        let prev = members.len();
        if *recovered {
            members.flag("recovered", true);
        }
        members.some_time("started_at", *started_at);
        members.text("tier", tier.as_str());
        if let Some(tool) = tool {
            tool.write(members.value("tool"));
        }
        if let Some(trace) = trace {
            trace.write(members.value("trace"));
        }
        members.close();
        prev
    }
}

impl PolicyInfo {
    fn write(&self, out: &mut Vec<u8>, max_rules: usize) {
        let Self { id, rules, inputs, shadow, obliged } = self;
        let mut members = Members::open(out);
        members.text("id", id.as_str());
        if let Some(inputs) = inputs {
            members.hex("inputs", "", inputs.as_bytes());
        }
        if !obliged.is_empty() {
            members.list("obliged", obliged.iter().take(super::MAX_NOTED), write_rule);
        }
        members.list("rules", rules.iter().take(max_rules), write_rule);
        if !shadow.is_empty() {
            members.list("shadow", shadow.iter().take(super::MAX_NOTED), write_rule);
        }
        members.close();
    }
}

impl ToolInfo {
    fn write(&self, out: &mut Vec<u8>) {
        let Self { version, definition_digest } = self;
        let mut members = Members::open(out);
        members.some_sha256("definition_digest", definition_digest.as_ref());
        members.some_text("version", version.as_ref().map(ToolVersion::as_str));
        members.close();
    }
}

impl Trace {
    fn write(&self, out: &mut Vec<u8>) {
        let Self { trace_id, span_id } = self;
        let mut members = Members::open(out);
        members.hex("span_id", "", span_id);
        members.hex("trace_id", "", trace_id);
        members.close();
    }
}

impl Members<'_> {
    fn form(&mut self, name: &'static str, form: Option<&Form>) {
        if let Some(form) = form {
            form.write(self.value(name));
        }
    }
}

fn write_action_id(id: &ActionId, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(&id.text());
    out.push(b'"');
}

fn write_rule(rule: &RuleId, out: &mut Vec<u8>) {
    write_string(rule.as_str(), out);
}
