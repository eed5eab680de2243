//! What each kind of receipt does to the set, and that everyone who follows
//! the log ends with the same one.

use super::*;
use crate::digest::Sha3Digest;
use crate::json::Object;
use crate::merkle::root;
use crate::payload::{Form, Link, Outcome, Phase};
use crate::testing::receipts::{decision, event, outcome};

fn session(payload: Payload) -> Payload {
    Payload { session_id: Some(SessionId::parse("s1").unwrap()), ..payload }
}

/// Numbers and links a list of receipts as a log does.
fn log(receipts: Vec<Payload>) -> Vec<(Payload, Vec<u8>)> {
    let mut link = Link::GENESIS;
    let numbered = receipts.into_iter().zip(1..).map(|(payload, seq)| {
        let payload = Payload { seq, link, ..payload };
        let canonical = payload.to_canonical();
        link = Link::to(&canonical);
        (payload, canonical)
    });
    numbered.collect()
}

fn apply(set: &mut OpenSet, log: &[(Payload, Vec<u8>)]) -> Vec<Change> {
    log.iter().map(|(payload, canonical)| set.apply(payload, canonical)).collect()
}

#[test]
fn an_outcome_completes_its_decision_once() {
    let mut allowed = decision(1);
    allowed.seq = 1;
    let result = outcome(&allowed, None);
    let (first, second) = (result.clone(), Payload { seq: 3, ..result });
    let mut set = OpenSet::default();
    assert_eq!(set.apply(&allowed, &allowed.to_canonical()), Change::Opened);
    assert_eq!(set.decisions().len(), 1);
    let Change::Completed(completed) = set.apply(&first, &first.to_canonical()) else { panic!() };
    assert_eq!((completed.seq, completed.action_id), (1, allowed.action_id));
    assert!(set.is_empty());
    let twice = set.apply(&second, &second.to_canonical());
    assert_eq!(twice, Change::Contradiction(Contradiction::NoOpenDecision));
}

#[test]
fn denials_do_not_wait_for_an_outcome_and_observations_do() {
    let mut set = OpenSet::default();
    for (refused, n) in [Decision::Deny, Decision::RateLimit].into_iter().zip(1..) {
        let denial = Payload { decision: refused, ..decision(n) };
        assert_eq!(set.apply(&denial, &denial.to_canonical()), Change::None);
        let result = outcome(&denial, None);
        let change = set.apply(&result, &result.to_canonical());
        assert_eq!(change, Change::Contradiction(Contradiction::NoOpenDecision));
    }
    let observed = Payload { decision: Decision::Observation, ..decision(3) };
    assert_eq!(set.apply(&observed, &observed.to_canonical()), Change::Opened);
}

#[test]
fn a_session_counts_all_its_receipts_and_only_them() {
    let step = |n| {
        let mut step = session(decision(n));
        step.receipt_type = ReceiptType::Observation;
        step.asqav.phase = Phase::Step;
        step.context = Context::Step(Form::Dropped);
        step
    };
    let log = log(vec![
        session(event("session:open", 1, Object::new())),
        step(2),
        decision(3),
        step(4),
        Payload { decision: Decision::Deny, ..session(decision(5)) },
        session(event("session:close", 6, Object::new())),
    ]);
    let mut set = OpenSet::default();
    let changes = apply(&mut set, &log);
    let Some(Change::Closed(closed)) = changes.last() else { panic!("{changes:?}") };
    let leaves: Vec<_> = [0, 1, 3, 4].map(|at| Sha3Tree::leaf(&log[at].1)).to_vec();
    assert_eq!((closed.seq, closed.count), (1, 4));
    assert_eq!(closed.root(), Some(Sha3Digest::from_bytes(root::<Sha3Tree>(&leaves))));
    assert_eq!(set.decisions().len(), 1, "the session's decision was a denial");
    assert_eq!(set.sessions().len(), 0);
}

#[test]
fn a_call_may_outlive_its_session_and_nothing_else() {
    let called = session(decision(2));
    let mut set = OpenSet::default();
    let opening = session(event("session:open", 1, Object::new()));
    let closing = session(event("session:close", 3, Object::new()));
    for receipt in [&opening, &called, &closing] {
        set.apply(receipt, &receipt.to_canonical());
    }
    let late = outcome(&called, None);
    assert!(matches!(set.apply(&late, &late.to_canonical()), Change::Completed(_)));
    assert!(set.is_empty());

    let stray = Payload { seq: 9, ..session(decision(4)) };
    let change = set.apply(&stray, &stray.to_canonical());
    assert_eq!(change, Change::Contradiction(Contradiction::NoOpenSession));
    assert_eq!(set.decisions().len(), 1, "it is open all the same");
    let change = set.apply(&closing, &closing.to_canonical());
    assert_eq!(change, Change::Contradiction(Contradiction::NoOpenSession));
}

#[test]
fn a_session_is_not_opened_twice() {
    let opening = session(event("session:open", 1, Object::new()));
    let again = Payload { seq: 2, ..opening.clone() };
    let mut set = OpenSet::default();
    assert_eq!(set.apply(&opening, &opening.to_canonical()), Change::Opened);
    let change = set.apply(&again, &again.to_canonical());
    assert_eq!(change, Change::Contradiction(Contradiction::SessionReopened));
}

/// Recovery takes the list of the last header up, wherever that was sealed.
#[test]
fn a_set_taken_up_anywhere_ends_like_one_from_the_beginning() {
    let mut receipts = vec![session(event("session:open", 1, Object::new()))];
    let calls: Vec<_> = (2..9).map(|n| session(decision(n))).collect();
    receipts.extend(calls.clone());
    let mut log = log(receipts);
    for (decided, _) in log.clone().iter().skip(1).step_by(2) {
        let mut ended = outcome(decided, None);
        ended.asqav.outcome = Some(Outcome::Unknown);
        let canonical = ended.to_canonical();
        log.push((ended, canonical));
    }
    let mut whole = OpenSet::default();
    apply(&mut whole, &log);
    assert_eq!((whole.decisions().len(), whole.sessions().len()), (3, 1));
    for cut in 0..log.len() {
        let mut before = OpenSet::default();
        apply(&mut before, &log[..cut]);
        let mut after = OpenSet::from_items(&before.items()).unwrap();
        apply(&mut after, &log[cut..]);
        assert_eq!(after, whole, "taken up after {cut} receipts");
    }
    let items = whole.items();
    assert_eq!(OpenSet::from_items(&[items[0].clone(), items[0].clone()]), None);
}
