//! Walks JSON text without building values: where a value ends and of what
//! kind it is. It checks the grammar strictly, because what it passes is copied
//! into a request beside other documents. It unescapes nothing.

/// Nesting beyond this is refused.
const DEPTH: u32 = 64;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Flag,
    Number,
    /// A string; `true` when it holds escapes.
    Text(bool),
    Object,
    Array,
}

/// The first byte that is not blank at or after `at`.
#[inline]
pub(crate) fn blank(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        at += 1;
    }
    at
}

/// The end and kind of the value that begins at `at`; none when it is not JSON.
#[inline]
pub(crate) fn value(text: &[u8], at: usize) -> Option<(usize, Kind)> {
    match text.get(at)? {
        b'"' => string(text, at).map(|(end, escapes)| (end, Kind::Text(escapes))),
        b'{' | b'[' => nested(text, at, DEPTH),
        b't' => word(text, at, b"true", Kind::Flag),
        b'f' => word(text, at, b"false", Kind::Flag),
        b'n' => word(text, at, b"null", Kind::Null),
        _ => number(text, at).map(|end| (end, Kind::Number)),
    }
}

fn word(text: &[u8], at: usize, word: &[u8], kind: Kind) -> Option<(usize, Kind)> {
    text.get(at..)?
        .starts_with(word)
        .then_some((at + word.len(), kind))
}

/// The end of the string whose quote stands at `at`, and whether it has escapes.
#[inline]
pub(crate) fn string(text: &[u8], at: usize) -> Option<(usize, bool)> {
    if text.get(at) != Some(&b'"') {
        return None;
    }
    let mut at = at + 1;
    let mut escapes = false;
    loop {
        at = special(text, at);
        match text.get(at)? {
            b'"' => return Some((at + 1, escapes)),
            b'\\' => {
                escapes = true;
                at = escape(text, at)?;
            }
            _ => return None,
        }
    }
}

/// The first quote, backslash or control character at or after `at`.
#[inline]
fn special(text: &[u8], mut at: usize) -> usize {
    while let Some(word) = text.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let hits = specials(u64::from_le_bytes(*word));
        if hits != 0 {
            return at + (hits.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while text
        .get(at)
        .is_some_and(|&byte| byte != b'"' && byte != b'\\' && byte >= 0x20)
    {
        at += 1;
    }
    at
}

/// The high bit of the first byte of the word that is a quote, backslash or
/// control character; bits above it may be set as well.
#[inline]
pub(crate) fn specials(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let quote = word ^ (ONES * 0x22);
    let slash = word ^ (ONES * 0x5c);
    // Borrows only spoil bytes above the first hit, so the lowest is exact.
    ((word.wrapping_sub(ONES * 0x20) & !word)
        | (quote.wrapping_sub(ONES) & !quote)
        | (slash.wrapping_sub(ONES) & !slash))
        & HIGH
}

/// The end of the escape at `at`. Half a surrogate pair is refused.
#[cold]
fn escape(text: &[u8], at: usize) -> Option<usize> {
    if text.get(at + 1)? != &b'u' {
        let known = matches!(
            text.get(at + 1)?,
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't'
        );
        return known.then_some(at + 2);
    }
    match unit(text, at)? {
        0xd800..=0xdbff => matches!(unit(text, at + 6)?, 0xdc00..=0xdfff).then_some(at + 12),
        0xdc00..=0xdfff => None,
        _ => Some(at + 6),
    }
}

fn unit(text: &[u8], at: usize) -> Option<u16> {
    let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |unit: u16, &digit| {
        Some(unit << 4 | u16::try_from(char::from(digit).to_digit(16)?).ok()?)
    })
}

/// The end of the number at `at`.
#[inline]
pub(crate) fn number(text: &[u8], mut at: usize) -> Option<usize> {
    if text.get(at) == Some(&b'-') {
        at += 1;
    }
    at = match text.get(at)? {
        b'0' => at + 1,
        b'1'..=b'9' => digits(text, at)?,
        _ => return None,
    };
    if text.get(at) == Some(&b'.') {
        at = digits(text, at + 1)?;
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        at += 1;
        if matches!(text.get(at), Some(b'+' | b'-')) {
            at += 1;
        }
        at = digits(text, at)?;
    }
    Some(at)
}

#[inline]
fn digits(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    while matches!(text.get(at), Some(b'0'..=b'9')) {
        at += 1;
    }
    (at > start).then_some(at)
}

fn nested(text: &[u8], at: usize, depth: u32) -> Option<(usize, Kind)> {
    let depth = depth.checked_sub(1)?;
    let (close, kind) = match text.get(at)? {
        b'{' => (b'}', Kind::Object),
        _ => (b']', Kind::Array),
    };
    let mut at = blank(text, at + 1);
    if text.get(at) == Some(&close) {
        return Some((at + 1, kind));
    }
    loop {
        if kind == Kind::Object {
            at = colon(text, string(text, at)?.0)?;
        }
        at = match text.get(at)? {
            b'{' | b'[' => nested(text, at, depth)?.0,
            _ => value(text, at)?.0,
        };
        at = blank(text, at);
        match text.get(at)? {
            b',' => at = blank(text, at + 1),
            end if *end == close => return Some((at + 1, kind)),
            _ => return None,
        }
    }
}

/// Where the value begins after the key that ends at `at`.
#[inline]
pub(crate) fn colon(text: &[u8], at: usize) -> Option<usize> {
    let at = blank(text, at);
    (text.get(at) == Some(&b':')).then(|| blank(text, at + 1))
}

/// Where the value of a member begins, of the object at `at`. The inner none is
/// for an object that has no such member.
pub(crate) fn member(text: &[u8], at: usize, name: &str) -> Option<Option<usize>> {
    let mut at = blank(text, at + 1);
    while text.get(at) == Some(&b'"') {
        let (end, _) = string(text, at)?;
        let found = colon(text, end)?;
        if text.get(at + 1..end - 1) == Some(name.as_bytes()) {
            return Some(Some(found));
        }
        at = blank(text, value(text, found)?.0);
        if text.get(at) == Some(&b',') {
            at = blank(text, at + 1);
        }
    }
    Some(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    proptest! {
        #[test]
        fn accepts_exactly_what_a_json_parser_accepts(
            text in r#"[\[\]{}",:0-9.eE+\\u tfn\-]{0,24}|(\{"[a-c]\\?[nuDd8]?[0-9]{0,4}":(true|null|-?[0-9]{1,3}(\.[0-9])?|"x\\uD83D\\uDE00"|\[\])\})"#,
        ) {
            let ours = value(text.as_bytes(), 0).is_some_and(|(end, _)| end == text.len());
            let theirs = serde_json::from_str::<&RawValue>(&text)
                .is_ok_and(|raw| raw.get().len() == text.len())
                && serde_json::from_str::<serde_json::Value>(&text).is_ok();
            prop_assert_eq!(ours, theirs, "{}", text);
        }
    }

    #[test]
    fn stops_at_control_characters_and_deep_nesting() {
        assert_eq!(value(b"\"a\x01b\"", 0), None);
        assert_eq!(value("[".repeat(100).as_bytes(), 0), None);
        assert_eq!(
            value(r#""0123456789""#.as_bytes(), 0),
            Some((12, Kind::Text(false)))
        );
    }
}
