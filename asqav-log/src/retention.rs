//! Retention: deleting what is older than it has to be kept.
//!
//! Whole sealed segments are deleted, oldest first and without a gap: the
//! first that is too young, under a legal hold or damaged ends the row. The
//! open segment and the newest sealed one always stay. What remains of a
//! deleted segment is a tombstone, its signed header and the leaf hashes of
//! its receipts, so that links, roots, proofs and checkpoints of the rest still
//! hold. A signed deletion receipt is durable before the first byte goes, and
//! what opens the deleted receipts is erased with them.
//!
//! ```
//! use asqav_log::retention::{MIN_DAYS, Retention};
//!
//! assert_eq!(Retention::default().days(), 2_555);
//! assert!(Retention::of_days(30).is_none(), "shorter than {MIN_DAYS} days has to be meant");
//! assert_eq!(Retention::shorter(30).days(), 30);
//! ```

mod deleting;

use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use asqav_core::gate::{Gate, Held};
use asqav_core::refused::Refused;
use asqav_receipt::deletion::{Deletion, MAX_DELETED};
use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::header::{SegmentHeader, SignedHeader};
use asqav_receipt::hold::Holds;
use asqav_receipt::id::HoldId;
use asqav_receipt::merkle::{Frontier, Sha3Tree, TreeHash as _};
use asqav_receipt::payload::Payload;
use asqav_receipt::receipt::parse_line;
use asqav_receipt::seq_set::SeqSet;
use asqav_receipt::time::Timestamp;

use crate::reader::{LogReader, ReadError, SegmentFiles};
use crate::{guard, holds};

pub(crate) use deleting::Deletions;

/// The period without a policy of one's own, days: seven years.
pub const DEFAULT_DAYS: u32 = 2_555;

/// A shorter period than six months, in days, has to be meant.
pub const MIN_DAYS: u32 = 184;

const DAY_MICROS: i64 = 86_400_000_000;

/// How long receipts are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    days: u32,
}

impl Default for Retention {
    /// [`DEFAULT_DAYS`].
    fn default() -> Self {
        Self { days: DEFAULT_DAYS }
    }
}

impl Retention {
    /// Keeps receipts for `days`; `None` below [`MIN_DAYS`].
    #[must_use]
    pub const fn of_days(days: u32) -> Option<Self> {
        if days < MIN_DAYS { None } else { Some(Self { days }) }
    }

    /// Keeps receipts for `days`, also for less than six months: rules for
    /// high-risk systems ask for more, so whoever calls this has looked.
    #[must_use]
    pub const fn shorter(days: u32) -> Self {
        Self { days }
    }

    /// The period in days.
    #[must_use]
    pub const fn days(self) -> u32 {
        self.days
    }

    /// Receipts that claim this time or an earlier one are over it at `now`;
    /// `None` if the period began before the year 0: nothing is over it.
    #[must_use]
    pub fn before(self, now: Timestamp) -> Option<Timestamp> {
        let period = i64::from(self.days).checked_mul(DAY_MICROS)?;
        Timestamp::from_unix_micros(now.unix_micros().checked_sub(period)?)
    }
}

/// A segment whose time is over.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Due {
    /// Its number.
    pub segment: u64,
    /// Its first and last receipt.
    pub receipts: (u64, u64),
    /// The length of its file, bytes.
    pub bytes: u64,
    /// The latest time that a receipt of it claims.
    pub newest: Timestamp,
    /// The digest of its signed header.
    pub header: Sha3Digest,
}

/// What ends the row of segments that are due.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// A receipt of the segment claims a time within the period.
    Young {
        /// Its number.
        segment: u64,
        /// The latest time that a receipt of it claims.
        newest: Timestamp,
    },
    /// A legal hold covers a receipt of the segment.
    Held {
        /// Its number.
        segment: u64,
        /// The hold.
        hold: HoldId,
    },
    /// The segment does not give what its header says, or does not go on from
    /// what stands before it, so that legal holds cannot be told; see to it
    /// first.
    Damaged {
        /// Its number.
        segment: u64,
    },
    /// It is the newest sealed segment, or there is none.
    Newest,
}

