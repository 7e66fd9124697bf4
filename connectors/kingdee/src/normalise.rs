//! One document, from the seed's flat shape or the vendor's own, into the
//! vendor's Model: one pass over the text, values copied as they stand, no tree.
//! It decides nothing about sending; ids and row ids are set by `update`.

use crate::form::{CallOption, Form, Scope};
use crate::scan;
use crate::tree::quote;

mod blocks;
mod names;
mod pass;
mod place;
#[cfg(test)]
mod tests;
mod usual;

use names::Names;
use pass::Pass;

/// Why a document cannot be sent, in the connector's own codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reject {
    pub code: &'static str,
    pub field: Option<String>,
    pub message: String,
}

/// Call options that a document carried; empty where it said nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Carried<'l> {
    pub auto_submit_and_audit: &'l str,
    pub verify_base_data: &'l str,
    pub sub_system_id: &'l str,
}

/// Turns documents of one form into Models; learns the order of their fields.
#[derive(Debug)]
pub(crate) struct Normaliser {
    names: Names,
    key: String,
    sub_head_open: String,
    id_open: String,
    /// Rows of one document at a time, kept for its room.
    rows: Vec<u8>,
}

impl Normaliser {
    pub(crate) fn new(form: Form) -> Self {
        Self {
            key: form.key.clone(),
            sub_head_open: format!("{}:{{", quote(&form.sub_head)),
            id_open: format!("{{{}:", quote(&form.id_field)),
            names: Names::new(form),
            rows: Vec::new(),
        }
    }

    /// Appends the Model of `line` to `out`. `id` is JSON text, `0` for a new
    /// document; `key` is its number. Nothing is appended when it is rejected.
    pub(crate) fn document<'l>(
        &mut self,
        line: &'l [u8],
        id: &str,
        key: &str,
        out: &mut Vec<u8>,
    ) -> Result<Carried<'l>, Reject> {
        let start = out.len();
        let done = self.append(line, id, key, out);
        if done.is_err() {
            out.truncate(start);
        }
        done
    }

    fn append<'l>(
        &mut self,
        line: &'l [u8],
        id: &str,
        key: &str,
        out: &mut Vec<u8>,
    ) -> Result<Carried<'l>, Reject> {
        if !blocks::is_ascii(line)
            && let Err(error) = std::str::from_utf8(line)
        {
            return Err(broken(error.valid_up_to(), "it is not UTF-8"));
        }
        let start = scan::blank(line, 0);
        if line.get(start) != Some(&b'{') {
            return Err(broken(start, "expected an object"));
        }
        out.extend_from_slice(self.id_open.as_bytes());
        out.extend_from_slice(id.as_bytes());
        let after_id = out.len();
        let mut pass = Pass {
            names: &mut self.names,
            sub_head_open: &self.sub_head_open,
            line,
            key,
            out,
            options: [b""; CallOption::ALL.len()],
            said: b"",
            key_seen: false,
            sub_close: None,
            entity_seen: false,
            entity_tail: false,
            rows: &mut self.rows,
        };
        let end = pass.members(Scope::Head, start)?;
        let end = scan::blank(line, end);
        if end != line.len() {
            return Err(broken(end, "expected the end of the document"));
        }
        let (options, key_seen) = (pass.options, pass.key_seen);
        out.push(b'}');
        if !key_seen {
            let number = format!(",{}:{}", quote(&self.key), quote(key));
            out.splice(after_id..after_id, number.bytes());
        }
        carried(options, &self.names.form().id)
    }
}

fn carried<'l>(options: [&'l [u8]; 5], form: &str) -> Result<Carried<'l>, Reject> {
    let texts = options.map(|said| std::str::from_utf8(said).unwrap_or_default());
    let [
        form_id,
        operation,
        auto_submit_and_audit,
        verify_base_data,
        sub_system_id,
    ] = texts;
    if !form_id.is_empty() && form_id != form {
        return Err(Reject {
            code: "kingdee.form",
            field: Some("FormId".to_owned()),
            message: format!("found form `{form_id}`, expected the collection `{form}`"),
        });
    }
    let saves = ["Save", "BatchSave"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(operation));
    if !operation.is_empty() && !saves {
        return Err(Reject {
            code: "kingdee.operation",
            field: Some("Operation".to_owned()),
            message: format!("found operation `{operation}`, expected `Save` or `BatchSave`"),
        });
    }
    Ok(Carried {
        auto_submit_and_audit,
        verify_base_data,
        sub_system_id,
    })
}

fn broken(at: usize, what: &str) -> Reject {
    Reject {
        code: "kingdee.json",
        field: None,
        message: format!("the document is broken at byte {at}: {what}"),
    }
}
