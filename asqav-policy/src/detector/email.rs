//! E-mail addresses: a dot-atom (RFC 5322 §3.2.3), `@`, and a host name with a
//! dot whose last label holds a letter.

pub(super) fn finds(text: &str) -> bool {
    text.match_indices('@').any(|(at, _)| {
        let (before, behind) = (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default());
        before.chars().next_back().is_some_and(is_atom) && begins_with_host(behind)
    })
}

fn is_atom(c: char) -> bool {
    c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
}

/// Letters of any script, because host names are written in any.
fn begins_with_host(text: &str) -> bool {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '-' && c != '.').unwrap_or(text.len());
    let host = text.get(..end).unwrap_or_default().trim_end_matches('.');
    let last = host.rsplit('.').next().unwrap_or_default();
    host.contains('.')
        && host.split('.').all(|label| !label.is_empty())
        && last.chars().any(char::is_alphabetic)
}
