//! A disk that is really full: a small tmpfs, where the test may mount one.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test ends where it fails, and says when it is skipped"
)]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use asqav::log::FileLog;
use asqav::log::reader::verify_dir;
use asqav::receipt::keys::{KeyEntry, KeySet};
use asqav::receipt::suite::ML_DSA_65;
use asqav::receipt::time::Timestamp;
use asqav::receipt::verify::{LogInputs, LogReport, Verdict};
use asqav::{AgentId, Closed, Gate, IssuerId, OpenError, Refused, Signer as _, SigningKey, ToolCall};

/// A mounted tmpfs; unmounted when dropped.
struct Disk(tempfile::TempDir);

impl Disk {
    fn mount(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        mount(&["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"], folder.path()).then_some(Self(folder))
    }

    fn grow(&self, size: &str) {
        assert!(mount(&["-o", &format!("remount,size={size}")], self.0.path()), "remount");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.0.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "umount");
    }
}

fn mount(options: &[&str], path: &Path) -> bool {
    Command::new("mount").args(options).arg(path).output().is_ok_and(|output| output.status.success())
}

fn key() -> SigningKey {
    SigningKey::from_seed(&[41; 32])
}

fn open(dir: &Path) -> Result<Gate, OpenError> {
    Gate::builder(AgentId::parse("agent").unwrap(), IssuerId::parse("acme").unwrap())
        .signer(Arc::new(key()))
        .without_policy()
        .log(FileLog::new(dir.join("log")))
        .open()
}

fn verify(dir: &Path, open: bool) -> LogReport {
    let entry = KeyEntry::active(&ML_DSA_65, key().public_key(), key().key_id().as_str(), "acme", "agent");
    let keys = KeySet::new(entry.into_iter().collect());
    let inputs = LogInputs::new().keys(&keys).at(Timestamp::MAX).allow_open(open);
    verify_dir(&dir.join("log"), inputs, &mut |_| {}).unwrap()
}

#[test]
fn a_full_disk_closes_the_gate_and_loses_nothing() {
    let Some(disk) = Disk::mount("256k") else {
        println!("skipped: not allowed to mount a tmpfs");
        return;
    };
    let dir = disk.0.path();
    let gate = open(dir).unwrap();
    let ran = AtomicUsize::new(0);
    let mut answered = 0;
    let refused = loop {
        let call = ToolCall::builder("work", "disk:work").build();
        let work = || {
            ran.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Refused>(7)
        };
        match gate.run_sync(call, work) {
            // Also where only the outcome did not fit: the result comes back.
            Ok(result) => answered += result / 7,
            Err(refused) => break refused,
        }
    };
    assert!(matches!(&refused, Refused::Closed { cause: Closed::Writing { .. } }), "{refused}");
    assert!(refused.to_string().contains("No space left"), "{refused}");
    assert!(answered > 5, "{answered} calls");
    assert_eq!(ran.into_inner(), answered, "no body ran without its decision");
    drop(gate);

    let report = verify(dir, true);
    assert_eq!(report.verdict, Verdict::Verified, "{:#?}", report.problems);
    disk.grow("4m");
    open(dir).unwrap().shutdown().wait().unwrap();
    let report = verify(dir, false);
    assert_eq!(report.verdict, Verdict::Verified, "{:#?}", report.problems);
    assert_eq!(report.recoveries, 1);
    assert!(report.unknown_outcomes <= 1, "at most the last call was cut off");
}
