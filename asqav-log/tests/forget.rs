//! Forgetting somebody through a gate: what is found, erased, recorded, and
//! told apart afterwards.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]

#[path = "support/files.rs"]
mod files;
#[path = "support/forgetting.rs"]
mod forgetting;

use std::fs;
use std::io::Write as _;

use asqav_core::{Refused, ToolCall};
use asqav_log::reader::LogReader;
use asqav_log::vault::{ForgetError, Opened, Plan, Subject, Vault, forget};
use asqav_receipt::deletion::Deletion;
use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::erasure::erased_by;
use asqav_receipt::id::{ActionId, HoldId};
use asqav_receipt::seq_set::SeqSet;
use asqav_receipt::time::Timestamp;

use forgetting::{ada, call, counted, gate, payloads, plan, recorded, set, vault_key, verified};

/// Receipt 1 is `gate:start`; each call has two.
#[test]
fn both_receipts_of_each_call_about_somebody_are_erased() {
    let dir = tempfile::tempdir().unwrap();
    let gate = recorded(dir.path());
    let exact = plan(dir.path(), ada());
    assert_eq!((exact.receipts.clone(), exact.in_plain.clone()), (set("2-3"), set("8")));
    let wide = plan(dir.path(), Subject::within("Ada"));
    assert_eq!(wide.receipts, set("2-3,6-7"), "also the call that returned Ada");

    let done = forget(dir.path(), &gate, &wide).unwrap();
    assert_eq!((done.receipts, done.recorded_in), (set("2-3,6-7"), vec![10]));
    call(&gate, "Dan", "found");
    gate.shutdown().wait().unwrap();
    let payloads = payloads(dir.path());
    let vault = Vault::new(dir.path(), vault_key());
    for payload in &payloads[1..7] {
        let erased = [2, 3, 6, 7].contains(&payload.seq);
        let opened = vault.open(payload.action_id).unwrap();
        assert_eq!(opened == Opened::Erased, erased, "receipt {}", payload.seq);
    }
    let receipt = &payloads[9];
    assert_eq!(erased_by(receipt), Some(set("2-3,6-7")));
    assert!(!String::from_utf8(receipt.to_canonical()).unwrap().contains("Ada"), "the subject is nowhere");
    verified(dir.path());
    let census = counted(dir.path());
    assert_eq!((census.openable, census.erased), (5, set("2-3,6-7")));
    assert!(census.missing.is_empty() && census.erased_unrecorded.is_empty());
    assert!(census.not_destroyed.is_empty());
    assert_eq!(plan(dir.path(), ada()).receipts, SeqSet::default(), "there is nothing left to find");
}

#[test]
fn a_hold_forbids_it_until_it_is_released() {
    let dir = tempfile::tempdir().unwrap();
    let gate = recorded(dir.path());
    let wanted = plan(dir.path(), ada());
    let case = HoldId::parse("case-17").unwrap();
    let other = HoldId::parse("case-18").unwrap();
    gate.place_hold(&other, Some(&set("4-5"))).wait().unwrap();
    // Placed after the plan was made: it counts all the same.
    gate.place_hold(&case, Some(&set("3"))).wait().unwrap();
    match forget(dir.path(), &gate, &wanted) {
        Err(ForgetError::Held { hold }) => assert_eq!(hold, case),
        other => panic!("{other:?}"),
    }
    assert_eq!(plan(dir.path(), ada()).held_by, std::slice::from_ref(&case));
    assert_eq!(counted(dir.path()).erased, SeqSet::default());
    gate.release_hold(&case).wait().unwrap();
    forget(dir.path(), &gate, &wanted).unwrap();
    assert_eq!(counted(dir.path()).erased, set("2-3"));
    // A hold on everything covers what comes later, too.
    gate.place_hold(&case, None).wait().unwrap();
    call(&gate, "Ada", "found");
    assert!(matches!(forget(dir.path(), &gate, &plan(dir.path(), ada())), Err(ForgetError::Held { .. })));
    gate.shutdown().wait().unwrap();
    verified(dir.path());
}

#[test]
fn by_id_one_receipt_is_erased() {
    let dir = tempfile::tempdir().unwrap();
    let gate = recorded(dir.path());
    let log = LogReader::open(dir.path()).unwrap();
    let nowhere = ActionId::from_parts(1, [1; 10]);
    let id = payloads(dir.path())[3].action_id;
    let plan = Plan::of_ids(&log, &[id, nowhere]).unwrap();
    assert_eq!((plan.receipts.clone(), plan.unknown.clone()), (set("4"), vec![nowhere]));
    forget(dir.path(), &gate, &plan).unwrap();
    gate.shutdown().wait().unwrap();
    assert_eq!(counted(dir.path()).erased, set("4"));
    verified(dir.path());
}

