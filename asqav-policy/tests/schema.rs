//! The JSON Schema for editors: it takes what the reader takes, and refuses
//! nothing else that the reader would take.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test")]

use std::sync::LazyLock;

use asqav_policy::{Format, JSON_SCHEMA, Trial};
use boon::{Compiler, SchemaIndex, Schemas};
use proptest::prelude::*;
use serde_json::{Value, json};

static SCHEMA: LazyLock<Schema> = LazyLock::new(Schema::new);

struct Schema {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Schema {
    fn new() -> Self {
        let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
        let schema: Value = serde_json::from_str(JSON_SCHEMA).unwrap();
        compiler.add_resource("policy.json", schema).unwrap();
        let index = compiler.compile("policy.json", &mut schemas).unwrap();
        Self { schemas, index }
    }

    fn error(&self, policy: &Value) -> Option<String> {
        self.schemas.validate(policy, self.index).err().map(|error| error.to_string())
    }
}

fn reader_error(policy: &Value) -> Option<String> {
    Trial::read(policy.to_string(), Format::Json).err().map(|error| error.to_string())
}

/// TOML as JSON; times are texts there.
fn from_toml(text: &str) -> Value {
    fn convert(value: toml::Value) -> Value {
        match value {
            toml::Value::Datetime(time) => json!(time.to_string()),
            toml::Value::Array(items) => items.into_iter().map(convert).collect(),
            toml::Value::Table(members) => {
                Value::Object(members.into_iter().map(|(name, value)| (name, convert(value))).collect())
            }
            other => serde_json::to_value(other).unwrap(),
        }
    }
    convert(toml::Value::Table(toml::from_str(text).unwrap()))
}

/// The file in the module documentation of `file`, which shows every key.
fn documented() -> Value {
    let source = include_str!("../src/file.rs");
    let (_, rest) = source.split_once("//! ```toml\n").unwrap();
    let (block, _) = rest.split_once("//! ```\n").unwrap();
    let text: String = block.lines().map(|line| line.trim_start_matches("//!").to_owned() + "\n").collect();
    // What only goes with another effect stands there in a comment.
    from_toml(&text.replace("# shadow = true", "shadow = true"))
}

/// A file with every key of rules, conditions, windows and examples.
fn full() -> Value {
    json!({
        "version": 1, "id": "p",
        "risk": {"read": ["query_*"], "write": ["post"], "destructive": ["**:delete_*"]},
        "tool_classes": {"ledger": ["ledger:*"]},
        "data_classes": {"personal": ["email", "iban"]},
        "rule": [
            {
                "id": "r", "effect": "allow", "tools": ["t", "@ledger"], "agents": ["a-*"], "tenants": ["t1"],
                "actors": ["user:alice", "service"], "resources": ["db/*"], "risk": ["read", "write"],
                "phase": "call", "shadow": false, "every_tool_unsafely": false,
                "rate": {"calls": 5, "per": "1m"},
                "limits": [
                    {"amount": 1000, "per": "1d", "cost": "/n", "settle": "/used", "by": ["agent", "/p"]},
                    {"calls": 5, "per": "1h", "by": []},
                ],
                "window": {"days": ["mon", "fri"], "from": "08:00", "to": "24:00", "zone": "+02:00",
                           "since": "2026-01-01T00:00:00Z", "until": "2027-01-01T00:00:00+01:00"},
                "when": {"all": [
                    {"arg": "/n", "ge": 1, "gt": 0, "le": 10.5, "lt": 11, "present": true},
                    {"any": [{"arg": "/a~1b/0", "eq": "x"}, {"arg": "/c", "in": [1, 2]}]},
                    {"not": {"arg": "/p", "prefix": ["a", "b"]}},
                    {"arg": "/p", "under": "/srv", "host_in": "example.org", "min_len": 1, "max_len": 9},
                    {"arg": "/t", "matches": "[a-z]+", "contains": ["@personal", "card"]},
                ]},
                "examples": {"deny": [
                    {"tool": "t", "agent": "a-1", "tenant": "t1", "actor": "user:bob", "resource": "db/x",
                     "at": "2026-04-06T10:00:00Z", "args": {"n": null, "o": [{"x": 1.5}]}},
                ]},
            },
            {"id": "s", "effect": "deny", "tools": ["**"], "phase": "result",
             "when": {"result": "", "contains": ["secret"]},
             "examples": {"deny": [{"tool": "t", "result": "AKIAIOSFODNN7EXAMPLE"}], "allow": [], "approve": []}},
        ],
    })
}

#[test]
fn what_the_documentation_shows_is_taken() {
    let schema = Schema::new();
    assert_eq!(schema.error(&documented()), None);
    let full = full();
    assert_eq!(reader_error(&full), None, "the test's own file");
    assert_eq!(schema.error(&full), None);
    let demo = from_toml(include_str!("../../asqav-cli/src/command/demo/policy.toml"));
    assert_eq!(schema.error(&demo), None);
}

#[test]
fn what_a_schema_can_tell_is_refused() {
    let schema = Schema::new();
    let rule = |extra: Value| {
        let mut rule = json!({"id": "r", "effect": "allow", "tools": ["t"]});
        rule.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        json!({"version": 1, "id": "p", "rule": [rule]})
    };
    assert_eq!(schema.error(&rule(json!({}))), None);
    for wrong in [
        json!([]),
        json!({}),
        json!({"version": 1}),
        json!({"version": 2, "id": "p"}),
        json!({"version": "1", "id": "p"}),
        json!({"version": 1, "id": "p", "rules": []}),
        json!({"version": 1, "id": ""}),
        json!({"version": 1, "id": "p", "rule": {}}),
        json!({"version": 1, "id": "p", "rule": [1]}),
        json!({"version": 1, "id": "p", "rule": [{}]}),
        json!({"version": 1, "id": "p", "risk": {"reed": ["t"]}}),
        json!({"version": 1, "id": "p", "tool_classes": {"c": []}}),
        rule(json!({"effect": "Allow"})),
        rule(json!({"tools": []})),
        rule(json!({"tools": "t"})),
        rule(json!({"tools": ["[a]"]})),
        rule(json!({"tools": ["a***"]})),
        rule(json!({"agents": []})),
        rule(json!({"agent": ["a"]})),
        rule(json!({"actors": ["alice"]})),
        rule(json!({"risk": ["delete"]})),
        rule(json!({"phase": "after"})),
        rule(json!({"rate": 5})),
        rule(json!({"rate": {"calls": 5}})),
        rule(json!({"rate": {"calls": 0, "per": "1m"}})),
        rule(json!({"rate": {"calls": 5, "per": "1 m"}})),
        rule(json!({"rate": {"calls": 5, "per": "1m", "burst": 1}})),
        rule(json!({"limits": {}})),
        rule(json!({"limits": [{"per": "1h"}]})),
        rule(json!({"limits": [{"calls": 5, "amount": 5, "per": "1h"}]})),
        rule(json!({"limits": [{"calls": 5, "per": "1h", "by": ["user"]}]})),
        rule(json!({"window": {}})),
        rule(json!({"window": {"from": "08:00"}})),
        rule(json!({"window": {"from": "8:00", "to": "9:00"}})),
        rule(json!({"window": {"days": ["monday"]}})),
        rule(json!({"when": {}})),
        rule(json!({"when": {"all": []}})),
        rule(json!({"when": {"arg": "/x"}})),
        rule(json!({"when": {"arg": "x", "eq": 1}})),
        rule(json!({"when": {"arg": "/x~2", "eq": 1}})),
        rule(json!({"when": {"arg": "/x", "result": "/x", "eq": 1}})),
        rule(json!({"when": {"arg": "/x", "equals": 1}})),
        rule(json!({"when": {"arg": "/x", "eq": null}})),
        rule(json!({"when": {"arg": "/x", "ge": "1"}})),
        rule(json!({"when": {"arg": "/x", "min_len": -1}})),
        rule(json!({"when": {"all": [{"arg": "/x", "eq": 1}], "any": [{"arg": "/x", "eq": 1}]}})),
        rule(json!({"examples": {"allowed": []}})),
        rule(json!({"examples": {"allow": [{"tol": "t"}]}})),
        rule(json!({"examples": {"allow": [{"actor": "alice"}]}})),
    ] {
        assert!(schema.error(&wrong).is_some(), "the schema takes {wrong}");
        assert!(reader_error(&wrong).is_some(), "the reader takes {wrong}");
    }
}

/// One change somewhere in a file.
fn mutate(value: &mut Value, path: &[u8], with: &Value) {
    let Some((&step, rest)) = path.split_first() else {
        *value = with.clone();
        return;
    };
    match value {
        Value::Object(members) if !members.is_empty() => {
            let name = members.keys().nth(usize::from(step) % members.len()).unwrap().clone();
            if step % 16 == 15 {
                members.remove(&name);
            } else {
                mutate(members.get_mut(&name).unwrap(), rest, with);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let at = usize::from(step) % items.len();
            mutate(&mut items[at], rest, with);
        }
        other => *other = with.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// The schema refuses nothing that the reader takes.
    #[test]
    fn the_schema_is_not_stricter_than_the_reader(
        path in prop::collection::vec(any::<u8>(), 1..7),
        with in prop::sample::select(vec![
            json!(null), json!(true), json!(0), json!(1), json!(-1), json!(1.5), json!(""), json!("x"),
            json!("08:00"), json!("1m"), json!("/x"), json!("deny"), json!("approve"), json!("result"), json!([]),
            json!(["x"]), json!([1]), json!({}), json!({"arg": "/x", "eq": 1}), json!("2026-01-01T00:00:00Z"),
        ]),
    ) {
        let mut policy = full();
        mutate(&mut policy, &path, &with);
        if reader_error(&policy).is_none() {
            let error = SCHEMA.error(&policy);
            prop_assert!(error.is_none(), "{policy}: {}", error.unwrap_or_default());
        }
    }
}
