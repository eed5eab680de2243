//! Obligations, tools and detectors as policy files and rules say them.
#![expect(clippy::unwrap_used, reason = "these are tests")]

use std::sync::{Arc, Mutex};

use asqav::policy::{Model, Replayed, RulePolicy};
use asqav::receipt::payload::Phase;
use asqav::testing::TestGate;
use asqav::{ActionId, JsonText, Notifier, ReasonCode, Refused, ToolCall};

const POLICY: &str = r#"
version = 1
id = "p"

[[tool]]
name = "pay"
arguments = { cents = { type = "integer", ge = 1 }, iban = "string", memo = { type = "string", optional = true } }

[[rule]]
id = "pay"
effect = "allow"
tools = ["pay"]
obligations = [
  { arg = "/cents", cap = 500 },
  { arg = "/iban", mask = 4 },
  { result = "/card", redact = true },
  { notify = "paid" },
  { label = "money" },
]
"#;

type Told = Arc<Mutex<Vec<String>>>;

struct Tells(Told);

impl Notifier for Tells {
    fn notify(&self, code: &ReasonCode, _: ActionId) -> Result<(), String> {
        self.0.lock().unwrap().push(code.to_string());
        Ok(())
    }
}

fn pay(cents: i64) -> ToolCall {
    ToolCall::builder("pay", "bank:pay").record("cents", &cents).record("iban", "CH9300762011").build()
}

#[test]
fn a_file_obliges_and_the_tool_gets_what_was_checked() {
    let told = Told::default();
    let policy = RulePolicy::from_toml(POLICY).unwrap();
    let test = TestGate::with(|builder| builder.policy(policy).notifier(Tells(Arc::clone(&told))));
    let run = || {
        test.gate().run_enforced_sync(pay(900), |arguments| {
            let texts: Vec<_> =
                arguments.iter().map(|argument| argument.value.as_ref().unwrap().as_str()).collect();
            assert_eq!(texts, ["500", "\"********2011\""]);
            Ok::<_, Refused>(JsonText::parse(r#"{"card":"4111","ok":1}"#).unwrap())
        })
    };
    assert_eq!(run().unwrap().as_str(), r#"{"card":null,"ok":1}"#);
    assert_eq!(*told.lock().unwrap(), ["paid"]);
    let receipts = test.receipts();
    let decision = receipts.of("pay", Phase::Decision).next().unwrap();
    assert_eq!(decision.asqav.policy.as_ref().unwrap().obliged.first().unwrap().as_str(), "pay");
    // A caller who holds the values cannot have them changed.
    let refused = test.gate().run_sync(pay(900), || Ok::<_, Refused>(())).unwrap_err();
    assert!(matches!(refused, Refused::Denied { reason, .. } if reason.as_str() == "obligation_unmet"));
    test.receipts().assert_verified();
}

#[test]
fn what_a_tool_takes_is_what_the_file_says() {
    let policy = RulePolicy::from_toml(POLICY).unwrap();
    let code = |json: &str| {
        let call = asqav::policy::Call::read(json, asqav::policy::Format::Json).unwrap();
        policy.explain_call(&call).ruling.reason.map_or("allowed", |reason| reason.code())
    };
    assert_eq!(code(r#"{"tool":"pay","args":{"cents":5,"iban":"x"}}"#), "allowed");
    assert_eq!(code(r#"{"tool":"pay","args":{"cents":5,"iban":"x","memo":"m"}}"#), "allowed");
    assert_eq!(code(r#"{"tool":"paid","args":{"cents":5,"iban":"x"}}"#), "unknown_tool");
    for outside in [
        r#"{"iban":"x"}"#,
        r#"{"cents":0,"iban":"x"}"#,
        r#"{"cents":1.5,"iban":"x"}"#,
        r#"{"cents":"5","iban":"x"}"#,
        r#"{"cents":5,"iban":null}"#,
        r#"{"cents":5,"iban":"x","memo":1}"#,
        r#"{"cents":5,"iban":"x","other":1}"#,
    ] {
        assert_eq!(
            code(&format!(r#"{{"tool":"pay","args":{outside}}}"#)),
            "argument_outside_schema",
            "{outside}"
        );
    }
}

#[test]
fn mistakes_have_a_place() {
    let error = |from: &str, to: &str| Model::from_toml(POLICY.replace(from, to)).unwrap_err().to_string();
    assert_eq!(
        error("{ arg = \"/iban\", mask = 4 }", "{ arg = \"/iban\", mask = 256 }"),
        "15:27: rule `pay`: `mask` must be 0 to 255"
    );
    assert!(
        error("redact = true", "redact = true, mask = 1").starts_with("16:3: rule `pay`: an obligation has")
    );
    assert!(
        error("arg = \"/iban\"", "arg = \"\"")
            .ends_with("an obligation is about one argument, not all together")
    );
    assert!(
        error("effect = \"allow\"", "effect = \"deny\"")
            .ends_with("`obligations` go with the effects `allow` and `approve` only")
    );
    assert_eq!(error("ge = 1", "gee = 1"), "7:49: unknown key `gee`");
    assert!(error("iban = \"string\"", "iban = \"text\"").contains("`text` is not `string`"));
}

/// Arguments in a receipt are those that the tool got, not those that the rule
/// was asked about: such a decision is named, not guessed.
#[test]
fn a_decision_that_changed_the_call_is_not_recomputed() {
    let policy = || RulePolicy::from_toml(POLICY.replace("  { notify = \"paid\" },\n", "")).unwrap();
    let test = TestGate::with_policy(policy());
    let body = |_| Ok::<_, Refused>(JsonText::parse(r#"{"card":1}"#).unwrap());
    test.gate().run_enforced_sync(pay(900), body).unwrap();
    let receipts = test.receipts();
    let entry = receipts.entries().iter().find(|entry| entry.payload.asqav.phase == Phase::Decision).unwrap();
    let json = asqav::receipt::json::Json::parse(&entry.canonical).unwrap();
    let replayed = policy().replay(json.as_object().unwrap(), &std::collections::BTreeMap::new());
    let why = "rule `pay` looks at more than a receipt holds (`obligations`)".to_owned();
    assert_eq!(replayed, Some(Replayed::NotRecomputed(why)));
}
