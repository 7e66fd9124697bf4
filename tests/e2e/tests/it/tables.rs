//! Value tables through the real host: one pipeline fills one, killed or not, another looks things up in it, and
//! people see what is in it.

use duijie_e2e::Bare;
use serde_json::{Value, json};

const SHOPS: &str = "pipeline: shops\nscope: shops\n\
    source: { connector: plain, connection: plain, collection: shops }\n\
    target: { table: shops, key: shop_no }\n\
    limits: { page_records: 5, read_ahead: 2, writers: 2, batch_records: 5 }\n";

const ORDERS: &str = r#"pipeline: orders
scope: orders
source: { connector: plain, connection: plain, collection: orders }
transform:
  - connector: map
    tables: [shops]
    settings:
      tables:
        店铺: { from: shops, missing: later }
      rules:
        - { field: number, type: string, value: "{{number}}", required: true }
        - { field: customer, type: string, value: "{{shop|table('店铺','shop_no','customer')}}", required: true }
target: { connector: plain, connection: plain, collection: documents, key: number, guarantee: unique-key }
"#;

fn bare() -> Bare {
    Bare::new(&[("shops", SHOPS), ("orders", ORDERS)])
}

fn shop(bare: &Bare, key: &str, version: &str, customer: &str) {
    let record = format!(
        r#"{{"shop_no":"{key}","customer":"{customer}","rate":0.1000000000000000055,"open":true}}"#
    );
    bare.plain.offer("shops", key, Some(version), &record);
}

