//! The value itself. How it looks is `render` and `json`.

use std::fmt;
use std::ops::Range;

use crate::Code;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
}

impl Severity {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// A stretch of a file, in bytes of its UTF-8 text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The name under which [`crate::Sources`] knows the file.
    pub file: String,
    pub start: usize,
    pub end: usize,
}

impl Place {
    pub fn new(file: &str, span: Range<usize>) -> Self {
        Self {
            file: file.to_owned(),
            start: span.start,
            end: span.end,
        }
    }
}

/// Another place that belongs to the story, with a word about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    pub place: Place,
    pub text: String,
}

/// A change of text that an editor may offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    pub place: Place,
    pub replacement: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: Code,
    pub severity: Severity,
    /// Lower case, no full stop, names in backticks.
    pub message: String,
    pub place: Option<Place>,
    pub labels: Vec<Label>,
    pub hint: Option<String>,
    pub fix: Option<Fix>,
    /// Stretches that must not be shown, such as a secret typed in the open.
    pub hidden: Vec<Place>,
}

/// On one line, for where there is no room to show the text that is meant.
impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(formatter, "{}: ", place.file)?;
        }
        formatter.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(formatter, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl Diagnostic {
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            place: None,
            labels: Vec::new(),
            hint: None,
            fix: None,
            hidden: Vec::new(),
        }
    }

    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, message)
        }
    }

    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    #[must_use]
    pub fn label(mut self, place: Place, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            place,
            text: text.into(),
        });
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Offers `nearest` in the place of the misspelt name, where there is one;
    /// else says which names exist.
    #[must_use]
    pub fn nearest(self, found: &str, known: &[&str], what: &str) -> Self {
        let Some(name) = crate::suggest(found, known.iter().copied()) else {
            return match known {
                [] => self,
                _ => self.hint(format!("{what}: {}", listed(known))),
            };
        };
        let fix = self.place.clone().map(|place| Fix {
            place,
            replacement: name.to_owned(),
        });
        let mut diagnostic = self.hint(format!("did you mean `{name}`?"));
        diagnostic.fix = fix;
        diagnostic
    }

    #[must_use]
    pub fn hide(mut self, place: Place) -> Self {
        self.hidden.push(place);
        self
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Names in backticks, at most a dozen.
pub fn listed(names: &[&str]) -> String {
    const MOST: usize = 12;
    let mut text = names
        .iter()
        .take(MOST)
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > MOST {
        text.push_str(&format!(" and {} more", names.len() - MOST));
    }
    text
}
