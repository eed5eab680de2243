//! Fuzzes nothing: writes the seed corpora into the folder in
//! `ASQAV_FUZZ_SEEDS`, with what the reference corpus in `ASQAV_CORPUS` has.
//! (A fuzz target, since a plain program does not link under their flags.)
#![no_main]

use std::fs;
use std::path::{Path, PathBuf};

use asqav_fuzz::{audit_log, chain, log, log_file, member, receipts, statement, support};
use asqav_receipt::base64url;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(init: write_all().expect("the seeds can be written"), |bytes: &[u8]| {
    let _nothing = bytes;
});

fn write_all() -> std::io::Result<()> {
    let seeds =
        Seeds { folder: std::env::var_os("ASQAV_FUZZ_SEEDS").map(PathBuf::from).expect("ASQAV_FUZZ_SEEDS") };
    for (at, receipt) in receipts().iter().enumerate() {
        seeds.write("receipt", &format!("own-{at}"), receipt)?;
        seeds.write("json", &format!("own-{at}"), receipt)?;
    }
    seeds.write("statement", "own", &statement())?;
    seeds.write("key_set", "own", &support::Key::new(1, "finance-1").pin().to_json())?;
    seeds.write("log", "own", &log_file(&log()))?;
    seeds.write("pqc_audit", "own", &audit_log())?;
    for (at, segment) in log().iter().enumerate() {
        seeds.write("header", &format!("own-{at}"), segment.header.as_deref().unwrap_or_default())?;
    }
    seeds.write("delegation", "own", &chain())?;
    for target in ["token", "proof"] {
        seeds.write(target, "empty", b"")?;
    }
    std::env::var_os("ASQAV_CORPUS").map_or(Ok(()), |corpus| seeds.take(Path::new(&corpus)))
}

struct Seeds {
    folder: PathBuf,
}

impl Seeds {
    fn write(&self, target: &str, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        let folder = self.folder.join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), bytes)
    }

    /// What the reference corpus has for each target.
    fn take(&self, corpus: &Path) -> std::io::Result<()> {
        for entry in fs::read_dir(corpus)? {
            let dir = entry?.path();
            let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let read = |file: &str| fs::read(dir.join(file)).ok();
            for keys in [read("jwks.json"), read("acta-keys.json")].into_iter().flatten() {
                self.write("key_set", &name, &keys)?;
            }
            if let Some(headers) = read("bitcoin_headers.json") {
                self.write("proof", &format!("{name}-headers"), &headers)?;
            }
            let Some(receipt) = read("receipt.json") else { continue };
            self.write(if name.starts_with("dsse") { "statement" } else { "receipt" }, &name, &receipt)?;
            self.write("json", &name, &receipt)?;
            let receipt: Value = serde_json::from_slice(&receipt).unwrap_or_default();
            for (at, anchor) in receipt["anchors"].as_array().into_iter().flatten().enumerate() {
                let value = member(anchor, "value").and_then(|value| base64url::decode_any(&value));
                let target = match anchor["type"].as_str() {
                    Some("rfc3161") => "token",
                    Some("opentimestamps") => "proof",
                    _ => continue,
                };
                self.write(target, &format!("{name}-{at}"), &value.unwrap_or_default())?;
            }
        }
        Ok(())
    }
}
