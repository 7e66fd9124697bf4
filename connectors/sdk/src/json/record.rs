//! Single fields of a record, found without parsing the rest of it.

use std::borrow::Cow;

use memchr::memmem::Finder;

use super::{Error, Raw, skip, text_of};

/// A field's name, ready to be looked for in many records.
pub struct Field {
    finder: Finder<'static>,
    length: usize,
}

impl Field {
    /// `name` needs no JSON escapes, and records do not escape it.
    pub fn new(name: &str) -> Self {
        let needle = format!("\"{name}\"");
        Self {
            length: needle.len(),
            finder: Finder::new(needle.as_bytes()).into_owned(),
        }
    }
}

/// One object, with the places of the containers that stand directly in it.
#[derive(Debug, Clone, Copy)]
pub struct Record<'data> {
    pub(crate) bytes: &'data [u8],
    /// Where children begin and end, counted from `base`.
    pub(crate) children: &'data [(usize, usize)],
    pub(crate) base: usize,
}

impl<'data> Record<'data> {
    pub fn bytes(&self) -> &'data [u8] {
        self.bytes
    }

    /// The raw value of a top-level field: the first one of this name.
    pub fn field(&self, field: &Field) -> Option<Raw<'data>> {
        find(self.bytes, self.children, self.base, field)
    }

    /// The same, looked for first around `near`, where the record before had
    /// it; only a record that names the field twice can tell the difference.
    pub fn field_near(&self, field: &Field, near: &mut usize) -> Option<Raw<'data>> {
        let first_child = self
            .children
            .first()
            .map_or(self.bytes.len(), |(start, _)| start - self.base);
        let from = near.saturating_sub(NEAR);
        let to = (*near + field.length + NEAR).min(first_child);
        let found = find_between(self.bytes, field, from, to).or_else(|| self.field(field))?;
        *near = (found.0.as_ptr() as usize).saturating_sub(self.bytes.as_ptr() as usize);
        Some(found)
    }
}

/// How far around the expected place a field is looked for first.
const NEAR: usize = 96;

/// Looks between the children only, so that their fields are never taken.
fn find<'data>(
    bytes: &'data [u8],
    children: &[(usize, usize)],
    base: usize,
    field: &Field,
) -> Option<Raw<'data>> {
    let mut from = 0;
    for (start, end) in children {
        if let Some(value) = find_between(bytes, field, from, start - base) {
            return Some(value);
        }
        from = end - base;
    }
    find_between(bytes, field, from, bytes.len())
}

/// A hit counts when it is a name: in quotes that nothing escapes, and a
/// colon after it. Inside a string value its quotes would be escaped.
fn find_between<'data>(
    bytes: &'data [u8],
    field: &Field,
    mut from: usize,
    to: usize,
) -> Option<Raw<'data>> {
    loop {
        let hit = from + field.finder.find(bytes.get(from..to)?)?;
        let escaped = hit > 0 && bytes.get(hit - 1) == Some(&b'\\');
        let colon = skip::blanks(bytes, hit + field.length);
        if !escaped && bytes.get(colon) == Some(&b':') {
            let start = skip::blanks(bytes, colon + 1);
            let end = skip::value(bytes, start).ok()?;
            return bytes.get(start..end).map(Raw);
        }
        // The last quote may be the first one of the next hit.
        from = hit + 1;
    }
}

/// The raw value of a top-level field of one object: the first of this name.
/// For many records use [`Record::field`]. The error says where the object's
/// brackets or strings are broken.
pub fn field<'data>(object: &'data [u8], name: &str) -> Result<Option<Raw<'data>>, Error> {
    let start = skip::blanks(object, 0);
    if object.get(start) != Some(&b'{') {
        return Err(Error::new(start, "an object"));
    }
    let mut children = Vec::new();
    let found = skip::container(object, start, |from, to| children.push((from, to)))?;
    let object = object.get(..found.end).unwrap_or_default();
    Ok(find(object, &children, 0, &Field::new(name)))
}

/// The members of one object in their order: names unescaped, values raw. For
/// settings and the like; in records look for single fields.
pub fn members(object: &[u8]) -> Result<Vec<(Cow<'_, str>, Raw<'_>)>, Error> {
    let mut at = skip::blanks(object, 0);
    at = skip::token(object, at, b'{', "an object")?;
    at = skip::blanks(object, at);
    let mut members = Vec::new();
    if object.get(at) == Some(&b'}') {
        return Ok(members);
    }
    loop {
        let name_end = skip::string(object, at)?;
        let name = text_of(object.get(at..name_end).unwrap_or_default())?;
        at = skip::blanks(object, name_end);
        at = skip::token(object, at, b':', "`:` after a name")?;
        at = skip::blanks(object, at);
        let end = skip::value(object, at)?;
        members.push((name, Raw(object.get(at..end).unwrap_or_default())));
        at = skip::blanks(object, end);
        if object.get(at) == Some(&b'}') {
            return Ok(members);
        }
        at = skip::token(object, at, b',', "`,` or `}` after a value")?;
        at = skip::blanks(object, at);
    }
}

/// The elements of one list in their order, raw.
pub fn elements(list: &[u8]) -> Result<Vec<Raw<'_>>, Error> {
    let mut at = skip::blanks(list, 0);
    at = skip::token(list, at, b'[', "a list")?;
    at = skip::blanks(list, at);
    let mut elements = Vec::new();
    if list.get(at) == Some(&b']') {
        return Ok(elements);
    }
    loop {
        let end = skip::value(list, at)?;
        elements.push(Raw(list.get(at..end).unwrap_or_default()));
        at = skip::blanks(list, end);
        if list.get(at) == Some(&b']') {
            return Ok(elements);
        }
        at = skip::token(list, at, b',', "`,` or `]` after an element")?;
        at = skip::blanks(list, at);
    }
}
