//! Inference events: what a model was asked and what it answered, recorded by
//! whoever ran it.
//!
//! An inference is nothing that the gate decided on. It leaves one observation
//! receipt of the detectable tier, through the same path as
//! [`Gate::observe`], with the fields of pqc-audit-log-fs as the arguments of
//! the tool [`TOOL`].
//!
//! ```
//! use asqav_core::inference::Inference;
//! # use asqav_core::testing::TestGate;
//! # let test = TestGate::new();
//! # let gate = test.gate();
//! let inference = Inference::new("credit-model", "3.2.1")
//!     .input(&"Should order 17 be refunded?")
//!     .output(&"approve")
//!     .decision("classification", "approve");
//! gate.record_inference(inference).wait()?;
//! # Ok::<(), asqav_core::Refused>(())
//! ```

use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::payload::Tier;
use serde::Serialize;

use crate::call::{Capture, ToolCall, ToolCallBuilder};
use crate::gate::{Door, Gate};
use crate::permit::Ending;
use crate::recorded::Recorded;
use crate::refused::Refused;

/// The tool that inference receipts name.
pub const TOOL: &str = "model";

/// The action that inference receipts carry.
pub const ACTION: &str = "model:inference";

/// One inference of a model.
///
/// Input, output, reasoning and actor are committed: the receipt holds a salted
/// commitment, the vault the value, and forgetting the value leaves the receipt
/// whole. Model, version, decision type and label stand in the receipt as they
/// are, as long as they have at most 256 bytes and fit; longer ones are
/// committed. They can never be forgotten, so no personal data belongs there.
#[derive(Debug)]
#[must_use = "an inference is not recorded before `Gate::record_inference`"]
pub struct Inference {
    call: ToolCallBuilder,
}

impl Inference {
    /// An inference of `model` (its name, DID or URL) in this version.
    pub fn new(model: &str, version: &str) -> Self {
        let call = ToolCall::builder(TOOL, ACTION);
        Self { call: call.record("model", model).record("model_version", version) }
    }

    /// What the model was given.
    pub fn input<T: Serialize + ?Sized>(self, input: &T) -> Self {
        self.with(|call| call.argument("input", input))
    }

    /// A digest of the input that the caller made, instead of the input: for
    /// content that must not reach this process's vault, and for logs that are
    /// carried over.
    ///
    /// It stands in the receipt as it is. Whoever can guess the input can
    /// confirm the guess, for ever, and it cannot be erased: prefer
    /// [`input`](Self::input).
    pub fn input_digest(self, sha3: Sha3Digest) -> Self {
        self.with(|call| call.record("input_digest", &sha3.to_tagged()))
    }

    /// What the model gave back.
    pub fn output<T: Serialize + ?Sized>(self, output: &T) -> Self {
        self.with(|call| call.argument("output", output))
    }

    /// A digest of the output that the caller made; see
    /// [`input_digest`](Self::input_digest).
    pub fn output_digest(self, sha3: Sha3Digest) -> Self {
        self.with(|call| call.record("output_digest", &sha3.to_tagged()))
    }

    /// The steps that the model said it took.
    pub fn reasoning<T: Serialize + ?Sized>(self, reasoning: &T) -> Self {
        self.with(|call| call.argument("reasoning", reasoning))
    }

    /// A digest of the reasoning that the caller made; see
    /// [`input_digest`](Self::input_digest).
    pub fn reasoning_digest(self, sha3: Sha3Digest) -> Self {
        self.with(|call| call.record("reasoning_digest", &sha3.to_tagged()))
    }

    /// What kind of decision it was (`classification`, `generation` …), and
    /// which one (`approve` …).
    pub fn decision(self, kind: &str, label: &str) -> Self {
        self.with(|call| call.record("decision_type", kind).record("decision_label", label))
    }

    /// On whose behalf the model was asked; committed, since it may be a
    /// person.
    pub fn actor(self, actor: &str) -> Self {
        self.with(|call| call.argument("actor", actor))
    }

    /// A session that others named; committed. A session of the gate is joined
    /// by its scope instead, as calls do.
    pub fn session(self, session: &str) -> Self {
        self.with(|call| call.argument("session", session))
    }

    /// Anything else, committed.
    pub fn metadata<T: Serialize + ?Sized>(self, metadata: &T) -> Self {
        self.with(|call| call.argument("metadata", metadata))
    }

    /// A field of your own, captured as `capture` says. A second field of one
    /// name is not taken, and the record says so.
    pub fn field<T: Serialize + ?Sized>(self, name: &str, value: &T, capture: Capture) -> Self {
        self.with(|call| call.captured(name, value, capture))
    }

    fn with(self, add: impl FnOnce(ToolCallBuilder) -> ToolCallBuilder) -> Self {
        Self { call: add(self.call) }
    }
}

impl Gate {
    /// Records an inference of a model, after the fact, in one receipt of the
    /// detectable tier; it joins the session whose scope the code runs in.
    ///
    /// The receipt is on its way when this returns; the future resolves when
    /// it is durable. A field that has no JSON text (NaN, two fields of one
    /// name) is recorded as dropped, and the future fails with
    /// [`Refused::Unrepresentable`], although the receipt is there.
    pub fn record_inference(&self, inference: Inference) -> Recorded {
        let call = inference.call.build();
        let fault = call.fault().cloned();
        match Door::of(self).tier(Tier::Detectable).observe(call) {
            Ok(permit) => {
                let receipt = permit.ids().action_id;
                let but = fault.map(|fault| Refused::Unrepresentable { fault, receipt });
                Recorded::new(permit.complete(Ending::ok()).submitted(), but)
            }
            Err(refused) => Recorded::new(Err(refused), None),
        }
    }
}
