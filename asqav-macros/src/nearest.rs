//! "Did you mean …": the known name nearest to one that is not known.

/// Says which of `known` was probably meant by `wrong`, as the end of a
/// message: `; did you mean …?`, or the list of all that are known.
pub(crate) fn hint(wrong: &str, known: &[&str]) -> String {
    if let Some(name) = nearest(wrong, known) {
        return format!("; did you mean `{name}`?");
    }
    match known {
        [] => String::new(),
        [only] => format!("; the only one is `{only}`"),
        _ => format!("; known are `{}`", known.join("`, `")),
    }
}

/// The nearest name, if it is near: at most one edit in three characters, and
/// something in common.
fn nearest<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    let length = wrong.chars().count();
    let (distance, name) = known.iter().map(|name| (distance(wrong, name), *name)).min()?;
    (distance <= length.div_ceil(3) && distance < length).then_some(name)
}

/// Levenshtein distance, where two neighbours that change places count once
/// (optimal string alignment).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    let mut last = None;
    for (i, a) in from.chars().enumerate() {
        let mut next = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX - 1);
            let replaced = at(&row, j) + usize::from(a != *b);
            let mut best = replaced.min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            if let Some(left) = j.checked_sub(1)
                && last == Some(*b)
                && to.get(left) == Some(&a)
            {
                best = best.min(at(&before, left) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
        last = Some(a);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_edits() {
        let cases =
            [("", "", 0), ("", "ab", 2), ("tier", "tier", 0), ("teir", "tier", 1), ("kitten", "sitting", 3)];
        for (from, to, edits) in cases {
            assert_eq!((distance(from, to), distance(to, from)), (edits, edits), "{from} {to}");
        }
    }

    #[test]
    fn names_the_nearest_or_all() {
        assert_eq!(hint("acton", &["action", "tool"]), "; did you mean `action`?");
        assert_eq!(hint("acton", &["tier", "tool"]), "; known are `tier`, `tool`");
        assert_eq!(hint("x", &["amount"]), "; the only one is `amount`");
        assert_eq!(hint("x", &[]), "");
    }
}
