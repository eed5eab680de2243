//! Conditions on a call's arguments, with three values.
//!
//! A condition whose input is missing, of another type or ambiguous is
//! *unknown*: an allow rule then does not hold, and a deny rule does. `all`,
//! `any` and `not` follow Kleene's strong logic, so that an unknown part never
//! decides what another part would have forbidden.
//!
//! The one exception is [`present`](Argument::present): it asks about absence
//! itself, so absence is its answer, not a missing input. `all` of `present`
//! and a question lets a deny rule pass over calls without the argument.
//!
//! A condition sees what the policy is given: of a redacted argument its
//! redacted value, of a skipped one nothing. Numbers are compared as IEEE 754
//! doubles, texts by their code points.

mod check;
mod path;
mod pattern;
mod url;

use crate::detector::Detector;
use crate::engine::Truth;
use crate::error::Problem;
use crate::facts::{Facts, Why};
use crate::label::LabelTest;
use crate::pointer::{Pointer, Root};

pub use check::Scalar;
pub(crate) use check::{Check, Compare, Kind};

/// Conditions nest at most this deep.
pub(crate) const MAX_DEPTH: usize = 16;

/// A condition, or the first mistake made in writing it, which
/// [`Model::new`](crate::Model::new) reports.
///
/// ```
/// use asqav_policy::condition::{all, arg};
///
/// let small = all([
///     arg("/amount").at_least(1),
///     arg("/amount").at_most(1_000),
///     arg("/currency").one_of(["CHF", "EUR"]),
///     !arg("/iban").starts_with(["XX"]),
/// ]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition(pub(crate) Result<Node, Problem>);

/// A condition's tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Test(Pointer, Check),
    Label(LabelTest),
}

/// Holds when every part does.
pub fn all(parts: impl IntoIterator<Item = Condition>) -> Condition {
    Condition(collect(parts, "all").map(Node::All))
}

/// Holds when a part does.
pub fn any(parts: impl IntoIterator<Item = Condition>) -> Condition {
    Condition(collect(parts, "any").map(Node::Any))
}

/// The value at a JSON pointer (RFC 6901): `/name` is an argument, `/name/0/x`
/// a place in it.
///
/// The empty pointer is all arguments together; only
/// [`contains`](Argument::contains) can be asked of it.
#[must_use]
pub fn arg(pointer: &str) -> Argument {
    Argument(Pointer::argument(pointer))
}

/// The value at a JSON pointer in the tool's result, the empty one for all of
/// it; in rules [on results](crate::Rule::on_result) only.
#[must_use]
pub fn result(pointer: &str) -> Argument {
    Argument(Pointer::result(pointer))
}

fn collect(parts: impl IntoIterator<Item = Condition>, what: &'static str) -> Result<Vec<Node>, Problem> {
    let parts: Vec<Node> = parts.into_iter().map(|part| part.0).collect::<Result<_, _>>()?;
    if parts.is_empty() { Err(Problem::Empty(what)) } else { Ok(parts) }
}

impl std::ops::Not for Condition {
    type Output = Self;

    fn not(self) -> Self {
        Self(self.0.map(|part| Node::Not(Box::new(part))))
    }
}

/// A place in the arguments or the result that a condition is made on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument(Result<Pointer, Problem>);

impl Argument {
    /// Equal to this text, boolean or number; numbers by value (`1` is `1.0`).
    #[must_use]
    pub fn equals(self, value: impl Into<Scalar>) -> Condition {
        self.test(Check::one_of([value.into()]))
    }

    /// Equal to one of these, all of one type.
    #[must_use]
    pub fn one_of<T: Into<Scalar>>(self, values: impl IntoIterator<Item = T>) -> Condition {
        self.test(Check::one_of(values.into_iter().map(Into::into)))
    }

    /// A number of at least this.
    #[must_use]
    pub fn at_least(self, bound: impl Into<Scalar>) -> Condition {
        self.test(Check::number(Compare::AtLeast, bound.into()))
    }

    /// A number greater than this.
    #[must_use]
    pub fn more_than(self, bound: impl Into<Scalar>) -> Condition {
        self.test(Check::number(Compare::MoreThan, bound.into()))
    }

    /// A number of at most this.
    #[must_use]
    pub fn at_most(self, bound: impl Into<Scalar>) -> Condition {
        self.test(Check::number(Compare::AtMost, bound.into()))
    }

    /// A number less than this.
    #[must_use]
    pub fn less_than(self, bound: impl Into<Scalar>) -> Condition {
        self.test(Check::number(Compare::LessThan, bound.into()))
    }

