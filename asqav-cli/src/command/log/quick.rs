//! Telling lines that cannot be asked for without reading them as JSON.
//!
//! Nothing is kept beside the log to find lines by: an index would be a place
//! to hide a receipt in. Every line is looked at, and what a look cannot rule
//! out is read. A line that is shown is canonical byte for byte
//! ([`parse_line`](asqav_receipt::receipt::parse_line)), so what its payload
//! says stands in it in one spelling.

use asqav_receipt::canonical;
use asqav_receipt::glob::Glob;
use asqav_receipt::json::Json;
use asqav_receipt::time::Timestamp;
use memchr::memchr;
use memchr::memmem::Finder;

use crate::args::LogQuery;

/// What a line has to hold to be asked for.
pub(super) struct Quick<'a> {
    /// Texts that it holds.
    members: Vec<Finder<'static>>,
    /// Members with a value that fits.
    action: Option<(Finder<'static>, &'a Glob)>,
    tool: Option<(Finder<'static>, &'a Glob)>,
    time: Finder<'static>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl<'a> Quick<'a> {
    pub(super) fn new(args: &'a LogQuery) -> Self {
        let asked = [
            ("agent_id", &args.agent),
            ("decision", &args.decision),
            ("outcome", &args.outcome),
            ("session_id", &args.session),
        ];
        let member = |(name, value): (&str, &Option<String>)| {
            let value = canonical::to_vec(&Json::from(value.as_deref()?));
            Some(Finder::new(&[format!("\"{name}\":").as_bytes(), &value].concat()).into_owned())
        };
        let globs = |name: &str, glob: &'a Option<Glob>| Some((before(name), glob.as_ref()?));
        Self {
            members: asked.into_iter().filter_map(member).collect(),
            action: globs("action_type", &args.action),
            tool: globs("tool_name", &args.tool),
            time: before("issued_at"),
            since: args.since,
            until: args.until,
        }
    }

    /// Whether `line` has to be read: false only if it is not asked for.
    ///
    /// The same member may stand in the context too, and says nothing there;
    /// one that fits is enough for the line to be read.
    pub(super) fn may_match(&self, line: &[u8]) -> bool {
        let fits = |glob: &Option<(Finder<'_>, &Glob)>| {
            glob.as_ref().is_none_or(|(name, glob)| any(name, line, |value| glob.matches(value)))
        };
        let in_time = |text: &str| {
            Timestamp::parse_rfc3339(text).is_ok_and(|time| {
                self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
            })
        };
        self.members.iter().all(|member| member.find(line).is_some())
            && fits(&self.action)
            && fits(&self.tool)
            && (self.since.is_none() && self.until.is_none() || any(&self.time, line, in_time))
    }
}

/// What stands before the text of the member `name`.
fn before(name: &str) -> Finder<'static> {
    Finder::new(&format!("\"{name}\":\"")).into_owned()
}

/// Whether a text behind one of the places where `name` is found fits, or
/// cannot be told from here.
fn any(name: &Finder<'_>, line: &[u8], fits: impl Fn(&str) -> bool) -> bool {
    name.find_iter(line).any(|at| {
        let rest = line.get(at + name.needle().len()..).unwrap_or_default();
        let text = memchr(b'"', rest).and_then(|end| std::str::from_utf8(rest.get(..end)?).ok());
        text.is_none_or(|text| text.contains('\\') || fits(text))
    })
}

#[cfg(test)]
mod tests {
    use asqav_receipt::json::Object;
    use clap::{Args as _, FromArgMatches as _};

    use super::super::{is_wanted, payload};
    use super::*;

    fn query(args: &[&str]) -> LogQuery {
        let command = LogQuery::augment_args(clap::Command::new("log").no_binary_name(true));
        let args = ["dir"].iter().chain(args);
        LogQuery::from_arg_matches(&command.try_get_matches_from(args).unwrap()).unwrap()
    }

    fn line(payload: &str) -> Vec<u8> {
        let mut object = Object::new();
        object.set("payload", Json::parse(payload.as_bytes()).unwrap());
        let sig = "A".repeat(4_412);
        let signature = format!(r#"{{"alg":"ML-DSA-65","kid":"k","sig":"{sig}"}}"#);
        object.set("signature", Json::parse(signature.as_bytes()).unwrap());
        canonical::to_vec(&Json::Object(object))
    }

    /// Payloads with names that need escapes, members where they say nothing,
    /// and texts that look like members.
    fn lines() -> Vec<Vec<u8>> {
        let names =
            ["a", "b", r#"quote \" end"#, r"tab \t", r"nul \u0000", "ü", "\u{1f600}", r"back\\slash", ""];
        let mut lines = Vec::new();
        for name in names {
            for other in names {
                for time in ["2026-01-01T00:00:00.000000Z", "2026-01-01T02:00:00.000000+02:00", "2027", ""] {
                    lines.push(line(&format!(
                        r#"{{"agent_id":"{name}","asqav":{{"outcome":"{other}"}},"action_type":"{other}",
                        "context":{{"agent_id":"{other}","text":"\"agent_id\":\"{name}\"","tool_name":"{name}"}},
                        "decision":"allow","issued_at":"{time}","session_id":"{other}","tool_name":"{other}"}}"#
                    )));
                }
            }
        }
        lines.push(line(r#"{"context":{"agent_id":"a","issued_at":"2026-01-01T00:00:00Z"}}"#));
        lines.push(line(r#"{"agent_id":7,"issued_at":null,"tool_name":["a"]}"#));
        lines
    }

    #[test]
    fn nothing_that_is_asked_for_is_passed_over() {
        let queries: &[&[&str]] = &[
            &["--agent", "a"],
            &["--agent", "quote \" end"],
            &["--agent", "tab \t"],
            &["--agent", "nul \0"],
            &["--agent", "\u{1f600}", "--session", "ü"],
            &["--agent", ""],
            &["--agent", r"back\slash"],
            &["--tool", "*"],
            &["--tool", "a"],
            &["--tool", "back**"],
            &["--action", "ü"],
            &["--decision", "allow"],
            &["--decision", "deny"],
            &["--since", "2026-01-01T00:00:00Z"],
            &["--since", "2026-01-01T00:00:00Z", "--until", "2026-01-01T00:00:00Z"],
            &["--until", "2026-01-01T00:00:01Z", "--agent", "b"],
        ];
        let lines = lines();
        for args in queries {
            let args = query(args);
            let quick = Quick::new(&args);
            let (mut wanted, mut passed) = (0, 0);
            for line in &lines {
                let is_wanted = payload(line).as_object().is_some_and(|payload| is_wanted(&args, payload));
                let may_match = quick.may_match(line);
                assert!(may_match || !is_wanted, "{args:?} {}", String::from_utf8_lossy(line));
                wanted += usize::from(is_wanted);
                passed += usize::from(!may_match);
            }
            assert!(passed > 0, "{args:?}");
            let none = args.decision.as_deref() == Some("deny")
                || (args.since.is_some() && args.until == args.since);
            assert_eq!(wanted == 0, none, "{args:?}");
        }
    }
}