/// What applying a [`Retention`] to a log would delete.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetentionPlan {
    /// The policy.
    pub retention: Retention,
    /// Receipts that claim this time or an earlier one are over the period.
    pub before: Timestamp,
    /// Segments to delete, oldest first.
    pub due: Vec<Due>,
    /// Why no more.
    pub stop: Stop,
}

/// What was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deleted {
    /// The receipts.
    pub receipts: SeqSet,
    /// The numbers of the deletion receipts.
    pub recorded_in: Vec<u64>,
}

/// Why nothing, or not everything, was deleted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RetentionError {
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A legal hold forbids it.
    #[error("the legal hold `{hold}` forbids it")]
    Held {
        /// The hold.
        hold: HoldId,
    },
    /// The log changed since the plan was made.
    #[error("segment {segment} is not what the plan was made of")]
    Changed {
        /// Its number.
        segment: u64,
    },
    /// The filesystem guard could not be taken off.
    #[error("the guard of `{name}` could not be taken off")]
    Guarded {
        /// The file.
        name: String,
        /// The system's error.
        source: io::Error,
    },
    /// The gate did not record it; if it did, the next start of the log
    /// finishes what is missing.
    #[error("the deletion was not recorded or not finished; the next start of the log finishes it")]
    Gate(#[from] Refused),
}

impl From<Held> for RetentionError {
    fn from(Held { hold, .. }: Held) -> Self {
        Self::Held { hold }
    }
}

impl RetentionPlan {
    /// What `retention` would delete of the log in `log_dir` at `now`.
    ///
    /// Reads the whole log once, for its legal holds, and the segments that are
    /// due. Changes nothing.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn make(log_dir: &Path, retention: Retention, now: Timestamp) -> Result<Self, ReadError> {
        let log = LogReader::open(log_dir)?;
        let holds = holds::in_force(&log, &mut |_| {})?;
        let before = retention.before(now).unwrap_or(Timestamp::MIN);
        let mut plan = Self { retention, before, due: Vec::new(), stop: Stop::Newest };
        let holds = match holds {
            Ok(holds) => holds,
            // There may be a hold in it on everything.
            Err(segment) => return Ok(Self { stop: Stop::Damaged { segment }, ..plan }),
        };
        let newest = newest_sealed(&log);
        for (number, files) in log.segments() {
            if files.is_deleted() {
                continue;
            }
            match plan.look_at(&log, *number, files, &holds, newest)? {
                Ok(due) => plan.due.push(due),
                Err(stop) => {
                    plan.stop = stop;
                    break;
                }
            }
        }
        Ok(plan)
    }

    /// The receipts that would be deleted.
    #[must_use]
    pub fn receipts(&self) -> SeqSet {
        let mut receipts = SeqSet::default();
        for Due { receipts: (first, last), .. } in &self.due {
            receipts.unite(&SeqSet::range(*first, *last));
        }
        receipts
    }

    /// How many bytes of segments that would be.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.due.iter().map(|due| due.bytes).sum()
    }

    fn look_at(
        &self,
        log: &LogReader,
        number: u64,
        files: &SegmentFiles,
        holds: &Holds,
        newest: Option<u64>,
    ) -> Result<Result<Due, Stop>, ReadError> {
        if !files.header || newest.is_none_or(|newest| number >= newest) {
            return Ok(Err(Stop::Newest));
        }
        let Some((header, digest, newest)) = read(log, number, files)? else {
            return Ok(Err(Stop::Damaged { segment: number }));
        };
        let receipts = (header.first_seq, header.last_seq);
        Ok(if newest > self.before {
            Err(Stop::Young { segment: number, newest })
        } else if let Some(hold) = holds.forbidding(&SeqSet::range(receipts.0, receipts.1)) {
            Err(Stop::Held { segment: number, hold: hold.id.clone() })
        } else {
            Ok(Due { segment: number, receipts, bytes: header.bytes, newest, header: digest })
        })
    }

    /// One deletion for each [`MAX_DELETED`] segments.
    fn deletions(&self) -> impl Iterator<Item = Deletion> + '_ {
        self.due.chunks(MAX_DELETED).filter_map(|due| {
            let (first, last) = due.first().zip(due.last())?;
            Some(Deletion {
                first_segment: first.segment,
                receipts: (first.receipts.0, last.receipts.1),
                headers: due.iter().map(|due| due.header).collect(),
                days: self.retention.days,
                before: self.before,
            })
        })
    }
}

