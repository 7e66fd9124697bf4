//! Row conditions: records that do not meet them are dropped, with the reason.

use crate::decimal::Decimal;
use crate::expression::Names;
use crate::moment::Moment;
use crate::names::Scope;
use crate::settings::{Comparison, Problems, pointer};
use crate::text::nearest;
use crate::value::{like, shortened, texts};
use crate::view::{Trouble, Variable, View};

/// Outer OR, inner AND; without groups everything meets it.
#[derive(Debug, Default)]
pub(crate) struct Condition(Vec<Vec<Check>>);

#[derive(Debug)]
struct Check {
    variable: Variable,
    /// The dialect's word, for messages.
    word: String,
    logic: Logic,
    value: String,
    /// The upper end of `between`.
    high: String,
    /// Compares letter by letter, amounts too.
    strict: bool,
    /// Compares as points in time; seconds east of UTC.
    time: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Logic {
    Equal,
    Differs,
    Greater,
    AtLeast,
    Less,
    AtMost,
    Like,
    Unlike,
    Between,
    NotNull,
    IsNull,
}

/// The prefix of a value that is a point in time.
const TIME: &str = "timestamp:";

const LOGIC: [(&str, Logic); 11] = [
    ("eq", Logic::Equal),
    ("neq", Logic::Differs),
    ("gt", Logic::Greater),
    ("egt", Logic::AtLeast),
    ("lt", Logic::Less),
    ("elt", Logic::AtMost),
    ("like", Logic::Like),
    ("notlike", Logic::Unlike),
    ("between", Logic::Between),
    ("notnull", Logic::NotNull),
    ("isnull", Logic::IsNull),
];

impl Condition {
    pub(crate) fn compile(
        groups: &[Vec<Comparison>],
        scope: &mut Scope,
        offset: i64,
        problems: &mut Problems,
    ) -> Self {
        let mut compiled = Vec::new();
        for group in groups {
            let checks = group
                .iter()
                .filter_map(|item| Check::compile(item, scope, offset, problems));
            compiled.push(checks.collect());
        }
        Self(compiled)
    }

    /// Why the record does not meet it; nothing where it does.
    pub(crate) fn unmet(&self, view: &View<'_>) -> Result<Option<String>, Trouble> {
        let mut reason = None;
        for group in &self.0 {
            let mut failed = None;
            for check in group {
                let text = view.variable_text(&check.variable)?;
                if !check.holds(&text) {
                    failed = Some(check.reason(&text));
                    break;
                }
            }
            if failed.is_none() {
                return Ok(None);
            }
            reason = reason.or(failed);
        }
        Ok(reason)
    }
}

impl Check {
    fn compile(
        item: &Comparison,
        scope: &mut Scope,
        offset: i64,
        problems: &mut Problems,
    ) -> Option<Self> {
        let variable = scope.variable(&item.field);
        let variable = variable.map_err(|complaint| {
            problems.add(
                &pointer(&item.at, "field"),
                complaint.message,
                complaint.hint,
            );
        });
        let Some((_, logic)) = LOGIC.iter().find(|(name, _)| *name == item.logic) else {
            let names = || LOGIC.iter().map(|(name, _)| *name);
            let hint = match nearest(&item.logic, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known are {}", names().collect::<Vec<_>>().join(", ")),
            };
            let message = format!("unknown logic `{}`", item.logic);
            problems.add(&pointer(&item.at, "logic"), message, Some(hint));
            return None;
        };
        let at = pointer(&item.at, "value");
        let mut values = item.values.clone();
        if *logic == Logic::Between && values.len() == 1 {
            values = values
                .iter()
                .flat_map(|v| v.split(','))
                .map(|v| v.trim().to_owned())
                .collect();
        }
        let wanted = match logic {
            Logic::NotNull | Logic::IsNull => 0,
            Logic::Between => 2,
            _ => 1,
        };
        if wanted != values.len() && wanted != 0 {
            let message = format!("found {} values, expected {wanted}", values.len());
            problems.add(&at, message, None);
            return None;
        }
        let time = times(&mut values, offset, &at, problems)?;
        let mut values = values.into_iter();
        let (value, high) = (
            values.next().unwrap_or_default(),
            values.next().unwrap_or_default(),
        );
        let word = item.logic.clone();
        Some(Self {
            variable: variable.ok()?,
            word,
            logic: *logic,
            value,
            high,
            strict: item.strict,
            time,
        })
    }

    /// Nothing is greater, less or like where the field is empty.
    fn holds(&self, text: &str) -> bool {
        let seconds = |text: &str, offset: i64| {
            let moment = Moment::read(text, offset).ok().flatten();
            moment.map(|moment| moment.unix(offset))
        };
        let against = |value: &str| match self.time {
            Some(offset) => seconds(text, offset).cmp(&seconds(value, offset)),
            None if self.strict => text.cmp(value),
            None => texts(text, value),
        };
        let found = against(&self.value);
        // What is no time is none, as what is empty.
        let full = match self.time {
            Some(offset) => seconds(text, offset).is_some(),
            None => !text.is_empty(),
        };
        match self.logic {
            Logic::Equal => found.is_eq(),
            Logic::Differs => found.is_ne(),
            Logic::Greater => full && found.is_gt(),
            Logic::AtLeast => full && found.is_ge(),
            Logic::Less => full && found.is_lt(),
            Logic::AtMost => full && found.is_le(),
            Logic::Like => full && like(text, &self.value),
            Logic::Unlike => !like(text, &self.value),
            Logic::Between => full && found.is_ge() && against(&self.high).is_le(),
            Logic::NotNull => full,
            Logic::IsNull => !full,
        }
    }

    #[cold]
    fn reason(&self, text: &str) -> String {
        let (field, word) = (&self.variable.written, &self.word);
        let found = match (text.is_empty(), Decimal::amount(text)) {
            (true, _) => String::from("empty"),
            (_, Some(_)) => text.to_owned(),
            _ => format!("`{}`", shortened(text)),
        };
        match self.logic {
            Logic::NotNull | Logic::IsNull => format!("{field} is {found}, wanted: {word}"),
            Logic::Between => {
                format!(
                    "{field} is {found}, wanted: {word} `{}` and `{}`",
                    self.value, self.high
                )
            }
            _ => format!("{field} is {found}, wanted: {word} `{}`", self.value),
        }
    }
}

/// Takes the prefix of points in time away; where there was one, the offset
/// that they are read at. None where a point is none.
fn times(
    values: &mut [String],
    offset: i64,
    at: &str,
    problems: &mut Problems,
) -> Option<Option<i64>> {
    if !values.iter().any(|value| value.starts_with(TIME)) {
        return Some(None);
    }
    for value in values {
        *value = value.strip_prefix(TIME).unwrap_or(value).to_owned();
        if !matches!(Moment::read(value, offset), Ok(Some(_))) {
            let message = format!("`{value}` is no date, time or Unix time");
            let hint = String::from("write `timestamp:2022-10-12 08:00:00`");
            problems.add(at, message, Some(hint));
            return None;
        }
    }
    Some(Some(offset))
}
