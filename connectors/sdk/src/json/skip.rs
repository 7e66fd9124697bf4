//! Steps over one JSON value and says where it ends.

use super::Error;
use super::block::{escaped, masks_at, prefix_xor};

/// How deep containers may nest, as in serde_json.
const MAX_DEPTH: u32 = 127;

/// A container that was stepped over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Container {
    /// Offset after its last bracket.
    pub(crate) end: usize,
    /// Whether line feeds stand in it, or shortly behind it.
    pub(crate) line_feeds: bool,
}

pub(crate) fn blanks(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

pub(crate) fn token(
    bytes: &[u8],
    at: usize,
    token: u8,
    expected: &'static str,
) -> Result<usize, Error> {
    if bytes.get(at) == Some(&token) {
        Ok(at + 1)
    } else {
        Err(Error::new(at, expected))
    }
}

/// Any value that begins at `at`; the offset after it.
pub(crate) fn value(bytes: &[u8], at: usize) -> Result<usize, Error> {
    match bytes.get(at) {
        Some(b'"') => string(bytes, at),
        Some(b'{' | b'[') => container(bytes, at, |_, _| ()).map(|found| found.end),
        _ => scalar(bytes, at),
    }
}

/// A string, from its opening quote to the offset after its closing one.
pub(crate) fn string(bytes: &[u8], at: usize) -> Result<usize, Error> {
    let mut from = token(bytes, at, b'"', "a string")?;
    loop {
        let rest = bytes.get(from..).unwrap_or_default();
        match memchr::memchr2(b'"', b'\\', rest) {
            Some(offset) if rest.get(offset) == Some(&b'"') => return Ok(from + offset + 1),
            Some(offset) => from += offset + 2,
            None => return Err(Error::new(bytes.len(), "the end of a string")),
        }
    }
}

/// A number, `true`, `false` or `null`.
fn scalar(bytes: &[u8], at: usize) -> Result<usize, Error> {
    let rest = bytes.get(at..).unwrap_or_default();
    let length = rest
        .iter()
        .position(|byte| {
            matches!(
                byte,
                b',' | b'}' | b']' | b':' | b' ' | b'\t' | b'\n' | b'\r'
            )
        })
        .unwrap_or(rest.len());
    let word = rest.get(..length).unwrap_or_default();
    if matches!(word, b"true" | b"false" | b"null") || is_number(word) {
        Ok(at + length)
    } else {
        Err(Error::new(at, "a JSON value"))
    }
}

fn is_number(word: &[u8]) -> bool {
    let word = word.strip_prefix(b"-").unwrap_or(word);
    let (whole, rest) = digits(word);
    if whole == 0 || (whole > 1 && word.first() == Some(&b'0')) {
        return false;
    }
    let rest = match rest.strip_prefix(b".") {
        Some(fraction) => match digits(fraction) {
            (0, _) => return false,
            (_, rest) => rest,
        },
        None => rest,
    };
    match rest {
        [] => true,
        [b'e' | b'E', b'+' | b'-', exponent @ ..] | [b'e' | b'E', exponent @ ..] => {
            matches!(digits(exponent), (1.., []))
        }
        _ => false,
    }
}

fn digits(word: &[u8]) -> (usize, &[u8]) {
    let length = word.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (length, word.get(length..).unwrap_or_default())
}

/// An object or array, by its brackets outside strings; what stands between
/// them is not looked at. `child` is told the begin and end of each container
/// that stands directly in it.
#[inline]
pub(crate) fn container(
    bytes: &[u8],
    start: usize,
    mut child: impl FnMut(usize, usize),
) -> Result<Container, Error> {
    let mut open = Open::default();
    let mut line_feeds = 0;
    let mut inside = 0_u64;
    let mut carry = 0;
    let mut child_start = start;
    let mut at = start;
    while at < bytes.len() {
        let masks = masks_at(bytes, at);
        let quotes = masks.quotes & !escaped(masks.backslashes, &mut carry);
        if masks.brackets | masks.line_feeds == 0 {
            // All that matters is whether the block ends inside a string.
            inside ^= u64::from(quotes.count_ones() & 1).wrapping_neg();
            at += 64;
            continue;
        }
        let strings = prefix_xor(quotes) ^ inside;
        inside = (strings >> 63).wrapping_neg();
        line_feeds |= masks.line_feeds;
        let mut brackets = masks.brackets & !strings;
        while brackets != 0 {
            let here = at + brackets.trailing_zeros() as usize;
            brackets &= brackets - 1;
            let bracket = bytes.get(here).copied().unwrap_or_default();
            match bracket {
                b'{' | b'[' => {
                    if open.depth == 1 {
                        child_start = here;
                    }
                    open.push(bracket == b'{', here)?;
                }
                _ => {
                    open.pop(bracket == b'}', here)?;
                    if open.depth == 1 {
                        child(child_start, here + 1);
                    } else if open.depth == 0 {
                        let before = (1_u64 << (here - at)) - 1;
                        raw_line_feed(masks.line_feeds & strings & before, at)?;
                        let line_feeds = line_feeds != 0;
                        return Ok(Container {
                            end: here + 1,
                            line_feeds,
                        });
                    }
                }
            }
        }
        raw_line_feed(masks.line_feeds & strings, at)?;
        at += 64;
    }
    Err(Error::new(
        bytes.len(),
        if inside == 0 {
            "a closing bracket"
        } else {
            "the end of a string"
        },
    ))
}

/// JSON has no raw line feed inside a string, and JSON Lines would break there.
fn raw_line_feed(found: u64, at: usize) -> Result<(), Error> {
    if found == 0 {
        return Ok(());
    }
    let here = at + found.trailing_zeros() as usize;
    Err(Error::new(here, "no raw line feed inside a string"))
}

/// The brackets that are open, one bit each: set for `{`.
#[derive(Default)]
struct Open {
    depth: u32,
    braces: u128,
}

impl Open {
    #[inline]
    fn push(&mut self, brace: bool, at: usize) -> Result<(), Error> {
        if self.depth == MAX_DEPTH {
            return Err(Error::new(at, "at most 127 levels of nesting"));
        }
        self.depth += 1;
        self.braces = self.braces << 1 | u128::from(brace);
        Ok(())
    }

    #[inline]
    fn pop(&mut self, brace: bool, at: usize) -> Result<(), Error> {
        if (self.braces & 1 == 1) != brace {
            return Err(Error::new(at, if brace { "`]`" } else { "`}`" }));
        }
        self.depth -= 1;
        self.braces >>= 1;
        Ok(())
    }
}
