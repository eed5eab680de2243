//! Logs of which segments were deleted: what is left proves the order of what
//! is gone, and only a signed receipt explains that it is gone.

use std::collections::BTreeSet;

use asqav_receipt::checkpoint::{Checkpoint, SignedCheckpoint};
use asqav_receipt::deletion::{DELETE_EVENT, Deletion};
use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::header::{CloseReason, SignedHeader};
use asqav_receipt::merkle::{Frontier, Sha3Tree, TreeHash as _};
use asqav_receipt::payload::{Context, Link, ReceiptType};
use asqav_receipt::receipt::Signature;
use asqav_receipt::seq_set::SeqSet;
use asqav_receipt::verify::{LogInputs, LogReport, LogVerifier, ReasonCode};

use crate::Verdicts as _;
use crate::support::log::{Segment, Writer};
use crate::support::{Key, now};

/// Which segments of a log are tombstones, and what was done to them.
struct Copy {
    files: Vec<Segment>,
    deleted: BTreeSet<usize>,
    leaves: Vec<Vec<u8>>,
}

impl Copy {
    /// The writer's log with the segments `deleted`, by number, gone.
    fn of(writer: &Writer, deleted: impl IntoIterator<Item = usize>) -> Self {
        let files = writer.files();
        let leaves = |segment: &Segment| segment.lines.iter().flat_map(|line| Sha3Tree::leaf(line)).collect();
        let leaves = files.iter().map(leaves).collect();
        Self { files, deleted: deleted.into_iter().collect(), leaves }
    }

    fn verify(&self, inputs: LogInputs<'_>) -> LogReport {
        let mut verifier = LogVerifier::new(inputs);
        for (at, (segment, leaves)) in self.files.iter().zip(&self.leaves).enumerate() {
            let number = at as u64 + 1;
            if self.deleted.contains(&(at + 1)) {
                verifier.deleted(number, segment.header.as_ref().unwrap(), leaves);
                continue;
            }
            verifier.segment_start(number);
            segment.lines.iter().for_each(|line| verifier.line(line));
            match &segment.header {
                Some(header) => verifier.sealed(header),
                None => verifier.unsealed(),
            }
        }
        verifier.finish()
    }

    fn report(&self, writer: &Writer) -> LogReport {
        let keys = writer.key.pin();
        self.verify(LogInputs::new().keys(&keys).at(now()))
    }
}

fn header(writer: &Writer, number: usize) -> SignedHeader {
    SignedHeader::parse(writer.segments[number - 1].header.as_ref().unwrap()).unwrap()
}

/// What a receipt that deletes these segments says.
fn deletion(writer: &Writer, segments: std::ops::RangeInclusive<usize>) -> Deletion {
    let headers: Vec<_> = segments.clone().map(|number| header(writer, number)).collect();
    Deletion {
        first_segment: *segments.start() as u64,
        receipts: (headers[0].header.first_seq, headers[headers.len() - 1].header.last_seq),
        headers: headers.iter().map(SignedHeader::digest).collect(),
        days: 2_555,
        before: now(),
    }
}

fn record(writer: &mut Writer, deletion: &Deletion) {
    let context = Context::Event { name: DELETE_EVENT, body: deletion.to_body() };
    let mut draft = writer.draft(ReceiptType::Lifecycle, context);
    draft.action_type = DELETE_EVENT.parse().unwrap();
    writer.write(draft);
}

/// Three sealed segments with a session and a decision over their bounds, and a
/// fourth, in which `last` writes before the clean stop.
fn written(last: impl FnOnce(&mut Writer)) -> Writer {
    let mut writer = Writer::started();
    writer.call();
    let session = writer.open_session("refund-1");
    writer.step(&session);
    writer.seal();
    writer.step(&session);
    let decision = writer.allow();
    writer.seal();
    writer.outcome(&decision);
    writer.close_session(&session);
    writer.seal();
    writer.call();
    last(&mut writer);
    writer.stop();
    writer
}

/// The first two segments deleted, as a receipt in the last one says.
fn two_deleted() -> (Writer, Copy) {
    let writer = written(|writer| {
        let deletion = deletion(writer, 1..=2);
        record(writer, &deletion);
    });
    let copy = Copy::of(&writer, 1..=2);
    (writer, copy)
}

#[test]
fn what_is_left_is_verified_and_what_is_gone_is_not_claimed() {
    let (writer, copy) = two_deleted();
    let whole = writer.verify();
    let report = copy.report(&writer);
    report.verified();
    assert_eq!(report.deleted, SeqSet::range(1, 7));
    assert_eq!(report.receipts, whole.receipts - 7, "only what was read is counted");
    assert_eq!((report.segments, report.tree), (4, whole.tree), "the root covers what was deleted");
    assert_eq!((report.head, report.genesis), (whole.head, whole.genesis));
    assert!(report.not_checked.iter().any(|line| line.starts_with("content 1..7: ")));
    assert!(!whole.not_checked.iter().any(|line| line.starts_with("content")));
}

