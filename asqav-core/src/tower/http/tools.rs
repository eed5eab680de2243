//! Which requests are tool calls, and what they say.

use std::collections::BTreeMap;
use std::sync::Arc;

use asqav_receipt::json::Json;
use http::request::Parts;

use super::path::{Named, name_below};
use crate::argument::JsonText;
use crate::call::{CallError, Capture, Flaw, ToolCall};

/// The tools of a router: a request's path names the tool.
///
/// Escapes (`%XX`) in the name are decoded. A path below the prefix that
/// routers read differently (empty or dot segments, a slash at the end, an
/// escaped slash) is refused: it might name a declared tool.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct HttpTools {
    declared: Arc<BTreeMap<String, Vec<String>>>,
    prefix: Arc<str>,
    only: bool,
}

impl HttpTools {
    /// Tools below the path `prefix`, e.g. `/tools/`: what follows it, if
    /// anything does, names the tool. `prefix` begins with a slash and holds no
    /// escapes.
    pub fn below(prefix: &str) -> Self {
        Self { prefix: prefix.into(), ..Self::default() }
    }

    /// Declares a tool and the names of its arguments. Arguments of other
    /// names are committed to without showing their names.
    pub fn tool<'a>(mut self, name: &str, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        let arguments = arguments.into_iter().map(str::to_owned).collect();
        Arc::make_mut(&mut self.declared).insert(name.to_owned(), arguments);
        self
    }

    /// Every request is a tool call: one below the prefix of the tool that its
    /// path names, another of the tool `http`, which a policy can deny.
    pub fn only(self) -> Self {
        Self { only: true, ..self }
    }

    /// What a request of `path` calls; [`Named::Nothing`] if it is no tool call.
    pub(super) fn named(&self, path: &str) -> Named {
        match name_below(&self.prefix, path) {
            Named::Nothing if self.only => Named::Tool("http".to_owned()),
            Named::Tool(name) if !self.only && !self.declared.contains_key(&name) => Named::Nothing,
            named => named,
        }
    }

    /// The call of `tool` with the members of `body` as its arguments.
    pub(super) fn call(&self, named: &Named, parts: &Parts, body: Result<&[u8], &'static str>) -> ToolCall {
        let tool = match named {
            Named::Tool(tool) | Named::Unclear(tool) => tool,
            Named::Nothing => "http",
        };
        let builder = ToolCall::builder(tool, &format!("http:{}", parts.method));
        if let Named::Unclear(_) = named {
            let why = "the path can be read in more than one way".to_owned();
            return builder.unrepresentable(CallError::Value { why, flaw: Flaw::Other }).build();
        }
        if parts.uri.query().is_some() {
            return builder.unrepresentable(wrong_body("a tool call takes no query parameters")).build();
        }
        let body = match body {
            Ok(body) => body,
            Err(error) => return builder.unrepresentable(wrong_body(error)).build(),
        };
        match members(body) {
            Ok(members) => {
                let declared = self.declared.get(tool).map_or(&[][..], Vec::as_slice);
                members
                    .into_iter()
                    .fold(builder, |builder, (name, text)| match declared.contains(&name) {
                        true => builder.text(&name, text, Capture::Commit),
                        false => builder.undeclared(&name, text),
                    })
                    .build()
            }
            Err(error) => builder.unrepresentable(error).build(),
        }
    }
}

/// The members of a JSON object with the text of each value; none for an empty
/// body.
///
/// Values are written again in canonical form: a body that the strict reader
/// takes has one meaning, and its numbers are within the payload's rules.
fn members(body: &[u8]) -> Result<Vec<(String, JsonText)>, CallError> {
    if body.is_empty() {
        return Ok(Vec::new());
    }
    let json = Json::parse(body).map_err(|error| {
        let flaw = Flaw::from(&error.kind);
        CallError::Argument { name: BODY.to_owned(), why: error.to_string(), flaw }
    })?;
    let object = json.as_object().ok_or_else(|| wrong_body("it is not a JSON object"))?;
    object
        .iter()
        .map(|(name, value)| {
            let text = String::from_utf8(asqav_receipt::canonical::to_vec(value))
                .map_err(|_| wrong_body("it is not UTF-8"))?;
            let text = JsonText::parse(text).map_err(|error| error.of_argument(BODY))?;
            Ok((name.to_owned(), text))
        })
        .collect()
}

/// What faults call a request's body.
const BODY: &str = "body";

fn wrong_body(why: &str) -> CallError {
    CallError::Argument { name: BODY.to_owned(), why: why.to_owned(), flaw: Flaw::Other }
}
