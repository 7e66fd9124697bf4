//! What one round of pages covers, in the system's terms. Its windows are days,
//! and whether the last day counts is not documented: two windows share the day
//! on which one ends and the next begins, and the last one ends tomorrow, so
//! that either meaning reads every day. Pure arithmetic in China time.

use duijie_sdk::time;

use crate::operation::Dates;

pub(crate) const DAY_S: i64 = 86_400;
const CHINA_S: i64 = 8 * 3600;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Span {
    /// Everything there is.
    Whole,
    /// From one day to another, counted from 1970 in China time.
    Days { from: i64, to: i64 },
    /// From this second on, without an end.
    After { from_s: i64 },
}

/// The two times of a document that windows can be on. Whether a document that
/// was never modified has a time of modification is not documented (an example
/// has none), so that each window is read by both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stamp {
    Create,
    Modify,
}

fn day(unix_s: i64) -> i64 {
    (unix_s + CHINA_S).div_euclid(DAY_S)
}

fn midnight(day: i64) -> i64 {
    day * DAY_S - CHINA_S
}

fn date(day: i64) -> String {
    let (year, month, day) = time::civil(day);
    format!("{year:04}-{month:02}-{day:02}")
}

impl Span {
    /// The span that begins at `from_s`, where reading goes on after it, and
    /// whether it is the last one now. `exact`: the last one may be without an
    /// end and to the second.
    pub(crate) fn after(
        from_s: i64,
        until_s: i64,
        window_s: i64,
        exact: bool,
    ) -> (Self, i64, bool) {
        let first = day(from_s);
        if until_s - from_s > window_s {
            let to = first + (window_s / DAY_S).max(1);
            return (Self::Days { from: first, to }, midnight(to), false);
        }
        let last = if exact {
            // Whether the bound itself is meant is not documented.
            Self::After { from_s: from_s - 1 }
        } else {
            let to = day(until_s) + 1;
            Self::Days { from: first, to }
        };
        (last, until_s + 1, true)
    }

    /// Stamps that it is read by, one after the other.
    pub(crate) fn next_stamp(self, stamp: Stamp) -> Option<Stamp> {
        match (self, stamp) {
            (Self::Whole, _) | (_, Stamp::Modify) => None,
            _ => Some(Stamp::Modify),
        }
    }

    /// Its filters, in the names of the query.
    pub(crate) fn filters(self, dates: Dates, stamp: Stamp) -> Vec<(&'static str, String)> {
        let place = usize::from(stamp == Stamp::Modify);
        let days = dates.days().and_then(|names| names.get(place).copied());
        let after = dates.after().and_then(|names| names.get(place).copied());
        match (self, days, after) {
            (Self::Days { from, to }, Some([start, end]), _) => {
                vec![(start, date(from)), (end, date(to))]
            }
            (Self::After { from_s }, _, Some(name)) => vec![(name, time::format(from_s))],
            _ => Vec::new(),
        }
    }

    pub(crate) fn text(self, stamp: Stamp) -> String {
        let field = match stamp {
            Stamp::Create => "created",
            Stamp::Modify => "modified",
        };
        match self {
            Self::Whole => "everything".to_owned(),
            Self::Days { from, to } => format!("{field} {} .. {}", date(from), date(to)),
            Self::After { from_s } => format!("{field} after {}", time::format(from_s)),
        }
    }
}

#[cfg(test)]
mod tests;
