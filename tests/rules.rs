//! Every known mistake, attack and rule about logs has a test of its own; this
//! finds each by its name, so that none is lost when tests move.
//!
//! Each stands beside a twin that is sound and verified.
#![allow(clippy::unwrap_used, reason = "a test may end here")]

use std::path::Path;

const MISTAKES: &str = "asqav-receipt/tests/verify/mistakes.rs";
const NATIVE: &str = "asqav-receipt/tests/verify/native.rs";
const MEANING: &str = "asqav-receipt/tests/verify/log_meaning.rs";
const END: &str = "asqav-receipt/tests/verify/log_end.rs";
const TAMPERING: &str = "asqav-receipt/tests/verify/log_tampering.rs";
const CHECKPOINTS: &str = "asqav-receipt/tests/verify/checkpoints.rs";
const BATCHES: &str = "asqav-receipt/tests/verify/batches.rs";
const BATCH_LINES: &str = "asqav-receipt/tests/verify/batch_lines.rs";
const HEADERS: &str = "asqav-receipt/tests/verify/log_headers.rs";

const DENIALS: &str = "asqav-core/tests/denials.rs";
const REPLACING: &str = "asqav-core/tests/replacing.rs";
const APPROVALS: &str = "asqav-core/tests/approvals.rs";
const OBLIGATIONS: &str = "asqav-core/tests/obligations.rs";

/// What others got wrong.
const OTHERS_MISTAKES: [(&str, &str, &str); 31] = [
    ("revoked key accepted offline", MISTAKES, "a_revoked_key_is_not_accepted_offline"),
    ("backdated under a revoked key", MISTAKES, "a_backdated_receipt_under_a_revoked_key_is_not_verified"),
    ("presence of an anchor as time", MISTAKES, "the_presence_of_an_anchor_is_no_trusted_time"),
    ("axes that resolve different keys", MISTAKES, "every_axis_reads_the_same_entry"),
    ("any key for any issuer", MISTAKES, "a_published_key_does_not_speak_for_any_issuer"),
    ("key swapped under one kid", MISTAKES, "a_key_swapped_under_the_same_kid_is_found_out"),
    ("payload digest not recomputed", MISTAKES, "the_payload_digest_is_recomputed"),
    ("outer copies shown as signed", MISTAKES, "unsigned_outer_copies_are_compared"),
    ("duplicate members", MISTAKES, "duplicate_members_are_refused"),
    ("integers over 2^53", MISTAKES, "numbers_have_one_reading"),
    ("member order by code point", MISTAKES, "members_are_ordered_by_utf16"),
    ("lenient base64", MISTAKES, "base64_is_read_strictly"),
    ("lenient timestamps", MISTAKES, "times_are_read_strictly"),
    ("deep nesting", MISTAKES, "deep_nesting_is_refused"),
    ("unknown type fails", MISTAKES, "an_unknown_type_is_not_a_failure_and_a_false_one_is"),
    ("missing version read as 1", MISTAKES, "a_missing_version_is_not_version_1"),
    ("unreadable expiry ignored", MISTAKES, "expiry_is_reported_and_changes_no_verdict"),
    ("keyed digest labelled plain", MISTAKES, "a_keyed_digest_is_not_labelled_plain"),
    (
        "preflight failing open: limits",
        "asqav-core/tests/denials.rs",
        "a_limit_store_that_fails_or_panics_denies",
    ),
    (
        "preflight failing open: bodies",
        "asqav-core/tests/tower_http.rs",
        "hostile_bodies_are_refused_with_a_denial_receipt",
    ),
    ("controls that never ran", MISTAKES, "controls_that_never_ran_are_not_claimed"),
    ("withheld receipts invisible", "asqav-receipt/tests/verify/run.rs", "receipts_left_out_are_named"),
    (
        "success recorded as failure",
        "asqav-core/tests/failures.rs",
        "a_result_comes_back_though_its_receipt_cannot_be_written",
    ),
    ("sessions mixed up", "asqav-core/tests/sessions.rs", "sixty_four_concurrent_sessions_never_mix"),
    (
        "export without the signed bytes",
        "asqav-cli/tests/cli/receipts.rs",
        "one_receipt_leaves_its_log_and_verifies",
    ),
    ("empty log valid", END, "an_empty_log_is_unverifiable"),
    (
        "torn line wedges the log",
        "asqav-log/tests/recovery.rs",
        "a_torn_line_is_set_aside_wherever_it_is_torn",
    ),
    (
        "joined strings as hash input",
        "asqav-receipt/src/commitment.rs",
        "a_commitment_opens_at_its_place_only",
    ),
    (
        "last leaf duplicated",
        "asqav-receipt/src/merkle/tests.rs",
        "proofs_hold_where_transparency_dev_says_so",
    ),
    ("attacker's key in the header", HEADERS, "a_header_signed_by_an_unpinned_key_is_not_believed"),
    ("key inside the receipt", MISTAKES, "a_key_inside_the_receipt_is_not_trusted"),
];

