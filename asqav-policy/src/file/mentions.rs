//! Where a file names tools and arguments, for a reader that knows them all.
//!
//! Goes through the file on its own, by keys, because a [`Model`](crate::Model)
//! keeps what is meant and not where it stood.

use std::collections::BTreeMap;

use super::format::Format;
use super::tree::{Kind, Member, Node};
use crate::error::{PolicyError, Position};
use crate::glob::Glob;
use crate::pointer::{Pointer, Root};
use crate::trial::Lines;

/// A tool or an argument that a policy file names, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mention {
    /// Where it stands.
    pub position: Position,
    /// The rule in which it stands; `None` in a class or a tool's declaration.
    pub rule: Option<String>,
    /// What is named.
    pub what: Mentioned,
}

/// What a [`Mention`] is of.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mentioned {
    /// Tools, by pattern.
    Tool(Glob),
    /// An argument of the tools that one of the patterns matches.
    Argument {
        /// Its name: the first step of the JSON pointer.
        name: String,
        /// The patterns of the tools it is about.
        tools: Vec<Glob>,
    },
}

impl Mention {
    /// Everything that a policy file's content names, in the order of the
    /// file. Examples are left out: they may be about tools that are to be
    /// refused.
    ///
    /// # Errors
    /// [`PolicyError`] for a content that is not of this format.
    /// [`Model::read`](crate::Model::read) says what else is wrong with it.
    pub fn all(content: impl AsRef<[u8]>, format: Format) -> Result<Vec<Self>, PolicyError> {
        let content = content.as_ref();
        let document = super::parse(content, format).map_err(|fault| fault.locate(content))?;
        let mut found = Vec::new();
        let mut classes = BTreeMap::new();
        for member in members(&document).iter().filter(|member| CLASSES.contains(&member.key.as_str())) {
            for class in members(&member.value) {
                let globs = texts(&class.value).map(|(at, text)| found.tool(None, at, text));
                classes.insert(class.key.as_str(), globs.flatten().collect());
            }
        }
        for tool in members(&document).iter().filter(|member| member.key == "tool").flat_map(items) {
            declared(tool, &mut found);
        }
        for rule in members(&document).iter().filter(|member| member.key == "rule").flat_map(items) {
            let name = members(rule).iter().find(|member| member.key == "id").and_then(text);
            Walk { name, classes: &classes, found: &mut found }.table(rule, &[]);
        }
        found.sort_by_key(|(at, ..)| *at);
        let lines = Lines::of(content);
        let mention = |(at, rule, what)| Self { position: lines.position(at), rule, what };
        Ok(found.into_iter().map(mention).collect())
    }
}

/// The keys of tables whose members are lists of tools.
const CLASSES: [&str; 2] = ["risk", "tool_classes"];

/// Byte, rule and what is named there.
type Found = Vec<(usize, Option<String>, Mentioned)>;

trait Add {
    /// Adds a pattern of tools, and gives it.
    fn tool(&mut self, rule: Option<&str>, at: usize, text: &str) -> Option<Glob>;
}

impl Add for Found {
    fn tool(&mut self, rule: Option<&str>, at: usize, text: &str) -> Option<Glob> {
        let glob = Glob::parse(text).ok()?;
        self.push((at, rule.map(str::to_owned), Mentioned::Tool(glob.clone())));
        Some(glob)
    }
}

/// A tool that the file declares, and its arguments.
fn declared(tool: &Node, found: &mut Found) {
    let named = members(tool).iter().find(|member| member.key == "name");
    let Some(glob) = named.and_then(|name| found.tool(None, name.value.at, text(name)?)) else { return };
    let arguments = members(tool).iter().filter(|member| member.key == "arguments");
    for Member { key, at, .. } in arguments.flat_map(|arguments| members(&arguments.value)) {
        let what = Mentioned::Argument { name: key.clone(), tools: vec![glob.clone()] };
        found.push((*at, None, what));
    }
}

/// Goes through one rule.
struct Walk<'f> {
    name: Option<&'f str>,
    classes: &'f BTreeMap<&'f str, Vec<Glob>>,
    found: &'f mut Found,
}

