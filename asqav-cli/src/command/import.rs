//! `asqav import`: what an old log was found to be, in receipts of a new one.

use std::io::Write as _;
use std::sync::Arc;

use asqav_core::gate::Gate;
use asqav_core::key::SigningKey;
use asqav_core::session::SessionStatus;
use asqav_core::sign::Signer as _;
use asqav_log::FileLog;
use asqav_log::keyfile::load_vault_key;
use asqav_log::pqc_audit_log_fs::{AuditDir, check_directories, import};
use asqav_receipt::id::{AgentId, IssuerId};
use asqav_receipt::json::{Json, Object};
use asqav_receipt::keys::{KeyEntry, KeySet};
use asqav_receipt::verify::pqc_audit_log_fs::{Inputs, Report};

use crate::args::Import;
use crate::command::pqc_audit::pinned_keys;
use crate::error::{CliError, chain};
use crate::exit::Exit;
use crate::input;
use crate::output::Output;
use crate::progress::Progress;
use crate::report::verdict_word;
use crate::text::escape;

/// Verifies the old log, then records what was found through a gate. An old
/// log that is not verified is taken over as that.
pub(crate) fn run(args: &Import, output: &mut Output) -> Result<Exit, CliError> {
    check_directories(&args.old_dir, &args.into).map_err(|error| CliError::Import(chain(&error)))?;
    let (key, keys) = input::pinned_signing_key(&args.key, &args.keys)?;
    let (agent, issuer) = owner(args, &key, &keys)?;
    let old_keys = pinned_keys(&args.old_key)?;
    let vault_key = args.vault_key.as_deref().map(load_vault_key).transpose()?;

    let dir = AuditDir::open(&args.old_dir)?;
    let progress = Progress::new(dir.len());
    let examined =
        dir.examine(Inputs::new().keys(&old_keys).at(input::now()), &mut |done| progress.set(done));
    progress.finish();
    let (report, digests) = examined?;

    let mut log = FileLog::new(&args.into).former_keys(keys);
    if let Some(key) = vault_key {
        log = log.vault_key(key);
    }
    let failed = |error: &dyn std::error::Error| CliError::Import(chain(error));
    let gate = Gate::builder(agent, issuer)
        .signer(Arc::new(key))
        .without_policy()
        .log(log)
        .open()
        .map_err(|error| failed(&error))?;
    let session = gate.session("import").open().wait().map_err(|error| failed(&error))?;
    let recorded = session.scope_sync(|| import(&gate, &dir, &report, &digests));
    let status = if recorded.is_ok() { SessionStatus::Completed } else { SessionStatus::Failed };
    let closed = session.close(status).wait();
    let receipts = recorded.map_err(|error| failed(&error))?;
    closed.map_err(|error| failed(&error))?;
    gate.shutdown().wait().map_err(|error| failed(&error))?;
    tell(args, &report, receipts, output)?;
    Ok(Exit::Done)
}

/// Agent and issuer, as the pinned entry of the signing key names them.
fn owner(args: &Import, key: &SigningKey, keys: &KeySet) -> Result<(AgentId, IssuerId), CliError> {
    let own = |entry: &&KeyEntry| entry.public_key() == Some(key.public_key());
    let mut entries = keys.entries().iter().filter(own);
    let names = entries.find_map(|entry| {
        let agent = AgentId::parse(entry.agent_id.as_deref()?).ok()?;
        Some((agent, IssuerId::parse(entry.issuer_id.as_deref()?).ok()?))
    });
    names.ok_or_else(|| CliError::NotA {
        path: args.keys.clone(),
        expected: "the key set of keygen",
        why: "the key's entry does not name agent and issuer".to_owned(),
    })
}

fn tell(args: &Import, report: &Report, receipts: u64, output: &mut Output) -> Result<(), CliError> {
    if output.is_json() {
        let mut object = Object::new();
        object.set("receipts", Json::count(receipts));
        object.set("old_log", report.to_json());
        return output.object(&Json::Object(object));
    }
    let reason = report.reason_code.map_or_else(String::new, |reason| format!(" ({reason})"));
    writeln!(
        output,
        "the old log is {}{reason}: {} events in {} sealed segments",
        verdict_word(report.verdict),
        report.events,
        report.segments.len()
    )?;
    if report.segments.iter().any(|segment| !segment.is_post_quantum()) {
        writeln!(
            output,
            "its signatures are no post-quantum evidence, whatever their label says; the new receipts are"
        )?;
    }
    writeln!(output, "{receipts} receipts bind its files in {}", escape(&args.into.display().to_string()))?;
    writeln!(output, "keep the old files: the receipts hold their digests, not their content")?;
    Ok(output.flush()?)
}
