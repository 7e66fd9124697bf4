//! Tables that other pipelines fill: what is asked of the host, and what
//! becomes of what it gives.

use std::cell::RefCell;

use duijie_sdk::transform::Verdict;
use duijie_sdk::{Missing, Retry, Snapshot, Tables};

use super::outcome;
use crate::Mapping;

/// A host with one table of shops, or a reason why it has none.
struct Shops {
    missing: Option<Missing>,
    /// Shop, customer and unit of each row.
    rows: Vec<[Option<&'static str>; 3]>,
    asked: RefCell<Vec<(String, Vec<String>)>>,
}

const COLUMNS: [&str; 3] = ["shop_no", "customer", "unit"];

impl Tables for Shops {
    fn get(&self, name: &str, columns: &[String]) -> Result<Snapshot, Missing> {
        let mut asked = self.asked.borrow_mut();
        asked.push((name.to_owned(), columns.to_vec()));
        if let Some(missing) = &self.missing {
            return Err(missing.clone());
        }
        let mut rows = String::new();
        for row in &self.rows {
            let value = |column: &String| {
                let place = COLUMNS.iter().position(|known| known == column);
                place.and_then(|place| row[place])
            };
            let row: Vec<Option<&str>> = columns.iter().map(value).collect();
            rows.push_str(&serde_json::to_string(&row).unwrap());
            rows.push('\n');
        }
        Ok(Snapshot {
            rows: rows.into_bytes(),
            columns: match self.rows.is_empty() {
                true => Vec::new(),
                false => COLUMNS.map(str::to_owned).to_vec(),
            },
            digest: String::new(),
            filled_ms: 0,
        })
    }
}

fn shops(rows: &[[Option<&'static str>; 3]]) -> Shops {
    Shops {
        missing: None,
        rows: rows.to_vec(),
        asked: RefCell::default(),
    }
}

const CUSTOMER: &str = "{{s|table('shops','shop_no','customer')}}";
const UNIT: &str = "_findCollection find unit from shops where shop_no={{s}} customer={{c}}";
const ROWS: &[[Option<&str>; 3]] = &[
    [Some("S1"), Some("C\"1"), Some("Pcs")],
    [Some("S2"), None, Some("盒")],
    [Some("S3"), Some("C3"), None],
    [Some("S3"), Some("C4"), None],
    [Some("S3"), Some("C3"), None],
    [None, Some("C5"), None],
];

fn settings(values: &[&str], missing: &str) -> String {
    let rules = values.iter().enumerate().map(|(number, value)| {
        serde_json::json!({"field": format!("o{number}"), "type": "string", "value": value})
    });
    let rules: Vec<_> = rules.collect();
    let rules = serde_json::to_string(&rules).unwrap();
    format!(r#"{{"rules":{rules},"tables":{{"shops":{{"from":"wdt-shops"{missing}}}}}}}"#)
}

#[test]
fn a_table_is_asked_for_once_with_the_columns_of_all_questions() {
    let host = shops(ROWS);
    let mut mapping = Mapping::open_with(&settings(&[CUSTOMER, UNIT], ""), &host).unwrap();
    let columns = ["shop_no", "customer", "unit"].map(str::to_owned).to_vec();
    assert_eq!(*host.asked.borrow(), [("wdt-shops".to_owned(), columns)]);
    let record = r#"{"s":"S1","c":"C\"1"}"#;
    assert_eq!(outcome(&mut mapping, record), r#"{"o0":"C\"1","o1":"Pcs"}"#);
}

#[test]
fn a_row_that_lacks_the_wanted_column_answers_nothing() {
    let mut mapping = Mapping::open_with(&settings(&[CUSTOMER], ""), &shops(ROWS)).unwrap();
    assert_eq!(outcome(&mut mapping, r#"{"s":"S2"}"#), "{}");
}

#[test]
fn a_value_that_rows_answer_in_two_ways_is_refused_when_it_comes() {
    for missing in ["", r#","missing":"empty""#, r#","missing":{"default":"X"}"#] {
        let mut mapping =
            Mapping::open_with(&settings(&[CUSTOMER], missing), &shops(ROWS)).unwrap();
        assert_eq!(
            outcome(&mut mapping, r#"{"s":"S3"}"#),
            "map.table: `o0`: two rows of the value table `shops` have shop_no `S3`, with another \
             `customer`: give one more column"
        );
    }
}

#[test]
fn a_row_that_is_not_there_yet_is_asked_for_later() {
    let settings = settings(&[CUSTOMER], r#","missing":"later""#);
    let record = br#"{"s":"S9"}"#;
    let verdict = |rows: &[[Option<&'static str>; 3]]| {
        let mut mapping = Mapping::open_with(&settings, &shops(rows)).unwrap();
        mapping.apply(record, 1).unwrap().verdicts.remove(0)
    };
    // An empty table has every column.
    for rows in [ROWS, &[]] {
        let Verdict::Reject(rejection) = verdict(rows) else {
            panic!("it was not rejected");
        };
        assert_eq!(rejection.retry, Retry::Later);
        assert!(rejection.message.contains("`S9` is not in the value table"));
    }
    let there = [Some("S9"), Some("C9"), None];
    assert!(matches!(verdict(&[there]), Verdict::Keep));
}

#[track_caller]
fn check_problem(host: &Shops, value: &str, expected: &str) {
    let problems = Mapping::open_with(&settings(&[value], ""), host).unwrap_err();
    let told: Vec<String> = problems
        .iter()
        .map(|one| {
            let hint = one.hint.as_deref().unwrap_or_default();
            format!("{} {}; {hint}", one.at, one.message)
        })
        .collect();
    assert_eq!(told, [expected]);
}

#[test]
fn a_column_that_the_table_does_not_have_is_told_with_the_nearest() {
    check_problem(
        &shops(ROWS),
        "{{s|table('shops','shop_no','custome')}}",
        "/tables/shops/from the value table `wdt-shops` has no column `custome`, it has \
         shop_no, customer, unit; did you mean `customer`?",
    );
    check_problem(
        &shops(ROWS),
        "{{s|table('shops')}}",
        "/rules/0/value the value table `shops` has columns of its own; name the columns: \
         `|table('name', 'given', 'wanted')`",
    );
}

#[test]
fn a_table_that_cannot_be_read_is_told_at_its_place() {
    for (missing, expected, is_told_by_check) in [
        (
            Missing::NotDeclared,
            "/tables/shops/from the pipeline does not say that it reads the value table \
             `wdt-shops`; write `tables: [wdt-shops]` beside `connector: map`",
            true,
        ),
        (
            Missing::NeverFilled,
            "/tables/shops/from the value table `wdt-shops` was never filled; run the \
             pipeline that fills it first",
            false,
        ),
        (
            Missing::TooLarge(9),
            "/tables/shops/from the columns asked of the value table `wdt-shops` are more \
             than 9 bytes; look up fewer columns, or cut the table in two",
            true,
        ),
    ] {
        let mut host = shops(&[]);
        host.missing = Some(missing);
        check_problem(&host, CUSTOMER, expected);
        let problems = Mapping::check_with(&settings(&[CUSTOMER], ""), &host);
        assert_eq!(!problems.is_empty(), is_told_by_check, "{expected}");
    }
}

#[test]
fn a_table_has_its_rows_from_one_place() {
    let both = r#","rows":{"a":"b"}"#;
    let problems = Mapping::check_with(&settings(&[CUSTOMER], both), &shops(&[]));
    assert_eq!(
        problems[0].message,
        "found `from` beside `rows`, expected one of them"
    );
}