impl Walk<'_> {
    /// A table whose arguments are those of its own `tools`, or else of
    /// `around`.
    fn table(&mut self, node: &Node, around: &[Glob]) {
        let own = members(node).iter().find(|member| member.key == "tools").map(|tools| self.tools(tools));
        let tools = own.as_deref().unwrap_or(around);
        for member in members(node) {
            match (member.key.as_str(), text(member)) {
                // What replaces a value is data.
                ("tools" | "examples" | "replace", _) => {}
                ("arg" | "cost", Some(pointer)) => self.argument(member.value.at, pointer, tools),
                ("by" | "of", _) => {
                    for (at, key) in texts(&member.value).filter(|(_, key)| key.starts_with('/')) {
                        self.argument(at, key, tools);
                    }
                }
                _ => self.value(&member.value, tools),
            }
        }
    }

    fn value(&mut self, node: &Node, tools: &[Glob]) {
        match &node.kind {
            Kind::Table(_) => self.table(node, tools),
            Kind::Array(items) => items.iter().for_each(|item| self.value(item, tools)),
            _ => {}
        }
    }

    /// The patterns under `tools`; a class stands for its own.
    fn tools(&mut self, member: &Member) -> Vec<Glob> {
        let mut globs = Vec::new();
        for (at, text) in texts(&member.value) {
            match text.strip_prefix('@') {
                Some(class) => globs.extend(self.classes.get(class).into_iter().flatten().cloned()),
                None => globs.extend(self.found.tool(self.name, at, text)),
            }
        }
        globs
    }

    fn argument(&mut self, at: usize, pointer: &str, tools: &[Glob]) {
        if let Ok(Pointer { root: Root::Argument(name), .. }) = Pointer::argument(pointer) {
            let what = Mentioned::Argument { name, tools: tools.to_vec() };
            self.found.push((at, self.name.map(str::to_owned), what));
        }
    }
}

fn members(node: &Node) -> &[Member] {
    match &node.kind {
        Kind::Table(members) => members,
        _ => &[],
    }
}

fn items(member: &Member) -> &[Node] {
    match &member.value.kind {
        Kind::Array(items) => items,
        _ => &[],
    }
}

fn text(member: &Member) -> Option<&str> {
    texts(&member.value).next().map(|(_, text)| text)
}

/// The texts in a list, or the one text that stands there alone.
fn texts(node: &Node) -> impl Iterator<Item = (usize, &str)> {
    let nodes = match &node.kind {
        Kind::Array(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    nodes.iter().filter_map(|node| match &node.kind {
        Kind::String(text) => Some((node.at, text.as_str())),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Model;

    const FILE: &str = r#"version = 1
id = "p"

[risk]
destructive = ["ledger:delete", "**:drop_*"]

[tool_classes]
money = ["pay", "refund"]

[[rule]]
id = "r"
effect = "allow"
tools = ["@money", "ledger:*"]
limits = [
    { amount = 5, cost = "/amount", by = ["agent", "/account/iban"] },
]
when = { all = [
    { arg = "/amount", le = 5 },
    { not = { arg = "/to~1from", eq = "/eq" } },
    { arg = "", contains = ["card"] },
    { label = "seen", of = ["/to", "/from/0"] },
] }
raises = ["moved", { label = "seen", of = ["/iban", "/x"] }]
obligations = [{ arg = "/memo", replace = { arg = "/data" } }]
examples = { allow = [{ tool = "other", args = { none = 1 } }] }
"#;

    #[test]
    fn tools_and_arguments_have_their_places() {
        let money = ["pay", "refund", "ledger:*"].map(|text| Glob::parse(text).unwrap());
        let tool = |text| Mentioned::Tool(Glob::parse(text).unwrap());
        let argument = |name: &str| Mentioned::Argument { name: name.to_owned(), tools: money.to_vec() };
        let found = Mention::all(FILE, Format::Toml).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|found| (found.position.line, found.position.column, found.rule.as_deref(), &found.what))
            .collect();
        assert_eq!(
            found,
            [
                (5, 16, None, &tool("ledger:delete")),
                (5, 33, None, &tool("**:drop_*")),
                (8, 10, None, &tool("pay")),
                (8, 17, None, &tool("refund")),
                (13, 20, Some("r"), &tool("ledger:*")),
                (15, 26, Some("r"), &argument("amount")),
                (15, 52, Some("r"), &argument("account")),
                (18, 13, Some("r"), &argument("amount")),
                (19, 21, Some("r"), &argument("to/from")),
                (21, 29, Some("r"), &argument("to")),
                (21, 36, Some("r"), &argument("from")),
                (23, 44, Some("r"), &argument("iban")),
                (23, 53, Some("r"), &argument("x")),
                (24, 24, Some("r"), &argument("memo")),
            ]
        );
        Model::from_toml(FILE).unwrap_err();
        let valid = FILE.lines().filter(|line| !line.starts_with("examples")).collect::<Vec<_>>().join("\n");
        Model::from_toml(valid).unwrap();
    }

    #[test]
    fn declared_tools_are_named_with_their_arguments() {
        let file = "version = 1\nid = \"p\"\n\n[[tool]]\nname = \"pay\"\n[tool.arguments]\n\
                    amount = \"integer\"\nto = { type = \"string\", prefix = \"CH\" }\n";
        Model::from_toml(file).unwrap();
        let pay = Glob::parse("pay").unwrap();
        let argument = |name: &str| Mentioned::Argument { name: name.to_owned(), tools: vec![pay.clone()] };
        let found = Mention::all(file, Format::Toml).unwrap();
        let found: Vec<_> = found.iter().map(|found| (found.position.line, &found.what)).collect();
        let expected = [(5, &Mentioned::Tool(pay.clone())), (7, &argument("amount")), (8, &argument("to"))];
        assert_eq!(found, expected);
    }
}
