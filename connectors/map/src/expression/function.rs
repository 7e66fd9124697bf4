//! The functions of the dialect over values that are already there. Texts are
//! counted in characters, as MySQL does; only LENGTH counts bytes.

use crate::decimal::Decimal;
use crate::moment::Moment;
use crate::value::{Value, shortened};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Abs,
    Ceil,
    CharLength,
    Coalesce,
    Concat,
    ConcatWs,
    Date,
    DateFormat,
    Day,
    Floor,
    Format,
    FromUnixtime,
    If,
    Instr,
    LastDay,
    Left,
    Length,
    Locate,
    Lower,
    Lpad,
    Mod,
    Month,
    Nullif,
    Replace,
    Right,
    Round,
    Rpad,
    Substring,
    SubstringIndex,
    Trim,
    Truncate,
    UnixTimestamp,
    Upper,
    Year,
}

use Function as F;

/// Name, function, fewest and most arguments.
const FUNCTIONS: [(&str, Function, usize, usize); 39] = [
    ("ABS", F::Abs, 1, 1),
    ("CEIL", F::Ceil, 1, 1),
    ("CEILING", F::Ceil, 1, 1),
    ("CHAR_LENGTH", F::CharLength, 1, 1),
    ("COALESCE", F::Coalesce, 1, usize::MAX),
    ("CONCAT", F::Concat, 1, usize::MAX),
    ("CONCAT_WS", F::ConcatWs, 2, usize::MAX),
    ("DATE", F::Date, 1, 1),
    ("DATE_FORMAT", F::DateFormat, 2, 2),
    ("DAY", F::Day, 1, 1),
    ("FLOOR", F::Floor, 1, 1),
    ("FORMAT", F::Format, 2, 2),
    ("FROM_UNIXTIME", F::FromUnixtime, 1, 2),
    ("IF", F::If, 3, 3),
    ("IFNULL", F::Coalesce, 2, 2),
    ("INSTR", F::Instr, 2, 2),
    ("LAST_DAY", F::LastDay, 1, 1),
    ("LCASE", F::Lower, 1, 1),
    ("LEFT", F::Left, 2, 2),
    ("LENGTH", F::Length, 1, 1),
    ("LOCATE", F::Locate, 2, 3),
    ("LOWER", F::Lower, 1, 1),
    ("LPAD", F::Lpad, 3, 3),
    ("MID", F::Substring, 3, 3),
    ("MOD", F::Mod, 2, 2),
    ("MONTH", F::Month, 1, 1),
    ("NULLIF", F::Nullif, 2, 2),
    ("REPLACE", F::Replace, 3, 3),
    ("RIGHT", F::Right, 2, 2),
    ("ROUND", F::Round, 1, 2),
    ("RPAD", F::Rpad, 3, 3),
    ("SUBSTR", F::Substring, 2, 3),
    ("SUBSTRING", F::Substring, 2, 3),
    ("SUBSTRING_INDEX", F::SubstringIndex, 3, 3),
    ("TRIM", F::Trim, 1, 1),
    ("TRUNCATE", F::Truncate, 2, 2),
    ("UNIX_TIMESTAMP", F::UnixTimestamp, 1, 1),
    ("UPPER", F::Upper, 1, 1),
    ("YEAR", F::Year, 1, 1),
];

/// Names that the parser knows beside the table.
const OTHERS: [&str; 7] = ["AVG", "COUNT", "DATE_ADD", "DATE_SUB", "MAX", "MIN", "SUM"];

