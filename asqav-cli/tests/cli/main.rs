//! Exit code, standard output and standard error of every command and of
//! every error case, as snapshots.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on fails")]

mod anchor;
mod approve;
mod harness;
mod keygen;
mod log;
mod policy;
mod pqc_audit;
mod receipts;
mod retain;
mod scope;
#[path = "../../../asqav-log/tests/support/openssl.rs"]
mod tsa;
mod usage;
mod vault;
mod verify_receipt;
