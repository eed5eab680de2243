use proptest::prelude::*;

use super::*;

fn line(id: &str, session: &str, metadata: &str) -> String {
    let value = |name| match name {
        "event_id" => format!("\"{id}\""),
        "session_id" => format!("\"{session}\""),
        "metadata" => metadata.to_owned(),
        name => format!("\"value of {name}\""),
    };
    let members: Vec<_> = MEMBERS.iter().map(|name| format!("\"{name}\":{}", value(name))).collect();
    format!("{{{}}}", members.join(","))
}

/// Both ways agree; whether the short one took the line.
fn agree(line: &[u8]) -> bool {
    let Some(plain) = Plain::scan(line) else { return false };
    assert_eq!(Ok(plain.event()), Event::read_thoroughly(line), "{}", String::from_utf8_lossy(line));
    true
}

#[test]
fn events_as_the_package_writes_them_take_the_short_way() {
    for metadata in ["{}", r#"{"b":1,"a":[1.0,1e+22,"\u00e9"]}"#] {
        assert!(agree(line("urn:1", "", metadata).as_bytes()), "{metadata}");
    }
}

#[test]
fn other_lines_take_the_long_way() {
    let sound = line("urn:1", "s", "{}");
    for other in [
        line("é", "s", "{}"),
        line(r"\u00e9", "s", "{}"),
        line("\u{7f}", "s", "{}"),
        line("urn:1", "s", "[]"),
        line("urn:1", "s", r#"{"a":1.00}"#),
        line("urn:1", "s", r#"{"é":1}"#),
        line("urn:1", "s", &format!("{{\"a\":{}1{}}}", "[".repeat(199), "]".repeat(199))),
        sound.replace("\"timestamp\"", "\"Timestamp\""),
        sound.replacen(':', ": ", 1),
        format!("{sound} "),
        sound.trim_end_matches('}').to_owned(),
    ] {
        assert!(!agree(other.as_bytes()), "{other}");
    }
}

#[test]
fn members_are_sorted_by_name() {
    let line = line("urn:1", "s", r#"{"z":1,"a":2}"#);
    let sorted = Value::parse(line.as_bytes()).unwrap().sorted();
    assert_eq!(Event::read(line.as_bytes()).unwrap().sha3, *Sha3Digest::of(&sorted).as_bytes());
}

proptest! {
    #[test]
    fn both_ways_agree_on_changed_lines(
        metadata in r#"\{("[a-zé\\]{0,2}":(-?[0-9.e+]{1,6}|"[a-z]*"|\[\]|\{\}),?){0,3}\}"#,
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut line = line("urn:1", "s", &metadata).into_bytes();
        agree(&line);
        let at = at.index(line.len());
        line[at] = byte;
        agree(&line);
    }
}
