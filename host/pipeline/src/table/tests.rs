//! Rows as they are filled, refused and read back.

use std::collections::BTreeMap;

use duijie_contract::{Missing, Tables as _};
use duijie_record::{Action, TargetKey};
use duijie_store::{Change, TableRow};

use super::{Pinned, Table, change, fields};

fn check(document: &str, expected: Result<&[(&str, &str)], &str>) {
    let found = fields(document.as_bytes());
    let found = found.map_err(|rejection| (rejection.code, rejection.field));
    let expected = expected.map(|fields| {
        let fields = fields.iter();
        let fields = fields.map(|(column, value)| ((*column).to_owned(), (*value).to_owned()));
        fields.collect::<Vec<_>>()
    });
    let expected = expected.map_err(|told| {
        let (code, field) = told.split_once(' ').unwrap_or((told, ""));
        let field = Some(field.to_owned()).filter(|field| !field.is_empty());
        (code.to_owned(), field)
    });
    assert_eq!(found, expected, "{document}");
}

#[test]
fn a_row_is_the_texts_of_a_flat_object() {
    check(
        r#"{"b":"x\"y","a":12345678901234567890.10,"c":true,"d":null,"e":""}"#,
        Ok(&[
            ("a", "12345678901234567890.10"),
            ("b", "x\"y"),
            ("c", "true"),
            ("e", ""),
        ]),
    );
    check("{}", Ok(&[]));
    // As with every reader of the house, the last of two wins.
    check(r#"{"a":"1","a":"2"}"#, Ok(&[("a", "2")]));
    check(r#"{"a":"1","a":null}"#, Ok(&[]));
}

#[test]
fn what_is_no_flat_object_is_refused_with_its_field() {
    check(r#"{"a":"1","b":{"c":1}}"#, Err("table.nested b"));
    check(r#"{"b":[]}"#, Err("table.nested b"));
    check("[1]", Err("table.record"));
    check(r#"{"":1}"#, Err("table.column"));
}

#[test]
fn a_cancel_takes_the_row_away() {
    let key = TargetKey::from("001");
    let dropped = Change::DropTableRow {
        table: "shops".to_owned(),
        key: "001".to_owned(),
    };
    assert_eq!(change("shops", &key, Action::Cancel, b""), dropped);
    let row = change("shops", &key, Action::Update, br#"{"shop_no":"001"}"#);
    assert_eq!(
        row,
        Change::TableRow(self::row("001", &[("shop_no", "001")]))
    );
}

fn row(key: &str, fields: &[(&str, &str)]) -> TableRow {
    let fields = fields.iter();
    TableRow {
        table: "shops".to_owned(),
        key: key.to_owned(),
        fields: fields
            .map(|(column, value)| ((*column).to_owned(), (*value).to_owned()))
            .collect(),
    }
}

fn pinned(rows: Vec<TableRow>) -> Pinned {
    let table = Table {
        rows,
        columns: vec!["customer".to_owned(), "shop_no".to_owned()],
        digest: "d1".to_owned(),
        filled_ms: 7,
    };
    let tables = [("depots", None), ("shops", Some(table))];
    let tables = tables.map(|(name, table)| (name.to_owned(), table));
    Pinned {
        tables: BTreeMap::from(tables),
    }
}

#[test]
fn a_snapshot_has_the_columns_asked_for_and_names_all() {
    let pinned = pinned(vec![
        row("001", &[("customer", "C\"1"), ("shop_no", "001")]),
        row("002", &[("shop_no", "002")]),
    ]);
    let asked = ["shop_no", "customer", "nowhere"].map(str::to_owned);
    let snapshot = pinned.get("shops", &asked).unwrap();
    let lines = "[\"001\",\"C\\\"1\",null]\n[\"002\",null,null]\n";
    assert_eq!(String::from_utf8(snapshot.rows).unwrap(), lines);
    assert_eq!(snapshot.columns, ["customer", "shop_no"]);
    assert_eq!((&*snapshot.digest, snapshot.filled_ms), ("d1", 7));
    assert_eq!(pinned.get("depots", &asked), Err(Missing::NeverFilled));
    assert_eq!(pinned.get("others", &asked), Err(Missing::NotDeclared));
}

#[test]
fn more_than_a_guest_may_be_given_is_refused() {
    let long = "x".repeat(9 << 20);
    let rows = ["001", "002"].map(|key| row(key, &[("customer", &long), ("shop_no", key)]));
    let pinned = pinned(rows.to_vec());
    let asked = |column: &str| pinned.get("shops", &[column.to_owned()]);
    assert_eq!(asked("customer"), Err(Missing::TooLarge));
    asked("shop_no").unwrap();
}

#[test]
fn the_same_tables_are_told_from_others_by_their_digests() {
    let pinned = pinned(Vec::new());
    let components = |table: &str, digest: &str| {
        let map = ("map 0.1.0".to_owned(), "m".to_owned());
        vec![map, (table.to_owned(), digest.to_owned())]
    };
    assert!(pinned.are_those_of(&components("table shops", "d1")));
    assert!(!pinned.are_those_of(&components("table shops", "d2")));
    assert!(!pinned.are_those_of(&components("map 0.1.1", "d1")));
}
