//! Drafts a least-privilege policy from what was recorded: the tools that were
//! called, by whom, and the values that the receipts show.
//!
//! What is only committed is never guessed: the draft names such arguments in
//! a comment and asks nothing of them. A draft is for a person to read and
//! tighten; it says nothing about calls that were never made.

use std::collections::{BTreeMap, BTreeSet};

use asqav_receipt::canonical;
use asqav_receipt::json::{Json, Object};

use crate::glob::Glob;

/// Texts of one argument that are listed at most; with more it is left open.
const MAX_LISTED: usize = 16;

/// Kinds of refused calls that are named at most; an agent can make up names.
const MAX_REFUSED: usize = 100;

/// What was seen, receipt by receipt.
#[derive(Debug, Clone, Default)]
pub struct Suggestion {
    tools: BTreeMap<String, Seen>,
    /// Denied calls by tool and reason.
    refused: BTreeMap<(String, String), u64>,
    /// Refused calls of kinds behind the first [`MAX_REFUSED`].
    refused_besides: u64,
}

/// The calls of one tool.
#[derive(Debug, Clone, Default)]
struct Seen {
    calls: u64,
    agents: BTreeSet<String>,
    arguments: BTreeMap<String, Argument>,
    /// Whether some call folded arguments whose names are not shown.
    folded: bool,
    /// The recorded values of the first call, and who made it when.
    first: Option<First>,
}

#[derive(Debug, Clone)]
struct First {
    agent: String,
    at: String,
    values: Vec<(String, Json)>,
}

/// One argument over all calls of its tool.
#[derive(Debug, Clone, Default)]
struct Argument {
    calls: u64,
    /// Values that the receipts show; at most one more than are listed.
    values: BTreeSet<String>,
    numbers: Option<(i64, i64)>,
    /// Whether some call only committed to it, or recorded what no condition
    /// can list.
    open: Option<&'static str>,
}

impl Suggestion {
    /// Takes note of a decision receipt's payload; other receipts are passed
    /// over.
    pub fn note(&mut self, payload: &Object) {
        let text = |name: &str| payload.get(name).and_then(Json::as_str);
        let (Some("protectmcp:decision"), Some(tool)) = (text("type"), text("tool_name")) else { return };
        if !matches!(text("decision"), Some("allow" | "observation")) {
            let reason = text("reason").unwrap_or_default().to_owned();
            let kind = (tool.to_owned(), reason);
            if self.refused.len() < MAX_REFUSED || self.refused.contains_key(&kind) {
                *self.refused.entry(kind).or_default() += 1;
            } else {
                self.refused_besides += 1;
            }
            return;
        }
        let (agent, at) = (text("agent_id").unwrap_or_default(), text("issued_at").unwrap_or_default());
        let context = payload.get("context").and_then(Json::as_object);
        let seen = self.tools.entry(tool.to_owned()).or_default();
        seen.calls += 1;
        seen.agents.insert(agent.to_owned());
        seen.folded |= context.is_some_and(|context| context.get("arguments_root").is_some());
        let arguments = context.and_then(|context| context.get("arguments")?.as_object());
        let mut values = Vec::new();
        for (name, form) in arguments.into_iter().flat_map(Object::iter) {
            let value = form.as_object().and_then(|form| form.get("value"));
            seen.arguments.entry(name.to_owned()).or_default().note(value);
            values
                .extend(value.filter(|value| is_scalar(value)).map(|value| (name.to_owned(), value.clone())));
        }
        seen.first.get_or_insert(First { agent: agent.to_owned(), at: at.to_owned(), values });
    }

