//! An agent that works on a ledger, and leaves evidence of every tool call.
//!
//! ```text
//! cargo run --example finance_agent [-- --dir DIR]
//! ```
//!
//! Read `tools.rs` first: the agent's tools are ordinary functions with one
//! attribute. `setup.rs` opens keys, ledger and gate, `work.rs` is what the
//! agent does, `router.rs` puts the same tools behind the tower layer, and
//! `evidence.rs` verifies and shows what was recorded.
//!
//! DIR (default `./target/finance-agent`) then holds `audit-log/`, the key
//! files (`keys.jwks.json` is the public one) and `ledger.db`. A second run
//! continues the same ledger and the same log.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to who runs it")]

mod evidence;
mod ledger;
mod router;
mod setup;
mod tools;
mod work;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use setup::Setup;

#[tokio::main]
async fn main() -> ExitCode {
    let done = match directory() {
        Ok(dir) => run(dir).await,
        Err(usage) => Err(usage.into()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {}", explain(&*error));
            ExitCode::from(3)
        }
    }
}

/// Works, stops cleanly, verifies; tells whether the log is verified.
async fn run(dir: PathBuf) -> Result<bool, Box<dyn Error>> {
    let setup = Setup::open(&dir)?;
    setup.introduce()?;

    // From here on, every #[signed] function goes through this gate.
    let installed = setup.gate.install();
    work::one_call(&setup.ledger).await;
    work::refunds(&setup.gate, &setup.ledger).await?;
    work::through_tower(&setup.gate, &setup.ledger).await?;
    work::failures(&setup.ledger).await;
    work::refusals(&setup.ledger).await;
    work::after_the_fact(&setup.gate).await?;
    drop(installed);

    setup.gate.shutdown().await?;
    evidence::show(&setup)
}

/// The directory of `--dir`.
fn directory() -> Result<PathBuf, String> {
    let usage = "usage: finance_agent [--dir DIR]";
    let mut args = std::env::args_os().skip(1);
    match (args.next(), args.next(), args.next()) {
        (None, ..) => Ok(PathBuf::from("./target/finance-agent")),
        (Some(flag), Some(dir), None) if flag == "--dir" && !dir.is_empty() => Ok(PathBuf::from(dir)),
        _ => Err(usage.to_owned()),
    }
}

/// An error and what caused it, in one line.
fn explain(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", explain(source)),
        None => error.to_string(),
    }
}
