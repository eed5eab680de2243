//! The recorder on real threads: load, faults, panics, forks, clocks.

mod alone;
mod batches;
mod endings;
mod failures;
mod journaled;
mod order;

use std::num::NonZeroUsize;
use std::sync::Arc;

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
