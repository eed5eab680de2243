use asqav_receipt::digest::Sha3Digest;

use super::*;
use crate::argument::to_json_text;
use crate::call::ToolCall;

fn committer() -> Committer<'static> {
    Committer::new(LogId::from_bytes([1; 16]), ActionId::from_parts(0, [2; 10]), [3; 32], &[])
}

#[test]
fn folds_in_the_order_of_pointers() {
    let digest = |byte| Sha3Digest::from_bytes([byte; 32]);
    let (a, b, c) = (("a", digest(1)), ("a\u{ffff}", digest(2)), ("a\u{10000}", digest(3)));
    let folded = fold(vec![c, a, b]).unwrap();
    let leaf = |byte| Sha3Digest::of_parts(&[&[0], &[byte; 32]]);
    let node = |left: Sha3Digest, right: Sha3Digest| {
        Sha3Digest::of_parts(&[&[1], left.as_bytes(), right.as_bytes()])
    };
    assert_eq!(folded, Folded::new(3, node(node(leaf(1), leaf(2)), leaf(3))));
    assert_eq!(fold(Vec::new()), None);
}

#[test]
fn records_only_what_is_small_and_declared() {
    let text = |value: &str| to_json_text(value).unwrap();
    let call = ToolCall::builder("t", "a")
        .record("fits", &"x".repeat(254))
        .record("long", &"x".repeat(255))
        .record("float", &1.5)
        .skip("skipped")
        .undeclared("foreign", text("v"))
        .build();
    let mut committer = committer();
    let forms: Vec<_> =
        call.arguments.into_iter().map(|argument| Captured::new(argument, &mut committer).form).collect();
    assert!(matches!(forms[0], Some(Form::Value(_))));
    assert!(matches!(forms[1], Some(Form::Commit(_))));
    assert_eq!(forms[2], Some(Form::Text("1.5".to_owned())));
    assert_eq!(forms[3], Some(Form::Dropped));
    assert_eq!(forms[4], None);
    let pointers: Vec<_> = committer.openings.values.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(pointers, ["/arguments/long", "/arguments/foreign"]);
}

#[test]
fn foreseen_salts_are_used_where_they_belong() {
    let text = |value: &str| to_json_text(value).unwrap();
    let call = ToolCall::builder("t", "a")
        .record("long", &"x".repeat(255))
        .record("short", &"x")
        .skip("skipped")
        .argument("committed", &1)
        .undeclared("foreign", text("v"))
        .build();
    let pointers: Vec<_> = foreseeable(&call.arguments).chain([POLICY_INPUTS.into()]).collect();
    assert_eq!(pointers, ["/arguments/long", "/arguments/committed", "/arguments/foreign", POLICY_INPUTS]);
    let marked = pointers.into_iter().zip(1..).map(|(pointer, n)| Foreseen { pointer, salt: [n; 32] });
    let marked: Vec<_> = marked.collect();
    let mut foreseeing = Committer { foreseen: marked.iter(), ..committer() };
    let mut commit = |pointer: &str| foreseeing.commit(pointer.to_owned(), "1".to_owned());
    let with = |pointer: &str, salt: [u8; 32]| {
        let (log, action) = (LogId::from_bytes([1; 16]), ActionId::from_parts(0, [2; 10]));
        commitment::commit(log, action, pointer, &salt, b"1")
    };
    let made = |pointer: &str| with(pointer, commitment::salt(&[3; 32], pointer));
    // What was not foreseen takes nothing from what was.
    assert_eq!(commit("/arguments/short"), made("/arguments/short"));
    assert_eq!(commit("/arguments/long"), with("/arguments/long", [1; 32]));
    // Skipped, because it comes too late.
    assert_eq!(commit("/arguments/foreign"), with("/arguments/foreign", [3; 32]));
    assert_eq!(commit("/arguments/committed"), made("/arguments/committed"));
    assert_eq!(commit(POLICY_INPUTS), with(POLICY_INPUTS, [4; 32]));
    assert_eq!(commit(RESULT), made(RESULT));
}
