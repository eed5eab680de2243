//! What a request's path names, however a router behind the gate reads it.
//!
//! Routers differ: some compare paths as they came, some decode escapes first,
//! some drop empty and dot segments. A path that they read differently must
//! lead neither past the gate nor to a decision about another tool.

use std::borrow::Cow;

/// What a path says below a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named {
    /// It lies elsewhere.
    Nothing,
    /// This name, escapes decoded; all routers agree on it.
    Tool(String),
    /// Something that routers read differently; the path as it came.
    Unclear(String),
}

/// What `path` names below `prefix`.
pub(super) fn name_below(prefix: &str, path: &str) -> Named {
    if let Some(plain) = plain(path) {
        return match plain.strip_prefix(prefix) {
            Some(name) if !name.is_empty() => Named::Tool(name.to_owned()),
            _ => Named::Nothing,
        };
    }
    let within = |path: &str| path.strip_prefix(prefix).is_some_and(|name| !name.is_empty());
    let shown = path.strip_prefix(prefix).unwrap_or(path);
    if within(path) || within(&loosest(path)) { Named::Unclear(shown.to_owned()) } else { Named::Nothing }
}

/// The path with its escapes decoded; `None` if its segments depend on who
/// reads it.
fn plain(path: &str) -> Option<Cow<'_, str>> {
    let decoded = decoded(path)?;
    let split_alike = decoded.matches('/').count() == path.matches('/').count();
    let mut segments = decoded.strip_prefix('/')?.split('/');
    let sound = segments.all(|segment| !matches!(segment, "" | "." | ".."));
    (sound && split_alike && !decoded.contains('\\')).then_some(decoded)
}

/// The path as the most obliging router reads it.
fn loosest(path: &str) -> String {
    let decoded = decoded(path).unwrap_or(Cow::Borrowed(path)).replace('\\', "/");
    let mut segments = Vec::new();
    for segment in decoded.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    format!("/{}", segments.join("/"))
}

/// `%XX` decoded (RFC 3986 §2.1); `None` if an escape is malformed or the
/// bytes are not UTF-8.
fn decoded(path: &str) -> Option<Cow<'_, str>> {
    if !path.contains('%') {
        return Some(Cow::Borrowed(path));
    }
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || char::from(rest.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        bytes.push(if byte == b'%' { digit()? << 4 | digit()? } else { byte });
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_one_tool_or_is_unclear() {
        let named = |path| name_below("/tools/", path);
        for (path, tool) in
            [("/tools/a", "a"), ("/tools/a/b", "a/b"), ("/tools/%61", "a"), ("/tools/%2561", "%61")]
        {
            assert_eq!(named(path), Named::Tool(tool.to_owned()), "{path}");
        }
        for path in ["/", "", "*", "/tools", "/tools/", "/health", "/health//", "/tool%73", "/x/../y"] {
            assert_eq!(named(path), Named::Nothing, "{path}");
        }
        for path in [
            "/tools//a",
            "/tools/a/",
            "/tools/..",
            "//tools/a",
            "/./tools/a",
            "/x/../tools/a",
            "/tools/x/../a",
            "/tools/a%2Fb",
            "/tools/a%5cb",
            "/tools/%",
            "/tools/%6",
            "/tools/%+1",
            "/tools/%ff",
            "/x%2f..%2ftools/a",
            "\\tools\\a",
            "/tools/../tools/a",
        ] {
            assert!(matches!(named(path), Named::Unclear(_)), "{path} {:?}", named(path));
        }
    }
}