#[test]
fn a_deletion_that_nobody_signed_is_invalid() {
    let writer = written(|_| ());
    Copy::of(&writer, [1]).report(&writer).invalid(ReasonCode::DeletionUnsigned);
    // Signed for one segment, two are gone.
    let writer = written(|writer| {
        let deletion = deletion(writer, 1..=1);
        record(writer, &deletion);
    });
    Copy::of(&writer, [1]).report(&writer).verified();
    Copy::of(&writer, 1..=2).report(&writer).invalid(ReasonCode::DeletionUnsigned);
    // The receipt that says so, by somebody else.
    let mut other = Writer::new();
    other.key = Key::new(9, "mallory");
    let mut forged = writer.files();
    let body = Context::Event { name: DELETE_EVENT, body: deletion(&writer, 1..=2).to_body() };
    let mut draft = other.draft(ReceiptType::Lifecycle, body);
    (draft.seq, draft.link) = (writer.seq() + 1, Link::to(writer.payloads.last().unwrap()));
    other.write(draft);
    forged.push(other.files().remove(0));
    let leaves = Copy::of(&writer, []).leaves;
    let leaves = leaves.into_iter().chain([Vec::new()]).collect();
    let copy = Copy { files: forged, deleted: [1, 2].into(), leaves };
    assert!(copy.report(&writer).verdict.failure_class().is_some());
}

