//! What verifying a log costs besides its signatures.
//!
//! `cargo xtask bench` prints, for a log signed one by one and one signed in
//! batches of up to 1,024, both of outcome and decision receipts with
//! commitments to 500 bytes: the time of a receipt in memory on one thread,
//! beside raw verification and beside the hashes that it takes at least, and
//! how much faster a log on disk is verified on all cores than on one.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "../support/mod.rs"]
mod support;

use std::error::Error;
use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use asqav_core::Refused;
use asqav_core::log::Durability;
use asqav_core::sign::{Signer as _, Signing};
use asqav_log::FileLog;
use asqav_log::reader::{LogReader, verify_dir};
use asqav_receipt::batch::leaves;
use asqav_receipt::keys::KeySet;
use asqav_receipt::merkle::{Sha3Tree, TreeHash as _};
use asqav_receipt::payload::Link;
use asqav_receipt::suite::{ML_DSA_65, VerifyingKey};
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::{LogInputs, LogVerifier, ReadLine, Verdict};

use support::{Setup, call, cpu, key, micros, pinned};

/// Calls whose receipts are verified.
const CALLS: usize = 8_192;
const CALLERS: usize = 512;
/// Lines that are read together.
const PART: usize = 64;
const RUNS: usize = 7;
/// Names the log that a process of its own verifies.
const ASKED: &str = "ASQAV_VERIFY";

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(dir) = std::env::var_os(ASKED) {
        println!("{}", on_disk(Path::new(&dir))?.as_nanos());
        return Ok(());
    }
    let raw = raw()?;
    println!("raw ML-DSA-65 verify {:>10.1} µs", micros(raw));
    for (name, signing) in [("one by one", Signing::EachReceipt), ("batches", Signing::Batched)] {
        let dir = tempfile::tempdir()?;
        write(dir.path(), signing)?;
        let log = InMemory::read(dir.path())?;
        let hash = || {
            log.hash();
            Ok(())
        };
        let (each, hashing) = (best(|| log.verify())?, best(hash)?);
        let count = u32::try_from(log.receipts())?;
        let (each, hashing) = (each / count, hashing / count);
        println!("\n{name}: {count} receipts, {} bytes each", log.bytes() / log.receipts());
        println!(
            "  a receipt in memory {:>10.1} µs   {:.2} x raw, {:.0} receipts/s and core",
            micros(each),
            each.as_secs_f64() / raw.as_secs_f64(),
            1.0 / each.as_secs_f64()
        );
        println!("  its hashes alone    {:>10.1} µs", micros(hashing));
        let (one, all) = (child(dir.path(), true)?, child(dir.path(), false)?);
        println!(
            "  on all cores        {:>10.1} µs   {:.2} x one core",
            micros(all / count),
            one.as_secs_f64() / all.as_secs_f64()
        );
    }
    Ok(())
}

/// One verification, best of many.
fn raw() -> Result<Duration, Box<dyn Error>> {
    let (key, message) = (key(), [b'{'; 1_400]);
    let signature = key.sign(&message)?;
    let public = VerifyingKey::new(&ML_DSA_65, key.public_key()).ok_or("no key")?;
    let verify = || {
        (0..200).for_each(|_| assert!(public.verifies(&message, &signature), "not verified"));
        Ok(())
    };
    Ok(best(verify)? / 200)
}

/// CPU time of the fastest of some runs: other programs take less part in it.
fn best(mut work: impl FnMut() -> Result<(), Box<dyn Error>>) -> Result<Duration, Box<dyn Error>> {
    let mut best = Duration::MAX;
    for _ in 0..RUNS {
        let before = cpu();
        work()?;
        best = best.min(cpu() - before);
    }
    Ok(best)
}

