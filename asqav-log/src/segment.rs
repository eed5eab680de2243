//! The segment that is being written, and how it is sealed.

use asqav_core::log::{LogError, LogOwner};
use asqav_core::sign::SignError;
use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::header::{CloseReason, SegmentHeader, SignedHeader};
use asqav_receipt::merkle::{Frontier, Sha3Tree, TreeHash as _};
use asqav_receipt::payload::Link;
use asqav_receipt::receipt::Signature;
use asqav_receipt::suite;
use asqav_receipt::time::Timestamp;

use crate::error::io_error;
use crate::names::{header_name, segment_name};
use crate::storage::{Storage, StorageFile, sync_names, write_whole};
use crate::tip::Tip;
use crate::tree::Place;

/// What a segment holds, as its header will say.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    /// How many receipts.
    pub(crate) count: u64,
    /// Their length in bytes, line feeds included.
    pub(crate) bytes: u64,
    /// Claimed time of the first receipt.
    pub(crate) first_issued_at: Timestamp,
    first_seq: u64,
    before: Link,
    tree: Frontier<Sha3Tree>,
    /// Leaves that are not in `tree` yet: many at once are hashed faster.
    leaves: Vec<[u8; 32]>,
}

/// So many leaves are put into the tree at once.
const MAX_LEAVES: usize = 256;

impl Content {
    /// Nothing yet: the next receipt after `tip` will be the first, issued at
    /// `first_issued_at`.
    pub(crate) fn new(tip: &Tip, first_issued_at: Timestamp) -> Self {
        Self {
            count: 0,
            bytes: 0,
            first_issued_at,
            first_seq: tip.next_seq(),
            before: tip.link(),
            tree: Frontier::new(),
            leaves: Vec::new(),
        }
    }

    /// The empty segment that began as this one did.
    pub(crate) fn restarted(&self) -> Self {
        Self { count: 0, bytes: 0, tree: Frontier::new(), leaves: Vec::new(), ..self.clone() }
    }

    /// Takes a line, given without its line feed.
    pub(crate) fn push(&mut self, line: &[u8]) {
        self.push_hashed(line, Sha3Tree::leaf(line));
    }

    /// The same, of a line whose leaf is known.
    fn push_hashed(&mut self, line: &[u8], leaf: [u8; 32]) {
        self.leaves.push(leaf);
        if self.leaves.len() >= MAX_LEAVES {
            self.tree.extend(&std::mem::take(&mut self.leaves));
        }
        self.count += 1;
        self.bytes += line_len(line);
    }

    /// Root of the tree over the lines.
    pub(crate) fn root(&self) -> Sha3Digest {
        let mut tree = self.tree.clone();
        tree.extend(&self.leaves);
        Sha3Digest::from_bytes(tree.root())
    }
}

/// The newest segment: its content and its file.
pub(crate) struct OpenSegment {
    /// Its number.
    pub(crate) number: u64,
    /// What it holds, lines that wait to be written included.
    pub(crate) content: Content,
    file: Box<dyn StorageFile>,
    /// Lines that are not written yet.
    waiting: Vec<u8>,
    /// Whether something written is not synced.
    dirty: bool,
    /// Whether the file's name is durable.
    named: bool,
}

impl OpenSegment {
    /// Makes the file of the segment after `tip`, whose first receipt was
    /// issued at `first_issued_at`.
    pub(crate) fn create(
        storage: &mut dyn Storage,
        tip: &Tip,
        first_issued_at: Timestamp,
    ) -> Result<Self, LogError> {
        let name = segment_name(tip.next_segment);
        let file = storage.create(&name).map_err(|error| io_error(format!("making `{name}`"), error))?;
        Ok(Self {
            number: tip.next_segment,
            content: Content::new(tip, first_issued_at),
            file,
            waiting: Vec::new(),
            dirty: false,
            named: false,
        })
    }

    /// The segment `number` that recovery has just written, durably.
    pub(crate) const fn recovered(number: u64, content: Content, file: Box<dyn StorageFile>) -> Self {
        Self { number, content, file, waiting: Vec::new(), dirty: false, named: true }
    }

