//! Arguments and results as they stand in a receipt: forms, commitments, and
//! the folding that keeps a payload within 4,096 bytes.

mod fit;

use std::borrow::Cow;
use std::slice::Iter;

use asqav_receipt::commitment::{self, Openings};
use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::id::{ActionId, LogId};
use asqav_receipt::json::{Json, Numbers, check_text};
use asqav_receipt::merkle::{Frontier, Sha3Tree};
use asqav_receipt::payload::{Folded, Form, MAX_RECORDED_LEN};

use crate::call::{Argument, Capture, JsonText};
pub(crate) use fit::{fit_arguments, fit_value};

/// The pointer of an outcome's result.
pub(crate) const RESULT: &str = "/result";
/// The pointer of a session step's value.
pub(crate) const STEP: &str = "/step";
/// The pointer of what a policy decided on.
pub(crate) const POLICY_INPUTS: &str = "/policy/inputs";

/// What a dropped argument is committed to when there are so many of them
/// that they have to fold.
const DROPPED: &str = r#"{"dropped":true}"#;

/// Commits to one receipt's values and keeps their openings.
pub(crate) struct Committer<'a> {
    log_id: LogId,
    openings: Openings,
    foreseen: Iter<'a, Foreseen>,
}

/// The salt of a value that is probably going to be committed: those of a whole
/// call are made together.
pub(crate) struct Foreseen {
    pub(crate) pointer: Cow<'static, str>,
    pub(crate) salt: [u8; 32],
}

impl<'a> Committer<'a> {
    /// Commits to values of the receipt `action_id` under its random `secret`;
    /// the salts of those `foreseen`, if they come in that order, are there
    /// already.
    pub(crate) fn new(
        log_id: LogId,
        action_id: ActionId,
        secret: [u8; 32],
        foreseen: &'a [Foreseen],
    ) -> Self {
        let openings = Openings { action_id, secret, values: Vec::new() };
        Self { log_id, openings, foreseen: foreseen.iter() }
    }

    /// The commitment to `value` at `pointer`.
    pub(crate) fn commit(&mut self, pointer: String, value: String) -> Sha3Digest {
        let Openings { action_id, secret, values } = &mut self.openings;
        let at = self.foreseen.as_slice().iter().position(|foreseen| foreseen.pointer == pointer);
        let foreseen = at.and_then(|at| self.foreseen.nth(at));
        let salt = foreseen.map_or_else(|| commitment::salt(secret, &pointer), |foreseen| foreseen.salt);
        let digest = commitment::commit(self.log_id, *action_id, &pointer, &salt, value.as_bytes());
        values.push((pointer, value));
        digest
    }

    /// What the vault keeps; `None` when nothing was committed.
    pub(crate) fn into_openings(self) -> Option<Openings> {
        (!self.openings.values.is_empty()).then_some(self.openings)
    }
}

/// The pointers of `arguments` that are going to be committed, unless others
/// have to be, too, to save room.
pub(crate) fn foreseeable(arguments: &[Argument]) -> impl Iterator<Item = Cow<'static, str>> {
    let committed = arguments.iter().filter(|argument| {
        let Argument { value, capture, declared, .. } = argument;
        kept(value.as_ref(), *capture, *declared) == Capture::Commit
    });
    committed.map(|argument| argument_pointer(&argument.name).into())
}

/// What becomes of a value that `capture` is asked for: without a name to show,
/// or if it is long, it is committed to.
fn kept(value: Option<&JsonText>, capture: Capture, declared: bool) -> Capture {
    match (value, capture) {
        (None, _) => Capture::Drop,
        (_, Capture::Drop) if declared => Capture::Drop,
        (Some(text), Capture::Record) if declared && text.as_str().len() <= MAX_RECORDED_LEN => {
            Capture::Record
        }
        _ => Capture::Commit,
    }
}

/// One argument on its way into a receipt.
pub(crate) struct Captured {
    name: String,
    /// `None` for an undeclared argument: its name is never shown.
    form: Option<Form>,
    /// The commitment, where there is one, shown or not.
    commitment: Option<Sha3Digest>,
    /// The text of a recorded value, for the case that it does not fit.
    recorded: Option<JsonText>,
}

impl Captured {
    /// The form that the argument's capture asks for.
    pub(crate) fn new(argument: Argument, committer: &mut Committer<'_>) -> Self {
        let Argument { name, value, capture, declared } = argument;
        let dropped = Self { name, form: Some(Form::Dropped), commitment: None, recorded: None };
        let kept = kept(value.as_ref(), capture, declared);
        let Some(text) = value else { return dropped };
        match kept {
            Capture::Drop => dropped,
            Capture::Record => {
                let form = recorded_form(text.as_str());
                Self { form: Some(form), recorded: Some(text), ..dropped }
            }
            Capture::Commit => {
                let commitment = committer.commit(argument_pointer(&dropped.name), text.into_string());
                let form = declared.then_some(Form::Commit(commitment));
                Self { form, commitment: Some(commitment), ..dropped }
            }
        }
    }
}

/// `{"value": v}`, or `{"json": text}` for numbers outside the payload's rules.
fn recorded_form(text: &str) -> Form {
    let exact = matches!(check_text(text), Ok(Numbers::Payload));
    match exact.then(|| Json::parse(text.as_bytes())) {
        Some(Ok(value)) => Form::Value(value),
        _ => Form::Text(text.to_owned()),
    }
}

/// The form of one value that stands alone: a result or a step.
pub(crate) fn value_form(
    pointer: &str,
    value: Option<JsonText>,
    capture: Capture,
    committer: &mut Committer<'_>,
) -> Form {
    let kept = kept(value.as_ref(), capture, true);
    let Some(text) = value else { return Form::Dropped };
    match kept {
        Capture::Drop => Form::Dropped,
        Capture::Record => recorded_form(text.as_str()),
        Capture::Commit => Form::Commit(committer.commit(pointer.to_owned(), text.into_string())),
    }
}

/// The tree over the commitments to `arguments`, ordered by name: all
/// pointers have the prefix `/arguments/` in common.
pub(crate) fn fold(mut arguments: Vec<(&str, Sha3Digest)>) -> Option<Folded> {
    if arguments.is_empty() {
        return None;
    }
    arguments.sort_unstable_by(|one, other| one.0.as_bytes().cmp(other.0.as_bytes()));
    let mut tree = Frontier::<Sha3Tree>::new();
    arguments.iter().for_each(|(_, commitment)| tree.push(commitment.as_bytes()));
    Some(Folded::new(tree.size(), Sha3Digest::from_bytes(tree.root())))
}

/// The pointer of the argument `name`: the name as it is, without escapes.
fn argument_pointer(name: &str) -> String {
    ["/arguments/", name].concat()
}

#[cfg(test)]
mod tests;
