//! Calls that somebody has to approve: who, what, how many, until when.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

mod common;

use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asqav_core::approval::{Acknowledgment, Answer, ApprovalRequest, Approvals, Approver, ApproverId, Votes};
use asqav_core::clock::Clock as _;
use asqav_core::gate::Gate;
use asqav_core::key::SigningKey;
use asqav_core::policy::Decision;
use asqav_core::sign::Signer as _;
use asqav_core::testing::{Fault, FaultyLog, Latch, MemoryLog, StepClock, TestGate};
use asqav_core::{Refused, ToolCall};
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::{AgentId, IssuerId};
use asqav_receipt::json::Json;
use asqav_receipt::keys::{KeyEntry, KeySet};
use asqav_receipt::payload::{Context, Decision as Wire, Outcome, Payload, Phase, ReceiptType};
use asqav_receipt::suite::ML_DSA_65;
use asqav_receipt::verify::{ReceiptInputs, Verdict, verify_receipt};
use common::{Ran, Rules, call, poll_once, reason, rule};

/// An approver that a function is.
struct Ask<F>(F);

impl<F: Fn(Arc<ApprovalRequest>, Votes) + Send + Sync + 'static> Approver for Ask<F> {
    fn ask(&self, request: Arc<ApprovalRequest>, votes: Votes) {
        (self.0)(request, votes);
    }
}

/// A person with a key.
#[derive(Clone, Copy)]
struct Person(&'static str, u8);

const ALICE: Person = Person("alice", 1);
const BOB: Person = Person("bob", 2);
const MALLORY: Person = Person("mallory", 66);

impl Person {
    fn key(self) -> SigningKey {
        SigningKey::from_seed(&[self.1; 32])
    }

    fn entry(self) -> KeyEntry {
        let key = self.key();
        KeyEntry::active(&ML_DSA_65, key.public_key(), key.key_id().as_str(), "acme", self.0).unwrap()
    }

    fn says(self, answer: Answer, request: &ApprovalRequest) -> Acknowledgment {
        let by = ApproverId {
            approver: AgentId::parse(self.0).unwrap(),
            issuer: IssuerId::parse("acme").unwrap(),
        };
        Acknowledgment::sign(request, answer, &by, &self.key(), StepClock::new().now()).unwrap()
    }

    fn grants(self, request: &ApprovalRequest) -> Acknowledgment {
        self.says(Answer::Grant, request)
    }
}

fn pinned() -> KeySet {
    KeySet::new(vec![ALICE.entry(), BOB.entry()])
}

fn wants_approval() -> Rules {
    Rules::new(|_| Decision::needs_approval(vec![rule("big")], reason("amount")))
}

fn approvals(ask: impl Fn(Arc<ApprovalRequest>, Votes) + Send + Sync + 'static) -> Approvals {
    Approvals::new(Ask(ask), pinned())
}

fn gate(approvals: Approvals) -> TestGate {
    TestGate::with(|builder| builder.policy(wants_approval()).approvals(approvals))
}

fn run(test: &TestGate, call: ToolCall, ran: &Ran) -> Result<(), Refused> {
    test.gate().run_sync(call, || {
        ran.mark();
        Ok(())
    })
}

/// That a call of `t` is refused for `code`, in a denial of its own behind the
/// one that asked, and does not run.
fn assert_not_approved(test: &TestGate, code: &str) {
    let ran = Ran::default();
    let refused = run(test, call("t"), &ran).unwrap_err();
    assert_eq!(ran.times(), 0);
    let receipts = test.receipts();
    let decisions: Vec<_> = receipts.of("t", Phase::Decision).collect();
    let [.., asked, denial] = &decisions[..] else { panic!("{}", receipts.table()) };
    assert_eq!(asked.reason, Some(reason("approval_required")));
    assert_eq!(denial.reason, Some(reason(code)), "{}", receipts.table());
    assert_eq!(denial.decision, Wire::Deny);
    assert_eq!(denial.asqav.parents, [asked.action_id]);
    assert_eq!(denial.controls.quorum, None);
    assert_eq!(refused, Refused::NotApproved { reason: reason(code), receipt: denial.action_id });
    receipts.assert_outcomes("t", &[]);
    receipts.assert_verified();
}

fn text<'a>(event: &'a Payload, member: &str) -> &'a str {
    let Context::Event { body, .. } = &event.context else { panic!("no event") };
    body.get(member).and_then(Json::as_str).unwrap()
}