    /// The draft as TOML, with the policy id `id`, and `about` as its first
    /// comment.
    #[must_use]
    pub fn to_toml(&self, id: &str, about: &str) -> String {
        let mut out = String::new();
        for line in about.lines() {
            writeln_to(&mut out, &format!("# {}", printable(line)));
        }
        writeln_to(
            &mut out,
            "# A draft: it allows what was seen, and nothing else. Read it before you use it.",
        );
        for ((tool, reason), calls) in &self.refused {
            writeln_to(
                &mut out,
                &format!("# Left out, refused calls of {}: {calls} ({}).", quoted(tool), printable(reason)),
            );
        }
        if self.refused_besides > 0 {
            writeln_to(
                &mut out,
                &format!("# Left out, refused calls of other kinds: {}.", self.refused_besides),
            );
        }
        writeln_to(&mut out, &format!("version = 1\nid = {}", quoted(id)));
        for (number, (tool, seen)) in self.tools.iter().enumerate() {
            out.push('\n');
            seen.write(tool, &format!("seen-{}", number + 1), &mut out);
        }
        out
    }

    /// How many tools were seen.
    #[must_use]
    pub fn tools(&self) -> usize {
        self.tools.len()
    }
}

impl Argument {
    fn note(&mut self, value: Option<&Json>) {
        self.calls += 1;
        match value {
            None => self.open = Some("only committed"),
            // Null is no value: like a call without the argument.
            Some(Json::Null) => self.calls -= 1,
            Some(Json::Integer(number)) => {
                let (least, most) = self.numbers.unwrap_or((*number, *number));
                self.numbers = Some((least.min(*number), most.max(*number)));
            }
            Some(value @ (Json::String(_) | Json::Bool(_))) if self.values.len() <= MAX_LISTED => {
                self.values.insert(toml(value));
            }
            Some(Json::String(_) | Json::Bool(_)) => {}
            Some(_) => self.open = Some("recorded, but neither a text, a boolean nor an integer"),
        }
    }

    /// The condition on the argument, or why there is none.
    fn condition(&self, name: &str, calls: u64) -> Result<String, &'static str> {
        if let Some(why) = self.open {
            return Err(why);
        }
        let pointer = quoted(&format!("/{}", name.replace('~', "~0").replace('/', "~1")));
        let condition = match (&self.numbers, self.values.len()) {
            (None, 0) => return Err("always null"),
            (Some((least, most)), 0) => format!("{{ arg = {pointer}, ge = {least}, le = {most} }}"),
            (Some(_), _) => return Err("recorded with values of several types"),
            (None, len) if len > MAX_LISTED => return Err("recorded with too many values to list"),
            (None, _) => {
                let booleans = self.values.iter().filter(|value| !value.starts_with('"')).count();
                if booleans > 0 && booleans < self.values.len() {
                    return Err("recorded with values of several types");
                }
                let values: Vec<&str> = self.values.iter().map(String::as_str).collect();
                format!("{{ arg = {pointer}, in = [{}] }}", values.join(", "))
            }
        };
        if self.calls == calls {
            return Ok(condition);
        }
        Ok(format!("{{ any = [{{ arg = {pointer}, present = false }}, {condition}] }}"))
    }
}

impl Seen {
    fn write(&self, tool: &str, id: &str, out: &mut String) {
        let Some(agents) = self.names(tool) else {
            let name = quoted(tool);
            writeln_to(
                out,
                &format!("# Left out, calls of {name}: {}; a pattern cannot spell these names.", self.calls),
            );
            return;
        };
        writeln_to(out, "[[rule]]");
        writeln_to(out, &format!("# calls: {}", self.calls));
        if self.folded {
            writeln_to(
                out,
                "# more arguments, whose names the receipts do not show: nothing is asked of them",
            );
        }
        let mut conditions = Vec::new();
        let mut asked = BTreeSet::new();
        for (name, argument) in &self.arguments {
            match argument.condition(name, self.calls) {
                Ok(condition) => {
                    conditions.push(condition);
                    asked.insert(name.as_str());
                }
                Err(why) => {
                    writeln_to(out, &format!("# argument {}: {why}; nothing is asked of it", quoted(name)))
                }
            }
        }
        writeln_to(
            out,
            &format!(
                "id = {}\neffect = \"allow\"\ntools = [{}]\nagents = [{agents}]",
                quoted(id),
                quoted(tool)
            ),
        );
        if !conditions.is_empty() {
            let lines: String = conditions.iter().map(|condition| format!("  {condition},\n")).collect();
            writeln_to(out, &format!("when.all = [\n{lines}]"));
        }
        self.write_example(&asked, out);
    }

