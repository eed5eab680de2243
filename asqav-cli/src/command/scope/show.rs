//! `asqav scope show`: what a chain says, token by token.

use std::io::Write as _;

use asqav_receipt::canonical;
use asqav_receipt::delegation::{Chain, Delegation};
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::json::{Json, Object};

use crate::args::ShowScope;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;
use crate::text::{escape, escape_json};

/// Nothing is judged here, and the last line says so.
pub(super) fn run(args: &ShowScope, output: &mut Output) -> Result<Exit, CliError> {
    let chain = super::chain(&args.chain)?;
    if output.is_json() {
        output.object(&to_json(&chain))?;
        return Ok(Exit::Done);
    }
    for (at, (token, digest)) in chain.tokens().iter().zip(chain.digests()).enumerate() {
        writeln!(output, "token {} of {}", at + 1, chain.tokens().len())?;
        for (name, text) in lines(&token.delegation) {
            writeln!(output, "  {name:<9} {text}")?;
        }
        writeln!(output, "  digest    {}", digest.to_tagged())?;
        writeln!(output)?;
    }
    writeln!(output, "Nothing is checked: see `asqav scope check`.")?;
    output.flush()?;
    Ok(Exit::Done)
}

/// The members for people, escaped.
fn lines(delegation: &Delegation) -> Vec<(&'static str, String)> {
    let Delegation {
        id, issuer, key_thumbprint, delegate, tools, when, not_before, expires_at, depth, ..
    } = delegation;
    let key = delegate.key.as_ref().map_or_else(|| "any".to_owned(), Sha256Digest::to_tagged);
    let mut lines = vec![
        ("id", id.to_string()),
        ("issuer", escape(issuer.as_str())),
        ("signed by", key_thumbprint.to_tagged()),
        ("agent", escape(delegate.agent.as_str())),
        ("its key", key),
    ];
    lines.extend(tools.iter().map(|tool| ("tool", escape(tool.as_str()))));
    let restriction = |json: &Json| escape_json(&String::from_utf8_lossy(&canonical::to_vec(json)));
    lines.extend(when.iter().map(|one| ("when", restriction(&one.to_json()))));
    lines.extend([
        ("from", not_before.to_string()),
        ("until", expires_at.to_string()),
        ("depth", depth.to_string()),
    ]);
    lines
}

fn to_json(chain: &Chain) -> Json {
    let tokens = chain.tokens().iter().zip(chain.digests()).map(|(token, digest)| {
        let mut object = Object::new();
        object.set("delegation", token.delegation.to_json());
        object.set("digest", digest.to_tagged());
        Json::Object(object)
    });
    let mut object = Object::new();
    object.set("tokens", Json::Array(tokens.collect()));
    Json::Object(object)
}
