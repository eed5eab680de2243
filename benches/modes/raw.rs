//! What calls are made of, each by itself.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use asqav_core::sign::Signer;
use asqav_receipt::suite::{ML_DSA_65, VerifyingKey};

use crate::support;

const COUNT: u32 = 400;
/// Signatures: they are made by trial, so that it takes many for their mean.
pub(crate) const SIGNATURES: u32 = 4_000;
/// What one receipt writes, about.
const WRITE_LEN: usize = 6_000;

/// Mean times of single operations.
pub(crate) struct Raw {
    pub(crate) cores: f64,
    pub(crate) verify: Duration,
    pub(crate) sync: Duration,
}

impl Raw {
    pub(crate) fn measure() -> Result<Self, Box<dyn Error>> {
        let key = support::key();
        let message = message();
        let signature = key.sign(&message)?;
        let public = VerifyingKey::new(&ML_DSA_65, key.public_key()).ok_or("no key")?;
        let verify = mean(COUNT * 4, || assert!(public.verifies(&message, &signature), "does not verify"));
        let dir = tempfile::tempdir()?;
        let mut file = File::create(dir.path().join("raw"))?;
        let sync = mean(COUNT, || sync(&mut file));
        let cores = f64::from(u32::try_from(available_parallelism().map_or(1, NonZeroUsize::get))?);
        Ok(Self { cores, verify, sync })
    }
}

/// How long something takes that is done again and again.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    pub(crate) mean: Duration,
    median: Duration,
    /// Half the median of two in succession: what a call's two receipts take
    /// at least, each.
    half_of_two: Duration,
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [mean, median, half] = [self.mean, self.median, self.half_of_two].map(support::micros);
        write!(f, "{mean:.1} µs mean, {median:.1} µs median, {half:.1} µs half the median of two")
    }
}

/// Signatures: some take several times as long as most.
pub(crate) fn sign(signer: &dyn Signer, count: u32) -> Times {
    times(signer, count, || {})
}

/// Signatures with a write and `fdatasync` after each: a disk that has rested
/// for as long as a signature takes may answer later than one that has not.
pub(crate) fn sign_and_sync(signer: &dyn Signer) -> Result<Times, Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let mut file = File::create(dir.path().join("raw"))?;
    Ok(times(signer, COUNT * 3, || sync(&mut file)))
}

/// Of `count` signatures with what is done after each. The first is not
/// counted: a backend may test itself before it.
fn times(signer: &dyn Signer, count: u32, mut after: impl FnMut()) -> Times {
    let message = message();
    assert!(signer.sign(&message).is_ok(), "nothing was signed");
    let times: Vec<_> = (0..count)
        .map(|_| {
            let start = Instant::now();
            assert!(signer.sign(&message).is_ok(), "nothing was signed");
            after();
            start.elapsed()
        })
        .collect();
    let mean = times.iter().sum::<Duration>() / count;
    let half_of_two = median(times.chunks_exact(2).map(|two| two.iter().sum()).collect()) / 2;
    Times { mean, median: median(times), half_of_two }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn sync(file: &mut File) {
    let written = file.write_all(&[b'x'; WRITE_LEN]).and_then(|()| file.sync_data());
    assert!(written.is_ok(), "{written:?}");
}

/// As long as the payload of a receipt.
fn message() -> Vec<u8> {
    vec![b'{'; 1_400]
}

fn mean(count: u32, mut work: impl FnMut()) -> Duration {
    let start = Instant::now();
    (0..count).for_each(|_| work());
    start.elapsed() / count
}
