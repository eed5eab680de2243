//! `asqav scope check`: whether a chain holds, and allows a call.

use std::io::Write as _;

use asqav_core::delegation::Presented;
use asqav_policy::Delegations;
use asqav_receipt::delegation::{Chain, ChainFault, Revoked};
use asqav_receipt::json::{Json, Object};
use asqav_receipt::time::Timestamp;

use crate::args::CheckScope;
use crate::command::policy::read_call;
use crate::error::CliError;
use crate::exit::Exit;
use crate::input;
use crate::output::{Colour, Output};

/// What a gate would say, with the same code.
pub(super) fn run(args: &CheckScope, output: &mut Output) -> Result<Exit, CliError> {
    let keys = input::key_set(&args.keys)?;
    let mut revoked = Revoked::default();
    revoked.tokens.extend(&args.revoked_token);
    revoked.keys.extend(&args.revoked_key);
    let call = args.call.as_deref().map(read_call).transpose()?;
    let agent_key = args.agent_key.as_deref().map(super::thumbprint).transpose()?;
    let lines = input::read(&args.chain)?;
    let now = args.at.unwrap_or_else(input::now);
    let judged = Chain::parse(&lines).map_err(ChainFault::code).and_then(|chain| {
        chain.verify(&keys, &revoked).map_err(ChainFault::code)?;
        let last = chain.tokens().last().ok_or(ChainFault::Malformed.code())?;
        let delegate = last.delegation.delegate.clone();
        let agent = args.agent.clone().unwrap_or(delegate.agent);
        let key = agent_key.or(delegate.key);
        chain.applies(agent.as_str(), key.as_ref(), now).map_err(ChainFault::code)?;
        if let Some(call) = call {
            let call = call.agent(agent.as_str()).at(now);
            let layer = Delegations::new("scope", keys.clone()).map_err(|_| ChainFault::Malformed.code())?;
            let layer = layer.revoked(revoked.clone());
            layer.check(&Presented::from(chain.clone()), key.as_ref(), &call.facts())?;
        }
        Ok(chain)
    });
    write(&judged, now, args.call.is_some(), output)
}

fn write(
    judged: &Result<Chain, &'static str>,
    now: Timestamp,
    of_a_call: bool,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let exit = if judged.is_ok() { Exit::Done } else { Exit::Invalid };
    if output.is_json() {
        let mut object = Object::new();
        object.set("ok", judged.is_ok());
        match judged {
            Ok(chain) => object.set("chain", chain.digest().to_tagged()),
            Err(code) => object.set("reason", *code),
        }
        object.set("at", now.to_string());
        output.object(&Json::Object(object))?;
        return Ok(exit);
    }
    match judged {
        Ok(chain) => {
            let what = if of_a_call { "allows the call" } else { "holds" };
            writeln!(output, "{}: until {}", output.paint(Colour::Green, what), chain.expires_at())?;
        }
        Err(code) => {
            let what = if of_a_call { "does not allow the call" } else { "does not hold" };
            writeln!(output, "{}: {code}", output.paint(Colour::Red, what))?;
        }
    }
    output.flush()?;
    Ok(exit)
}
