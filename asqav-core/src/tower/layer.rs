//! The layer: puts a gate in front of services.

use super::service::Signed;
use super::tool::ToolAdapter;
use crate::gate::{Door, Gate};
use crate::session::Session;

/// Puts a gate in front of a service. Cheap to clone.
///
/// ```
/// use asqav_core::Gate;
/// use asqav_core::tower::SignedLayer;
/// use tower::ServiceBuilder;
///
/// # fn example<S>(gate: &Gate, router: S) -> impl Sized {
/// ServiceBuilder::new().layer(SignedLayer::new(gate)).service(router)
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct SignedLayer<A = ToolAdapter> {
    door: Door,
    adapter: A,
}

impl SignedLayer {
    /// Guards services that take a [`ToolCall`](crate::ToolCall) by `gate`.
    pub fn new(gate: &Gate) -> Self {
        Self::with_adapter(gate, ToolAdapter)
    }
}

impl<A> SignedLayer<A> {
    /// Guards services whose requests `adapter` understands by `gate`.
    pub fn with_adapter(gate: &Gate, adapter: A) -> Self {
        Self { door: Door::of(gate), adapter }
    }

    /// All calls belong to `session`. Without this a call belongs to the
    /// session in whose scope its future is polled first.
    pub fn session(self, session: &Session) -> Self {
        Self { door: self.door.session(session), ..self }
    }
}

impl<S, A: Clone> tower_layer::Layer<S> for SignedLayer<A> {
    type Service = Signed<S, A>;

    fn layer(&self, inner: S) -> Self::Service {
        Signed::new(inner, self.door.clone(), self.adapter.clone())
    }
}
