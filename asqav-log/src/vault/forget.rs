//! Forgetting: which receipts are about somebody, and erasing what opens them.

use std::collections::HashSet;
use std::path::Path;

use asqav_core::gate::{Gate, Held};
use asqav_core::refused::Refused;
use asqav_receipt::hold::{Hold, Holds};
use asqav_receipt::id::{ActionId, HoldId, SessionId, ToolName};
use asqav_receipt::json::Json;
use asqav_receipt::payload::{Context, Form, Payload};
use asqav_receipt::seq_set::SeqSet;

use super::census::{has_commitments, visit_payloads};
use super::read::{Vault, VaultError};
use crate::error::ReadOrVault;
use crate::holds;
use crate::reader::LogReader;

/// Whom to forget: looked for in the values that a vault opens, never written
/// down anywhere.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// A text in a value, anywhere in its JSON, is exactly this.
    Is(String),
    /// A text in a value, anywhere in its JSON, has this in it.
    In(String),
}

impl std::fmt::Debug for Subject {
    /// Shows nobody.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Subject(not shown)")
    }
}

/// What forgetting would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// Receipts whose openings would be erased.
    pub receipts: SeqSet,
    /// Receipts that hold the subject in plain: recorded values cannot be
    /// forgotten.
    pub in_plain: SeqSet,
    /// Receipts that were asked for and whose openings the vault does not have:
    /// there is nothing to erase, and no receipt says that there was.
    pub missing: SeqSet,
    /// Openings about the subject whose receipt never got into the log.
    pub orphans: Vec<ActionId>,
    /// Ids that were asked for and are not in the log.
    pub unknown: Vec<ActionId>,
    /// The holds that forbid it.
    pub held_by: Vec<HoldId>,
    /// The receipts about a subject: whatever belongs to one of their calls is
    /// forgotten with them, also what is not in the log yet.
    about: HashSet<ActionId>,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forgotten {
    /// Receipts whose openings are erased.
    pub receipts: SeqSet,
    /// The numbers of the erasure receipts.
    pub recorded_in: Vec<u64>,
}

