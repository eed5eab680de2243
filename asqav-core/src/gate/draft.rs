//! The decision receipt.

use std::time::Duration;

use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::id::ActionId;
use asqav_receipt::payload::{
    Context, Controls, Folded, MAX_NOTED, MAX_PARENTS, Payload, Phase, PolicyInfo, ReceiptType, ToolInfo,
};
use asqav_receipt::time::Timestamp;

use super::approve::Approved;
use super::decide::{Denial, Ruling};
use super::halt::Stop;
use super::identity::{Fresh, Kind};
use super::install::Entry;
use crate::argument::push_string;
use crate::call::{Argument, Origin, ToolCall};
use crate::commit::{Committer, POLICY_INPUTS, fit_arguments};
use crate::delegation::digest_of;
use crate::policy::{Budget, Charge, Duty, Label, Limit, Obligation, Policy, Raise, Raised, Rate, Target};
use crate::recorder::Draft;

/// The tool's version and definition, as receipts show them.
pub(super) fn tool_info(call: &ToolCall) -> Option<ToolInfo> {
    let mut info = ToolInfo::default();
    info.version.clone_from(&call.version);
    info.definition_digest = call.definition_digest;
    (info != ToolInfo::default()).then_some(info)
}

/// The running call that this one is made in, if it has the same log.
pub(super) fn parents(entry: &Entry) -> Vec<ActionId> {
    let outer = entry.ambient.call.iter().filter(|call| call.gate.is(&entry.gate));
    outer.map(|call| call.ids.action_id).take(MAX_PARENTS).collect()
}

/// The decision receipt of `call`, ruled on at `now`.
pub(super) fn decision(
    entry: &Entry,
    call: ToolCall,
    ruling: &Ruling,
    now: Timestamp,
    fresh: &Fresh,
    approved: &Approved,
) -> Draft {
    let identity = entry.gate.identity();
    let tool = tool_info(&call);
    let ToolCall { tool: name, action, origin, arguments, .. } = call;
    let context = Context::Arguments { shown: Vec::new(), folded: None };
    let kind = Kind { receipt_type: ReceiptType::Decision, phase: Phase::Decision, context };
    let mut payload = identity.payload(fresh, action, kind);
    payload.tool_name = Some(name);
    payload.decision = ruling.wire;
    payload.reason = ruling.denial.as_ref().map(Denial::reason);
    payload.controls = match ruling.denial {
        Some(Denial::Stopped(Stop::Halted)) => Controls::emergency_halt(),
        _ => Controls::policy(u64::try_from(ruling.rules.len()).unwrap_or(u64::MAX)),
    };
    if ruling.delegation_checked && !ruling.delegations.as_slice().is_empty() {
        payload.controls.delegation = Some(digest_of(ruling.delegations.digests()));
    }
    payload.asqav.tier = entry.tier;
    payload.asqav.tool = tool;
    payload.asqav.parents = parents(entry);
    payload.asqav.parents.extend(approved.parents());
    payload.asqav.parents.truncate(MAX_PARENTS);
    payload.expires_at = approved.grant().map(|grant| grant.expires_at);
    payload.controls.quorum = approved.grant().map(|grant| grant.attestation);
    if let (Some(Denial::NeedsApproval(_)), Some(approvals)) = (&ruling.denial, &entry.gate.0.approvals) {
        payload.expires_at = Some(expiry(now, approvals.within).unwrap_or(Timestamp::MAX));
    }
    payload.session_id = entry.session.as_ref().map(|session| session.state.id.clone());
    if let Some(active) = &ruling.active {
        // Of the policy that ruled, whichever is in force by now.
        payload.policy_digest = active.digest;
        payload.asqav.policy = Some(policy_info(&*active.policy, ruling, payload.controls.max_rules()));
    }
    let mut committer = identity.committer(fresh);
    let all = show_arguments(&mut payload, arguments, &mut committer);
    let inputs = Inputs { payload: &payload, origin: &origin, all, ruling, now }.to_json();
    if let Some(policy) = &mut payload.asqav.policy {
        policy.inputs = Some(committer.commit(POLICY_INPUTS.to_owned(), inputs));
    }
    Draft::new(payload, committer.into_openings())
}

