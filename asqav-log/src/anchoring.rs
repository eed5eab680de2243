//! Time from outside for checkpoints: time-stamp authorities (RFC 3161), asked
//! by whoever keeps the checkpoints, and asked again when they do not answer.
//!
//! An [`AnchorSink`] gets checkpoints like any other sink, on a thread of its
//! own: signing and appending never wait for an authority. It writes each
//! checkpoint into a folder first; one without anchors beside it is *pending*,
//! also after a restart, and is stamped when the authority answers again. The
//! folder may be `anchors` in the log directory, or anywhere else.
//!
//! ```
//! use asqav_log::FileLog;
//! use asqav_log::anchoring::{AnchorSink, CommandAuthority};
//!
//! let authority = CommandAuthority::new("ask-our-authority");
//! let log = FileLog::new("audit-log").checkpoint_sink(AnchorSink::new("audit-log/anchors", authority));
//! # drop(log);
//! ```
//!
//! Another kind of authority is another [`Authority`]; another kind of anchor
//! is another [`CheckpointSink`].

mod command;
mod folder;
#[cfg(feature = "http-sink")]
mod http;

use std::path::{Path, PathBuf};

use asqav_receipt::anchor::{Anchor, Evidence, EvidenceError, ImprintHash, Renewal, request};
use asqav_receipt::checkpoint::SignedCheckpoint;

use crate::sink::{CheckpointSink, SinkError};

pub use command::CommandAuthority;
pub use folder::{AnchorFileFailure, anchors_path, pending, read_anchors, write_anchors};
#[cfg(feature = "http-sink")]
pub use http::HttpAuthority;

/// A time-stamp authority.
pub trait Authority: Send + 'static {
    /// What it is called in messages; holds no secret.
    fn name(&self) -> String;

    /// The answer to a request in DER (RFC 3161 §2.4): what it says is checked
    /// by the caller.
    ///
    /// # Errors
    /// [`SinkError`] when there is no answer.
    fn answer(&mut self, request: &[u8]) -> Result<Vec<u8>, SinkError>;
}

/// Why there is no anchor.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnchorError {
    /// The authority did not answer.
    #[error(transparent)]
    Authority(#[from] SinkError),
    /// Its answer is none to this request.
    #[error("the answer of the time-stamp authority: {0}")]
    Evidence(#[from] EvidenceError),
}

/// Has `message` stamped. Who signed the token is for verification.
///
/// # Errors
/// [`AnchorError`].
pub fn stamp(authority: &mut dyn Authority, message: &[u8]) -> Result<Anchor, AnchorError> {
    let nonce = nonce()?;
    let answer = authority.answer(&request(message, ImprintHash::Sha256, nonce))?;
    Ok(Anchor::new(message, Evidence::new(&answer, message, Some(nonce))?))
}

/// Has the anchor of `message` stamped again, before its algorithms or its
/// authority's certificate age. The evidence stays that of the first token.
///
/// # Errors
/// [`AnchorError`]; the anchor is as it was then.
pub fn renew(
    authority: &mut dyn Authority,
    anchor: &mut Anchor,
    message: &[u8],
    renewal: Renewal,
) -> Result<(), AnchorError> {
    let nonce = nonce()?;
    let hash = match renewal {
        Renewal::Hash(hash) => hash,
        _ => ImprintHash::Sha256,
    };
    let over = anchor.evidence.renewal_message(message, renewal);
    let answer = authority.answer(&request(&over, hash, nonce))?;
    Ok(anchor.evidence.renew(&answer, message, renewal, Some(nonce))?)
}

fn nonce() -> Result<u64, SinkError> {
    getrandom::u64().map_err(|error| SinkError::Refused(format!("no randomness: {error}")))
}

/// Keeps checkpoints in a folder and has each stamped by an authority.
pub struct AnchorSink {
    folder: PathBuf,
    authority: Box<dyn Authority>,
}

impl AnchorSink {
    /// Keeps them in `folder`, which is made if it is missing; one folder for
    /// each authority.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, authority: impl Authority) -> Self {
        Self { folder: folder.into(), authority: Box::new(authority) }
    }
}

impl CheckpointSink for AnchorSink {
    fn name(&self) -> String {
        format!("anchors of {}", self.authority.name())
    }

    /// Writes the checkpoint, then has everything stamped that is pending.
    fn deliver(&mut self, checkpoint: &SignedCheckpoint) -> Result<(), SinkError> {
        let file = folder::keep(&self.folder, checkpoint)?;
        match stamp_pending(&self.folder, self.authority.as_mut()) {
            // Another file is no checkpoint; this one is stamped.
            Err(error) if anchors_path(&file).exists() => {
                tracing::warn!(target: "asqav::log", %error, "a file beside the checkpoints is passed over");
                Ok(())
            }
            stamped => stamped.map(drop),
        }
    }
}

impl std::fmt::Debug for AnchorSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AnchorSink").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Has every checkpoint of `folder` stamped that has no anchor yet; gives the
/// checkpoints' files.
///
/// # Errors
/// [`SinkError`] when the authority fails; what was stamped before stays so. A
/// file that is no checkpoint holds no other up: it is the error when all
/// others are stamped.
pub fn stamp_pending(folder: &Path, authority: &mut dyn Authority) -> Result<Vec<PathBuf>, SinkError> {
    let (mut stamped, mut passed_over) = (Vec::new(), None);
    for file in pending(folder)? {
        let signed = match folder::read_checkpoint(&file) {
            Ok(signed) => signed,
            Err(error) => {
                passed_over.get_or_insert(error);
                continue;
            }
        };
        let anchor = stamp(authority, &signed.anchored_bytes()).map_err(|error| match error {
            AnchorError::Authority(error) => error,
            AnchorError::Evidence(error) => SinkError::Refused(error.to_string()),
        })?;
        write_anchors(&file, &[anchor])?;
        stamped.push(file);
    }
    passed_over.map_or(Ok(stamped), Err)
}
