//! Value tables and documents for each row: what an admin's tables give, and
//! what becomes of a miss.

use duijie_sdk::Retry;
use duijie_sdk::transform::Verdict;

use super::mapped;
use crate::Mapping;

const TABLES: &str = r#""tables":{
    "shop_customer":{"rows":{"S1":"C1","S2":"C2"}},
    "8e620793-bebb":{"rows":[
        {"FBillNo":"PO1","FMaterialId_FNumber":"M1","FEntryId":"11","FFree":true},
        {"FBillNo":"PO1","FMaterialId_FNumber":"M2","FEntryId":"12"},
        {"FBillNo":"PO2","FMaterialId_FNumber":"M1","FEntryId":"21"}]MISSING}}"#;

fn settings(value: &str, missing: &str) -> String {
    let rule = serde_json::json!({"field": "o", "type": "string", "value": value});
    let tables = TABLES.replace("MISSING", missing);
    format!(r#"{{"rules":[{rule}],"lists":{{"l":{{}}}},{tables}}}"#)
}

fn check(value: &str, record: &str, expected: &str) {
    assert_eq!(mapped(&settings(value, ""), record), expected, "{value}");
}

const ENTRY: &str = "_findCollection find FEntryId from 8e620793-bebb where FBillNo={{no}} FMaterialId_FNumber={{l.m}}";

#[test]
fn a_row_is_found_by_several_columns() {
    check(ENTRY, r#"{"no":"PO1","l":[{"m":"M2"}]}"#, r#"{"o":"12"}"#);
    check(ENTRY, r#"{"no":"PO2","l":[{"m":"M1"}]}"#, r#"{"o":"21"}"#);
    // The article tables lost the underscore, and a given value may be a text.
    check(
        "findCollection find FEntryId from 8e620793-bebb where FBillNo='PO1' FMaterialId_FNumber={{l.m}}",
        r#"{"l":[{"m":"M1"}]}"#,
        r#"{"o":"11"}"#,
    );
    check(
        "_findCollection find value from shop_customer where key=S{{n}}",
        r#"{"n":2}"#,
        r#"{"o":"C2"}"#,
    );
    check(ENTRY, r#"{"no":"","l":[{"m":"M1"}]}"#, "{}");
}

#[test]
fn a_pipe_names_its_columns_where_the_table_has_more_than_two() {
    check(
        "{{no|table('8e620793-bebb','FEntryId','FBillNo')}}",
        r#"{"no":"21"}"#,
        r#"{"o":"PO2"}"#,
    );
    check(
        "{{s|table('shop_customer')}}",
        r#"{"s":"S1"}"#,
        r#"{"o":"C1"}"#,
    );
}

#[test]
fn a_look_up_stands_inside_an_expression() {
    check(
        "_function case _findCollection find FFree from 8e620793-bebb where FBillNo={{no}} FMaterialId_FNumber={{l.m}} _endFind when true then '{{l.v}}' else '' end",
        r#"{"no":"PO1","l":[{"m":"M1","v":"2026-01-01"}]}"#,
        r#"{"o":"2026-01-01"}"#,
    );
    check(
        "_function CONCAT('x-', _findCollection find value from shop_customer where key={{s}} _endFind) ",
        r#"{"s":"S2"}"#,
        r#"{"o":"x-C2"}"#,
    );
}

#[test]
fn a_miss_is_rejected_unless_the_table_says_otherwise() {
    let record = r#"{"no":"PO9","l":[{"m":"M1"}]}"#;
    check(
        ENTRY,
        record,
        "map.table: `o`: FBillNo `PO9` and FMaterialId_FNumber `M1` is not in the value table `8e620793-bebb`",
    );
    for (missing, expected) in [
        (r#","missing":"empty""#, "{}"),
        (r#","missing":{"default":"?"}"#, r#"{"o":"?"}"#),
        (
            r#","missing":"drop""#,
            "dropped: `o`: FBillNo `PO9` and FMaterialId_FNumber `M1` is not in the value table `8e620793-bebb`",
        ),
    ] {
        assert_eq!(mapped(&settings(ENTRY, missing), record), expected);
    }
}

#[test]
fn a_miss_is_tried_again_later_where_the_table_says_so() {
    let retry = |missing: &str| {
        let mut mapping = Mapping::open(&settings(ENTRY, missing)).unwrap();
        let record = br#"{"no":"PO9","l":[{"m":"M1"}]}"#;
        match mapping.apply(record, 1).unwrap().verdicts.remove(0) {
            Verdict::Reject(rejection) => rejection.retry,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(retry(r#","missing":"later""#), Retry::Later);
    assert_eq!(retry(""), Retry::Never);
}

#[test]
fn rows_that_answer_in_two_ways_are_refused() {
    let problems = Mapping::check(&settings(
        "_findCollection find FEntryId from 8e620793-bebb where FBillNo={{no}}",
        "",
    ));
    assert_eq!(
        problems[0].message,
        "two rows of the value table `8e620793-bebb` have FBillNo `PO1`, with another `FEntryId`, at character 1 of the expression"
    );
}

#[test]
fn each_row_of_a_list_becomes_a_document() {
    let settings = r#"{"rules":[{"field":"no","type":"string","value":"{{order_no}}-{{details_list_goods}}"},
        {"field":"q","type":"int","value":"{{details_list.num}}"}],
        "each":{"list":"details_list","part":"rec_id"},
        "condition":[[{"field":"details_list_num","logic":"gt","value":"0"}]]}"#;
    let mut mapping = Mapping::open(settings).unwrap();
    let batch = mapping
        .apply(
            br#"{"order_no":"A","details_list":[{"rec_id":7,"goods":"g1","num":1},{"rec_id":8,"goods":"g2","num":0},{"rec_id":9,"goods":"g3","num":3}]}
{"order_no":"B","details_list":[]}
{"order_no":"C","details_list":[{"rec_id":1,"goods":"g","num":0}]}
{"order_no":"D","details_list":[{"rec_id":1,"goods":"g","num":1},{"rec_id":1,"goods":"h","num":1}]}
{"order_no":"E","details_list":[{"rec_id":1,"goods":"g","num":1},{"rec_id":2,"goods":"h","num":"1.5"}]}
{"order_no":"F","details_list":{"rec_id":4,"goods":"g","num":1}}"#,
            6,
        )
        .unwrap();
    assert_eq!(
        String::from_utf8(batch.data).unwrap(),
        "{\"no\":\"A-g1\",\"q\":1}\n{\"no\":\"A-g3\",\"q\":3}\n{\"no\":\"F-g\",\"q\":1}\n"
    );
    let lines: Vec<_> = batch
        .lines
        .iter()
        .map(|line| (line.sources.as_slice(), line.part.as_str()))
        .collect();
    assert_eq!(lines, [(&[0][..], "7"), (&[0][..], "9"), (&[5][..], "4")]);
    let verdicts: Vec<_> = batch
        .verdicts
        .iter()
        .map(|verdict| match verdict {
            Verdict::Keep => "keep".to_owned(),
            Verdict::Drop(reason) => reason.clone(),
            Verdict::Reject(rejection) => rejection.message.clone(),
            Verdict::Other(other) => other.clone(),
        })
        .collect();
    assert_eq!(
        verdicts,
        [
            "keep",
            "`details_list` has no row",
            "{{details_list_num}} is 0, wanted: gt `0`",
            "two rows of `details_list` are called `1`",
            "row 2 of `details_list`: `q`: the value is the text `1.5`, expected a whole number",
            "keep",
        ]
    );
}

#[test]
fn rows_without_a_name_of_their_own_are_told_apart_by_their_place() {
    let settings = r#"{"rules":[{"field":"g","type":"string","value":"{{rows_g}}"}],
        "lists":{"rows":{"from":"details","fields":{"g":"goods"}}},"each":"rows"}"#;
    let mut mapping = Mapping::open(settings).unwrap();
    let batch = mapping
        .apply(br#"{"details":[{"goods":"x"},{"goods":"y"}]}"#, 1)
        .unwrap();
    assert_eq!(
        String::from_utf8(batch.data).unwrap(),
        "{\"g\":\"x\"}\n{\"g\":\"y\"}\n"
    );
    let parts: Vec<_> = batch.lines.iter().map(|line| line.part.as_str()).collect();
    assert_eq!(parts, ["1", "2"]);
}
