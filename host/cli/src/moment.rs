//! Moments as people read and write them, in local time.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Local time, to the second.
pub(crate) fn write(unix_ms: u64) -> String {
    let timestamp = i64::try_from(unix_ms)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok())
        .unwrap_or_default();
    timestamp
        .to_zoned(TimeZone::system())
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}

/// `2025-10-01`, `2025-10-01 12:00:00`, or a length of time before now.
pub(crate) fn read(text: &str, now_ms: u64) -> Option<u64> {
    if let Some(ago) = duijie_plan::length_of_time(text) {
        return now_ms.checked_sub(millis(ago));
    }
    let civil: DateTime = text.parse().ok()?;
    let zoned = civil.to_zoned(TimeZone::system()).ok()?;
    u64::try_from(zoned.timestamp().as_millisecond()).ok()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{read, write};

    #[test]
    fn moments_are_read_as_they_are_written() {
        const NOW: u64 = 1_760_000_000_000;
        assert_eq!(read(&write(NOW), 0), Some(NOW));
        assert_eq!(read("1h30m", NOW), Some(NOW - 5_400_000));
        assert_eq!(read("2025-10-01", NOW), read("2025-10-01 00:00:00", NOW));
        for text in ["", "soon", "2025-13-01", "10:00", "999999d"] {
            assert_eq!(read(text, NOW), None, "{text}");
        }
    }
}
