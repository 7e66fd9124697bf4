//! Hides secret and captured values in answers, logs and errors. It knows a
//! value as it is, as JSON, forms and HTML write it, in hex, and inside
//! base64; a system that echoes a secret in yet another form, or a part of
//! it, is not seen through.

mod sieve;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use aho_corasick::{AhoCorasick, Input, Match, MatchKind, Span, packed};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::secret::Secret;
use sieve::Sieve;

pub(crate) const MASK: &str = "***";

/// Shorter values cannot be told from data, so they are not looked for.
pub(crate) const SHORTEST: usize = 4;

/// Values below this length are hidden only where no letter or digit
/// touches them: hiding the middle of an order number would corrupt it.
const STANDS_ALONE: usize = 12;

/// Stretches of base64 below this length turn up by chance.
const SHORTEST_BASE64: usize = 10;

/// What a form leaves as it is.
pub(crate) const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'*')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_');

/// What `encodeURIComponent` leaves as it is.
const COMPONENT: &AsciiSet = &FORM
    .remove(b'~')
    .remove(b'!')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// Finds every known value in one pass over the bytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Masker {
    search: Option<Search>,
    sieve: Option<Sieve>,
    /// By pattern.
    marks: Vec<Mark>,
}

/// What is particular about a form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Mark {
    /// It counts only where it stands alone.
    alone: bool,
    /// The character before it, or behind it, is made of some bits of the
    /// value and some of what it is encoded with.
    shares: (bool, bool),
}

impl Masker {
    pub(crate) fn new<'a>(values: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut texts: Vec<Vec<u8>> = Vec::new();
        let mut forms: BTreeMap<Vec<u8>, Mark> = BTreeMap::new();
        for value in values {
            let value = value.expose();
            if value.len() >= SHORTEST {
                forms_of(value, &mut texts);
                base64_of(value, &mut forms);
            }
        }
        for text in texts {
            let alone = text.len() < STANDS_ALONE;
            let mark = Mark {
                alone,
                ..Mark::default()
            };
            forms.insert(text, mark);
        }
        let (forms, marks): (Vec<_>, Vec<_>) = forms.into_iter().unzip();
        let search = Search::new(&forms);
        Self {
            search,
            sieve: Sieve::new(&forms),
            marks,
        }
    }

    /// The same bytes, untouched and not copied, when nothing is found.
    pub(crate) fn mask(&self, bytes: Vec<u8>) -> Vec<u8> {
        self.masked(&bytes).unwrap_or(bytes)
    }

    /// The same, for bytes that others hold too.
    pub(crate) fn mask_shared(&self, bytes: Bytes) -> Bytes {
        self.masked(&bytes).map_or(bytes, Bytes::from)
    }

    pub(crate) fn mask_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.masked(text.as_bytes()) {
            Some(masked) => Cow::Owned(String::from_utf8_lossy(&masked).into_owned()),
            None => Cow::Borrowed(text),
        }
    }

    fn masked(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut masked: Option<Vec<u8>> = None;
        let mut copied = 0;
        let mut from = 0;
        while let Some(found) = self.find(bytes, from) {
            let mark = self.marks.get(found.pattern().as_usize());
            let mark = mark.copied().unwrap_or_default();
            if mark.alone && !stands_alone(bytes, found.start(), found.end()) {
                // Another value may begin inside the one that does not count.
                from = found.start() + 1;
                continue;
            }
            let out = masked.get_or_insert_with(|| Vec::with_capacity(bytes.len()));
            let mut start = outside_escape(bytes, copied, found.start());
            if mark.shares.0 && start > copied && is_base64(bytes.get(start - 1)) {
                start -= 1;
            }
            out.extend_from_slice(bytes.get(copied..start).unwrap_or_default());
            out.extend_from_slice(MASK.as_bytes());
            copied = found.end();
            if mark.shares.1 && is_base64(bytes.get(copied)) {
                copied += 1;
            }
            from = copied;
        }
        if let Some(out) = &mut masked {
            out.extend_from_slice(bytes.get(copied..).unwrap_or_default());
        }
        masked
    }

    /// The first form at or after `from`, the longest of those there.
    fn find(&self, bytes: &[u8], mut from: usize) -> Option<Match> {
        let search = self.search.as_ref()?;
        let Some(sieve) = &self.sieve else {
            return search.find(bytes, from..bytes.len());
        };
        loop {
            let seen = sieve.next(bytes, from)?;
            // What begins earlier would have been seen earlier; what begins
            // at `whole` or earlier ends before `end`.
            let start = from.max((seen + 1).saturating_sub(sieve.step));
            let whole = seen + sieve.longest;
            let end = bytes.len().min(whole + sieve.longest);
            match search.find(bytes, start..end) {
                Some(found) if found.start() <= whole => return Some(found),
                _ => from = whole + 1,
            }
        }
    }
}

/// The vector search goes through anything at gigabytes a second, where the
/// automaton slows down on values that begin with what is frequent, such as
/// digits. It takes up to some dozens of patterns.
#[derive(Debug, Clone)]
enum Search {
    Vector(packed::Searcher),
    Automaton(AhoCorasick),
}