/// What else an attacker tries.
const ATTACKS: [(&str, &str, &str); 24] = [
    ("live log truncated, restarted", "asqav-log/tests/recovery.rs", "a_log_behind_its_mirror_is_refused"),
    (
        "preallocated tail of zeros",
        "asqav-log/tests/recovery.rs",
        "a_preallocated_tail_of_zeros_is_torn_bytes",
    ),
    ("algorithm relabelled", NATIVE, "alg_is_that_of_the_key"),
    ("batch stripped", BATCHES, "a_receipt_without_its_place_in_the_batch_is_not_verified"),
    ("batch's first_seq or size shifted", BATCHES, "a_receipt_does_not_move_within_its_batch"),
    ("path of another size", BATCHES, "a_path_has_its_length_and_leads_to_the_root"),
    ("batches mixed", BATCHES, "batches_do_not_mix"),
    ("root of another log or key", BATCHES, "a_root_is_of_the_log_and_key_that_the_payload_names"),
    ("root as payload and the reverse", BATCHES, "neither_kind_of_signature_passes_for_the_other"),
    ("line of a batch left out", BATCH_LINES, "every_line_of_a_batch_is_needed_in_its_place"),
    ("batch torn", "asqav-log/tests/batches.rs", "a_batch_torn_anywhere_is_set_aside"),
    ("header as payload and the reverse", TAMPERING, "headers_are_no_receipts_and_receipts_no_headers"),
    ("fork by a retired key", END, "keys_are_used_within_their_range_only"),
    ("copied commitment", "asqav-receipt/src/commitment.rs", "a_commitment_opens_at_its_place_only"),
    ("argument posing as a commitment", NATIVE, "a_commitment_has_one_form"),
    ("changed kid in an open segment", TAMPERING, "a_changed_kid_in_an_open_segment_is_invalid"),
    ("rewritten unknown", MEANING, "unknown_outcomes_come_from_recoveries_only"),
    ("vault lost, receipt kept", "asqav-log/tests/vault.rs", "a_torn_entry_is_missing_and_the_others_stand"),
    ("two runs, the second deleted", END, "a_deleted_second_run_shows_only_against_the_head"),
    (
        "halt during the decision's sync",
        "asqav-core/tests/halt.rs",
        "a_call_whose_decision_is_durable_is_stopped_before_its_body",
    ),
    (
        "stop during the decision's sync",
        "asqav-core/tests/exits.rs",
        "a_shutdown_while_the_decision_is_written_stops_the_body",
    ),
    ("denials filling the disk", "asqav-core/tests/halt.rs", "a_flood_of_denials_is_bounded_and_counted"),
    ("full disk", "tests/full_disk.rs", "a_full_disk_closes_the_gate_and_loses_nothing"),
    ("suffix cut off", TAMPERING, "no_suffix_can_be_removed_unseen"),
];

