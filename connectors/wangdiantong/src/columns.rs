//! What becomes of a page of records: its lines as they came, and beside each
//! its key, its version, and whether it tells of a shipment taken back.

use duijie_sdk::json::{Field, Page, Record};
use duijie_sdk::{Change, Entry, Fault, SourceBatch, time};

use crate::collection::{Collection, Kind, Part};

/// The fields that become a record's entry.
pub(crate) struct Columns {
    key: Vec<Column>,
    version: Vec<Field>,
    change: Change,
}

struct Column {
    names: String,
    fields: Vec<Field>,
    optional: bool,
}

impl Columns {
    pub(crate) fn of(collection: &Collection) -> Self {
        let column = |part: &Part| Column {
            names: part.names.join("` or `"),
            fields: part.names.iter().map(|name| Field::new(name)).collect(),
            optional: part.optional,
        };
        Self {
            key: collection.key.iter().map(column).collect(),
            version: collection
                .version
                .iter()
                .map(|name| Field::new(name))
                .collect(),
            change: match collection.kind {
                Kind::Reverted => Change::Delete,
                _ => Change::Upsert,
            },
        }
    }

    /// `place` says for people which page it is.
    pub(crate) fn batch(
        &self,
        page: Option<Page>,
        position: Option<Vec<u8>>,
        place: impl Fn() -> String,
    ) -> Result<SourceBatch, Fault> {
        let mut entries = Vec::new();
        let mut near = 0;
        if let Some(page) = &page {
            entries.reserve(page.len());
            for (index, record) in page.records().enumerate() {
                let entry = self.entry(record, &mut near).map_err(|names| {
                    let place = place();
                    Fault::broken(format!("record {index} of {place} has no `{names}`"))
                })?;
                entries.push(entry);
            }
        }
        Ok(SourceBatch {
            data: page.map(Page::into_lines).unwrap_or_default(),
            entries,
            position,
        })
    }

    /// The error names the part of the key that is missing.
    fn entry(&self, record: Record<'_>, near: &mut usize) -> Result<Entry, &str> {
        let mut key = String::new();
        for column in &self.key {
            let text = column.fields.iter().find_map(|field| text(record, field));
            let text = match text {
                Some(text) => text,
                None if column.optional => continue,
                None => return Err(&column.names),
            };
            if column.optional && matches!(text.as_str(), "0" | "false") {
                continue;
            }
            if !key.is_empty() {
                key.push('/');
            }
            key.push_str(&text);
        }
        let version = self.version.iter().find_map(|field| {
            let raw = record.field_near(field, near)?;
            let text = raw.text().ok().filter(|_| !raw.is_null())?;
            (!text.is_empty()).then(|| stamp(&text))
        });
        Ok(Entry {
            change: self.change,
            ..Entry::upsert(key, version)
        })
    }
}

fn text(record: Record<'_>, field: &Field) -> Option<String> {
    let raw = record.field(field).filter(|raw| !raw.is_null())?;
    let text = raw.text().ok().filter(|text| !text.is_empty())?;
    Some(text.into_owned())
}

/// 旗舰版 tells some times as milliseconds; versions are compared as texts.
fn stamp(text: &str) -> String {
    match text.parse::<i64>() {
        Ok(unix_ms) if text.len() == 13 => time::format(unix_ms.div_euclid(1000)),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::Columns;
    use crate::collection::Collection;
    use duijie_sdk::json::Answer;
    use duijie_sdk::{Change, Entry};

    fn entry(collection: &str, record: &str) -> Result<Entry, String> {
        let collection = Collection::by_name(collection).unwrap();
        let body = format!(r#"{{"list":[{record}]}}"#).into_bytes();
        let page = Answer::read(body, "list").map_err(|(error, _)| error.to_string());
        let page = page.unwrap().into_page();
        let batch = Columns::of(&collection).batch(page.ok(), None, || "the page".to_owned());
        match batch {
            Ok(mut batch) => Ok(batch.entries.remove(0)),
            Err(fault) => Err(format!("{fault:?}")),
        }
    }

    #[test]
    fn keys_and_versions_are_the_first_fields_that_say_something() {
        let check = |collection: &str, record: &str, key: &str, version: Option<&str>| {
            let entry = entry(collection, record).unwrap();
            assert_eq!(
                (entry.key.as_str(), entry.version.as_deref()),
                (key, version)
            );
            assert_eq!(entry.change, Change::Upsert);
        };
        let stock = r#"{"warehouse_no":"W","spec_no":"S","defect":0,"modified":""}"#;
        check("stock_query", stock, "W/S", None);
        let broken = r#"{"warehouse_no":"W","spec_no":"S","defect":true}"#;
        check("stock_query", broken, "W/S/true", None);
        let stockin = r#"{"stockin_no":null,"order_no":"RK1","modify_date":"2025-10-09 11:00:00"}"#;
        check(
            "stockin_order_query",
            stockin,
            "RK1",
            Some("2025-10-09 11:00:00"),
        );
        let flagship = r#"{"stockout_id":2756286207594856469,"modified":1759978800123}"#;
        check(
            "stockout_order_query_trade",
            flagship,
            "2756286207594856469",
            Some("2025-10-09 11:00:00"),
        );
        check(
            "shop",
            r#"{"shop_no":"S1","modified":"2025-10-09 11:00:00"}"#,
            "S1",
            None,
        );
    }

    #[test]
    fn a_reverted_shipment_is_a_delete() {
        let record = r#"{"stockout_id":"7","modified":"2025-10-09 11:00:00"}"#;
        let entry = entry("stockout_order_query_trade_cancel", record).unwrap();
        assert_eq!((entry.key.as_str(), entry.change), ("7", Change::Delete));
    }

    #[test]
    fn a_record_without_its_key_breaks_the_page() {
        let fault = entry("stockin_order_query", r#"{"order_no":""}"#).unwrap_err();
        let expected = "record 0 of the page has no `stockin_no` or `order_no`";
        assert!(fault.contains(expected), "{fault}");
    }
}
