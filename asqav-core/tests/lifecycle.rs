//! How a gate starts, ends and says who it is.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

mod common;

use std::sync::Arc;

use asqav_core::clock::SystemClock;
use asqav_core::gate::{Door, OpenError, OperatorRole, ShutdownError, System, run_sync_with};
use asqav_core::key::SigningKey;
use asqav_core::log::{Durability, LogError};
use asqav_core::policy::Decision;
use asqav_core::refused::Closed;
use asqav_core::sign::{SignError, Signer};
use asqav_core::testing::{AllowAll, MemoryLog, TestGate};
use asqav_core::{Ending, Gate, Refused};
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::{AgentId, IssuerId, KeyId};
use asqav_receipt::payload::{Outcome, Tier};
use common::{Rules, call, poll_once, reason, rule};

fn builder(agent: &str) -> asqav_core::gate::GateBuilder {
    Gate::builder(AgentId::parse(agent).unwrap(), IssuerId::parse("test-issuer").unwrap())
}

fn key() -> Arc<SigningKey> {
    Arc::new(SigningKey::from_seed(&[7; 32]))
}

#[test]
fn nothing_is_allowed_by_leaving_something_out() {
    let open = builder("a").signer(key()).log(MemoryLog::new()).open();
    assert!(matches!(open, Err(OpenError::NoPolicy)));
    let open = builder("a").without_policy().log(MemoryLog::new()).open();
    assert!(matches!(open, Err(OpenError::NoSigner)));
    let open = builder("a").without_policy().signer(key()).open();
    assert!(matches!(open, Err(OpenError::NoLog)));
    let detectable = builder("a").signer(key()).log(MemoryLog::new()).tier(Tier::Detectable);
    assert!(matches!(detectable.policy(AllowAll::new()).open(), Err(OpenError::PolicyUnused)));
}

/// Signs with one key and claims another.
struct Mixed {
    signs: SigningKey,
    claims: SigningKey,
    thumbprint_of: SigningKey,
}

impl Signer for Mixed {
    fn algorithm(&self) -> &'static str {
        self.signs.algorithm()
    }
    fn key_id(&self) -> &KeyId {
        self.claims.key_id()
    }
    fn public_key(&self) -> &[u8] {
        self.claims.public_key()
    }
    fn thumbprint(&self) -> &Sha256Digest {
        self.thumbprint_of.thumbprint()
    }
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.signs.sign(message)
    }
}

#[test]
fn a_signer_that_does_not_fit_its_key_writes_nothing() {
    let seed = |byte| SigningKey::from_seed(&[byte; 32]);
    for (signs, claims, thumbprint_of) in [(1, 2, 2), (1, 1, 2)] {
        let signer = Mixed { signs: seed(signs), claims: seed(claims), thumbprint_of: seed(thumbprint_of) };
        let log = MemoryLog::new();
        let open = builder("a").without_policy().log(log.clone()).signer(Arc::new(signer)).open();
        assert!(matches!(open, Err(OpenError::SelfTest { .. })));
        assert!(log.receipts().is_empty() && !log.is_open());
    }
}