/// What a log adds to its receipts.
const LOG_RULES: [(&str, &str, &str); 25] = [
    ("every line canonical", TAMPERING, "lines_have_one_spelling"),
    ("every link in both families", NATIVE, "both_hash_families_link_to_the_predecessor"),
    ("no gap", TAMPERING, "no_line_can_be_deleted_duplicated_swapped_or_inserted"),
    ("every sealed header", HEADERS, "every_member_is_what_the_segment_gives"),
    ("outcome without decision", MEANING, "an_outcome_needs_an_earlier_decision_in_this_log"),
    ("second outcome", MEANING, "a_decision_has_one_outcome"),
    ("outcome of a denial", MEANING, "a_denial_has_no_outcome"),
    ("differing agent", MEANING, "a_log_has_one_agent_and_one_issuer"),
    ("differing tool, action, session", MEANING, "an_outcome_repeats_tool_action_session_and_decision"),
    ("duplicate id or nonce", MEANING, "action_ids_and_nonces_stand_once"),
    ("changing log_id", MEANING, "a_log_has_one_id"),
    ("post-hoc typed as decision", MEANING, "a_post_hoc_receipt_is_no_decision"),
    ("decision open at gate:stop", MEANING, "no_decision_is_open_at_gate_stop"),
    ("open log", END, "an_open_log_is_unverifiable_unless_that_is_allowed"),
    ("sealed, but not stopped", END, "a_seal_without_gate_stop_is_open"),
    ("stopped, but not sealed", END, "gate_stop_without_its_seal_is_open"),
    ("verified against its mirrored head", END, "a_running_log_is_verified_against_its_mirrored_head"),
    ("differs from its mirrored head", END, "a_log_that_differs_from_its_mirrored_head_is_invalid"),
    ("verified against a checkpoint", CHECKPOINTS, "a_running_log_is_verified_against_its_checkpoint"),
    ("shorter than its checkpoint", CHECKPOINTS, "a_cut_tail_is_said_to_be_cut"),
    (
        "proven without the log",
        "asqav-receipt/tests/verify/proofs.rs",
        "every_receipt_of_a_log_is_proven_without_it",
    ),
    ("torn tail", END, "a_torn_tail_is_named"),
    ("recovery", MEANING, "a_recovery_seals_what_was_open_as_unknown"),
    (
        "two payloads at one number",
        "asqav-receipt/tests/verify/run.rs",
        "two_receipts_with_one_number_are_two_histories",
    ),
    ("any byte flipped", TAMPERING, "no_byte_of_a_line_or_header_can_be_flipped"),
];

/// What must not let a call run; each denies it with a reason of its own, in a
/// receipt. Cases of rules are told apart by `asqav-policy`'s reasons.
const FAIL_CLOSED: [(&str, &str, &str); 19] = [
    (
        "policy missing, unparsable, of another digest, example fails",
        REPLACING,
        "a_bad_policy_changes_nothing_and_leaves_its_denial",
    ),
    ("policy that would allow anything", REPLACING, "a_gate_does_not_arm_unless_a_forbidden_call_is_refused"),
    ("codes of policy files", "asqav-policy/tests/shadow.rs", "what_is_wrong_with_a_file_has_its_code"),
    ("policy panics", DENIALS, "a_policy_that_panics_denies"),
    ("reload failed", REPLACING, "a_bad_policy_changes_nothing_and_leaves_its_denial"),
    ("duplicate member, over-deep", DENIALS, "duplicate_members_and_deep_values_have_codes_of_their_own"),
    ("hostile bodies", "asqav-core/tests/tower_http.rs", "hostile_bodies_are_refused_with_a_denial_receipt"),
    ("limit store away", DENIALS, "a_limit_store_that_fails_or_panics_denies"),
    ("approval missing", APPROVALS, "nobody_who_answers_and_an_approver_that_panics_deny"),
    ("approval expired", APPROVALS, "an_answer_that_comes_too_late_does_not_count"),
    ("approval for other arguments", APPROVALS, "an_approval_of_another_call_does_not_count"),
    ("approval by another key", APPROVALS, "an_answer_that_is_not_signed_by_a_pinned_key_does_not_count"),
    ("obligation not applicable", OBLIGATIONS, "a_call_that_cannot_be_changed_is_denied"),
    ("result withheld", OBLIGATIONS, "a_result_that_cannot_be_changed_is_withheld"),
    ("result denied by a rule", "tests/results.rs", "a_denied_result_reaches_nobody_on_any_way"),
    (
        "every case with its code",
        "tests/fail_closed.rs",
        "every_case_has_its_code_in_its_receipt_and_the_caller_gets_a_code_only",
    ),
    ("labels of a session", "tests/labels.rs", "nothing_is_sent_once_a_secret_was_read_in_the_session"),
    ("result not seen", "tests/results.rs", "what_the_gate_cannot_see_is_withheld"),
    (
        "kill switch, frozen session",
        "asqav-core/tests/halt.rs",
        "a_session_is_frozen_after_its_denials_and_no_other_one_is",
    ),
];

#[test]
fn every_known_mistake_attack_and_rule_has_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let all = OTHERS_MISTAKES.iter().chain(&ATTACKS).chain(&LOG_RULES).chain(&FAIL_CLOSED);
    let lost: Vec<_> = all
        .filter(|(_, file, test)| {
            let text = std::fs::read_to_string(root.join(file)).unwrap_or_default();
            !text.contains(&format!("fn {test}()"))
        })
        .collect();
    assert!(lost.is_empty(), "{lost:#?}");
}
