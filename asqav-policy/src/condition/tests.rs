use asqav_receipt::time::Timestamp;
use proptest::prelude::*;

use super::{all, any, arg, *};

/// The condition's value for a call with the argument `x`.
fn on(condition: &Condition, x: &str) -> Truth {
    let facts = Facts::new("agent", "tool", Timestamp::MAX).argument("x", Some(x));
    condition.0.as_ref().unwrap().truth(&facts)
}

fn why(condition: &Condition, x: Option<&str>) -> Result<bool, Why> {
    let facts = Facts::new("agent", "tool", Timestamp::MAX).argument("x", x);
    let Ok(Node::Test(pointer, check)) = &condition.0 else { panic!("one test") };
    test(pointer, check, &facts)
}

/// JSON texts of an argument.
type Texts = &'static [&'static str];

/// Each question: texts of `x` for yes, for no, and for unknown.
fn questions() -> Vec<(Condition, Texts, Texts, Texts)> {
    let x = || arg("/x");
    vec![
        (x().equals("a"), &[r#""a""#, r#""\u0061""#], &[r#""A""#, r#""""#], &["1", "true", "[]", "{}"]),
        (x().equals(true), &["true"], &["false"], &["1", r#""true""#]),
        (x().equals(1), &["1", "1.0", "1e0", "10e-1"], &["2", "1.5", "-1"], &[r#""1""#, "[1]"]),
        (x().equals(0.0), &["0", "-0", "0.0", "-0.0"], &["1"], &["false"]),
        (x().one_of(["a", "b"]), &[r#""a""#, r#""b""#], &[r#""c""#], &["1"]),
        (x().at_least(10), &["10", "10.5", "9007199254740991"], &["9", "9.99", "-10"], &[r#""10""#]),
        (x().more_than(10), &["11", "10.5"], &["10", "10.0"], &["9007199254740993"]),
        (x().at_most(10), &["10", "-1e300"], &["11", "10.000001"], &["true"]),
        (x().less_than(10), &["9.5"], &["10"], &["{}"]),
        (x().starts_with(["ab", "é"]), &[r#""abc""#, r#""é""#], &[r#""Ab""#, r#""xab""#], &["1"]),
        (
            x().under(["/srv"]),
            &[r#""/srv""#, r#""/srv/a""#],
            &[r#""/srvx""#, r#""/""#],
            &[r#""/srv/../etc""#, "1"],
        ),
        (
            x().host_in(["a.example", "*.b.example"]),
            &[r#""https://A.example/x""#, r#""http://c.b.example:80""#],
            &[r#""https://b.example""#, r#""https://xa.example""#],
            &[r#""https://u@a.example""#, r#""a.example""#, "1"],
        ),
        (x().len_at_least(2), &[r#""ab""#, r#""😀é""#, "[1,2]"], &[r#""😀""#, "[]"], &["12", "{}"]),
        (x().len_at_most(1), &[r#""😀""#, "[]"], &[r#""ab""#], &["1"]),
        (x().matches("a+"), &[r#""aaa""#], &[r#""ab""#], &["1"]),
        (
            arg("/x/0/y").equals(1),
            &[r#"[{"y":1}]"#],
            &[r#"[{"y":2}]"#],
            &["[]", r#"[{"y":null}]"#, r#"{"0":2}"#],
        ),
    ]
}

#[test]
fn each_question_has_three_answers() {
    for (condition, yes, no, unknown) in questions() {
        let expected = [(yes, Truth::True), (no, Truth::False), (unknown, Truth::Unknown)];
        for (texts, truth) in expected {
            for text in texts {
                assert_eq!(on(&condition, text), truth, "{condition:?} on {text}");
                assert_eq!(on(&!condition.clone(), text), truth.not(), "not {condition:?} on {text}");
            }
        }
        for nothing in ["null", r#"{"x":1,"x":1}"#, "", "[", "\"\\ud800\""] {
            assert_eq!(on(&condition, nothing), Truth::Unknown, "{condition:?} on {nothing:?}");
        }
        let without = Facts::new("agent", "tool", Timestamp::MAX);
        assert_eq!(condition.0.unwrap().truth(&without), Truth::Unknown);
    }
}

#[test]
fn presence_asks_about_absence_itself() {
    for (text, present) in [("1", true), ("false", true), (r#""""#, true), ("null", false)] {
        assert_eq!(why(&arg("/x").present(), Some(text)), Ok(present), "{text}");
        assert_eq!(why(&arg("/x").absent(), Some(text)), Ok(!present), "{text}");
    }
    assert_eq!(why(&arg("/y").present(), Some("1")), Ok(false));
    assert_eq!(why(&arg("/x").present(), None), Err(Why::Withheld));
    assert_eq!(why(&arg("/x").absent(), Some("{")), Err(Why::Unreadable));
}

#[test]
fn the_cause_of_an_unknown_value_is_told() {
    for (condition, x, cause) in [
        (arg("/y").equals(1), Some("1"), Why::Missing),
        (arg("/x").equals(1), None, Why::Withheld),
        (arg("/x").equals(1), Some("1e999"), Why::Unreadable),
        (arg("/x").equals(1), Some("true"), Why::Mistyped),
        (arg("/x").under(["/a"]), Some(r#""/a/../b""#), Why::Ambiguous),
        (arg("/x").host_in(["a.example"]), Some(r#""http://a.example.""#), Why::Ambiguous),
    ] {
        assert_eq!(why(&condition, x), Err(cause), "{condition:?}");
    }
}

#[test]
fn mistakes_are_kept_until_the_policy_is_made() {
    let many = || (0..1_001).map(|at| at.to_string());
    for wrong in [
        all([]),
        any([]),
        !all([]),
        arg("x").present(),
        arg("/x").one_of::<&str>([]),
        arg("/x").one_of([Scalar::from("a"), Scalar::from(1)]),
        arg("/x").one_of(many()),
        arg("/x").at_least("1"),
        arg("/x").at_least(f64::NAN),
        arg("/x").at_least(f64::INFINITY),
        arg("/x").equals(9_007_199_254_740_992_i64),
        arg("/x").equals(9_007_199_254_740_992.0),
        arg("/x").starts_with([]),
        arg("/x").starts_with([""]),
        arg("/x").under(["a"]),
        arg("/x").under(["/a/../b"]),
        arg("/x").host_in(["https://a.example"]),
        arg("/x").matches("("),
        all([arg("/x").present(), arg("/x").matches("(")]),
    ] {
        assert!(wrong.0.is_err(), "{wrong:?}");
        let rule = crate::Rule::deny("r").tools(["t"]).when(wrong);
        assert!(crate::Model::new("p", [rule]).is_err());
    }
}

/// A condition over the arguments `a`, `b` and `c`, without [`Argument::present`].
fn any_condition() -> impl Strategy<Value = Condition> {
    let place = prop::sample::select(vec!["/a", "/b", "/c", "/a/k"]);
    let leaf = (place, 0..5_u8).prop_map(|(place, kind)| {
        let place = arg(place);
        match kind {
            0 => place.at_most(5),
            1 => place.equals("s"),
            2 => place.under(["/srv"]),
            3 => place.len_at_most(2),
            _ => place.equals(true),
        }
    });
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(all),
            prop::collection::vec(inner.clone(), 1..4).prop_map(any),
            inner.prop_map(|condition| !condition),
        ]
    })
}

/// A value that some question knows, or none.
fn any_value() -> impl Strategy<Value = Option<&'static str>> {
    let texts =
        ["1", "9", r#""s""#, r#""/srv/x""#, r#""/etc""#, "true", "false", r#"{"k":3}"#, r#"{"k":"s"}"#];
    prop::option::of(prop::sample::select(texts.to_vec()))
}

fn facts<'a>(values: [Option<&'a str>; 3]) -> Facts<'a> {
    let facts = Facts::new("agent", "tool", Timestamp::MAX);
    ["a", "b", "c"].into_iter().zip(values).fold(facts, |facts, (name, value)| match value {
        Some(text) => facts.argument(name, Some(text)),
        None => facts,
    })
}

proptest! {
    /// An argument that is lost leaves a value as it was or makes it unknown:
    /// it never turns yes into no or no into yes.
    #[test]
    fn losing_an_argument_loses_knowledge_only(
        condition in any_condition(),
        values in [any_value(), any_value(), any_value()],
        lost in 0..3_usize,
        how in prop::sample::select(vec![None, Some("null"), Some("{"), Some("9007199254740993")]),
    ) {
        let node = condition.0.unwrap();
        let before = node.truth(&facts(values));
        let mut fewer = values;
        fewer[lost] = how;
        let after = node.truth(&facts(fewer));
        if values[lost].is_some() {
            prop_assert!(after == before || after == Truth::Unknown, "{:?} became {:?}", before, after);
        }
    }

    /// The logic is Kleene's: a condition's value is what all ways of filling
    /// in its unknown parts agree on, or unknown.
    #[test]
    fn all_any_and_not_follow_the_tables(parts in prop::collection::vec(0..3_u8, 1..5)) {
        let truths: Vec<Truth> =
            parts.iter().map(|part| [Truth::False, Truth::Unknown, Truth::True][usize::from(*part)]).collect();
        let texts: Vec<Condition> = parts.iter().map(|part| match part {
            0 => arg("/x").equals(2),
            1 => arg("/missing").equals(1),
            _ => arg("/x").equals(1),
        }).collect();
        let rank = |truth: &Truth| match truth { Truth::False => 0, Truth::Unknown => 1, Truth::True => 2 };
        let value = |rank: u8| [Truth::False, Truth::Unknown, Truth::True][usize::from(rank)];
        let least = truths.iter().map(rank).min().unwrap();
        let greatest = truths.iter().map(rank).max().unwrap();
        prop_assert_eq!(on(&all(texts.clone()), "1"), value(least));
        prop_assert_eq!(on(&any(texts), "1"), value(greatest));
    }
}