    /// A text that begins with one of these, byte for byte.
    #[must_use]
    pub fn starts_with<'p>(self, prefixes: impl IntoIterator<Item = &'p str>) -> Condition {
        self.test(Check::prefix(prefixes))
    }

    /// A path that is one of these directories or lies under it. Lexical:
    /// absolute, `/` between names, and unknown where a path holds `.`, `..`,
    /// an empty name, a backslash or a control character. Links in the file
    /// system are not followed.
    #[must_use]
    pub fn under<'p>(self, directories: impl IntoIterator<Item = &'p str>) -> Condition {
        self.test(Check::under(directories))
    }

    /// A URL (`http`, `https`, `ws`, `wss`) whose host is one of these; a
    /// leading `*.` stands for one or more labels. Unknown where readers of
    /// URLs disagree: user information, percent signs in the host, IPv6,
    /// numbers that are not a dotted IPv4 address, a trailing dot, backslashes,
    /// white space, anything but ASCII. Where the name resolves to is not asked.
    #[must_use]
    pub fn host_in<'p>(self, hosts: impl IntoIterator<Item = &'p str>) -> Condition {
        self.test(Check::host_in(hosts))
    }

    /// A text of at least so many characters, or an array of so many items.
    #[must_use]
    pub fn len_at_least(self, len: u32) -> Condition {
        self.test(Ok(Check::MinLength(len)))
    }

    /// A text of at most so many characters, or an array of so many items.
    #[must_use]
    pub fn len_at_most(self, len: u32) -> Condition {
        self.test(Ok(Check::MaxLength(len)))
    }

    /// There is a value other than `null`.
    #[must_use]
    pub fn present(self) -> Condition {
        self.test(Ok(Check::Present(true)))
    }

    /// There is no value, or `null`.
    #[must_use]
    pub fn absent(self) -> Condition {
        self.test(Ok(Check::Present(false)))
    }

    /// A text that this regular expression matches as a whole; `.` stands for
    /// a line feed too, `\d`, `\w` and `\s` for ASCII. Unknown for texts over
    /// 4,096 bytes. The time is linear in the text.
    #[must_use]
    pub fn matches(self, expression: &str) -> Condition {
        self.test(Check::matches(expression))
    }

    /// One of these detectors finds something in the value: in its text, its
    /// digits, or anything in it. Unknown over 1 MiB of text.
    #[must_use]
    pub fn contains(self, detectors: impl IntoIterator<Item = Detector>) -> Condition {
        self.test(Check::contains(detectors))
    }

    /// What is wrong with the pointer.
    pub(crate) fn problem(&self) -> Option<Problem> {
        self.0.as_ref().err().cloned()
    }

    fn test(self, check: Result<Check, Problem>) -> Condition {
        Condition(self.0.and_then(|pointer| match check? {
            check @ Check::Contains(_) => Ok(Node::Test(pointer, check)),
            _ if pointer.root == Root::Arguments => {
                Err(Problem::Combination("of all arguments together only `contains` can be asked"))
            }
            check => Ok(Node::Test(pointer, check)),
        }))
    }
}

impl Node {
    /// The condition's value for a call.
    pub(crate) fn truth(&self, facts: &Facts<'_>) -> Truth {
        match self {
            Self::All(parts) => all_of(parts.iter().map(|part| part.truth(facts))),
            Self::Any(parts) => all_of(parts.iter().map(|part| part.truth(facts).not())).not(),
            Self::Not(part) => part.truth(facts).not(),
            Self::Test(pointer, check) => known(test(pointer, check, facts)),
            Self::Label(label) => known(label.test(facts)),
        }
    }

    /// Levels of nesting, 1 for a test.
    pub(crate) fn depth(&self) -> usize {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().map(Self::depth).max().unwrap_or(0) + 1,
            Self::Not(part) => part.depth() + 1,
            Self::Test(..) | Self::Label(_) => 1,
        }
    }

    /// The tests, in the order of the file.
    pub(crate) fn tests(&self) -> Vec<(&Pointer, &Check)> {
        let mut tests = Vec::new();
        self.collect_tests(&mut tests);
        tests
    }

    fn collect_tests<'n>(&'n self, out: &mut Vec<(&'n Pointer, &'n Check)>) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.collect_tests(out)),
            Self::Not(part) => part.collect_tests(out),
            Self::Test(pointer, check) => out.push((pointer, check)),
            Self::Label(_) => {}
        }
    }

    /// The labels asked for, in the order of the file.
    pub(crate) fn labels(&self) -> Vec<&LabelTest> {
        let mut labels = Vec::new();
        self.collect_labels(&mut labels);
        labels
    }

    fn collect_labels<'n>(&'n self, out: &mut Vec<&'n LabelTest>) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.collect_labels(out)),
            Self::Not(part) => part.collect_labels(out),
            Self::Test(..) => {}
            Self::Label(label) => out.push(label),
        }
    }
}

fn known(answer: Result<bool, Why>) -> Truth {
    match answer {
        Ok(true) => Truth::True,
        Ok(false) => Truth::False,
        Err(_) => Truth::Unknown,
    }
}

/// One test on a call.
pub(crate) fn test(pointer: &Pointer, check: &Check, facts: &Facts<'_>) -> Result<bool, Why> {
    if let Check::Contains(detectors) = check {
        return facts.any_finds(pointer, detectors)?.ok_or(Why::Missing);
    }
    match (facts.at(pointer)?, check) {
        (value, Check::Present(expected)) => Ok(value.is_some() == *expected),
        (Some(value), check) => check.holds(value),
        (None, _) => Err(Why::Missing),
    }
}

/// False as soon as a part is false, else unknown when a part is.
pub(crate) fn all_of(parts: impl Iterator<Item = Truth>) -> Truth {
    let mut all = Truth::True;
    for part in parts {
        match part {
            Truth::False => return Truth::False,
            Truth::Unknown => all = Truth::Unknown,
            Truth::True => {}
        }
    }
    all
}

impl Truth {
    const fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests;
