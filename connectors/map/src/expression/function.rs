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
    DateFormat,
    Day,
    Floor,
    FromUnixtime,
    If,
    LastDay,
    Left,
    Length,
    Locate,
    Lower,
    Mod,
    Nullif,
    Replace,
    Right,
    Round,
    Substring,
    Trim,
    UnixTimestamp,
    Upper,
}

use Function as F;

/// Name, function, fewest and most arguments.
const FUNCTIONS: [(&str, Function, usize, usize); 29] = [
    ("ABS", F::Abs, 1, 1),
    ("CEIL", F::Ceil, 1, 1),
    ("CEILING", F::Ceil, 1, 1),
    ("CHAR_LENGTH", F::CharLength, 1, 1),
    ("COALESCE", F::Coalesce, 1, usize::MAX),
    ("CONCAT", F::Concat, 1, usize::MAX),
    ("DATE_FORMAT", F::DateFormat, 2, 2),
    ("DAY", F::Day, 1, 1),
    ("FLOOR", F::Floor, 1, 1),
    ("FROM_UNIXTIME", F::FromUnixtime, 1, 2),
    ("IF", F::If, 3, 3),
    ("IFNULL", F::Coalesce, 2, 2),
    ("LAST_DAY", F::LastDay, 1, 1),
    ("LCASE", F::Lower, 1, 1),
    ("LEFT", F::Left, 2, 2),
    ("LENGTH", F::Length, 1, 1),
    ("LOCATE", F::Locate, 2, 3),
    ("LOWER", F::Lower, 1, 1),
    ("MID", F::Substring, 3, 3),
    ("MOD", F::Mod, 2, 2),
    ("NULLIF", F::Nullif, 2, 2),
    ("REPLACE", F::Replace, 3, 3),
    ("RIGHT", F::Right, 2, 2),
    ("ROUND", F::Round, 1, 2),
    ("SUBSTR", F::Substring, 2, 3),
    ("SUBSTRING", F::Substring, 2, 3),
    ("TRIM", F::Trim, 1, 1),
    ("UNIX_TIMESTAMP", F::UnixTimestamp, 1, 1),
    ("UPPER", F::Upper, 1, 1),
];

/// Names that the parser knows beside the table.
const OTHERS: [&str; 7] = ["AVG", "COUNT", "DATE_ADD", "DATE_SUB", "MAX", "MIN", "SUM"];

impl Function {
    /// The function of a name in lower case, with its fewest and most arguments.
    pub(super) fn find(lower: &str) -> Option<(Self, usize, usize)> {
        let found = FUNCTIONS
            .iter()
            .find(|(name, ..)| name.eq_ignore_ascii_case(lower));
        found.map(|(_, function, least, most)| (*function, *least, *most))
    }

    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        FUNCTIONS.iter().map(|(name, ..)| *name).chain(OTHERS)
    }

    /// Whether an argument that is null makes the result null.
    pub(super) fn strict(self) -> bool {
        !matches!(self, F::Coalesce | F::If | F::Nullif)
    }

    /// Applies it to arguments that are not null. `offset` is seconds east of
    /// UTC. The error is a message.
    pub(super) fn apply(self, args: &[Value<'_>], offset: i64) -> Result<Value<'static>, String> {
        match self {
            F::Abs => number(args, 0)?.abs().map(Value::Number).ok_or_else(large),
            F::Ceil => number(args, 0)?.ceil().map(Value::Number).ok_or_else(large),
            F::Floor => number(args, 0)?
                .floor()
                .map(Value::Number)
                .ok_or_else(large),
            F::Round => {
                let places = if args.len() > 1 { int(args, 1)? } else { 0 };
                number(args, 0)?
                    .round(places)
                    .map(Value::Number)
                    .ok_or_else(large)
            }
            F::Mod => {
                let (left, right) = (number(args, 0)?, number(args, 1)?);
                if right.is_zero() {
                    return Err(String::from("division by zero"));
                }
                left.checked_rem(right).map(Value::Number).ok_or_else(large)
            }
            F::CharLength => Ok(count(text(args, 0).chars().count())),
            F::Length => Ok(count(text(args, 0).len())),
            F::Concat => Ok(Value::owned(args.iter().map(Value::text).collect())),
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
            F::Locate => locate(args),
            F::DateFormat | F::Day | F::LastDay | F::UnixTimestamp | F::FromUnixtime => {
                self.time(args, offset)
            }
            // These look at their arguments one by one, in the evaluator.
            F::Coalesce | F::If | F::Nullif => Ok(Value::Null),
        }
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
            F::Day => Ok(count(moment.day() as usize)),
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

/// `LOCATE(part, text, from)`: the position in characters, or zero.
fn locate(args: &[Value<'_>]) -> Result<Value<'static>, String> {
    let (part, text) = (text(args, 0), text(args, 1));
    let from = if args.len() > 2 { int(args, 2)? } else { 1 };
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
        .and_then(|rest| Some((rest, rest.find(&*part)?)));
    Ok(count(found.map_or(0, |(rest, at)| {
        skip + 1 + rest.get(..at).map_or(0, |before| before.chars().count())
    })))
}
