//! Disclosures: what is named is opened, and nothing else.

use asqav_receipt::canonical;
use asqav_receipt::commitment::{Openings, commit, salt};
use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::disclosure::{Disclosure, DisclosureError};
use asqav_receipt::merkle::{Frontier, Sha3Tree};
use asqav_receipt::payload::{Context, Folded, Form};
use asqav_receipt::verify::{Axis, AxisResult, ReasonCode, ReceiptInputs, Report, verify_receipt};
use serde_json::{Value, json};

use crate::Verdicts as _;
use crate::support::log::Writer;
use crate::support::now;

/// Folded names; their values are their numbers.
const FOLDED: [&str; 5] = ["a", "b", "kontö", "t", "z"];

/// A log with one decision: an argument shown, five folded. Its openings.
fn decided(secret: u8) -> (Writer, Vec<u8>, Openings) {
    let mut writer = Writer::started();
    let mut draft = writer.decision_draft();
    let secret = [secret; 32];
    let mut values = vec![("/arguments/account".to_owned(), "\"DE12\"".to_owned())];
    values.extend(FOLDED.iter().zip(0..).map(|(name, at)| (format!("/arguments/{name}"), format!("{at}"))));
    let digest = |(pointer, value): &(String, String)| {
        commit(draft.asqav.log_id, draft.action_id, pointer, &salt(&secret, pointer), value.as_bytes())
    };
    let mut tree = Frontier::<Sha3Tree>::new();
    values[1..].iter().for_each(|value| tree.push(digest(value).as_bytes()));
    let shown =
        vec![("account".to_owned(), Form::Commit(digest(&values[0]))), ("plain".to_owned(), Form::Dropped)];
    let folded = Some(Folded::new(tree.size(), Sha3Digest::from_bytes(tree.root())));
    // The vault keeps them in the order of the call, not of the tree.
    values.reverse();
    let openings = Openings { action_id: draft.action_id, secret, values };
    draft.context = Context::Arguments { shown, folded };
    writer.write(draft);
    let line = writer.segments[0].lines[1].clone();
    (writer, line, openings)
}

fn disclose(names: &[&str]) -> Result<Value, DisclosureError> {
    let (_, line, openings) = decided(7);
    let pointers: Vec<_> = names.iter().map(|name| format!("/arguments/{name}")).collect();
    let disclosure = Disclosure::new(line, &openings, &pointers)?;
    Ok(serde_json::from_slice(&canonical::to_vec(&disclosure.to_json())).unwrap())
}

fn verify(disclosure: &Value) -> Report {
    let (writer, ..) = decided(7);
    let keys = writer.key.pin();
    verify_receipt(disclosure.to_string().as_bytes(), &ReceiptInputs::new().keys(&keys).at(now()))
}

fn tampered(name: &str, change: impl FnOnce(&mut Value)) -> Report {
    let mut disclosure = disclose(&[name]).unwrap();
    change(&mut disclosure);
    verify(&disclosure)
}

#[test]
fn what_is_named_is_opened() {
    let mut names = FOLDED.to_vec();
    names.push("account");
    for name in names.iter().copied() {
        let report = verify(&disclose(&[name]).unwrap());
        report.verified();
        assert_eq!(report.subject.format, "asqav (disclosure)");
        assert_eq!(report.axis(Axis::PayloadDigest).unwrap().result, AxisResult::Pass);
        let opened: Vec<_> = report.disclosed.iter().map(|opened| opened.pointer.as_str()).collect();
        assert_eq!(opened, [format!("/arguments/{name}")]);
    }
    let report = verify(&disclose(&names).unwrap());
    let values: Vec<_> = report.disclosed.iter().map(|opened| opened.value.as_str()).collect();
    assert_eq!(values, ["0", "\"DE12\"", "1", "2", "3", "4"]);
}

/// Neither another value, its name or its salt, nor what would give them.
#[test]
fn nothing_else_is_handed_over() {
    let text = disclose(&["b"]).unwrap().to_string();
    let (_, _, openings) = decided(7);
    assert!(!text.contains(&asqav_receipt::digest::encode_hex(&openings.secret)));
    for (pointer, _) in openings.values.iter().filter(|(pointer, _)| pointer != "/arguments/b") {
        let salt = salt(&openings.secret, pointer);
        assert!(!text.contains(&asqav_receipt::digest::encode_hex(&salt)), "{pointer}");
        assert!(!text.contains(pointer), "{pointer}");
    }
    assert!(!text.contains("DE12") && !text.contains("kont"));
}

