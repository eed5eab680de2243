use super::*;

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

#[track_caller]
fn check(window: &Window, cases: &[(&str, bool)]) {
    for (time, inside) in cases {
        assert_eq!(window.contains(at(time)), *inside, "{time}");
    }
}

#[test]
fn the_start_is_inside_and_the_end_is_not() {
    let window = Window::new().hours("08:00", "18:00").unwrap();
    check(
        &window,
        &[
            ("2026-04-06T07:59:59.999999Z", false),
            ("2026-04-06T08:00:00Z", true),
            ("2026-04-06T17:59:59.999999Z", true),
            ("2026-04-06T18:00:00Z", false),
        ],
    );
    check(
        &Window::new().hours("23:00", "24:00").unwrap(),
        &[("2026-04-06T23:59:59Z", true), ("2026-04-07T00:00:00Z", false)],
    );
}

#[test]
fn a_night_belongs_to_the_day_it_begins_on() {
    let friday_night = Window::new().hours("22:00", "06:00").unwrap().days([Day::Friday]).unwrap();
    check(
        &friday_night,
        &[
            ("2026-04-10T21:59:59Z", false), // Friday
            ("2026-04-10T22:00:00Z", true),
            ("2026-04-11T00:00:00Z", true), // Saturday
            ("2026-04-11T05:59:59Z", true),
            ("2026-04-11T06:00:00Z", false),
            ("2026-04-11T22:00:00Z", false),
            ("2026-04-10T05:00:00Z", false), // the night of Thursday
        ],
    );
}

#[test]
fn days_are_those_of_the_zone() {
    let monday = Window::new().days([Day::Monday]).unwrap().zone("+02:00").unwrap();
    check(
        &monday,
        &[
            ("2026-04-05T21:59:59Z", false),
            ("2026-04-05T22:00:00Z", true),
            ("2026-04-06T21:59:59Z", true),
            ("2026-04-06T22:00:00Z", false),
        ],
    );
}

/// Europe/Berlin leaps from 02:00 to 03:00 on 2026-03-29 at 01:00 UTC and
/// falls back from 03:00 to 02:00 on 2026-10-25 at 01:00 UTC.
#[test]
fn hours_follow_daylight_saving_time() {
    let day = Window::new().hours("08:00", "18:00").unwrap().zone("Europe/Berlin").unwrap();
    check(
        &day,
        &[
            ("2026-03-28T06:59:59Z", false),
            ("2026-03-28T07:00:00Z", true), // winter, UTC+1
            ("2026-03-29T05:59:59Z", false),
            ("2026-03-29T06:00:00Z", true), // summer, UTC+2
            ("2026-03-29T16:00:00Z", false),
        ],
    );
    let leapt_over = Window::new().hours("02:00", "03:00").unwrap().zone("Europe/Berlin").unwrap();
    check(&leapt_over, &[("2026-03-29T00:59:59Z", false), ("2026-03-29T01:00:00Z", false)]);
    check(
        &leapt_over,
        &[
            ("2026-10-24T23:59:59Z", false),
            ("2026-10-25T00:00:00Z", true), // 02:00 summer time
            ("2026-10-25T01:00:00Z", true), // 02:00 again, winter time
            ("2026-10-25T02:00:00Z", false),
        ],
    );
}

#[test]
fn instants_bound_a_window() {
    let april = Window::new().since(at("2026-04-01T00:00:00Z")).until(at("2026-05-01T00:00:00Z"));
    check(
        &april,
        &[
            ("2026-03-31T23:59:59.999999Z", false),
            ("2026-04-01T00:00:00Z", true),
            ("2026-04-30T23:59:59.999999Z", true),
            ("2026-05-01T00:00:00Z", false),
        ],
    );
}

#[test]
fn wrong_windows_are_refused() {
    for wrong in ["8:00", "08:60", "24:01", "08-00", "08:00:00", "٠٨:٠٠", "", "24:00"] {
        assert!(matches!(Window::new().hours(wrong, "18:00"), Err(Problem::Word { .. })), "{wrong}");
    }
    assert!(matches!(Window::new().hours("08:00", "08:00"), Err(Problem::Combination(_))));
    assert_eq!(Window::new().days([]), Err(Problem::Empty("days")));
    for wrong in ["europe/berlin", "Europe/Berln", "+2", "+18:01", "utc", "CEST-1", "", "../etc/localtime"] {
        assert_eq!(Window::new().zone(wrong), Err(Problem::Zone(wrong.to_owned())), "{wrong}");
    }
    let same = at("2026-04-01T00:00:00Z");
    assert!(Window::new().since(same).until(same).check().is_err());
}
