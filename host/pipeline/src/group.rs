//! What many records come to as one: which group a record belongs to, and the
//! record that a group becomes. Pure: no store, no clock, no connector.

use duijie_record::{Rejection, Retry, SourceKey};
use duijie_store::GroupPart;

mod decimal;
mod fold;
mod key;
mod object;
#[cfg(test)]
mod tests;

pub(crate) use fold::record;
pub(crate) use key::of as key_of;
pub(crate) use object::{Object, text};

/// What the source key of a group's record begins with: no source gives a key
/// like it.
const PREFIX: &str = "group:";

/// The source key of the record that a part of a group becomes. It never
/// changes: target keys are derived from it.
pub(crate) fn source_key(place: &GroupPart) -> SourceKey {
    SourceKey(format!("{PREFIX}{}#{}", place.group, place.part))
}

/// The part that a group's record is made of; `None` for any other record.
pub(crate) fn place(source_key: &str) -> Option<GroupPart> {
    let (group, part) = source_key.strip_prefix(PREFIX)?.rsplit_once('#')?;
    Some(GroupPart {
        group: group.to_owned(),
        part: part.parse().ok()?,
    })
}

/// The rejection of a record that cannot be grouped.
fn refusal(code: &str, field: &str, message: String) -> Rejection {
    Rejection {
        code: format!("pipeline.{code}"),
        message,
        field: Some(field.to_owned()),
        retry: Retry::Never,
    }
}
