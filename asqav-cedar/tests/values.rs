//! Values of calls, compared with Cedar's own reading of the same JSON.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "these are tests")]

use std::str::FromStr as _;
use std::sync::LazyLock;

use asqav_cedar::cedar_policy::{
    Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request, Schema,
};
use asqav_cedar::{CedarPolicy, Fields, Tool, Type};
use asqav_core::call::{Capture, JsonText, ToolCall};
use asqav_core::policy::{Effect, Policy, PolicyInput};
use asqav_receipt::id::AgentId;
use asqav_receipt::time::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

/// One permit for each kind of value, so that a value that got lost or was
/// read as another changes the decision for some requests.
const POLICIES: &str = r#"
    permit (principal, action, resource) when { context.args.n > 1000 };
    permit (principal, action, resource) when { context.args has note && context.args.note like "*a*" };
    permit (principal, action, resource) when { context.args.flag };
    permit (principal, action, resource) when { context.args.price.lessThan(decimal("-1.5")) };
    permit (principal, action, resource) when { context.args.tags.contains("x") };
    permit (principal, action, resource) when { context.args.inner.k == context.args.n };
    forbid (principal, action, resource) when { context.args has note && context.args.note == "a\u{0}\u{1F600}" };
"#;

static POLICY: LazyLock<CedarPolicy> = LazyLock::new(|| {
    let tool = Tool::new("t")
        .required("n", Type::Long)
        .optional("note", Type::Text)
        .required("flag", Type::Bool)
        .required("price", Type::Decimal)
        .required("tags", Type::set(Type::Text))
        .required("inner", Type::Record(Fields::new().required("k", Type::Long)));
    CedarPolicy::builder("p").tool(tool).policies(POLICIES).build().unwrap()
});

/// Cedar's decision on the same JSON, by the schema that the policy made.
fn oracle(schema: &Schema, policies: &PolicySet, args: &Value, price: &str) -> Decision {
    let uid = |text: &str| EntityUid::from_str(text).unwrap();
    let mut args = args.clone();
    args["price"] = json!({ "__extn": { "fn": "decimal", "arg": price } });
    let now = json!({ "__extn": { "fn": "datetime", "arg": "2026-04-06T18:10:05.000Z" } });
    let action = uid("Action::\"t\"");
    let context = json!({ "args": args, "now": now });
    let context = Context::from_json_value(context, Some((schema, &action))).unwrap();
    let request =
        Request::new(uid("Agent::\"a\""), action, uid("Tool::\"t\""), context, Some(schema)).unwrap();
    Authorizer::new().is_authorized(&request, policies, &Entities::empty()).decision()
}

fn note() -> impl Strategy<Value = Option<String>> {
    let fixed = prop::sample::select(&["a", "b", "a\u{0}\u{1F600}", "{\"__entity\":1}"][..]);
    prop::option::of(prop_oneof![fixed.prop_map(str::to_owned), any::<String>()])
}

proptest! {
    #[test]
    fn values_arrive_as_cedar_reads_them(
        n in -2000_i64..2000,
        k in prop_oneof![Just(7_i64), -2000_i64..2000],
        note in note(),
        flag in prop::bool::weighted(0.2),
        ten_thousandths in -30_000_i32..30_000,
        tags in prop::collection::vec("[xyz]{1,2}", 0..3),
    ) {
        let price = f64::from(ten_thousandths) / 10_000.0;
        let written = format!("{price:.4}");
        let mut args = json!({ "n": n, "flag": flag, "price": price, "tags": tags, "inner": { "k": k } });
        if let Some(note) = &note {
            args["note"] = json!(note);
        }
        let normalised: Value = serde_json::from_slice(POLICY.normalised()).unwrap();
        let schema = Schema::from_json_value(normalised["asqav_policy"]["tools"].clone()).unwrap();
        let expected = oracle(&schema, &POLICIES.parse().unwrap(), &args, &written);

        let members = args.as_object().unwrap();
        let call = members.iter().fold(ToolCall::builder("t", "t"), |call, (name, value)| {
            call.text(name, JsonText::parse(value.to_string()).unwrap(), Capture::Commit)
        });
        let (agent, now) = (AgentId::parse("a").unwrap(), Timestamp::parse_rfc3339("2026-04-06T18:10:05Z"));
        let decision = POLICY.decide(&PolicyInput::new(&agent, &call.build(), None, now.unwrap()));
        match decision.effect {
            Effect::Allow => prop_assert_eq!(expected, Decision::Allow),
            Effect::Deny { reason } => {
                prop_assert_eq!(expected, Decision::Deny);
                prop_assert!(["no_rule", "denied_by_rule"].contains(&reason.as_str()), "{}", reason.as_str());
            }
            other => prop_assert!(false, "{other:?}"),
        }
    }
}