#[test]
fn leaf_hashes_have_to_give_the_headers_root() {
    type Change = (&'static str, fn(&mut Vec<u8>));
    let changes: [Change; 6] = [
        ("one bit", |leaves| leaves[40] ^= 1),
        ("one less", |leaves| leaves.truncate(leaves.len() - 32)),
        ("one more", |leaves| leaves.extend([0; 32])),
        ("none", Vec::clear),
        ("half of one", |leaves| leaves.extend([0; 16])),
        // A node in place of its leaves gives the root, and not the count.
        ("inner nodes", |leaves| {
            let halves = leaves.as_chunks::<32>().0.to_vec();
            let node = Sha3Tree::node(&halves[0], &halves[1]);
            *leaves = [&node[..], &leaves[64..]].concat();
        }),
    ];
    for (what, change) in changes {
        let (writer, mut copy) = two_deleted();
        change(&mut copy.leaves[0]);
        let report = copy.report(&writer);
        assert_eq!(report.reason_code, Some(ReasonCode::TombstoneDiffers), "{what}");
    }
}

#[test]
fn a_tombstone_stands_in_the_chain_of_headers() {
    let (writer, mut copy) = two_deleted();
    // The second segment's header twice.
    copy.files[0].header = copy.files[1].header.clone();
    copy.report(&writer).invalid(ReasonCode::TombstoneDiffers);
    // A header that the same key signed for other receipts.
    let (writer, mut copy) = two_deleted();
    let mut signed = header(&writer, 2);
    signed.header.last = Link::to(b"another");
    signed.signature = writer.key.signature(&signed.header.signing_bytes());
    copy.files[1].header = Some(signed.to_file());
    copy.report(&writer).invalid(ReasonCode::ChainBreak);
    // And one under no key of the log's.
    let (writer, mut copy) = two_deleted();
    let mut signed = header(&writer, 1);
    signed.signature.sig[7] ^= 1;
    copy.files[0].header = Some(signed.to_file());
    copy.report(&writer).invalid(ReasonCode::SignatureInvalid);
    let (writer, mut copy) = two_deleted();
    copy.files[0].header.as_mut().unwrap().truncate(100);
    assert!(copy.report(&writer).verdict.failure_class().is_some());
}

#[test]
fn a_deletion_receipt_names_the_headers_that_stay() {
    type Change = (&'static str, fn(&mut Deletion));
    let changes: [Change; 3] = [
        ("another header", |deletion| deletion.headers[1] = Sha3Digest::of(b"another")),
        ("other receipts", |deletion| deletion.receipts.1 -= 1),
        ("the wrong order", |deletion| deletion.headers.reverse()),
    ];
    for (what, change) in changes {
        let writer = written(|writer| {
            let mut deletion = deletion(writer, 1..=2);
            change(&mut deletion);
            record(writer, &deletion);
        });
        let report = Copy::of(&writer, 1..=2).report(&writer);
        assert_eq!(report.reason_code, Some(ReasonCode::DeletionDiffers), "{what}");
    }
    let writer = written(|writer| {
        let mut body = deletion(writer, 1..=1).to_body();
        body.set("count", asqav_receipt::json::Json::count(1));
        let draft = writer.draft(ReceiptType::Lifecycle, Context::Event { name: DELETE_EVENT, body });
        writer.write(draft);
    });
    writer.verify().invalid(ReasonCode::DeletionDiffers);
}

#[test]
fn what_is_said_to_be_deleted_and_is_there_is_reported() {
    let (writer, _) = two_deleted();
    let report = Copy::of(&writer, [1]).report(&writer);
    report.verified();
    let there: Vec<_> =
        report.problems.iter().filter(|found| found.reason_code == ReasonCode::NotDeleted).collect();
    assert_eq!(there.len(), 1, "{:?}", report.problems);
    assert!(there[0].note.starts_with("segment 2,"), "{}", there[0].note);
}

/// A deletion receipt is deleted in its turn; the newest speaks for all.
#[test]
fn the_newest_deletion_receipt_speaks_for_those_before() {
    let mut writer = Writer::started();
    writer.call();
    writer.seal();
    let first = deletion(&writer, 1..=1);
    record(&mut writer, &first);
    writer.call();
    writer.seal();
    let second = deletion(&writer, 2..=2);
    record(&mut writer, &second);
    writer.stop();
    Copy::of(&writer, 1..=2).report(&writer).verified();
    // Whose header is bound by the one after it.
    let mut copy = Copy::of(&writer, 1..=2);
    let mut signed = header(&writer, 1);
    signed.header.close = CloseReason::Age;
    signed.signature = writer.key.signature(&signed.header.signing_bytes());
    copy.files[0].header = Some(signed.to_file());
    copy.report(&writer).invalid(ReasonCode::HeaderDiffers);
}

#[test]
fn an_outcome_of_what_was_not_open_is_still_found() {
    let mut writer = Writer::started();
    let decision = writer.allow();
    writer.outcome(&decision);
    writer.seal();
    writer.outcome(&decision);
    let deletion = deletion(&writer, 1..=1);
    record(&mut writer, &deletion);
    writer.stop();
    Copy::of(&writer, [1]).report(&writer).invalid(ReasonCode::OutcomeWithoutDecision);
}

fn checkpoint(writer: &Writer, size: usize) -> SignedCheckpoint {
    let lines: Vec<_> = writer.files().into_iter().flat_map(|segment| segment.lines).collect();
    let mut tree = Frontier::<Sha3Tree>::new();
    lines[..size].iter().for_each(|line| tree.push(line));
    let ends = |number: &usize| header(writer, *number).header.last_seq < size as u64;
    let checkpoint = Checkpoint {
        log_id: writer.log_id,
        genesis: Link::to(&writer.payloads[0]).sha3.unwrap(),
        size: size as u64,
        root: Sha3Digest::from_bytes(tree.root()),
        head: Link::to(&writer.payloads[size - 1]),
        last_header: (1..=4).rfind(ends).map(|number| header(writer, number).digest()),
        open_decisions: u64::from([2, 7, 10].contains(&size)),
        previous_checkpoint: None,
        issued_at: now(),
        suite: "ML-DSA-65",
        key_thumbprint: writer.key.thumbprint(),
    };
    sign(writer, checkpoint)
}

fn sign(writer: &Writer, checkpoint: Checkpoint) -> SignedCheckpoint {
    let signature: Signature = writer.key.signature(&checkpoint.signing_bytes());
    SignedCheckpoint { checkpoint, signature }
}

/// Within a deleted segment, at the end of one, and after.
#[test]
fn checkpoints_of_every_size_are_met() {
    let (writer, copy) = two_deleted();
    let keys = writer.key.pin();
    for size in 1..=usize::try_from(writer.seq()).unwrap() {
        let met = checkpoint(&writer, size);
        let report = copy.verify(LogInputs::new().keys(&keys).at(now()).checkpoint(&met));
        report.verified();
        let head_gone = report.not_checked.iter().any(|line| line.starts_with("checkpoint: its root"));
        assert_eq!(head_gone, size < 5 || size == 6, "{size}");
        let mut other = met.checkpoint.clone();
        other.root = Sha3Digest::of(b"another");
        let other = sign(&writer, other);
        let report = copy.verify(LogInputs::new().keys(&keys).at(now()).checkpoint(&other));
        report.invalid(ReasonCode::CheckpointDiffers);
    }
}

#[test]
fn a_mirrored_head_that_was_deleted_cannot_be_compared() {
    let (writer, copy) = two_deleted();
    let keys = writer.key.pin();
    let head = |seq: usize| {
        let Link { sha256, sha3, .. } = Link::to(&writer.payloads[seq - 1]);
        let mut head = writer.head();
        (head.seq, head.sha256, head.sha3) = (seq as u64, sha256, sha3.unwrap());
        head
    };
    let verify = |head| copy.verify(LogInputs::new().keys(&keys).at(now()).head(head));
    verify(head(7)).verified();
    verify(head(9)).verified();
    verify(head(3)).unverifiable(ReasonCode::ContentDeleted);
    let mut other = head(7);
    other.sha256 = head(6).sha256;
    verify(other).invalid(ReasonCode::HeadDiffers);
}

#[test]
fn a_log_of_nothing_but_tombstones_is_unverifiable_at_best() {
    let writer = written(|_| ());
    assert!(Copy::of(&writer, 1..=4).report(&writer).verdict.failure_class().is_some());
}