#[test]
fn an_opening_is_of_one_value_at_one_place() {
    for name in ["account", "b"] {
        tampered(name, |_| {}).verified();
        for change in [
            |d: &mut Value| d["values"][0]["value"] = json!("2"),
            |d: &mut Value| d["values"][0]["value"] = json!("1 "),
            |d: &mut Value| d["values"][0]["salt"] = json!("0".repeat(64)),
            |d: &mut Value| d["values"][0]["pointer"] = json!("/arguments/t"),
            |d: &mut Value| d["values"][0]["pointer"] = json!("/arguments/plain"),
            |d: &mut Value| d["values"][0]["pointer"] = json!("/result"),
            |d: &mut Value| d["values"][0]["pointer"] = json!("/policy/inputs"),
        ] {
            let report = tampered(name, change);
            report.invalid(ReasonCode::OpeningDiffers);
            assert_eq!(report.disclosed, [], "{name}");
        }
    }
    // A folded value without its place, a shown one with a place.
    tampered("b", |d| {
        let value = d["values"][0].as_object_mut().unwrap();
        value.remove("index");
        value.remove("path");
    })
    .invalid(ReasonCode::OpeningDiffers);
    tampered("account", |d| (d["values"][0]["index"], d["values"][0]["path"]) = (json!(0), json!([])))
        .invalid(ReasonCode::OpeningDiffers);
    tampered("b", |d| d["values"][0]["index"] = json!(2)).invalid(ReasonCode::OpeningDiffers);
    tampered("b", |d| d["values"][0]["path"][0] = json!("a".repeat(64))).invalid(ReasonCode::OpeningDiffers);
}

/// The same value, disclosed for another receipt and another log.
#[test]
fn an_opening_is_of_one_receipt_of_one_log() {
    let (_, line, openings) = decided(7);
    let pointers = ["/arguments/account".to_owned()];
    let mine = Disclosure::new(line, &openings, &pointers).unwrap();
    let mut writer = Writer::started();
    writer.allow();
    let theirs = Disclosure::from_json(mine.to_json().as_object().unwrap()).unwrap();
    let mut theirs: Value = serde_json::from_slice(&canonical::to_vec(&theirs.to_json())).unwrap();
    theirs["receipt"] = serde_json::from_slice(&writer.segments[0].lines[1]).unwrap();
    verify(&theirs).invalid(ReasonCode::OpeningDiffers);

    // The commitment copied into another log's receipt, signed by the same key.
    let mut other = Writer::new();
    other.log_id = asqav_receipt::id::LogId::from_bytes([8; 16]);
    other.event("gate:start", &[]);
    let mut draft = other.decision_draft();
    let form = |json: &Value| json["receipt"]["payload"]["context"]["arguments"]["account"]["commit"].clone();
    let original: Value = serde_json::from_slice(&canonical::to_vec(&mine.to_json())).unwrap();
    let copied = Sha3Digest::parse_hex(form(&original).as_str().unwrap()).unwrap();
    draft.action_id = openings.action_id;
    draft.context =
        Context::Arguments { shown: vec![("account".to_owned(), Form::Commit(copied))], folded: None };
    other.write(draft);
    let mut copy = original;
    copy["receipt"] = serde_json::from_slice(&other.segments[0].lines[1]).unwrap();
    verify(&copy).invalid(ReasonCode::OpeningDiffers);
}

#[test]
fn the_receipt_is_judged_as_any_other() {
    tampered("b", |d| d["receipt"]["payload"]["reason"] = json!("x")).invalid(ReasonCode::SignatureInvalid);
    let unpinned = disclose(&["b"]).unwrap().to_string();
    let report = verify_receipt(unpinned.as_bytes(), &ReceiptInputs::new().at(now()));
    report.unverifiable(ReasonCode::KeyNotPinned);
}

#[test]
fn a_disclosure_has_its_three_members_and_no_more() {
    for change in [
        |d: &mut Value| d["extra"] = json!(1),
        |d: &mut Value| d["asqav_disclosure"] = json!("v2"),
        |d: &mut Value| d["values"] = json!([]),
        |d: &mut Value| d["values"][0]["extra"] = json!(1),
        |d: &mut Value| d["values"][0]["salt"] = json!("0"),
        |d: &mut Value| d["values"][0]["value"] = json!(1),
        |d: &mut Value| d["values"] = json!([d["values"][0], d["values"][0]]),
        |d: &mut Value| d["values"][0]["path"] = json!(vec!["a".repeat(64); 65]),
        |d: &mut Value| d["receipt"] = json!({}),
    ] {
        tampered("b", change).unverifiable(ReasonCode::MalformedMember);
    }
}

#[test]
fn nothing_is_made_that_would_not_hold() {
    let (_, line, openings) = decided(7);
    let made = |openings: &Openings, pointer: &str| {
        Disclosure::new(line.clone(), openings, &[pointer.to_owned()]).unwrap_err()
    };
    for pointer in ["/result", "/step", "/arguments/plain", "account", "/context"] {
        assert_eq!(made(&openings, pointer), DisclosureError::NotCommitted(pointer.to_owned()));
    }
    let absent = "/arguments/absent";
    assert_eq!(made(&openings, absent), DisclosureError::NoOpening(absent.to_owned()));
    let (.., others) = decided(8);
    for pointer in ["/arguments/account", "/arguments/b"] {
        assert_eq!(made(&others, pointer), DisclosureError::DoesNotOpen(pointer.to_owned()));
    }
    let none = Disclosure::new(line.clone(), &openings, &[]).unwrap_err();
    assert_eq!(none, DisclosureError::Member("values"));
}
