//! A DSSE envelope: what is verified has the body that was signed.
#![no_main]

use std::sync::LazyLock;

use asqav_fuzz::{inputs, is_verified, pinned, statement, verify};
use asqav_receipt::dsse::Envelope;
use asqav_receipt::json::Json;
use asqav_receipt::keys::KeySet;
use asqav_receipt::statement::Statement;
use libfuzzer_sys::fuzz_target;

static KEYS: LazyLock<KeySet> = LazyLock::new(pinned);
static SIGNED: LazyLock<Vec<u8>> = LazyLock::new(|| body(&statement()).expect("a sound statement"));

fn body(bytes: &[u8]) -> Option<Vec<u8>> {
    let json = Json::parse(bytes).ok()?;
    Envelope::from_json(json.as_object()?).ok().map(|envelope| envelope.body)
}

fuzz_target!(|bytes: &[u8]| {
    drop(Statement::parse(bytes));
    drop(Statement::about(bytes));
    let Some(body) = body(bytes) else { return };
    let report = verify(bytes, &inputs(&KEYS));
    assert!(!is_verified(&report) || body == *SIGNED, "verified, but never signed");
});
