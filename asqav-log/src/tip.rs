//! Where a log's chain stands.

use asqav_core::log::Head;
use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::header::SignedHeader;
use asqav_receipt::id::LogId;
use asqav_receipt::open::OpenSet;
use asqav_receipt::payload::{Context, Link, Payload};

/// Everything that the next receipt and the next header depend on. Writer and
/// recovery bring it forward with the same [`advance`](Self::advance).
#[derive(Debug, Clone)]
pub(crate) struct Tip {
    /// The log.
    pub(crate) log_id: LogId,
    /// The SHA3 link to receipt 1.
    pub(crate) genesis: Option<Sha3Digest>,
    /// The newest receipt.
    pub(crate) head: Option<Head>,
    /// Decisions and sessions that are open.
    pub(crate) open: OpenSet,
    /// Digest of the newest header.
    pub(crate) last_header: Option<Sha3Digest>,
    /// The number of the segment that is open or would be made next.
    pub(crate) next_segment: u64,
    /// Whether the newest receipt is a `gate:stop`.
    pub(crate) stopped: bool,
}

impl Tip {
    /// The empty log `log_id`.
    pub(crate) fn new(log_id: LogId) -> Self {
        Self {
            log_id,
            genesis: None,
            head: None,
            open: OpenSet::default(),
            last_header: None,
            next_segment: 1,
            stopped: false,
        }
    }

    /// The sequence number of the next receipt.
    pub(crate) fn next_seq(&self) -> u64 {
        self.head.map_or(0, |head| head.seq) + 1
    }

    /// The link that the next receipt carries.
    pub(crate) fn link(&self) -> Link {
        self.head.map_or(Link::GENESIS, |head| head.link)
    }

    /// Whether `payload` is the next receipt: its log, number and links.
    pub(crate) fn expects(&self, payload: &Payload) -> Result<(), String> {
        if payload.asqav.log_id != self.log_id {
            return Err(format!("the receipt is of log {}", payload.asqav.log_id));
        }
        if payload.seq != self.next_seq() {
            return Err(format!("receipt {} stands where {} is due", payload.seq, self.next_seq()));
        }
        if payload.link != self.link() {
            return Err(format!("receipt {} does not link to its predecessor", payload.seq));
        }
        Ok(())
    }

    /// Takes the next receipt, whose successor carries `link`. What it
    /// contradicts is for verification to report; a log keeps what was signed.
    pub(crate) fn advance(&mut self, payload: &Payload, canonical: &[u8], link: Link) {
        if self.head.is_none() {
            self.genesis = link.sha3;
        }
        self.open.apply_hashed(payload, canonical, || link.sha256);
        self.head = Some(Head::new(payload.seq, link, payload.issued_at));
        self.stopped = matches!(&payload.context, Context::Event { name, .. } if *name == "gate:stop");
    }

    /// Takes the seal of the open segment.
    pub(crate) fn sealed(&mut self, header: &SignedHeader) {
        self.last_header = Some(header.digest());
        self.next_segment += 1;
    }
}
