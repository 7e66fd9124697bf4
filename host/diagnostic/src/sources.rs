//! The texts that places point into.

use std::collections::BTreeMap;

use crate::{Diagnostic, Place};

/// File name to text, for rendering. Files are not read here.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    texts: BTreeMap<String, String>,
}

impl Sources {
    pub fn add(&mut self, file: &str, text: &str) {
        self.texts.insert(file.to_owned(), text.to_owned());
    }

    pub fn text(&self, file: &str) -> Option<&str> {
        self.texts.get(file).map(String::as_str)
    }

    /// Line and column of a byte, both from 1, the column in characters.
    pub fn line_column(&self, file: &str, byte: usize) -> Option<(usize, usize)> {
        let text = self.text(file)?;
        let before = text.get(..floor(text, byte))?;
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Some((line, before.get(line_start..)?.chars().count() + 1))
    }

    /// The same texts with everything hidden that any of the diagnostics
    /// hides. Lengths and line ends stay, so places keep their meaning.
    pub(crate) fn masked(&self, diagnostics: &[Diagnostic]) -> Self {
        let mut masked = self.clone();
        for place in diagnostics.iter().flat_map(|each| &each.hidden) {
            if let Some(text) = masked.texts.get_mut(&place.file) {
                *text = mask(text, place);
            }
        }
        masked
    }

    /// A span that is safe to slice the text with.
    pub(crate) fn span(&self, place: &Place) -> Option<std::ops::Range<usize>> {
        let text = self.text(&place.file)?;
        let start = floor(text, place.start);
        Some(start..floor(text, place.end).max(start))
    }
}

fn floor(text: &str, byte: usize) -> usize {
    text.floor_char_boundary(byte.min(text.len()))
}

/// Three asterisks and blanks, so that not even the length is told.
fn mask(text: &str, place: &Place) -> String {
    let (start, end) = (floor(text, place.start), floor(text, place.end));
    let (Some(before), Some(secret), Some(after)) =
        (text.get(..start), text.get(start..end), text.get(end..))
    else {
        return text.to_owned();
    };
    let blank = secret.bytes().enumerate().map(|(index, byte)| match byte {
        b'\n' => '\n',
        _ if index < 3 => '*',
        _ => ' ',
    });
    before.chars().chain(blank).chain(after.chars()).collect()
}
