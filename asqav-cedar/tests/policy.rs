//! What comes of calls: every reason, every kind of value.

#![expect(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use asqav_cedar::{CedarError, CedarPolicy, Fields, Position, Tool, Type};
use asqav_core::call::{ActorKind, Capture, JsonText, ToolCall, ToolCallBuilder};
use asqav_core::policy::{Decision, Effect, Policy, PolicyFault, PolicyInput};
use asqav_receipt::id::{AgentId, SessionId};
use asqav_receipt::time::Timestamp;

fn tools() -> [Tool; 3] {
    let account = Fields::new().required("iban", Type::Text).optional("limit", Type::Long);
    [
        Tool::new("ledger:query").required("account", Type::Record(account)).group("reading"),
        Tool::new("ledger:post")
            .required("amount", Type::Long)
            .optional("price", Type::Decimal)
            .optional("note", Type::Text)
            .optional("tags", Type::set(Type::Text))
            .optional("urgent", Type::Bool)
            .optional("payload", Type::Unseen)
            .optional("rows", Type::set(Type::Unseen)),
        Tool::new("mail:send"),
    ]
}

fn policy(text: &str) -> Result<CedarPolicy, CedarError> {
    let builder = tools().into_iter().fold(CedarPolicy::builder("p"), asqav_cedar::Builder::tool);
    builder.role("clerk", ["agt_1"]).policies(text).build()
}

fn decide_by(policy: &CedarPolicy, agent: &str, call: &ToolCall) -> Decision {
    let now = Timestamp::parse_rfc3339("2026-04-06T18:10:05.123999Z").unwrap();
    let session = SessionId::parse("s1").unwrap();
    policy.decide(&PolicyInput::new(&AgentId::parse(agent).unwrap(), call, Some(&session), now))
}

/// `allow` or the reason, and the policies named.
fn said(decision: &Decision) -> String {
    let rules: Vec<_> = decision.rules.iter().map(|rule| rule.as_str()).collect();
    let effect = match &decision.effect {
        Effect::Allow => "allow",
        Effect::Deny { reason } => reason.as_str(),
        other => panic!("{other:?}"),
    };
    [effect].into_iter().chain(rules).collect::<Vec<_>>().join(" ")
}

fn outcome(text: &str, call: ToolCallBuilder) -> String {
    said(&decide_by(&policy(text).unwrap(), "agt_1", &call.build()))
}

fn post() -> ToolCallBuilder {
    ToolCall::builder("ledger:post", "ledger:post").argument("amount", &5)
}

/// An argument as its JSON text.
fn with(call: ToolCallBuilder, name: &str, json: &str) -> ToolCallBuilder {
    call.text(name, JsonText::parse(json).unwrap(), Capture::Commit)
}

const PERMIT: &str = r#"@id("all") permit (principal, action, resource);"#;

#[test]
fn each_decision_has_its_reason_and_its_policies() {
    assert_eq!(outcome(PERMIT, post()), "allow all");
    assert_eq!(outcome("", post()), "no_rule");
    let forbid = r#"@id("never") forbid (principal, action == Action::"ledger:post", resource)
        when { context.args.amount > 4 };"#;
    assert_eq!(outcome(&format!("{PERMIT}{forbid}"), post()), "denied_by_rule never");
    assert_eq!(outcome(PERMIT, ToolCall::builder("ledger:drop", "x")), "unknown_tool");
    assert_eq!(outcome("permit (principal, action, resource);", post()), "allow policy0");
}

/// Cedar skips a policy that fails, and would allow this.
#[test]
fn an_evaluation_error_denies_whatever_others_permit() {
    let overflow = r#"@id("sum") forbid (principal, action == Action::"ledger:post", resource)
        when { context.args.amount + 9223372036854775807 > 0 };"#;
    assert_eq!(outcome(&format!("{PERMIT}{overflow}"), post()), "evaluation_error sum");
    let permit = overflow.replace("forbid", "permit");
    assert_eq!(outcome(&permit, post()), "evaluation_error sum");
    // The slice of another tool does not even hold it.
    let mail = ToolCall::builder("mail:send", "mail:send");
    assert_eq!(outcome(&format!("{PERMIT}{overflow}"), mail), "allow all");
}

