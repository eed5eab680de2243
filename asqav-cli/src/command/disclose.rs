//! `asqav disclose`: a receipt with the openings of the values that are named,
//! and of no others; `asqav verify` checks it without the log.

use std::io::Write as _;

use asqav_log::keyfile::load_vault_key;
use asqav_log::reader::LogReader;
use asqav_log::vault::{Opened, Vault};
use asqav_receipt::canonical;
use asqav_receipt::disclosure::Disclosure;

use crate::args::Disclose;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::{Output, write_new};

/// A disclosure as JSON is never longer: verification takes no more.
const MAX_LEN: usize = asqav_receipt::verify::MAX_ENVELOPE_LEN;

/// Finds the receipt and its openings, and writes what was asked for.
pub(crate) fn run(args: &Disclose, output: &mut Output) -> Result<Exit, CliError> {
    let pointers = pointers(args);
    if pointers.is_empty() {
        return Err(CliError::Usage("--argument, --result or --pointer names what is disclosed".to_owned()));
    }
    let log = LogReader::open(&args.log_dir)?;
    let found = log.find_action(args.id)?.ok_or_else(|| CliError::NoSuchReceipt(args.id.to_string()))?;
    let key = load_vault_key(&args.vault_key)?;
    let openings = match Vault::new(&args.log_dir, key).open(args.id)? {
        Opened::Openings(openings) => openings,
        Opened::Erased => return Err(CliError::NoOpenings("its openings were erased")),
        _ => return Err(CliError::NoOpenings("the vault holds no openings of it")),
    };
    let disclosure = Disclosure::new(found.receipt, &openings, &pointers)?;
    let mut bytes = canonical::to_vec(&disclosure.to_json());
    bytes.push(b'\n');
    if bytes.len() > MAX_LEN {
        let why =
            format!("the disclosure would have more than {MAX_LEN} bytes: disclose fewer values at once");
        return Err(CliError::Usage(why));
    }
    match &args.output {
        Some(path) => write_new(path, |to| Ok(to.write_all(&bytes)?))?,
        None => {
            output.write_all(&bytes)?;
            output.flush()?;
        }
    }
    Ok(Exit::Done)
}

/// Where the receipt commits to what was named.
fn pointers(args: &Disclose) -> Vec<String> {
    let arguments = args.argument.iter().map(|name| format!("/arguments/{name}"));
    let result = args.result.then(|| "/result".to_owned());
    arguments.chain(result).chain(args.pointer.iter().cloned()).collect()
}
