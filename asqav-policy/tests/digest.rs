//! The digest stands for the meaning: layout does not change it, everything
//! else does.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::time::Duration;

use asqav_policy::window::TIME_ZONE_DATA;
use asqav_policy::{Day, Model, Rule, Window};
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
            r#"{{"asqav_policy":{{"default":"deny","engine":"asqav-policy","engine_version":"{}","id":"finance","#,
            r#""rules":[{{"agents":["finance-*"],"effect":"allow","id":"post","#,
            r#""rate":{{"by":["agent","tool"],"calls":5,"per_ms":60000}},"tools":["post_transaction"],"#,
            r#""when":null,"window":{{"days":["mon","fri"],"from":"08:00","since":null,"to":"18:00","until":null,"#,
            r#""zone":"Europe/Zurich"}}}},"#,
            r#"{{"agents":["**"],"effect":"allow","id":"read","rate":null,"#,
            r#""tools":["list_*","query_account"],"when":null,"window":null}}],"schema":1,"time_zone_data":"{}"}}}}"#,
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
