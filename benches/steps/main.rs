//! Single steps, to be counted in instructions: `cargo xtask instructions`.
//!
//! Run by itself it prints nothing: it does the step that its argument names
//! once, inside a function whose name begins with `measured`, and callgrind
//! counts what happens there. Unlike times, instructions do not depend on what
//! else the machine does.

use std::error::Error;
use std::hint::black_box;

use asqav_core::key::SigningKey;
use asqav_core::sign::Signer as _;
use asqav_core::testing::{AllowAll, TestGate};
use asqav_core::{Refused, ToolCall};
use asqav_receipt::commitment::{commit, salt};
use asqav_receipt::payload::{Link, Payload};
use asqav_receipt::receipt::{ReceiptSignature, line};
use asqav_receipt::suite::{ML_DSA_65, VerifyingKey};
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::{LogInputs, LogVerifier};
use ml_dsa::{ExpandedSigningKey, MlDsa65};

const SEED: [u8; 32] = [3; 32];
/// As long as the payload of a receipt.
const MESSAGE: [u8; 1_400] = [b'{'; 1_400];

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args().nth(1).as_deref() {
        Some("sign") => {
            let key = ExpandedSigningKey::<MlDsa65>::from_seed(&SEED.into());
            if !measured_sign(&key) {
                return Err("nothing was signed".into());
            }
        }
        Some("verify") => {
            let key = SigningKey::from_seed(&SEED);
            let public = VerifyingKey::new(&ML_DSA_65, key.public_key()).ok_or("no key")?;
            if !measured_verify(&public, &key.sign(&MESSAGE)?) {
                return Err("not verified".into());
            }
        }
        Some("receipt") => {
            let (payload, signature) = outcome()?;
            black_box(measured_receipt(&payload, &signature));
        }
        Some("log") => {
            let (test, lines) = calls()?;
            let mut verifier = LogVerifier::new(LogInputs::new().keys(test.keys()).at(Timestamp::MAX));
            verifier.segment_start(1);
            let (first, others) = lines.split_at(1);
            first.iter().for_each(|line| verifier.line(line));
            if measured_log(&mut verifier, others) != others.len() {
                return Err("a receipt was not verified".into());
            }
        }
        // As a benchmark among others it has nothing to say.
        _ => {}
    }
    Ok(())
}

/// Without randomness (FIPS 204 §3.4), so that the same attempts are made.
#[inline(never)]
fn measured_sign(key: &ExpandedSigningKey<MlDsa65>) -> bool {
    key.sign_deterministic(&MESSAGE, &[]).is_ok()
}

#[inline(never)]
fn measured_verify(key: &VerifyingKey, signature: &[u8]) -> bool {
    key.verifies(&MESSAGE, signature)
}

/// What a receipt takes besides its signature: a commitment to 500 bytes,
/// canonical bytes, both links, the line.
#[inline(never)]
fn measured_receipt(payload: &Payload, signature: &ReceiptSignature) -> (Link, Vec<u8>) {
    let salt = salt(&SEED, "/result");
    black_box(commit(payload.asqav.log_id, payload.action_id, "/result", &salt, &[b'a'; 500]));
    let canonical = payload.to_canonical();
    (Link::to(&canonical), line(&canonical, signature))
}

/// What verifying receipts takes besides their signatures: reading the lines,
/// hashing, and what ties them to each other. How many signatures remain.
#[inline(never)]
fn measured_log<'a>(verifier: &mut LogVerifier<'a>, lines: &[Vec<u8>]) -> usize {
    lines.iter().filter_map(|line| verifier.line_deferred(line)).count()
}

/// Log lines without their line feeds.
type Lines = Vec<Vec<u8>>;

/// The lines of 16 calls, two receipts each, after that of the gate's start.
fn calls() -> Result<(TestGate, Lines), Box<dyn Error>> {
    let test = TestGate::with_policy(AllowAll::new());
    let argument = "a".repeat(500);
    for _ in 0..16 {
        let call = ToolCall::builder("query_account", "ledger:query").argument("q", &argument).build();
        test.gate().run_sync(call, || Ok::<_, Refused>(argument.clone()))?;
    }
    let receipts = test.receipts();
    let mut lines: Vec<_> =
        receipts.entries().iter().map(|entry| line(&entry.canonical, &entry.signature)).collect();
    if lines.len() < 33 {
        return Err("receipts are missing".into());
    }
    // A start, and with a policy its activation: one more or less makes no difference.
    lines.truncate(33);
    Ok((test, lines))
}

/// An outcome receipt as a gate makes it.
fn outcome() -> Result<(Payload, ReceiptSignature), Box<dyn Error>> {
    let test = TestGate::new();
    let argument = "a".repeat(500);
    let call = ToolCall::builder("query_account", "ledger:query").argument("q", &argument).build();
    test.gate().run_sync(call, || Ok::<_, Refused>(argument.clone()))?;
    let receipts = test.receipts();
    let entry = receipts.entries().last().ok_or("no receipt")?;
    Ok((Payload::clone(&entry.payload), ReceiptSignature::clone(&entry.signature)))
}
