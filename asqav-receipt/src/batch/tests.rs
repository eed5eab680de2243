//! Places, roots and the two forms of a batch's receipt.

use super::*;
use crate::id::KeyId;
use crate::receipt::{line, line_of, parse_line, portable};

fn batch(count: u8, first_seq: u64) -> (Batch, Vec<Vec<u8>>) {
    let payloads: Vec<_> =
        (0..count).map(|at| format!("{{\"seq\":{}}}", first_seq + u64::from(at)).into_bytes()).collect();
    let canonical = payloads.iter().map(Vec::as_slice);
    let log_id = LogId::from_bytes([7; 16]);
    (Batch::new(log_id, Sha256Digest::from_bytes([9; 32]), first_seq, canonical).unwrap(), payloads)
}

fn signature() -> Signature {
    Signature { alg: ML_DSA_65.name, kid: KeyId::parse("k").unwrap(), sig: vec![5; ML_DSA_65.signature_len] }
}

#[test]
fn a_batch_has_two_to_1024_receipts_with_numbers() {
    let place = BatchPlace::new(5, 3).unwrap();
    assert_eq!((place.last_seq(), place.index_of(5), place.index_of(7)), (7, Some(0), Some(2)));
    assert_eq!((place.index_of(4), place.index_of(8), place.index_of(u64::MAX)), (None, None, None));
    assert!(BatchPlace::new(1, 1_024).is_some() && BatchPlace::new(MAX_SEQ - 1, 2).is_some());
    for (first_seq, size) in [(1, 0), (1, 1), (1, 1_025), (1, u64::MAX), (0, 2), (MAX_SEQ, 2), (u64::MAX, 2)]
    {
        assert_eq!(BatchPlace::new(first_seq, size), None, "{first_seq} {size}");
    }
}

/// Written out once by hand from RECEIPT's definition, as another implementation would.
#[test]
fn what_is_signed_is_as_written_down() {
    let (batch, payloads) = batch(3, 8);
    let sha3 = |parts: &[&[u8]]| Sha3Digest::of(&parts.concat());
    let leaves: Vec<_> =
        payloads.iter().map(|payload| sha3(&[b"\0asqav/batch-leaf/v1\0", payload])).collect();
    let left = sha3(&[&[1], leaves[0].as_bytes(), leaves[1].as_bytes()]);
    let root = sha3(&[&[1], left.as_bytes(), leaves[2].as_bytes()]);
    let wanted = format!(
        "asqav/batch/v1\0{{\"first_seq\":8,\"key_thumbprint\":\"sha256:{}\",\"log_id\":\"{}\",\"root\":\"{}\",\"size\":3,\"suite\":\"ML-DSA-65\",\"v\":1}}",
        "09".repeat(32),
        "07".repeat(16),
        root.to_hex()
    );
    assert_eq!(String::from_utf8(batch.root().signing_bytes()).unwrap(), wanted);
}

#[test]
fn each_receipt_has_one_line_and_each_line_one_form() {
    let (batch, payloads) = batch(5, 1);
    for (at, (payload, signature)) in payloads.iter().zip(batch.signatures(signature())).enumerate() {
        let (line, receipt) = (line(payload, &signature), portable(payload, &signature));
        assert_eq!(line_of(&receipt).unwrap(), line);
        let (_, read) = parse_line(&line).unwrap();
        assert_eq!(read.line(payload), line);
        let text = String::from_utf8(line.clone()).unwrap();
        assert_eq!(text.contains("\"sig\""), at == 4, "{text}");
        assert!(!text.contains("\"path\""), "{text}");
        assert!(parse_line(&receipt).is_err(), "a receipt of a batch is no line");
        assert_eq!(line_of(&line), None, "and its line is no receipt");
    }
}

#[test]
fn lines_become_receipts_when_their_batch_is_whole() {
    let (batch, payloads) = batch(3, 1);
    let signatures: Vec<_> = batch.signatures(signature()).collect();
    let lines: Vec<_> = payloads.iter().zip(&signatures).map(|(payload, sig)| line(payload, sig)).collect();
    let receipts: Vec<_> =
        payloads.iter().zip(&signatures).map(|(payload, sig)| portable(payload, sig)).collect();

    let mut assembler = Assembler::default();
    assert!(assembler.push(&lines[0]).is_empty());
    assert!(assembler.push(&lines[1]).is_empty());
    let ready = assembler.push(&lines[2]);
    assert_eq!(ready.iter().map(|ready| &ready.line).collect::<Vec<_>>(), lines.iter().collect::<Vec<_>>());
    assert_eq!(
        ready.iter().map(|ready| &ready.receipt).collect::<Vec<_>>(),
        receipts.iter().collect::<Vec<_>>()
    );
    assert_eq!(assembler.waiting(), 0);

    // What is not whole comes back as it stands, in order, and nothing is lost.
    let own = b"{}".to_vec();
    for pushed in [[&lines[1], &lines[2], &own], [&lines[0], &lines[2], &own], [&lines[0], &lines[0], &own]] {
        let ready: Vec<_> = pushed.iter().flat_map(|line| assembler.push(line)).collect();
        assert_eq!(ready.iter().map(|ready| &ready.receipt).collect::<Vec<_>>(), pushed);
    }
}