impl Function {
    /// The function of a name in lower case, with its fewest and most arguments.
    pub(crate) fn find(lower: &str) -> Option<(Self, usize, usize)> {
        let found = FUNCTIONS
            .iter()
            .find(|(name, ..)| name.eq_ignore_ascii_case(lower));
        found.map(|(_, function, least, most)| (*function, *least, *most))
    }

    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        FUNCTIONS.iter().map(|(name, ..)| *name).chain(OTHERS)
    }

    /// Whether an argument that is null makes the result null.
    pub(crate) fn strict(self) -> bool {
        !matches!(self, F::Coalesce | F::ConcatWs | F::If | F::Nullif)
    }

    /// Applies it to arguments that are not null. `offset` is seconds east of
    /// UTC. The error is a message.
    pub(crate) fn apply(self, args: &[Value<'_>], offset: i64) -> Result<Value<'static>, String> {
        match self {
            F::Abs | F::Ceil | F::Floor | F::Format | F::Mod | F::Round | F::Truncate => {
                self.count(args)
            }
            F::CharLength => Ok(count(text(args, 0).chars().count())),
            F::Length => Ok(count(text(args, 0).len())),
            F::Concat => Ok(Value::owned(args.iter().map(Value::text).collect())),
            F::ConcatWs => {
                let (separator, rest) = args.split_first().unwrap_or((&Value::Null, args));
                let full = rest.iter().filter(|value| **value != Value::Null);
                let texts: Vec<_> = full.map(Value::text).collect();
                Ok(Value::owned(texts.join(&*separator.text())))
            }
            F::Lower => Ok(Value::owned(text(args, 0).to_lowercase())),
            F::Upper => Ok(Value::owned(text(args, 0).to_uppercase())),
            F::Trim => Ok(Value::owned(text(args, 0).trim_matches(' ').to_owned())),
            F::Replace => {
                let (text, from, to) = (text(args, 0), text(args, 1), text(args, 2));
                let same = from.is_empty();
                Ok(Value::owned(if same {
                    text.into_owned()
                } else {
                    text.replace(&*from, &to)
                }))
            }
            F::Left | F::Right | F::Substring => self.cut(args),
            F::Lpad | F::Rpad => self.pad(args),
            F::SubstringIndex => index(args),
            F::Locate => locate(
                &text(args, 0),
                &text(args, 1),
                if args.len() > 2 { int(args, 2)? } else { 1 },
            ),
            F::Instr => locate(&text(args, 1), &text(args, 0), 1),
            F::Date
            | F::DateFormat
            | F::Day
            | F::LastDay
            | F::Month
            | F::UnixTimestamp
            | F::FromUnixtime
            | F::Year => self.time(args, offset),
            // These look at their arguments one by one, in the evaluator.
            F::Coalesce | F::If | F::Nullif => Ok(Value::Null),
        }
    }

    fn count(self, args: &[Value<'_>]) -> Result<Value<'static>, String> {
        let left = number(args, 0)?;
        let places = |at| {
            if args.len() > at {
                int(args, at)
            } else {
                Ok(0)
            }
        };
        let found = match self {
            F::Abs => left.abs(),
            F::Ceil => left.ceil(),
            F::Floor => left.floor(),
            F::Truncate => left.truncate(places(1)?),
            F::Format => {
                let rounded = left.round(places(1)?.max(0)).ok_or_else(large)?;
                return Ok(Value::owned(grouped(&rounded.to_string(), places(1)?)));
            }
            F::Mod => {
                let right = number(args, 1)?;
                if right.is_zero() {
                    return Err(String::from("division by zero"));
                }
                left.checked_rem(right)
            }
            _ => left.round(places(1)?),
        };
        found.map(Value::Number).ok_or_else(large)
    }

    /// Cut where the text is longer than wanted, as MySQL does.
    fn pad(self, args: &[Value<'_>]) -> Result<Value<'static>, String> {
        let (text, wanted, with) = (text(args, 0), int(args, 1)?, text(args, 2));
        let wanted = usize::try_from(wanted).unwrap_or(0).min(65_535);
        let has = text.chars().count();
        let fill = || with.chars().cycle().take(wanted.saturating_sub(has));
        Ok(Value::owned(match self {
            _ if has >= wanted => text.chars().take(wanted).collect(),
            F::Lpad => fill().chain(text.chars()).collect(),
            _ => text.chars().chain(fill()).collect(),
        }))
    }

    fn cut(self, args: &[Value<'_>]) -> Result<Value<'static>, String> {
        let text = text(args, 0);
        let all = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
        let wanted = int(args, 1)?;
        let (skip, take) = match self {
            F::Left => (0, wanted),
            F::Right => ((all - wanted.max(0)).max(0), wanted),
            _ => {
                let take = if args.len() > 2 {
                    int(args, 2)?
                } else {
                    i64::MAX
                };
                // Positions begin at one; negative ones count from the end.
                let skip = if wanted < 0 {
                    all.saturating_add(wanted)
                } else {
                    wanted - 1
                };
                if skip < 0 {
                    return Ok(Value::owned(String::new()));
                }
                (skip, take)
            }
        };
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let take = usize::try_from(take.max(0)).unwrap_or(usize::MAX);
        Ok(Value::owned(text.chars().skip(skip).take(take).collect()))
    }

    fn time(self, args: &[Value<'_>], offset: i64) -> Result<Value<'static>, String> {
        let read = match self {
            F::FromUnixtime => Moment::from_unix(number(args, 0)?, offset)
                .map(Some)
                .ok_or_else(|| format!("{} is no Unix time", argument(args, 0)))?,
            _ => moment(args, 0, offset)?,
        };
        let Some(moment) = read else {
            return Ok(Value::Null);
        };
        match self {
            F::Day => Ok(count(moment.ymd().2 as usize)),
            F::Month => Ok(count(moment.ymd().1 as usize)),
            F::Year => Ok(count(moment.ymd().0 as usize)),
            F::Date => Ok(Value::owned(moment.date())),
            F::LastDay => Ok(Value::owned(moment.last_day().date())),
            F::UnixTimestamp => Ok(Value::Number(Decimal::from_int(moment.unix(offset)))),
            _ if args.len() == 1 => Ok(Value::owned(moment.datetime())),
            _ => {
                let pattern = text(args, 1);
                let text = moment.format(&pattern);
                text.map(Value::owned)
                    .map_err(|letter| format!("unknown date letter `%{letter}`"))
            }
        }
    }
}

/// The date or time of an argument; none for the vendors' zero dates.
pub(super) fn moment(args: &[Value<'_>], at: usize, offset: i64) -> Result<Option<Moment>, String> {
    let text = text(args, at);
    let found = Moment::read(&text, offset);
    found.map_err(|()| format!("`{}` is no date or time", shortened(&text)))
}

/// The whole number of an argument.
pub(super) fn int(args: &[Value<'_>], at: usize) -> Result<i64, String> {
    let whole = number(args, at)?
        .whole()
        .and_then(|whole| i64::try_from(whole).ok());
    whole.ok_or_else(|| format!("{} is no whole number", argument(args, at)))
}

fn number(args: &[Value<'_>], at: usize) -> Result<Decimal, String> {
    let number = args.get(at).and_then(Value::number);
    number.ok_or_else(|| format!("{} is no number", argument(args, at)))
}

fn text<'v>(args: &'v [Value<'_>], at: usize) -> std::borrow::Cow<'v, str> {
    args.get(at).map(Value::text).unwrap_or_default()
}

fn argument(args: &[Value<'_>], at: usize) -> String {
    args.get(at).unwrap_or(&Value::Null).name()
}

fn count(number: usize) -> Value<'static> {
    Value::Number(Decimal::from_int(i64::try_from(number).unwrap_or(i64::MAX)))
}

fn large() -> String {
    String::from("the result has more than 38 digits")
}

/// `1234567.5` with two places is `1,234,567.50`.
fn grouped(digits: &str, places: i64) -> String {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let (sign, whole) = match whole.strip_prefix('-') {
        Some(whole) => ("-", whole),
        None => ("", whole),
    };
    let mut out = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    let places = usize::try_from(places).unwrap_or(0).min(38);
    if places > 0 {
        out.push_str(&format!(".{fraction:0<places$}"));
    }
    out
}

/// `SUBSTRING_INDEX(text, separator, count)`: what stands before that many
/// separators, or behind them, counted from the end, where it is negative.
fn index(args: &[Value<'_>]) -> Result<Value<'static>, String> {
    let (text, separator, wanted) = (text(args, 0), text(args, 1), int(args, 2)?);
    if separator.is_empty() {
        return Ok(Value::owned(String::new()));
    }
    let mut pieces: Vec<&str> = text.split(&*separator).collect();
    let keep = usize::try_from(wanted.unsigned_abs()).unwrap_or(usize::MAX);
    let extra = pieces.len().saturating_sub(keep);
    match wanted < 0 {
        true => drop(pieces.drain(..extra)),
        false => pieces.truncate(keep),
    }
    Ok(Value::owned(pieces.join(&separator)))
}

/// `LOCATE(part, text, from)`: the position in characters, or zero.
fn locate(part: &str, text: &str, from: i64) -> Result<Value<'static>, String> {
    let Ok(skip) = usize::try_from(from - 1) else {
        return Ok(count(0));
    };
    let start = match text.char_indices().nth(skip) {
        Some((start, _)) => start,
        None if skip == text.chars().count() => text.len(),
        None => return Ok(count(0)),
    };
    let found = text
        .get(start..)
        .and_then(|rest| Some((rest, rest.find(part)?)));
    Ok(count(found.map_or(0, |(rest, at)| {
        skip + 1 + rest.get(..at).map_or(0, |before| before.chars().count())
    })))
}
