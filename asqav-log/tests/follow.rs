//! A log read while it is written, and two copies of it compared.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]

mod support;

use std::fs;
use std::io::Write as _;
use std::path::Path;

use asqav_core::log::Log as _;
use asqav_log::FileLog;
use asqav_log::diff::{Difference, ForkKind, compare};
use asqav_log::follow::Follow;
use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::json::{Json, Object};
use asqav_receipt::payload::{Context, Link};

use support::chain::{self, blank, chain, key, lines};
use support::{BY_FIVE, commit, start};

fn all(follow: &mut Follow) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| follow.next_line().unwrap()).collect()
}

fn bare(range: std::ops::Range<usize>) -> Vec<Vec<u8>> {
    lines()[range].iter().map(|line| line[..line.len() - 1].to_vec()).collect()
}

#[test]
fn what_is_written_is_seen_once_and_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let mut follow = Follow::new(dir.path()).unwrap();
    assert_eq!(all(&mut follow), Vec::<Vec<u8>>::new());
    let mut log = FileLog::new(dir.path()).rotation(BY_FIVE);
    start(&mut log).unwrap();
    commit(&mut log, 1, 3).unwrap();
    assert_eq!(all(&mut follow), bare(0..3));
    assert_eq!(follow.next_line().unwrap(), None);
    // Over the end of two segments.
    commit(&mut log, 4, 9).unwrap();
    assert_eq!(all(&mut follow), bare(3..12));
    log.close(false).unwrap();
    // Recovery writes the open segment again.
    let mut log = FileLog::new(dir.path()).rotation(BY_FIVE);
    start(&mut log).unwrap();
    commit(&mut log, 13, 1).unwrap();
    assert_eq!(all(&mut follow), bare(12..13));
}

#[test]
fn half_a_line_is_not_shown_and_a_cut_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("segment-00000001.log");
    let (first, second) = (&lines()[0], &lines()[1]);
    fs::write(&path, [&first[..], &second[..100]].concat()).unwrap();
    let mut follow = Follow::new(dir.path()).unwrap();
    assert_eq!(all(&mut follow), bare(0..1));
    fs::File::options().append(true).open(&path).unwrap().write_all(&second[100..]).unwrap();
    assert_eq!(all(&mut follow), bare(1..2));
    fs::write(&path, first).unwrap();
    assert!(follow.next_line().unwrap_err().to_string().contains("segment-00000001.log"));
}

/// A log of the first `common` receipts of the chain and others after them.
fn forked(dir: &Path, name: &str, common: usize, others: &[Context]) -> std::path::PathBuf {
    let dir = dir.join(name);
    fs::create_dir(&dir).unwrap();
    let mut link = Link::to(&chain()[common - 1].canonical);
    let mut text = lines()[..common].concat();
    for (seq, context) in (common as u64 + 1..).zip(others) {
        let mut payload = blank(seq, link, *asqav_core::sign::Signer::thumbprint(&*key()));
        payload.context = context.clone();
        let entry = chain::sign(&key(), payload);
        link = Link::to(&entry.canonical);
        text.extend(chain::line_of(&entry));
    }
    fs::write(dir.join("segment-00000001.log"), text).unwrap();
    dir
}

fn recovery(after: u64, torn: &[u8]) -> Context {
    let mut body = Object::new();
    body.set("resumed_after_seq", Json::count(after));
    body.set("torn_bytes", Json::count(torn.len() as u64));
    body.set("torn_sha3", Sha3Digest::of(torn).to_hex());
    Context::Event { name: "gate:recovery", body }
}

