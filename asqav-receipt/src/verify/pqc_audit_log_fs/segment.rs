//! The segment that is being read.

use std::collections::HashSet;

use super::event::{Event, Unreadable};
use super::findings::Findings;
use super::header::Header;
use super::tree::{self, Tree};
use crate::digest::{Sha256Digest, encode_hex};
use crate::verify::reason::ReasonCode;
use crate::verify::report::Axis;

/// What is kept of a segment until its header is seen: without one, its lines
/// are nobody's claim.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) events: u64,
    /// Lines, or gaps between them, that the package would not write.
    pub(super) respelled: u64,
    pub(super) log_missing: bool,
    pub(super) lines: u64,
    tree: Tree,
    unreadable: Option<(u64, Unreadable)>,
    unreadable_lines: u64,
    repeated: Option<(u64, String)>,
}

impl Segment {
    pub(super) fn new(number: u64) -> Self {
        Self {
            number,
            events: 0,
            respelled: 0,
            log_missing: false,
            lines: 0,
            tree: Tree::default(),
            unreadable: None,
            unreadable_lines: 0,
            repeated: None,
        }
    }

    pub(super) fn line(&mut self, line: &[u8], complete: bool, seen: &mut HashSet<[u8; 16]>) {
        self.lines += 1;
        if line.trim_ascii().is_empty() {
            self.respelled += 1;
            return;
        }
        match Event::read(line) {
            Ok(event) => {
                self.events += 1;
                self.respelled += u64::from(!event.spelled || !complete);
                self.tree.push(tree::leaf(&event.sha3));
                if !seen.insert(short(&event.id)) {
                    let id: String = event.id.chars().take(96).collect();
                    self.repeated.get_or_insert((self.lines, id));
                }
            }
            Err(unreadable) => {
                self.unreadable_lines += 1;
                self.unreadable.get_or_insert((self.lines, unreadable));
            }
        }
    }

    /// Tells what the lines are, now that somebody signed them.
    pub(super) fn report_events(&self, findings: &mut Findings) {
        let number = self.number;
        if self.log_missing {
            let note = format!("segment {number} has a header and no events");
            findings.problem(Axis::Seq, ReasonCode::SegmentMissing, note);
        }
        if let Some((line, Unreadable { reason, note })) = &self.unreadable {
            let more = match self.unreadable_lines {
                1 => String::new(),
                lines => format!(" (and {} more lines)", lines - 1),
            };
            let note = format!("segment {number}, line {line}: {note}{more}");
            findings.problem(Axis::Structure, *reason, note);
        }
        match &self.repeated {
            Some((line, id)) => {
                let note = format!("segment {number}, line {line}: event `{id}` stands in the log already");
                findings.problem(Axis::Nonce, ReasonCode::EventRepeated, note);
            }
            None => findings.pass(Axis::Nonce),
        }
    }

    /// Compares the events with what was signed about them; whether the root
    /// is theirs.
    pub(super) fn compare(&self, header: &Header, findings: &mut Findings) -> bool {
        let number = self.number;
        let lines = self.events + self.unreadable_lines;
        if header.event_count != lines {
            let note = format!("segment {number} holds {lines} events, signed are {}", header.event_count);
            findings.problem(Axis::PayloadDigest, ReasonCode::HeaderDiffers, note);
        }
        if self.unreadable_lines > 0 {
            let note = format!("the root of segment {number} cannot be computed");
            findings.problem(Axis::PayloadDigest, ReasonCode::PayloadDigestUnchecked, note);
            return false;
        }
        let root = self.tree.root();
        if root == Some(header.merkle_root) {
            findings.pass(Axis::PayloadDigest);
            return true;
        }
        let found = root.map_or_else(|| "none".to_owned(), |root| encode_hex(&root));
        let note = format!(
            "the events of segment {number} have the root {found}, signed is {}",
            encode_hex(&header.merkle_root)
        );
        findings.problem(Axis::PayloadDigest, ReasonCode::PayloadDigestMismatch, note);
        false
    }
}

/// Half of an id's digest: to find two ids that share it, a log's writer needs
/// 2^64 tries, and only makes the log look as if it repeated itself.
fn short(id: &str) -> [u8; 16] {
    let mut half = [0; 16];
    half.iter_mut().zip(Sha256Digest::of(id.as_bytes()).as_bytes()).for_each(|(to, from)| *to = *from);
    half
}
