//! Runs the binary and makes its output the same each time.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What a run of `asqav` in `dir` with `args` left behind.
pub(crate) fn asqav(dir: &Path, args: &[&str]) -> String {
    describe(dir, &run(dir, args, b""))
}

/// The same with `input` on standard input.
pub(crate) fn asqav_with_input(dir: &Path, args: &[&str], input: &[u8]) -> String {
    describe(dir, &run(dir, args, input))
}

/// The bare result.
pub(crate) fn run(dir: &Path, args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_asqav"))
        .args(args)
        .current_dir(dir)
        .env_clear()
        .env("TMPDIR", std::env::temp_dir())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its input closes it, which is fine.
    drop(std::io::Write::write_all(&mut child.stdin.take().unwrap(), input));
    child.wait_with_output().unwrap()
}

fn describe(dir: &Path, output: &Output) -> String {
    let text = |bytes: &[u8]| redact(std::str::from_utf8(bytes).unwrap(), dir);
    format!(
        "exit code: {}\n----- stdout -----\n{}----- stderr -----\n{}",
        output.status.code().map_or_else(|| "none (signal)".to_owned(), |code| code.to_string()),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// Replaces what differs between runs: the directory, digests, ids, times,
/// lengths; and the width of table columns, which follows from them.
fn redact(text: &str, dir: &Path) -> String {
    let text = text.replace(&dir.display().to_string(), "[DIR]");
    text.split_inclusive('\n').map(|line| redact_line(&narrow(line))).collect()
}

/// Table rows with two spaces between cells and short rules.
fn narrow(line: &str) -> String {
    let start = line.trim_start();
    let is_row = start.starts_with(|c: char| c.is_ascii_digit() || c == '─')
        || start.starts_with("seq  claimed")
        || start.starts_with("segment  receipts");
    if !is_row {
        return line.to_owned();
    }
    let indent = line.strip_suffix(start).unwrap_or_default();
    let cells = start.trim_end().split("  ").map(str::trim).filter(|cell| !cell.is_empty());
    let cells: Vec<_> = cells.map(|cell| if cell.starts_with('─') { "───" } else { cell }).collect();
    format!("{indent}{}\n", cells.join("  "))
}

fn redact_line(line: &str) -> String {
    let (mut out, mut word) = (String::new(), String::new());
    for c in line.chars() {
        if c.is_ascii_alphanumeric() || "-_:.…".contains(c) {
            word.push(c);
        } else {
            out.push_str(&redact_word(&word));
            word.clear();
            out.push(c);
        }
    }
    out.push_str(&redact_word(&word));
    let out = out.replace("[DATE] [CLOCK]", "[TIME]");
    match out.split_once(" µs") {
        Some((before, after)) => {
            format!(
                "{}[N] µs{after}",
                before.trim_end_matches(|c: char| c.is_ascii_digit() || "[]NUMBER".contains(c))
            )
        }
        None => out,
    }
}

fn redact_word(word: &str) -> String {
    let hex = |text: &str| text.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c));
    let shape: String = word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    if shape == "0000-00-00" {
        return "[DATE]".to_owned();
    }
    if shape == "00:00:00.000" {
        return "[CLOCK]".to_owned();
    }
    if shape.starts_with("0000-00-00T00:00:00.000000Z") {
        return "[TIME]".to_owned();
    }
    if shape.ends_with('s')
        && shape.contains('.')
        && shape.trim_end_matches('s').chars().all(|c| "0.".contains(c))
    {
        return "[SECONDS]".to_owned();
    }
    if word.len() >= 5 && word.chars().all(|c| c.is_ascii_digit()) {
        return "[NUMBER]".to_owned();
    }
    match word.split_once(|c: char| "_:".contains(c)) {
        Some(("act", rest)) if rest.len() >= 36 => return "[ACTION]".to_owned(),
        Some(("ses", _)) => return "[SESSION]".to_owned(),
        Some((tag @ ("sha256" | "sha3-256"), rest)) if rest.len() >= 64 && hex(rest) => {
            return format!("{tag}:[DIGEST]");
        }
        _ => {}
    }
    if word.len() >= 24 && hex(word) {
        return format!("[HEX {}]", word.len());
    }
    word.to_owned()
}

#[test]
fn redaction_leaves_nothing_that_differs_between_runs() {
    let line = "  12   2026-11-20 22:53:05.178  outcome   notes:delete     ok, 41 µs   ses_…3ba2e62e\n";
    assert_eq!(redact(line, Path::new("/x")), "  12  [TIME]  outcome  notes:delete  ok, [N] µs  [SESSION]\n");
}
