//! The Model of a document that stands already: its rows get the ids of the
//! rows they replace, so that Kingdee changes them instead of making new ones.

use crate::bill::Row;
use crate::scan::{self, member};
use crate::tree::{Tree, quote};

/// Inserts `FENTRYID` into the rows of `model`. The k-th row of a material takes
/// the k-th standing row of that material; a row without a material takes the
/// next standing row. Other rows are new, with id 0. None when `model` is not
/// what the normaliser writes.
pub(crate) fn with_row_ids(
    model: &[u8],
    entity: &str,
    material: &str,
    standing: &[Row],
) -> Option<Vec<u8>> {
    let Some(list) = member(model, 0, entity)? else {
        return Some(model.to_vec());
    };
    let mut free: Vec<&Row> = standing.iter().collect();
    let mut out = Vec::with_capacity(model.len() + 512);
    let mut copied = 0;
    let mut at = scan::blank(model, list + 1);
    while model.get(at) == Some(&b'{') {
        let (end, _) = scan::value(model, at)?;
        out.extend_from_slice(model.get(copied..=at)?);
        copied = at + 1;
        let id = take(&mut free, code(model, at, material).as_deref());
        let comma = if end - at > 2 { "," } else { "" };
        out.extend_from_slice(format!("\"FENTRYID\":{id}{comma}").as_bytes());
        at = scan::blank(model, end);
        if model.get(at) == Some(&b',') {
            at = scan::blank(model, at + 1);
        }
    }
    out.extend_from_slice(model.get(copied..)?);
    Some(out)
}

/// The number of a row's material.
fn code(model: &[u8], row: usize, material: &str) -> Option<String> {
    let at = member(model, row, material)??;
    let (end, _) = scan::value(model, at)?;
    let text = std::str::from_utf8(model.get(at..end)?).ok()?;
    let Tree::Object(members) = Tree::parse(text)? else {
        return None;
    };
    let (_, code) = members
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("FNumber"))?;
    code.scalar().map(str::to_owned)
}

/// An id as JSON text.
fn take(free: &mut Vec<&Row>, material: Option<&str>) -> String {
    let place = match material {
        None => (!free.is_empty()).then_some(0),
        Some(material) => free
            .iter()
            .position(|row| row.material.as_deref() == Some(material)),
    };
    place.map_or_else(|| "0".to_owned(), |place| id_text(&free.remove(place).id))
}

/// Ids are numbers, or text on forms that use such.
pub(crate) fn id_text(id: &str) -> String {
    let digits = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    let plain = digits && (id == "0" || !id.starts_with('0'));
    if plain { id.to_owned() } else { quote(id) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, material: &str) -> Row {
        let material = (!material.is_empty()).then(|| material.to_owned());
        Row {
            id: id.to_owned(),
            material,
        }
    }

    #[track_caller]
    fn check(model: &str, standing: &[Row], expected: &str) {
        let updated = with_row_ids(model.as_bytes(), "FEntity", "FMaterialID", standing).unwrap();
        assert_eq!(String::from_utf8(updated).unwrap(), expected);
    }

    #[test]
    fn rows_take_the_ids_of_their_material_in_order() {
        check(
            r#"{"FID":7,"FEntity":[{"FMaterialID":{"FNumber":"B"}},{"FMaterialID":{"FNumber":"A"},"x":1},{"FMaterialID":{"FNUMBER":"A"}},{"FMaterialID":{"FNumber":"C"}}],"z":2}"#,
            &[row("11", "A"), row("12", "A"), row("13", "B")],
            r#"{"FID":7,"FEntity":[{"FENTRYID":13,"FMaterialID":{"FNumber":"B"}},{"FENTRYID":11,"FMaterialID":{"FNumber":"A"},"x":1},{"FENTRYID":12,"FMaterialID":{"FNUMBER":"A"}},{"FENTRYID":0,"FMaterialID":{"FNumber":"C"}}],"z":2}"#,
        );
    }

    #[test]
    fn rows_without_material_go_by_order() {
        check(
            r#"{"FEntity":[{"x":1},{},{"x":3}]}"#,
            &[row("11", ""), row("a-12", "")],
            r#"{"FEntity":[{"FENTRYID":11,"x":1},{"FENTRYID":"a-12"},{"FENTRYID":0,"x":3}]}"#,
        );
        check(r#"{"FID":7}"#, &[row("11", "")], r#"{"FID":7}"#);
    }
}
