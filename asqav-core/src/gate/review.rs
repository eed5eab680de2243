//! After the body, before its result goes on: the policy that let the call
//! through judges what came of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::id::{ActionId, ReasonCode, SessionId};
use asqav_receipt::payload::{MAX_NOTED, MAX_RULES, Payload, PolicyInfo};
use asqav_receipt::time::Timestamp;

use super::Gate;
use super::active::Active;
use super::decide::code;
use super::draft::push_texts;
use crate::argument::{JsonText, push_string};
use crate::call::ToolCall;
use crate::policy::{PolicyInput, Review};

/// What the result of a call has to be judged by, once it is there.
pub(crate) struct Reviewing {
    active: Arc<Active>,
    call: ToolCall,
}

/// A result that was judged, as the outcome receipt tells it.
pub(crate) struct Reviewed {
    active: Arc<Active>,
    review: Review,
    now: Timestamp,
}

impl Reviewing {
    /// The policy that decided on `call`, which has to see its result.
    pub(super) const fn new(active: Arc<Active>, call: ToolCall) -> Self {
        Self { active, call }
    }

    /// What the policy says about `result`; its panic withholds.
    pub(crate) fn judge(
        self,
        gate: &Gate,
        session: Option<&SessionId>,
        result: Option<&JsonText>,
    ) -> Reviewed {
        let Self { active, call } = self;
        let now = gate.identity().clock.now();
        let input = PolicyInput::new(gate.agent(), &call, session, now);
        let asked = catch_unwind(AssertUnwindSafe(|| active.policy.review(&input, result)));
        let review = asked.unwrap_or_else(|_| {
            tracing::error!(target: "asqav::gate", "the policy panicked: the result is withheld");
            Review::withheld(Vec::new(), code("policy_error"))
        });
        Reviewed { active, review, now }
    }
}

impl Reviewed {
    /// Why the result must not go on; `None` when it may.
    pub(crate) const fn withheld(&self) -> Option<&ReasonCode> {
        self.review.withheld.as_ref()
    }

    /// Names policy and rules in the outcome's payload. The commitment to what
    /// the review used is made [later](Self::inputs).
    pub(crate) fn describe(&self, payload: &mut Payload) {
        let Review { withheld, rules, shadow } = &self.review;
        payload.reason.clone_from(withheld);
        let rules = rules.iter().take(MAX_RULES).cloned().collect();
        // Stands in for the commitment while the payload is measured.
        let inputs = Sha3Digest::from_bytes([0; 32]);
        let mut info = PolicyInfo::new(self.active.policy.id().clone(), rules, Some(inputs));
        info.shadow = shadow.iter().take(MAX_NOTED).cloned().collect();
        payload.asqav.policy = Some(info);
    }

    /// What the review used, as the canonical JSON that `policy.inputs` of the
    /// outcome commits to: besides, the result that this receipt commits to,
    /// and the arguments and the rest of the decision that it names.
    pub(crate) fn inputs(&self, decision: ActionId) -> String {
        let mut out = format!(r#"{{"decision":"{decision}","now":"{}""#, self.now);
        if !self.review.shadow.is_empty() {
            out.push_str(r#","shadow":"#);
            push_texts(&mut out, self.review.shadow.iter().map(|rule| rule.as_str()));
        }
        if let Some(reason) = &self.review.withheld {
            out.push_str(r#","withheld":"#);
            push_string(&mut out, reason.as_str());
        }
        out.push('}');
        out
    }
}
