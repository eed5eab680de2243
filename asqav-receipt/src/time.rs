//! Instants as receipts claim them: microseconds since the Unix epoch.
//!
//! Text is read strictly (RFC 3339 §5.6, nothing beyond it), because lenient
//! readers disagree: hour 24, offset `+0260`, non-ASCII digits, a trailing
//! newline. Text is written in one form only: UTC, six decimals, `Z`.

use std::fmt;

/// A point in time, UTC, with microsecond resolution, years 0000 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

/// The text is not an RFC 3339 date and time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an RFC 3339 date and time")]
pub struct TimestampError(String);

impl Timestamp {
    /// The instant `micros` microseconds after the Unix epoch; `None` beyond
    /// the years 0000 to 9999.
    #[must_use]
    pub fn from_unix_micros(micros: i64) -> Option<Self> {
        let time = jiff::Timestamp::from_microsecond(micros).ok()?;
        // No later instant that can be held leaves the year 9999.
        (time >= Self::MIN.0).then_some(Self(time))
    }

    /// The first instant that can be held, 0000-01-01T00:00:00Z.
    pub const MIN: Self = Self(jiff::Timestamp::constant(-62_167_219_200, 0));

    /// The last instant that can be held, 9999-12-30T22:00:00Z: later
    /// ones would leave the year 9999 in some time zone.
    pub const MAX: Self = Self(jiff::Timestamp::constant(253_402_207_200, 0));

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub fn unix_micros(self) -> i64 {
        self.0.as_microsecond()
    }

    /// Milliseconds since the Unix epoch, 0 before it (UUIDv7 has no sign).
    #[must_use]
    pub fn unix_millis(self) -> u64 {
        u64::try_from(self.0.as_millisecond()).unwrap_or(0)
    }

    /// Seconds from `earlier` to `self`, negative if `self` is the earlier one.
    #[must_use]
    pub fn seconds_since(self, earlier: Self) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a difference shown to people and compared with seconds"
        )]
        let micros = (self.unix_micros() - earlier.unix_micros()) as f64;
        micros / 1e6
    }

    /// Reads `YYYY-MM-DDThh:mm:ss[.fraction](Z|±hh:mm)`, `T` and `Z` in upper
    /// case, ASCII digits, hour 00 to 23, second 00 to 59. Digits of the
    /// fraction beyond the sixth are cut off.
    ///
    /// # Errors
    /// [`TimestampError`] for any other text.
    pub fn parse_rfc3339(text: &str) -> Result<Self, TimestampError> {
        Self::read(text).ok_or_else(|| TimestampError(text.chars().take(64).collect()))
    }

    /// The text: ASCII that a JSON string holds as it is.
    pub(crate) fn text(self) -> [u8; 27] {
        let at = jiff::tz::Offset::UTC.to_datetime(self.0);
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        for (place, part) in [
            (0..4, at.year().into()),
            (5..7, at.month().into()),
            (8..10, at.day().into()),
            (11..13, at.hour().into()),
            (14..16, at.minute().into()),
            (17..19, at.second().into()),
            (20..26, at.subsec_nanosecond() / 1_000),
        ] {
            write_digits(part, text.get_mut(place).unwrap_or_default());
        }
        text
    }

    fn read(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let number = |at: usize, len: usize| -> Option<i64> {
            bytes
                .get(at..at + len)?
                .iter()
                .try_fold(0_i64, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
        };
        for (at, mark) in [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')] {
            if bytes.get(at) != Some(&mark) {
                return None;
            }
        }
        let (fraction, zone) = split_fraction(bytes.get(19..)?)?;
        let offset_minutes = read_zone(zone)?;
        let date = jiff::civil::Date::new(
            i16::try_from(number(0, 4)?).ok()?,
            i8::try_from(number(5, 2)?).ok()?,
            i8::try_from(number(8, 2)?).ok()?,
        )
        .ok()?;
        let time = jiff::civil::Time::new(
            i8::try_from(number(11, 2)?).ok()?,
            i8::try_from(number(14, 2)?).ok()?,
            i8::try_from(number(17, 2)?).ok()?,
            0,
        )
        .ok()?;
        let local = date.to_datetime(time).to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
        Self::from_unix_micros(local.as_microsecond() + fraction - offset_minutes * 60_000_000)
    }
}

/// Writes the last decimal digits of `number`, which is not negative.
fn write_digits(mut number: i32, digits: &mut [u8]) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

