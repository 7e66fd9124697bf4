//! What became of each part of a scheme, a line each: for people and as data.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Means the same as before.
    Carried,
    /// Is there, but means or is written otherwise.
    Changed,
    /// Is not in the manifest, or only as a comment.
    Left,
}

impl Outcome {
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Carried => "carried",
            Outcome::Changed => "changed",
            Outcome::Left => "left out",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub outcome: Outcome,
    /// Where in the scheme, such as `target.request FBillNo 单据编号`.
    pub place: String,
    /// What it is now.
    pub what: String,
    /// Why it is not as it was; empty where it is.
    pub why: String,
    /// What a person should do; empty where nothing.
    pub todo: String,
}

/// The lines so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Report(pub(crate) Vec<Line>);

impl Report {
    pub(crate) fn carried(&mut self, place: impl Into<String>, what: impl Into<String>) {
        self.0.push(Line {
            outcome: Outcome::Carried,
            place: place.into(),
            what: what.into(),
            why: String::new(),
            todo: String::new(),
        });
    }

    pub(crate) fn changed(&mut self, place: impl Into<String>, note: Note) {
        self.0.push(note.line(Outcome::Changed, place.into()));
    }

    pub(crate) fn left(&mut self, place: impl Into<String>, note: Note) {
        self.0.push(note.line(Outcome::Left, place.into()));
    }
}

/// The words of a line that needs them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) what: String,
    pub(crate) why: String,
    pub(crate) todo: String,
}

impl Note {
    pub(crate) fn new(
        what: impl Into<String>,
        why: impl Into<String>,
        todo: impl Into<String>,
    ) -> Self {
        Self {
            what: what.into(),
            why: why.into(),
            todo: todo.into(),
        }
    }

    pub(crate) fn line(self, outcome: Outcome, place: String) -> Line {
        Line {
            outcome,
            place,
            what: self.what,
            why: self.why,
            todo: self.todo,
        }
    }
}
