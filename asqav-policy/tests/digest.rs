//! The digest stands for the meaning: layout does not change it, everything
//! else does.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::time::Duration;

use asqav_policy::detector::{Detect, DetectError, Detector};
use asqav_policy::window::TIME_ZONE_DATA;
use asqav_policy::{Day, Format, Model, Risk, Rule, Window, arg, result};
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::json::Json;

const FILE: &str = r#"
version = 1
id = "finance"

[[rule]]
id = "read"
effect = "allow"
tools = ["query_account", "list_*"]

[[rule]]
id = "post"
effect = "allow"
tools = ["post_transaction"]
agents = ["finance-*"]
rate = { calls = 5, per = "1m" }
window = { days = ["mon", "fri"], from = "08:00", to = "18:00", zone = "Europe/Zurich" }
"#;

fn digest(text: &str) -> Sha256Digest {
    Model::from_toml(text).unwrap().digest()
}

#[test]
fn the_normalised_policy_is_one_canonical_object() {
    let model = Model::from_toml(FILE).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let expected = format!(
        concat!(
            r#"{{"asqav_policy":{{"default":"deny","detectors":[],"engine":"asqav-policy","engine_version":"{}","id":"finance","#,
            r#""risk":{{"destructive":[],"read":[],"write":[]}},"#,
            r#""rules":[{{"actors":null,"agents":["finance-*"],"effect":"allow","id":"post","limits":[],"obligations":[],"phase":"call","raises":[],"#,
            r#""rate":{{"by":["agent","tool"],"calls":5,"per_ms":60000}},"resources":null,"risk":null,"shadow":false,"#,
            r#""tenants":null,"tools":["post_transaction"],"#,
            r#""when":null,"window":{{"days":["mon","fri"],"from":"08:00","since":null,"to":"18:00","until":null,"#,
            r#""zone":"Europe/Zurich"}}}},"#,
            r#"{{"actors":null,"agents":["**"],"effect":"allow","id":"read","limits":[],"obligations":[],"phase":"call","raises":[],"rate":null,"#,
            r#""resources":null,"risk":null,"shadow":false,"tenants":null,"tools":["list_*","query_account"],"when":null,"window":null}}],"schema":1,"time_zone_data":"{}","tools":[]}}}}"#,
        ),
        version, TIME_ZONE_DATA,
    );
    assert_eq!(std::str::from_utf8(model.normalised()).unwrap(), expected);
    assert_eq!(model.digest(), Sha256Digest::of(expected.as_bytes()));
    assert!(Json::parse(model.normalised()).is_ok());
}

#[test]
fn layout_and_order_do_not_matter() {
    let other = r#"
        # The same, written by somebody else.
        rule = [
          { id = "post", effect = 'allow', tools = ["post_transaction"], agents = ["finance-*"],
            window = { zone = "Europe/Zurich", to = "18:00", from = "08:00", days = ["fri", "mon", "mon"] },
            rate = { per = "60s", calls = 0x5 } },
          { id = "read", effect = "allow", tools = ["list_*", "query_account", "list_*"], agents = ["**"] },
        ]
        id = "finance"
        version = 1
    "#;
    assert_eq!(digest(FILE), digest(other));
}

#[test]
fn the_builder_writes_the_same_policy() {
    let window = Window::new()
        .hours("08:00", "18:00")
        .unwrap()
        .days([Day::Monday, Day::Friday])
        .unwrap()
        .zone("Europe/Zurich")
        .unwrap();
    let read = Rule::allow("read").tools(["query_account", "list_*"]);
    let post = Rule::allow("post")
        .tools(["post_transaction"])
        .agents(["finance-*"])
        .rate(5, Duration::from_secs(60))
        .window(window);
    let built = Model::new("finance", [read, post]).unwrap();
    assert_eq!(built.digest(), digest(FILE));
}

const CLASSES: &str = r#"
version = 1
id = "classes"
[risk]
read = ["ledger:query_*"]
destructive = ["**:delete_*"]
[tool_classes]
payments = ["ledger:post_*", "bank:transfer"]
[data_classes]
personal = ["iban", "email"]
[[rule]]
id = "pay"
effect = "allow"
tools = ["@payments", "ledger:query_*"]
tenants = ["acme", "eu-*"]
actors = ["user:alice", "service"]
resources = ["account:*"]
risk = ["read", "write"]
[[rule]]
id = "stays"
effect = "deny"
tools = ["mail:*"]
phase = "result"
when = { result = "/body", contains = ["@personal", "card"] }
"#;

#[test]
fn classes_stand_for_what_is_in_them() {
    let pay = Rule::allow("pay")
        .tools(["bank:transfer", "ledger:post_*", "ledger:query_*"])
        .tenants(["eu-*", "acme"])
        .actors(["service", "user:alice"])
        .resources(["account:*"])
        .risk([Risk::Write, Risk::Read]);
    let stays = Rule::deny("stays").tools(["mail:*"]).on_result().when(result("/body").contains([
        Detector::card(),
        Detector::email(),
        Detector::iban(),
    ]));
    let model = Model::builder("classes")
        .risk(Risk::Destructive, ["**:delete_*"])
        .risk(Risk::Read, ["ledger:query_*"])
        .rules([stays, pay])
        .build()
        .unwrap();
    assert_eq!(model.digest(), digest(CLASSES));
    let text = String::from_utf8(model.normalised().to_vec()).unwrap();
    let detectors = r#""detectors":[{"name":"card","version":1},{"name":"email","version":1},{"name":"iban","version":1}]"#;
    assert!(text.contains(detectors), "{text}");
}