/// Makes a log of decisions and outcomes.
fn write(dir: &Path, signing: Signing) -> Result<(), Box<dyn Error>> {
    let setup = Setup { signing, durability: Durability::Queued, ..Setup::new(support::aws_lc()?) };
    let gate = setup.gate(FileLog::new(dir))?;
    let argument = "a".repeat(500);
    std::thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                for _ in 0..CALLS / CALLERS {
                    let ran = gate.run_sync(call(&argument), || Ok::<_, Refused>(argument.clone()));
                    assert!(ran.is_ok(), "a call was refused");
                }
            });
        }
    });
    Ok(gate.shutdown().wait()?)
}

fn inputs(keys: &KeySet) -> LogInputs<'_> {
    LogInputs::new().keys(keys).at(Timestamp::MAX)
}

/// A log whose files were read.
struct InMemory {
    segments: Vec<Segment>,
    keys: KeySet,
}

struct Segment {
    number: u64,
    lines: Vec<Vec<u8>>,
    header: Vec<u8>,
}

impl InMemory {
    fn read(dir: &Path) -> Result<Self, Box<dyn Error>> {
        let reader = LogReader::open(dir)?;
        let mut segments = Vec::new();
        for number in reader.segments().keys().copied() {
            let mut lines = Vec::new();
            reader.visit_one(number, &mut |piece| {
                lines.push(piece.bytes.to_vec());
                ControlFlow::Continue(())
            })?;
            segments.push(Segment { number, lines, header: reader.header(number)? });
        }
        Ok(Self { segments, keys: pinned() })
    }

    fn lines(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.segments.iter().flat_map(|segment| &segment.lines)
    }

    fn receipts(&self) -> usize {
        self.lines().count()
    }

    fn bytes(&self) -> usize {
        self.lines().map(|line| line.len() + 1).sum()
    }

    fn verify(&self) -> Result<(), Box<dyn Error>> {
        let mut verifier = LogVerifier::new(inputs(&self.keys));
        for segment in &self.segments {
            verifier.segment_start(segment.number);
            for part in segment.lines.chunks(PART) {
                let part: Vec<_> = part.iter().map(Vec::as_slice).collect();
                for line in ReadLine::each(&part) {
                    if let Some(job) = verifier.read_line(line) {
                        verifier.signature(job.check());
                    }
                }
            }
            verifier.sealed(&segment.header);
        }
        let report = verifier.finish();
        match report.verdict {
            Verdict::Verified => Ok(()),
            _ => Err(format!("the log is not verified: {:?}", report.problems).into()),
        }
    }

    /// What no verifier of such a log can leave out: the leaf of each line, both
    /// links and the batch's leaf.
    fn hash(&self) {
        let lines: Vec<_> = self.lines().map(Vec::as_slice).collect();
        for part in lines.chunks(PART) {
            let payload = |line: &&[u8]| {
                let end = line.windows(14).rposition(|part| part == br#","signature":{"#);
                line.get(11..end.unwrap_or(line.len())).map(<[u8]>::to_vec)
            };
            let payloads: Vec<_> = part.iter().filter_map(payload).collect();
            let payloads: Vec<_> = payloads.iter().map(Vec::as_slice).collect();
            black_box((Sha3Tree::leaves(part), Link::to_each(&payloads)));
            if part.iter().all(|line| line.len() < 3_000) {
                black_box(leaves(&payloads));
            }
        }
    }
}

/// Verifies the log in `dir` in a new process, on one core or on all.
fn child(dir: &Path, one: bool) -> Result<Duration, Box<dyn Error>> {
    let program = std::env::current_exe()?;
    let mut command = match one {
        true => Command::new("taskset"),
        false => Command::new(&program),
    };
    if one {
        command.args(["-c", "0"]).arg(&program);
    }
    let output = command.env(ASKED, dir).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(Duration::from_nanos(String::from_utf8(output.stdout)?.trim().parse()?))
}

fn on_disk(dir: &Path) -> Result<Duration, Box<dyn Error>> {
    let keys = pinned();
    let mut best = Duration::MAX;
    for _ in 0..RUNS {
        let start = Instant::now();
        if verify_dir(dir, inputs(&keys), &mut |_| {})?.verdict != Verdict::Verified {
            return Err("the log is not verified".into());
        }
        best = best.min(start.elapsed());
    }
    Ok(best)
}
