//! The Model of a document that stands already: its rows get the ids of the
//! rows they replace, so that Kingdee changes them instead of making new ones.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::bill::Row;

#[derive(Deserialize)]
struct Coded<'m> {
    #[serde(rename = "FMaterialID", borrow, default)]
    material: Option<&'m RawValue>,
}

/// Inserts `FENTRYID` into the rows of `model`. The k-th row of a material takes
/// the k-th standing row of that material; a row without a material takes the
/// next standing row. Other rows are new, with id 0. None when `model` is not
/// what the normaliser writes.
pub(crate) fn with_row_ids(model: &[u8], entity: &str, standing: &[Row]) -> Option<Vec<u8>> {
    let members: std::collections::BTreeMap<&str, &RawValue> =
        serde_json::from_slice(model).ok()?;
    let Some(entity) = members.get(entity) else {
        return Some(model.to_vec());
    };
    let rows: Vec<&RawValue> = serde_json::from_str(entity.get()).ok()?;
    let mut free: Vec<&Row> = standing.iter().collect();
    let mut out = Vec::with_capacity(model.len() + rows.len() * 24);
    let mut copied = 0;
    for row in rows {
        // Raw values are parts of `model`, so their distance is their place.
        let inside = (row.get().as_ptr() as usize).checked_sub(model.as_ptr() as usize)? + 1;
        out.extend_from_slice(model.get(copied..inside)?);
        copied = inside;
        let id = take(&mut free, material(row).as_deref());
        let comma = if row.get().len() > 2 { "," } else { "" };
        out.extend_from_slice(format!("\"FENTRYID\":{id}{comma}").as_bytes());
    }
    out.extend_from_slice(model.get(copied..)?);
    Some(out)
}

fn material(row: &RawValue) -> Option<String> {
    let coded: Coded<'_> = serde_json::from_str(row.get()).ok()?;
    let members: std::collections::BTreeMap<String, String> =
        serde_json::from_str(coded.material?.get()).ok()?;
    let (_, code) = members
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("FNumber"))?;
    Some(code)
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
    if plain {
        id.to_owned()
    } else {
        serde_json::Value::from(id).to_string()
    }
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
        let updated = with_row_ids(model.as_bytes(), "FEntity", standing).unwrap();
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
