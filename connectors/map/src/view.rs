//! A record as the writer and the expressions see it: fields of the current
//! row, or of the first one outside an array, and what is done to them by pipes.

use std::borrow::Cow;
use std::cell::Cell;

use crate::decimal::Decimal;
use crate::expression::Function;
use crate::layout::Field;
use crate::moment::Moment;
use crate::read::Slot;
use crate::scan::Kind;
use crate::table::Lookup;
use crate::text;
use crate::value::{Value, shortened};

/// No row is current.
pub(crate) const NO_ROW: u32 = u32::MAX;

/// Why a record cannot be mapped; the rule's name is added by the writer.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) fate: Fate,
}

/// What becomes of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is rejected.
    Never,
    /// It is rejected, and another try may go well though it is the same.
    Later,
    /// It is dropped.
    Drop,
}

impl Trouble {
    #[cold]
    pub(crate) fn new(code: &'static str, message: String) -> Self {
        Self {
            code,
            message,
            fate: Fate::Never,
        }
    }
}

/// Where a list stands, by list number; the head is the first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListPlace {
    pub(crate) parent: u16,
    /// The slot of its rows in the parent's row.
    pub(crate) rows: u16,
}

/// What a variable's text goes through.
#[derive(Debug)]
pub(crate) enum Pipe {
    DateTime,
    Date,
    Timestamp,
    /// Index of a question to a value table.
    Table(usize),
    /// A function and its arguments after the first, which is the text.
    Call(Function, Vec<Value<'static>>),
}

/// `{{name|pipe|pipe}}`, resolved.
#[derive(Debug)]
pub(crate) struct Variable {
    pub(crate) field: Field,
    pub(crate) pipes: Vec<Pipe>,
    /// As it was written, for messages.
    pub(crate) written: String,
}

/// What stays the same from record to record.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) lists: Vec<ListPlace>,
    pub(crate) lookups: Vec<Lookup>,
    /// Seconds east of UTC.
    pub(crate) offset: i64,
}

/// One record.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) slots: &'a [Slot],
    pub(crate) ground: &'a Ground,
    /// The first slot of each list's current row, or `NO_ROW`.
    pub(crate) current: &'a [Cell<u32>],
}

impl<'a> View<'a> {
    /// The row that a name of this list means here.
    #[inline(always)]
    pub(crate) fn row(&self, list: u16) -> Option<u32> {
        match self.current.get(usize::from(list)).map(Cell::get) {
            Some(row) if row != NO_ROW => Some(row),
            _ => self.first_row(list),
        }
    }

    fn first_row(&self, list: u16) -> Option<u32> {
        let (first, count) = self.rows(list)?;
        (count > 0).then_some(first)
    }

    /// The first row of a list and the number of its rows; none where what
    /// stands there is no list.
    pub(crate) fn rows(&self, list: u16) -> Option<(u32, u32)> {
        let slot = self.rows_slot(list)?;
        (slot.kind == Kind::Rows).then_some((slot.start, slot.end))
    }

    pub(crate) fn rows_slot(&self, list: u16) -> Option<Slot> {
        let place = self.ground.lists.get(usize::from(list))?;
        let parent = self.row(place.parent)?;
        self.slots
            .get(parent as usize + usize::from(place.rows))
            .copied()
    }

    /// The row after a row, from the link in its first slot.
    pub(crate) fn next_row(&self, row: u32) -> Option<u32> {
        let link = self.slots.get(row as usize)?;
        (link.kind == Kind::Rows).then_some(link.start)
    }

    #[inline(always)]
    pub(crate) fn slot(&self, field: Field) -> Slot {
        let slot = self
            .row(field.list)
            .and_then(|row| self.slots.get(row as usize + usize::from(field.slot)));
        slot.copied().unwrap_or_default()
    }

