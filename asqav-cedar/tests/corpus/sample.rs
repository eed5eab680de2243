//! Policies and requests made up here, with Cedar's own authorizer over all
//! policies at once as the oracle.

use std::collections::HashSet;

use asqav_cedar::Engine;
use asqav_cedar::cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityUid, PolicySet, Request, RestrictedExpression,
};
use asqav_cedar::engine::Ruling;
use proptest::prelude::*;

/// Scopes and conditions, some of which fail for some requests.
const PRINCIPALS: [&str; 4] =
    ["principal", r#"principal == U::"a""#, r#"principal in U::"team""#, r#"principal is U in U::"team""#];
const ACTIONS: [&str; 6] = [
    "action",
    r#"action == Action::"read""#,
    r#"action in Action::"reading""#,
    r#"action in Action::"all""#,
    r#"action in [Action::"read", Action::"write"]"#,
    r#"action in [Action::"reading"]"#,
];
const RESOURCES: [&str; 3] = ["resource", r#"resource == U::"b""#, "resource is U"];
const CONDITIONS: [&str; 9] = [
    "",
    "when { context.n > 3 }",
    "unless { context.n == 2 }",
    "when { context.n + 9223372036854775804 > 0 }",
    "when { context.missing == 1 }",
    "when { context has missing && context.missing == 1 }",
    "when { principal.level > 1 }",
    r#"when { context.n like "x*" }"#,
    r#"when { action == Action::"read" || context.n < 4 }"#,
];

fn policy() -> impl Strategy<Value = String> {
    let choice = |texts: &'static [&'static str]| prop::sample::select(texts);
    let effect = prop::sample::select(&["permit", "permit", "forbid"][..]);
    (effect, choice(&PRINCIPALS), choice(&ACTIONS), choice(&RESOURCES), choice(&CONDITIONS)).prop_map(
        |(effect, principal, action, resource, condition)| {
            format!("{effect} ({principal}, {action}, {resource}) {condition};\n")
        },
    )
}

fn uid(kind: &str, id: &str) -> EntityUid {
    format!("{kind}::{id:?}").parse().unwrap()
}

/// `read` is a `reading`, which is one of `all`; `a` is in the team and has a
/// level.
fn entities() -> Entities {
    let level = |level| [("level".to_owned(), RestrictedExpression::new_long(level))].into();
    let under = |child: EntityUid, parent: EntityUid| Entity::new_no_attrs(child, HashSet::from([parent]));
    let action = |id| uid("Action", id);
    Entities::from_entities(
        [
            Entity::new(uid("U", "a"), level(2), HashSet::from([uid("U", "team")])).unwrap(),
            under(action("read"), action("reading")),
            under(action("reading"), action("all")),
            under(action("write"), action("all")),
            Entity::with_uid(action("all")),
        ],
        None,
    )
    .unwrap()
}

fn request() -> impl Strategy<Value = Request> {
    let id = || prop::sample::select(&["a", "b"][..]);
    let action = prop::sample::select(&["read", "write", "other"][..]);
    (id(), action, id(), 0_i64..6).prop_map(|(principal, action, resource, n)| {
        let context = Context::from_pairs([("n".to_owned(), RestrictedExpression::new_long(n))]).unwrap();
        Request::new(uid("U", principal), uid("Action", action), uid("U", resource), context, None).unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn decides_as_cedar_except_for_errors(
        policies in prop::collection::vec(policy(), 0..8),
        requests in prop::collection::vec(request(), 1..6),
    ) {
        let policies: PolicySet = policies.concat().parse().unwrap();
        let actions = ["read", "write", "other"].map(|id| uid("Action", id));
        let engine = Engine::new(&policies, entities(), actions).unwrap();
        for request in requests {
            let response = Authorizer::new().is_authorized(&request, &policies, &entities());
            let mut reasons: Vec<_> = response.diagnostics().reason().cloned().collect();
            reasons.sort_by_key(ToString::to_string);
            let ruling = engine.judge(&request);
            match (response.diagnostics().errors().count(), response.decision()) {
                (0, Decision::Allow) => prop_assert_eq!(ruling, Ruling::Permitted(reasons)),
                (0, Decision::Deny) if reasons.is_empty() => prop_assert_eq!(ruling, Ruling::NoPolicy),
                (0, Decision::Deny) => prop_assert_eq!(ruling, Ruling::Forbidden(reasons)),
                (errors, _) => match ruling {
                    Ruling::Failed(policies) => prop_assert_eq!(policies.len(), errors),
                    other => prop_assert!(false, "{:?}", other),
                },
            }
        }
    }
}

/// Slices leave out what cannot match, and nothing else.
#[test]
fn each_action_has_the_policies_that_can_be_about_it() {
    let text: String =
        ACTIONS.iter().map(|action| format!("permit (principal, {action}, resource);\n")).collect();
    let actions = ["read", "write", "other"].map(|id| uid("Action", id));
    let engine = Engine::new(&text.parse().unwrap(), entities(), actions.clone()).unwrap();
    assert_eq!(actions.map(|action| engine.slice_len(&action)), [Some(6), Some(3), Some(1)]);
    let unknown =
        Request::new(uid("U", "a"), uid("Action", "unknown"), uid("U", "a"), Context::empty(), None);
    assert_eq!(engine.judge(&unknown.unwrap()), Ruling::UnknownAction);
}
