//! What the code written by `include_policy!` calls: a policy's tools and
//! arguments, compared with the program's while that is compiled.

mod text;

use asqav_core::call::Capture;
pub use asqav_policy::Format;
use asqav_receipt::digest::Sha256Digest;

use self::text::{Text, matches, resembles};
use super::Tool;
use crate::included::IncludedPolicy;

/// A tool or an argument that the policy names.
#[derive(Debug)]
pub struct Mention {
    /// `policy.toml:12:3: rule `read`: `.
    place: &'static str,
    name: &'static str,
    /// For an argument, the patterns of the tools that it is of.
    of: Option<&'static [&'static str]>,
}

/// Tools, by pattern.
#[must_use]
pub const fn tool(place: &'static str, name: &'static str) -> Mention {
    Mention { place, name, of: None }
}

/// An argument of the tools that one of the patterns matches.
#[must_use]
pub const fn argument(place: &'static str, name: &'static str, of: &'static [&'static str]) -> Mention {
    Mention { place, name, of: Some(of) }
}

/// The policy that the macro stands for.
#[must_use]
pub const fn policy(text: &'static [u8], format: Format, digest: [u8; 32]) -> IncludedPolicy {
    IncludedPolicy::new(text, format, Sha256Digest::from_bytes(digest))
}

/// Compares what the policy names with the tools that are listed.
///
/// # Panics
/// At compile time, for the first name that no tool has.
#[track_caller]
pub const fn check(tools: &[&Tool], mut mentions: &[Mention]) {
    while let [Mention { place, name, of }, rest @ ..] = mentions {
        match of {
            None => check_tool(tools, place, name),
            Some(patterns) => check_argument(tools, place, name, patterns),
        }
        mentions = rest;
    }
}

#[track_caller]
#[expect(clippy::panic, reason = "a compile error")]
const fn check_tool(tools: &[&Tool], place: &str, name: &str) {
    let (mut rest, mut near) = (tools, None);
    if has_star(name) {
        return;
    }
    while let [tool, tail @ ..] = rest {
        if matches(name, tool.name) {
            return;
        }
        if near.is_none() && resembles(name, tool.name) {
            near = Some(tool.name);
        }
        rest = tail;
    }
    let mut text = Text::new();
    text.push(place);
    text.quote(name);
    text.push(" is not among the listed tools");
    text.hint(near);
    panic!("{}", text.as_str())
}

#[track_caller]
#[expect(clippy::panic, reason = "a compile error")]
const fn check_argument(tools: &[&Tool], place: &str, name: &str, patterns: &[&str]) {
    let all = !any_of(tools, patterns);
    let (mut rest, mut near, mut skipped) = (tools, None, false);
    while let [tool, tail @ ..] = rest {
        if all || is_one_of(tool.name, patterns) {
            match find(name, tool.arguments) {
                Found::Given => return,
                Found::Skipped => skipped = true,
                Found::Near(other) => near = Some(other),
                Found::Nothing => {}
            }
        }
        rest = tail;
    }
    let mut text = Text::new();
    text.push(place);
    if skipped {
        text.push("the argument ");
        text.quote(name);
        text.push(" is skipped: no policy sees it");
    } else {
        text.push(if all { "no listed tool" } else { "none of the rule's listed tools" });
        text.push(" has an argument ");
        text.quote(name);
        text.hint(near);
    }
    panic!("{}", text.as_str())
}

enum Found {
    Given,
    Skipped,
    Near(&'static str),
    Nothing,
}

const fn find(name: &str, mut arguments: &[(&'static str, Capture)]) -> Found {
    let mut found = Found::Nothing;
    while let [(argument, capture), rest @ ..] = arguments {
        if text::equal(name.as_bytes(), argument.as_bytes()) {
            return if matches!(capture, Capture::Drop) { Found::Skipped } else { Found::Given };
        }
        if resembles(name, argument) {
            found = Found::Near(argument);
        }
        arguments = rest;
    }
    found
}

const fn any_of(mut tools: &[&Tool], patterns: &[&str]) -> bool {
    while let [tool, rest @ ..] = tools {
        if is_one_of(tool.name, patterns) {
            return true;
        }
        tools = rest;
    }
    false
}

const fn is_one_of(name: &str, mut patterns: &[&str]) -> bool {
    while let [pattern, rest @ ..] = patterns {
        if matches(pattern, name) {
            return true;
        }
        patterns = rest;
    }
    false
}

const fn has_star(pattern: &str) -> bool {
    let mut rest = pattern.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'*' {
            return true;
        }
        rest = tail;
    }
    false
}
