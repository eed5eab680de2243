//! Which gate and session serve a call, and under which tier.

use asqav::{Gate, Session, signed};

use super::support::{Bench, only};

struct Service {
    gate: Gate,
}

impl Service {
    #[signed(action = "service:run", gate = self.gate)]
    async fn run(&self, amount: u32) -> Result<u32, String> {
        Ok(amount)
    }

    #[signed(action = "service:step", session = session, skip(session))]
    fn step(&self, session: &Session, amount: u32) -> Result<u32, String> {
        let _ = self;
        let _ = session.id();
        Ok(amount)
    }

    #[signed(action = "service:watched", tier = detectable)]
    async fn watched(&self, amount: u32) -> Result<u32, String> {
        let _ = self;
        Ok(amount)
    }

    #[signed(action = "service:strong", tier = strong)]
    fn strong(&self, amount: u32) -> Result<u32, String> {
        let _ = self;
        Ok(amount)
    }
}

#[tokio::test]
async fn the_gate_that_is_named_serves_the_call() {
    let (bench, other) = (Bench::allowing(), Bench::denying());
    let service = Service { gate: bench.gate.clone() };
    assert_eq!(asqav::scope(other.gate.clone(), service.run(1)).await, Ok(1));
    assert_eq!(only(bench.calls()), "service:run run amount=1 -> ok 1");
    assert!(other.calls().is_empty());
}

#[test]
fn the_session_that_is_named_has_the_call() {
    let bench = Bench::allowing();
    let service = Service { gate: bench.gate.clone() };
    let session = bench.gate.session("refund").open().wait().unwrap();
    assert_eq!(service.step(&session, 2), Ok(2));
    assert_eq!(only(bench.calls()), "service:step step amount=2 session=dropped(true) -> ok 2");
    assert_eq!(bench.payloads("protectmcp:decision")[0]["session_id"], session.id().as_str());
}

#[tokio::test]
async fn without_a_gate_nothing_runs() {
    let service = Service { gate: Bench::allowing().gate };
    assert_eq!(service.watched(1).await, Err("no gate is installed".to_owned()));
    assert_eq!(service.strong(1), Err("no gate is installed".to_owned()));
}

#[tokio::test]
async fn the_tier_is_claimed_and_obeyed() {
    let bench = Bench::denying();
    let service = Service { gate: bench.gate.clone() };
    assert_eq!(asqav::scope(bench.gate.clone(), service.watched(3)).await, Ok(3), "nothing is decided");
    let observed = bench.payloads("protectmcp:observation");
    assert!(bench.payloads("protectmcp:decision").is_empty());
    assert_eq!((observed.len(), &observed[0]["asqav"]["tier"]), (1, &"detectable".into()));

    let denied = asqav::scope_sync(bench.gate.clone(), || service.strong(4)).unwrap_err();
    assert!(denied.starts_with("denied by policy (no_rule)"), "{denied}");
    assert_eq!(bench.payloads("protectmcp:decision")[0]["asqav"]["tier"], "strong");
}
