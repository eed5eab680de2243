//! Against sets that hold everything, whatever the length of a run.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Mutex;

use proptest::prelude::*;

use super::*;
use crate::verify::report::{AxisResult, FailureClass};

/// A scratch in memory that can be full, and lie.
#[derive(Debug, Default)]
struct Kept {
    bytes: Mutex<Vec<u8>>,
    room: Option<usize>,
    /// The bit that comes back wrong.
    wrong: Option<usize>,
}

impl Scratch for Kept {
    fn append(&self, bytes: &[u8]) -> Result<u64, ScratchError> {
        let mut kept = self.bytes.lock().unwrap();
        let offset = kept.len() as u64;
        if self.room.is_some_and(|room| kept.len() + bytes.len() > room) {
            return Err(ScratchError::new("no room"));
        }
        kept.extend_from_slice(bytes);
        Ok(offset)
    }
    fn read(&self, offset: u64, into: &mut [u8]) -> Result<(), ScratchError> {
        let kept = self.bytes.lock().unwrap();
        let at = usize::try_from(offset).unwrap();
        let bytes = kept.get(at..at + into.len()).ok_or_else(|| ScratchError::new("too short"))?;
        into.copy_from_slice(bytes);
        if let Some(byte) = self.wrong.and_then(|bit| into.get_mut((bit / 8).checked_sub(at)?)) {
            *byte ^= 1 << (self.wrong.unwrap() % 8);
        }
        Ok(())
    }
}

/// A receipt: its ids, what it ended, and of what it is an orphan.
#[derive(Debug, Clone)]
struct Step {
    id: u8,
    nonce: u8,
    ended: Option<(u8, bool)>,
    orphan: Option<u8>,
}

fn step() -> impl Strategy<Value = Step> {
    let few = || 0..40_u8;
    let ended = prop::option::of((few(), any::<bool>()));
    (few(), few(), ended, prop::option::weighted(0.2, few())).prop_map(|(id, nonce, ended, orphan)| Step {
        id,
        nonce,
        ended,
        orphan,
    })
}

fn action_id(id: u8) -> ActionId {
    ActionId::from_parts(u64::from(id), [id; 10])
}

fn decision(number: u8) -> Sha256Digest {
    Sha256Digest::from_bytes([number; 32])
}

fn fate(completed: bool) -> Fate {
    if completed { Fate::Completed } else { Fate::Denied }
}

fn feed(repeats: &mut Repeats<'_>, steps: &[Step]) {
    for (step, seq) in steps.iter().zip(1..) {
        repeats.ids(action_id(step.id), Nonce::from_bytes([step.nonce; 12]), seq);
        if let Some(of) = step.orphan {
            repeats.add_orphan(Place::seq(seq), half(&decision(of)), seq);
        }
        if let Some((of, completed)) = step.ended {
            repeats.ended(&decision(of), fate(completed), seq);
        }
    }
}

type Problems = BTreeSet<(u64, ReasonCode, Option<String>)>;

fn problems(repeats: Repeats<'_>) -> Vec<(u64, ReasonCode, Option<String>)> {
    let mut tally = Tally::default();
    repeats.finish(&mut tally);
    let (_, problems, omitted) = tally.into_parts();
    assert_eq!(omitted, 0);
    problems.into_iter().map(|found| (found.seq.unwrap(), found.reason_code, found.action_id)).collect()
}

/// The same, with everything in sets.
fn expected(steps: &[Step]) -> Problems {
    let (mut ids, mut nonces) = (HashSet::new(), HashSet::new());
    let mut ended = HashMap::new();
    let mut found = Problems::new();
    for (step, seq) in steps.iter().zip(1..) {
        let id = Some(action_id(step.id).to_string());
        if !ids.insert(step.id) {
            found.insert((seq, ReasonCode::DuplicateActionId, id.clone()));
        }
        if !nonces.insert(step.nonce) {
            found.insert((seq, ReasonCode::DuplicateNonce, id));
        }
        if let Some(of) = step.orphan {
            let reason = match ended.get(&of) {
                Some(true) => ReasonCode::SecondOutcome,
                Some(false) => ReasonCode::OutcomeOfDenial,
                None => ReasonCode::OutcomeWithoutDecision,
            };
            found.insert((seq, reason, None));
        }
        if let Some((of, completed)) = step.ended {
            ended.insert(of, completed);
        }
    }
    found
}

