//! Values of the dialect: what the mapping takes as it is, what it takes in
//! another form, and what it cannot take. What only the mapping can judge is
//! left to it.

mod lookup;

use crate::report::Note;
use crate::scheme::Format;

/// What became of a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Converted {
    pub(crate) value: String,
    pub(crate) parser: Option<(String, String)>,
    /// What is not as it was.
    pub(crate) notes: Vec<Note>,
    pub(crate) tables: Vec<Table>,
}

/// A question that a value puts to a table which another scheme filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
}

/// Forms that stand in documents only, each in another style, or that mean
/// nothing exact: what to look for, and what to write instead.
const REFUSED: [(&str, &str); 14] = [
    ("${", "write a field of the record as `{{field}}`"),
    ("{{source.", "write the field without `source.`"),
    ("{{$", "use a field of the record"),
    ("{{lastSyncTime", "windows belong to the source's settings"),
    ("{{PAGE_", "pages belong to the source"),
    ("{{LAST_ID", "pages belong to the source"),
    (
        "|datetime(",
        "write `{{field|date_format('%Y-%m-%d %H:%i:%s')}}`",
    ),
    ("|date(", "write `{{field|date_format('%Y-%m-%d')}}`"),
    ("|format:", "write `{{field|date_format('%Y-%m-%d')}}`"),
    (
        "FORMAT_DATE(",
        "write `DATE_FORMAT('{{field}}','%Y-%m-%d')`",
    ),
    ("===", "write `=`"),
    ("Math.", "write `FLOOR(…)`, `CEIL(…)` or `ROUND(…)`"),
    ("md5(", "send the value itself"),
    (" ? ", "write `case when … then … else … end`"),
];

/// The value in the mapping's form, or why there is none.
pub(crate) fn convert(value: &str, formats: &[Format]) -> Result<Converted, Note> {
    let mut converted = Converted::default();
    let value = formatted(value, formats, &mut converted)?;
    let computed = value.starts_with("_function");
    for (sign, todo) in REFUSED {
        let in_text = matches!(sign, " ? " | "===" | "Math." | "md5(" | "FORMAT_DATE(");
        if value.contains(sign) && (computed || !in_text) {
            let why = format!(
                "`{}` is no form that schemes are known to run with",
                sign.trim()
            );
            return Err(Note::new(value, why, todo));
        }
    }
    let value = lookup::convert(value, &mut converted)?;
    if computed && (value.contains("then true") || value.contains("else false")) {
        converted.notes.push(Note::new(
            "the same expression",
            "it gives the JSON values true and false, and amounts compare as numbers: `0.0000` is `'0'`",
            "",
        ));
    }
    converted.value = value;
    Ok(converted)
}

/// Fields that `formatResponse` made become their source with a pipe.
fn formatted(value: &str, formats: &[Format], converted: &mut Converted) -> Result<String, Note> {
    let mut text = value.to_owned();
    for format in formats {
        let place = format!("{{{{{}}}}}", format.new);
        if !text.contains(&place) {
            continue;
        }
        let Some((before, pipe)) = pipe(&format.form) else {
            if let Some(separator) = inside(&format.form, "implode")
                && text == place
            {
                converted.parser = Some((String::from("ArrayToString"), separator));
                text = format!("{{{{{}}}}}", format.old);
                continue;
            }
            let why = format!(
                "`{}` is the field `{}` in the form `{}`, which has no counterpart",
                format.new, format.old, format.form
            );
            let todo = format!("write a value over `{{{{{}}}}}`", format.old);
            return Err(Note::new(text, why, todo));
        };
        text = text.replace(&place, &format!("{before}{{{{{}|{pipe}}}}}", format.old));
        let what = format!(
            "`{{{{{}}}}}` is `{before}{{{{{}|{pipe}}}}}`",
            format.new, format.old
        );
        let why = "the form of a field stands with its use";
        converted.notes.push(Note::new(what, why, ""));
    }
    Ok(text)
}

/// What stands before a field in a form, and the pipe behind it.
pub(crate) fn pipe(form: &str) -> Option<(&'static str, String)> {
    let clock = |pattern: &str| Some(("", format!("date_format('{pattern}')")));
    match form.trim() {
        "date" => Some(("", String::from("date"))),
        "time" => clock("%H:%i:%s"),
        "dateTime" => clock("%Y-%m-%d %H:%i"),
        "shortDate" => clock("%m-%d"),
        "shortTime" => clock("%H:%i"),
        "shortDateTime" => clock("%m-%d %H:%i"),
        "intval" => Some(("", String::from("truncate(0)"))),
        "amount" => Some(("￥", String::from("format(2)"))),
        form => {
            let count = |word: &str, name: &str| {
                let digits = inside(form, word)?;
                let sound = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
                sound.then(|| ("", format!("{name}({digits})")))
            };
            count("round", "round").or_else(|| count("longText", "left"))
        }
    }
}

/// `word('|')` gives `|`.
fn inside(form: &str, word: &str) -> Option<String> {
    let rest = form.trim().strip_prefix(word)?.trim();
    let inside = rest.strip_prefix('(')?.strip_suffix(')')?;
    Some(inside.trim().trim_matches(['\'', '"']).to_owned())
}

/// The names in `{{name|pipe}}`.
pub(crate) fn variables(value: &str) -> Vec<&str> {
    let pieces = value.split("{{").skip(1);
    let names = pieces.filter_map(|piece| piece.split_once("}}"));
    let names = names.map(|(inside, _)| inside.split('|').next().unwrap_or_default().trim());
    names.filter(|name| !name.is_empty()).collect()
}
