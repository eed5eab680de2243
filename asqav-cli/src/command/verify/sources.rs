//! The receipts that the command line names.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::CliError;
use crate::input;

/// One run takes at most this many receipts …
const MAX_RECEIPTS: usize = 100_000;

/// … and this many bytes of them: they are held in memory.
const MAX_BYTES: usize = 256 * 1024 * 1024;

/// A receipt and where it was found.
#[derive(Debug)]
pub(super) struct Source {
    /// The file, and the line if it has several receipts.
    pub(super) name: String,
    /// The receipt as it stands there.
    pub(super) bytes: Vec<u8>,
}

impl AsRef<[u8]> for Source {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Whether a directory's file is taken for receipts: JSON or JSON lines, but no
/// key set and no part of a log.
pub(super) fn is_receipt_name(name: &str) -> bool {
    let json = [".json", ".jsonl"].iter().any(|end| name.ends_with(end));
    json && !name.ends_with("jwks.json") && !name.starts_with("segment-")
}

/// Reads every receipt, directories in the order of their files' names.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<Source>, CliError> {
    let mut sources = Vec::new();
    let mut bytes = 0;
    for path in paths {
        let files = if path.is_dir() { files_in(path)? } else { vec![path.clone()] };
        for file in files {
            for source in split(&file, input::read(&file)?) {
                bytes += source.bytes.len();
                sources.push(source);
                if sources.len() > MAX_RECEIPTS || bytes > MAX_BYTES {
                    return Err(CliError::Usage(format!(
                        "more than {MAX_RECEIPTS} receipts or {MAX_BYTES} bytes: verify them in parts"
                    )));
                }
            }
        }
    }
    Ok(sources)
}

fn files_in(dir: &Path) -> Result<Vec<PathBuf>, CliError> {
    let failed = |source| CliError::Read { path: dir.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if name.to_str().is_some_and(is_receipt_name) {
            files.push(dir.join(name));
        }
    }
    files.sort();
    Ok(files)
}

/// The receipts of one text: its lines if they are JSON lines, else the whole.
fn split(path: &Path, bytes: Vec<u8>) -> Vec<Source> {
    let name = path.display().to_string();
    if !is_json_lines(&bytes) {
        return vec![Source { name, bytes }];
    }
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    lines
        .filter(|(_, line)| !line.trim_ascii().is_empty())
        .map(|(at, line)| Source { name: format!("{name}:{}", at + 1), bytes: line.to_vec() })
        .collect()
}

/// Whether there are at least two lines, and the first is an object by itself.
/// (The first line of a single object over several lines does not end with a
/// brace that closes it.)
fn is_json_lines(bytes: &[u8]) -> bool {
    let mut lines =
        bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    first.starts_with(b"{")
        && first.ends_with(b"}")
        && lines.next().is_some_and(|next| next.starts_with(b"{"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let sources = split(Path::new("f"), text.as_bytes().to_vec());
        sources.into_iter().map(|source| source.name).collect()
    }

    #[test]
    fn lines_are_told_from_one_object() {
        assert_eq!(names("{\"a\":1}"), ["f"]);
        assert_eq!(names("{\n  \"a\": {\n  }\n}\n"), ["f"]);
        assert_eq!(names("{\"a\":1}\n\n{\"b\":2}\n"), ["f:1", "f:3"]);
        assert_eq!(names("{\"a\":1}\nnot json"), ["f"], "then it is one text, and malformed");
        assert_eq!(names(""), ["f"]);
    }

    #[test]
    fn key_sets_and_parts_of_logs_are_no_receipts() {
        for name in ["receipt.json", "r.jsonl"] {
            assert!(is_receipt_name(name), "{name}");
        }
        for name in ["keys.jwks.json", "jwks.json", "segment-00001.sig.json", "notes.txt"] {
            assert!(!is_receipt_name(name), "{name}");
        }
    }
}