/// Splits `[.digits]rest` into microseconds and the rest.
fn split_fraction(tail: &[u8]) -> Option<(i64, &[u8])> {
    let Some(digits) = tail.strip_prefix(b".") else { return Some((0, tail)) };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return None;
    }
    let (fraction, rest) = digits.split_at(count);
    let micros =
        (0..6).fold(0, |sum, at| sum * 10 + fraction.get(at).map_or(0, |byte| i64::from(byte - b'0')));
    Some((micros, rest))
}

/// Minutes east of UTC of `Z` or `±hh:mm`.
fn read_zone(zone: &[u8]) -> Option<i64> {
    let (sign, h1, h2, m1, m2) = match *zone {
        [b'Z'] => return Some(0),
        [b'+', h1, h2, b':', m1, m2] => (1, h1, h2, m1, m2),
        [b'-', h1, h2, b':', m1, m2] => (-1, h1, h2, m1, m2),
        _ => return None,
    };
    let digit = |byte: u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
    let (hours, minutes) = (digit(h1)? * 10 + digit(h2)?, digit(m1)? * 10 + digit(m2)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It is ASCII.
        f.write_str(str::from_utf8(&self.text()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_one_form() {
        let time = Timestamp::from_unix_micros(1_775_499_005_000_000).unwrap();
        assert_eq!(time.to_string(), "2026-04-06T18:10:05.000000Z");
        assert_eq!(Timestamp::parse_rfc3339(&time.to_string()).unwrap(), time);
        assert_eq!(Timestamp::from_unix_micros(1).unwrap().to_string(), "1970-01-01T00:00:00.000001Z");
    }

    #[test]
    fn the_last_instant_is_an_instant() {
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-30T22:00:00.000000Z");
        assert_eq!(Timestamp::from_unix_micros(Timestamp::MAX.unix_micros()), Some(Timestamp::MAX));
        assert_eq!(Timestamp::from_unix_micros(Timestamp::MAX.unix_micros() + 1), None);
    }

    #[test]
    fn the_first_instant_is_an_instant() {
        assert_eq!(Timestamp::MIN.to_string(), "0000-01-01T00:00:00.000000Z");
        assert_eq!(Timestamp::from_unix_micros(Timestamp::MIN.unix_micros() - 1), None);
    }

    #[test]
    fn reads_offsets_and_fractions() {
        let read = |text| Timestamp::parse_rfc3339(text).unwrap().to_string();
        assert_eq!(read("2026-05-04T12:00:00+00:00"), "2026-05-04T12:00:00.000000Z");
        assert_eq!(read("2026-05-04T12:00:00.5-01:30"), "2026-05-04T13:30:00.500000Z");
        assert_eq!(read("2026-05-04T12:00:00.1234567Z"), "2026-05-04T12:00:00.123456Z");
    }

    #[test]
    fn refuses_what_lenient_readers_take() {
        for wrong in [
            "2026-05-04T24:00:00Z",
            "2026-05-04T12:00:60Z",
            "2026-05-04T12:00:00+0260",
            "2026-05-04T12:00:00+02:60",
            "2026-05-04T12:00:00+24:00",
            "2026-05-04T12:00:00Z\n",
            "2026-05-04T12:00:00",
            "2026-05-04 12:00:00Z",
            "2026-05-04t12:00:00z",
            "2026-05-04T12:00:00.Z",
            "2026-02-30T12:00:00Z",
            "٢٠٢٦-05-04T12:00:00Z",
            "",
        ] {
            assert!(Timestamp::parse_rfc3339(wrong).is_err(), "{wrong:?}");
        }
    }

    /// As the library that knows the calendar writes it.
    #[test]
    fn every_time_is_written_as_the_calendar_has_it() {
        let (first, last) = (Timestamp::MIN.unix_micros(), Timestamp::MAX.unix_micros());
        assert_eq!(Timestamp::from_unix_micros(first).unwrap().to_string(), "0000-01-01T00:00:00.000000Z");
        assert_eq!(Timestamp::from_unix_micros(first - 1), None);
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-30T22:00:00.000000Z");
        let step = (last - first) / 5_000 + 1_234_567;
        for micros in (first..last).step_by(usize::try_from(step).unwrap()).chain(-3..3) {
            let time = Timestamp::from_unix_micros(micros).unwrap();
            assert_eq!(time.to_string(), format!("{:.6}", time.0), "{micros}");
        }
    }
}