#[test]
fn a_quorum_of_different_keys_lets_the_call_run() {
    let seen: Arc<Mutex<Vec<Acknowledgment>>> = Arc::default();
    let cast = Arc::clone(&seen);
    let two = approvals(move |request, votes| {
        for person in [ALICE, BOB] {
            let (request, votes, cast) = (Arc::clone(&request), votes.clone(), Arc::clone(&cast));
            std::thread::spawn(move || {
                let answer = person.grants(&request);
                cast.lock().unwrap().push(answer.clone());
                votes.cast(answer);
            });
        }
    });
    let test = gate(two.quorum(NonZeroUsize::new(2).unwrap()).within(Duration::from_secs(60)));
    let ran = Ran::default();
    run(&test, call("t"), &ran).unwrap();
    assert_eq!(ran.times(), 1);

    let receipts = test.receipts();
    let [asked, allowed] = &receipts.of("t", Phase::Decision).collect::<Vec<_>>()[..] else { panic!() };
    assert_eq!((asked.decision, &asked.reason), (Wire::Deny, &Some(reason("approval_required"))));
    assert_eq!(asked.expires_at.unwrap().to_string(), "2026-01-01T00:01:00.000000Z");
    assert_eq!((allowed.decision, allowed.expires_at), (Wire::Allow, asked.expires_at));
    let records: Vec<_> = receipts.events("approval:record").collect();
    let parents = [asked.action_id, records[0].action_id, records[1].action_id];
    assert_eq!(allowed.asqav.parents, parents);
    assert!(records.iter().all(|record| record.receipt_type == ReceiptType::Acknowledgment));

    // Each answer verifies by itself under the approver's key, and binds the
    // denial's payload, the policy and the expiry.
    let mut attested = Vec::new();
    for (record, entry) in records.iter().map(|record| {
        let entry = receipts.entries().iter().find(|entry| entry.payload.action_id == record.action_id);
        (record, entry.unwrap())
    }) {
        let digest = text(record, "envelope");
        let seen = seen.lock().unwrap();
        let answer = seen.iter().find(|answer| Sha256Digest::of(answer.as_json()).to_tagged() == digest);
        let answer = answer.unwrap();
        let keys = pinned();
        let report = verify_receipt(answer.as_json(), &ReceiptInputs::new().keys(&keys).at(record.issued_at));
        assert_eq!(report.verdict, Verdict::Verified, "{:?}", report.problems);
        let json = Json::parse(answer.as_json()).unwrap();
        let payload = Payload::from_json(json.as_object().unwrap().get("payload").unwrap()).unwrap();
        assert_eq!(text(&payload, "payload"), Sha256Digest::of(&asked.to_canonical()).to_tagged());
        assert_eq!((payload.policy_digest, payload.expires_at), (asked.policy_digest, asked.expires_at));
        assert_eq!(payload.key_thumbprint.to_tagged(), text(record, "by"));
        attested.extend_from_slice(Sha256Digest::of(answer.as_json()).as_bytes());
        // The vault keeps the answer itself.
        let openings = &entry.openings.as_ref().unwrap().values;
        assert_eq!(openings[0].1.as_bytes(), answer.as_json());
    }
    assert_eq!(allowed.controls.quorum, Some(Sha256Digest::of(&attested)));
    receipts.assert_outcomes("t", &[Outcome::Ok]);
    receipts.assert_verified();
}

#[test]
fn one_key_twice_is_no_quorum() {
    let twice = approvals(|request, votes| {
        votes.cast(ALICE.grants(&request));
        votes.cast(ALICE.grants(&request));
    });
    assert_not_approved(&gate(twice.quorum(NonZeroUsize::new(2).unwrap())), "approval_missing");
}

#[test]
fn nobody_who_answers_and_an_approver_that_panics_deny() {
    assert_not_approved(&gate(approvals(|_, _| ())), "approval_missing");
    assert_not_approved(&gate(approvals(|_, _| panic!("the approver"))), "approval_missing");
}

#[test]
fn one_refusal_is_enough() {
    let test = gate(approvals(|request, votes| {
        votes.cast(BOB.says(Answer::Refuse, &request));
        votes.cast(ALICE.grants(&request));
    }));
    let refused = run(&test, call("t"), &Ran::default()).unwrap_err();
    assert!(matches!(refused, Refused::NotApproved { reason, .. } if reason.as_str() == "approval_refused"));
    let receipts = test.receipts();
    assert_eq!(text(receipts.events("approval:record").next().unwrap(), "answer"), "refuse");
    receipts.assert_verified();
}

#[test]
fn an_answer_that_comes_too_late_does_not_count() {
    let kept: Arc<Mutex<Vec<Votes>>> = Arc::default();
    let keep = Arc::clone(&kept);
    let silent = approvals(move |_, votes| keep.lock().unwrap().push(votes));
    assert_not_approved(&gate(silent.within(Duration::from_millis(20))), "approval_expired");
    assert!(!kept.lock().unwrap()[0].is_open());

    let clock: Arc<Mutex<Option<StepClock>>> = Arc::default();
    let late = Arc::clone(&clock);
    let test = gate(approvals(move |request, votes| {
        late.lock().unwrap().as_ref().unwrap().advance(Duration::from_secs(301));
        votes.cast(ALICE.grants(&request));
    }));
    *clock.lock().unwrap() = Some(test.clock().clone());
    assert_not_approved(&test, "approval_expired");
}

