//! One JSON value as the bytes that the system sent.

use std::borrow::Cow;

use super::Error;

/// A value's own bytes: digits and escapes as they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raw<'data>(pub &'data [u8]);

impl<'data> Raw<'data> {
    pub fn is_null(self) -> bool {
        self.0 == b"null"
    }

    /// A string's text, or the digits of a number, or a literal's word: for
    /// values that a system sends now as string, now as number.
    pub fn text(self) -> Result<Cow<'data, str>, Error> {
        match self.0.first() {
            Some(b'"') => text_of(self.0),
            Some(b'{' | b'[') | None => Err(Error::new(0, "a string or a number")),
            Some(_) => match std::str::from_utf8(self.0) {
                Ok(text) => Ok(Cow::Borrowed(text)),
                Err(error) => Err(Error::new(error.valid_up_to(), "UTF-8")),
            },
        }
    }

    /// A whole number, or a string that holds one.
    pub fn integer(self) -> Option<i64> {
        self.text().ok()?.trim().parse().ok()
    }
}

/// The text of a JSON string with its quotes, unescaped. Offsets of errors
/// count from the opening quote.
pub fn text_of(raw: &[u8]) -> Result<Cow<'_, str>, Error> {
    let inner = raw
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""))
        .ok_or(Error::new(0, "a string in quotes"))?;
    let text =
        std::str::from_utf8(inner).map_err(|error| Error::new(error.valid_up_to() + 1, "UTF-8"))?;
    if memchr::memchr(b'\\', inner).is_none() {
        plain(text, 1)?;
        return Ok(Cow::Borrowed(text));
    }
    unescape(text).map(Cow::Owned)
}

/// A text as a JSON string, quotes included.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..'\u{20}' => {
                let code = u32::from(character);
                out.push_str("\\u00");
                out.extend(
                    [code >> 4, code & 15].map(|digit| char::from_digit(digit, 16).unwrap_or('0')),
                );
            }
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}

/// A stretch without backslashes, `at` bytes after the opening quote.
fn plain(text: &str, at: usize) -> Result<&str, Error> {
    match text.bytes().position(|byte| byte < 0x20 || byte == b'"') {
        Some(offset) => Err(Error::new(at + offset, "an escape")),
        None => Ok(text),
    }
}

fn unescape(text: &str) -> Result<String, Error> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((head, escape)) = rest.split_once('\\') {
        out.push_str(plain(head, text.len() - rest.len() + 1)?);
        let at = text.len() - escape.len();
        let (character, length) =
            escape_of(escape.as_bytes()).ok_or(Error::new(at, "a JSON escape"))?;
        out.push(character);
        rest = escape.get(length..).unwrap_or_default();
    }
    out.push_str(plain(rest, text.len() - rest.len() + 1)?);
    Ok(out)
}

/// The character that an escape stands for, and the escape's length after
/// its backslash.
fn escape_of(escape: &[u8]) -> Option<(char, usize)> {
    let simple = match escape.first()? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let high = unit(escape.get(1..5)?)?;
            if !(0xD800..0xDC00).contains(&high) {
                return Some((char::from_u32(high)?, 5));
            }
            (escape.get(5..7)? == b"\\u").then_some(())?;
            let low = unit(escape.get(7..11)?)?;
            (0xDC00..0xE000).contains(&low).then_some(())?;
            let code = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
            return Some((char::from_u32(code)?, 11));
        }
        _ => return None,
    };
    Some((simple, 1))
}

fn unit(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, &digit| {
        Some(value << 4 | char::from(digit).to_digit(16)?)
    })
}