#[test]
fn copies_agree_or_part_at_one_receipt() {
    let dir = tempfile::tempdir().unwrap();
    let whole = forked(dir.path(), "whole", 12, &[]);
    let short = forked(dir.path(), "short", 7, &[]);
    assert_eq!(compare([&whole, &whole]).unwrap(), Difference::None { size: 12 });
    assert_eq!(compare([&whole, &short]).unwrap(), Difference::Longer { which: 0, common: 7 });
    assert_eq!(compare([&short, &whole]).unwrap(), Difference::Longer { which: 1, common: 7 });
    let other = forked(dir.path(), "other", 7, &[Context::Event { name: "gate:stop", body: Object::new() }]);
    let Difference::Fork(fork) = compare([&whole, &other]).unwrap() else { panic!("they part") };
    assert_eq!((fork.seq, fork.kind), (8, ForkKind::Payloads));
    assert_eq!(fork.proof().unwrap().check(), Ok(8));
}

/// A copy that was made while a line was written, and a power loss that took it:
/// the recovery receipt names what was lost, and nobody cheated.
#[test]
fn what_a_recovery_names_is_no_fraud() {
    let dir = tempfile::tempdir().unwrap();
    let whole = forked(dir.path(), "whole", 9, &[]);
    for (name, torn, kind) in [
        ("half", &lines()[7][..90], ForkKind::Recovered),
        ("more", &[&lines()[7][..], &lines()[8][..40]].concat(), ForkKind::Recovered),
        ("else", &b"something else"[..], ForkKind::Payloads),
    ] {
        let recovered = forked(dir.path(), name, 7, &[recovery(7, torn)]);
        for pair in [[&whole, &recovered], [&recovered, &whole]] {
            let Difference::Fork(fork) = compare(pair.map(|path| path.as_path())).unwrap() else {
                panic!("they part")
            };
            assert_eq!((fork.seq, fork.kind), (8, kind), "{name}");
            assert_eq!(fork.proof().is_some(), kind == ForkKind::Payloads);
        }
    }
}

/// The same, where some of what was lost was journaled as well and signed anew.
#[test]
fn what_a_recovery_names_behind_a_journal_is_no_fraud() {
    let dir = tempfile::tempdir().unwrap();
    let whole = forked(dir.path(), "whole", 9, &[]);
    let named = |torn: &[u8], unsigned_after: Json| {
        let Context::Event { name, mut body } = recovery(7, torn) else { panic!("an event") };
        body.set("unsigned_after_seq", unsigned_after);
        Context::Event { name, body }
    };
    // The kill took lines 6 to 9, and 6 and 7 were in the journal.
    let torn = [&lines()[5..8].concat()[..], &lines()[8][..40]].concat();
    for (name, after, kind) in [
        ("journal", Json::count(5), ForkKind::Recovered),
        ("else", Json::count(4), ForkKind::Payloads),
        ("none", Json::count(0), ForkKind::Payloads),
        ("long", Json::count(u64::MAX >> 12), ForkKind::Payloads),
        ("text", "5".into(), ForkKind::Payloads),
    ] {
        let recovered = forked(dir.path(), name, 7, &[named(&torn, after)]);
        for pair in [[&whole, &recovered], [&recovered, &whole]] {
            let Difference::Fork(fork) = compare(pair.map(|path| path.as_path())).unwrap() else {
                panic!("they part")
            };
            assert_eq!((fork.seq, fork.kind), (8, kind), "{name}");
        }
    }
}

#[test]
fn another_signature_and_no_receipt_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let whole = forked(dir.path(), "whole", 9, &[]);
    let copy = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let to = forked(dir.path(), name, 9, &[]);
        let mut text = lines()[..9].concat();
        change(&mut text);
        fs::write(to.join("segment-00000001.log"), text).unwrap();
        let Difference::Fork(fork) = compare([&whole, &to]).unwrap() else { panic!("they part") };
        (fork.seq, fork.kind)
    };
    let sig = lines()[0].windows(7).position(|part| part == b"\"sig\":\"").unwrap() + 7;
    let resign = |text: &mut Vec<u8>| text[sig] = if text[sig] == b'A' { b'B' } else { b'A' };
    assert_eq!(copy("signature", &resign), (1, ForkKind::Signatures));
    assert_eq!(copy("garbage", &|text| text[0] = b'['), (1, ForkKind::Unreadable));
}