#[test]
fn an_approval_of_another_call_does_not_count() {
    let first: Arc<Mutex<Option<Acknowledgment>>> = Arc::default();
    let replayed = Arc::clone(&first);
    let test = gate(approvals(move |request, votes| {
        let mut first = replayed.lock().unwrap();
        votes.cast(first.get_or_insert_with(|| ALICE.grants(&request)).clone());
    }));
    let ran = Ran::default();
    run(&test, ToolCall::builder("pay", "pay").argument("amount", &10).build(), &ran).unwrap();
    // The same call again, and one with another amount: one approval, one call.
    for amount in [10, 1_000_000] {
        let call = ToolCall::builder("pay", "pay").argument("amount", &amount).build();
        let refused = run(&test, call, &ran).unwrap_err();
        let code = "approval_for_other_arguments";
        assert!(matches!(refused, Refused::NotApproved { reason, .. } if reason.as_str() == code));
    }
    assert_eq!(ran.times(), 1);
    assert_not_approved(&test, "approval_for_other_arguments");
}

#[test]
fn an_answer_that_is_not_signed_by_a_pinned_key_does_not_count() {
    assert_not_approved(
        &gate(approvals(|request, votes| votes.cast(MALLORY.grants(&request)))),
        "approval_invalid",
    );
    let tampered = approvals(|request, votes| {
        let refusal = BOB.says(Answer::Refuse, &request);
        let text = String::from_utf8(refusal.as_json().to_vec()).unwrap();
        let granted = text.replace("approval:refuse", "approval:grant").replace("\"deny\"", "\"allow\"");
        votes.cast(Acknowledgment::from_json(granted.into_bytes()));
    });
    assert_not_approved(&gate(tampered), "approval_invalid");
    let garbage = approvals(|_, votes| votes.cast(Acknowledgment::from_json(b"yes".to_vec())));
    assert_not_approved(&gate(garbage), "approval_invalid");
}

/// Even where somebody pinned the gate's own key: it does not approve itself.
#[test]
fn the_gate_does_not_approve_what_it_asks_for() {
    let own = SigningKey::from_seed(&[7; 32]);
    let entry = KeyEntry::active(&ML_DSA_65, own.public_key(), own.key_id().as_str(), "acme", "self");
    let asks = Ask(|request: Arc<ApprovalRequest>, votes: Votes| {
        votes.cast(Person("self", 7).grants(&request));
    });
    let approvals = Approvals::new(asks, KeySet::new(vec![entry.unwrap()]));
    assert_not_approved(&gate(approvals), "approval_invalid");
}

/// The policy is asked again when the approval is there.
#[test]
fn the_policy_in_force_has_the_last_word() {
    let holder: Arc<Mutex<Option<Gate>>> = Arc::default();
    for (replacement, code) in [(Other::Denies, "denied_by_rule"), (Other::Asks, "approval_for_other_policy")]
    {
        let own = Arc::clone(&holder);
        let test = gate(approvals(move |request, votes| {
            let gate = own.lock().unwrap().clone().unwrap();
            gate.replace_policy(Ok(replacement.policy())).unwrap().wait().unwrap();
            votes.cast(ALICE.grants(&request));
        }));
        *holder.lock().unwrap() = Some(test.gate().clone());
        let ran = Ran::default();
        run(&test, call("t"), &ran).unwrap_err();
        assert_eq!(ran.times(), 0);
        let receipts = test.receipts();
        assert_eq!(receipts.of("t", Phase::Decision).last().unwrap().reason, Some(reason(code)));
        receipts.assert_verified();
        *holder.lock().unwrap() = None;
    }
}

#[derive(Clone, Copy)]
enum Other {
    Denies,
    Asks,
}

impl Other {
    fn policy(self) -> Digested {
        Digested(match self {
            Self::Denies => Rules::new(|_| Decision::deny(vec![rule("no")], reason("denied_by_rule"))),
            Self::Asks => wants_approval(),
        })
    }
}

/// The same rules under another digest.
struct Digested(Rules);

impl asqav_core::policy::Policy for Digested {
    fn id(&self) -> &asqav_receipt::id::PolicyId {
        self.0.id()
    }

    fn digest(&self) -> Sha256Digest {
        Sha256Digest::of(b"another one")
    }

    fn decide(&self, input: &asqav_core::policy::PolicyInput<'_>) -> Decision {
        self.0.decide(input)
    }
}

