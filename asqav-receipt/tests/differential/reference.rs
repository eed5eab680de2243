//! The reference verifier, as one process for all cases.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;
use serde_json::json;

use crate::case::Case;

/// What the reference says.
#[derive(Debug, Clone, Deserialize)]
pub struct Answer {
    pub verdict: String,
    /// Result, class and note by axis.
    pub axes: BTreeMap<String, (String, Option<String>, String)>,
}

impl Answer {
    /// `verified`, `invalid`, `unverifiable` or `crashed`. Expiry and a skipped
    /// link count for nothing there either; neither do skipped anchors here,
    /// since whether they have to be proven is the caller's choice.
    pub fn class(&self) -> &str {
        let blocking = self.axes.iter().filter(|(name, (result, class, _))| {
            let tolerated = result == "SKIPPED" && ["anchors", "chain"].contains(&name.as_str());
            class.is_some() && *name != "expiry" && !tolerated
        });
        let classes: Vec<_> = blocking.filter_map(|(_, (_, class, _))| class.as_deref()).collect();
        match (self.verdict.as_str(), classes.as_slice()) {
            ("crashed", _) => "crashed",
            (_, []) => "verified",
            (_, classes) if classes.contains(&"invalid") => "invalid",
            _ => "unverifiable",
        }
    }

    /// The axes that did not pass, as `axis result`.
    pub fn complaints(&self) -> Vec<String> {
        let not_passed = self.axes.iter().filter(|(_, (result, ..))| result != "PASS");
        not_passed.map(|(name, (result, _, note))| format!("{name} {result}: {note}")).collect()
    }
}

/// The running process.
pub struct Reference {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Reference {
    /// `None`, with a message, without the interpreter that has the package.
    pub fn start() -> Option<Self> {
        let Some(python) = std::env::var_os("ASQAV_PYTHON") else {
            println!("skipped: ASQAV_PYTHON names no interpreter with the reference package");
            return None;
        };
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/differential/reference.py");
        let mut child =
            Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (to, from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Some(Self { child, to, from: BufReader::new(from) })
    }

    pub fn judge(&mut self, case: &Case) -> Answer {
        let mut line = json!({"receipt": case.receipt, "jwks": case.jwks});
        for (name, text) in [
            ("predecessor", &case.predecessor),
            ("originating", &case.originating),
            ("bitcoin_headers", &case.bitcoin_headers),
        ] {
            if let Some(text) = text {
                line[name] = json!(text);
            }
        }
        line["tsa_keys"] = json!(case.tsa_keys);
        writeln!(self.to, "{line}").unwrap();
        self.to.flush().unwrap();
        let mut answer = String::new();
        self.from.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
