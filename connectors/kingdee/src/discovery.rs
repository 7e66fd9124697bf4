//! What documents of a known form hold, as they are written and as they are
//! read: a query names base data by the member that it asks for.

use duijie_sdk::Role;
use duijie_sdk::catalogue::Catalogue;
use duijie_sdk::discovery::{Field, Fields, Kind, Title};

use crate::table::{self, Known, Line};

pub(crate) fn fields_of(role: Role, form: &str) -> Result<Fields, String> {
    let known = table::known(form).ok_or_else(|| {
        format!("`{form}` is not in the connector's table: its fields stand in the system alone")
    })?;
    let mut fields = Catalogue::new(table::TEXT)
        .collection(form)
        .map(duijie_sdk::catalogue::Collection::discovery)
        .ok_or("no fields")?;
    if role == Role::Source {
        fields.rules.clear();
        fields.fields = read(known);
    } else {
        let is_ours = |path: &str| {
            !known
                .fields()
                .any(|line| line.is_at(path) && line.is_read_only())
        };
        fields.fields.retain(|field| is_ours(&field.path));
    }
    Ok(fields)
}

/// The fields of a record, in its order.
fn read(known: Known) -> Vec<Field> {
    let mut fields = vec![field(known.id.to_owned(), Kind::Any, "内码", "Id")];
    for line in known.fields() {
        let is_row = !known.entity.is_empty() && line.within == known.entity;
        if line.name == known.entity {
            let list = line.name.to_owned();
            fields.push(field(list, Kind::List, line.zh, line.en));
        } else if let Some(key) = line.query_key() {
            let name = key.replace('.', "_");
            let path = if is_row {
                format!("{}.{name}", known.entity)
            } else {
                name
            };
            fields.push(field(path, kind(line), line.zh, line.en));
        }
    }
    fields
}

fn kind(line: Line) -> Kind {
    match line.kind {
        'n' => Kind::Decimal,
        'i' => Kind::Integer,
        'b' => Kind::Boolean,
        'd' | 't' => Kind::DateTime,
        _ => Kind::Text,
    }
}

fn field(path: String, kind: Kind, zh: &str, en: &str) -> Field {
    Field {
        path,
        kind,
        title: Title {
            en: en.to_owned(),
            zh: zh.to_owned(),
        },
        required: false,
        max_length: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        assert_eq!(Catalogue::new(table::TEXT).problems(), Vec::<String>::new());
        assert_eq!(table::all().count(), 19);
        for known in table::all() {
            assert_eq!(
                Catalogue::new(table::TEXT)
                    .collection(known.name)
                    .unwrap()
                    .fields()
                    .count(),
                known.fields().count(),
                "{}",
                known.name
            );
            for list in [known.entity, known.sub_head] {
                let stands = known.fields().any(|line| line.name == list);
                assert!(list.is_empty() || stands, "{} has no `{list}`", known.name);
            }
            let time = known.time;
            assert!(
                time.is_empty() || known.field("", time).is_some(),
                "{}",
                known.name
            );
        }
    }

    #[test]
    fn fields_differ_by_role() {
        let paths = |role| -> Vec<String> {
            let told = fields_of(role, "SAL_SaleOrder").unwrap();
            told.fields.into_iter().map(|field| field.path).collect()
        };
        let (read, written) = (paths(Role::Source), paths(Role::Target));
        for path in [
            "FID",
            "FCustId_FNumber",
            "FSaleOrderEntry.FMaterialId_FNumber",
            "FModifyDate",
        ] {
            assert!(read.iter().any(|known| known == path), "{path}");
            assert!(!written.iter().any(|known| known == path), "{path}");
        }
        for path in [
            "FCustId",
            "FSaleOrderFinance.FExchangeRate",
            "FSaleOrderEntry.FQty",
        ] {
            assert!(written.iter().any(|known| known == path), "{path}");
        }
        assert!(fields_of(Role::Source, "X_Form").is_err());
    }
}
