//! Threads that check signatures while the log is read on.

use std::collections::VecDeque;
use std::mem;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Scope, available_parallelism};

use asqav_receipt::verify::{CheckedSignature, SignatureJob};

/// So many signatures are handed to a thread at once.
const PART_LEN: usize = 32;
/// So many parts are under way. Fixed, and results are taken in the log's
/// order, so that a report does not depend on threads.
const WINDOW: usize = 16;

type Part<'a> = (Vec<SignatureJob<'a>>, Sender<Vec<CheckedSignature>>);

/// Checks signatures on as many threads as there are processors; none is
/// started for a log of few receipts.
pub(super) struct Workers<'scope, 'env, 'a> {
    scope: &'scope Scope<'scope, 'env>,
    parts: Option<Sender<Part<'a>>>,
    gathered: Vec<SignatureJob<'a>>,
    under_way: VecDeque<Receiver<Vec<CheckedSignature>>>,
}

impl<'scope, 'env, 'a: 'scope> Workers<'scope, 'env, 'a> {
    /// Threads of `scope`, once they are needed.
    pub(super) const fn new(scope: &'scope Scope<'scope, 'env>) -> Self {
        Self { scope, parts: None, gathered: Vec::new(), under_way: VecDeque::new() }
    }

    /// Has a signature checked, and gives results of earlier ones. Waits when
    /// the threads are far behind.
    pub(super) fn check(&mut self, job: SignatureJob<'a>) -> Vec<CheckedSignature> {
        self.gathered.push(job);
        if self.gathered.len() < PART_LEN {
            return Vec::new();
        }
        let gathered = mem::take(&mut self.gathered);
        let (tell, told) = channel();
        // A part that no thread takes any more is missed by the verifier.
        drop(self.parts().send((gathered, tell)));
        self.under_way.push_back(told);
        if self.under_way.len() > WINDOW { self.next() } else { Vec::new() }
    }

    /// The results that are still missing.
    pub(super) fn finish(&mut self) -> Vec<CheckedSignature> {
        let mut checked = Vec::new();
        while !self.under_way.is_empty() {
            checked.extend(self.next());
        }
        checked.extend(mem::take(&mut self.gathered).into_iter().map(SignatureJob::check));
        checked
    }

    /// The results of the oldest part.
    fn next(&mut self) -> Vec<CheckedSignature> {
        let oldest = self.under_way.pop_front();
        // What a panic took away is missed by the verifier.
        oldest.and_then(|told| told.recv().ok()).unwrap_or_default()
    }

    fn parts(&mut self) -> &Sender<Part<'a>> {
        let scope = self.scope;
        self.parts.get_or_insert_with(|| {
            let (send, receive) = channel();
            let receive = Arc::new(Mutex::new(receive));
            for _ in 0..available_parallelism().map_or(1, NonZeroUsize::get) {
                let receive = Arc::clone(&receive);
                scope.spawn(move || work(&receive));
            }
            send
        })
    }
}

/// Checks parts until there will be none.
fn work(parts: &Mutex<Receiver<Part<'_>>>) {
    loop {
        let part = parts.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((jobs, tell)) = part else { return };
        let check = || jobs.into_iter().map(SignatureJob::check).collect();
        if let Ok(checked) = catch_unwind(AssertUnwindSafe(check)) {
            // Nobody listens when the log could not be read to its end.
            drop(tell.send(checked));
        }
    }
}
