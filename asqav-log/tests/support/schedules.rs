//! Schedules of faults drawn from seeds, on every core.

use std::panic::RefUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many schedules run where `ASQAV_SCHEDULES` does not say.
const BY_DEFAULT: u64 = 2_000;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

/// Runs `schedule` for the seeds from `ASQAV_SEED` (0) on: one in `share` of
/// `ASQAV_SCHEDULES`, and at least one. The first that fails is named; the
/// threads stop there.
pub fn run(share: u64, schedule: impl Fn(u64) + Sync + RefUnwindSafe) {
    let first = setting("ASQAV_SEED").unwrap_or(0);
    let count = setting("ASQAV_SCHEDULES").unwrap_or(BY_DEFAULT).div_ceil(share);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicU64::new(first);
    let failed = AtomicU64::new(u64::MAX);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count || failed.load(Ordering::Relaxed) != u64::MAX {
                        break;
                    }
                    if std::panic::catch_unwind(|| schedule(seed)).is_err() {
                        failed.fetch_min(seed, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner();
    assert!(failed == u64::MAX, "run again with ASQAV_SEED={failed} ASQAV_SCHEDULES=1");
}
