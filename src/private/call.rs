//! One call of a signed function, on its way to the spine.

use std::future::Future;
use std::pin::Pin;

use asqav_core::call::ToolCall;
use asqav_core::gate::{Door, Gate, run_sync_with, run_with};
use asqav_core::session::Session;

use super::settlement::{Later, Now, Settlement};
use super::tool::Tool;
use super::value::Value;

/// One call of a signed function.
#[derive(Debug)]
#[must_use = "a call does nothing until it is run"]
pub struct Call {
    call: ToolCall,
    door: Door,
}

impl Call {
    /// A call of `tool` with `values`, one for each of its arguments.
    pub fn new<const N: usize>(tool: &Tool, values: [Value; N]) -> Self {
        let mut call = ToolCall::builder(tool.name, tool.action);
        for ((name, capture), Value(value)) in tool.arguments.iter().zip(values) {
            call = match value {
                Some(Ok(text)) => call.text(name, text, *capture),
                Some(Err(why)) => call.unrepresentable(why.of_argument(name)).skip(name),
                None => call.skip(name),
            };
        }
        if let Some(version) = tool.version {
            call = call.version(version);
        }
        let door = tool.tier.map_or_else(Door::new, |tier| Door::new().tier(tier));
        Self { call: call.build(), door }
    }

    /// The gate that serves the call.
    pub fn gate(self, gate: &Gate) -> Self {
        Self { door: self.door.gate(gate), ..self }
    }

    /// The session that the call belongs to.
    pub fn session(self, session: &Session) -> Self {
        Self { door: self.door.session(session), ..self }
    }

    /// Runs the body of an async function.
    pub fn run<R, W, F: Future<Output = R>>(
        self,
        settlement: Settlement<R, W>,
        body: impl FnOnce() -> F,
    ) -> impl Future<Output = R> {
        run_with(self.door, self.call, body, settlement.ending, settlement.refused)
    }

    /// Runs the body of any other function.
    pub fn deliver<R, W: Way<R, D, B>, B, D>(self, settlement: Settlement<R, W>, body: B) -> D {
        W::deliver(self, settlement, body)
    }
}

/// How a function that is not `async` returns what its tool returns: `R` as
/// `D`, from a body `B`.
pub trait Way<R, D, B>: Sized {
    /// Runs the call, or gives a future that does.
    fn deliver(call: Call, settlement: Settlement<R, Self>, body: B) -> D;
}

impl<R, B: FnOnce() -> R> Way<R, R, B> for Now {
    fn deliver(call: Call, settlement: Settlement<R, Self>, body: B) -> R {
        run_sync_with(call.door, call.call, body, settlement.ending, settlement.refused)
    }
}

type Boxed<'a, R> = Pin<Box<dyn Future<Output = R> + 'a>>;
type BoxedSend<'a, R> = Pin<Box<dyn Future<Output = R> + Send + 'a>>;

impl<'a, R: 'a, B: FnOnce() -> Boxed<'a, R> + 'a> Way<R, Boxed<'a, R>, B> for Later {
    fn deliver(call: Call, settlement: Settlement<R, Self>, body: B) -> Boxed<'a, R> {
        Box::pin(call.run(settlement, body))
    }
}

impl<'a, R: Send + 'a, B: FnOnce() -> BoxedSend<'a, R> + Send + 'a> Way<R, BoxedSend<'a, R>, B> for Later {
    fn deliver(call: Call, settlement: Settlement<R, Self>, body: B) -> BoxedSend<'a, R> {
        Box::pin(call.run(settlement, body))
    }
}
