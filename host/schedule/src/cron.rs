//! Cron patterns in a time zone, as slots on the one line of time.
//!
//! A pattern with `*` in its minute or its hour goes with the hands of the
//! clock: an hour that is left out in spring has no slots, one that comes
//! twice in autumn has them twice. Any other names times of the day, and each
//! counts once a day: where it is left out, at the moment the clock goes on;
//! where it comes twice, the first time.

use std::sync::Arc;

use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::DateTime;
use jiff::tz::AmbiguousOffset;
use jiff::{Timestamp, Zoned};

use crate::Error;
use crate::zone::{Zone, timestamp};

/// Five fields, as in crontab(5), and the zone whose clocks they mean.
#[derive(Debug, Clone)]
pub struct Cron {
    text: Arc<str>,
    zone: Zone,
    pattern: Arc<croner::Cron>,
    /// Whether it names times of the day.
    fixed: bool,
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.zone == other.zone
    }
}

impl Eq for Cron {}

#[cfg(test)]
mod tests;

impl Cron {
    pub fn parse(text: &str, zone: Zone) -> Result<Self, Error> {
        let bad = |reason: String| Error::Cron {
            text: text.to_owned(),
            reason,
        };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, _, _, _] = fields.as_slice() else {
            return Err(bad(format!("it has {}", fields.len())));
        };
        let fixed = !minute.contains('*') && !hour.contains('*');
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        let pattern = parser.parse(text).map_err(|error| bad(reason(&error)))?;
        let cron = Self {
            text: fields.join(" ").into(),
            zone,
            pattern: Arc::new(pattern),
            fixed,
        };
        match cron.next(0) {
            Some(_) => Ok(cron),
            None => Err(Error::Never {
                text: text.to_owned(),
            }),
        }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The first slot behind a moment.
    pub fn next(&self, after_ms: u64) -> Option<u64> {
        let after = timestamp(after_ms);
        let found = match self.fixed {
            true => self.next_named(after),
            false => {
                let zoned = after.to_zoned(self.zone.zone.clone());
                let next = self.pattern.find_next_occurrence(&zoned, false).ok();
                next.map(|next: Zoned| next.timestamp())
            }
        };
        // A pattern has whole seconds, and a moment between two of them lies
        // behind the first.
        found.and_then(|found| u64::try_from(found.as_millisecond()).ok())
    }

    /// Times of the day, in the order of the clock, lie in the same order on
    /// the line of time, but that several may fall together.
    fn next_named(&self, after: Timestamp) -> Option<Timestamp> {
        let mut civil = self.zone.zone.to_datetime(after);
        loop {
            civil = self.pattern.find_next_occurrence(&civil, false).ok()?;
            let moment = self.moment(civil)?;
            if moment > after {
                return Some(moment);
            }
        }
    }

    fn moment(&self, civil: DateTime) -> Option<Timestamp> {
        let zone = &self.zone.zone;
        let ambiguous = zone.to_ambiguous_timestamp(civil);
        match ambiguous.offset() {
            // The clock goes from this offset to the next one at one moment.
            AmbiguousOffset::Gap { before, .. } => {
                let behind = before.to_timestamp(civil).ok()?;
                zone.preceding(behind).next().map(|jump| jump.timestamp())
            }
            _ => ambiguous.earlier().ok(),
        }
    }
}

/// The library's own words, as a sentence of ours goes on.
fn reason(error: &croner::errors::CronError) -> String {
    use croner::errors::CronError;
    let text = match error {
        CronError::ComponentError(text)
        | CronError::InvalidPattern(text)
        | CronError::IllegalCharacters(text) => text.clone(),
        other => other.to_string(),
    };
    let mut letters = text.trim_end_matches('.').chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}