#[test]
fn every_change_of_classes_and_context_changes_it() {
    for (from, to) in [
        ("read = [", "write = ["),
        ("destructive = [\"**:delete_*\"]", ""),
        ("bank:transfer", "bank:pay"),
        ("\"iban\", ", ""),
        ("\"acme\", ", ""),
        ("eu-*", "eu-**"),
        ("user:alice", "user:bob"),
        ("user:alice", "user"),
        ("\"service\"", "\"system\""),
        ("account:*", "account:**"),
        ("[\"read\", \"write\"]", "[\"write\"]"),
        ("tenants = [\"acme\", \"eu-*\"]", ""),
        ("resources = [\"account:*\"]", ""),
        ("result = \"/body\"", "result = \"\""),
        ("result = \"/body\"", "arg = \"/body\""),
        (", \"card\"", ", \"secret\""),
    ] {
        let changed = CLASSES.replace(from, to);
        assert_ne!(changed, CLASSES, "{from}");
        assert_ne!(digest(&changed), digest(CLASSES), "{from} -> {to}");
    }
    let limited = |limits: &str| {
        digest(&CLASSES.replace("tenants = [\"acme\"", &format!("limits = [{limits}]\ntenants = [\"acme\"")))
    };
    let budget = "{ amount = 5, per = \"1d\", cost = \"/x\", by = [\"tenant\", \"/y\"] }";
    let rate = "{ calls = 5, per = \"1d\", by = [\"session\"] }";
    let mut different = vec![
        digest(CLASSES),
        limited(budget),
        limited(rate),
        limited(&format!("{budget}, {rate}")),
        limited(&format!("{rate}, {budget}")),
    ];
    for (from, to) in [
        ("amount = 5", "amount = 6"),
        (", per = \"1d\"", ""),
        ("1d", "1h"),
        (", cost = \"/x\"", ""),
        ("/x", "/z"),
        ("\"tenant\", ", ""),
        ("/y", "/z"),
    ] {
        different.push(limited(&budget.replace(from, to)));
    }
    for (from, to) in [("calls = 5", "calls = 6"), ("1d", "1h"), ("session", "agent"), ("\"session\"", "")] {
        different.push(limited(&rate.replace(from, to)));
    }
    for (at, one) in different.iter().enumerate() {
        assert_eq!(different.iter().filter(|other| *other == one).count(), 1, "{at}");
    }
    let without = "effect = \"deny\"\ntools = [\"x\"]\nwhen = { arg = \"/body\", present = true }";
    let rule = |on: &str| format!("version = 1\nid = \"p\"\n[[rule]]\nid = \"r\"\n{without}{on}");
    assert_ne!(digest(&rule("")), digest(&rule("\nphase = \"result\"")));
    assert_eq!(digest(&rule("")), digest(&rule("\nphase = \"call\"")));
}

struct Custom(u32);

impl Detect for Custom {
    fn name(&self) -> &'static str {
        "custom"
    }

    fn version(&self) -> u32 {
        self.0
    }

    fn finds(&self, _: &str) -> Result<bool, DetectError> {
        Ok(true)
    }
}

#[test]
fn a_detector_of_ones_own_is_named_with_its_version() {
    let file = CLASSES.replace("\"card\"", "\"custom\"");
    let digest_with =
        |version| Model::read_with(&file, Format::Toml, [Detector::new(Custom(version))]).unwrap().digest();
    assert_ne!(digest_with(1), digest_with(2));
    let error = Model::from_toml(&file).unwrap_err().to_string();
    assert_eq!(error, "24:53: rule `stays`: `custom` is not a detector that is known");
    let rule = |id: &str, version| {
        Rule::deny(id).tools(["t"]).when(arg("/x").contains([Detector::new(Custom(version))]))
    };
    assert!(Model::new("p", [rule("a", 1), rule("b", 1)]).is_ok());
    let error = Model::new("p", [rule("a", 1), rule("b", 2)]).unwrap_err().to_string();
    assert_eq!(error, "two versions of one detector are used");
}

#[test]
fn every_change_of_meaning_changes_it() {
    for (from, to) in [
        ("id = \"finance\"", "id = \"finance2\""),
        ("id = \"read\"", "id = \"reads\""),
        ("effect = \"allow\"\ntools = [\"query", "effect = \"deny\"\ntools = [\"query"),
        ("effect = \"allow\"\ntools = [\"query", "effect = \"approve\"\ntools = [\"query"),
        ("\"list_*\"", "\"list_**\""),
        (", \"list_*\"", ""),
        ("finance-*", "finance-1"),
        ("agents = [\"finance-*\"]", ""),
        ("calls = 5", "calls = 6"),
        ("\"1m\"", "\"1h\""),
        ("rate = { calls = 5, per = \"1m\" }", ""),
        ("\"mon\", ", ""),
        ("08:00", "08:01"),
        ("18:00", "18:01"),
        ("Europe/Zurich", "Europe/Berlin"),
        (", zone = \"Europe/Zurich\"", ""),
        ("zone = \"Europe/Zurich\"", "zone = \"Europe/Zurich\", until = 2030-01-01T00:00:00Z"),
        ("zone = \"Europe/Zurich\"", "zone = \"Europe/Zurich\", since = 2020-01-01T00:00:00Z"),
    ] {
        let changed = FILE.replace(from, to);
        assert_ne!(changed, FILE, "{from}");
        assert_ne!(digest(&changed), digest(FILE), "{from} -> {to}");
    }
}
