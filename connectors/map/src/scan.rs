//! The JSON grammar over raw bytes: where a value ends and of which kind it is.
//! Every byte is checked against the grammar; nothing is decoded or copied, and
//! no function steps over a line feed, which ends a record in JSON Lines.

pub(crate) mod chunk;

/// Objects and arrays inside each other, at most.
pub(crate) const DEPTH: u32 = 64;

/// What stands in a place of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Kind {
    #[default]
    Missing,
    Null,
    False,
    True,
    Number,
    /// A string without escapes, all ASCII.
    Ascii,
    /// A string without escapes that holds other characters.
    Wide,
    /// A string with escapes.
    Escaped,
    Object,
    Array,
    /// Rows of a list; the slot's numbers are the first row and their count.
    Rows,
}

/// Where the grammar was left, and what was expected there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub(crate) at: usize,
    pub(crate) expected: &'static str,
}

pub(crate) type Scanned<T> = Result<T, Malformed>;

pub(crate) fn malformed<T>(at: usize, expected: &'static str) -> Scanned<T> {
    Err(Malformed { at, expected })
}

/// The first index from `at` that is no blank. A line feed is no blank.
#[inline(always)]
pub(crate) fn blanks(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\r') = bytes.get(at) {
        at += 1;
    }
    at
}

/// The value at `at` (not a blank): its end and its kind. Containers are
/// checked down to `depth` levels.
#[inline(always)]
pub(crate) fn value(bytes: &[u8], at: usize, depth: u32) -> Scanned<(usize, Kind)> {
    // Most values are strings: no table of jumps for them.
    if bytes.get(at) == Some(&b'"') {
        return string(bytes, at + 1);
    }
    match bytes.get(at) {
        Some(b'-' | b'0'..=b'9') => Ok((number(bytes, at)?, Kind::Number)),
        Some(b'{' | b'[') => container(bytes, at, depth),
        _ => word(bytes, at),
    }
}

fn word(bytes: &[u8], at: usize) -> Scanned<(usize, Kind)> {
    let rest = bytes.get(at..).unwrap_or_default();
    if rest.starts_with(b"true") {
        Ok((at + 4, Kind::True))
    } else if rest.starts_with(b"false") {
        Ok((at + 5, Kind::False))
    } else if rest.starts_with(b"null") {
        Ok((at + 4, Kind::Null))
    } else {
        malformed(at, "a value")
    }
}

/// The string whose first character is at `at`, just after the quote: the index
/// after the closing quote, and the kind.
#[inline(always)]
pub(crate) fn string(bytes: &[u8], at: usize) -> Scanned<(usize, Kind)> {
    let (end, wide) = special(bytes, at);
    if bytes.get(end) == Some(&b'"') {
        return Ok((end + 1, if wide { Kind::Wide } else { Kind::Ascii }));
    }
    escaped(bytes, end)
}

#[cold]
fn escaped(bytes: &[u8], mut at: usize) -> Scanned<(usize, Kind)> {
    loop {
        match (bytes.get(at), bytes.get(at + 1)) {
            (Some(b'"'), _) => return Ok((at + 1, Kind::Escaped)),
            (Some(b'\\'), Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't')) => at += 2,
            (Some(b'\\'), Some(b'u')) => {
                let digits = bytes.get(at + 2..at + 6).unwrap_or_default();
                if digits.len() < 4 || !digits.iter().all(u8::is_ascii_hexdigit) {
                    return malformed(at, "four hexadecimal digits after `\\u`");
                }
                at += 6;
            }
            (Some(b'\\'), _) => return malformed(at, "a JSON escape"),
            (None | Some(b'\n'), _) => return malformed(at, "the end of the string"),
            _ => return malformed(at, "no raw control character in a string"),
        }
        at = special(bytes, at).0;
    }
}

