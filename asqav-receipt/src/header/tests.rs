use super::*;
use crate::id::{ActionId, ActionType, KeyId, SessionId};
use crate::open::{OpenDecision, OpenSession};

fn signed() -> SignedHeader {
    let decision = OpenDecision {
        seq: 4,
        action_id: ActionId::from_parts(1, [1; 10]),
        action_type: ActionType::parse("a:b").unwrap(),
        tool_name: None,
        session_id: Some(SessionId::parse("s1").unwrap()),
        payload_sha256: Sha256Digest::of(b"decision"),
    };
    let session = OpenSession {
        seq: 3,
        action_id: ActionId::from_parts(1, [2; 10]),
        session_id: SessionId::parse("s1").unwrap(),
        count: 3,
        frontier: vec![Sha3Digest::of(b"l"), Sha3Digest::of(b"r")],
    };
    SignedHeader {
        header: SegmentHeader {
            log_id: LogId::from_bytes([1; 16]),
            genesis: Sha3Digest::of(b"first"),
            segment: 1,
            first_seq: 1,
            last_seq: 5,
            count: 5,
            bytes: 999,
            root: Sha3Digest::of(b"root"),
            before: Link::GENESIS,
            last: Link::to(b"last"),
            previous_header: None,
            open: vec![OpenItem::Decision(decision), OpenItem::Session(session)],
            sealed_at: Timestamp::from_unix_micros(5).unwrap(),
            close: CloseReason::Age,
            suite: "ML-DSA-65",
            key_thumbprint: Sha256Digest::of(b"key"),
        },
        signature: Signature { alg: "ML-DSA-65", kid: KeyId::parse("k").unwrap(), sig: vec![7; 3_309] },
    }
}

#[test]
fn a_header_is_read_back_as_it_was_written() {
    let header = signed();
    assert_eq!(SignedHeader::parse(&header.to_file()).unwrap(), header);
    assert!(header.header.signing_bytes().starts_with(b"asqav/segment/v1\0{\"before\":{\"sha256\":"));
}

#[test]
fn every_changed_byte_is_another_header_or_none() {
    let file = signed().to_file();
    for at in 0..file.len() {
        let mut changed = file.clone();
        changed[at] ^= 1;
        if let Ok(other) = SignedHeader::parse(&changed) {
            assert_ne!(other, signed(), "byte {at}");
        }
    }
}

#[test]
fn other_spellings_and_contradictions_are_refused() {
    let text = String::from_utf8(signed().to_file()).unwrap();
    let refused = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        SignedHeader::parse(text.replacen(from, to, 1).as_bytes()).unwrap_err()
    };
    assert_eq!(refused("{\"header\"", " {\"header\""), HeaderError::NotCanonical);
    assert_eq!(refused("\"v\":1", "\"v\":1,\"x\":2"), HeaderError::NotCanonical);
    assert_eq!(refused("\"count\":5", "\"count\":6"), HeaderError::Shape);
    assert_eq!(refused("\"first_seq\":1", "\"first_seq\":2"), HeaderError::Shape);
    assert_eq!(refused("\"v\":1", "\"v\":2"), HeaderError::Shape);
    assert_eq!(refused("\"count\":3,", "\"count\":4,"), HeaderError::Shape);
    assert_eq!(refused("\"alg\":\"ML-DSA-65\"", "\"alg\":\"Ed25519\""), HeaderError::Signature);
    assert_eq!(SignedHeader::parse(&text.as_bytes()[..text.len() - 1]), Err(HeaderError::NotCanonical));
}