/// Why nothing, or not everything, was forgotten.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ForgetError {
    /// The log or the vault could not be read.
    #[error(transparent)]
    Read(#[from] ReadOrVault),
    /// A legal hold forbids it.
    #[error("the legal hold `{hold}` forbids it")]
    Held {
        /// The hold.
        hold: HoldId,
    },
    /// The log does not hold together, so that its legal holds cannot be told.
    #[error("segment {segment} does not go on from what stands before it: legal holds cannot be told")]
    Unsound {
        /// The number of the segment.
        segment: u64,
    },
    /// The gate did not record it.
    #[error("the erasure was not recorded; the next start of the log finishes it")]
    Gate(#[from] Refused),
}

impl Plan {
    /// What forgetting the receipts `ids` would do.
    ///
    /// # Errors
    /// [`ReadOrVault`].
    pub fn of_ids(log: &LogReader, ids: &[ActionId]) -> Result<Self, ReadOrVault> {
        let wanted = ids.iter().copied().collect();
        let mut plan = Self::default();
        plan.collect(log, &wanted, None)?;
        Ok(plan)
    }

    /// What forgetting `subject` would do: every call in whose arguments or
    /// result it stands, with both receipts.
    ///
    /// # Errors
    /// [`ReadOrVault`], also when an entry does not open: what cannot be read
    /// cannot be searched.
    pub fn of_subject(log: &LogReader, vault: &Vault, subject: &Subject) -> Result<Self, ReadOrVault> {
        let mut wanted = HashSet::new();
        vault.open_all(&mut |openings| {
            if openings.values.iter().any(|(_, value)| subject.is_in_text(value)) {
                wanted.insert(openings.action_id);
            }
        })?;
        let found = wanted.clone();
        visit_payloads(log, &mut |payload| {
            let [call] = payload.asqav.parents.as_slice() else { return };
            if payload.invocation_ref.is_some()
                && (found.contains(&payload.action_id) || found.contains(call))
            {
                wanted.extend([payload.action_id, *call]);
            }
        })?;
        let mut plan = Self::default();
        plan.collect(log, &wanted, Some(subject))?;
        plan.orphans = std::mem::take(&mut plan.unknown);
        plan.about = wanted;
        Ok(plan)
    }

    fn collect(
        &mut self,
        log: &LogReader,
        wanted: &HashSet<ActionId>,
        subject: Option<&Subject>,
    ) -> Result<(), ReadOrVault> {
        let (mut holds, mut known) = (Holds::default(), HashSet::new());
        let (mut receipts, mut missing, mut in_plain) = (Vec::new(), Vec::new(), Vec::new());
        let entries = Vault::entries(log.path())?;
        let entries: HashSet<_> = entries.into_iter().map(|entry| (entry.seq, entry.action_id)).collect();
        visit_payloads(log, &mut |payload| {
            holds.apply(payload);
            if wanted.contains(&payload.action_id) {
                known.insert(payload.action_id);
                if entries.contains(&(payload.seq, payload.action_id)) {
                    receipts.push(payload.seq);
                } else if has_commitments(payload) {
                    missing.push(payload.seq);
                }
            }
            if subject.is_some_and(|subject| subject.is_in_plain(payload)) {
                in_plain.push(payload.seq);
            }
        })?;
        self.receipts = receipts.into_iter().collect();
        self.missing = missing.into_iter().collect();
        self.in_plain = in_plain.into_iter().collect();
        self.unknown = wanted.difference(&known).copied().collect();
        self.unknown.sort_unstable();
        let on_orphans = subject.is_some() && !self.unknown.is_empty();
        let forbids = |hold: &&Hold| hold.forbids(&self.receipts) || (on_orphans && hold.receipts.is_none());
        let held = holds.iter().filter(forbids);
        self.held_by = held.map(|hold| hold.id.clone()).collect();
        Ok(())
    }
}

/// Does what `plan` says through the log's one writer: destroys the keys, then
/// records erasure receipts that name the receipts. Orphans are erased without
/// a receipt: there is nothing in the log that they would open. One whose
/// receipt got into the log since the plan was made is erased with a receipt,
/// and so is the other receipt of a call about the subject.
///
/// # Errors
/// [`ForgetError`]; nothing is done while a hold forbids it, and of orphans
/// nothing while one covers the whole log.
pub fn forget(log_dir: &Path, gate: &Gate, plan: &Plan) -> Result<Forgotten, ForgetError> {
    // A hold that was placed since the plan was made counts; so does a receipt
    // that was on its way, and whose openings were in the vault already.
    gate.flush().wait().map_err(|cause| Refused::Closed { cause })?;
    let log = LogReader::open(log_dir).map_err(ReadOrVault::from)?;
    let (mut receipts, mut orphans) = (plan.receipts.clone(), plan.orphans.clone());
    let entries: HashSet<_> = match plan.about.is_empty() {
        true => HashSet::new(),
        false => Vault::entries(log_dir)
            .map_err(ReadOrVault::from)?
            .into_iter()
            .map(|entry| (entry.seq, entry.action_id))
            .collect(),
    };
    let mut calls = HashSet::new();
    let holds = holds::in_force(&log, &mut |payload| {
        let is_kept = entries.contains(&(payload.seq, payload.action_id));
        if let ([call], Some(_)) = (payload.asqav.parents.as_slice(), &payload.invocation_ref) {
            if is_kept && plan.about.contains(call) {
                receipts.insert(payload.seq);
            }
            if plan.about.contains(&payload.action_id) {
                calls.insert(*call);
            }
        }
        if let Some(at) = orphans.iter().position(|orphan| *orphan == payload.action_id) {
            orphans.swap_remove(at);
            receipts.insert(payload.seq);
        }
    })
    .map_err(ReadOrVault::from)?
    .map_err(|segment| ForgetError::Unsound { segment })?;
    calls.retain(|call| !plan.about.contains(call));
    let mut add = |payload: &Payload| {
        if calls.contains(&payload.action_id) && entries.contains(&(payload.seq, payload.action_id)) {
            receipts.insert(payload.seq);
        }
    };
    if !calls.is_empty() {
        visit_payloads(&log, &mut add).map_err(ReadOrVault::from)?;
    }
    let on_orphans = holds.iter().find(|hold| !orphans.is_empty() && hold.receipts.is_none());
    if let Some(hold) = holds.forbidding(&receipts).or(on_orphans) {
        return Err(ForgetError::Held { hold: hold.id.clone() });
    }
    // A hold that was placed while the log was read counts, too.
    let erased = gate.erase(&receipts)?;
    let vault = Vault::of(log_dir);
    for orphan in orphans {
        vault.erase(orphan).map_err(ReadOrVault::from)?;
    }
    let mut recorded_in = Vec::new();
    for recorded in erased {
        recorded_in.push(recorded.wait()?.payload.seq);
    }
    Ok(Forgotten { receipts, recorded_in })
}

impl Subject {
    /// Who is named by exactly this text.
    #[must_use]
    pub fn is(text: impl Into<String>) -> Self {
        Self::Is(text.into())
    }

    /// Who is named by a text with this in it.
    #[must_use]
    pub fn within(text: impl Into<String>) -> Self {
        Self::In(text.into())
    }

    /// Whether it stands in the JSON text `value`.
    fn is_in_text(&self, value: &str) -> bool {
        match Json::parse(value.as_bytes()) {
            Ok(json) => self.is_in(&json),
            // Too deep, or with numbers that the strict reader refuses.
            Err(_) => value.contains(self.text()),
        }
    }

    fn is_in(&self, json: &Json) -> bool {
        match json {
            Json::String(text) => self.matches(text),
            Json::Integer(number) => self.matches(&number.to_string()),
            Json::Array(items) => items.iter().any(|item| self.is_in(item)),
            Json::Object(members) => {
                members.iter().any(|(name, value)| self.matches(name) || self.is_in(value))
            }
            _ => false,
        }
    }

    /// Whether it stands in what the receipt records in plain: values, names,
    /// and what an event says.
    fn is_in_plain(&self, payload: &Payload) -> bool {
        self.is_in_labels(payload) || self.is_in_context(payload)
    }

    fn is_in_labels(&self, payload: &Payload) -> bool {
        let tool = payload.tool_name.as_ref().map(ToolName::as_str);
        let session = payload.session_id.as_ref().map(SessionId::as_str);
        let labels = [Some(payload.agent_id.as_str()), Some(payload.action_type.as_str()), tool, session];
        labels.into_iter().flatten().any(|label| self.matches(label))
    }

    fn is_in_context(&self, payload: &Payload) -> bool {
        let form = |form: &Form| match form {
            Form::Value(value) => self.is_in(value),
            Form::Text(text) => self.is_in_text(text),
            _ => false,
        };
        let shown =
            |shown: &[(String, Form)]| shown.iter().any(|(name, value)| self.matches(name) || form(value));
        match &payload.context {
            Context::Arguments { shown: arguments, .. } => shown(arguments),
            Context::Observed { shown: arguments, result, .. } => {
                shown(arguments) || result.as_ref().is_some_and(form)
            }
            Context::Result(result) => result.as_ref().is_some_and(form),
            Context::Step(step) => form(step),
            Context::Event { body, .. } => body.iter().any(|(_, value)| self.is_in_event(value)),
            _ => false,
        }
    }

    /// Texts of events, but for digests, in which a short name may stand by
    /// chance.
    fn is_in_event(&self, json: &Json) -> bool {
        let is_digest = |text: &str| {
            let digits = text.rsplit(':').next().unwrap_or_default();
            digits.len() >= 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        match json {
            Json::String(text) => !is_digest(text) && self.matches(text),
            Json::Array(items) => items.iter().any(|item| self.is_in_event(item)),
            Json::Object(members) => members.iter().any(|(_, value)| self.is_in_event(value)),
            _ => false,
        }
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Is(subject) => text == subject,
            Self::In(subject) => text.contains(subject.as_str()),
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Is(subject) | Self::In(subject) => subject,
        }
    }
}

impl From<Held> for ForgetError {
    fn from(Held { hold, .. }: Held) -> Self {
        Self::Held { hold }
    }
}

impl From<VaultError> for ForgetError {
    fn from(error: VaultError) -> Self {
        Self::Read(error.into())
    }
}