#[test]
fn the_start_says_who_and_how() {
    let system = System {
        id: Some("finance".to_owned()),
        version: Some("1.2".to_owned()),
        environment: Some("test".to_owned()),
        operator_role: Some(OperatorRole::Deployer),
    };
    let test = TestGate::with(|builder| {
        builder
            .policy(AllowAll::new())
            .durability(Durability::Written)
            .boot_id("boot-1")
            .system(system)
            .max_in_flight(7.try_into().unwrap())
    });
    let receipts = test.receipts();
    let texts: Vec<_> =
        receipts.payloads().map(|payload| String::from_utf8(payload.to_canonical()).unwrap()).collect();
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    let wanted = format!(
        r#""context":{{"gate:start":{{"boot_id":"boot-1","build":"{build}","clock":"stepped","clock_synchronised":"unknown","durability":"written","environment":"test","max_in_flight":7,"operator_role":"deployer","signing":"each","software":"asqav-rs {}","system_id":"finance","system_version":"1.2"}}}}"#,
        env!("CARGO_PKG_VERSION")
    );
    assert!(texts[0].contains(&wanted), "{}", texts[0]);
    assert!(texts[0].contains(r#""type":"protectmcp:lifecycle""#));
    let digest = Sha256Digest::of(b"allow-all").to_tagged();
    assert!(
        texts[1].contains(&format!(
            r#""context":{{"policy:activate":{{"new":"{digest}","self_test":"skipped"}}}}"#
        )),
        "{}",
        texts[1]
    );
    assert!(texts[1].contains(r#""type":"protectmcp:lifecycle:configuration_change""#));
    assert!(texts.iter().all(|text| text.contains(&format!(r#""policy_digest":"{digest}""#))));
    receipts.assert_verified();
}

#[test]
fn texts_that_do_not_fit_are_refused_before_anything_is_written() {
    for text in [String::new(), "x".repeat(129), "a\nb".to_owned()] {
        let log = MemoryLog::new();
        let system = System { version: Some(text), ..System::default() };
        let open = builder("a").without_policy().signer(key()).log(log.clone()).system(system).open();
        assert!(matches!(open, Err(OpenError::Text { what: "system_version" })));
        assert!(log.receipts().is_empty());
    }
}

#[test]
fn a_log_has_one_writer_one_agent_and_one_issuer() {
    let log = MemoryLog::new();
    let open = |agent| builder(agent).without_policy().signer(key()).log(log.clone()).open();
    let gate = open("one").unwrap();
    assert!(matches!(open("one"), Err(OpenError::Log(LogError::Locked { .. }))));
    drop(gate);
    assert!(matches!(open("other"), Err(OpenError::Log(LogError::OtherAgent { .. }))));
    let renamed = Gate::builder("one".parse().unwrap(), "renamed".parse().unwrap());
    let renamed = renamed.without_policy().signer(key()).log(log.clone()).open();
    assert!(matches!(renamed, Err(OpenError::Log(LogError::OtherIssuer { .. }))));
    assert_eq!(log.receipts().len(), 2, "gate:start and gate:stop of the first");
    open("one").unwrap();
}

#[test]
fn the_last_handle_ends_the_log_cleanly() {
    let log = MemoryLog::new();
    let test = TestGate::on(log.clone(), |builder| builder.without_policy()).unwrap();
    test.gate().run_sync(call("t"), || Ok::<_, Refused>(())).unwrap();
    let other = test.gate().clone();
    drop(test);
    assert!(log.is_open());
    drop(other);
    assert!(log.is_sealed());
    let test = TestGate::on(log, |builder| builder.without_policy()).unwrap();
    let receipts = test.receipts();
    assert_eq!(receipts.events("gate:stop").count(), 1);
    assert_eq!(receipts.events("gate:recovery").count(), 0);
    receipts.assert_verified();
}

#[tokio::test]
async fn a_shutdown_waits_for_calls_and_closes_sessions_itself() {
    let test = TestGate::new();
    let session = test.gate().session("kept").open().await.unwrap();
    let permit = session.scope_sync(|| test.gate().admit(call("t")).wait().unwrap());
    let shutdown = test.gate().shutdown();
    let refused = test.gate().run_sync(call("late"), || Ok::<_, Refused>(())).unwrap_err();
    assert_eq!(refused, Refused::Closed { cause: Closed::Shutdown });
    permit.complete(asqav_core::Ending::ok()).await.unwrap();
    shutdown.await.unwrap();
    assert!(test.log().is_sealed());
    // Held over the end, it adds nothing.
    drop(session);
    let receipts = test.receipts();
    receipts.assert_outcomes("t", &[Outcome::Ok]);
    let last: Vec<_> =
        receipts.payloads().map(|payload| payload.action_type.as_str()).rev().take(2).collect();
    assert_eq!(last, ["gate:stop", "session:close"]);
    let close = receipts.events("session:close").next().unwrap().to_canonical();
    assert!(String::from_utf8(close).unwrap().contains(r#""session:close":{"count":3,"#));
    receipts.assert_verified();
}

#[test]
fn a_shutdown_does_not_wait_for_ever() {
    let test = TestGate::new();
    let permit = test.gate().admit(call("t")).wait().unwrap();
    let error = test.gate().shutdown_within(std::time::Duration::ZERO).wait().unwrap_err();
    assert_eq!(error, ShutdownError::InFlight { in_flight: 1 });
    assert!(!test.log().is_sealed());
    drop(permit);
    let log = test.log().clone();
    drop(test);
    let test = TestGate::on(log, |builder| builder.without_policy()).unwrap();
    let receipts = test.receipts();
    receipts.assert_outcomes("t", &[Outcome::Unknown]);
    receipts.assert_verified();
}

#[test]
fn the_systems_clock_is_the_default() {
    let log = MemoryLog::new();
    let before = asqav_core::clock::Clock::now(&SystemClock::new());
    drop(builder("a").without_policy().signer(key()).log(log.clone()).open().unwrap());
    assert!(log.receipts()[0].payload.issued_at >= before);
}

/// The last handle on a gate goes on the thread that is to sign a receipt, just
/// before it waits for it: the gate stops cleanly and at once.
#[test]
fn the_last_handle_goes_with_a_call() {
    let started = std::time::Instant::now();
    let open = |log: &MemoryLog| {
        let denying = Rules::new(|input| match input.call.tool.as_str() {
            "denied" => Decision::deny(vec![rule("no")], reason("denied_by_rule")),
            _ => Decision::allow(vec![rule("yes")], Vec::new()),
        });
        builder("a").signer(key()).log(log.clone()).policy(denying).open().unwrap()
    };
    let log = MemoryLog::new();
    let gate = open(&log);
    let denied = gate.admit(call("denied"));
    drop(gate);
    assert!(matches!(denied.wait(), Err(Refused::Denied { .. })));
    assert!(log.is_sealed());

    let log = MemoryLog::new();
    let gate = open(&log);
    let door = Door::of(&gate);
    let body = || {
        drop(gate);
        Ok(())
    };
    run_sync_with(door, call("allowed"), body, |_| Ending::ok(), Err::<(), Refused>).unwrap();
    assert!(log.is_sealed());

    // Not admitted yet, unless the writer was faster: the permit gives its place
    // back before it lets go of the gate, which waits for all places.
    let goes_before_it_is_admitted = || {
        let log = MemoryLog::new();
        let gate = open(&log);
        let mut admit = Box::pin(gate.admit(call("allowed")));
        let is_pending = poll_once(admit.as_mut()).is_pending();
        drop((gate, admit));
        assert!(log.is_sealed());
        is_pending
    };
    assert!((0..100).any(|_| goes_before_it_is_admitted()));
    assert!(started.elapsed() < std::time::Duration::from_secs(25), "it waited for a deadline");
}
