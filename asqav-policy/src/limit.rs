//! Limits with keys of their own: so many calls, or so much of an amount, for
//! each agent, tool, session, tenant or value of an argument.
//!
//! Limits restrict: when a key or a cost cannot be read, the call is denied.

use std::time::Duration;

use asqav_receipt::canonical;
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::json::{Json, MAX_INTEGER};

use crate::error::Problem;
use crate::facts::{Facts, Seen, Why};
use crate::pointer::{Pointer, Root};
use crate::rule::RateLimit;

/// Limits in one rule at most.
pub(crate) const MAX_LIMITS: usize = 8;
/// Keys of one limit at most.
const MAX_KEYS: usize = 8;
/// A value of an argument that is longer stands as its digest, bytes.
const MAX_KEY_LEN: usize = 64;

/// A limit of an allow rule, taken before the call runs, all of a call's
/// limits or none.
///
/// ```
/// use std::time::Duration;
/// use asqav_policy::{Key, Limit, Rule};
///
/// let day = Duration::from_secs(86_400);
/// let pay = Rule::allow("pay")
///     .tools(["bank:transfer"])
///     .limit(Limit::budget(100_000)?.per(day)?.cost_of("/cents")?.by([Key::Tenant, Key::argument("/account")?]))
///     .limit(Limit::rate(5, Duration::from_secs(60))?.by([Key::Session]));
/// # Ok::<(), asqav_policy::Problem>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    pub(crate) what: What,
    pub(crate) by: Vec<Key>,
}

/// What is limited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    Rate(RateLimit),
    Budget { amount: u64, window: Option<Duration>, cost: Option<Pointer>, settle: Option<Pointer> },
}

/// What a limit counts apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(pub(crate) By);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum By {
    Agent,
    Tool,
    Session,
    Tenant,
    Argument(Pointer),
}

#[expect(non_upper_case_globals, reason = "they read as the variants of an enum")]
impl Key {
    /// Each agent.
    pub const Agent: Self = Self(By::Agent);
    /// Each tool.
    pub const Tool: Self = Self(By::Tool);
    /// Each session; a call outside of one is denied.
    pub const Session: Self = Self(By::Session);
    /// Each tenant; a call that names none is denied.
    pub const Tenant: Self = Self(By::Tenant);

    /// Each value at a JSON pointer in the arguments; a call without one is
    /// denied.
    ///
    /// # Errors
    /// [`Problem::Word`] when `pointer` is not one.
    pub fn argument(pointer: &str) -> Result<Self, Problem> {
        place(pointer).map(|pointer| Self(By::Argument(pointer)))
    }
}

impl Limit {
    /// The greatest amount: 2^53 − 1.
    pub const MAX_AMOUNT: u64 = MAX_INTEGER.unsigned_abs();

    /// `calls` at once, all of which come back evenly within `per`.
    ///
    /// # Errors
    /// As [`RateLimit::new`].
    pub fn rate(calls: u32, per: Duration) -> Result<Self, Problem> {
        Ok(Self { what: What::Rate(RateLimit::new(calls, per)?), by: Vec::new() })
    }

    /// `amount` in all, of which each call costs 1.
    ///
    /// # Errors
    /// [`Problem::Range`] when `amount` is 0 or over
    /// [`MAX_AMOUNT`](Self::MAX_AMOUNT).
    pub const fn budget(amount: u64) -> Result<Self, Problem> {
        if amount == 0 || amount > Self::MAX_AMOUNT {
            return Err(Problem::Range { key: "amount", min: 1, max: MAX_INTEGER });
        }
        Ok(Self { what: What::Budget { amount, window: None, cost: None, settle: None }, by: Vec::new() })
    }

    /// The whole budget again in each window of this length; windows follow
    /// one another from the Unix epoch (UTC).
    ///
    /// # Errors
    /// [`Problem::Combination`] for a rate, or when `window` is not between
    /// [`RateLimit::MIN_PERIOD`] and [`RateLimit::MAX_PERIOD`] in whole
    /// milliseconds.
    pub fn per(mut self, window: Duration) -> Result<Self, Problem> {
        let What::Budget { window: given, .. } = &mut self.what else {
            return Err(Problem::Combination("a rate has its period already"));
        };
        *given = Some(RateLimit::new(1, window)?.per());
        Ok(self)
    }

    /// A call costs the whole number of at least 0 at this JSON pointer in its
    /// arguments; without one it is denied.
    ///
    /// # Errors
    /// [`Problem::Combination`] for a rate, [`Problem::Word`] when `pointer`
    /// is not one.
    pub fn cost_of(mut self, pointer: &str) -> Result<Self, Problem> {
        let What::Budget { cost, .. } = &mut self.what else {
            return Err(Problem::Combination("a call costs one of a rate"));
        };
        *cost = Some(place(pointer)?);
        Ok(self)
    }

    /// Once a call has run, it costs the whole number of at least 0 at this
    /// JSON pointer in its result, in place of what was taken before: the rest
    /// comes back, or what is missing is taken, even beyond the budget. Without
    /// such a number, and of a call whose result the gate is not given, what
    /// was taken stays.
    ///
    /// # Errors
    /// [`Problem::Combination`] for a rate, [`Problem::Word`] when `pointer`
    /// is not one.
    pub fn settled_by(mut self, pointer: &str) -> Result<Self, Problem> {
        let What::Budget { settle, .. } = &mut self.what else {
            return Err(Problem::Combination("a call costs one of a rate"));
        };
        *settle = Some(Pointer::result(pointer)?);
        Ok(self)
    }