    #[inline(always)]
    pub(crate) fn raw(&self, slot: Slot) -> &'a [u8] {
        self.bytes
            .get(slot.start as usize..slot.end as usize)
            .unwrap_or_default()
    }

    /// The inside of a string.
    #[inline(always)]
    pub(crate) fn inside(&self, slot: Slot) -> &'a [u8] {
        let (start, end) = (slot.start as usize + 1, slot.end as usize);
        self.bytes
            .get(start..end.saturating_sub(1))
            .unwrap_or_default()
    }

    /// A scalar as text; empty for what is missing or null.
    pub(crate) fn text(&self, slot: Slot, written: &str) -> Result<Cow<'a, str>, Trouble> {
        match slot.kind {
            Kind::Missing | Kind::Null => Ok(Cow::Borrowed("")),
            Kind::True => Ok(Cow::Borrowed("true")),
            Kind::False => Ok(Cow::Borrowed("false")),
            Kind::Number => utf8(self.raw(slot)),
            Kind::Ascii | Kind::Wide => utf8(self.inside(slot)),
            Kind::Escaped => text::unescape(self.inside(slot)).ok_or_else(no_text),
            Kind::Object | Kind::Array | Kind::Rows => Err(Trouble::new(
                "map.type",
                format!("`{written}` holds an object or a list where a single value was expected"),
            )),
        }
    }

    /// The variable as text, through its pipes.
    pub(crate) fn variable_text(&self, variable: &Variable) -> Result<Cow<'a, str>, Trouble> {
        let mut text = self.text(self.slot(variable.field), &variable.written)?;
        for pipe in &variable.pipes {
            if text.is_empty() {
                break;
            }
            text = Cow::Owned(self.through(pipe, &text, &variable.written)?);
        }
        Ok(text)
    }

    /// The variable as it stands bare in an expression: a number where it is
    /// written as one, null where it is empty.
    pub(crate) fn variable_value(&self, variable: &Variable) -> Result<Value<'a>, Trouble> {
        if variable.pipes.is_empty() {
            match self.slot(variable.field).kind {
                Kind::True => return Ok(Value::Bool(true)),
                Kind::False => return Ok(Value::Bool(false)),
                _ => {}
            }
        }
        let text = self.variable_text(variable)?;
        if text.is_empty() {
            return Ok(Value::Null);
        }
        match Decimal::parse(&text) {
            Some(number) => Ok(Value::Number(number)),
            None => Ok(Value::Text(text)),
        }
    }

    /// The value of a question to a value table; empty where the table has no
    /// row and says so.
    pub(crate) fn find<T: AsRef<str>>(
        &self,
        lookup: usize,
        given: &[T],
    ) -> Result<&'a str, Trouble> {
        match self.ground.lookups.get(lookup) {
            Some(lookup) => lookup.find(given),
            None => Ok(""),
        }
    }

    fn through(&self, pipe: &Pipe, text: &str, written: &str) -> Result<String, Trouble> {
        let offset = self.ground.offset;
        match pipe {
            Pipe::Table(lookup) => return self.find(*lookup, &[text]).map(str::to_owned),
            Pipe::Call(function, arguments) => {
                let mut values = vec![Value::Text(Cow::Borrowed(text))];
                values.extend(arguments.iter().cloned());
                let value = function.apply(&values, offset);
                let told =
                    |message| Trouble::new("map.expression", format!("`{written}`: {message}"));
                return value.map(|value| value.text().into_owned()).map_err(told);
            }
            _ => {}
        }
        let moment = read_moment(text, offset, written)?;
        Ok(moment.map_or(String::new(), |moment| match pipe {
            Pipe::Date => moment.date(),
            Pipe::Timestamp => moment.unix(offset).to_string(),
            _ => moment.datetime(),
        }))
    }
}

/// A date or time of the record.
pub(crate) fn read_moment(
    text: &str,
    offset: i64,
    written: &str,
) -> Result<Option<Moment>, Trouble> {
    Moment::read(text, offset).map_err(|()| {
        let text = shortened(text);
        let message = format!("`{written}` is `{text}`, which is no date, time or Unix time");
        Trouble::new("map.date", message)
    })
}

pub(crate) fn utf8(raw: &[u8]) -> Result<Cow<'_, str>, Trouble> {
    std::str::from_utf8(raw)
        .map(Cow::Borrowed)
        .map_err(|_| no_text())
}

#[cold]
pub(crate) fn no_text() -> Trouble {
    Trouble::new("map.malformed", String::from("the value is not UTF-8 text"))
}
