//! Differences that are known, each with the reason why ours is right.

use serde::Deserialize;

/// An entry of `known-differences.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    pub id: String,
    /// Our classes: `verified`, `invalid` or `unverifiable`.
    pub ours: Vec<String>,
    /// The reference's classes, or `crashed`.
    pub theirs: Vec<String>,
    /// Reason codes, one of which has to be the verdict's; none means any.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// Whether one of them may stand among the other problems instead.
    #[serde(default)]
    pub anywhere: bool,
    /// Parts of the reference's complaints, one of which has to be there; none
    /// means any.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Parts of the case's name, one of which has to be there; none means any.
    #[serde(default)]
    pub cases: Vec<String>,
    /// Why ours is right.
    pub why: String,
}

/// The differences in the file beside this.
pub fn read() -> Vec<Known> {
    let known: Vec<Known> = serde_json::from_str(include_str!("known-differences.json")).unwrap();
    for entry in &known {
        let never = entry.ours.iter().any(|ours| ours == "verified")
            && entry.theirs.iter().any(|theirs| theirs == "invalid");
        assert!(!never, "{}: what is invalid there is never verified here", entry.id);
        assert!(entry.why.len() > 20, "{}: a reason", entry.id);
    }
    known
}

/// What both said about a case.
pub struct Difference<'a> {
    pub case: &'a str,
    pub ours: &'a str,
    /// Our reason codes, the verdict's first.
    pub reasons: Vec<&'a str>,
    pub theirs: &'a str,
    pub complaints: Vec<String>,
}

impl Known {
    pub fn covers(&self, found: &Difference<'_>) -> bool {
        let any = |known: &[String], found: &str| known.iter().any(|known| known == found);
        let reasons = if self.anywhere { found.reasons.len() } else { 1 };
        any(&self.ours, found.ours)
            && any(&self.theirs, found.theirs)
            && (self.reasons.is_empty()
                || found.reasons.iter().take(reasons).any(|reason| any(&self.reasons, reason)))
            && (self.cases.is_empty() || self.cases.iter().any(|known| found.case.contains(known)))
            && (self.notes.is_empty()
                || self.notes.iter().any(|note| found.complaints.iter().any(|said| said.contains(note))))
    }
}
