//! China time as the vendors write it: fixed +08:00, no daylight saving, pure
//! integer arithmetic. Instants are unix seconds.

const OFFSET_S: i64 = 8 * 3600;
const DAY_S: i64 = 86_400;

/// `yyyy-MM-dd HH:mm:ss` in China time. Years 0 to 9999.
pub fn format(unix_s: i64) -> String {
    let local = unix_s + OFFSET_S;
    let (year, month, day) = civil(local.div_euclid(DAY_S));
    let second = local.rem_euclid(DAY_S);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// Reads `yyyy-MM-dd HH:mm:ss`, the same with `T`, or `yyyy-MM-dd` alone
/// (midnight), as China time. `None` for anything else and for days that do
/// not exist, such as `0000-00-00 00:00:00`.
pub fn parse(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let (date, clock) = match bytes.len() {
        10 => (bytes, None),
        19 => {
            let (date, rest) = bytes.split_at_checked(10)?;
            let (separator, clock) = rest.split_first()?;
            matches!(separator, b' ' | b'T').then_some(())?;
            (date, Some(clock))
        }
        _ => return None,
    };
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *date else {
        return None;
    };
    let year = number(&[y1, y2, y3, y4])?;
    let (month, day) = (number(&[m1, m2])?, number(&[d1, d2])?);
    if !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    let second = match clock {
        None => 0,
        Some(&[h1, h2, b':', i1, i2, b':', s1, s2]) => {
            let (hour, minute) = (number(&[h1, h2])?, number(&[i1, i2])?);
            let second = number(&[s1, s2])?;
            (hour < 24 && minute < 60 && second < 60).then_some(())?;
            hour * 3600 + minute * 60 + second
        }
        Some(_) => return None,
    };
    Some(days(year, month, day) * DAY_S + second - OFFSET_S)
}

/// Reads a length of time: a whole number and one of `s`, `m`, `h`, `d`.
pub fn parse_duration_s(text: &str) -> Option<i64> {
    let unit = match text.as_bytes().last()? {
        b's' => 1,
        b'm' => 60,
        b'h' => 3600,
        b'd' => DAY_S,
        _ => return None,
    };
    let digits = text.get(..text.len() - 1)?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<i64>().ok()?.checked_mul(unit)
}

/// The shortest text that [`parse_duration_s`] reads back.
pub fn format_duration(seconds: i64) -> String {
    let (amount, unit) = match seconds {
        0 => (0, 's'),
        _ if seconds % DAY_S == 0 => (seconds / DAY_S, 'd'),
        _ if seconds % 3600 == 0 => (seconds / 3600, 'h'),
        _ if seconds % 60 == 0 => (seconds / 60, 'm'),
        _ => (seconds, 's'),
    };
    format!("{amount}{unit}")
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |value: i64, &digit| {
        digit
            .is_ascii_digit()
            .then(|| value * 10 + i64::from(digit - b'0'))
    })
}

/// Days of a month, 1 to 12, of the Gregorian calendar.
pub fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the Gregorian calendar. Years are counted from
/// March, so that the leap day comes last.
pub fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The reverse of [`days`]: year, month and day.
pub fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = (shifted_month + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests;
