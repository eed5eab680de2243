//! A bound on what refused calls may write.
//!
//! An agent that repeats a forbidden call writes one denial receipt each time,
//! about 5 KB, and no rate limit of a policy holds it back. So denials have a
//! budget. Beyond it a call is refused all the same, but its denial is only
//! counted; `gate:denials` tells the count, as soon as the budget has room for
//! a denial again, and before `gate:stop`.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use asqav_receipt::json::{Json, Object};
use asqav_receipt::time::Timestamp;

use super::identity::{Fresh, Identity};
use crate::policy::Rate;
use crate::recorder::{Draft, Place};
use crate::refused::Refused;

/// 10,000 denial receipts at once, and as many per hour: about 55 MB.
pub(super) const DEFAULT: Rate = Rate { burst: 10_000, period: Duration::from_secs(3_600) };

/// The budget of denial receipts of one gate (generic cell rate algorithm).
pub(super) struct DenialBudget {
    rate: Rate,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Up to when the budget is used up, by the monotonic clock.
    used_until: Duration,
    suppressed: Option<Suppressed>,
}

/// Denials that have no receipt of their own.
struct Suppressed {
    count: u64,
    since: Timestamp,
    until: Timestamp,
}

impl DenialBudget {
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, state: Mutex::default() }
    }

    /// Takes room for one denial receipt, or counts the denial. Before a
    /// denial that has room stands the receipt that tells how many had none.
    ///
    /// # Errors
    /// [`Refused::TooManyDenials`] when the denial was only counted; what
    /// [`Place::submit`] says.
    pub(super) fn take(&self, identity: &Identity, place: &Place) -> Result<(), Refused> {
        let (clock, each) = (&identity.clock, self.rate.period / self.rate.burst.max(1));
        let (now, mono) = (clock.now(), clock.monotonic());
        let owed = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let used_until = state.used_until.max(mono).saturating_add(each);
            if let Some(retry_after) = over(used_until, mono + self.rate.period) {
                state.count(now);
                return Err(Refused::TooManyDenials { retry_after });
            }
            state.used_until = used_until;
            state.suppressed.take()
        };
        match owed {
            Some(owed) => place.submit(owed.event(identity)?).map(drop),
            None => Ok(()),
        }
    }

    /// The last receipt about denials, before the log ends.
    pub(super) fn last(&self, identity: &Identity) -> Result<Option<Draft>, Refused> {
        let owed = self.state.lock().unwrap_or_else(PoisonError::into_inner).suppressed.take();
        owed.map(|owed| owed.event(identity)).transpose()
    }
}

impl State {
    fn count(&mut self, now: Timestamp) {
        let suppressed = self.suppressed.get_or_insert(Suppressed { count: 0, since: now, until: now });
        suppressed.count += 1;
        suppressed.until = now;
    }
}

impl Suppressed {
    fn event(&self, identity: &Identity) -> Result<Draft, Refused> {
        let mut body = Object::new();
        body.set("count", Json::count(self.count));
        body.set("since", self.since.to_string().as_str());
        body.set("until", self.until.to_string().as_str());
        Ok(identity.event(&Fresh::draw(&*identity.clock)?, "gate:denials", body))
    }
}

/// By how much `one` is over `other`, if it is.
fn over(one: Duration, other: Duration) -> Option<Duration> {
    one.checked_sub(other).filter(|by| !by.is_zero())
}
