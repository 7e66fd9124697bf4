//! Value tables in the hands of a real transform: it sees what its pipeline
//! declares, as it was pinned, and nothing while it checks its settings.

use std::sync::{Arc, Mutex};

use duijie_component::Launcher;
use duijie_contract::{Fault, Launch as _, Missing, Role, Snapshot, Tables, Use};
use duijie_record::{Change, RecordBatch, RecordEntry, SourceKey, Verdict};

use crate::sandbox::{built, options, usage};

/// One table of two columns, and what was asked.
struct Shops {
    rows: Result<&'static str, Missing>,
    asked: Mutex<Vec<(String, Vec<String>)>>,
}

impl Tables for Shops {
    fn get(&self, name: &str, columns: &[String]) -> Result<Snapshot, Missing> {
        let mut asked = self.asked.lock().unwrap();
        asked.push((name.to_owned(), columns.to_vec()));
        self.rows.map(|rows| Snapshot {
            rows: rows.as_bytes().to_vec(),
            columns: ["customer", "shop_no"].map(str::to_owned).to_vec(),
            digest: "d".to_owned(),
            filled_ms: 1,
        })
    }
}

fn mapping(tables: &[&str]) -> Use {
    let settings = r#"{
        "tables": {"shops": {"from": "wdt-shops", "missing": "later"}},
        "rules": [{"field": "c", "type": "string", "value": "{{s|table('shops','shop_no','customer')}}"}]
    }"#;
    Use {
        connection: None,
        pipeline_settings: settings.to_owned(),
        tables: tables.iter().map(|name| (*name).to_owned()).collect(),
        ..usage("map", Role::Transform, "")
    }
}

fn launcher() -> Launcher {
    Launcher::new(options(built("connectors"))).unwrap()
}

fn batch(lines: &[&str]) -> RecordBatch {
    let entries = lines.iter().map(|line| RecordEntry {
        key: SourceKey::from(*line),
        version: None,
        change: Change::Upsert,
        ack_token: None,
    });
    RecordBatch {
        data: lines
            .iter()
            .flat_map(|line| format!("{line}\n").into_bytes())
            .collect(),
        entries: entries.collect(),
        position: None,
    }
}

fn shops(rows: Result<&'static str, Missing>) -> Arc<Shops> {
    Arc::new(Shops {
        rows,
        asked: Mutex::default(),
    })
}

#[tokio::test]
async fn a_mapping_asks_once_when_it_is_opened_and_finds_its_rows() {
    let shops = shops(Ok("[\"001\",\"C1\"]\n[\"002\",\"C2\"]\n"));
    let tables: Arc<dyn Tables> = shops.clone();
    let mut transform = launcher()
        .transform(&mapping(&["wdt-shops"]), &tables)
        .await
        .unwrap();
    let batch = batch(&[r#"{"s":"002"}"#, r#"{"s":"003"}"#]);
    for _ in 0..2 {
        let mapped = transform.apply(&batch).await.unwrap();
        assert_eq!(String::from_utf8(mapped.data).unwrap(), "{\"c\":\"C2\"}\n");
        assert!(matches!(mapped.verdicts[1], Verdict::Reject(_)));
    }
    let columns = ["shop_no", "customer"].map(str::to_owned).to_vec();
    assert_eq!(
        *shops.asked.lock().unwrap(),
        [("wdt-shops".to_owned(), columns)]
    );
}

#[tokio::test]
async fn a_table_that_is_not_there_ends_the_opening_with_its_name() {
    for (missing, expected) in [
        (Missing::NeverFilled, "`wdt-shops` was never filled"),
        (
            Missing::TooLarge,
            "`wdt-shops` are more than 16777216 bytes",
        ),
        (
            Missing::NotDeclared,
            "does not say that it reads the value table `wdt-shops`",
        ),
    ] {
        let tables: Arc<dyn Tables> = shops(Err(missing));
        let opened = launcher()
            .transform(&mapping(&["wdt-shops"]), &tables)
            .await;
        let fault: Fault = opened.err().unwrap();
        assert!(fault.to_string().contains(expected), "{fault}");
    }
}

#[tokio::test]
async fn a_check_knows_what_is_declared_and_no_rows() {
    let launcher = launcher();
    assert_eq!(launcher.check(&mapping(&["wdt-shops"])).await.unwrap(), []);
    let problems = launcher.check(&mapping(&["others"])).await.unwrap();
    assert_eq!(problems[0].at, "/tables/shops/from");
}
