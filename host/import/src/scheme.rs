//! A scheme in a form of its own, whatever it was read from: two sides, each
//! a call with its fields. Values stand as they were written.

use crate::{Error, article, metadata};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Query,
    Execute,
}

/// One call of one platform.
#[derive(Debug, Clone, Default)]
pub(crate) struct Side {
    /// Unknown where the text does not say; the order of the file decides then.
    pub(crate) way: Option<Way>,
    /// What people call the platform.
    pub(crate) platform: String,
    pub(crate) api: String,
    pub(crate) title: String,
    /// The record's fields that identify it and that people know it by.
    pub(crate) id: String,
    pub(crate) number: String,
    pub(crate) id_check: Option<bool>,
    pub(crate) request: Vec<Row>,
    pub(crate) other_request: Vec<Row>,
    pub(crate) response: Vec<Row>,
    pub(crate) other_response: Vec<Row>,
    /// Outer OR, inner AND.
    pub(crate) condition: Vec<Vec<Compare>>,
    pub(crate) format: Vec<Format>,
    pub(crate) beat_flat: Vec<String>,
    pub(crate) group: Option<Group>,
    pub(crate) remedy: Option<Remedy>,
    pub(crate) crontab: String,
    pub(crate) operation: Option<Operation>,
    /// Keys that nothing here understands, with their text.
    pub(crate) unknown: Vec<(String, String)>,
}

/// A field of a call. `path` leads from the document's top.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) path: String,
    pub(crate) label: String,
    pub(crate) kind: String,
    pub(crate) value: String,
    pub(crate) required: bool,
    pub(crate) parser: Option<(String, String)>,
    pub(crate) describe: String,
    /// What the row has that nothing here understands.
    pub(crate) unknown: Vec<String>,
}

impl Row {
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or_default()
    }

    /// The field and its label, for a report.
    pub(crate) fn shown(&self) -> String {
        match self.label.is_empty() {
            true => self.path.clone(),
            false => format!("{} {}", self.path, self.label),
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Compare {
    pub(crate) field: String,
    pub(crate) logic: String,
    pub(crate) values: Vec<String>,
    pub(crate) strict: bool,
}

/// `formatResponse`: `new` is `old` in another form.
#[derive(Debug, Clone)]
pub(crate) struct Format {
    pub(crate) old: String,
    pub(crate) new: String,
    pub(crate) form: String,
}

/// `groupCalculate`: records with the same head become one document.
#[derive(Debug, Clone, Default)]
pub(crate) struct Group {
    pub(crate) head: Vec<String>,
    pub(crate) body: Vec<String>,
    pub(crate) body_name: String,
    pub(crate) target_body_name: String,
    pub(crate) most_lines: String,
    /// Field and word, such as `$sum`.
    pub(crate) calculate: Vec<(String, String)>,
}

/// `omissionRemedy`: a second schedule over a wider window.
#[derive(Debug, Clone, Default)]
pub(crate) struct Remedy {
    pub(crate) crontab: String,
    pub(crate) request: Vec<Row>,
}

/// How many rows one write takes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Operation {
    pub(crate) rows: String,
    pub(crate) method: String,
}

pub(crate) struct Scheme {
    pub(crate) source: Side,
    pub(crate) target: Side,
}

/// JSON metadata, or the plain text of an article: the first letter tells.
pub(crate) fn read(file: &str, text: &str) -> Result<Vec<Side>, Error> {
    let text = text.trim_start_matches('\u{feff}').trim();
    let sides = match text.starts_with(['{', '[']) {
        true => metadata::read(text).map_err(|error| Error::Json {
            file: file.to_owned(),
            reason: error.to_string(),
        })?,
        false => article::read(text),
    };
    if sides.is_empty() {
        return Err(Error::NoScheme {
            file: file.to_owned(),
        });
    }
    Ok(sides)
}

/// One source and one target. A side that does not say which it is takes the
/// place that is left.
pub(crate) fn pair(sides: Vec<Side>) -> Result<Scheme, Error> {
    let (mut source, mut target, mut open) = (None, None, Vec::new());
    for side in sides {
        match side.way {
            Some(Way::Query) => put(&mut source, side, "source")?,
            Some(Way::Execute) => put(&mut target, side, "target")?,
            None => open.push(side),
        }
    }
    for side in open {
        match source.is_none() {
            true => put(&mut source, side, "source")?,
            false => put(&mut target, side, "target")?,
        }
    }
    match (source, target) {
        (Some(source), Some(target)) => Ok(Scheme { source, target }),
        (None, _) => Err(Error::Half {
            side: "source",
            found: "a target",
        }),
        (_, None) => Err(Error::Half {
            side: "target",
            found: "a source",
        }),
    }
}

fn put(place: &mut Option<Side>, side: Side, name: &'static str) -> Result<(), Error> {
    if let Some(first) = place {
        return Err(Error::Twice {
            side: name,
            first: first.api.clone(),
            second: side.api,
        });
    }
    *place = Some(side);
    Ok(())
}
