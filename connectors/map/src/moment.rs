//! Civil dates and times without a zone, as ERP systems write them, and the way
//! to and from Unix time at a fixed offset. No clock is read here.

use duijie_sdk::time::{civil, days, days_in};

use crate::decimal::Decimal;

const DAY: i64 = 86_400;

/// A civil point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Seconds since 1970-01-01 00:00:00 of the same civil clock.
    seconds: i64,
    /// Whether a time of day was written.
    pub(crate) timed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Moment {
    /// A date or date with time as text, or Unix time in seconds (up to eleven
    /// digits) or milliseconds (more), read at `offset` seconds east of UTC.
    /// `0` and `0000-00-00`, which vendors send for no date, are `Ok(None)`.
    /// `20251009` and `20251009134000` are dates; other numbers below nine
    /// digits are refused.
    pub(crate) fn read(text: &str, offset: i64) -> Result<Option<Self>, ()> {
        if text == "0" || text.starts_with("0000-00-00") {
            return Ok(None);
        }
        if let Some((date, time)) = compact(text) {
            return parse_civil(&format!("{date}{time}")).map(Some).ok_or(());
        }
        if let Some(number) = Decimal::parse(text) {
            if number < Decimal::from_int(100_000_000) {
                return Err(());
            }
            return Self::from_unix(number, offset).map(Some).ok_or(());
        }
        let (civil, zone) = cut_zone(text);
        let moment = parse_civil(civil).ok_or(())?;
        let Some(zone) = zone else {
            return Ok(Some(moment));
        };
        let seconds = moment.seconds - zone + offset;
        Ok(Some(Self { seconds, ..moment }))
    }

    /// From Unix seconds, or from milliseconds where there are over 11 digits.
    pub(crate) fn from_unix(number: Decimal, offset: i64) -> Option<Self> {
        let whole = i64::try_from(number.floor()?.whole()?).ok()?;
        let seconds = if whole.abs() >= 100_000_000_000 {
            whole.div_euclid(1000)
        } else {
            whole
        };
        let seconds = seconds + offset;
        // Years 0 to 9999, so that the text keeps its width.
        (-62_167_219_200..253_402_300_800)
            .contains(&seconds)
            .then_some(Self {
                seconds,
                timed: true,
            })
    }

    pub(crate) fn unix(self, offset: i64) -> i64 {
        self.seconds - offset
    }

    /// `2022-10-12`
    pub(crate) fn date(self) -> String {
        let (year, month, day) = civil(self.seconds.div_euclid(DAY));
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// `2022-10-12 13:40:00`
    pub(crate) fn datetime(self) -> String {
        let (hour, minute, second) = self.clock();
        format!("{} {hour:02}:{minute:02}:{second:02}", self.date())
    }

    /// With its time of day where one was written.
    pub(crate) fn text(self) -> String {
        if self.timed {
            self.datetime()
        } else {
            self.date()
        }
    }

    /// Year, month and day.
    pub(crate) fn ymd(self) -> (i64, i64, i64) {
        civil(self.seconds.div_euclid(DAY))
    }

    pub(crate) fn last_day(self) -> Self {
        let (year, month, _) = civil(self.seconds.div_euclid(DAY));
        let days = days(year, month, days_in(year, month));
        Self {
            seconds: days * DAY,
            timed: false,
        }
    }

    /// `count` units later. Months keep the day or take the month's last.
    pub(crate) fn plus(self, count: i64, unit: Unit) -> Option<Self> {
        let timed = self.timed || matches!(unit, Unit::Second | Unit::Minute | Unit::Hour);
        let step = match unit {
            Unit::Second => 1,
            Unit::Minute => 60,
            Unit::Hour => 3600,
            Unit::Day => DAY,
            Unit::Week => 7 * DAY,
            Unit::Month => return self.plus_months(count),
            Unit::Quarter => return self.plus_months(count.checked_mul(3)?),
            Unit::Year => return self.plus_months(count.checked_mul(12)?),
        };
        let seconds = self.seconds.checked_add(count.checked_mul(step)?)?;
        let year = civil(seconds.div_euclid(DAY)).0;
        (0..=9999)
            .contains(&year)
            .then_some(Self { seconds, timed })
    }

    fn plus_months(self, count: i64) -> Option<Self> {
        let (year, month, day) = civil(self.seconds.div_euclid(DAY));
        let months = (year * 12 + month - 1).checked_add(count)?;
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
        if !(0..=9999).contains(&year) {
            return None;
        }
        let days = days(year, month, day.min(days_in(year, month)));
        Some(Self {
            seconds: days * DAY + self.seconds.rem_euclid(DAY),
            ..self
        })
    }

    /// MySQL's `DATE_FORMAT` letters; the error is the letter that is unknown.
    pub(crate) fn format(self, pattern: &str) -> Result<String, char> {
        let (year, month, day) = civil(self.seconds.div_euclid(DAY));
        let (hour, minute, second) = self.clock();
        let mut out = String::with_capacity(pattern.len() + 8);
        let mut chars = pattern.chars();
        while let Some(char) = chars.next() {
            if char != '%' {
                out.push(char);
                continue;
            }
            let letter = chars.next().unwrap_or('%');
            let piece = match letter {
                'Y' => format!("{year:04}"),
                'y' => format!("{:02}", year.rem_euclid(100)),
                'm' => format!("{month:02}"),
                'c' => format!("{month}"),
                'd' => format!("{day:02}"),
                'e' => format!("{day}"),
                'H' => format!("{hour:02}"),
                'k' => format!("{hour}"),
                'h' | 'I' => format!("{:02}", (hour + 11) % 12 + 1),
                'i' => format!("{minute:02}"),
                's' | 'S' => format!("{second:02}"),
                'T' => format!("{hour:02}:{minute:02}:{second:02}"),
                'p' => String::from(if hour < 12 { "AM" } else { "PM" }),
                '%' => String::from("%"),
                other => return Err(other),
            };
            out.push_str(&piece);
        }
        Ok(out)
    }

    fn clock(self) -> (i64, i64, i64) {
        let rest = self.seconds.rem_euclid(DAY);
        (rest / 3600, rest / 60 % 60, rest % 60)
    }
}

/// `20221012` and `20221012134000` spelt out, if the year is of these centuries.
fn compact(text: &str) -> Option<(String, String)> {
    if !matches!(text.len(), 8 | 14) || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let two = |at: usize| text.get(at..at + 2);
    let year = text.get(..4)?;
    if !(1900..2200).contains(&whole(year)?) {
        return None;
    }
    let date = format!("{year}-{}-{}", two(4)?, two(6)?);
    let time = match text.len() {
        8 => String::new(),
        _ => format!(" {}:{}:{}", two(8)?, two(10)?, two(12)?),
    };
    Some((date, time))
}

/// The zone at the end of a time, in seconds east of UTC: `Z`, `+08:00`, `+0800`.
fn cut_zone(text: &str) -> (&str, Option<i64>) {
    let Some(clock) = text.find('T') else {
        return (text, None);
    };
    if let Some(civil) = text.strip_suffix('Z') {
        return (civil, Some(0));
    }
    let sign = text.rfind(['+', '-']).filter(|at| *at > clock);
    let zone = sign.and_then(|at| {
        let digits = text.get(at + 1..)?.replace(':', "");
        let sound = digits.len() == 4;
        let minutes = whole(digits.get(..2)?)? * 60 + whole(digits.get(2..)?)?;
        let west = text.get(at..)?.starts_with('-');
        sound.then_some((at, if west { -minutes * 60 } else { minutes * 60 }))
    });
    match zone {
        Some((at, zone)) => (text.get(..at).unwrap_or(text), Some(zone)),
        None => (text, None),
    }
}

/// `2022-10-12`, `2022/10/12 13:40`, `2022-10-12T13:40:00.123`.
fn parse_civil(text: &str) -> Option<Moment> {
    let (date, time) = match text.split_once([' ', 'T']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let separator = if date.contains('/') { '/' } else { '-' };
    let mut parts = date.split(separator).map(whole);
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let sound = (1..=9999).contains(&year) && (1..=12).contains(&month);
    if parts.next().is_some() || !sound || !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    let mut seconds = days(year, month, day) * DAY;
    if let Some(time) = time {
        let clock = match time.split_once('.') {
            Some((clock, fraction)) => {
                whole(fraction)?;
                clock
            }
            None => time,
        };
        let mut parts = clock.split(':').map(whole);
        let (hour, minute) = (parts.next()??, parts.next()??);
        let second = parts.next().unwrap_or(Some(0))?;
        if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        seconds += hour * 3600 + minute * 60 + second;
    }
    Some(Moment {
        seconds,
        timed: time.is_some(),
    })
}

fn whole(text: &str) -> Option<i64> {
    let short = (1..=9).contains(&text.len());
    (short && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}
