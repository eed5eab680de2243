//! One line after the other: each receipt judged but for its signature, and
//! what it says about the log taken.

use super::LogVerifier;
use super::line::{Content, Line, ReadLine};
use super::plain::{Plain, PlainLine};
use super::tally::Place;
use crate::batch;
use crate::payload::{Digests, Link, Payload};
use crate::receipt::LineSignature;
use crate::verify::axes::chain::Predecessor;
use crate::verify::axes::signature::{Check, Over};
use crate::verify::input::ReceiptInputs;
use crate::verify::judge::{self, Signatures};
use crate::verify::reason::ReasonCode;
use crate::verify::report::Axis;
use crate::verify::subject::Subject;

/// A receipt that was judged but for its signature.
pub(super) struct Read<'a> {
    pub(super) place: Place,
    /// What is left to check; `None` if that is settled.
    pub(super) check: Option<Check<'a>>,
    pub(super) signed: Signed,
}

/// What a receipt's signature is over.
pub(super) enum Signed {
    /// Its canonical payload.
    Payload(Vec<u8>),
    /// The root over this leaf and others.
    Leaf([u8; 32]),
}

impl<'a> LogVerifier<'a> {
    /// Counts a line and judges the receipt in it, but for its signature.
    pub(super) fn read(&mut self, line: &ReadLine) -> Option<Read<'a>> {
        self.receipts += 1;
        if let Some(segment) = &mut self.segment {
            segment.push(line.len, line.leaf);
        }
        self.whole.push(line.leaf);
        let read = match &line.content {
            Content::Plain(plain) => self.plain(plain),
            Content::Other(line) => self.other(line),
            Content::Unreadable(note) => {
                self.unreadable(note);
                None
            }
        };
        self.whole.compare(&self.inputs, &self.meaning, &mut self.tally);
        read
    }

    /// A receipt as asqav writes it: most have nothing wrong with them.
    fn plain(&mut self, line: &PlainLine) -> Option<Read<'a>> {
        let Some(key) = line.key(&self.predecessor, &self.inputs) else {
            return self.long_way(line);
        };
        let Plain { payload, digests, signature, batch_leaf, .. } = &**line;
        let place = Place::of_payload(payload);
        self.tally.plain(&place);
        if let Some(segment) = &mut self.segment {
            segment.begins(payload.seq, payload.link);
        }
        self.understood(payload, digests);
        self.predecessor.go_on(payload, digests.link);
        let (signature, over, signed) = match signature {
            LineSignature::Own(own) => {
                (own.sig.clone(), Over::Payload, Signed::Payload(line.canonical().to_vec()))
            }
            LineSignature::Member(_) => (Vec::new(), Over::Line, Signed::Leaf((*batch_leaf)?)),
        };
        Some(Read { place, check: Some(Check { key, signature, over }), signed })
    }

    /// A receipt as asqav writes it that does not pass every axis here.
    fn long_way(&mut self, line: &PlainLine) -> Option<Read<'a>> {
        match Line::read(&line.text()) {
            Ok(line) => self.other(&line),
            Err(note) => {
                self.unreadable(&note);
                None
            }
        }
    }

    /// Another canonical line.
    fn other(&mut self, line: &Line) -> Option<Read<'a>> {
        match line.subject() {
            Some(subject) => Some(self.receipt(&subject, line.is_member())),
            None => {
                self.unreadable("there is no receipt of asqav");
                None
            }
        }
    }

    fn receipt(&mut self, subject: &Subject<'_>, is_member: bool) -> Read<'a> {
        let mut inputs = ReceiptInputs::new();
        (inputs.keys, inputs.at) = (self.inputs.keys, self.inputs.at);
        let judged = judge::judge(subject, &self.predecessor, &inputs, Signatures::Later);
        let place = Place::of_subject(subject);
        for axis in &judged.axes {
            if axis.axis != Axis::Signature || judged.pending.is_none() {
                self.tally.axis(&place, axis, 1);
            }
        }
        if let Some(segment) = &mut self.segment {
            segment.receipt(subject);
        }
        let link = match &judged.payload {
            Some(payload) => {
                let digests = Digests::of(payload, &subject.message);
                self.understood(payload, &digests);
                digests.link
            }
            None => Link::to(&subject.message),
        };
        self.predecessor = Predecessor::of(subject, link);
        let signed = match is_member {
            true => Signed::Leaf(batch::leaf(&subject.message)),
            false => Signed::Payload(subject.message.clone()),
        };
        Read { place, check: judged.pending, signed }
    }

    /// A receipt whose payload is sound: what it says about the log.
    fn understood(&mut self, payload: &Payload, digests: &Digests) {
        self.meaning.apply(payload, digests, &mut self.tally);
        self.deletions.apply(payload, &mut self.tally);
        self.marks.apply(payload, &mut self.tally);
        self.meet_head(payload, &digests.link);
    }

    /// Compares the receipt at the mirrored head's place with it.
    fn meet_head(&mut self, payload: &Payload, link: &Link) {
        let Some(head) = self.inputs.head.filter(|head| head.seq == payload.seq) else { return };
        if (link.sha256, link.sha3, payload.asqav.log_id) == (head.sha256, Some(head.sha3), head.log_id) {
            self.head_met = true;
        } else {
            let place = Place::of_payload(payload);
            let note = "another receipt than the mirrored head names";
            self.tally.problem(&place, Axis::Chain, ReasonCode::HeadDiffers, note);
        }
    }

    /// A line that is no receipt: what follows cannot be compared with it.
    fn unreadable(&mut self, note: &str) {
        self.tally.problem(
            &Place::default(),
            Axis::Structure,
            ReasonCode::NotCanonical,
            format!("line {}: {note}", self.receipts),
        );
        self.predecessor = Predecessor::Unreadable("the line before is no receipt".to_owned());
    }
}
