//! What one condition asks of one value.

use std::cmp::Ordering;

use asqav_receipt::json::{Json, MAX_INTEGER};

use super::path;
use super::pattern::Pattern;
use super::url;
use crate::detector::{Detector, any_finds};
use crate::error::{Problem, quote};
use crate::facts::{Seen, Why};
use crate::rule::MAX_PER_RULE;

/// A question about one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Check {
    /// Equal to one of these; not empty, all of one type, ordered.
    OneOf(Vec<Scalar>),
    Number(Compare, Number),
    MinLength(u32),
    MaxLength(u32),
    /// Begins with one of these.
    Prefix(Vec<String>),
    /// Lies under one of these directories, which have no trailing slash.
    Under(Vec<String>),
    HostIn(Vec<String>),
    Present(bool),
    Matches(Pattern),
    /// One of these finds something; not empty, ordered by name, each once.
    Contains(Vec<Detector>),
}

/// How a number stands to a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compare {
    AtLeast,
    MoreThan,
    AtMost,
    LessThan,
}

/// A text, boolean or number that a condition compares with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scalar(pub(crate) Kind);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Text(String),
    Bool(bool),
    Number(Number),
}

/// A number that JSON can hold without loss: every integer within ±(2^53−1) is
/// one, so that integers and floats compare by value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number(f64);

impl Number {
    /// As IEEE 754 double.
    pub(crate) const fn value(self) -> f64 {
        self.0
    }

    fn check(self) -> Result<Self, Problem> {
        #[expect(clippy::cast_precision_loss, reason = "2^53 is exact")]
        let limit = MAX_INTEGER as f64;
        if self.0.is_finite() && (self.0.fract() != 0.0 || self.0.abs() <= limit) {
            Ok(self)
        } else {
            Err(Problem::Range { key: "number", min: -MAX_INTEGER, max: MAX_INTEGER })
        }
    }

    /// As JSON: an integer where it is one, so that `1` and `1.0` are the same.
    pub(crate) fn to_json(self) -> Json {
        #[expect(clippy::cast_possible_truncation, reason = "checked: whole and within 2^53")]
        if self.0.fract() == 0.0 { Json::Integer(self.0 as i64) } else { Json::Float(self.0) }
    }

    fn of(value: Seen<'_>) -> Result<Self, Why> {
        match value {
            Seen::Number(number) => Ok(Self(number)),
            _ => Err(Why::Mistyped),
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    /// Adding zero makes one zero of the two.
    fn cmp(&self, other: &Self) -> Ordering {
        (self.0 + 0.0).total_cmp(&(other.0 + 0.0))
    }
}

impl From<&str> for Scalar {
    fn from(text: &str) -> Self {
        Self(Kind::Text(text.to_owned()))
    }
}

impl From<String> for Scalar {
    fn from(text: String) -> Self {
        Self(Kind::Text(text))
    }
}

impl From<bool> for Scalar {
    fn from(value: bool) -> Self {
        Self(Kind::Bool(value))
    }
}

impl From<i32> for Scalar {
    fn from(number: i32) -> Self {
        Self(Kind::Number(Number(f64::from(number))))
    }
}

impl From<i64> for Scalar {
    /// Beyond ±(2^53−1) the policy is refused.
    fn from(number: i64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "what loses precision is refused")]
        let value =
            if number.unsigned_abs() <= MAX_INTEGER.unsigned_abs() { number as f64 } else { f64::NAN };
        Self(Kind::Number(Number(value)))
    }
}

impl From<f64> for Scalar {
    /// What is not finite, or a whole number beyond ±(2^53−1), is refused.
    fn from(number: f64) -> Self {
        Self(Kind::Number(Number(number)))
    }
}

impl Scalar {
    fn check(self) -> Result<Self, Problem> {
        match self.0 {
            Kind::Number(number) => number.check().map(|number| Self(Kind::Number(number))),
            _ => Ok(self),
        }
    }

    /// Whether `value` is equal.
    fn equals(&self, value: Seen<'_>) -> Result<bool, Why> {
        match (&self.0, value) {
            (Kind::Text(text), Seen::Text(other)) => Ok(text == other),
            (Kind::Bool(value), Seen::Bool(other)) => Ok(*value == other),
            (Kind::Number(number), other) => Ok(*number == Number::of(other)?),
            _ => Err(Why::Mistyped),
        }
    }
}

impl Compare {
    fn holds<T: Ord>(self, value: &T, bound: &T) -> bool {
        match self {
            Self::AtLeast => value >= bound,
            Self::MoreThan => value > bound,
            Self::AtMost => value <= bound,
            Self::LessThan => value < bound,
        }
    }
}

impl Check {
    pub(crate) fn one_of(values: impl IntoIterator<Item = Scalar>) -> Result<Self, Problem> {
        let mut values: Vec<Scalar> = values.into_iter().map(Scalar::check).collect::<Result<_, _>>()?;
        values.sort_unstable();
        values.dedup();
        // Ordered by type first, so first and last tell whether there is one.
        match (values.first(), values.last()) {
            (Some(first), Some(last)) if same_type(first, last) => Ok(Self::OneOf(bounded(values)?)),
            (Some(_), _) => Err(Problem::Combination("the values of `in` must all be of one type")),
            (None, _) => Err(Problem::Empty("in")),
        }
    }

