//! The tokens' restrictions as conditions of the engine.

use asqav_receipt::delegation::{Chain, Restriction, Scalar, Test};

use crate::condition::{self, Condition, Node, arg};
use crate::engine::Truth;
use crate::facts::Facts;

/// All restrictions of all tokens: each has to hold.
pub(super) fn conditions(chain: &Chain) -> Result<Vec<Node>, &'static str> {
    let restrictions = chain.tokens().iter().flat_map(|token| &token.delegation.when);
    let conditions = restrictions.flat_map(|Restriction { pointer, tests }| {
        tests.iter().map(move |test| condition(pointer, test).0.map_err(|_| "delegation_restriction"))
    });
    conditions.collect()
}

/// Whether every condition is known to hold.
pub(super) fn hold(conditions: &[Node], facts: &Facts<'_>) -> bool {
    conditions.iter().all(|condition| condition.truth(facts) == Truth::True)
}

fn condition(pointer: &str, test: &Test) -> Condition {
    let place = arg(pointer);
    match test {
        Test::OneOf(values) => place.one_of(values.iter().map(scalar)),
        Test::AtLeast(bound) => place.at_least(*bound),
        Test::AtMost(bound) => place.at_most(*bound),
        Test::Prefix(prefixes) => place.starts_with(texts(prefixes)),
        Test::Under(directories) => place.under(texts(directories)),
        Test::HostIn(hosts) => place.host_in(texts(hosts)),
        Test::MaxLength(len) => place.len_at_most(*len),
    }
}

fn texts(texts: &[String]) -> impl Iterator<Item = &str> {
    texts.iter().map(String::as_str)
}

fn scalar(value: &Scalar) -> condition::Scalar {
    match value {
        Scalar::Text(text) => text.as_str().into(),
        Scalar::Bool(value) => (*value).into(),
        Scalar::Integer(value) => (*value).into(),
    }
}
