//! Hostile sizes: what verification refuses, and with how much memory.
#![allow(clippy::unwrap_used, reason = "a test may end here")]

use std::time::{Duration, Instant};

use allocation_counter::measure;
use asqav_receipt::keys::KeySet;
use asqav_receipt::verify::{MAX_ENVELOPE_LEN, ReasonCode, ReceiptInputs, Report, Verdict, verify_receipt};

/// The most that judging any receipt may hold at a time.
const MAX_MEMORY: u64 = 64 * 1024 * 1024;

/// Some fifty times what the slowest takes, so that a busy machine changes
/// nothing; what is quadratic takes longer.
const MAX_TIME: Duration = Duration::from_secs(4);

/// Judges the text, with its own bytes not counted.
#[track_caller]
fn judge(text: &[u8]) -> Report {
    judge_with(text, &ReceiptInputs::new())
}

#[track_caller]
fn judge_with(text: &[u8], inputs: &ReceiptInputs<'_>) -> Report {
    let mut report = None;
    let start = Instant::now();
    let memory = measure(|| report = Some(verify_receipt(text, inputs)));
    assert!(start.elapsed() < MAX_TIME, "{:?}", start.elapsed());
    assert!(memory.bytes_max < MAX_MEMORY, "{} bytes", memory.bytes_max);
    let report = report.unwrap();
    assert!(!matches!(report.verdict, Verdict::Verified | Verdict::VerifiedKeyed));
    report
}

#[test]
fn a_hundred_megabytes_are_refused_before_they_are_read() {
    let mut text = br#"{"payload":{"note":""#.to_vec();
    text.resize(100_000_000, b'a');
    assert_eq!(judge(&text).reason_code, Some(ReasonCode::TooLong));
    let memory = measure(|| drop(verify_receipt(&text, &ReceiptInputs::new())));
    assert!(memory.bytes_max < 64 * 1024, "{} bytes to say no", memory.bytes_max);
    let inputs = ReceiptInputs::new().predecessor(&text).originating(&text);
    judge_with(br#"{"payload":{"previousReceiptHash":"aa"},"signature":{}}"#, &inputs);
}

#[test]
fn a_million_brackets_are_refused() {
    let deep = "[".repeat(1_000_000);
    assert_eq!(judge(deep.as_bytes()).reason_code, Some(ReasonCode::TooDeep));
    let deep = format!(r#"{{"payload":{deep}"#);
    assert_eq!(judge(deep.as_bytes()).reason_code, Some(ReasonCode::TooDeep));
    let deep = r#"{"a":"#.repeat(200_000);
    assert_eq!(judge(deep.as_bytes()).reason_code, Some(ReasonCode::TooDeep));
}

#[test]
fn a_string_of_ten_megabytes_is_refused() {
    let text = format!(r#"{{"payload":{{"agent_id":"{}"}}}}"#, "a".repeat(10_000_000));
    assert_eq!(judge(text.as_bytes()).reason_code, Some(ReasonCode::TooLong));
}

/// As long as may be, and as costly as its length allows.
#[test]
fn every_text_that_is_read_is_judged_in_bounded_time_and_memory() {
    let fill = |head: &str, item: &dyn Fn(usize) -> String, tail: &str| {
        let mut text = head.to_owned();
        let mut at = 0;
        while text.len() + 40 + tail.len() < MAX_ENVELOPE_LEN {
            text.push_str(&item(at));
            at += 1;
        }
        text.push_str(tail);
        assert!(text.len() <= MAX_ENVELOPE_LEN);
        text
    };
    let member = |at: usize| format!("\"{at}\":0,");
    let copies = fill("", &member, "");
    let half = copies.get(..MAX_ENVELOPE_LEN / 2 - 200).unwrap();
    let half = half.get(..half.rfind(',').unwrap()).unwrap();
    for text in [
        fill("{\"payload\":{\"a\":[", &|_| "0,".to_owned(), "0]}}"),
        fill("{\"payload\":{\"a\":[", &|_| "[],".to_owned(), "0]}}"),
        fill("{\"payload\":{", &member, "\"z\":0}}"),
        format!("{{\"payload\":{{{half}}},{half}}}"),
        fill("{\"payload\":{},\"anchors\":[", &|_| "{\"type\":\"rfc3161\"},".to_owned(), "{}]}"),
        fill("{\"payload\":{\"a\":\"", &|_| "\\u0001".to_owned(), "\"}}"),
        fill("{\"payload\":{\"controls_evaluated\":{", &member, "\"z\":0}}}"),
        fill(
            "{\"payloadType\":\"application/vnd.in-toto+json\",\"payload\":\"e30=\",\"signatures\":[",
            &|_| "{\"sig\":\"AA==\"},".to_owned(),
            "{}]}",
        ),
    ] {
        judge(text.as_bytes());
    }
}

#[test]
fn a_key_set_of_many_keys_is_searched_in_bounded_time() {
    let mut jwks = r#"{"keys":["#.to_owned();
    for at in 0..50_000 {
        jwks.push_str(&format!(r#"{{"kty":"AKP","alg":"ML-DSA-65","kid":"k{at}","pub":"AA"}},"#));
    }
    jwks.push_str(r#"{"kty":"AKP"}]}"#);
    let keys = KeySet::parse(jwks.as_bytes()).unwrap();
    judge_with(
        br#"{"payload":{"agent_id":"a","key_thumbprint":"sha256:00"},"signature":{"kid":"k49999"}}"#,
        &ReceiptInputs::new().keys(&keys),
    );
}
