//! What receipts say together: a cheating operator signs each of these logs
//! properly, with sound links and headers.

use asqav_receipt::digest::{Sha3Digest, Sha256Digest};
use asqav_receipt::id::{ActionId, ActionType, AgentId, IssuerId, LogId, SessionId, ToolName};
use asqav_receipt::json::Json;
use asqav_receipt::payload::{Context, Form, Outcome, Payload, Phase, ReceiptType, Tier};
use asqav_receipt::verify::{Axis, AxisResult, ReasonCode};

use crate::Verdicts as _;
use crate::support::log::Writer;

/// A log of one run in which `act` happens between start and stop.
fn run(act: impl FnOnce(&mut Writer)) -> asqav_receipt::verify::LogReport {
    let mut writer = Writer::started();
    act(&mut writer);
    writer.stop();
    writer.verify()
}

/// An outcome of the only decision, changed by `change`.
fn changed_outcome(change: impl FnOnce(&mut Payload)) -> asqav_receipt::verify::LogReport {
    run(|writer| {
        let decision = writer.allow();
        let mut outcome = writer.outcome_draft(&decision);
        change(&mut outcome);
        writer.write(outcome);
    })
}

#[test]
fn a_sound_log_is_verified_on_every_axis() {
    let report = run(|writer| {
        writer.call();
        writer.deny();
        let session = writer.open_session("s-1");
        writer.step(&session);
        writer.call();
        writer.close_session(&session);
    });
    report.verified();
    assert_eq!((report.receipts, report.segments, report.open_decisions), (10, 1, 0));
    assert!(report.problems.is_empty(), "{:#?}", report.problems);
    for axis in &report.axes {
        let wanted = if axis.axis == Axis::Anchors { AxisResult::Skipped } else { AxisResult::Pass };
        assert_eq!(axis.result, wanted, "{axis:?}");
    }
}

#[test]
fn an_outcome_needs_an_earlier_decision_in_this_log() {
    changed_outcome(|_| {}).verified();
    changed_outcome(|outcome| outcome.invocation_ref = Some(Sha256Digest::of(b"elsewhere")))
        .invalid(ReasonCode::OutcomeWithoutDecision);
}

#[test]
fn a_decision_has_one_outcome() {
    run(|writer| {
        let decision = writer.allow();
        writer.outcome(&decision);
        writer.outcome(&decision);
    })
    .invalid(ReasonCode::SecondOutcome);
}

#[test]
fn a_denial_has_no_outcome() {
    run(|writer| {
        writer.deny();
    })
    .verified();
    run(|writer| {
        let denial = writer.deny();
        writer.outcome(&denial);
    })
    .invalid(ReasonCode::OutcomeOfDenial);
}

#[test]
fn an_outcome_repeats_tool_action_session_and_decision() {
    changed_outcome(|outcome| outcome.tool_name = Some(ToolName::parse("other").unwrap()))
        .invalid(ReasonCode::OutcomeDiffers);
    changed_outcome(|outcome| outcome.action_type = ActionType::parse("ledger:post").unwrap())
        .invalid(ReasonCode::OutcomeDiffers);
    changed_outcome(|outcome| outcome.asqav.parents = vec![ActionId::from_parts(0, [0; 10])])
        .invalid(ReasonCode::OutcomeDiffers);
    let mut writer = Writer::started();
    let session = writer.open_session("s-1");
    let decision = writer.allow();
    let mut outcome = writer.outcome_draft(&decision);
    outcome.session_id = Some(session.clone());
    writer.write(outcome);
    writer.close_session(&session);
    writer.stop();
    writer.verify().invalid(ReasonCode::OutcomeDiffers);
}

#[test]
fn a_log_has_one_agent_and_one_issuer() {
    changed_outcome(|outcome| outcome.agent_id = AgentId::parse("agent:other").unwrap())
        .invalid(ReasonCode::AgentMismatch);
    changed_outcome(|outcome| outcome.issuer_id = IssuerId::parse("Other Ltd").unwrap())
        .invalid(ReasonCode::IssuerMismatch);
}

#[test]
fn a_log_has_one_id() {
    changed_outcome(|outcome| outcome.asqav.log_id = LogId::from_bytes([8; 16]))
        .invalid(ReasonCode::LogIdChanged);
}

#[test]
fn action_ids_and_nonces_stand_once() {
    run(|writer| {
        let first = writer.call();
        let mut draft = writer.decision_draft();
        draft.action_id = first.action_id;
        draft.decision = asqav_receipt::payload::Decision::Observation;
        let second = writer.write(draft);
        writer.outcome(&second);
    })
    .invalid(ReasonCode::DuplicateActionId);
    run(|writer| {
        let first = writer.call();
        let mut draft = writer.denial_draft();
        draft.nonce = first.nonce;
        writer.write(draft);
    })
    .invalid(ReasonCode::DuplicateNonce);
}

