//! Callers that each wait for their call before they make the next.

use std::error::Error;
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use asqav_core::call::Capture;
use asqav_core::log::Log;
use asqav_core::{Ending, Gate, Refused};

use crate::support::{Metered, Setup, call, cpu};

const WARM_UP: Duration = Duration::from_millis(300);
const RUN: Duration = Duration::from_millis(2_000);

/// Who calls.
#[derive(Clone, Copy)]
pub(crate) enum Callers {
    /// So many tasks on a runtime with a thread for each core.
    Tasks(usize),
    /// So many threads, without a runtime.
    Threads(usize),
}

/// What a caller does again and again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// A call: a decision receipt, waited for, and an outcome receipt, waited for.
    Call,
    /// One receipt about a call that is over, waited for.
    Observation,
}

impl Work {
    /// How many receipts it leaves.
    const fn receipts(self) -> usize {
        match self {
            Self::Call => 2,
            Self::Observation => 1,
        }
    }
}

/// What a run showed.
pub(crate) struct Figures {
    /// Receipts per second.
    pub(crate) rate: f64,
    /// CPU time of all threads for each receipt.
    pub(crate) cpu: Duration,
    /// The same without its share of signatures.
    pub(crate) unsigned_cpu: Duration,
    /// Times of a whole [`Work`], until its last receipt is acknowledged.
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) max: Duration,
}

/// When to count, and when to stop.
#[derive(Clone)]
struct Phase {
    counting: Arc<AtomicBool>,
    done: Arc<AtomicBool>,
    signer: Arc<Metered>,
}

/// Lets `callers` work for a while and stops the gate.
pub(crate) fn measure(
    callers: Callers,
    work: Work,
    setup: &Setup,
    log: impl Log,
) -> Result<Figures, Box<dyn Error>> {
    let signer = Arc::new(Metered::new(Arc::clone(&setup.signer)));
    let gate = Setup { signer: Arc::clone(&signer) as _, ..setup.clone() }.gate(log)?;
    let phase = Phase { counting: Arc::default(), done: Arc::default(), signer };
    let (mut times, spent) = match callers {
        Callers::Tasks(count) => in_tasks(count, work, &gate, &phase)?,
        Callers::Threads(count) => in_threads(count, work, &gate, &phase),
    };
    gate.shutdown().wait()?;
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    let receipts = u32::try_from(times.len() * work.receipts())?;
    let max = times.last().copied().unwrap_or_default();
    let rate = f64::from(receipts) / spent.time.as_secs_f64();
    let each = |cpu: Duration| cpu / receipts.max(1);
    let (cpu, unsigned_cpu) = (each(spent.cpu), each(spent.cpu.saturating_sub(spent.signing)));
    Ok(Figures { rate, cpu, unsigned_cpu, p50: at(50), p99: at(99), max })
}

type Times = (Vec<Duration>, Spent);

/// What was used while it was counted.
#[derive(Clone, Copy, Default)]
struct Spent {
    time: Duration,
    /// CPU of all threads.
    cpu: Duration,
    /// Of that, in signatures.
    signing: Duration,
}

fn in_tasks(count: usize, work: Work, gate: &Gate, phase: &Phase) -> Result<Times, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build()?;
    Ok(runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..count {
            tasks.spawn(caller(gate.clone(), work, phase.clone()));
        }
        let spent = tokio::task::spawn_blocking({
            let phase = phase.clone();
            move || phase.run()
        })
        .await
        .unwrap_or_default();
        (tasks.join_all().await.concat(), spent)
    }))
}

fn in_threads(count: usize, work: Work, gate: &Gate, phase: &Phase) -> Times {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(|| sync_caller(gate, work, phase))).collect();
        let spent = phase.run();
        let times = threads.into_iter().filter_map(|thread| thread.join().ok()).flatten().collect();
        (times, spent)
    })
}

impl Phase {
    /// Lets the callers warm up, be counted, and stop.
    fn run(&self) -> Spent {
        thread::sleep(WARM_UP);
        self.counting.store(true, Ordering::Relaxed);
        let (start, before, signed) = (Instant::now(), cpu(), self.signer.spent());
        thread::sleep(RUN);
        self.counting.store(false, Ordering::Relaxed);
        let spent =
            Spent { time: start.elapsed(), cpu: cpu() - before, signing: self.signer.spent() - signed };
        self.done.store(true, Ordering::Relaxed);
        spent
    }

    fn is_done(&self) -> bool {
        self.done.load(Ordering::Relaxed)
    }

    fn is_counting(&self) -> bool {
        self.counting.load(Ordering::Relaxed)
    }
}

/// Works until the end; gives the times of what ended while counted.
async fn caller(gate: Gate, work: Work, phase: Phase) -> Vec<Duration> {
    let argument = "a".repeat(500);
    let mut times = Vec::new();
    while !phase.is_done() {
        let start = Instant::now();
        let recorded = match work {
            Work::Call => {
                let result = argument.clone();
                gate.run(call(&argument), || ready(Ok::<_, Refused>(result))).await.is_ok()
            }
            Work::Observation => match gate.observe(call(&argument), returned(&argument)) {
                Ok(receipt) => receipt.acknowledged().await.is_ok(),
                Err(_) => false,
            },
        };
        assert!(recorded, "a call was refused");
        if phase.is_counting() {
            times.push(start.elapsed());
        }
        // Calls that wait for nothing leave the thread to others all the same.
        tokio::task::consume_budget().await;
    }
    times
}

fn sync_caller(gate: &Gate, work: Work, phase: &Phase) -> Vec<Duration> {
    let argument = "a".repeat(500);
    let mut times = Vec::new();
    while !phase.is_done() {
        let start = Instant::now();
        let recorded = match work {
            Work::Call => gate.run_sync(call(&argument), || Ok::<_, Refused>(argument.clone())).is_ok(),
            Work::Observation => gate
                .observe(call(&argument), returned(&argument))
                .is_ok_and(|receipt| receipt.acknowledged().wait().is_ok()),
        };
        assert!(recorded, "a call was refused");
        if phase.is_counting() {
            times.push(start.elapsed());
        }
    }
    times
}

/// How a call ended that is over when it is recorded.
fn returned(result: &str) -> Ending {
    Ending::returned(result, Capture::Commit)
}
