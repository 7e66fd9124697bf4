//! Diagnostics as data, for `--json` and editors.

use serde_json::{Value, json};

use crate::{Diagnostic, Place, Sources};

/// One object: `code`, `severity`, `message`, and where known `place`,
/// `labels`, `hint`, `fix`. Holds no text of the files.
pub fn to_json(diagnostic: &Diagnostic, sources: &Sources) -> Value {
    let mut value = json!({
        "code": diagnostic.code.name,
        "severity": diagnostic.severity.as_str(),
        "message": diagnostic.message,
    });
    let Value::Object(fields) = &mut value else {
        return value;
    };
    if let Some(place) = &diagnostic.place {
        fields.insert("place".to_owned(), place_json(place, sources));
    }
    if !diagnostic.labels.is_empty() {
        let labels = diagnostic.labels.iter();
        let labels = labels
            .map(|label| json!({ "place": place_json(&label.place, sources), "text": label.text }));
        fields.insert("labels".to_owned(), labels.collect());
    }
    if let Some(hint) = &diagnostic.hint {
        fields.insert("hint".to_owned(), hint.as_str().into());
    }
    if let Some(fix) = &diagnostic.fix {
        let fix = json!({
            "place": place_json(&fix.place, sources),
            "replacement": fix.replacement,
        });
        fields.insert("fix".to_owned(), fix);
    }
    value
}

fn place_json(place: &Place, sources: &Sources) -> Value {
    let mut value = json!({ "file": place.file, "start": place.start, "end": place.end });
    let at = sources.line_column(&place.file, place.start);
    if let (Value::Object(fields), Some((line, column))) = (&mut value, at) {
        fields.insert("line".to_owned(), line.into());
        fields.insert("column".to_owned(), column.into());
    }
    value
}
