//! Time zones from the table that is built in: the same binary means the same
//! moments everywhere, and nothing is read from the machine.

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::Error;

/// A named time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    pub(crate) zone: TimeZone,
}

impl Zone {
    /// By its IANA name, such as `Asia/Shanghai`.
    pub fn named(name: &str) -> Result<Self, Error> {
        let found = TimeZoneDatabase::bundled().get(name);
        found.map(|zone| Self { zone }).map_err(|_| Error::Zone {
            name: name.to_owned(),
        })
    }

    /// Every name that there is.
    pub fn names() -> Vec<String> {
        let all = TimeZoneDatabase::bundled();
        all.available()
            .map(|name| name.as_str().to_owned())
            .collect()
    }

    /// As written in the table, whatever the case it was asked for in.
    pub fn name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// `2025-10-01 02:00:00` on the clocks of this zone.
    pub fn write(&self, unix_ms: u64) -> String {
        let zoned = timestamp(unix_ms).to_zoned(self.zone.clone());
        zoned.strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// Whether both moments lie on one day here.
    pub(crate) fn same_day(&self, one_ms: u64, other_ms: u64) -> bool {
        let day = |ms| self.zone.to_datetime(timestamp(ms)).date();
        day(one_ms) == day(other_ms)
    }
}

/// The last moment that there is for one behind it.
pub(crate) fn timestamp(unix_ms: u64) -> Timestamp {
    let moment = i64::try_from(unix_ms).ok();
    moment
        .and_then(|ms| Timestamp::from_millisecond(ms).ok())
        .unwrap_or(Timestamp::MAX)
}
