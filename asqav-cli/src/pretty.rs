//! JSON for people: one member per line, nothing misleading.

use asqav_receipt::json::Json;

use crate::text::escape_json;

/// `json` over several lines, each behind `indent` spaces.
pub(crate) fn pretty(json: &Json, indent: usize) -> String {
    let mut out = " ".repeat(indent);
    write(json, indent, &mut out);
    escape_lines(&out)
}

/// Escapes what stands in the lines, not the line feeds between them: strings
/// hold none, they were escaped when they were quoted.
fn escape_lines(text: &str) -> String {
    text.split('\n').map(escape_json).collect::<Vec<_>>().join("\n")
}

fn write(json: &Json, indent: usize, out: &mut String) {
    match json {
        Json::Object(object) if !object.is_empty() => {
            let members = object.iter().map(|(name, value)| (Some(name), value));
            write_block(('{', '}'), members, indent, out);
        }
        Json::Array(values) if !values.is_empty() => {
            write_block(('[', ']'), values.iter().map(|value| (None, value)), indent, out);
        }
        scalar => out.push_str(&text(scalar)),
    }
}

fn write_block<'a>(
    (open, close): (char, char),
    members: impl Iterator<Item = (Option<&'a str>, &'a Json)>,
    indent: usize,
    out: &mut String,
) {
    out.push(open);
    for (at, (name, value)) in members.enumerate() {
        out.push_str(if at == 0 { "\n" } else { ",\n" });
        out.extend(std::iter::repeat_n(' ', indent + 2));
        if let Some(name) = name {
            out.push_str(&text(&Json::from(name)));
            out.push_str(": ");
        }
        write(value, indent + 2, out);
    }
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
    out.push(close);
}

/// A value on one line, canonical (RFC 8785).
fn text(json: &Json) -> String {
    String::from_utf8_lossy(&asqav_receipt::canonical::to_vec(json)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_member_per_line() {
        let json = Json::parse(br#"{"b":[1,{}],"a":{"x\n":"\u001b[2J\u202e"},"c":[]}"#).unwrap();
        let expected = "  {\n    \"b\": [\n      1,\n      {}\n    ],\n    \"a\": {\n      \"x\\n\": \"\\u001b[2J\\u202e\"\n    },\n    \"c\": []\n  }";
        assert_eq!(pretty(&json, 2), expected);
    }
}
