use proptest::prelude::*;

use super::super::tests::every_kind;
use super::*;

fn scan(bytes: &[u8]) -> Option<Payload> {
    let mut text = Lexer::new(std::str::from_utf8(bytes).ok()?);
    let (payload, canonical) = Payload::scan(&mut text)?;
    (text.peek().is_none()).then(|| assert_eq!(canonical, bytes))?;
    Some(payload)
}

/// The long way: a tree, its types, and the same bytes again.
fn read(bytes: &[u8]) -> Option<Payload> {
    let payload = Payload::from_json(&Json::parse(bytes).ok()?).ok()?;
    (payload.to_canonical() == bytes && bytes.len() <= MAX_PAYLOAD_LEN).then_some(payload)
}

#[test]
fn every_kind_of_payload_is_read_as_it_was_written() {
    for payload in every_kind() {
        let canonical = payload.to_canonical();
        assert_eq!(scan(&canonical), read(&canonical));
        assert!(scan(&canonical).is_some(), "{}", String::from_utf8_lossy(&canonical));
    }
}

#[test]
fn what_comes_after_a_payload_is_left_there() {
    let canonical = every_kind()[0].to_canonical();
    let text = [&canonical[..], b",\"signature\""].concat();
    let mut text = Lexer::new(std::str::from_utf8(&text).unwrap());
    assert!(Payload::scan(&mut text).is_some());
    assert_eq!(text.peek(), Some(b','));
}

/// Names that stand there twice would be written twice.
#[test]
fn arguments_stand_in_order_and_once() {
    let text = String::from_utf8(every_kind()[0].to_canonical()).unwrap();
    let argument = r#""a":{"dropped":true}"#;
    assert!(text.contains(argument));
    for others in
        [r#""a":{"dropped":true},"a":{"dropped":true}"#, r#""b":{"dropped":true},"a":{"dropped":true}"#]
    {
        assert_eq!(scan(text.replace(argument, others).as_bytes()), None, "{others}");
    }
}

/// The axis `structure` calls that a control that never ran.
#[test]
fn a_policy_of_which_nothing_matched_is_not_taken() {
    let found = every_kind().into_iter().find(|payload| payload.controls.policy_matched.is_some()).unwrap();
    let text = String::from_utf8(found.to_canonical()).unwrap();
    let count = format!(r#""matched_count":{}"#, found.controls.policy_matched.unwrap());
    let none = text.replace(&count, r#""matched_count":0"#);
    assert_ne!(text, none);
    assert_eq!((scan(none.as_bytes()), read(none.as_bytes())), (None, None));
}

/// Of every payload that differs in one place, the short way takes none that
/// the long way does not, and reads the same in it.
#[test]
fn no_changed_byte_is_read_otherwise() {
    for payload in every_kind() {
        let canonical = payload.to_canonical();
        for at in 0..canonical.len() {
            for change in [b'0', b'"', b'}', 0x80] {
                let mut changed = canonical.clone();
                changed[at] = change;
                if let Some(payload) = scan(&changed) {
                    assert_eq!(Some(payload), read(&changed), "{}", String::from_utf8_lossy(&changed));
                }
            }
        }
    }
}

proptest! {
    /// Pieces of payloads put together anew: both ways take the same texts.
    #[test]
    fn both_ways_take_the_same_texts(
        kind in 0..9_usize,
        other in 0..9_usize,
        (from, to, at) in (0.0..1.0, 0.0..0.2, 0.0..1.0),
    ) {
        let (kind, other) = (every_kind()[kind].to_canonical(), every_kind()[other].to_canonical());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in a short text")]
        let place = |share: f64, len: usize| (share * len as f64) as usize;
        let start = place(from, other.len());
        let end = (start + place(to, other.len())).min(other.len());
        let at = place(at, kind.len());
        let mut text = kind[..at].to_vec();
        text.extend_from_slice(&other[start..end]);
        text.extend_from_slice(&kind[(at + (end - start)).min(kind.len())..]);
        prop_assert_eq!(scan(&text), read(&text));
    }

    /// Values that are recorded, of any form.
    #[test]
    fn recorded_values_are_read_alike(text in r#"[\[\]{}",:0-9a-z\\.é ]{0,24}"#) {
        let payload = String::from_utf8(every_kind()[0].to_canonical()).unwrap();
        let changed = payload.replace("[-5,null]", &text);
        prop_assert_eq!(scan(changed.as_bytes()), read(changed.as_bytes()));
        let member = format!(r#""{text}":{{"dropped":true}}"#);
        let changed = payload.replace(r#""a":{"dropped":true}"#, &member);
        prop_assert_eq!(scan(changed.as_bytes()), read(changed.as_bytes()));
    }
}
