use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde::ser::SerializeMap;

use super::*;

fn text<T: Serialize>(value: T) -> String {
    to_json_text(&value).unwrap().as_str().to_owned()
}

fn why<T: Serialize>(value: T) -> String {
    match to_json_text(&value) {
        Err(CallError::Value { why, .. }) => why,
        other => panic!("{other:?}"),
    }
}

#[derive(Serialize)]
enum Shape {
    Unit,
    New(u8),
    Tuple(u8, bool),
    Struct { a: Option<u8> },
}

/// A map that says the same name twice.
struct Twice;
impl Serialize for Twice {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("z", &0)?;
        map.serialize_entry("same\n", &1)?;
        map.serialize_entry("b", &2)?;
        map.serialize_entry("same\n", &3)?;
        map.end()
    }
}

#[test]
fn agrees_with_serde_json() {
    #[derive(Serialize)]
    struct All {
        text: String,
        float: f64,
        single: f32,
        shapes: Vec<Shape>,
        keys: BTreeMap<u32, char>,
        pair: (i8, ()),
        none: Option<u8>,
    }
    let all = All {
        text: "\u{0}\u{1f}\"\\/\u{8}\t\n\u{c}\r\u{7f}é😀".to_owned(),
        float: 1e300,
        single: 0.1,
        shapes: vec![Shape::Unit, Shape::New(1), Shape::Tuple(2, true), Shape::Struct { a: Some(3) }],
        keys: BTreeMap::from([(7, 'x')]),
        pair: (-1, ()),
        none: None,
    };
    assert_eq!(text(&all), serde_json::to_string(&all).unwrap());
}

#[test]
fn keeps_wide_integers_exactly() {
    assert_eq!(text(u64::MAX), "18446744073709551615");
    assert_eq!(text(i128::MIN), "-170141183460469231731687303715884105728");
    assert_eq!(text(u128::MAX), "340282366920938463463374607431768211455");
}

#[test]
fn refuses_what_serde_json_value_would_bend() {
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(why(vec![number]), "it holds a number that is not finite");
    }
    assert_eq!(why(Some(f32::NAN)), "it holds a number that is not finite");
    assert_eq!(why(Twice), r#"it holds the member "same\n" twice"#);
    assert_eq!(why(vec![Twice]), r#"it holds the member "same\n" twice"#);
    assert_eq!(why(HashMap::from([((1, 2), 3)])), "it holds a map key that is not a string");
    assert_eq!(why(BTreeMap::from([(None::<u8>, 3)])), "it holds a map key that is not a string");
}

#[test]
fn refuses_deep_nesting_without_overflowing_the_stack() {
    #[derive(Serialize)]
    struct Nest(Option<Box<[Nest; 1]>>);
    let nest = |depth: usize| {
        let mut value = Nest(None);
        for _ in 0..depth {
            value = Nest(Some(Box::new([value])));
        }
        value
    };
    assert_eq!(text(nest(200)).matches('[').count(), 200);
    assert_eq!(why(nest(201)), "it is nested deeper than 200");
    assert_eq!(why(nest(5_000)), "it is nested deeper than 200");
}

#[test]
fn never_shows_a_value_in_debug() {
    assert_eq!(format!("{:?}", to_json_text("secret").unwrap()), "JsonText(8 bytes)");
}