    /// For each of these on its own; without any, for all calls together.
    #[must_use]
    pub fn by(mut self, keys: impl IntoIterator<Item = Key>) -> Self {
        self.by.extend(keys);
        self
    }

    pub(crate) fn check(&self) -> Result<(), Problem> {
        if self.by.len() > MAX_KEYS {
            return Err(Problem::TooMany { what: "keys of one limit", max: MAX_KEYS });
        }
        Ok(())
    }

    /// Whether it looks at arguments.
    pub(crate) fn reads_arguments(&self) -> bool {
        let cost = matches!(self.what, What::Budget { cost: Some(_), .. });
        cost || self.by.iter().any(|key| matches!(key.0, By::Argument(_)))
    }

    /// What one call costs.
    pub(crate) fn cost(&self, facts: &Facts<'_>) -> Result<u64, Why> {
        let What::Budget { cost: Some(pointer), .. } = &self.what else { return Ok(1) };
        match facts.at(pointer)?.ok_or(Why::Missing)? {
            Seen::Number(cost) => whole(cost).ok_or(Why::Mistyped),
            _ => Err(Why::Mistyped),
        }
    }

    /// Whether cost and keys of the call can be read.
    pub(crate) fn is_known(&self, facts: &Facts<'_>) -> bool {
        self.cost(facts).is_ok() && self.by.iter().all(|key| key.is_known(facts))
    }

    /// For people.
    pub(crate) fn words(&self) -> String {
        let what = match &self.what {
            What::Rate(rate) => format!("{} calls per {:?}", rate.calls(), rate.per()),
            What::Budget { amount, window, cost, settle } => {
                let of = cost.as_ref().map_or("calls", Pointer::as_str);
                let per = window.map_or_else(|| "in all".to_owned(), |window| format!("per {window:?}"));
                let settled = settle.as_ref().map_or_else(String::new, |pointer| {
                    format!(", settled by `{}` of the result", pointer.as_str())
                });
                format!("{amount} of {of} {per}{settled}")
            }
        };
        let by: Vec<&str> = self.by.iter().map(Key::as_str).collect();
        if by.is_empty() { what } else { format!("{what}, for each {}", by.join(" and ")) }
    }
}

impl Key {
    /// As in the file: a word, or the pointer.
    pub(crate) fn as_str(&self) -> &str {
        match &self.0 {
            By::Agent => "agent",
            By::Tool => "tool",
            By::Session => "session",
            By::Tenant => "tenant",
            By::Argument(pointer) => pointer.as_str(),
        }
    }

    fn is_known(&self, facts: &Facts<'_>) -> bool {
        match &self.0 {
            By::Agent | By::Tool => true,
            By::Session => facts.session.is_some(),
            By::Tenant => facts.tenant.is_some(),
            By::Argument(pointer) => matches!(facts.at(pointer), Ok(Some(_))),
        }
    }

    /// The call's value; a text of its own for each value.
    #[cfg_attr(not(feature = "gate"), expect(dead_code, reason = "only a gate charges"))]
    pub(crate) fn value(&self, facts: &Facts<'_>) -> Result<String, Why> {
        let named = |name: Option<&str>| name.map(str::to_owned).ok_or(Why::Missing);
        match &self.0 {
            By::Agent => Ok(facts.agent.to_owned()),
            By::Tool => Ok(facts.tool.to_owned()),
            By::Session => named(facts.session),
            By::Tenant => named(facts.tenant),
            By::Argument(pointer) => {
                let json = facts.at(pointer)?.ok_or(Why::Missing)?.to_json();
                let text = canonical::to_vec(&json);
                Ok(match String::from_utf8(text) {
                    Ok(text) if text.len() <= MAX_KEY_LEN => text,
                    Ok(text) => Sha256Digest::of(text.as_bytes()).to_tagged(),
                    Err(error) => Sha256Digest::of(error.as_bytes()).to_tagged(),
                })
            }
        }
    }
}

impl Seen<'_> {
    pub(crate) fn to_json(self) -> Json {
        match self {
            Self::Text(text) => text.into(),
            Self::Number(number) => match signed(number) {
                Some(integer) => Json::Integer(integer),
                None => Json::Float(number),
            },
            Self::Bool(value) => Json::Bool(value),
            Self::Items(items) => Json::Array(items.to_vec()),
            Self::Members(members) => members.clone().into(),
        }
    }
}

/// A whole number within ±(2^53−1).
fn signed(number: f64) -> Option<i64> {
    #[expect(clippy::cast_precision_loss, reason = "2^53 is exact")]
    let fits = number.fract() == 0.0 && number.abs() <= MAX_INTEGER as f64;
    #[expect(clippy::cast_possible_truncation, reason = "checked: whole and within 2^53")]
    fits.then_some(number as i64)
}

fn whole(number: f64) -> Option<u64> {
    u64::try_from(signed(number)?).ok()
}

fn place(pointer: &str) -> Result<Pointer, Problem> {
    let pointer = Pointer::argument(pointer)?;
    if pointer.root == Root::Arguments {
        return Err(Problem::Combination("a limit reads one argument, not all together"));
    }
    Ok(pointer)
}