    /// The agents as a list, if patterns can spell tool and agents.
    fn names(&self, tool: &str) -> Option<String> {
        let plain = |name: &str| Glob::parse(name).is_ok_and(|glob| glob.exact().is_some());
        let all = plain(tool) && self.agents.iter().all(|agent| plain(agent));
        all.then(|| self.agents.iter().map(|agent| quoted(agent)).collect::<Vec<_>>().join(", "))
    }

    fn write_example(&self, asked: &BTreeSet<&str>, out: &mut String) {
        let Some(First { agent, at, values }) = &self.first else { return };
        let values =
            values.iter().filter(|(name, value)| asked.contains(name.as_str()) && *value != Json::Null);
        let arguments: Vec<String> =
            values.map(|(name, value)| format!("{} = {}", quoted(name), toml(value))).collect();
        let arguments = match arguments.as_slice() {
            [] => String::new(),
            arguments => format!(", args = {{ {} }}", arguments.join(", ")),
        };
        writeln_to(out, "[rule.examples]");
        writeln_to(
            out,
            &format!("allow = [{{ agent = {}, at = {}{arguments} }}]", quoted(agent), quoted(at)),
        );
    }
}

fn is_scalar(value: &Json) -> bool {
    matches!(value, Json::Null | Json::Bool(_) | Json::Integer(_) | Json::String(_))
}

/// A scalar as TOML.
fn toml(value: &Json) -> String {
    match value {
        Json::String(text) => quoted(text),
        other => String::from_utf8_lossy(&canonical::to_vec(other)).into_owned(),
    }
}

/// A basic string of TOML: JSON's escapes are among its own, and it wants one
/// more character escaped. Marks that reorder or hide text are escaped, too.
fn quoted(text: &str) -> String {
    let json = String::from_utf8_lossy(&canonical::to_vec(&text.into())).into_owned();
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_plain(c) {
            out.push(c);
        } else {
            out.push_str(&format!("\\U{:08X}", u32::from(c)));
        }
    }
    out
}

/// A text in a comment.
fn printable(text: &str) -> String {
    text.chars().map(|c| if is_plain(c) { c } else { '\u{fffd}' }).collect()
}

fn is_plain(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

fn writeln_to(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;

    fn decision(tool: &str, decision: &str) -> Object {
        let mut payload = Object::new();
        payload.set("type", "protectmcp:decision");
        payload.set("tool_name", tool);
        payload.set("agent_id", "a");
        payload.set("issued_at", "2026-04-06T10:00:00.000000Z");
        payload.set("decision", decision);
        payload.set("reason", "no_rule");
        payload
    }

    /// An agent that makes up names does not make a draft too long to be read.
    #[test]
    fn made_up_names_are_counted_not_listed() {
        let mut suggestion = Suggestion::default();
        suggestion.note(&decision("good", "allow"));
        for n in 0..50_000 {
            suggestion.note(&decision(&format!("made-up-{n}"), "deny"));
        }
        let draft = suggestion.to_toml("p", "about");
        assert!(draft.contains("# Left out, refused calls of other kinds: 49900.\n"), "{}", draft.len());
        assert!(draft.len() < 20_000, "{}", draft.len());
        Model::from_toml(&draft).unwrap();
    }

    #[test]
    fn marks_that_hide_or_reorder_are_escaped() {
        let mut suggestion = Suggestion::default();
        suggestion.note(&decision("a\u{202e}\u{61c}\u{e0041}\u{ad}b", "allow"));
        let draft = suggestion.to_toml("p", "x\u{61c}y");
        assert!(draft.chars().all(|c| c == '\n' || is_plain(c)), "{draft:?}");
        assert!(draft.contains("a\\U0000202E\\U0000061C\\U000E0041\\U000000ADb"), "{draft}");
    }
}
