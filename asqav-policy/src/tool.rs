//! Tools as a policy knows them: with a list of tools, every other tool is
//! unknown, and a call has the arguments that its tool declares, or is denied.

use std::collections::BTreeMap;

use asqav_receipt::id::ToolName;

use crate::condition::Node;
use crate::engine::{Reason, Truth};
use crate::error::Problem;
use crate::facts::{Facts, Seen};
use crate::pointer::Pointer;

/// Tools in one policy at most.
pub(crate) const MAX_TOOLS: usize = 10_000;
/// Arguments of one tool at most.
const MAX_ARGUMENTS: usize = 1_000;

/// A tool that a policy knows, and the arguments that its calls may have.
///
/// ```
/// use asqav_policy::{Kind, Model, Rule, Tool, arg};
///
/// let transfer = Tool::new("bank:transfer")
///     .argument("cents", Kind::Integer, Some(arg("/cents").at_most(100_000)))
///     .optional("note", Kind::Text, None);
/// let model = Model::builder("bank").tool(transfer).rules([Rule::allow("r").tools(["bank:*"])]).build()?;
/// # Ok::<(), asqav_policy::PolicyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a policy knows it: `ModelBuilder::tool`"]
pub struct Tool {
    pub(crate) name: String,
    pub(crate) arguments: BTreeMap<String, Shape>,
    /// Byte offset in the file.
    pub(crate) at: Option<usize>,
    /// The first mistake.
    wrong: Option<Problem>,
}

/// What an argument has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) kind: Kind,
    pub(crate) optional: bool,
    pub(crate) when: Option<Node>,
    pointer: Pointer,
}

/// The type of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// `string`.
    Text,
    /// `integer`: a whole number within ±(2^53−1).
    Integer,
    /// `number`.
    Number,
    /// `boolean`.
    Boolean,
    /// `array`.
    Array,
    /// `object`.
    Object,
    /// `any`: not looked at.
    Any,
}

impl Kind {
    /// The words in the file.
    pub(crate) const ALL: [(&'static str, Self); 7] = [
        ("string", Self::Text),
        ("integer", Self::Integer),
        ("number", Self::Number),
        ("boolean", Self::Boolean),
        ("array", Self::Array),
        ("object", Self::Object),
        ("any", Self::Any),
    ];

    /// The word in the file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("any", |(word, _)| word)
    }

    fn is_of(self, value: Seen<'_>) -> bool {
        match (self, value) {
            (Self::Any | Self::Number, Seen::Number(_))
            | (Self::Text, Seen::Text(_))
            | (Self::Boolean, Seen::Bool(_))
            | (Self::Array, Seen::Items(_))
            | (Self::Object, Seen::Members(_))
            | (Self::Any, _) => true,
            #[expect(clippy::cast_precision_loss, reason = "2^53 is exact")]
            (Self::Integer, Seen::Number(number)) => {
                number.fract() == 0.0 && number.abs() <= asqav_receipt::json::MAX_INTEGER as f64
            }
            _ => false,
        }
    }
}

impl Tool {
    /// The tool of this name, whose calls have no arguments.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), arguments: BTreeMap::new(), at: None, wrong: None }
    }

    /// A call has to have the argument `name`, of this type, and as the
    /// condition says, if there is one.
    pub fn argument(self, name: &str, kind: Kind, when: Option<crate::Condition>) -> Self {
        self.with(name, kind, when, false)
    }

    /// A call may have the argument `name`; if it does and the value is not
    /// `null`, as [`argument`](Self::argument) says.
    pub fn optional(self, name: &str, kind: Kind, when: Option<crate::Condition>) -> Self {
        self.with(name, kind, when, true)
    }

    pub(crate) fn with(
        mut self,
        name: &str,
        kind: Kind,
        when: Option<crate::Condition>,
        optional: bool,
    ) -> Self {
        let shape = || {
            let pointer = Pointer::argument(&format!("/{}", name.replace('~', "~0").replace('/', "~1")))?;
            let when = when.map(|when| when.0).transpose()?;
            Ok(Shape { kind, optional, when, pointer })
        };
        match shape() {
            Ok(shape) => drop(self.arguments.insert(name.to_owned(), shape)),
            Err(problem) => _ = self.wrong.get_or_insert(problem),
        }
        self
    }

    /// Checks what no single part can know.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        if let Some(problem) = &self.wrong {
            return Err(problem.clone());
        }
        ToolName::parse(self.name.as_str())?;
        if self.arguments.len() > MAX_ARGUMENTS {
            return Err(Problem::TooMany { what: "arguments of one tool", max: MAX_ARGUMENTS });
        }
        Ok(())
    }

    /// Whether the call has the arguments that the tool declares.
    pub(crate) fn takes(&self, facts: &Facts<'_>) -> bool {
        facts.names().all(|name| self.arguments.contains_key(name))
            && self.arguments.values().all(|shape| shape.fits(facts))
    }
}

impl Shape {
    fn fits(&self, facts: &Facts<'_>) -> bool {
        if self.kind == Kind::Any && self.when.is_none() {
            return self.optional || facts.has(&self.pointer);
        }
        match facts.at(&self.pointer) {
            Ok(None) => self.optional,
            Ok(Some(value)) => {
                let holds = || self.when.as_ref().is_none_or(|when| when.truth(facts) == Truth::True);
                self.kind.is_of(value) && holds()
            }
            Err(_) => false,
        }
    }
}

/// Why a call of a tool among `tools` is denied before any rule is asked.
pub(crate) fn refuse(tool: Option<&Tool>, facts: &Facts<'_>) -> Option<Reason> {
    match tool {
        None => Some(Reason::UnknownTool),
        Some(tool) => (!tool.takes(facts)).then_some(Reason::ArgumentOutsideSchema),
    }
}
