//! One line of a log: canonical `{payload, signature}`, byte for byte.

use crate::batch::Member;
use crate::canonical;
use crate::json::{Json, Object};
use crate::verify::subject::Subject;

#[derive(Debug, Clone)]
pub(super) struct Line {
    json: Json,
    member: Option<Member>,
}

impl Line {
    /// Reads a line.
    ///
    /// # Errors
    /// In words, why it is none.
    pub(super) fn read(line: &[u8]) -> Result<Self, String> {
        let json = Json::parse(line).map_err(|error| error.to_string())?;
        let object = json.as_object().ok_or("not an object")?;
        let signature = object.get("signature").and_then(Json::as_object);
        let member = signature.and_then(|signature| member(object, signature));
        let own = |signature: &Object| has_exactly(signature, &["alg", "kid", "sig"]);
        if !has_exactly(object, &["payload", "signature"])
            || (member.is_none() && !signature.is_some_and(own))
        {
            return Err("not an object of payload and signature".to_owned());
        }
        if canonical::to_vec(&json) != line {
            return Err("not the canonical bytes".to_owned());
        }
        Ok(Self { json, member })
    }

    /// Its place in a batch, if it has no signature of its own.
    pub(super) const fn member(&self) -> Option<&Member> {
        self.member.as_ref()
    }

    /// The receipt in it, if it is one of ours.
    pub(super) fn subject(&self) -> Option<Subject<'_>> {
        let subject = Subject::find(self.json.as_object()?).ok()?;
        subject.is_ours().then_some(subject)
    }
}

fn member(object: &Object, signature: &Object) -> Option<Member> {
    let seq = object.get("payload")?.as_object()?.get("seq")?.as_count()?;
    Member::from_json(signature, seq)
}

fn has_exactly(object: &Object, names: &[&str]) -> bool {
    object.len() == names.len() && names.iter().all(|name| object.get(name).is_some())
}
