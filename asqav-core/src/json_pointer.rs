//! JSON pointers (RFC 6901) into values that a gate was given as text.

use asqav_receipt::json::Json;

use crate::call::JsonText;

/// The steps of a pointer (§4); `None` if it is none.
pub(crate) fn steps(pointer: &str) -> Option<Vec<String>> {
    if pointer.is_empty() {
        return Some(Vec::new());
    }
    let steps = pointer.strip_prefix('/')?;
    Some(steps.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect())
}

/// A step as the index of an item. It has one spelling: no sign, no leading zero.
pub(crate) fn index(step: &str) -> Option<usize> {
    step.parse::<usize>().ok().filter(|at| at.to_string() == step)
}

/// The whole number of at least 0 at `pointer` in `text`.
pub(crate) fn count_at(text: &JsonText, pointer: &str) -> Option<u64> {
    let json = Json::parse(text.as_str().as_bytes()).ok()?;
    let value = steps(pointer)?.iter().try_fold(&json, |value, step| match value {
        Json::Object(members) => members.get(step),
        Json::Array(items) => items.get(index(step)?),
        _ => None,
    })?;
    value.as_count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_found_where_the_pointer_leads() {
        let text = JsonText::parse(r#"{"a/b":[{"n":7}],"t":"7","m":-1,"f":1.5}"#).unwrap();
        assert_eq!(count_at(&text, "/a~1b/0/n"), Some(7));
        for none in ["", "/t", "/m", "/f", "/a~1b/00/n", "/a~1b/1/n", "/a~1b/0/n/0", "n", "/x"] {
            assert_eq!(count_at(&text, none), None, "{none}");
        }
        assert_eq!(count_at(&JsonText::parse("12").unwrap(), ""), Some(12));
    }
}