#[test]
fn a_gate_that_is_halted_meanwhile_does_not_run_the_call() {
    let holder: Arc<Mutex<Option<Gate>>> = Arc::default();
    let own = Arc::clone(&holder);
    let test = gate(approvals(move |request, votes| {
        own.lock().unwrap().as_ref().unwrap().halt("stop").wait().unwrap();
        votes.cast(ALICE.grants(&request));
    }));
    *holder.lock().unwrap() = Some(test.gate().clone());
    let refused = run(&test, call("t"), &Ran::default()).unwrap_err();
    assert!(matches!(refused, Refused::Halted { .. }));
    *holder.lock().unwrap() = None;
}

/// The approval expires while the disk is busy with the decision.
#[test]
fn an_approval_that_expires_before_the_body_starts_stops_the_call() {
    let latch = Latch::new();
    let kept = MemoryLog::new();
    // gate:start, policy:activate, the denial, approval:record, the decision.
    let log = FaultyLog::new(kept.clone()).at_receipt(5, Fault::Hold(latch.clone()));
    let ask = approvals(|request, votes| votes.cast(ALICE.grants(&request)));
    let test =
        TestGate::on(kept, |builder| builder.policy(wants_approval()).approvals(ask).log(log)).unwrap();
    let gate = test.gate().clone();
    let calling = std::thread::spawn(move || gate.admit(call("t")).wait().map(drop).unwrap_err());
    latch.wait_for_arrival();
    test.clock().advance(Duration::from_secs(301));
    latch.open();
    let refused = calling.join().unwrap();
    let receipts = test.receipts();
    receipts.assert_outcomes("t", &[Outcome::Abandoned]);
    let outcome = receipts.of("t", Phase::Outcome).next().unwrap();
    assert_eq!(outcome.reason, Some(reason("approval_expired")));
    assert_eq!(
        refused,
        Refused::NotApproved { reason: reason("approval_expired"), receipt: outcome.action_id }
    );
    receipts.assert_verified();
}

#[tokio::test]
async fn an_async_call_waits_without_blocking_and_can_be_dropped() {
    type Asked = Arc<Mutex<Vec<(Arc<ApprovalRequest>, Votes)>>>;
    let asked: Asked = Arc::default();
    let keep = Arc::clone(&asked);
    let test = gate(approvals(move |request, votes| keep.lock().unwrap().push((request, votes))));
    let ran = Ran::default();
    let run = || {
        let ran = ran.clone();
        test.gate().run(call("t"), move || async move {
            ran.mark();
            Ok::<_, Refused>(())
        })
    };
    {
        let mut dropped = pin!(run());
        while asked.lock().unwrap().is_empty() {
            assert!(poll_once(dropped.as_mut()).is_pending());
            tokio::task::yield_now().await;
        }
    }
    assert!(!asked.lock().unwrap()[0].1.is_open());
    // While it waits it takes no place, and a clean stop would not wait for it.
    let mut running = pin!(run());
    while asked.lock().unwrap().len() < 2 {
        assert!(poll_once(running.as_mut()).is_pending());
        tokio::task::yield_now().await;
    }
    test.gate().flush().await.unwrap();
    assert_eq!(test.gate().counters().unwrap().in_flight, 0);
    let (request, votes) = asked.lock().unwrap().pop().unwrap();
    std::thread::spawn(move || votes.cast(ALICE.grants(&request)));
    running.await.unwrap();
    assert_eq!(ran.times(), 1);
    let receipts = test.receipts();
    assert_eq!(receipts.of("t", Phase::Decision).count(), 3);
    receipts.assert_outcomes("t", &[Outcome::Ok]);
    receipts.assert_verified();
}

#[test]
fn a_request_travels_as_json() {
    let requests: Arc<Mutex<Vec<Arc<ApprovalRequest>>>> = Arc::default();
    let keep = Arc::clone(&requests);
    let test = gate(approvals(move |request, votes| {
        let read = ApprovalRequest::from_json(&request.to_json()).unwrap();
        assert_eq!(read, *request);
        keep.lock().unwrap().push(request);
        votes.cast(ALICE.grants(&read));
    }));
    let call = ToolCall::builder("t", "t").argument("a", "x\"y").skip("token").build();
    run(&test, call, &Ran::default()).unwrap();
    let request = Arc::clone(&requests.lock().unwrap()[0]);
    assert_eq!(request.arguments[0], ("a".to_owned(), Some("\"x\\\"y\"".to_owned())));
    assert_eq!(request.arguments[1], ("token".to_owned(), None));
    for member in ["receipt", "payload", "policy_digest", "expires_at", "agent", "tool", "asqav_approval"] {
        let text = String::from_utf8(request.to_json()).unwrap();
        let spoilt = text.replacen(&format!("\"{member}\":\""), &format!("\"{member}\":\"\u{7f}"), 1);
        assert!(ApprovalRequest::from_json(spoilt.as_bytes()).is_err(), "{member}");
    }
}
