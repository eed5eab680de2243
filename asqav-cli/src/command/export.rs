//! `asqav export`: receipts of a log as files of their own.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;

use asqav_core::key::SigningKey;
use asqav_core::sign::Signer as _;
use asqav_log::reader::LogReader;
use asqav_receipt::canonical;
use asqav_receipt::dsse::{self, Envelope, EnvelopeSignature, IN_TOTO};
use asqav_receipt::keys::KeySet;
use asqav_receipt::statement::Statement;
use asqav_receipt::verify::{ReceiptInputs, verify_receipt};

use crate::args::{Export, ExportFormat};
use crate::error::CliError;
use crate::exit::Exit;
use crate::input;
use crate::output::{Output, write_new};

/// One receipt as JSON, or all as JSON lines; into a new file or to standard
/// output. The file is there whole or not at all.
pub(crate) fn run(args: &Export, output: &mut Output) -> Result<Exit, CliError> {
    let log = LogReader::open(&args.log_dir)?;
    let writer = Writer::new(args)?;
    let Some(path) = &args.output else {
        writer.export(args, &log, output)?;
        return Ok(Exit::Done);
    };
    write_new(path, |file| writer.export(args, &log, file))?;
    Ok(Exit::Done)
}

/// How a receipt is written.
enum Writer {
    /// On its own.
    Receipt,
    /// In a signed statement.
    Statement(Box<Stater>),
}

/// Signs statements about receipts that it has verified.
struct Stater {
    key: SigningKey,
    keys: KeySet,
}

impl Writer {
    fn new(args: &Export) -> Result<Self, CliError> {
        match (args.format, &args.key, &args.keys) {
            (ExportFormat::Receipt, None, None) => Ok(Self::Receipt),
            (ExportFormat::Receipt, ..) => {
                Err(CliError::Usage("--key and --keys are for --format dsse".to_owned()))
            }
            (ExportFormat::Dsse, Some(key), Some(keys)) => {
                Stater::load(key, keys).map(Box::new).map(Self::Statement)
            }
            (ExportFormat::Dsse, ..) => Err(CliError::Usage(
                "--format dsse needs --key, which signs, and --keys, by which each receipt is verified first"
                    .to_owned(),
            )),
        }
    }

    fn export(&self, args: &Export, log: &LogReader, to: &mut dyn Write) -> Result<(), CliError> {
        let (found, wanted) = match (args.seq, args.id) {
            (Some(seq), _) => (log.find_seq(seq)?, seq.to_string()),
            (None, Some(id)) => (log.find_action(id)?, id.to_string()),
            (None, None) => return self.export_all(log, to),
        };
        let found = found.ok_or(CliError::NoSuchReceipt(wanted))?;
        self.write(&found.receipt, found.before.as_deref(), to)
    }

    /// Ends at the first receipt that cannot be written.
    fn export_all(&self, log: &LogReader, to: &mut dyn Write) -> Result<(), CliError> {
        let mut before: Option<Vec<u8>> = None;
        let mut end = Ok(());
        log.visit_receipts(|_, receipt| {
            end = self.write(&receipt.receipt, before.as_deref(), to);
            before = Some(receipt.line.clone());
            if end.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        end
    }

    fn write(&self, receipt: &[u8], before: Option<&[u8]>, to: &mut dyn Write) -> Result<(), CliError> {
        let bytes = match self {
            Self::Receipt => receipt.to_vec(),
            Self::Statement(stater) => stater.state(receipt, before)?,
        };
        Ok(to.write_all(&bytes).and_then(|()| to.write_all(b"\n")).and_then(|()| to.flush())?)
    }
}

impl Stater {
    fn load(key: &Path, keys: &Path) -> Result<Self, CliError> {
        let (key, keys) = input::pinned_signing_key(key, keys)?;
        Ok(Self { key, keys })
    }

    /// The envelope; an error if the receipt is not verified, since a signature
    /// would vouch for it.
    fn state(&self, receipt: &[u8], before: Option<&[u8]>) -> Result<Vec<u8>, CliError> {
        let mut inputs = ReceiptInputs::new().keys(&self.keys).at(input::now());
        inputs.predecessor = before;
        let report = verify_receipt(receipt, &inputs);
        if report.verdict.failure_class().is_some() {
            let id = report.subject.action_id.unwrap_or_default();
            let reason = report.reason_code.map_or("", |reason| reason.as_str());
            return Err(CliError::NotVouchedFor { id, reason });
        }
        let statement = Statement::about(receipt)?;
        let body = statement.to_canonical();
        let sig = self.key.sign(&dsse::pae(IN_TOTO, &body))?;
        let signatures = vec![EnvelopeSignature { keyid: Some(self.key.key_id().to_string()), sig }];
        let envelope = Envelope { payload_type: IN_TOTO.to_owned(), body, signatures };
        Ok(canonical::to_vec(&envelope.to_json()))
    }
}
