//! The recorder on real threads: load, faults, panics, forks, clocks.

mod alone;
mod batches;
mod endings;
mod failures;
mod journaled;
mod order;

use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::fixture::{QuickSigner, owner, payload};
use crate::log::Log;
use crate::recorder::{Draft, Last, Options, Recorder};
use crate::sign::Signer;

fn options() -> Options {
    Options { signers: NonZeroUsize::new(3).unwrap(), ..Options::default() }
}

fn start(log: impl Log, signer: impl Signer) -> Recorder {
    Recorder::start(Box::new(log), owner(signer), options()).unwrap().0
}

fn quick() -> Arc<dyn Signer> {
    Arc::new(QuickSigner::new())
}

fn draft(mark: u64) -> Draft {
    Draft::new(payload(mark), None)
}

/// Of a thread that waits at once.
fn awaited(mark: u64) -> Draft {
    draft(mark).awaited_if(true)
}

fn last(mark: u64) -> Last {
    Last::new(move || Ok(vec![draft(mark)]))
}

/// Polls once, with a waker that wakes nobody.
fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Hears of whatever is told on a thread.
struct Listener<F>(F);

impl<F: Fn(&tracing::Event<'_>) + 'static> tracing::Subscriber for Listener<F> {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn event(&self, event: &tracing::Event<'_>) {
        self.0(event);
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}