/// Does what `plan` says through the log's one writer: records deletion
/// receipts, each of which the log acts upon once it is durable.
///
/// # Errors
/// [`RetentionError`]; nothing is done while a hold forbids it, or if a segment
/// is guarded and the guard cannot be taken off.
pub fn apply(log_dir: &Path, gate: &Gate, plan: &RetentionPlan) -> Result<Deleted, RetentionError> {
    // A hold that was placed since the plan was made counts.
    gate.flush().wait().map_err(|cause| Refused::Closed { cause })?;
    let log = LogReader::open(log_dir)?;
    let holds = holds::in_force(&log, &mut |_| {})?;
    let holds = holds.map_err(|segment| RetentionError::Changed { segment })?;
    if let Some(hold) = holds.forbidding(&plan.receipts()) {
        return Err(RetentionError::Held { hold: hold.id.clone() });
    }
    for due in &plan.due {
        let files = log.segments().get(&due.segment).copied().unwrap_or_default();
        let same = read(&log, due.segment, &files)?.is_some_and(|(_, digest, _)| digest == due.header);
        if !same {
            return Err(RetentionError::Changed { segment: due.segment });
        }
    }
    for due in &plan.due {
        guard::lift(log_dir, due.segment)
            .map_err(|(name, source)| RetentionError::Guarded { name, source })?;
    }
    let mut recorded_in = Vec::new();
    for deletion in plan.deletions() {
        recorded_in.push(gate.delete(&deletion)?.wait()?.payload.seq);
    }
    Ok(Deleted { receipts: plan.receipts(), recorded_in })
}

/// The newest sealed segment: where recovery begins, so it is never deleted.
fn newest_sealed(log: &LogReader) -> Option<u64> {
    let mut sealed = log.segments().iter().rev().filter(|(_, files)| files.header);
    sealed.next().map(|(number, _)| *number)
}

/// A sealed segment as it lies there: its header, that one's digest, and the
/// latest time in it; `None` if the two do not agree.
fn read(
    log: &LogReader,
    number: u64,
    files: &SegmentFiles,
) -> Result<Option<(SegmentHeader, Sha3Digest, Timestamp)>, ReadError> {
    if files.log_len.is_none() || !files.header {
        return Ok(None);
    }
    let Ok(signed) = SignedHeader::parse(&log.header(number)?) else { return Ok(None) };
    let (mut tree, mut newest) = (Frontier::<Sha3Tree>::new(), None);
    let mut sound = true;
    log.visit_one(number, &mut |piece| {
        let payload = parse_line(piece.bytes).ok().and_then(|(json, _)| Payload::from_json(&json).ok());
        let Some(payload) = payload.filter(|_| piece.complete) else {
            sound = false;
            return ControlFlow::Break(());
        };
        tree.push_leaf(Sha3Tree::leaf(piece.bytes));
        newest = newest.max(Some(payload.issued_at));
        ControlFlow::Continue(())
    })?;
    let digest = signed.digest();
    let header = signed.header;
    let same = sound && tree.size() == header.count && tree.root() == *header.root.as_bytes();
    Ok(newest.filter(|_| same && header.segment == number).map(|newest| (header, digest, newest)))
}
