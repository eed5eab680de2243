//! The end of such a log, and what stays open whatever the verdict.

use super::Verifier;
use crate::digest::encode_hex;
use crate::verify::reason::ReasonCode;
use crate::verify::report::Axis;

impl Verifier<'_> {
    /// A log may have been cut anywhere; what is not sealed is not signed.
    pub(super) fn ending(&mut self) {
        if self.segments.is_empty() && self.previous_number.is_none() {
            self.findings.problem(Axis::Structure, ReasonCode::EmptyLog, "the log holds no segment");
        }
        if let Some((number, lines)) = self.unsealed
            && lines > 0
            && !self.inputs.allow_open
        {
            let note = format!("segment {number} is not sealed: nobody signed its {lines} lines");
            self.findings.problem(Axis::Chain, ReasonCode::LogOpen, note);
        }
        if let Some(root) = self.inputs.root
            && !self.segments.iter().any(|segment| segment.merkle_root == root)
        {
            let note = format!("no segment has the root that was kept elsewhere, {}", encode_hex(&root));
            self.findings.problem(Axis::Chain, ReasonCode::TailCut, note);
        }
    }

    /// What stays open whatever the verdict.
    pub(super) fn not_checked(&self) -> Vec<String> {
        let mut lines = vec!["time: claimed, not anchored; events' times are not compared".to_owned()];
        let last = self.segments.last().map_or(0, |segment| segment.number);
        match self.unsealed {
            Some((number, 0)) => lines.push(format!(
                "tail: not checked: segment {number} is empty, as a log is that was not closed"
            )),
            Some((number, count)) => {
                lines.push(format!("tail: not checked: segment {number}, {count} lines that nobody signed"));
            }
            None => lines.push(format!("tail: not checked: whether segments after {last} were withheld")),
        }
        if self.segments.iter().any(|segment| !segment.is_post_quantum()) {
            lines.push(
                "post-quantum: nothing; signatures are not ML-DSA, whatever their label says".to_owned(),
            );
        }
        lines.push("content: what the events' digests, which are unsalted, are of".to_owned());
        lines.push("completeness: events that were never recorded".to_owned());
        lines.push("signer_did, algorithm: compared with the key, not signed".to_owned());
        if self.respelled > 0 {
            lines.push(format!(
                "spelling: {} lines; the signature covers what they mean, not their bytes",
                self.respelled
            ));
        }
        if !self.others.is_empty() {
            lines.push(format!("other files: {}", self.others.len()));
        }
        lines
    }
}
