//! Fields as documents of one mapping mostly bring them: the expected key, no
//! blanks, a plain value. Anything else is left to `pass`, which does the same
//! to every field, one step at a time.

use std::rc::Rc;

use super::blocks::{Key, Room, append, goes_on};
use crate::form::{CallOption, Field, Shape};
use crate::scan::{self, specials};

/// A field that was seen, as it comes and as it goes.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) key: Box<[u8]>,
    pub(super) field: Rc<Field>,
    /// None where it is never usual.
    usual: Option<Usual>,
}

#[derive(Debug)]
struct Usual {
    /// The key and its colon.
    comes: Key,
    /// What stands before the value, as an object's first member and as another.
    goes: [Room<64>; 2],
    /// What stands behind the value.
    close: Room<8>,
    way: Way,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A text, which may be empty.
    Plain,
    /// A text, left out when empty.
    Filled,
    /// A number in quotes, which it loses.
    Number,
    Flag,
    Option(CallOption),
}

impl Seen {
    /// `key` has its quotes.
    pub(super) fn new(key: &str, field: Rc<Field>) -> Self {
        Self {
            key: key.as_bytes().into(),
            usual: Usual::of(key, &field),
            field,
        }
    }

    #[inline]
    pub(super) fn is_option(&self) -> bool {
        let way = self.usual.as_ref().map(|usual| usual.way);
        matches!(way, Some(Way::Option(_)))
    }

    /// Writes the member at `at` and says where it ends. None where it is not
    /// this field or not a usual value of it; nothing is written then.
    #[inline]
    pub(super) fn member<'l>(
        &self,
        line: &'l [u8],
        at: usize,
        out: &mut Vec<u8>,
        options: &mut [&'l [u8]; CallOption::ALL.len()],
    ) -> Option<usize> {
        let usual = self.usual.as_ref()?;
        let at = usual.comes.after(line, at)?;
        match usual.way {
            Way::Plain | Way::Filled => usual.text(line, at, out),
            Way::Number => usual.number(line, at, out),
            Way::Flag => usual.flag(line, at, out),
            Way::Option(option) => said(line, at, options.get_mut(option as usize)?),
        }
    }
}

impl Usual {
    fn of(key: &str, field: &Field) -> Option<Self> {
        let Field { name, lead, .. } = field;
        let (way, lead, close) = match &field.shape {
            Shape::Plain => (Way::Plain, format!("{name}\""), "\"".to_owned()),
            Shape::Filled => (Way::Filled, format!("{name}\""), "\"".to_owned()),
            Shape::Base { close, .. } => (Way::Filled, format!("{lead}\""), format!("\"{close}")),
            Shape::Number => (Way::Number, name.clone(), String::new()),
            Shape::Flag => (Way::Flag, name.clone(), String::new()),
            Shape::Option(option) => (Way::Option(*option), String::new(), String::new()),
            _ => return None,
        };
        Some(Self {
            comes: Key::of(&format!("{key}:"))?,
            goes: [Room::of(&lead)?, Room::of(&format!(",{lead}"))?],
            close: Room::of(&close)?,
            way,
        })
    }

    #[inline]
    fn open(&self, out: &mut Vec<u8>) {
        let [first, another] = &self.goes;
        let lead = if out.last() == Some(&b'{') {
            first
        } else {
            another
        };
        lead.append_to(out);
    }

    #[inline]
    fn text(&self, line: &[u8], at: usize, out: &mut Vec<u8>) -> Option<usize> {
        if line.get(at) != Some(&b'"') {
            return None;
        }
        let start = at + 1;
        if self.way == Way::Filled && line.get(start) == Some(&b'"') {
            return Some(start + 1);
        }
        let length = out.len();
        self.open(out);
        let Some(end) = copied(line, start, out) else {
            out.truncate(length);
            return None;
        };
        self.close.append_to(out);
        Some(end + 1)
    }

    #[inline]
    fn number(&self, line: &[u8], at: usize, out: &mut Vec<u8>) -> Option<usize> {
        if line.get(at) != Some(&b'"') {
            return None;
        }
        let start = at + 1;
        if line.get(start) == Some(&b'"') {
            return Some(start + 1);
        }
        let end = scan::number(line, start)?;
        if line.get(end) != Some(&b'"') {
            return None;
        }
        self.open(out);
        append(line, start, end, out);
        Some(end + 1)
    }

    #[inline]
    fn flag(&self, line: &[u8], at: usize, out: &mut Vec<u8>) -> Option<usize> {
        let end = literal(line, at)?;
        self.open(out);
        append(line, at, end, out);
        Some(end)
    }
}

/// The end of a call option that says what it said before in this document, or
/// is the first to say it.
#[inline]
fn said<'l>(line: &'l [u8], at: usize, said: &mut &'l [u8]) -> Option<usize> {
    let (text, end) = if line.get(at) == Some(&b'"') {
        let (end, escapes) = scan::string(line, at)?;
        let text = line.get(at + 1..end - 1)?;
        ((!escapes).then_some(text)?, end)
    } else {
        let end = literal(line, at)?;
        (line.get(at..end)?, end)
    };
    if said.is_empty() {
        *said = text;
    }
    (text.is_empty() || goes_on(text, 0, said) && text.len() == said.len()).then_some(end)
}

/// The end of `true` or `false`.
#[inline]
fn literal(line: &[u8], at: usize) -> Option<usize> {
    let rest = line.get(at..)?;
    if rest.starts_with(b"true") {
        Some(at + 4)
    } else {
        rest.starts_with(b"false").then_some(at + 5)
    }
}

/// Appends the text that begins at `at` up to its closing quote, and says where
/// that stands. None, with something appended, where the text has escapes or
/// control characters or the line ends soon.
#[inline]
fn copied(line: &[u8], at: usize, out: &mut Vec<u8>) -> Option<usize> {
    let start = out.len();
    let mut here = at;
    loop {
        let block = line.get(here..)?.first_chunk::<16>()?;
        out.extend_from_slice(block);
        let word = u128::from_le_bytes(*block);
        let (low, high) = (specials(word as u64), specials((word >> 64) as u64));
        if low | high != 0 {
            let bits = if low == 0 {
                64 + high.trailing_zeros()
            } else {
                low.trailing_zeros()
            };
            here += (bits / 8) as usize;
            out.truncate(start + here - at);
            return (line.get(here) == Some(&b'"')).then_some(here);
        }
        here += 16;
    }
}
