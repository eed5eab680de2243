//! `asqav keygen`: a signing key, a vault key, and the key set to pin.

use std::io::Write as _;

use asqav_core::sign::Signer as _;
use asqav_log::keyfile::{self, KEY_SET, SIGNING_KEY, VAULT_KEY};
use asqav_receipt::json::{Json, Object};

use crate::args::Keygen;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;
use crate::text::{escape, width};

/// Makes the three files; never overwrites one.
pub(crate) fn run(args: &Keygen, output: &mut Output) -> Result<Exit, CliError> {
    let key = keyfile::create(&args.out, &args.agent, &args.issuer)?;
    let path = |name: &str| args.out.join(name).display().to_string();
    if output.is_json() {
        let mut object = Object::new();
        object.set("agent_id", args.agent.as_str());
        object.set("issuer_id", args.issuer.as_str());
        object.set("algorithm", key.algorithm());
        object.set("kid", key.key_id().as_str());
        object.set("key_thumbprint", key.thumbprint().to_tagged());
        object.set("signing_key", path(SIGNING_KEY));
        object.set("vault_key", path(VAULT_KEY));
        object.set("keys", path(KEY_SET));
        output.object(&Json::Object(object))?;
        return Ok(Exit::Done);
    }
    writeln!(output, "Made an {} key.", key.algorithm())?;
    writeln!(output)?;
    writeln!(output, "  agent       {}", escape(args.agent.as_str()))?;
    writeln!(output, "  issuer      {}", escape(args.issuer.as_str()))?;
    writeln!(output, "  thumbprint  {}", key.thumbprint().to_tagged())?;
    writeln!(output)?;
    let files = [
        (SIGNING_KEY, "signs; keep it secret (mode 0600)"),
        (VAULT_KEY, "opens commitments; keep it secret (mode 0600)"),
        (KEY_SET, "the public key; give it to auditors to pin"),
    ];
    let widest = files.map(|(name, _)| width(&path(name))).into_iter().max().unwrap_or(0);
    for (name, what) in files {
        writeln!(output, "  {:<widest$}  {what}", escape(&path(name)))?;
    }
    output.flush()?;
    Ok(Exit::Done)
}
