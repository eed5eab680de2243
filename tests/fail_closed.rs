//! Every case in which a call must not run, or its result must not go on: each
//! has a reason code of its own, which stands in its receipt, and all that the
//! caller gets is a code: no rule's name, no argument, nobody else's data.
//!
//! The list can be held against the plan; where a case needs more than a line
//! here, `tests/rules.rs` names its own test besides.
#![expect(clippy::unwrap_used, reason = "these are tests")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use asqav::Signer as _;
use asqav::approval::{Acknowledgment, Answer, ApprovalRequest, Approvals, Approver, Votes};
use asqav::limits::{LimitError, Limits};
use asqav::policy::detector::{Detect, DetectError};
use asqav::policy::{Detector, Kind, Model, Obligation, Raise, Rule, RulePolicy, Tool, arg, label, result};
use asqav::receipt::keys::{KeyEntry, KeySet};
use asqav::receipt::payload::Phase;
use asqav::receipt::suite::ML_DSA_65;
use asqav::receipt::time::Timestamp;
use asqav::testing::TestGate;
use asqav::{
    Charge, GateBuilder, JsonText, Policy, PolicyFault, Refused, SigningKey, ToolCall, ToolCallBuilder,
};

/// What no caller may ever read: of the rules, of arguments and results, of
/// another tenant.
const SECRETS: [&str; 6] = ["rule-x", "needle", "tenant-z", "4111111111111111", "policy-x", "why-not"];

/// A case: what it is called in the plan, the gate, and the code.
struct Case {
    name: &'static str,
    code: &'static str,
    test: TestGate,
    call: ToolCall,
}

fn case(name: &'static str, code: &'static str, test: TestGate) -> Case {
    Case { name, code, test, call: needle().build() }
}

fn needle() -> ToolCallBuilder {
    ToolCall::builder("t", "test:case").tenant("tenant-z").argument("x", "needle 4111111111111111")
}

fn allow() -> Rule {
    Rule::allow("rule-x").tools(["t"])
}

fn rules(rules: impl IntoIterator<Item = Rule>) -> RulePolicy {
    RulePolicy::from_rules("policy-x", rules).unwrap()
}

fn with(rules_: impl IntoIterator<Item = Rule>) -> TestGate {
    TestGate::with_policy(rules(rules_))
}

/// A gate whose policy could not be loaded.
fn without(fault: PolicyFault) -> TestGate {
    TestGate::with(|builder| builder.policy_or_deny(Err::<RulePolicy, _>(fault)))
}

fn unparsable(text: &str) -> PolicyFault {
    RulePolicy::from_toml(text).unwrap_err().into()
}

fn other_digest() -> PolicyFault {
    let (one, other) = (rules([allow()]), rules([]));
    PolicyFault::pinned(one, other.digest()).unwrap_err()
}

struct Says(fn(&str) -> Result<bool, DetectError>);

impl Detect for Says {
    fn name(&self) -> &'static str {
        "says"
    }
    fn version(&self) -> u32 {
        1
    }
    fn finds(&self, text: &str) -> Result<bool, DetectError> {
        (self.0)(text)
    }
}

fn detecting(finds: fn(&str) -> Result<bool, DetectError>) -> TestGate {
    let detector = Detector::new(Says(finds)).within(Duration::from_millis(20));
    with([allow(), Rule::deny("rule-y").tools(["t"]).when(arg("/x").contains([detector]))])
}

/// Never answers: nothing but the time limit ends the wait.
fn hangs(_: &str) -> Result<bool, DetectError> {
    loop {
        std::thread::park();
    }
}

struct Away;

impl Limits for Away {
    fn take(&self, _: &[Charge], _: Timestamp) -> Result<(), LimitError> {
        Err(LimitError::Store("why-not".to_owned()))
    }
    fn refund(&self, _: &[Charge], _: Timestamp) {}
    fn settle(&self, _: &Charge, _: u64, _: Timestamp) -> Result<(), LimitError> {
        Err(LimitError::Store("why-not".to_owned()))
    }
}

/// Answers each request with what the function makes of it.
struct Answers(Ask, bool, Mutex<Vec<Votes>>);

type Ask = Box<dyn Fn(&ApprovalRequest) -> Option<Acknowledgment> + Send + Sync>;

impl Approver for Answers {
    fn ask(&self, request: Arc<ApprovalRequest>, votes: Votes) {
        if let Some(answer) = (self.0)(&request) {
            votes.cast(answer);
        }
        if self.1 {
            // Somebody still might answer: only the time ends the wait.
            self.2.lock().unwrap().push(votes);
        }
    }
}

fn approving(
    keeps: bool,
    answers: impl Fn(&ApprovalRequest, &SigningKey) -> Option<Acknowledgment> + Send + Sync + 'static,
) -> TestGate {
    let key = SigningKey::from_seed(&[9; 32]);
    let entry =
        KeyEntry::active(&ML_DSA_65, key.public_key(), key.key_id().as_str(), "people", "ada").unwrap();
    let approver = Answers(Box::new(move |request| answers(request, &key)), keeps, Mutex::default());
    let within = Duration::from_millis(if keeps { 20 } else { 60_000 });
    let approvals = Approvals::new(approver, KeySet::new(vec![entry])).within(within);
    let policy = rules([Rule::approve("rule-x").tools(["t"])]);
    TestGate::with(|builder| builder.policy(policy).approvals(approvals))
}

fn grant(request: &ApprovalRequest, key: &SigningKey) -> Acknowledgment {
    let (issuer, agent) = (asqav::IssuerId::parse("people").unwrap(), asqav::AgentId::parse("ada").unwrap());
    let by = asqav::approval::ApproverId { approver: agent, issuer };
    Acknowledgment::sign(request, Answer::Grant, &by, key, request.expires_at).unwrap()
}

