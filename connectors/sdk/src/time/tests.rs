//! China time against dates that anyone can look up, and against itself.

use proptest::prelude::*;

use super::{days_in, format, format_duration, parse, parse_duration_s};

#[test]
fn known_instants_read_and_write_as_china_time() {
    for (unix_s, text) in [
        (0, "1970-01-01 08:00:00"),
        (1_470_042_310, "2016-08-01 17:05:10"),
        (1_700_000_000, "2023-11-15 06:13:20"),
        (951_753_600, "2000-02-29 00:00:00"),
        (-57_600, "1969-12-31 16:00:00"),
    ] {
        assert_eq!(format(unix_s), text);
        assert_eq!(parse(text), Some(unix_s));
    }
    assert_eq!(parse("2025-10-09T10:00:00"), parse("2025-10-09 10:00:00"));
    assert_eq!(parse("2025-10-09"), parse("2025-10-09 00:00:00"));
}

#[test]
fn what_is_no_instant_is_refused() {
    for text in [
        "",
        "0000-00-00 00:00:00",
        "2023-02-29",
        "2025-13-01",
        "2025-10-09 24:00:00",
        "2025-10-09 10:60:00",
        "2025/10/09",
        "2025-10-9",
        "2025-10-09 10:00",
        "2025-10-09x10:00:00",
        "二〇二五年",
    ] {
        assert_eq!(parse(text), None, "{text}");
    }
}

#[test]
fn durations_have_one_unit() {
    for (text, seconds) in [
        ("30d", 2_592_000),
        ("1h", 3600),
        ("10m", 600),
        ("61s", 61),
        ("0s", 0),
    ] {
        assert_eq!(parse_duration_s(text), Some(seconds));
        assert_eq!(format_duration(seconds), text);
    }
    for text in [
        "",
        "d",
        "1",
        "1.5h",
        "-1h",
        "1w",
        "1h30m",
        "99999999999999999999d",
        "时",
    ] {
        assert_eq!(parse_duration_s(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn reading_undoes_writing(unix_s in -62_000_000_000_i64..250_000_000_000) {
        prop_assert_eq!(parse(&format(unix_s)), Some(unix_s));
    }

    #[test]
    fn the_day_after_follows(unix_s in -62_000_000_000_i64..250_000_000_000) {
        let (today, tomorrow) = (format(unix_s), format(unix_s + 86_400));
        let number = |text: &str, at: std::ops::Range<usize>| text[at].parse::<i64>().unwrap();
        let (year, month, day) =
            (number(&today, 0..4), number(&today, 5..7), number(&today, 8..10));
        let expected = if day < days_in(year, month) {
            (year, month, day + 1)
        } else if month < 12 {
            (year, month + 1, 1)
        } else {
            (year + 1, 1, 1)
        };
        prop_assert_eq!(
            (number(&tomorrow, 0..4), number(&tomorrow, 5..7), number(&tomorrow, 8..10)),
            expected
        );
        prop_assert_eq!(&today[10..], &tomorrow[10..]);
    }
}
