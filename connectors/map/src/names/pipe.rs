//! Pipes: what stands behind `|` in `{{field|pipe}}`. A date form, a value
//! table, or a function of expressions whose first argument the field is.

use super::Scope;
use crate::decimal::Decimal;
use crate::expression::{Complaint, Function, Names};
use crate::table::PAIR;
use crate::text::nearest;
use crate::value::Value;
use crate::view::Pipe;

const FORMS: [&str; 4] = ["datetime", "date", "timestamp", "table"];

impl Scope {
    pub(super) fn pipe(&mut self, pipe: &str) -> Result<Pipe, Complaint> {
        let pipe = pipe.trim();
        match pipe {
            "datetime" => return Ok(Pipe::DateTime),
            "date" => return Ok(Pipe::Date),
            "timestamp" => return Ok(Pipe::Timestamp),
            _ => {}
        }
        let (word, inside) = match pipe.split_once('(') {
            Some((word, rest)) => (word.trim(), rest.trim_end().strip_suffix(')')),
            None => (pipe, Some("")),
        };
        let complaint = Complaint::new(0, format!("unknown pipe `{pipe}`"));
        let Some(inside) = inside else {
            return Err(complaint.hint("the bracket has no end"));
        };
        if word == "table" {
            return self.table(inside);
        }
        if FORMS.contains(&word) || word.contains(':') {
            return Err(
                complaint.hint("this pipe takes no format; write `|date_format('%Y-%m-%d')`")
            );
        }
        let Some((function, least, most)) = Function::find(word).filter(|found| found.0.strict())
        else {
            let names = FORMS.into_iter().chain(Function::names());
            return Err(match nearest(word, names) {
                Some("table") => complaint.hint("write `|table('name')`"),
                Some(near) => complaint.hint(format!("did you mean `|{}`?", near.to_lowercase())),
                None => complaint.hint(
                    "known are |datetime, |date, |timestamp, |table('name') and the functions of expressions, such as |left(20)",
                ),
            });
        };
        let arguments = arguments(inside).ok_or_else(|| {
            Complaint::new(0, format!("the brackets of `{pipe}` cannot be read"))
                .hint("write numbers, and texts in quotes, with commas between")
        })?;
        if !(least..=most).contains(&(arguments.len() + 1)) {
            let message = format!(
                "`{pipe}` has {} arguments beside the field",
                arguments.len()
            );
            let most = most.saturating_sub(1);
            let hint = format!("expected {} to {most}", least.saturating_sub(1));
            return Err(Complaint::new(0, message).hint(hint));
        }
        Ok(Pipe::Call(function, arguments))
    }

    /// `table('name')`, or `table('name', 'given column', 'wanted column')`.
    fn table(&mut self, inside: &str) -> Result<Pipe, Complaint> {
        let names: Vec<&str> = inside.split(',').map(unquoted).collect();
        let lookup = match names.as_slice() {
            [name] if self.is_filled_elsewhere(name) => {
                let message = format!("the value table `{name}` has columns of its own");
                return Err(Complaint::new(0, message)
                    .hint("name the columns: `|table('name', 'given', 'wanted')`"));
            }
            [name] if !name.is_empty() => {
                let [key, value] = PAIR;
                self.lookup(name, &[key], value).map_err(|complaint| {
                    match complaint.message.contains("no column") {
                        true => {
                            complaint.hint("name the columns: `|table('name', 'given', 'wanted')`")
                        }
                        false => complaint,
                    }
                })?
            }
            [name, given, wanted] => self.lookup(name, &[given], wanted)?,
            _ => {
                return Err(
                    Complaint::new(0, String::from("found no value table's name"))
                        .hint("write `|table('name')`"),
                );
            }
        };
        Ok(Pipe::Table(lookup))
    }
}

fn unquoted(name: &str) -> &str {
    let name = name.trim();
    name.strip_prefix('\'')
        .and_then(|name| name.strip_suffix('\''))
        .unwrap_or(name)
}

/// Numbers, and texts in quotes; a text holds no quote.
fn arguments(inside: &str) -> Option<Vec<Value<'static>>> {
    let mut found = Vec::new();
    let mut rest = inside.trim();
    while !rest.is_empty() {
        let after = if let Some(text) = rest.strip_prefix('\'') {
            let end = text.find('\'')?;
            found.push(Value::owned(text.get(..end)?.to_owned()));
            text.get(end + 1..)?
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            found.push(Value::Number(Decimal::parse(rest.get(..end)?.trim())?));
            rest.get(end..)?
        };
        rest = match after.trim_start().strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if after.trim().is_empty() => "",
            None => return None,
        };
    }
    Some(found)
}