    pub(crate) fn number(compare: Compare, bound: Scalar) -> Result<Self, Problem> {
        match bound.check()?.0 {
            Kind::Number(bound) => Ok(Self::Number(compare, bound)),
            _ => Err(Problem::Combination("only numbers have bounds")),
        }
    }

    pub(crate) fn prefix<'p>(prefixes: impl IntoIterator<Item = &'p str>) -> Result<Self, Problem> {
        let expected = "a text to begin with";
        let prefixes = texts(prefixes, expected, |text| (!text.is_empty()).then(|| text.to_owned()))?;
        Ok(Self::Prefix(prefixes))
    }

    pub(crate) fn under<'p>(directories: impl IntoIterator<Item = &'p str>) -> Result<Self, Problem> {
        let expected = "a plain absolute path";
        texts(directories, expected, |text| path::plain(text).map(str::to_owned)).map(Self::Under)
    }

    pub(crate) fn host_in<'p>(hosts: impl IntoIterator<Item = &'p str>) -> Result<Self, Problem> {
        let expected = "a host name in lower case or an IPv4 address, with `*.` in front for its subdomains";
        texts(hosts, expected, |text| url::is_host_pattern(text).then(|| text.to_owned())).map(Self::HostIn)
    }

    pub(crate) fn matches(expression: &str) -> Result<Self, Problem> {
        Pattern::parse(expression).map(Self::Matches)
    }

    pub(crate) fn contains(detectors: impl IntoIterator<Item = Detector>) -> Result<Self, Problem> {
        let mut detectors: Vec<Detector> = detectors.into_iter().collect();
        detectors.iter().try_for_each(Detector::check)?;
        detectors.sort_by(|one, other| one.name().cmp(other.name()));
        detectors.dedup();
        if detectors.is_empty() {
            Err(Problem::Empty("contains"))
        } else {
            Ok(Self::Contains(bounded(detectors)?))
        }
    }

    /// Whether the value is as asked.
    pub(crate) fn holds(&self, value: Seen<'_>) -> Result<bool, Why> {
        match self {
            // All of one type: either every comparison is mistyped or none.
            Self::OneOf(values) => values
                .iter()
                .map(|expected| expected.equals(value))
                .reduce(|one, other| Ok(one? || other?))
                .unwrap_or(Err(Why::Mistyped)),
            Self::Number(compare, bound) => Ok(compare.holds(&Number::of(value)?, bound)),
            Self::MinLength(bound) => Ok(length(value)? >= u64::from(*bound)),
            Self::MaxLength(bound) => Ok(length(value)? <= u64::from(*bound)),
            Self::Prefix(prefixes) => {
                let text = text(value)?;
                Ok(prefixes.iter().any(|prefix| text.starts_with(prefix)))
            }
            Self::Under(directories) => {
                let path = path::plain(text(value)?).ok_or(Why::Ambiguous)?;
                Ok(directories.iter().any(|directory| path::is_under(path, directory)))
            }
            Self::HostIn(hosts) => {
                let host = url::host(text(value)?).ok_or(Why::Ambiguous)?;
                Ok(hosts.iter().any(|pattern| url::host_matches(host, pattern)))
            }
            Self::Present(expected) => Ok(*expected),
            Self::Matches(pattern) => pattern.matches(text(value)?),
            Self::Contains(detectors) => any_finds(detectors, value),
        }
    }
}

fn text(value: Seen<'_>) -> Result<&str, Why> {
    match value {
        Seen::Text(text) => Ok(text),
        _ => Err(Why::Mistyped),
    }
}

/// Characters of a text, items of an array.
fn length(value: Seen<'_>) -> Result<u64, Why> {
    let len = match value {
        Seen::Text(text) => text.chars().count(),
        Seen::Items(items) => items.len(),
        _ => return Err(Why::Mistyped),
    };
    Ok(u64::try_from(len).unwrap_or(u64::MAX))
}

fn same_type(one: &Scalar, other: &Scalar) -> bool {
    std::mem::discriminant(&one.0) == std::mem::discriminant(&other.0)
}

/// Reads a list of texts: not empty, ordered, each once.
fn texts<'p>(
    given: impl IntoIterator<Item = &'p str>,
    expected: &'static str,
    read: impl Fn(&str) -> Option<String>,
) -> Result<Vec<String>, Problem> {
    let wrong = |text| Problem::Word { found: quote(text), expected };
    let mut texts: Vec<String> =
        given.into_iter().map(|text| read(text).ok_or_else(|| wrong(text))).collect::<Result<_, _>>()?;
    texts.sort_unstable();
    texts.dedup();
    if texts.is_empty() { Err(Problem::Empty("list")) } else { bounded(texts) }
}

fn bounded<T>(values: Vec<T>) -> Result<Vec<T>, Problem> {
    if values.len() > MAX_PER_RULE {
        return Err(Problem::TooMany { what: "values in one condition", max: MAX_PER_RULE });
    }
    Ok(values)
}