/// Four states, told apart: opened, erased, erased without a receipt that says
/// so, missing.
#[test]
fn what_cannot_be_opened_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let gate = recorded(dir.path());
    forget(dir.path(), &gate, &plan(dir.path(), ada())).unwrap();
    gate.shutdown().wait().unwrap();
    let before = counted(dir.path());
    assert_eq!((before.openable, before.missing.count()), (5, 0));
    // Somebody erased behind the log's back.
    Vault::new(dir.path(), vault_key()).erase(payloads(dir.path())[3].action_id).unwrap();
    assert_eq!(counted(dir.path()).erased_unrecorded, set("4"));
    // Somebody put an old copy of the vault back.
    let file = dir.path().join("vault/openings-00000001.bin");
    let now = fs::read(&file).unwrap();
    let mut old = now.clone();
    let at = old.windows(4).position(|part| part == b"AVE1").unwrap();
    old[at + 56] = b'K';
    old[at + 57..at + 129].fill(9);
    fs::write(&file, &old).unwrap();
    assert_eq!(counted(dir.path()).not_destroyed, set("2"));
    // Somebody lost the end of the vault.
    let last = now.windows(4).rposition(|part| part == b"AVE1").unwrap();
    fs::write(&file, &now[..last]).unwrap();
    assert_eq!(counted(dir.path()).missing, set("9"));
    fs::remove_file(&file).unwrap();
    let gone = counted(dir.path());
    assert_eq!((gone.present, gone.erased, gone.missing), (false, set("2-3"), set("4-7,9")));
}

#[test]
fn openings_that_never_got_a_receipt_are_found_and_erased() {
    let dir = tempfile::tempdir().unwrap();
    recorded(dir.path()).shutdown().wait().unwrap();
    // The last two receipts and the stop are cut off: their openings stay.
    let path = dir.path().join("segment-00000001.log");
    let text = fs::read_to_string(&path).unwrap();
    let kept: String = text.split_inclusive('\n').take(1).collect();
    fs::write(&path, kept).unwrap();
    fs::remove_file(dir.path().join("segment-00000001.sig.json")).unwrap();
    let gate = gate(dir.path());
    let plan = plan(dir.path(), Subject::within("Ada"));
    assert_eq!((plan.receipts.count(), plan.orphans.len()), (0, 2));
    forget(dir.path(), &gate, &plan).unwrap();
    let vault = Vault::new(dir.path(), vault_key());
    assert!(plan.orphans.iter().all(|id| vault.open(*id).unwrap() == Opened::Erased));
    gate.shutdown().wait().unwrap();
    verified(dir.path());
}

/// The vault's entry is on disk before its line: a plan that was made in
/// between takes it for an orphan.
#[test]
fn what_got_into_the_log_meanwhile_is_no_orphan() {
    let dir = tempfile::tempdir().unwrap();
    let gate = recorded(dir.path());
    let mut early = plan(dir.path(), ada());
    let ids: Vec<_> = payloads(dir.path())[1..3].iter().map(|payload| payload.action_id).collect();
    (early.receipts, early.orphans) = (SeqSet::default(), ids);
    let done = forget(dir.path(), &gate, &early).unwrap();
    assert_eq!((done.receipts, done.recorded_in), (set("2-3"), vec![10]), "recorded like any other");
    let census = counted(dir.path());
    assert_eq!((census.erased, census.erased_unrecorded), (set("2-3"), SeqSet::default()));

    gate.place_hold(&HoldId::parse("case").unwrap(), Some(&set("4"))).wait().unwrap();
    early.orphans = vec![payloads(dir.path())[3].action_id];
    assert!(matches!(forget(dir.path(), &gate, &early), Err(ForgetError::Held { .. })), "nor free of holds");
    gate.shutdown().wait().unwrap();
    assert_eq!(counted(dir.path()).erased, set("2-3"));
}

