//! Mutated receipts through our verifier and the reference's.
//!
//! Verdict and failure class agree, or the difference is listed in
//! `known-differences.json` with the reason why ours is right. Nothing that the
//! reference calls invalid is verified by us, without exception.
//!
//! `ASQAV_DIFFERENTIAL` is how many cases are run (3,000 unless told),
//! `ASQAV_SEED` the first of their seeds (1 unless told): one case is one seed.
#![cfg(all(feature = "anchors", feature = "foreign-formats"))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::format_push_string,
    unreachable_pub,
    reason = "a test may end here, and says what it counted"
)]

mod case;
mod known;
mod mutate;
#[path = "../support/random.rs"]
mod random;
mod reference;
#[path = "../support/mod.rs"]
mod support;
mod tree;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use asqav_receipt::anchor::{BlockHeaders, TsaKeys};
use asqav_receipt::keys::KeySet;
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::{FailureClass, ReasonCode, ReceiptInputs, Report, verify_receipt};

use case::Case;
use known::Difference;
use random::Random;
use reference::Reference;

fn number(name: &str, unless_told: u64) -> u64 {
    std::env::var(name).map_or(unless_told, |text| text.parse().unwrap())
}

/// The reference reads the clock; so does this test, for both.
fn now() -> Timestamp {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_unix_micros(i64::try_from(elapsed.as_micros()).unwrap()).unwrap()
}

fn ours(case: &Case) -> Report {
    // A key set that cannot be read is none.
    let keys = KeySet::parse(case.jwks.as_bytes()).ok();
    let mut tsa_keys = TsaKeys::new();
    case.tsa_keys.iter().for_each(|key| tsa_keys.pin(key.as_bytes()).unwrap());
    let headers = case.bitcoin_headers.as_ref().map(|text| BlockHeaders::parse(text.as_bytes()).unwrap());
    let mut inputs = ReceiptInputs::new().at(now()).tsa_keys(&tsa_keys);
    inputs.keys = keys.as_ref();
    inputs.predecessor = case.predecessor.as_deref().map(str::as_bytes);
    inputs.originating = case.originating.as_deref().map(str::as_bytes);
    inputs.block_headers = headers.as_ref();
    verify_receipt(case.receipt.as_bytes(), &inputs)
}

fn class(report: &Report) -> &'static str {
    report.verdict.failure_class().map_or("verified", FailureClass::as_str)
}

#[test]
fn mutated_receipts_get_the_reference_verdict_or_a_known_better_one() {
    let Some(corpus) = std::env::var_os("ASQAV_CORPUS").map(PathBuf::from) else {
        println!("skipped: ASQAV_CORPUS does not name the reference corpus");
        return;
    };
    let Some(mut reference) = Reference::start() else { return };
    let bases = case::bases(&corpus);
    let known = known::read();
    let mut used: BTreeMap<&str, usize> = BTreeMap::new();
    let mut agreed: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (count, first) = (number("ASQAV_DIFFERENTIAL", 3_000), number("ASQAV_SEED", 1));
    for seed in first..first + count {
        let mut random = Random(seed);
        let mut case = random.pick(&bases).clone();
        // Some stay as they are: the bases have to agree, too.
        if random.below(50) > 0 {
            mutate::mutate(&mut case, &mut random);
        }
        let report = ours(&case);
        let answer = reference.judge(&case);
        let (ours, theirs) = (class(&report), answer.class());
        if ours == theirs {
            *agreed.entry(ours).or_default() += 1;
            continue;
        }
        let verdict = report.reason_code.map(ReasonCode::as_str);
        let others = report.problems.iter().map(|problem| problem.reason_code.as_str());
        let difference = Difference {
            case: &case.name,
            ours,
            reasons: verdict.into_iter().chain(others).collect(),
            theirs,
            complaints: answer.complaints(),
        };
        if let Some(known) = known.iter().find(|known| known.covers(&difference)) {
            *used.entry(&known.id).or_default() += 1;
            continue;
        }
        let reason = verdict.unwrap_or_default();
        let found = format!(
            "seed {seed}: {}\n    ours {:?}\n    theirs {:?}",
            case.name, report.problems, difference.complaints
        );
        wrong.entry(format!("ours {ours} ({reason}), theirs {theirs}")).or_default().push(found);
    }
    println!("{count} cases: {agreed:?} agree; known differences {used:?}");
    for (kind, found) in &wrong {
        println!("{} times {kind}", found.len());
        found.iter().take(3).for_each(|found| println!("  {found}"));
    }
    assert!(wrong.is_empty(), "differences that are not known");
    // Some are rare: only a long run without one says that it is gone.
    if count >= 100_000 {
        let unused: Vec<_> = known.iter().filter(|known| !used.contains_key(known.id.as_str())).collect();
        assert!(unused.is_empty(), "listed, but not there any more: {unused:?}");
    }
}
