//! Delegation tokens at a gate: what a chain does not allow never runs.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test ends where it fails")]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use asqav_core::clock::Clock as _;
use asqav_core::delegation::{IssueError, Presented, Terms};
use asqav_core::gate::Door;
use asqav_core::key::SigningKey;
use asqav_core::policy::{Effect, Policy, PolicyInput};
use asqav_core::sign::Signer as _;
use asqav_core::testing::{AllowAll, Fault, FaultyLog, Latch, MemoryLog, Receipts, StepClock, TestGate};
use asqav_core::{Refused, ToolCall};
use asqav_policy::{Delegations, Layers, Rule, RulePolicy};
use asqav_receipt::delegation::{Chain, ChainFault, Delegate, Restriction, Revoked, Scalar, Test};
use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::glob::Glob;
use asqav_receipt::id::{AgentId, IssuerId};
use asqav_receipt::keys::{KeyEntry, KeySet};
use asqav_receipt::payload::{Outcome, Phase, Tier};
use asqav_receipt::suite::ML_DSA_65;
use asqav_receipt::time::Timestamp;
use proptest::prelude::*;

/// The issuer's is number 0, that of the test gate number 7.
fn key(n: u8) -> &'static SigningKey {
    static KEYS: LazyLock<Vec<SigningKey>> =
        LazyLock::new(|| (0..10).map(|n| SigningKey::from_seed(&[n; 32])).collect());
    &KEYS[usize::from(n)]
}

fn issuer() -> IssuerId {
    IssuerId::parse("acme").unwrap()
}

fn issuers() -> KeySet {
    let key = key(0);
    KeySet::new(vec![KeyEntry::active(&ML_DSA_65, key.public_key(), "k", "acme", "boss").unwrap()])
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_micros(StepClock::new().now().unix_micros() + seconds * 1_000_000).unwrap()
}

/// For an hour: the test gate may call `ledger:*` with an amount up to 100.
fn terms() -> Terms {
    Terms {
        delegate: to("test-agent", Some(7)),
        tools: globs(&["ledger:*"]),
        when: vec![at_most("/amount", 100)],
        not_before: at(0),
        expires_at: at(3_600),
        depth: 0,
    }
}

fn to(agent: &str, key_number: Option<u8>) -> Delegate {
    let key = key_number.map(|number| *key(number).thumbprint());
    Delegate { agent: AgentId::parse(agent).unwrap(), key }
}

fn globs(texts: &[&str]) -> Vec<Glob> {
    texts.iter().map(|text| Glob::parse(text).unwrap()).collect()
}

fn at_most(pointer: &str, bound: i64) -> Restriction {
    Restriction { pointer: pointer.to_owned(), tests: vec![Test::AtMost(bound)] }
}

fn chain(terms: Terms) -> Chain {
    terms.issue(&issuer(), key(0)).unwrap()
}

/// Rules that allow more than any token here, below the layer that checks them.
fn layered(scopes: Delegations) -> Layers {
    let rules = RulePolicy::from_rules("rules", [Rule::allow("all").tools(["ledger:*", "mail:*"])]).unwrap();
    Layers::new("layers", [Arc::new(rules) as _, Arc::new(scopes) as _]).unwrap()
}

fn scopes() -> Delegations {
    Delegations::new("scopes", issuers()).unwrap()
}

fn test_gate() -> TestGate {
    TestGate::with_policy(layered(scopes()))
}

fn call(tool: &str, amount: i64) -> asqav_core::call::ToolCallBuilder {
    ToolCall::builder(tool, "test:call").argument("amount", &amount)
}

fn run(test: &TestGate, call: ToolCall) -> Result<(), Refused> {
    test.gate().run_sync(call, || Ok(()))
}

/// That the call is denied for `code`, in a receipt that claims no check, and
/// that the agent hears nothing but the code.
fn assert_denied(test: &TestGate, call: ToolCall, code: &str) {
    let tool = call.tool.as_str().to_owned();
    let before = test.receipts().of(&tool, Phase::Outcome).count();
    let refused = test.gate().run_sync(call, || -> Result<(), Refused> { unreachable!("it must not run") });
    let Err(Refused::Denied { reason, .. }) = refused else { panic!("{code}: {refused:?}") };
    assert_eq!(reason.as_str(), code);
    let receipts = test.receipts();
    let denial = receipts.of(&tool, Phase::Decision).last().unwrap();
    assert_eq!(denial.reason.as_ref().map(|reason| reason.as_str()), Some(code));
    assert_eq!(denial.controls.delegation, None, "{code}");
    assert_eq!(receipts.of(&tool, Phase::Outcome).count(), before);
    receipts.assert_verified();
}