proptest! {
    #[test]
    fn what_repeats_is_found_in_runs_of_any_length(
        steps in prop::collection::vec(step(), 0..60),
        run_len in 1..50_usize,
    ) {
        let scratch = Kept::default();
        let mut in_runs = Repeats::in_runs(run_len, Some(&scratch));
        feed(&mut in_runs, &steps);
        prop_assert!(in_runs.waiting.len() < run_len);
        let found = problems(in_runs);
        prop_assert!(found.is_sorted_by_key(|(seq, ..)| *seq));
        prop_assert_eq!(found.into_iter().collect::<Problems>(), expected(&steps));
        let mut in_memory = Repeats::new(None);
        feed(&mut in_memory, &steps);
        prop_assert_eq!(problems(in_memory).into_iter().collect::<Problems>(), expected(&steps));
    }

    #[test]
    fn a_copy_shares_its_scratch(steps in prop::collection::vec(step(), 1..40), at in 0..40_usize) {
        let scratch = Kept::default();
        let mut whole = Repeats::in_runs(3, Some(&scratch));
        let at = at.min(steps.len());
        feed(&mut whole, &steps[..at]);
        let mut copy = whole.clone();
        for (rest, seq) in steps[at..].iter().zip(at as u64 + 1..) {
            for repeats in [&mut whole, &mut copy] {
                repeats.ids(action_id(rest.id), Nonce::from_bytes([rest.nonce; 12]), seq);
            }
        }
        prop_assert_eq!(problems(whole), problems(copy));
    }
}

/// What shows only at the end is told of where it stands in the log.
#[test]
fn the_first_failure_of_an_axis_is_the_one_that_comes_first_in_the_log() {
    let mut repeats = Repeats::new(None);
    for seq in [7, 9] {
        repeats.ids(action_id(1), Nonce::from_bytes([1; 12]), seq);
    }
    let mut tally = Tally::default();
    for seq in [4, 30] {
        tally.problem(&Place::seq(seq), Axis::Structure, ReasonCode::OutcomeDiffers, "another call");
        tally.problem(&Place::seq(seq + 20), Axis::Nonce, ReasonCode::SeqGap, "a gap");
    }
    repeats.finish(&mut tally);
    let (axes, problems, _) = tally.into_parts();
    let note = |axis| &axes.iter().find(|report| report.axis == axis).unwrap().note;
    assert!(note(Axis::Structure).starts_with("seq 4: "), "{}", note(Axis::Structure));
    assert!(note(Axis::Nonce).starts_with("seq 9: "), "{}", note(Axis::Nonce));
    assert_eq!(problems.iter().map(|found| found.seq).collect::<Vec<_>>(), [4, 9, 9, 24, 30, 50].map(Some));
}

fn hundred() -> Vec<Step> {
    (0..100).map(|id| Step { id, nonce: id, ended: None, orphan: (id == 50).then_some(7) }).collect()
}

/// The only reason why the log is not verified, if that is one.
fn outcome(scratch: &Kept) -> BTreeMap<ReasonCode, FailureClass> {
    let mut repeats = Repeats::in_runs(16, Some(scratch));
    feed(&mut repeats, &hundred());
    let mut tally = Tally::default();
    repeats.finish(&mut tally);
    let (axes, problems, _) = tally.into_parts();
    assert!(axes.iter().any(|axis| axis.result == AxisResult::Fail), "the orphan is an orphan");
    let class = |found: &crate::verify::Problem| Some((found.reason_code, found.reason_code.class()?));
    problems.iter().filter_map(class).collect()
}

#[test]
fn without_room_it_is_said_that_nothing_was_compared() {
    let orphan = (ReasonCode::OutcomeWithoutDecision, FailureClass::Invalid);
    let unchecked = (ReasonCode::RepeatsUnchecked, FailureClass::Unverifiable);
    assert_eq!(outcome(&Kept::default()), [orphan].into());
    for room in [0, 1_000, 4_000] {
        let full = Kept { room: Some(room), ..Kept::default() };
        assert_eq!(outcome(&full), [orphan, unchecked].into(), "{room}");
    }
}

#[test]
fn an_order_that_changed_is_noticed() {
    // The kind of a run's first record: it belongs behind the others now.
    let lying = Kept { wrong: Some(1), ..Kept::default() };
    assert!(outcome(&lying).contains_key(&ReasonCode::RepeatsUnchecked));
}

/// More repetitions than are listed are counted, the first ones listed.
#[test]
fn many_repetitions_take_bounded_room() {
    let scratch = Kept::default();
    let mut repeats = Repeats::in_runs(100, Some(&scratch));
    for seq in 1..=5_000 {
        repeats.ids(action_id(1), Nonce::from_bytes([1; 12]), seq);
        repeats.add_orphan(Place::seq(seq), [0; 16], seq);
    }
    let mut tally = Tally::default();
    repeats.finish(&mut tally);
    let (axes, problems, omitted) = tally.into_parts();
    assert_eq!(problems.len(), MAX_PROBLEMS);
    assert_eq!(problems.len() as u64 + omitted, 5_000 + 2 * 4_999);
    assert!(problems.iter().all(|found| found.seq.unwrap() <= 335), "the first ones are listed");
    let failed: Vec<_> = axes.iter().filter(|axis| axis.result == AxisResult::Fail).collect();
    assert_eq!(failed.len(), 2);
}
