use super::*;

fn kind(text: &str) -> JsonErrorKind {
    Json::parse(text.as_bytes()).unwrap_err().kind
}

#[test]
fn reads_what_rfc_8259_allows() {
    let value =
        Json::parse(br#" {"a" : [1, -0, 2.5e1, true, false, null, "\u00e9\ud83d\ude00\n"]} "#).unwrap();
    let object = value.as_object().unwrap();
    let list = object.get("a").unwrap().as_array().unwrap();
    assert_eq!(list[0], Json::Integer(1));
    assert_eq!(list[1], Json::Integer(0));
    assert_eq!(list[2], Json::Float(25.0));
    assert_eq!(list[6], Json::String("é😀\n".to_owned()));
}

#[test]
fn refuses_duplicates_in_small_and_large_objects() {
    assert_eq!(kind(r#"{"a":1,"\u0061":2}"#), JsonErrorKind::Duplicate("a".to_owned()));
    let mut many: Vec<String> = (0..1000).map(|n| format!("\"m{n}\":{n}")).collect();
    assert!(Json::parse(format!("{{{}}}", many.join(",")).as_bytes()).is_ok());
    many.push("\"m7\":0".to_owned());
    assert_eq!(kind(&format!("{{{}}}", many.join(","))), JsonErrorKind::Duplicate("m7".to_owned()));
    many[999] = "\"m16\":0".to_owned();
    assert!(matches!(kind(&format!("{{{}}}", many.join(","))), JsonErrorKind::Duplicate(_)));
}

#[test]
fn refuses_numbers_that_readers_round() {
    assert_eq!(Json::parse(b"9007199254740991").unwrap(), Json::Integer(MAX_INTEGER));
    assert_eq!(Json::parse(b"-9007199254740991").unwrap(), Json::Integer(-MAX_INTEGER));
    for text in ["9007199254740992", "-9007199254740992", "99999999999999999999999999"] {
        assert_eq!(kind(text), JsonErrorKind::Integer, "{text}");
    }
    assert_eq!(kind("1e999"), JsonErrorKind::NotFinite);
    for text in ["01", "-", "1.", ".5", "1e", "+1", "0x1", "NaN", "1.e3"] {
        assert!(Json::parse(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn refuses_malformed_text() {
    assert_eq!(kind(r#""\ud800""#), JsonErrorKind::Surrogate);
    assert_eq!(kind(r#""\udc00\ud800""#), JsonErrorKind::Surrogate);
    assert_eq!(kind(r#""\ud800\u0041""#), JsonErrorKind::Surrogate);
    assert_eq!(kind(r#""\u00g0""#), JsonErrorKind::Escape);
    assert_eq!(kind(r#""\x""#), JsonErrorKind::Escape);
    assert_eq!(kind("\"\u{1}\""), JsonErrorKind::Control);
    assert_eq!(kind("\"a"), JsonErrorKind::End);
    assert_eq!(kind("[1,]"), JsonErrorKind::Unexpected(b']'));
    assert_eq!(kind("{} x"), JsonErrorKind::Trailing);
    assert_eq!(kind(""), JsonErrorKind::End);
    assert_eq!(Json::parse(b"\"\xff\"").unwrap_err().kind, JsonErrorKind::Utf8);
    assert_eq!(Json::parse(b"\xef\xbb\xbf{}").unwrap_err().kind, JsonErrorKind::Unexpected(0xef));
}

#[test]
fn errors_carry_their_position() {
    let error = Json::parse(b"{\n  \"a\": 1,\n  \"a\": 2\n}").unwrap_err();
    assert_eq!((error.line, error.column, error.offset), (3, 3, 14));
    assert_eq!(error.to_string(), "duplicate member `a` at line 3, column 3");
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(Json::parse(nested(MAX_DEPTH).as_bytes()).is_ok());
    assert_eq!(kind(&nested(MAX_DEPTH + 1)), JsonErrorKind::Depth);
    assert_eq!(kind(&"[".repeat(1_000_000)), JsonErrorKind::Depth);
}

#[test]
fn checked_texts_may_hold_great_integers() {
    assert_eq!(check_text(r#"{"a":[1,2]}"#).unwrap(), Numbers::Payload);
    assert_eq!(check_text("18446744073709551615").unwrap(), Numbers::Other);
    assert_eq!(check_text("[1.5]").unwrap(), Numbers::Other);
    assert!(check_text(r#"{"a":1,"a":1}"#).is_err());
}

/// None of these may take quadratic time or memory beyond a few hundred
/// megabytes; a quadratic reader does not end within minutes.
#[test]
fn large_inputs_are_read_in_linear_time_or_refused() {
    let many: Vec<String> = (0..1_000_000).map(|n| format!("\"m{n}\":{n}")).collect();
    let object = format!("{{{}}}", many.join(","));
    assert_eq!(Json::parse(object.as_bytes()).unwrap().as_object().unwrap().len(), 1_000_000);
    assert_eq!(check_text(&object).unwrap(), Numbers::Payload);
    let twice = format!("{},\"m500000\":0}}", object.strip_suffix('}').unwrap());
    assert_eq!(kind(&twice), JsonErrorKind::Duplicate("m500000".to_owned()));
    assert_eq!(check_text(&twice).unwrap_err().offset, object.len());

    // 100 MB of small values: too many to build, fine to look at.
    let flat = format!("[{}0]", "0,".repeat(50_000_000));
    let error = Json::parse(flat.as_bytes()).unwrap_err();
    assert_eq!((error.kind, error.offset), (JsonErrorKind::TooMany, 2 * MAX_VALUES - 1));
    assert_eq!(check_text(&flat).unwrap(), Numbers::Payload);

    // 100 MB in one string, and one number of a million digits.
    let long = format!("\"{}\"", "ü\\n".repeat(25_000_000));
    assert_eq!(Json::parse(long.as_bytes()).unwrap().as_str().unwrap().len(), 75_000_000);
    let number = format!("0.{}1", "0".repeat(1_000_000));
    assert_eq!(Json::parse(number.as_bytes()).unwrap(), Json::Float(0.0));

    for open in ["[", "{\"a\":", "[{\"a\":["] {
        let deep = open.repeat(1_000_000);
        assert_eq!(kind(&deep), JsonErrorKind::Depth);
        assert_eq!(check_text(&deep).unwrap_err().kind, JsonErrorKind::Depth);
    }
}

#[test]
fn both_readers_agree_on_what_is_json() {
    for text in [
        "",
        " ",
        "nul",
        "truee",
        "[",
        "[1 2]",
        "{\"a\" 1}",
        "{\"a\":1,}",
        "{1:2}",
        "\"\\u12\"",
        "\"\\",
        "-",
        "00",
        "1e+",
        "\"\t\"",
        "[1]]",
        "{\"a\":{\"b\":1,\"b\":2}}",
        "1e400",
        "-1e400",
        "\u{feff}1",
        "1\u{0}",
        "'a'",
        "[,]",
        "Infinity",
    ] {
        let (tree, check) = (Json::parse(text.as_bytes()), check_text(text));
        assert_eq!(tree.unwrap_err(), check.unwrap_err(), "{text:?}");
        // And nobody else takes what we refuse, except where we say so.
        let narrowed = text.contains("\"b\":2");
        assert_eq!(serde_json::from_str::<serde_json::Value>(text).is_ok(), narrowed, "{text:?}");
    }
    assert_eq!(check_text("123456789012345678901234567890").unwrap(), Numbers::Other);
    assert_eq!(check_text(&"9".repeat(400)).unwrap_err().kind, JsonErrorKind::NotFinite);
    assert_eq!(check_text("1e5").unwrap(), Numbers::Other);
    assert_eq!(check_text("-0").unwrap(), Numbers::Payload);
}

proptest::proptest! {
    /// On everything that is not one of the narrower rules, another reader
    /// agrees, and reads the same value.
    #[test]
    fn another_reader_reads_the_same(text in r#"([\[\]{},: ]|"[a-z\\"é]{0,3}"|-?[0-9]{1,3}(\.[0-9]{1,3})?(e[0-9])?|true|null|"a":){0,12}"#) {
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        match (Json::parse(text.as_bytes()), theirs) {
            (Ok(ours), Ok(theirs)) => {
                let theirs = serde_json_canonicalizer::to_vec(&theirs).unwrap();
                proptest::prop_assert_eq!(crate::canonical::to_vec(&ours), theirs);
            }
            (Err(error), Ok(_)) => proptest::prop_assert!(matches!(error.kind, JsonErrorKind::Duplicate(_)), "{error}"),
            (Ok(_), Err(error)) => proptest::prop_assert!(false, "{text}: {error}"),
            (Err(_), Err(_)) => {}
        }
    }
}