fn inputs(receipts: &Receipts) -> String {
    let entry =
        receipts.entries().iter().rfind(|entry| entry.payload.asqav.phase == Phase::Decision).unwrap();
    let openings = entry.openings.as_ref().unwrap();
    let (_, text) = openings.values.iter().find(|(pointer, _)| pointer == "/policy/inputs").unwrap();
    text.clone()
}

#[test]
fn a_call_within_its_chain_runs_and_its_receipt_names_the_chain() {
    let test = test_gate();
    let chain = chain(terms());
    run(&test, call("ledger:post", 100).delegation(chain.clone()).build()).unwrap();
    let receipts = test.receipts();
    receipts.assert_outcomes("ledger:post", &[Outcome::Ok]);
    receipts.assert_verified();
    let decision = receipts.of("ledger:post", Phase::Decision).next().unwrap();
    assert_eq!(decision.controls.delegation, Some(chain.digest()));
    assert_eq!(chain.digest(), Sha3Digest::of(chain.digests()[0].as_bytes()));
    let named = format!(r#""delegations":[["{}"]],"now""#, chain.digests()[0].to_tagged());
    assert!(inputs(&receipts).contains(&named), "{}", inputs(&receipts));
}

#[test]
fn every_way_out_of_a_chain_is_denied_with_its_code() {
    let test = test_gate();
    let with = |change: fn(&mut Terms)| {
        let mut terms = terms();
        change(&mut terms);
        Presented::from(chain(terms))
    };
    let post = |presented: Presented| call("ledger:post", 1).delegation(presented).build();
    assert_denied(&test, call("ledger:post", 1).build(), "delegation_missing");
    assert_denied(&test, post(Presented::read(b"junk")), "delegation_malformed");
    assert_denied(&test, post(Presented::read(&[b'\n'; 9])), "delegation_too_long");
    let foreign = terms().issue(&IssuerId::parse("other").unwrap(), key(0)).unwrap();
    assert_denied(&test, post(foreign.into()), "delegation_unknown_issuer");
    let foreign = terms().issue(&issuer(), key(1)).unwrap();
    assert_denied(&test, post(foreign.into()), "delegation_unknown_issuer");
    let mut forged = chain(terms()).tokens()[0].clone();
    forged.sig[7] ^= 1;
    assert_denied(&test, post(Chain::of(forged).into()), "delegation_signature");
    assert_denied(&test, post(with(|terms| terms.not_before = at(1))), "delegation_not_yet_valid");
    let past = with(|terms| (terms.not_before, terms.expires_at) = (at(-9), at(0)));
    assert_denied(&test, post(past), "delegation_expired");
    let other = with(|terms| terms.delegate = to("other-agent", Some(7)));
    assert_denied(&test, post(other), "delegation_wrong_delegate");
    let other = with(|terms| terms.delegate = to("test-agent", Some(3)));
    assert_denied(&test, post(other), "delegation_wrong_delegate");
    let good = with(|_| {});
    assert_denied(&test, call("mail:send", 1).delegation(good.clone()).build(), "delegation_tool");
    let too_much = call("ledger:post", 101).delegation(good.clone()).build();
    assert_denied(&test, too_much, "delegation_argument");
    let unsaid = ToolCall::builder("ledger:post", "a").delegation(good.clone()).build();
    assert_denied(&test, unsaid, "delegation_argument");
    let mistyped = ToolCall::builder("ledger:post", "a").argument("amount", "1").delegation(good.clone());
    assert_denied(&test, mistyped.build(), "delegation_argument");
    let skipped = ToolCall::builder("ledger:post", "a").skip("amount").delegation(good.clone()).build();
    assert_denied(&test, skipped, "delegation_argument");
    let empty = with(|terms| {
        let tests = vec![Test::OneOf(vec![Scalar::Bool(true), Scalar::Integer(1)])];
        terms.when = vec![Restriction { pointer: "/amount".to_owned(), tests }];
    });
    assert_denied(&test, post(empty), "delegation_restriction");
    let nine = (0..9).fold(call("ledger:post", 1), |call, _| call.delegation(chain(terms())));
    assert_denied(&test, nine.build(), "delegation_too_many");
    // What the layers say first is what is said.
    assert_denied(&test, call("other", 1).delegation(good).build(), "no_rule");
}

#[test]
fn tokens_and_keys_are_taken_back() {
    let chain = chain(terms());
    let post = || call("ledger:post", 1).delegation(chain.clone()).build();
    let mut tokens = Revoked::default();
    tokens.tokens.insert(chain.digests()[0]);
    let mut keys = Revoked::default();
    keys.keys.insert(*key(0).thumbprint());
    for revoked in [tokens, keys] {
        let test = TestGate::with_policy(layered(scopes().revoked(revoked)));
        assert_denied(&test, post(), "delegation_revoked");
    }
    // In a gate that has accepted it before, from the reload on.
    let test = test_gate();
    run(&test, post()).unwrap();
    let mut revoked = Revoked::default();
    revoked.tokens.insert(chain.digests()[0]);
    test.gate().replace_policy(Ok(layered(scopes().revoked(revoked)))).unwrap().wait().unwrap();
    assert_denied(&test, post(), "delegation_revoked");
}

#[test]
fn a_policy_that_does_not_look_at_chains_allows_none() {
    let presented = Presented::from(chain(terms()));
    let post = || call("ledger:post", 1).delegation(presented.clone()).build();
    assert_denied(&TestGate::with_policy(AllowAll::new()), post(), "delegation_unchecked");
    let test = TestGate::new();
    assert_denied(&test, post(), "delegation_unchecked");
    run(&test, call("ledger:post", 1).build()).unwrap();
    // Where nothing is decided, such a call is.
    let observed = Door::of(test.gate()).tier(Tier::Detectable).admit(post()).wait();
    assert!(matches!(observed, Err(Refused::Denied { .. })), "{observed:?}");
}

#[test]
fn calls_without_a_chain_are_left_to_the_other_layers_on_request() {
    let test = TestGate::with_policy(layered(scopes().optional()));
    run(&test, call("mail:send", 1).build()).unwrap();
    assert_eq!(test.receipts().of("mail:send", Phase::Decision).next().unwrap().controls.delegation, None);
    assert_denied(&test, call("mail:send", 1).delegation(chain(terms())).build(), "delegation_tool");
}

#[test]
fn a_sessions_chain_holds_for_all_that_happens_in_it() {
    let test = TestGate::with_policy(layered(scopes().optional()));
    let wide = chain(terms());
    let narrow = chain(Terms { tools: globs(&["ledger:query"]), ..terms() });
    let session = test.gate().session("s").delegation(wide.clone()).open().wait().unwrap();
    session.scope_sync(|| {
        run(&test, call("ledger:post", 1).build()).unwrap();
        assert_denied(&test, call("mail:send", 1).build(), "delegation_tool");
        // A chain of its own narrows a call further, and never widens it.
        let mail = chain(Terms { tools: globs(&["mail:*"]), ..terms() });
        assert_denied(&test, call("mail:send", 1).delegation(mail).build(), "delegation_tool");
        assert_denied(&test, call("ledger:post", 1).delegation(narrow.clone()).build(), "delegation_tool");
        run(&test, call("ledger:query", 1).delegation(narrow.clone()).build()).unwrap();
    });
    let inner = session.session("inner").delegation(narrow.clone()).open().wait().unwrap();
    inner.scope_sync(|| {
        run(&test, call("ledger:query", 1).build()).unwrap();
        assert_denied(&test, call("ledger:post", 1).build(), "delegation_tool");
    });
    let receipts = test.receipts();
    let opened: Vec<_> = receipts.events("session:open").collect();
    // Its parent's chain comes first.
    let both = [wide.digests()[0], narrow.digests()[0]].map(|digest| *digest.as_bytes()).concat();
    let newest = receipts.of("ledger:query", Phase::Decision).last().unwrap();
    assert_eq!(newest.controls.delegation, Some(Sha3Digest::of(&both)));
    let json = String::from_utf8(opened[0].to_canonical()).unwrap();
    assert!(json.contains(&format!(r#""delegations":"{}""#, wide.digest().to_tagged())), "{json}");
}

/// A tool that calls another one does not get out of its caller's scope.
#[test]
fn calls_made_in_a_call_stay_in_its_chain() {
    let test = TestGate::with_policy(layered(scopes().optional()));
    let outer = call("ledger:post", 1).delegation(chain(terms())).build();
    let inner = test.gate().run_sync(outer, || {
        run(&test, call("ledger:query", 1).build()).unwrap();
        // Not by a session of its own either.
        let session = test.gate().session("out").open().wait().unwrap();
        session.scope_sync(|| run(&test, call("mail:send", 1).build()))
    });
    let Err(Refused::Denied { reason, .. }) = inner else { panic!("{inner:?}") };
    assert_eq!(reason.as_str(), "delegation_tool");
}

#[test]
fn a_chain_that_expires_before_the_body_starts_stops_the_call() {
    let latch = Latch::new();
    let kept = MemoryLog::new();
    // gate:start, policy:activate, the decision.
    let log = FaultyLog::new(kept.clone()).at_receipt(3, Fault::Hold(latch.clone()));
    let test = TestGate::on(kept, |builder| builder.policy(layered(scopes())).log(log)).unwrap();
    let gate = test.gate().clone();
    let calling = std::thread::spawn(move || {
        let post = call("ledger:post", 1).delegation(chain(terms())).build();
        gate.run_sync(post, || -> Result<(), Refused> { unreachable!("it must not run") })
    });
    latch.wait_for_arrival();
    test.clock().advance(Duration::from_secs(3_600));
    latch.open();
    let Err(Refused::Denied { reason, .. }) = calling.join().unwrap() else { panic!("it ran") };
    assert_eq!(reason.as_str(), "delegation_expired");
    test.receipts().assert_outcomes("ledger:post", &[Outcome::Abandoned]);
}

#[test]
fn a_delegate_hands_on_less() {
    let test = test_gate();
    let first = chain(Terms { delegate: to("planner", Some(1)), depth: 2, ..terms() });
    let wider = Terms { tools: globs(&["**"]), ..terms() }.delegate(&first, key(1));
    assert_eq!(wider.unwrap_err(), IssueError::Chain(ChainFault::Widens));
    let thief = terms().delegate(&first, key(2));
    assert_eq!(thief.unwrap_err(), IssueError::Chain(ChainFault::Broken));
    let deep = Terms { depth: 2, ..terms() }.delegate(&first, key(1));
    assert_eq!(deep.unwrap_err(), IssueError::Chain(ChainFault::TooDeep));
    let second = Terms { when: vec![at_most("/amount", 500)], ..terms() }.delegate(&first, key(1)).unwrap();
    run(&test, call("ledger:post", 100).delegation(second.clone()).build()).unwrap();
    // The first token's bound stands, whatever the second one's is.
    assert_denied(&test, call("ledger:post", 101).delegation(second).build(), "delegation_argument");
    // The planner's chain is not the gate's.
    assert_denied(&test, call("ledger:post", 1).delegation(first).build(), "delegation_wrong_delegate");
}

#[test]
fn the_digest_covers_what_the_layer_is() {
    let mut revoked = Revoked::default();
    revoked.keys.insert(*key(3).thumbprint());
    let layers = [
        scopes(),
        scopes().optional(),
        scopes().revoked(revoked),
        Delegations::new("other", issuers()).unwrap(),
        Delegations::new("scopes", KeySet::default()).unwrap(),
    ];
    for (at, one) in layers.iter().enumerate() {
        for other in &layers[at + 1..] {
            assert_ne!(one.digest(), other.digest());
        }
    }
    assert_eq!(scopes().digest(), scopes().digest());
}

/// What one token of a random chain says; most narrow the one before.
type Scope = (Vec<&'static str>, Option<i64>, i64);

fn scope() -> impl Strategy<Value = Scope> {
    let tools = ["ledger:*", "ledger:post", "ledger:**", "**", "*:post"];
    (prop::sample::subsequence(tools.to_vec(), 1..4), prop::option::of(0..9_i64), 1..9_i64)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A chain never allows a call that a chain it goes back to does not.
    #[test]
    fn a_longer_chain_allows_no_more(
        scopes in prop::collection::vec(scope(), 2..4),
        calls in prop::collection::vec(("(ledger|mail):(post|query)(:x)?", 0..9_i64, 0..9_i64), 8),
    ) {
        let layer = Delegations::new("scopes", issuers()).unwrap();
        let mut chains: Vec<Chain> = Vec::new();
        for (depth, (tools, bound, until)) in (0_u8..).zip(&scopes) {
            let terms = Terms {
                delegate: to(&format!("agent-{depth}"), Some(depth + 1)),
                tools: globs(tools),
                when: bound.iter().map(|bound| at_most("/amount", *bound)).collect(),
                not_before: at(0),
                expires_at: at(*until),
                depth: 7 - depth,
            };
            let longer = match chains.last() {
                None => Ok(chain(terms)),
                Some(before) => terms.delegate(before, key(depth)),
            };
            // What would widen is not issued.
            let Ok(longer) = longer else { break };
            chains.push(longer);
        }
        for (tool, amount, now) in calls {
            let call = call(&tool, amount).build();
            let allowed: Vec<bool> = (0_u8..).zip(&chains).map(|(depth, chain)| {
                let agent = AgentId::parse(format!("agent-{depth}")).unwrap();
                let presented = [Presented::from(chain.clone())];
                let input = PolicyInput::new(&agent, &call, None, at(now));
                layer.decide(&input.delegated(&presented, key(depth + 1).thumbprint())).effect == Effect::Allow
            }).collect();
            prop_assert!(allowed.is_sorted_by(|shorter, longer| shorter >= longer), "{:?}", allowed);
        }
    }
}
