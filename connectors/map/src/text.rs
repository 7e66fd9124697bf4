//! JSON string escapes, both ways, and names that resemble each other.

use std::borrow::Cow;

/// The text of a string's raw inside (without quotes), which the scanner has
/// passed. None where it is no UTF-8 or holds half a surrogate pair.
pub(crate) fn unescape(raw: &[u8]) -> Option<Cow<'_, str>> {
    let text = std::str::from_utf8(raw).ok()?;
    if !raw.contains(&b'\\') {
        return Some(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(char) = rest.next() {
        if char != '\\' {
            out.push(char);
            continue;
        }
        match rest.next()? {
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'u' => {
                let unit = hex(&mut rest)?;
                if !(0xD800..0xE000).contains(&unit) {
                    out.push(char::from_u32(unit)?);
                    continue;
                }
                if (rest.next()?, rest.next()?) != ('\\', 'u') {
                    return None;
                }
                let low = hex(&mut rest)?
                    .checked_sub(0xDC00)
                    .filter(|low| *low < 0x400)?;
                let high = unit.checked_sub(0xD800).filter(|high| *high < 0x400)?;
                out.push(char::from_u32(0x10000 + (high << 10) + low)?);
            }
            other => out.push(other),
        }
    }
    Some(Cow::Owned(out))
}

fn hex(chars: &mut std::str::Chars<'_>) -> Option<u32> {
    (0..4).try_fold(0, |unit, _| Some(unit * 16 + chars.next()?.to_digit(16)?))
}

/// Appends the inside of a JSON string that means `text`.
pub(crate) fn escape(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..0x20 => {
                out.extend_from_slice(b"\\u00");
                for nibble in [byte >> 4, byte & 15] {
                    out.extend(HEX.get(usize::from(nibble)));
                }
            }
            _ => out.push(byte),
        }
    }
}

/// `text` as a JSON string, quotes included.
pub(crate) fn quoted(text: &str) -> Vec<u8> {
    let mut out = vec![b'"'];
    escape(text, &mut out);
    out.push(b'"');
    out
}

/// The name that `wanted` was most likely meant to be.
pub(crate) fn nearest<'a>(
    wanted: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let wanted = wanted.to_lowercase();
    // At least half of the letters must stand.
    let limit = (wanted.chars().count() / 3)
        .clamp(1, 4)
        .min(wanted.chars().count() / 2);
    known
        .into_iter()
        .map(|name| (distance(&wanted, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Insertions, deletions and replacements that lead from one to the other.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (line, a) in left.chars().enumerate() {
        let mut diagonal = line;
        let mut before = line + 1;
        if let Some(first) = row.first_mut() {
            *first = before;
        }
        for (cell, b) in row.iter_mut().skip(1).zip(right.chars()) {
            let replaced = diagonal + usize::from(a != b);
            diagonal = *cell;
            before = replaced.min(diagonal + 1).min(before + 1);
            *cell = before;
        }
    }
    row.last().copied().unwrap_or_default()
}