#[test]
fn a_post_hoc_receipt_is_no_decision() {
    let observation = |writer: &mut Writer, tier| {
        let context = Context::Observed { shown: Vec::new(), folded: None, result: Some(Form::Dropped) };
        let mut draft = writer.draft(ReceiptType::Observation, context);
        (draft.asqav.tier, draft.asqav.phase) = (tier, Phase::Outcome);
        draft.asqav.outcome = Some(Outcome::Ok);
        draft
    };
    run(|writer| {
        let draft = observation(writer, Tier::Detectable);
        writer.write(draft);
    })
    .verified();
    run(|writer| {
        let mut draft = writer.denial_draft();
        draft.asqav.tier = Tier::Detectable;
        writer.write(draft);
    })
    .invalid(ReasonCode::PostHocDecision);
}

#[test]
fn no_decision_is_open_at_gate_stop() {
    run(|writer| {
        writer.allow();
    })
    .invalid(ReasonCode::DecisionLeftOpen);
}

/// A crash with one call running, and the next start.
fn recovered(seal: impl FnOnce(&mut Writer, &Payload)) -> asqav_receipt::verify::LogReport {
    let mut writer = Writer::started();
    let decision = writer.allow();
    writer.recovery();
    seal(&mut writer, &decision);
    writer.event("gate:start", &[]);
    writer.stop();
    writer.verify()
}

#[test]
fn a_recovery_seals_what_was_open_as_unknown() {
    let report = recovered(|writer, decision| {
        let draft = writer.unknown_draft(decision);
        writer.write(draft);
    });
    report.verified();
    assert_eq!((report.unknown_outcomes, report.recoveries), (1, 1));
    assert!(report.not_checked.contains(&"unclean stop after seq 2".to_owned()), "{:?}", report.not_checked);
    assert!(report.not_checked.contains(&"outcomes: 1 not observed (unknown)".to_owned()));
    recovered(|_, _| {}).invalid(ReasonCode::DecisionLeftOpen);
}

#[test]
fn a_recovery_does_not_know_an_outcome() {
    recovered(|writer, decision| {
        let mut draft = writer.unknown_draft(decision);
        draft.asqav.outcome = Some(Outcome::Ok);
        writer.write(draft);
    })
    .invalid(ReasonCode::NotARecovery);
    recovered(|writer, decision| {
        writer.outcome(decision);
    })
    .invalid(ReasonCode::NotARecovery);
}

#[test]
fn unknown_outcomes_come_from_recoveries_only() {
    changed_outcome(|outcome| outcome.asqav.outcome = Some(Outcome::Unknown))
        .invalid(ReasonCode::NotARecovery);
    changed_outcome(|outcome| {
        outcome.asqav.outcome = Some(Outcome::Unknown);
        outcome.asqav.recovered = true;
    })
    .invalid(ReasonCode::NotARecovery);
}

#[test]
fn a_recovery_seals_only_what_was_open() {
    let mut writer = Writer::started();
    let decision = writer.call();
    let decision_of = writer.allow();
    writer.recovery();
    for decision in [&decision, &decision_of] {
        let draft = writer.unknown_draft(decision);
        writer.write(draft);
    }
    writer.event("gate:start", &[]);
    writer.stop();
    writer.verify().invalid(ReasonCode::OutcomeWithoutDecision);
}

#[test]
fn what_was_signed_after_a_stop_is_told() {
    let recovered = |unsigned_after: Json| {
        let mut writer = Writer::started();
        writer.call();
        writer.call();
        let last = Json::count(writer.seq());
        let body = [
            ("resumed_after_seq", last),
            ("torn_bytes", Json::count(0)),
            ("unsigned_after_seq", unsigned_after),
            ("boot_id", "b".into()),
        ];
        writer.event("gate:recovery", &body);
        writer.event("gate:start", &[]);
        writer.stop();
        writer.verify()
    };
    let report = recovered(Json::count(3));
    let said = "receipts 4..5: signed only when the log was opened again".to_owned();
    assert!(report.not_checked.contains(&said), "{:?}", report.not_checked);
    for wrong in [Json::count(5), Json::count(6), "3".into()] {
        recovered(wrong).invalid(ReasonCode::RecoveryDiffers);
    }
}

#[test]
fn a_recovery_names_the_receipt_that_it_follows() {
    let mut writer = Writer::started();
    let two = Json::count(2);
    writer.event(
        "gate:recovery",
        &[("resumed_after_seq", two), ("torn_bytes", Json::count(0)), ("boot_id", "b".into())],
    );
    writer.event("gate:start", &[]);
    writer.stop();
    writer.verify().invalid(ReasonCode::RecoveryDiffers);
}