/// The end of a time that begins at `now`.
pub(super) fn expiry(now: Timestamp, within: Duration) -> Option<Timestamp> {
    let within = i64::try_from(within.as_micros()).ok()?;
    Timestamp::from_unix_micros(now.unix_micros().checked_add(within)?)
}

fn policy_info(policy: &dyn Policy, ruling: &Ruling, max_rules: usize) -> PolicyInfo {
    let rules = ruling.rules.iter().take(max_rules).cloned().collect();
    // Stands in for the commitment while the payload is measured.
    let inputs = asqav_receipt::digest::Sha3Digest::from_bytes([0; 32]);
    let mut info = PolicyInfo::new(policy.id().clone(), rules, Some(inputs));
    let mut obliged: Vec<_> = ruling.obligations.iter().map(|obligation| obligation.rule.clone()).collect();
    obliged.dedup();
    obliged.truncate(MAX_NOTED);
    info.obliged = obliged;
    info.shadow = ruling.shadow.iter().take(MAX_NOTED).cloned().collect();
    info
}

fn show_arguments(
    payload: &mut Payload,
    arguments: Vec<Argument>,
    committer: &mut Committer<'_>,
) -> Option<Folded> {
    let fitted = fit_arguments(arguments, payload, 0, committer);
    payload.context = Context::Arguments { shown: fitted.shown, folded: fitted.folded };
    fitted.all
}

/// Everything that the decision used, as the canonical JSON that
/// `policy.inputs` commits to. Arguments stand as the tree over their
/// commitments, never as a digest without salt; recorded ones stand in the
/// receipt itself.
struct Inputs<'a> {
    payload: &'a Payload,
    origin: &'a Origin,
    all: Option<Folded>,
    ruling: &'a Ruling,
    now: Timestamp,
}