fn turned_back() -> TestGate {
    let test = with([allow()]);
    test.gate().run_sync(needle().build(), || Ok::<_, Refused>(())).unwrap();
    let before = asqav::clock::Clock::now(test.clock()).unix_micros() - 6_000_000;
    test.clock().set(Timestamp::from_unix_micros(before).unwrap());
    test
}

fn reloaded_badly() -> TestGate {
    let test = with([]);
    test.gate().replace_policy(Err::<RulePolicy, _>(unparsable("policy-x"))).unwrap_err();
    test
}

fn cases() -> Vec<Case> {
    let knows = |kind| {
        let policy = Model::builder("policy-x").tool(Tool::new("t").argument("x", kind, None));
        TestGate::with_policy(RulePolicy::new(
            policy.rules([allow(), Rule::allow("u").tools(["u"])]).build().unwrap(),
        ))
    };
    let deep = (0..201).fold(serde_json::json!(1), |inner, _| serde_json::json!([inner]));
    let twice = JsonText::parse(r#"{"a":1,"a":2}"#).unwrap_err().of_argument("y");
    let example = "version = 1\nid = \"policy-x\"\n[[rule]]\nid = \"rule-x\"\neffect = \"allow\"\ntools = [\"t\"]\n\
                   examples = { deny = [{}] }";
    let mut cases = vec![
        case("policy missing", "policy_missing", without(PolicyFault::Missing("why-not".to_owned()))),
        case(
            "policy unreadable",
            "policy_unreadable",
            without(PolicyFault::Unreadable("why-not".to_owned())),
        ),
        case("policy unparsable", "policy_unparsable", without(unparsable("policy-x"))),
        case("digest differs", "policy_digest_differs", without(other_digest())),
        case("example fails", "policy_example_failed", without(unparsable(example))),
        case("reload failed: the one before decides", "no_rule", reloaded_badly()),
        case("no rule", "no_rule", with([])),
        case("denied by a rule", "denied_by_rule", with([allow(), Rule::deny("y").tools(["t"])])),
        case("unknown tool", "unknown_tool", {
            let policy = Model::builder("policy-x").tool(Tool::new("u")).rules([allow()]);
            TestGate::with_policy(RulePolicy::new(policy.build().unwrap()))
        }),
        case("argument outside its schema", "argument_outside_schema", knows(Kind::Integer)),
        case("detector error", "detector_error", detecting(|_| Err(DetectError::new("why-not")))),
        case("detector timeout", "detector_timeout", detecting(hangs)),
        case("limit store away", "limit_store_unavailable", {
            let policy = rules([allow().rate(1, Duration::from_secs(1))]);
            TestGate::with(|builder: GateBuilder| builder.policy(policy).limits(Away))
        }),
        case("clock back", "clock_back", turned_back()),
        case("approval missing", "approval_missing", approving(false, |_, _| None)),
        case("approval expired", "approval_expired", approving(true, |_, _| None)),
        case("approval for other arguments", "approval_for_other_arguments", {
            approving(false, |request, key| {
                let mut other = request.clone();
                other.payload = asqav::receipt::digest::Sha256Digest::of(b"another call");
                Some(grant(&other, key))
            })
        }),
        case("obligation not applicable", "obligation_unmet", {
            with([allow().oblige(Obligation::on_argument("/x").redact())])
        }),
        case("condition without its input", "input_unusable", with([allow().when(arg("/y").equals(1))])),
        case("label outside of a session", "session_required", {
            with([
                allow().raises(Raise::label("seen")),
                Rule::deny("y").tools(["u"]).when(label("seen").raised()),
            ])
        }),
        case("result denied", "denied_by_rule", {
            with([allow(), Rule::deny("rule-y").tools(["t"]).on_result().when(result("").equals("needle"))])
        }),
        case("result not seen", "input_unusable", {
            with([allow(), Rule::deny("rule-y").tools(["t"]).on_result().when(result("/y").equals("needle"))])
        }),
    ];
    cases.push(Case {
        call: needle().unrepresentable(twice).build(),
        ..case("duplicate member", "duplicate_member", with([allow()]))
    });
    cases.push(Case {
        call: needle().argument("y", &deep).build(),
        ..case("over-deep", "too_deep", with([allow()]))
    });
    cases
}

#[test]
fn every_case_has_its_code_in_its_receipt_and_the_caller_gets_a_code_only() {
    for Case { name, code, test, call } in cases() {
        let refused = test.gate().run_sync(call, || Ok::<_, Refused>("needle")).unwrap_err();
        let receipts = test.receipts();
        receipts.assert_verified();
        let receipt = refused.receipt().unwrap();
        let payload = receipts.payloads().find(|payload| payload.action_id == receipt).unwrap();
        assert_eq!(payload.reason.as_ref().unwrap().as_str(), code, "{name}");
        assert!(matches!(payload.asqav.phase, Phase::Decision | Phase::Outcome), "{name}");
        let told =
            [refused.to_string(), format!("{refused:?}"), refused.code().to_owned(), String::from(refused)];
        for text in &told {
            for secret in SECRETS {
                assert!(!text.contains(secret), "{name}: the caller reads `{secret}` in `{text}`");
            }
        }
        // Nor does a receipt quote what was matched.
        for entry in receipts.entries() {
            let text = String::from_utf8_lossy(&entry.canonical).into_owned();
            assert!(!text.contains("needle") && !text.contains("4111111111111111"), "{name}: {text}");
        }
    }
}