#[test]
fn a_gate_starts_before_it_acts_and_after_it_stopped() {
    let mut writer = Writer::started();
    writer.call();
    writer.event("gate:stop", &[]);
    writer.event("gate:start", &[]);
    writer.call();
    writer.stop();
    writer.verify().verified();

    let mut early = Writer::new();
    early.deny();
    early.event("gate:start", &[]);
    early.stop();
    early.verify().invalid(ReasonCode::LifecycleOrder);

    run(|writer| {
        writer.event("gate:start", &[]);
    })
    .invalid(ReasonCode::LifecycleOrder);

    let mut late = Writer::started();
    late.event("gate:stop", &[]);
    late.deny();
    late.stop();
    late.verify().invalid(ReasonCode::LifecycleOrder);
}

/// A session with one step, closed by a changed receipt.
fn changed_close(change: impl FnOnce(&mut Payload)) -> asqav_receipt::verify::LogReport {
    run(|writer| {
        let session = writer.open_session("s-1");
        writer.step(&session);
        let mut close = writer.close_session_draft(&session, "completed");
        change(&mut close);
        writer.write(close);
    })
}

#[test]
fn a_session_close_counts_and_commits_to_its_receipts() {
    let set = |close: &mut Payload, member: &str, value: Json| {
        let Context::Event { body, .. } = &mut close.context else { panic!("not an event") };
        body.set(member, value);
    };
    changed_close(|_| {}).verified();
    changed_close(|close| set(close, "count", Json::count(3))).invalid(ReasonCode::SessionDiffers);
    changed_close(|close| set(close, "root", Sha3Digest::of(b"other").to_hex().into()))
        .invalid(ReasonCode::SessionDiffers);
}

#[test]
fn a_session_is_used_only_while_it_is_open() {
    run(|writer| {
        writer.step(&SessionId::parse("never-opened").unwrap());
    })
    .invalid(ReasonCode::SessionNotOpen);
    run(|writer| {
        let session = writer.open_session("s-1");
        writer.close_session(&session);
        writer.step(&session);
    })
    .invalid(ReasonCode::SessionNotOpen);
    run(|writer| {
        let session = writer.open_session("s-1");
        writer.open_session("s-1");
        writer.close_session(&session);
    })
    .invalid(ReasonCode::SessionNotOpen);
}

#[test]
fn a_session_left_open_at_a_stop_is_closed_at_the_next_start() {
    let reopened = |recovered: bool| {
        let mut writer = Writer::started();
        let session = writer.open_session("s-1");
        writer.stop();
        let mut close = writer.close_session_draft(&session, "aborted");
        close.asqav.recovered = recovered;
        writer.write(close);
        writer.event("gate:start", &[]);
        writer.stop();
        writer.verify()
    };
    reopened(true).verified();
    reopened(false).invalid(ReasonCode::LifecycleOrder);
}

#[test]
fn a_call_may_outlive_its_session() {
    run(|writer| {
        let session = writer.open_session("s-1");
        let mut draft = writer.decision_draft();
        draft.session_id = Some(session.clone());
        let decision = writer.write(draft);
        writer.close_session(&session);
        writer.outcome(&decision);
    })
    .verified();
}

#[test]
fn concurrent_sessions_keep_their_own_counts() {
    run(|writer| {
        let (one, two) = (writer.open_session("s-1"), writer.open_session("s-2"));
        for session in [&one, &two, &one, &one] {
            writer.step(session);
        }
        writer.close_session(&one);
        writer.step(&two);
        writer.close_session(&two);
    })
    .verified();
}

#[test]
fn a_clock_that_goes_backwards_is_remarked_and_no_more() {
    let report = run(|writer| {
        let first = writer.call();
        let mut draft = writer.denial_draft();
        draft.issued_at = first.issued_at;
        let earlier =
            asqav_receipt::time::Timestamp::from_unix_micros(first.issued_at.unix_micros() - 1).unwrap();
        draft.issued_at = earlier;
        writer.write(draft);
    });
    report.verified();
    assert_eq!(report.problems.len(), 1);
    assert_eq!(report.problems[0].reason_code, ReasonCode::ClockBackwards);
    assert!(report.not_checked.contains(&"clock: went backwards 1 times".to_owned()));
}

/// An erasure receipt names receipts before it, and their number.
#[test]
fn an_erasure_names_what_was_there() {
    let with = |receipts: &str, count: u64| {
        let mut writer = Writer::started();
        writer.call();
        writer.event("vault:erase", &[("count", Json::count(count)), ("receipts", receipts.into())]);
        writer.stop();
        writer.verify()
    };
    with("1-3", 3).verified();
    for (receipts, count) in [("1-4", 4), ("4", 1), ("1-3", 2), ("3,1", 2), ("", 0), ("0", 1)] {
        with(receipts, count).invalid(ReasonCode::ErasureDiffers);
    }
}
