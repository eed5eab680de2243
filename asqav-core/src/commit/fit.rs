//! Fits arguments and results into what a payload may hold.

use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::payload::{Folded, Form, MAX_CONTEXT_LEN, Payload};

use super::{Captured, Committer, DROPPED, fold, value_form};
use crate::call::{Argument, Capture, JsonText};

/// Canonical length of `"arguments_root":{"count":…,"root":"…"},`, at most.
const FOLDED_LEN: usize = 128;
/// Canonical length of `{"commit":"…"}`.
const COMMIT_LEN: usize = 77;

/// Arguments as the context shows them.
pub(crate) struct Fitted {
    pub(crate) shown: Vec<(String, Form)>,
    pub(crate) folded: Option<Folded>,
    /// The tree over all commitments, shown or folded: what the policy's
    /// inputs name.
    pub(crate) all: Option<Folded>,
}

/// The forms of `arguments` that fit into `skeleton`, together with `reserved`
/// bytes of other members of the context.
///
/// What does not fit folds in this order, so that what the user asked to see
/// goes last: all commitments; then recorded values, which are committed; then
/// dropped arguments, which are committed as `{"dropped":true}`.
pub(crate) fn fit_arguments(
    arguments: Vec<Argument>,
    skeleton: &Payload,
    reserved: usize,
    committer: &mut Committer<'_>,
) -> Fitted {
    let mut captured: Vec<_> =
        arguments.into_iter().map(|argument| Captured::new(argument, committer)).collect();
    let folds: [fn(&Form) -> bool; 3] = [
        |form| matches!(form, Form::Commit(_)),
        |form| matches!(form, Form::Value(_) | Form::Text(_)),
        |_| true,
    ];
    let mut room = Room::new(skeleton);
    for folds in folds {
        if room.holds(shown_len(&captured) + FRAME_LEN + FOLDED_LEN + reserved) {
            break;
        }
        for argument in &mut captured {
            argument.fold_if(folds, committer);
        }
    }
    Fitted::from(captured)
}

impl Captured {
    /// Takes the argument out of sight; its commitment is made if there is none.
    fn fold_if(&mut self, folds: fn(&Form) -> bool, committer: &mut Committer<'_>) {
        if !self.form.take_if(|form| folds(form)).is_some_and(|form| !matches!(form, Form::Commit(_))) {
            return;
        }
        let text = self.recorded.take().map_or_else(|| DROPPED.to_owned(), JsonText::into_string);
        let pointer = super::argument_pointer(&self.name);
        self.commitment = Some(committer.commit(pointer, text));
    }
}

impl From<Vec<Captured>> for Fitted {
    fn from(captured: Vec<Captured>) -> Self {
        let commitment = |argument: &Captured| argument.commitment;
        let hidden = captured.iter().filter(|argument| argument.form.is_none());
        let folded = fold_of(hidden, commitment);
        let all = fold_of(captured.iter(), commitment);
        let shown = captured.into_iter().filter_map(|Captured { name, form, .. }| Some((name, form?)));
        Self { shown: shown.collect(), folded, all }
    }
}

fn fold_of<'a>(
    arguments: impl Iterator<Item = &'a Captured>,
    commitment: fn(&Captured) -> Option<Sha3Digest>,
) -> Option<Folded> {
    fold(arguments.filter_map(|argument| Some((argument.name.as_str(), commitment(argument)?))).collect())
}

/// The form of a value that stands alone in `skeleton`.
pub(crate) fn fit_value(
    pointer: &str,
    value: Option<JsonText>,
    capture: Capture,
    skeleton: &Payload,
    committer: &mut Committer<'_>,
) -> Form {
    let kept = (capture == Capture::Record).then(|| value.clone()).flatten();
    let form = value_form(pointer, value, capture, committer);
    match kept {
        Some(text) if !Room::new(skeleton).holds(form_len(&form) + FRAME_LEN) => {
            value_form(pointer, Some(text), Capture::Commit, committer)
        }
        _ => form,
    }
}

/// How many bytes a context may have in one payload.
struct Room<'a> {
    skeleton: &'a Payload,
    /// Measured only when what every payload holds is not enough.
    measured: Option<usize>,
}

impl<'a> Room<'a> {
    const fn new(skeleton: &'a Payload) -> Self {
        Self { skeleton, measured: None }
    }

    fn holds(&mut self, len: usize) -> bool {
        len <= MAX_CONTEXT_LEN || len <= *self.measured.get_or_insert_with(|| self.skeleton.context_budget())
    }
}

/// Canonical length of `"arguments":{},` and of the braces around.
const FRAME_LEN: usize = 18;

fn shown_len(captured: &[Captured]) -> usize {
    let shown = captured.iter().filter_map(|Captured { name, form, .. }| Some((name, form.as_ref()?)));
    shown.map(|(name, form)| escaped_len(name) + 4 + form_len(form)).sum()
}

/// The canonical length of a form, rounded up.
fn form_len(form: &Form) -> usize {
    match form {
        Form::Value(value) => 10 + asqav_receipt::canonical::to_vec(value).len(),
        Form::Text(text) => 11 + escaped_len(text),
        Form::Dropped => DROPPED.len(),
        _ => COMMIT_LEN,
    }
}

/// The canonical length of a string without its quotes.
fn escaped_len(text: &str) -> usize {
    let extra = |byte| match byte {
        b'"' | b'\\' | 0x08..=0x0a | 0x0c | 0x0d => 1,
        0..0x20 => 5,
        _ => 0,
    };
    text.bytes().map(|byte| 1 + extra(byte)).sum()
}