fn order(bare: &Bare, number: &str, shop: &str) {
    let record = format!(r#"{{"number":"{number}","shop":"{shop}"}}"#);
    bare.plain.offer("orders", number, None, &record);
}

/// What arrived, number and customer.
fn arrived(bare: &Bare) -> Vec<(String, String)> {
    let documents = bare.plain.documents("documents").into_iter();
    let customer = |json: String| {
        let document: Value = serde_json::from_str(&json).unwrap();
        document["customer"].as_str().unwrap().to_owned()
    };
    documents.map(|(key, json)| (key, customer(json))).collect()
}

fn table(bare: &Bare) -> Value {
    bare.command(&["tables", "show", "shops", "--json"])
        .expect(0)
        .data()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let expected = expected.iter();
    expected
        .map(|(left, right)| ((*left).to_owned(), (*right).to_owned()))
        .collect()
}

#[test]
fn a_table_that_was_never_filled_is_told_with_the_pipeline_that_fills_it() {
    let bare = bare();
    order(&bare, "N1", "001");
    bare.command(&["check"]).expect(0).says(&[
        "plan.table_not_filled",
        "`shops` fills it: `duijie run shops`",
    ]);
    bare.run("orders")
        .expect(1)
        .says(&["the value table `shops` was never filled"]);
    bare.command(&["plan", "orders"])
        .expect(0)
        .says(&["was never filled", "`001` is not in the value table"]);
    bare.command(&["tables", "list"])
        .expect(0)
        .says(&["never filled; `shops` fills it"]);
    bare.command(&["tables", "show", "shops"])
        .expect(2)
        .says(&["`duijie run shops` fills it"]);
    assert_eq!(arrived(&bare), []);
}

#[test]
fn what_one_pipeline_fills_another_one_reads() {
    let bare = bare();
    shop(&bare, "001", "1", "C1");
    order(&bare, "N1", "001");
    order(&bare, "N2", "002");
    bare.run("shops").expect(0);
    let report = bare.run("orders").expect(0).data();
    assert_eq!(
        (&report["applied"], &report["rejected"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(arrived(&bare), pairs(&[("N1", "C1")]));

    // Its row is not there yet: nothing is tried in vain, and then it is.
    let idle = bare.run("orders").expect(0).data();
    assert_eq!(
        (&idle["applied"], &idle["rejected"]),
        (&json!(0), &json!(0))
    );
    shop(&bare, "002", "1", "C2");
    shop(&bare, "001", "2", "C9");
    bare.run("shops").expect(0);
    bare.run("orders").expect(0);
    assert_eq!(arrived(&bare), pairs(&[("N1", "C1"), ("N2", "C2")]));
    let letters = bare
        .command(&["dead-letters", "list", "--json"])
        .expect(0)
        .data();
    assert_eq!(letters["dead_letters"], json!([]));

    let found = table(&bare);
    assert_eq!(found["rows"], 2);
    assert_eq!(
        found["columns"],
        json!(["customer", "open", "rate", "shop_no"])
    );
    let first = json!({"customer": "C9", "open": "true", "rate": "0.1000000000000000055", "shop_no": "001"});
    assert_eq!(found["page"][0], json!({"key": "001", "fields": first}));
    let digest = found["digest"].as_str().unwrap();
    bare.command(&["trace", "N2"])
        .expect(0)
        .says(&["value table", digest]);
    let page = bare.command(&["tables", "show", "shops", "--limit", "1", "--json"]);
    assert_eq!(page.expect(0).data()["next"], "001");
    let page = bare.command(&["tables", "show", "shops", "--after", "001", "--json"]);
    let page = page.expect(0).data();
    assert_eq!(
        (&page["page"][0]["key"], &page["next"]),
        (&json!("002"), &Value::Null)
    );
    bare.command(&["tables", "list"])
        .expect(0)
        .says(&["shops", "rows", digest]);
}

#[test]
fn a_record_that_is_no_row_becomes_a_dead_letter_that_names_the_field() {
    let bare = bare();
    shop(&bare, "001", "1", "C1");
    bare.plain
        .offer("shops", "002", None, r#"{"shop_no":"002","goods":[1]}"#);
    bare.plain
        .offer("shops", "003", None, r#"{"customer":"C3"}"#);
    let report = bare.run("shops").expect(0).data();
    assert_eq!(
        (&report["applied"], &report["rejected"]),
        (&json!(1), &json!(2))
    );
    bare.command(&["dead-letters", "list"]).expect(0).says(&[
        "table.nested",
        "`goods`",
        "pipeline.key_missing",
        "shop_no",
    ]);
    assert_eq!(table(&bare)["rows"], 1);
}

#[test]
fn a_mapping_that_asks_for_what_is_not_declared_or_not_there_is_told_so() {
    let bare = bare();
    shop(&bare, "001", "1", "C1");
    bare.run("shops").expect(0);
    bare.write("orders", &ORDERS.replace("    tables: [shops]\n", ""));
    bare.command(&["check"])
        .expect(2)
        .says(&["write `tables: [shops]` beside `connector: map`"]);
    bare.write("orders", &ORDERS.replace("'customer')", "'custome')"));
    order(&bare, "N1", "001");
    bare.command(&["check"]).expect(0);
    bare.run("orders")
        .expect(1)
        .says(&["has no column `custome`", "customer"]);
    bare.write("orders", ORDERS);
    bare.run("orders").expect(0);
    assert_eq!(arrived(&bare), pairs(&[("N1", "C1")]));
}

#[test]
fn a_run_that_fills_a_table_is_killed_anywhere_and_leaves_the_source_s_rows() {
    let expected = bare();
    let offer = |bare: &Bare| {
        for n in 0..40 {
            let key = format!("{:03}", n % 30);
            shop(bare, &key, &n.to_string(), &format!("C{n}"));
        }
    };
    offer(&expected);
    expected.run("shops").expect(0);
    let whole = table(&expected);
    assert_eq!(whole["rows"], 30);
    let mut kills = 0;
    for points in [
        ["AfterIntent", "AfterSend"],
        ["DuringSend", "BeforeCheckpoint"],
        ["AfterOutcome", "AfterCheckpoint"],
        ["BeforeCheckpoint", "AfterIntent"],
        ["BeforeRunEnds", "AfterOutcome"],
    ] {
        let bare = bare();
        offer(&bare);
        for (nth, point) in points.into_iter().enumerate() {
            kills += u32::from(bare.run_and_kill("shops", point, nth as u32 + 1).code == 137);
        }
        bare.run("shops").expect(0);
        let found = table(&bare);
        assert_eq!(found["digest"], whole["digest"], "{points:?}");
        assert_eq!(found["page"], whole["page"], "{points:?}");
    }
    assert!(kills >= 8, "{kills} kills");
}

#[test]
fn a_backup_carries_its_tables() {
    let bare = bare();
    shop(&bare, "001", "1", "C1");
    bare.run("shops").expect(0);
    let whole = table(&bare);
    let copy = bare.path("copy");
    bare.command(&["backup", copy.to_str().unwrap()]).expect(0);
    let compiled = bare.path("data/compiled");
    for entry in std::fs::read_dir(bare.path("data")).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() && path != compiled {
            true => std::fs::remove_dir_all(path).unwrap(),
            false if path.is_file() => std::fs::remove_file(path).unwrap(),
            false => {}
        }
    }
    bare.command(&["restore", copy.to_str().unwrap()]).expect(0);
    assert_eq!(table(&bare), whole);
    order(&bare, "N1", "001");
    bare.run("orders").expect(0);
    assert_eq!(arrived(&bare), pairs(&[("N1", "C1")]));
}
