//! `asqav scope new`: signs a token, and writes the chain that ends with it.

use std::io::Write as _;

use asqav_core::delegation::Terms;
use asqav_log::keyfile::load_signing_key;
use asqav_receipt::delegation::Delegate;

use crate::args::NewScope;
use crate::error::CliError;
use crate::exit::Exit;
use crate::input;
use crate::output::{Output, write_new};

/// What nobody would accept is not signed.
pub(super) fn run(args: &NewScope, output: &mut Output) -> Result<Exit, CliError> {
    let key = load_signing_key(&args.key)?;
    let agent_key = args.agent_key.as_deref().map(super::thumbprint).transpose()?;
    let terms = Terms {
        delegate: Delegate { agent: args.agent.clone(), key: agent_key },
        tools: args.tools.clone(),
        when: args.when.clone(),
        not_before: args.from.unwrap_or_else(input::now),
        expires_at: args.until,
        depth: args.depth,
    };
    let chain = match (&args.parent, &args.issuer) {
        (Some(parent), _) => terms.delegate(&super::chain(parent)?, &key)?,
        (None, Some(issuer)) => terms.issue(issuer, &key)?,
        (None, None) => {
            return Err(CliError::Usage("--issuer or --parent says on whose authority".to_owned()));
        }
    };
    let lines = chain.to_lines();
    match &args.output {
        Some(path) => write_new(path, |to| Ok(to.write_all(&lines)?))?,
        None => {
            output.write_all(&lines)?;
            output.flush()?;
        }
    }
    Ok(Exit::Done)
}