/// A receipt that waits for its signature when the plan is made belongs to its
/// call all the same.
#[test]
fn the_other_receipt_of_a_call_may_come_later() {
    for (who, result) in [("Ada", "found"), ("Carol", "Ada")] {
        let dir = tempfile::tempdir().unwrap();
        let gate = gate(dir.path());
        call(&gate, who, result);
        gate.flush().wait().unwrap();
        let early = files::copied(dir.path());
        let segment = early.path().join("segment-00000001.log");
        let lines = fs::read(&segment).unwrap();
        let last = lines[..lines.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap();
        fs::write(&segment, &lines[..=last]).unwrap();
        let early = plan(early.path(), ada());
        assert_eq!((early.receipts.count(), early.orphans.len()), if who == "Ada" { (1, 0) } else { (0, 1) });

        let done = forget(dir.path(), &gate, &early).unwrap();
        assert_eq!(done.receipts, set("2-3"), "{who}");
        gate.shutdown().wait().unwrap();
        assert_eq!(counted(dir.path()).erased, set("2-3"));
        verified(dir.path());
    }
}

/// As if it had been placed while `forget` or `retain` read the log.
#[test]
fn nothing_is_erased_or_deleted_behind_a_hold() {
    let dir = tempfile::tempdir().unwrap();
    let gate = recorded(dir.path());
    let deletion = Deletion {
        first_segment: 1,
        receipts: (1, 5),
        headers: vec![Sha3Digest::of(b"")],
        days: 1,
        before: Timestamp::MAX,
    };
    let id = |name: &str| HoldId::parse(name).unwrap();
    let held = |name: &str| Some(id(name));
    let erased = |receipts: &str| gate.erase(&set(receipts)).err().map(|held| held.hold);
    let deleted = || gate.delete(&deletion).err().map(|held| held.hold);
    drop(gate.place_hold(&id("case-1"), Some(&set("3"))));
    assert_eq!((erased("2-3"), deleted()), (held("case-1"), held("case-1")));
    assert_eq!(erased("2,4"), None);
    drop(gate.place_hold(&id("case-2"), None));
    drop(gate.release_hold(&id("case-1")));
    assert_eq!((erased("6"), deleted()), (held("case-2"), held("case-2")));
    drop(gate.release_hold(&id("case-2")));
    assert_eq!(erased("6"), None);
    gate.shutdown().wait().unwrap();
    assert_eq!(counted(dir.path()).erased, set("2,4,6"));
    verified(dir.path());
}

#[test]
fn a_hold_on_the_whole_log_covers_orphans() {
    let dir = tempfile::tempdir().unwrap();
    let gate = recorded(dir.path());
    gate.place_hold(&HoldId::parse("case").unwrap(), None).wait().unwrap();
    let mut orphans = Plan::default();
    orphans.orphans = vec![ActionId::from_parts(1, [1; 10])];
    assert!(matches!(forget(dir.path(), &gate, &orphans), Err(ForgetError::Held { .. })));
    gate.shutdown().wait().unwrap();
}

/// Where the entry of receipt `seq` begins in the bytes of a vault's file.
fn entry_at(bytes: &[u8], seq: u64) -> usize {
    let is_it = |at: &usize| &bytes[*at..*at + 4] == b"AVE1" && bytes[*at + 8..*at + 16] == seq.to_be_bytes();
    (96..bytes.len() - 16).find(is_it).unwrap()
}

/// Damage in one entry hides neither the keys behind it from erasure, nor the
/// openings from their owner.
#[test]
fn damage_in_the_vault_hides_nothing_behind_it() {
    // The magic, the length (too short, too long, far too long), the id.
    for (offset, changed) in [(0, b'X'), (7, 1), (6, 1), (4, 0x0f), (20, b'?')] {
        let dir = tempfile::tempdir().unwrap();
        recorded(dir.path()).shutdown().wait().unwrap();
        let file = dir.path().join("vault/openings-00000001.bin");
        let mut bytes = fs::read(&file).unwrap();
        let (at, behind) = (entry_at(&bytes, 4), entry_at(&bytes, 6));
        bytes[at + offset] = changed;
        fs::write(&file, &bytes).unwrap();

        let vault = Vault::new(dir.path(), vault_key());
        let sixth = payloads(dir.path())[5].action_id;
        assert!(matches!(vault.open(sixth), Ok(Opened::Openings(_))), "{offset}: {:?}", vault.open(sixth));
        // Whom the damaged entry is about, nobody can tell.
        let log = LogReader::open(dir.path()).unwrap();
        let searched = Plan::of_subject(&log, &vault, &Subject::is("Bob"));
        assert!(searched.unwrap_err().to_string().contains("openings-00000001.bin"), "{offset}");
        let gate = gate(dir.path());
        let plan = Plan::of_ids(&log, &[sixth]).unwrap();
        forget(dir.path(), &gate, &plan).unwrap();
        gate.shutdown().wait().unwrap();
        assert_eq!(vault.open(sixth).unwrap(), Opened::Erased, "{offset}");
        assert_eq!(
            fs::read(&file).unwrap()[behind + 57..behind + 129],
            [0; 72],
            "{offset}: the key is there"
        );
    }
}

/// A vault that is not there is not an erased one: a signed receipt would say
/// so for ever.
#[test]
fn what_is_not_in_the_vault_is_not_said_to_be_erased() {
    let dir = tempfile::tempdir().unwrap();
    recorded(dir.path()).shutdown().wait().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let file = "openings-00000001.bin";
    fs::rename(dir.path().join("vault").join(file), elsewhere.path().join(file)).ok().unwrap_or_else(|| {
        fs::copy(dir.path().join("vault").join(file), elsewhere.path().join(file)).unwrap();
        fs::remove_file(dir.path().join("vault").join(file)).unwrap();
    });
    let id = payloads(dir.path())[3].action_id;
    let plan = Plan::of_ids(&LogReader::open(dir.path()).unwrap(), &[id]).unwrap();
    assert_eq!((plan.receipts.clone(), plan.missing.clone()), (SeqSet::default(), set("4")));
    let gate = gate(dir.path());
    let done = forget(dir.path(), &gate, &plan).unwrap();
    gate.shutdown().wait().unwrap();
    assert_eq!((done.receipts, done.recorded_in), (SeqSet::default(), vec![]));
    assert_eq!(counted(dir.path()).missing, set("2-7,9"));
}

/// Whoever may write to the directory cannot sign a release; neither can they
/// have a hold overlooked.
#[test]
fn a_hold_that_cannot_be_read_forbids_erasing() {
    let dir = tempfile::tempdir().unwrap();
    let gate = recorded(dir.path());
    gate.place_hold(&HoldId::parse("case").unwrap(), None).wait().unwrap();
    let wanted = plan(dir.path(), ada());
    let file = dir.path().join("segment-00000001.log");
    let text = fs::read_to_string(&file).unwrap();
    // In place: the writer notices another length or file by itself.
    let changed = text.replace("hold:place", "hold:plaec");
    assert_eq!(changed.len(), text.len());
    fs::OpenOptions::new().write(true).open(&file).unwrap().write_all(changed.as_bytes()).unwrap();
    let refused = forget(dir.path(), &gate, &wanted).unwrap_err();
    assert!(matches!(refused, ForgetError::Unsound { segment: 1 }), "{refused:?}");
    fs::OpenOptions::new().write(true).open(&file).unwrap().write_all(text.as_bytes()).unwrap();
    assert!(matches!(forget(dir.path(), &gate, &wanted), Err(ForgetError::Held { .. })));
    gate.shutdown().wait().unwrap();
    assert_eq!(counted(dir.path()).erased, SeqSet::default());
}

/// Names and events are recorded in plain, too.
#[test]
fn what_names_somebody_in_plain_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let gate = recorded(dir.path());
    let session = gate.session("Ada").open().wait().unwrap();
    let opened = gate.flush().wait().map(|()| payloads(dir.path()).len()).unwrap();
    let labelled = ToolCall::builder("Ada", "crm:query").argument("page", &1).build();
    session.scope_sync(|| gate.run_sync(labelled, || Ok::<_, Refused>(()))).unwrap();
    gate.flush().wait().unwrap();
    let found = plan(dir.path(), ada()).in_plain;
    assert_eq!(found, set(&format!("8,{opened}-{}", opened + 2)), "a value, a session, a tool");
    session.close(asqav_core::session::SessionStatus::Completed).wait().unwrap();
    gate.shutdown().wait().unwrap();
}

/// An old copy of the vault's file under a new name holds the keys again.
#[test]
fn a_key_that_came_back_is_not_erased() {
    let dir = tempfile::tempdir().unwrap();
    recorded(dir.path()).shutdown().wait().unwrap();
    let copy = fs::read(dir.path().join("vault/openings-00000001.bin")).unwrap();
    let id = payloads(dir.path())[3].action_id;
    let vault = Vault::new(dir.path(), vault_key());
    assert!(vault.erase(id).unwrap());
    assert_eq!(vault.open(id).unwrap(), Opened::Erased);
    for name in ["vault/openings-00000000.bin", "vault/openings-00000002.bin"] {
        fs::write(dir.path().join(name), &copy).unwrap();
    }
    assert!(matches!(vault.open(id).unwrap(), Opened::Openings(_)));
    assert!(vault.erase(id).unwrap());
    assert_eq!(vault.open(id).unwrap(), Opened::Erased);
}
