//! The simulators' clock and the vendors' way to write times (China time, +08:00, no daylight saving).
//! It is not a timer: delays use tokio's time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

const CHINA_SECONDS: i64 = 8 * 3600;

/// What the simulators believe the time to be: the machine's time, that of a server whose clock is slow, or one
/// that a test sets.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// So many seconds behind the machine's clock: what happens now lies well inside windows that end now.
    Behind(i64),
    /// Milliseconds since 1970 that stand still until changed.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `unix_seconds`.
    pub fn manual(unix_seconds: i64) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(unix_seconds * 1000)))
    }

    /// Moves a manual clock forward; the machine's clock stays as it is.
    pub fn advance(&self, seconds: i64) {
        if let Self::Manual(millis) = self {
            millis.fetch_add(seconds * 1000, Ordering::SeqCst);
        }
    }

    /// Milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        match self {
            Self::Manual(millis) => millis.load(Ordering::SeqCst),
            Self::System => machine_ms(),
            Self::Behind(seconds) => machine_ms() - seconds * 1000,
        }
    }

    /// Seconds since 1970.
    pub fn now(&self) -> i64 {
        self.now_ms().div_euclid(1000)
    }
}

fn machine_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

/// `yyyy-MM-dd HH:mm:ss` in China time.
pub fn china_text(unix_seconds: i64) -> String {
    let local = unix_seconds + CHINA_SECONDS;
    let (year, month, day) = civil(local.div_euclid(86_400));
    let second = local.rem_euclid(86_400);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// Unix seconds of exactly `yyyy-MM-dd HH:mm:ss` in China time, or none.
pub fn parse_china(text: &str) -> Option<i64> {
    if text.len() != 19 || !text.is_ascii() {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<i64> {
        let part = text.get(from..to)?;
        if part.bytes().all(|byte| byte.is_ascii_digit()) {
            part.parse().ok()
        } else {
            None
        }
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let days = days(year, month, day);
    let in_range = (1..=12).contains(&month)
        && civil(days) == (year, month, day)
        && hour < 24
        && minute < 60
        && second < 60;
    let separators = text.get(4..5)? == "-"
        && text.get(7..8)? == "-"
        && text.get(10..11)? == " "
        && text.get(13..14)? == ":"
        && text.get(16..17)? == ":";
    (in_range && separators)
        .then(|| days * 86_400 + hour * 3600 + minute * 60 + second - CHINA_SECONDS)
}

/// Days since 1970 of a civil date (proleptic Gregorian calendar, years counted from March).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::{china_text, parse_china};

    #[test]
    fn times_are_china_time_in_both_directions() {
        assert_eq!(china_text(1_470_042_310), "2016-08-01 17:05:10");
        for unix in [0, 951_753_600, 1_582_905_599, 1_760_000_000, 4_102_444_799] {
            assert_eq!(parse_china(&china_text(unix)), Some(unix));
        }
    }

    #[test]
    fn other_forms_and_impossible_dates_are_refused() {
        for text in [
            "2025-02-29 00:00:00",
            "2025-1-01 00:00:00",
            "2025-01-01T00:00:00",
            "2025-01-01",
            "2025-01-01 24:00:00",
            "2025-13-01 00:00:00",
        ] {
            assert_eq!(parse_china(text), None, "{text}");
        }
    }
}
