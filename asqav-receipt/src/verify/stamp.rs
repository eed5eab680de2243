//! Timestamps as other issuers write them.
//!
//! Receipts of ours carry one form ([`Timestamp`]'s own). Others leave the
//! zone out (UTC is meant), put a space for the `T`, or write the offset
//! without a colon. Nothing beyond that is read: ranges are checked, digits
//! are ASCII, and nothing may follow.

use crate::time::Timestamp;

/// Reads a date, optionally with a time and an offset; without an offset the
/// time is UTC.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    if !text.is_ascii() {
        return None;
    }
    let (date, rest) = text.split_at_checked(10)?;
    let (clock, zone) = match rest.strip_prefix(['T', ' ']) {
        Some(rest) => rest.split_at_checked(rest.find(['Z', '+', '-']).unwrap_or(rest.len()))?,
        None => ("00:00:00", rest),
    };
    let seconds = if clock.len() == 5 { ":00" } else { "" };
    Timestamp::parse_rfc3339(&format!("{date}T{clock}{seconds}{}", zone_with_colon(zone)?)).ok()
}

/// `Z`, `±hh:mm`, `±hhmm`, `±hh` or nothing as RFC 3339 spells it.
fn zone_with_colon(zone: &str) -> Option<String> {
    match zone.len() {
        0 => Some("Z".to_owned()),
        1 | 6 => Some(zone.to_owned()),
        3 => Some(format!("{zone}:00")),
        5 => zone.split_at_checked(3).map(|(hours, minutes)| format!("{hours}:{minutes}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_issuers_write() {
        let noon = Timestamp::parse_rfc3339("2026-05-04T12:00:00Z").ok();
        for text in [
            "2026-05-04T12:00:00.000000Z",
            "2026-05-04T12:00:00",
            "2026-05-04 12:00",
            "2026-05-04T14:00:00+02:00",
            "2026-05-04T14:00:00+0200",
            "2026-05-04T14:00:00.0+02",
        ] {
            assert_eq!(read(text), noon, "{text}");
        }
        assert_eq!(read("2026-05-04"), Timestamp::parse_rfc3339("2026-05-04T00:00:00Z").ok());
    }

    #[test]
    fn refuses_what_lenient_readers_take() {
        for text in [
            "2026-05-04T24:00:00Z",
            "2026-05-04T12:00:00+0260",
            "2026-05-04T12:00:00Z\n",
            "2026-05-04T12:00:00\n",
            "20260504T120000Z",
            "2026-05-04T12Z",
            "2026-05-04T12:00:00ZZ",
            "٢٠٢٦-05-04",
            "2026-05-04T12:00:60Z",
            "",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