/// The end of the number at `at`.
#[inline(always)]
pub(crate) fn number(bytes: &[u8], mut at: usize) -> Scanned<usize> {
    if bytes.get(at) == Some(&b'-') {
        at += 1;
    }
    let first = bytes.get(at);
    let whole = digits(bytes, at)?;
    if first == Some(&b'0') && whole > at + 1 {
        return malformed(at, "no leading zero in a number");
    }
    at = whole;
    if bytes.get(at) == Some(&b'.') {
        at = digits(bytes, at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at += 1;
        if let Some(b'+' | b'-') = bytes.get(at) {
            at += 1;
        }
        at = digits(bytes, at)?;
    }
    Ok(at)
}

#[inline(always)]
fn digits(bytes: &[u8], start: usize) -> Scanned<usize> {
    let mut at = start;
    while let Some(b'0'..=b'9') = bytes.get(at) {
        at += 1;
    }
    if at == start {
        malformed(at, "a digit")
    } else {
        Ok(at)
    }
}

/// The end of the object or array at `at`.
fn container(bytes: &[u8], at: usize, depth: u32) -> Scanned<(usize, Kind)> {
    let Some(depth) = depth.checked_sub(1) else {
        return malformed(at, "fewer levels of objects and arrays");
    };
    if bytes.get(at) == Some(&b'[') {
        let mut next = blanks(bytes, at + 1);
        if bytes.get(next) == Some(&b']') {
            return Ok((next + 1, Kind::Array));
        }
        loop {
            let end = value(bytes, next, depth)?.0;
            match after(bytes, end, b']')? {
                (end, true) => return Ok((end, Kind::Array)),
                (at, false) => next = at,
            }
        }
    }
    let mut next = blanks(bytes, at + 1);
    if bytes.get(next) == Some(&b'}') {
        return Ok((next + 1, Kind::Object));
    }
    loop {
        let (_, colon) = key(bytes, next)?;
        let end = value(bytes, blanks(bytes, colon), depth)?.0;
        match after(bytes, end, b'}')? {
            (end, true) => return Ok((end, Kind::Object)),
            (at, false) => next = at,
        }
    }
}

/// The key at `at`: the kind of its string and the index after its colon.
pub(crate) fn key(bytes: &[u8], at: usize) -> Scanned<(Kind, usize)> {
    if bytes.get(at) != Some(&b'"') {
        return malformed(at, "a key in quotes");
    }
    let (end, kind) = string(bytes, at + 1)?;
    let colon = blanks(bytes, end);
    if bytes.get(colon) != Some(&b':') {
        return malformed(colon, "`:`");
    }
    Ok((kind, colon + 1))
}

/// After an element that ended at `at`: the index after `close` and true, or
/// the index of the next element and false.
#[inline(always)]
pub(crate) fn after(bytes: &[u8], mut at: usize, close: u8) -> Scanned<(usize, bool)> {
    if let Some(b' ' | b'\t' | b'\r') = bytes.get(at) {
        at = blanks(bytes, at);
    }
    match bytes.get(at) {
        Some(b',') => {
            at += 1;
            if let Some(b' ' | b'\t' | b'\r') = bytes.get(at) {
                at = blanks(bytes, at);
            }
            Ok((at, false))
        }
        Some(byte) if *byte == close => Ok((at + 1, true)),
        _ if close == b'}' => malformed(at, "`,` or `}`"),
        _ => malformed(at, "`,` or `]`"),
    }
}

/// The first quote, backslash or control character from `at` (or the end), and
/// whether a byte before it is not ASCII.
#[inline(always)]
fn special(bytes: &[u8], mut at: usize) -> (usize, bool) {
    let mut wide = false;
    // Most strings end here. A loop costs more in the sandbox even when it is
    // gone through once, since its head asks whether the time is up.
    if let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<16>) {
        let (stops, high) = chunk::marks(chunk);
        if stops != 0 {
            let first = stops.trailing_zeros();
            return (at + first as usize, high & ((1 << first) - 1) != 0);
        }
        wide = high != 0;
        at += 16;
    }
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<16>) {
        let (stops, high) = chunk::marks(chunk);
        if stops != 0 {
            let first = stops.trailing_zeros();
            return (at + first as usize, wide | (high & ((1 << first) - 1) != 0));
        }
        wide |= high != 0;
        at += 16;
    }
    while let Some(byte) = bytes.get(at) {
        if matches!(byte, b'"' | b'\\' | 0..0x20) {
            break;
        }
        wide |= !byte.is_ascii();
        at += 1;
    }
    (at, wide)
}
