//! Slots against the clock itself: every minute of a year asked one by one.

use std::collections::BTreeSet;

use jiff::civil::{DateTime, date};
use jiff::{Timestamp, ToSpan, Unit};
use proptest::prelude::*;

use crate::{Cron, Error, Zone};

fn cron(text: &str, zone: &str) -> Cron {
    Cron::parse(text, Zone::named(zone).unwrap()).unwrap()
}

fn moment(text: &str) -> u64 {
    let moment: Timestamp = text.parse().unwrap();
    moment.as_millisecond().try_into().unwrap()
}

fn slots(cron: &Cron, after: &str, until: &str) -> Vec<String> {
    let mut at = moment(after);
    let mut found = Vec::new();
    while let Some(slot) = cron.next(at).filter(|slot| *slot <= moment(until)) {
        let slot_text = Timestamp::from_millisecond(slot.try_into().unwrap());
        found.push(slot_text.unwrap().to_string());
        at = slot;
    }
    found
}

#[test]
fn a_time_that_spring_leaves_out_comes_when_the_clock_goes_on() {
    let found = slots(
        &cron("30 2 * * *", "Europe/Berlin"),
        "2026-03-28T00:00:00Z",
        "2026-03-30T12:00:00Z",
    );
    let expected = [
        "2026-03-28T01:30:00Z",
        "2026-03-29T01:00:00Z",
        "2026-03-30T00:30:00Z",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_time_that_autumn_has_twice_comes_once() {
    for pattern in ["30 2 * * *", "30 2,14 * * *"] {
        let found = slots(
            &cron(pattern, "Europe/Berlin"),
            "2026-10-25T00:00:00Z",
            "2026-10-25T12:00:00Z",
        );
        assert_eq!(found, ["2026-10-25T00:30:00Z"], "{pattern}");
    }
}

#[test]
fn a_pattern_with_a_star_goes_with_the_hands() {
    let half_hours = cron("*/30 * * * *", "Europe/Berlin");
    let autumn = slots(&half_hours, "2026-10-24T23:45:00Z", "2026-10-25T02:00:00Z");
    assert_eq!(autumn.len(), 5, "{autumn:?}");
    let spring = slots(
        &cron("30 * * * *", "Europe/Berlin"),
        "2026-03-29T00:00:00Z",
        "2026-03-29T02:00:00Z",
    );
    assert_eq!(spring, ["2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"]);
}

#[test]
fn a_zone_without_summer_time_has_every_day_alike() {
    let found = slots(
        &cron("2 2 * * *", "Asia/Shanghai"),
        "2026-03-28T00:00:00Z",
        "2026-03-30T00:00:00Z",
    );
    assert_eq!(found, ["2026-03-28T18:02:00Z", "2026-03-29T18:02:00Z"]);
}

#[test]
fn what_is_no_pattern_is_refused_with_the_reason() {
    let zone = || Zone::named("Asia/Shanghai").unwrap();
    for text in [
        "",
        "5",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "@daily",
        "a b c d e",
    ] {
        let refused = Cron::parse(text, zone());
        assert!(matches!(refused, Err(Error::Cron { .. })), "{text}");
    }
    let never = Cron::parse("0 0 30 2 *", zone());
    assert!(matches!(never, Err(Error::Never { .. })), "{never:?}");
    assert!(Zone::named("Asia/Shangai").is_err());
    assert_eq!(
        Zone::named("asia/shanghai").unwrap().name(),
        "Asia/Shanghai"
    );
}

/// Minutes and hours, as a list or a star with a step.
#[derive(Debug, Clone)]
enum Field {
    List(BTreeSet<i8>),
    Star(i8),
}

impl Field {
    fn text(&self) -> String {
        match self {
            Self::List(all) => {
                let all: Vec<String> = all.iter().map(i8::to_string).collect();
                all.join(",")
            }
            Self::Star(step) => format!("*/{step}"),
        }
    }

    fn has(&self, value: i8) -> bool {
        match self {
            Self::List(all) => all.contains(&value),
            Self::Star(step) => value % step == 0,
        }
    }
}

fn field(most: i8) -> impl Strategy<Value = Field> {
    prop_oneof![
        prop::collection::btree_set(0..most, 1..4).prop_map(Field::List),
        (1..most).prop_map(Field::Star),
    ]
}

/// The slots of some days, found minute by minute.
fn by_minutes(minute: &Field, hour: &Field, zone: &Zone, from: DateTime, days: i64) -> Vec<u64> {
    let named = matches!((minute, hour), (Field::List(_), Field::List(_)));
    let start = from.to_zoned(zone.zone.clone()).unwrap().timestamp();
    let end = (from + days.days()).to_zoned(zone.zone.clone()).unwrap();
    let matches = |civil: DateTime| minute.has(civil.minute()) && hour.has(civil.hour());
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut before = None;
    let mut at = start;
    while at <= end.timestamp() {
        let civil = zone.zone.to_datetime(at);
        let mut due = matches(civil) && (!named || !seen.contains(&civil));
        // Minutes that the clock jumped over.
        let mut skipped: Option<DateTime> = before.map(|before: DateTime| before + 1.minute());
        while let Some(minute) = skipped.filter(|minute| named && *minute < civil) {
            due |= matches(minute);
            skipped = Some(minute + 1.minute());
        }
        if due && at > start {
            found.insert(u64::try_from(at.as_millisecond()).unwrap());
        }
        seen.insert(civil);
        before = Some(civil);
        at += 1.minute();
    }
    found.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn slots_are_what_the_clock_shows_minute_by_minute(
        minute in field(60),
        hour in field(24),
        zone in prop::sample::select(vec![
            "Europe/Berlin", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "UTC",
        ]),
        day in prop::sample::select(vec![(3, 28), (10, 24), (3, 7), (10, 31), (4, 4), (10, 3), (6, 1)]),
    ) {
        let zone = Zone::named(zone).unwrap();
        let from = date(2026, day.0, day.1).at(0, 0, 0, 0);
        let pattern = format!("{} {} * * *", minute.text(), hour.text());
        let cron = Cron::parse(&pattern, zone.clone()).unwrap();
        let expected = by_minutes(&minute, &hour, &zone, from, 3);
        let start = from.to_zoned(zone.zone.clone()).unwrap().timestamp();
        let end = (from + 3.days()).to_zoned(zone.zone.clone()).unwrap().timestamp();
        let mut found = Vec::new();
        let mut at = u64::try_from(start.as_millisecond()).unwrap();
        let end = u64::try_from(end.as_millisecond()).unwrap();
        while let Some(slot) = cron.next(at).filter(|slot| *slot <= end) {
            found.push(slot);
            at = slot;
        }
        prop_assert_eq!(found, expected, "{}", pattern);
        // A moment between two seconds lies behind the first.
        let between = start.round(Unit::Second).unwrap() + 500.milliseconds();
        let between = u64::try_from(between.as_millisecond()).unwrap();
        prop_assert!(cron.next(between).unwrap() > between);
    }
}