impl Search {
    /// `None` when there is nothing to look for.
    fn new(forms: &[Vec<u8>]) -> Option<Self> {
        if forms.is_empty() {
            return None;
        }
        let vector = packed::Config::new()
            .match_kind(packed::MatchKind::LeftmostLongest)
            .builder()
            .extend(forms)
            .build();
        if let Some(vector) = vector {
            return Some(Self::Vector(vector));
        }
        // Only sizes far beyond those of settings make this build fail.
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(forms);
        automaton.ok().map(Self::Automaton)
    }

    fn find(&self, bytes: &[u8], range: Range<usize>) -> Option<Match> {
        match self {
            Self::Vector(vector) => vector.find_in(bytes, Span::from(range)),
            Self::Automaton(automaton) => automaton.find(Input::new(bytes).range(range)),
        }
    }
}

/// Where to begin hiding, so that no half of a JSON escape is left: a found
/// value may begin with the second half of one.
fn outside_escape(bytes: &[u8], from: usize, start: usize) -> usize {
    let before = bytes.get(from..start).unwrap_or_default();
    let backslashes = before.iter().rev().take_while(|byte| **byte == b'\\');
    if backslashes.count() % 2 == 0 {
        start
    } else if bytes.get(start) == Some(&b'\\') {
        start + 1
    } else {
        start - 1
    }
}

pub(super) fn stands_alone(bytes: &[u8], start: usize, end: usize) -> bool {
    let word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let before = start.checked_sub(1).and_then(|before| bytes.get(before));
    !word(before) && !word(bytes.get(end))
}

fn forms_of(value: &str, forms: &mut Vec<Vec<u8>>) {
    forms.push(value.as_bytes().to_vec());
    let json = json_inside(value);
    forms.push(json.replace('/', "\\/").into_bytes());
    for (upper, html) in [(true, true), (false, true), (true, false), (false, false)] {
        let cautious = json_cautious(value, upper, html);
        forms.push(cautious.replace('/', "\\/").into_bytes());
        forms.push(cautious.into_bytes());
    }
    forms.push(json.into_bytes());
    for set in [FORM, COMPONENT, NON_ALPHANUMERIC] {
        let form = utf8_percent_encode(value, set).to_string();
        forms.push(lower_escapes(&form).into_bytes());
        forms.push(form.replace("%20", "+").into_bytes());
        forms.push(form.into_bytes());
    }
    let html = value.replace('&', "&amp;").replace('<', "&lt;");
    let html = html.replace('>', "&gt;").replace('"', "&quot;");
    forms.push(html.replace('\'', "&#39;").into_bytes());
    forms.push(html.into_bytes());
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    forms.push(hex.to_ascii_uppercase().into_bytes());
    forms.push(hex.into_bytes());
}

/// `%2F` as `%2f`.
fn lower_escapes(form: &str) -> String {
    let mut left = 0_u8;
    let lower = |char: char| {
        let in_escape = left > 0;
        left = match char {
            '%' => 2,
            _ => left.saturating_sub(1),
        };
        match in_escape {
            true => char.to_ascii_lowercase(),
            false => char,
        }
    };
    form.chars().map(lower).collect()
}

/// The inside of a JSON string, without its quotes.
pub(crate) fn json_inside(value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    quoted
        .get(1..quoted.len().saturating_sub(1))
        .unwrap_or_default()
        .to_owned()
}

/// As writers do that escape all that is not ASCII, and some of them what is
/// special in HTML.
fn json_cautious(value: &str, upper: bool, html: bool) -> String {
    let mut out = String::with_capacity(value.len());
    let mut units = [0u16; 2];
    for char in value.chars() {
        let special = matches!(char, '<' | '>' | '&' | '+' | '\'' | '"' | '`');
        if char.is_ascii() && !(html && special) {
            out.push_str(&json_inside(char.encode_utf8(&mut [0; 4])));
            continue;
        }
        for unit in char.encode_utf16(&mut units) {
            let escape = if upper {
                format!("\\u{unit:04X}")
            } else {
                format!("\\u{unit:04x}")
            };
            out.push_str(&escape);
        }
    }
    out
}

/// The value in base64, wherever it begins in a group of three bytes. Of the
/// whole, what it alone decides is looked for.
fn base64_of(value: &str, forms: &mut BTreeMap<Vec<u8>, Mark>) {
    for offset in 0..3 {
        let mut bytes = vec![0; offset];
        bytes.extend_from_slice(value.as_bytes());
        let text = STANDARD_NO_PAD.encode(&bytes);
        let start = (offset * 8).div_ceil(6);
        let end = bytes.len() * 8 / 6;
        let inside = text.get(start..end).unwrap_or_default();
        let mark = Mark {
            alone: false,
            shares: (offset > 0, end < text.len()),
        };
        if inside.len() >= SHORTEST_BASE64 {
            base64_form(inside, mark, forms);
        } else if offset == 0 {
            // A short value is looked for where it was encoded alone.
            let alone = Mark {
                alone: true,
                ..Mark::default()
            };
            base64_form(&text, alone, forms);
        }
    }
}

/// With both alphabets.
fn base64_form(text: &str, mark: Mark, forms: &mut BTreeMap<Vec<u8>, Mark>) {
    let for_urls = text.replace('+', "-").replace('/', "_");
    for text in [for_urls.into_bytes(), text.as_bytes().to_vec()] {
        forms.insert(text, mark);
    }
}

fn is_base64(byte: Option<&u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte))
}