#[test]
fn scopes_ask_for_agents_roles_groups_and_resources() {
    let role = r#"permit (principal in Role::"clerk", action, resource);"#;
    let clerks = policy(role).unwrap();
    assert_eq!(said(&decide_by(&clerks, "agt_1", &post().build())), "allow policy0");
    assert_eq!(said(&decide_by(&clerks, "agt_2", &post().build())), "no_rule");
    let one = policy(r#"permit (principal == Agent::"agt_2", action, resource);"#).unwrap();
    assert_eq!(said(&decide_by(&one, "agt_1", &post().build())), "no_rule");
    assert_eq!(said(&decide_by(&one, "agt_2", &post().build())), "allow policy0");
    let group = r#"permit (principal, action in Action::"reading", resource);"#;
    let query = || with(ToolCall::builder("ledger:query", "q"), "account", r#"{"iban":"CH93"}"#);
    assert_eq!(outcome(group, query()), "allow policy0");
    assert_eq!(outcome(group, post()), "no_rule");
    let tool = r#"permit (principal, action, resource == Tool::"ledger:post");"#;
    assert_eq!(outcome(tool, post()), "allow policy0");
    assert_eq!(outcome(tool, post().resource("book/7")), "no_rule");
    let resource = r#"permit (principal, action, resource == Resource::"book/7");"#;
    assert_eq!(outcome(resource, post().resource("book/7")), "allow policy0");
}

#[test]
fn the_context_says_who_when_and_for_whom() {
    let when = |condition: &str| format!("permit (principal, action, resource) when {{ {condition} }};");
    let actor = || post().on_behalf_of(ActorKind::User, "alice");
    assert_eq!(outcome(&when(r#"context has session && context.session == "s1""#), post()), "allow policy0");
    assert_eq!(outcome(&when("context has actor"), post()), "no_rule");
    let alice = r#"context has actor && context.actor.kind == "user" && context.actor.name == "alice""#;
    assert_eq!(outcome(&when(alice), actor()), "allow policy0");
    let tenant = || post().tenant("acme");
    assert_eq!(
        outcome(&when(r#"context has tenant && context.tenant == "acme""#), tenant()),
        "allow policy0"
    );
    let exactly = r#"context.now == datetime("2026-04-06T18:10:05.123Z")"#;
    assert_eq!(outcome(&when(exactly), post()), "allow policy0");
}

/// What Cedar's JSON takes for entities and extension values is text here.
#[test]
fn escapes_of_cedars_json_are_data() {
    for hostile in [
        r#"{"__entity":{"type":"Role","id":"clerk"}}"#,
        r#"{"__extn":{"fn":"decimal","arg":"1.0"}}"#,
        r#"{"__expr":"principal"}"#,
    ] {
        // Where a text is declared it is refused; in a text it is one.
        assert_eq!(outcome(PERMIT, with(post(), "note", hostile)), "outside_schema");
        assert_eq!(outcome(PERMIT, with(post(), "price", hostile)), "outside_schema");
        let quoted = serde_json::to_string(hostile).unwrap();
        let same = format!(
            "permit (principal, action == Action::\"ledger:post\", resource)
            when {{ context.args has note && context.args.note == {quoted} }};"
        );
        assert_eq!(outcome(&same, with(post(), "note", &quoted)), "allow policy0");
    }
    // A record that declares such a member compares as a record.
    let members = Fields::new().required("type", Type::Text).required("id", Type::Text);
    let outer = Fields::new().required("__entity", Type::Record(members));
    let policy = CedarPolicy::builder("p")
        .tool(Tool::new("t").required("who", Type::Record(outer)))
        .role("clerk", ["agt_1"])
        .policies(
            r#"permit (principal, action, resource) when { context.args.who["__entity"].id == "clerk" };"#,
        )
        .build()
        .unwrap();
    let call = with(ToolCall::builder("t", "t"), "who", r#"{"__entity":{"type":"Role","id":"clerk"}}"#);
    assert_eq!(said(&decide_by(&policy, "agt_1", &call.build())), "allow policy0");
}

#[test]
fn values_have_the_types_of_the_tool() {
    for (name, json, fits) in [
        ("amount", "5", true),
        ("amount", "5.0", true),
        ("amount", "5e0", true),
        ("amount", "-9007199254740991", true),
        ("amount", "9007199254740993", false),
        ("amount", "1e300", false),
        ("amount", "5.5", false),
        ("amount", "\"5\"", false),
        ("amount", "null", false),
        ("price", "12.3456", true),
        ("price", "12", true),
        ("price", "-0.0", true),
        ("price", "12.34567", false),
        ("price", "1e-7", false),
        ("price", "1e15", false),
        ("price", "\"1.0\"", false),
        ("note", "\"\\u0000\\ud83d\\ude00\"", true),
        ("note", "null", true),
        ("note", "5", false),
        ("tags", r#"["a","b","a"]"#, true),
        ("tags", "[]", true),
        ("tags", r#"["a",5]"#, false),
        ("urgent", "true", true),
        ("urgent", "0", false),
        ("payload", r#"{"any":[1.234567,null]}"#, true),
        ("rows", r#"[1,{"a":null}]"#, true),
        ("other", "1", false),
    ] {
        let call = ToolCall::builder("ledger:post", "x");
        let call = if name == "amount" { call } else { call.argument("amount", &5) };
        let expected = if fits { "allow all" } else { "outside_schema" };
        assert_eq!(outcome(PERMIT, with(call, name, json)), expected, "{name} = {json}");
    }
    assert_eq!(outcome(PERMIT, ToolCall::builder("ledger:post", "x")), "outside_schema", "missing");
    let skipped = ToolCall::builder("ledger:post", "x").skip("amount");
    assert_eq!(outcome(PERMIT, skipped), "outside_schema", "skipped");
}

#[test]
fn members_are_checked_as_arguments_are() {
    for (json, fits) in [
        (r#"{"iban":"CH93"}"#, true),
        (r#"{"iban":"CH93","limit":5}"#, true),
        (r#"{"iban":"CH93","limit":null}"#, true),
        (r#"{"limit":5}"#, false),
        (r#"{"iban":"CH93","more":5}"#, false),
        (r#"{"iban":5}"#, false),
        ("[]", false),
    ] {
        let call = with(ToolCall::builder("ledger:query", "q"), "account", json);
        assert_eq!(outcome(PERMIT, call), if fits { "allow all" } else { "outside_schema" }, "{json}");
    }
}

#[test]
fn policies_are_refused_with_their_place() {
    let invalid = |text: &str| match policy(text).unwrap_err() {
        CedarError::Invalid { policy, position, message } => (policy, position.unwrap(), message),
        other => panic!("{other}"),
    };
    let (id, position, message) =
        invalid("permit (principal, action, resource)\nwhen { context.args.amuont > 5 };");
    assert_eq!((id.as_str(), position.line), ("policy0", 2), "{message}");
    assert!(message.contains("amuont"), "{message}");
    // Optional, and not asked whether it is there.
    let unguarded = r#"@id("n") permit (principal, action == Action::"ledger:post", resource)
        when { context.args.note == "" };"#;
    assert_eq!(invalid(unguarded).0, "n");
    assert_eq!(invalid(r#"permit (principal, action == Action::"ledger:pots", resource);"#).0, "policy0");
    let syntax = policy("permit (principal, action, resource)\nwen { true };").unwrap_err();
    assert!(
        matches!(syntax, CedarError::Syntax { position: Some(Position { line: 2, column: 1 }), .. }),
        "{syntax}"
    );
    assert!(syntax.to_string().starts_with("2:1: "), "{syntax}");
    assert!(matches!(PolicyFault::from(syntax), PolicyFault::Unparsable(_)));
    let template = "permit (principal == ?principal, action, resource);";
    assert_eq!(policy(template).unwrap_err(), CedarError::Template("policy0".to_owned()));
    let twice = policy(&format!("{PERMIT}{PERMIT}")).unwrap_err();
    assert_eq!(twice, CedarError::Twice { what: "policy", name: "all".to_owned() });
    let long = " ".repeat(asqav_cedar::MAX_POLICY_LEN + 1);
    assert!(matches!(policy(&long).unwrap_err(), CedarError::TooLarge(_)));
    assert!(matches!(policy(&PERMIT.replace("all", "a b")).unwrap_err(), CedarError::Id(_)));
}

#[test]
fn tools_are_refused_that_make_no_schema() {
    let build = |tools: Vec<Tool>| {
        tools.into_iter().fold(CedarPolicy::builder("p"), asqav_cedar::Builder::tool).build().unwrap_err()
    };
    let twice = |what, name: &str| CedarError::Twice { what, name: name.to_owned() };
    assert_eq!(build(vec![Tool::new("a"), Tool::new("a")]), twice("tool or group", "a"));
    assert_eq!(build(vec![Tool::new("a"), Tool::new("b").group("a")]), twice("tool or group", "a"));
    let arguments = Tool::new("a").required("x", Type::Long).optional("x", Type::Text);
    assert_eq!(build(vec![arguments]), twice("argument or member", "x"));
}

#[test]
fn the_digest_covers_everything_that_decides() {
    let build = |id: &str, tool: Tool, role: &str, text: &str| {
        let policy = CedarPolicy::builder(id).tool(tool).role(role, ["a"]).policies(text).build().unwrap();
        let written = String::from_utf8(policy.normalised().to_vec()).unwrap();
        (policy.digest(), written)
    };
    let tool = || Tool::new("t").required("x", Type::Long);
    let (first, written) = build("p", tool(), "r", PERMIT);
    assert_eq!(build("p", tool(), "r", PERMIT).0, first);
    for part in
        ["asqav-cedar", "\"cedar_version\":\"4.", "\"cedar_language\":\"4.", "@id(\\\"all\\\")", "\"Long\""]
    {
        assert!(written.contains(part), "{part} is not in {written}");
    }
    let others = [
        build("q", tool(), "r", PERMIT),
        build("p", Tool::new("t").required("x", Type::Text), "r", PERMIT),
        build("p", Tool::new("t").optional("x", Type::Long), "r", PERMIT),
        build("p", tool().group("g"), "r", PERMIT),
        build("p", tool(), "s", PERMIT),
        build("p", tool(), "r", &PERMIT.replace("all", "some")),
    ];
    for (at, (other, _)) in others.iter().enumerate() {
        assert_ne!(*other, first, "{at}");
    }
}