impl Inputs<'_> {
    fn to_json(&self) -> String {
        let mut out = String::with_capacity(320);
        out.push_str(r#"{"action":"#);
        push_string(&mut out, self.payload.action_type.as_str());
        if let Some((kind, name)) = &self.origin.actor {
            out.push_str(&format!(r#","actor":{{"kind":"{}","name":"#, kind.as_str()));
            push_string(&mut out, name.as_str());
            out.push('}');
        }
        out.push_str(r#","agent":"#);
        push_string(&mut out, self.payload.agent_id.as_str());
        if let Some(Folded { count, root, .. }) = &self.all {
            out.push_str(r#","arguments":{"count":"#);
            out.push_str(&count.to_string());
            out.push_str(r#","root":""#);
            out.push_str(&root.to_hex());
            out.push_str(r#""}"#);
        }
        out.push_str(r#","charges":"#);
        push_list(&mut out, &self.ruling.charges, push_charge);
        if !self.ruling.delegations.as_slice().is_empty() {
            out.push_str(r#","delegations":["#);
            for (at, chain) in self.ruling.delegations.digests().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                push_texts(&mut out, chain.iter().map(Sha3Digest::to_tagged));
            }
            out.push(']');
        }
        if let Some(found) = &self.ruling.found {
            out.push_str(r#","labels":"#);
            push_list(&mut out, found, |out, Raised { label, at }| {
                out.push_str(&format!(r#"{{"at":"{at}","#));
                push_label(out, label);
                out.push('}');
            });
        }
        out.push_str(r#","now":""#);
        out.push_str(&self.now.to_string());
        out.push('"');
        if !self.ruling.obligations.is_empty() {
            out.push_str(r#","obligations":"#);
            push_list(&mut out, &self.ruling.obligations, push_obligation);
        }
        if !self.ruling.raises.is_empty() && self.ruling.denial.is_none() {
            out.push_str(r#","raises":"#);
            push_list(&mut out, &self.ruling.raises, |out, Raise { label, rule }| {
                out.push('{');
                push_label(out, label);
                out.push_str(r#","rule":"#);
                push_string(out, rule.as_str());
                out.push('}');
            });
        }
        if let Some(resource) = &self.origin.resource {
            out.push_str(r#","resource":"#);
            push_string(&mut out, resource.as_str());
        }
        if let Some(session) = &self.payload.session_id {
            out.push_str(r#","session":"#);
            push_string(&mut out, session.as_str());
        }
        if !self.ruling.shadow.is_empty() {
            out.push_str(r#","shadow":"#);
            push_texts(&mut out, self.ruling.shadow.iter().map(|rule| rule.as_str()));
        }
        if let Some(tenant) = &self.origin.tenant {
            out.push_str(r#","tenant":"#);
            push_string(&mut out, tenant.as_str());
        }
        if let Some(tool) = &self.payload.tool_name {
            out.push_str(r#","tool":"#);
            push_string(&mut out, tool.as_str());
        }
        out.push('}');
        out
    }
}

/// Members of an object without its braces.
fn push_label(out: &mut String, Label { policy, name, of }: &Label) {
    out.push_str(r#""label":"#);
    push_string(out, name.as_str());
    if let Some(of) = of {
        out.push_str(&format!(r#","of":"{}""#, of.to_hex()));
    }
    out.push_str(r#","policy":"#);
    push_string(out, policy.as_str());
}

fn push_list<T>(out: &mut String, items: &[T], push: impl Fn(&mut String, &T)) {
    out.push('[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        push(out, item);
    }
    out.push(']');
}

fn push_obligation(out: &mut String, Obligation { on, duty, rule }: &Obligation) {
    let (duty, of) = match duty {
        Duty::Redact => ("redact", None),
        Duty::Mask { keep_last } => ("mask", Some(keep_last.to_string())),
        Duty::Replace(value) => ("replace", Some(value.as_str().to_owned())),
        Duty::Cap(most) => ("cap", Some(most.to_string())),
        Duty::Label(label) => ("label", Some(label.as_str().to_owned())),
        Duty::Notify(code) => ("notify", Some(code.as_str().to_owned())),
    };
    out.push_str(r#"{"duty":"#);
    push_string(out, duty);
    if let Some(of) = of {
        out.push_str(r#","of":"#);
        push_string(out, &of);
    }
    let (on, pointer) = match on {
        Target::Argument(pointer) => ("argument", pointer),
        Target::Result(pointer) => ("result", pointer),
    };
    out.push_str(r#","on":"#);
    push_string(out, on);
    out.push_str(r#","pointer":"#);
    push_string(out, pointer);
    out.push_str(r#","rule":"#);
    push_string(out, rule.as_str());
    out.push('}');
}

pub(super) fn push_texts(out: &mut String, texts: impl Iterator<Item = impl AsRef<str>>) {
    out.push('[');
    for (at, text) in texts.enumerate() {
        if at > 0 {
            out.push(',');
        }
        push_string(out, text.as_ref());
    }
    out.push(']');
}

fn push_charge(out: &mut String, charge: &Charge) {
    let Charge { key, limit, cost, rule, settled_by } = charge;
    // Strings, because amounts and periods may exceed what a JSON number holds.
    let (first, between, last) = match limit {
        Limit::Rate(Rate { burst, period }) => (
            format!(r#"{{"burst":{burst},"cost":"{cost}""#),
            format!(r#","period_us":"{}""#, period.as_micros()),
            String::new(),
        ),
        Limit::Budget(Budget { amount, window }) => (
            format!(r#"{{"amount":"{amount}","cost":"{cost}""#),
            String::new(),
            window.map_or_else(String::new, |window| format!(r#","window_us":"{}""#, window.as_micros())),
        ),
    };
    out.push_str(&first);
    out.push_str(r#","key":"#);
    push_string(out, key);
    out.push_str(&between);
    out.push_str(r#","rule":"#);
    push_string(out, rule.as_str());
    if let Some(pointer) = settled_by {
        out.push_str(r#","settled_by":"#);
        push_string(out, pointer);
    }
    out.push_str(&last);
    out.push('}');
}
