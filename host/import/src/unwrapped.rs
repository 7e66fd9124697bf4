//! A target whose calls hold the document in an argument: here a document is
//! sent by itself, and the connector puts it into its call.

use crate::report::{Note, Report};
use crate::scheme::Side;

/// The target's fields without the argument around them. `arguments` are names
/// of which one may be that argument.
pub(crate) fn unwrapped(target: &Side, arguments: &[&str], report: &mut Report) -> Side {
    let mut target = target.clone();
    let inside = |path: &str, name: &str| {
        path.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('.'))
    };
    let Some(name) = arguments
        .iter()
        .find(|name| target.request.iter().any(|row| inside(&row.path, name)))
    else {
        return target;
    };
    let is_argument = |path: &str| path == *name;
    let place = format!("target.request {name}");
    match target.request.iter().find(|row| is_argument(&row.path)) {
        Some(row) if !row.value.is_empty() => {
            let why = "the connector puts documents into the call, and a record makes one";
            let todo = format!(
                "write `each: {}` in the mapping if each of its rows is a document",
                row.value
            );
            report.changed(place, Note::new("a document a record", why, todo));
        }
        _ => report.carried(place, "the connector puts documents into it"),
    }
    target.request.retain(|row| !is_argument(&row.path));
    for row in &mut target.request {
        if inside(&row.path, name) {
            row.path = row.path.split_off(name.len() + 1);
        }
    }
    target
}
