//! Paths in their plain form: what every reader takes for the same place.

/// The path without a trailing slash, if it is plain: absolute, `/` between
/// names, no empty name, `.` or `..`, no backslash and no control character.
/// The root is the empty text.
pub(super) fn plain(path: &str) -> Option<&str> {
    let body = path.strip_prefix('/')?;
    if path.chars().any(|c| c == '\\' || c.is_control()) {
        return None;
    }
    let path = path.strip_suffix('/').unwrap_or(path);
    let names = body.strip_suffix('/').unwrap_or(body);
    (names.is_empty() && body.is_empty() || names.split('/').all(|name| !matches!(name, "" | "." | "..")))
        .then_some(path)
}

/// Whether a plain path is `directory` or lies under it.
pub(super) fn is_under(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_paths_are_read() {
        for (path, plain_path) in
            [("/", ""), ("/a", "/a"), ("/a/", "/a"), ("/a/b c", "/a/b c"), ("/..a/.b", "/..a/.b")]
        {
            assert_eq!(plain(path), Some(plain_path), "{path}");
        }
        for path in
            ["", "a", "./a", "~/a", "//", "//a", "/a//", "/a//b", "/.", "/a/..", "/a/../b", "/a\\b", "/a\0"]
        {
            assert_eq!(plain(path), None, "{path:?}");
        }
    }

    #[test]
    fn a_name_is_not_a_prefix_of_another() {
        assert!(is_under("/srv/data", "/srv/data"));
        assert!(is_under("/srv/data/x", "/srv/data"));
        assert!(!is_under("/srv/database", "/srv/data"));
        assert!(!is_under("/srv", "/srv/data"));
        assert!(is_under("/srv", ""));
        assert!(is_under("", ""));
    }
}