    /// Takes a receipt's line without its line feed; [`flush`](Self::flush)
    /// writes it. `leaf` is its leaf in the trees. Gives its place.
    pub(crate) fn push(&mut self, line: &[u8], leaf: [u8; 32]) -> Place {
        let place = Place { segment: self.number, offset: self.content.bytes };
        self.waiting.extend_from_slice(line);
        self.waiting.push(b'\n');
        self.content.push_hashed(line, leaf);
        place
    }

    /// Writes the waiting lines in one go.
    pub(crate) fn flush(&mut self) -> Result<(), LogError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let name = segment_name(self.number);
        let io = |what: &str, error| io_error(format!("{what} `{name}`"), error);
        let written = self.content.bytes - u64::try_from(self.waiting.len()).unwrap_or(u64::MAX);
        // INVARIANT: the file holds what this writer wrote and nothing else;
        // the tree's root is computed from memory, not from the file.
        if self.file.present_len().map_err(|error| io("looking at", error))? != Some(written) {
            return Err(LogError::Interfered { place: name });
        }
        self.dirty = true;
        self.file.append(&self.waiting).map_err(|error| io("writing", error))?;
        self.waiting.clear();
        Ok(())
    }

    /// Whether something written is not durable yet.
    pub(crate) const fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// Makes what was written durable, the file's name included.
    pub(crate) fn sync(&mut self, storage: &mut dyn Storage) -> Result<(), LogError> {
        if self.dirty {
            let name = segment_name(self.number);
            self.file.sync().map_err(|error| io_error(format!("syncing `{name}`"), error))?;
            self.dirty = false;
        }
        if !self.named {
            sync_names(storage)?;
            self.named = true;
        }
        Ok(())
    }

    /// Makes the segment durable, then writes its signed header and gives that
    /// back. `tip` stands after the segment's last receipt.
    pub(crate) fn seal(
        &mut self,
        storage: &mut dyn Storage,
        owner: &LogOwner,
        tip: &Tip,
        close: CloseReason,
    ) -> Result<SignedHeader, LogError> {
        self.flush()?;
        self.sync(storage)?;
        let signed = self.sign(owner, tip, close)?;
        write_whole(storage, &header_name(self.number), &signed.to_file())?;
        Ok(signed)
    }

    fn sign(&self, owner: &LogOwner, tip: &Tip, close: CloseReason) -> Result<SignedHeader, LogError> {
        let signer = &owner.signer;
        let unknown = || SignError::Backend(format!("unknown suite `{}`", signer.algorithm()));
        let suite::Suite { name: suite, signature_len, .. } =
            suite::by_name(signer.algorithm()).ok_or_else(unknown)?;
        let Content { count, bytes, first_issued_at: _, first_seq, before, tree: _, leaves: _ } =
            &self.content;
        let header = SegmentHeader {
            log_id: tip.log_id,
            genesis: tip.genesis.ok_or_else(|| SignError::Backend("an empty segment".to_owned()))?,
            segment: self.number,
            first_seq: *first_seq,
            last_seq: tip.next_seq() - 1,
            count: *count,
            bytes: *bytes,
            root: self.content.root(),
            before: *before,
            last: tip.link(),
            previous_header: tip.last_header,
            open: tip.open.items(),
            sealed_at: owner.clock.now(),
            close,
            suite,
            key_thumbprint: *signer.thumbprint(),
        };
        let sig = signer.sign(&header.signing_bytes())?;
        if sig.len() != *signature_len {
            return Err(SignError::Backend(format!("{} bytes are no {suite} signature", sig.len())).into());
        }
        Ok(SignedHeader { header, signature: Signature { alg: suite, kid: signer.key_id().clone(), sig } })
    }
}

/// Length of `line` in a file, its line feed included.
pub(crate) fn line_len(line: &[u8]) -> u64 {
    u64::try_from(line.len()).unwrap_or(u64::MAX).saturating_add(1)
}
