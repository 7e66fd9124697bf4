//! Pages in, records and positions out.

use super::*;
use crate::script::{Script, answer, connection, refused, says, session_lost, shown};
use duijie_sdk::Settings;
use duijie_sdk::http::{Failure, Request, Response};
use serde_json::{Value, json};

type Answers = Vec<Result<Response, Failure>>;

const NOW_S: i64 = 1_700_000_000;

fn reading(form: &str, pipeline: &Value) -> Reading {
    let settings = Settings {
        connection: json!({
            "base_url": "http://erp.example.com/k3cloud/", "acct_id": "a", "username": "u",
            "auth": "password", "password": {"$secret": "password"},
        })
        .to_string(),
        pipeline: pipeline.to_string(),
    };
    Reading::resolve(&settings, form).unwrap().0
}

fn reader(script: &Script, form: &str, pipeline: &Value, at: Option<&str>) -> Reader<Script> {
    let client = Client::new(script.clone(), connection("app_secret"), false);
    let at = at.map(|text| Position::from_bytes(text.as_bytes()).unwrap());
    Reader::new(client, reading(form, pipeline), at)
}

/// Three fields of orders, two rows a page.
fn orders(page_size: usize) -> Value {
    json!({
        "fields": ["FBillNo", "FMaterialId.FNumber", "FSaleOrderEntry.FQty"],
        "page_size": page_size,
        "start_time": "2023-11-01 00:00:00",
    })
}

/// A row: id, number, material, quantity, time, row id, place.
fn row(id: u32, quantity: &str, entry: u32) -> String {
    let time = "2023-11-14T00:00:00.5";
    format!("[{id},\"N{id}\",\"M\",{quantity},\"{time}\",{entry},1]")
}

fn rows(rows: &[String]) -> Result<Response, Failure> {
    says(200, &format!("[{}]", rows.join(" ,\n")))
}

/// Reads to the end: keys, lines and positions of each page.
fn read(form: &str, pipeline: &Value, answers: Answers) -> (Script, Vec<String>) {
    let script = Script::logged_in(answers);
    let mut reader = reader(&script, form, pipeline, None);
    let mut told = Vec::new();
    while let Some(batch) = reader.next().unwrap() {
        let keys: Vec<&str> = batch
            .entries
            .iter()
            .map(|entry| entry.key.as_str())
            .collect();
        let data = String::from_utf8(batch.data).unwrap();
        let lines = if data.is_empty() {
            0
        } else {
            data.lines().count()
        };
        assert_eq!(lines, keys.len(), "{data}");
        let position = String::from_utf8(batch.position.unwrap()).unwrap();
        told.push(format!("{} | {data} | {position}", keys.join(",")));
    }
    (script, told)
}

fn asked(request: &Request) -> Value {
    let body: Value = serde_json::from_str(&shown(&request.body)).unwrap();
    body["data"].clone()
}

const WINDOW: &str = "FModifyDate>='2023-11-01 00:00:00' and FModifyDate<'2023-11-15 06:12:20'";

#[test]
fn rows_of_one_document_become_one_record_and_digits_stay() {
    let answers = vec![rows(&[
        row(1, "1.5000", 11),
        row(1, "12345678901234567890.10", 12),
    ])];
    let (script, told) = read("SAL_SaleOrder", &orders(7), answers);
    assert_eq!(
        told,
        [concat!(
            r#"1 | {"FID":1,"FBillNo":"N1","FModifyDate":"2023-11-14T00:00:00.5","FSaleOrderEntry":["#,
            r#"{"FMaterialId_FNumber":"M","FQty":1.5000,"FEntryID":11,"FSeq":1},"#,
            r#"{"FMaterialId_FNumber":"M","FQty":12345678901234567890.10,"FEntryID":12,"FSeq":1}]}"#,
            r#" | {"v":1,"next":1699999940,"rested":true}"#
        )]
    );
    let sent = script.sent();
    assert_eq!(
        asked(&sent[0]),
        json!({
            "FormId": "SAL_SaleOrder",
            "FieldKeys": "FID,FBillNo,FMaterialId.FNumber,FQty,FModifyDate,FSaleOrderEntry_FEntryID,FSaleOrderEntry_FSeq",
            "FilterString": WINDOW,
            "OrderString": "FID,FSaleOrderEntry_FSeq,FSaleOrderEntry_FEntryID",
            "TopRowCount": 0, "StartRow": 0, "Limit": 7, "SubSystemId": "",
        })
    );
}

#[test]
fn a_document_that_a_page_may_have_cut_is_left_to_the_next_page() {
    let answers = vec![
        rows(&[row(1, "1", 11), row(1, "1", 12), row(2, "1", 21)]),
        rows(&[row(2, "1", 21), row(2, "1", 22)]),
    ];
    let (script, told) = read("SAL_SaleOrder", &orders(3), answers);
    let keys: Vec<&str> = told
        .iter()
        .map(|page| page.split(' ').next().unwrap())
        .collect();
    assert_eq!(keys, ["1", "2"]);
    assert!(
        told[0].ends_with(r#""last":true,"after":1}"#),
        "{}",
        told[0]
    );
    assert!(told[1].contains("22"), "{}", told[1]);
    let filter = &asked(&script.sent()[1])["FilterString"];
    assert_eq!(filter, &json!(format!("{WINDOW} and FID>1")));
}

#[test]
fn a_document_that_fills_a_page_is_read_by_itself() {
    let answers = vec![
        rows(&[row(1, "1", 11)]),
        rows(&[row(1, "1", 11), row(1, "2", 12), row(1, "3", 13)]),
        rows(&[row(2, "1", 21)]),
        // It left the window meanwhile.
        rows(&[]),
        rows(&[]),
    ];
    let (script, told) = read("SAL_SaleOrder", &orders(1), answers);
    assert_eq!(told.len(), 3);
    assert!(told[0].contains(r#""FEntryID":13"#) && told[0].ends_with(r#""after":1}"#));
    assert!(told[1].starts_with(" |  | ") && told[1].ends_with(r#""after":2}"#));
    assert!(told[2].ends_with(r#""rested":true}"#));
    let sent = script.sent();
    assert_eq!(
        asked(&sent[1])["FilterString"],
        json!(format!("{WINDOW} and FID=1"))
    );
    assert_eq!(asked(&sent[1])["Limit"], 2000);
}

#[test]
fn a_document_that_changes_between_its_pages_is_read_again() {
    let many = |from: u32, time: &str| -> Result<Response, Failure> {
        let rows: Vec<String> = (from..from + 2000)
            .map(|entry| row(1, "1", entry).replace("2023-11-14T00:00:00.5", time))
            .collect();
        says(200, &format!("[{}]", rows.join(",")))
    };
    let answers = vec![
        rows(&[row(1, "1", 1)]),
        many(1, "A"),
        rows(&[row(1, "1", 2001).replace("2023-11-14T00:00:00.5", "B")]),
        many(1, "B"),
        rows(&[row(1, "7.70", 2001).replace("2023-11-14T00:00:00.5", "B")]),
        rows(&[]),
    ];
    let (_, told) = read("SAL_SaleOrder", &orders(1), answers);
    assert!(
        told[0].contains(r#""FQty":7.70,"FEntryID":2001"#),
        "{}",
        &told[0][..200]
    );
    assert_eq!(told[0].matches("FEntryID").count(), 2001);
    assert_eq!(told[0].matches("FBillNo").count(), 1);
}

#[test]
fn a_bill_without_rows_has_an_empty_list() {
    let answers = vec![says(200, r#"[[3,"N3",null,null,"T",null,null]]"#)];
    let (_, told) = read("SAL_SaleOrder", &orders(7), answers);
    assert!(told[0].contains(r#""FSaleOrderEntry":[]}"#), "{}", told[0]);
}

#[test]
fn a_form_without_times_is_read_whole_and_text_ids_are_quoted() {
    let pipeline = json!({"page_size": 1, "fields": ["FBaseQty"], "filter": "FBaseQty>0"});
    let answers = vec![
        says(200, r#"[["a'b",1.0]]"#),
        says(200, r#"[["c",2.0]]"#),
        says(200, "[]"),
    ];
    let (script, told) = read("STK_Inventory", &pipeline, answers);
    assert_eq!(
        told[0],
        r#"a'b | {"FID":"a'b","FBaseQty":1.0} | {"v":1,"pass":0,"after":"a'b"}"#
    );
    assert_eq!(told[2], r#" |  | {"v":1,"pass":1}"#);
    let filter = &asked(&script.sent()[1])["FilterString"];
    assert_eq!(filter, "(FBaseQty>0) and FID>'a''b'");
}

#[test]
fn windows_follow_each_other_and_a_run_goes_back_by_the_overlap() {
    let pipeline = json!({
        "fields": ["FNumber"], "start_time": "2023-11-14 00:00:00", "window": "1d",
        "time_field": "FApproveDate", "query": "BillQuery",
    });
    let object = r#"[{"FMATERIALID":7,"FApproveDate":"T","FNumber":"x"}]"#;
    let script = Script::logged_in(vec![says(200, object), says(200, "[]"), says(200, "[]")]);
    let mut first = reader(&script, "BD_MATERIAL", &pipeline, None);
    let batch = first.next().unwrap().unwrap();
    assert_eq!(
        String::from_utf8(batch.data).unwrap(),
        r#"{"FMATERIALID":7,"FNumber":"x","FApproveDate":"T"}"#
    );
    assert_eq!(batch.entries[0].version.as_deref(), Some("T"));
    assert!(first.next().unwrap().unwrap().entries.is_empty());
    assert!(first.next().unwrap().is_none());
    let at = format!(r#"{{"v":1,"next":{},"rested":true}}"#, NOW_S - 100);
    let mut again = reader(&script, "BD_MATERIAL", &pipeline, Some(&at));
    again.next().unwrap().unwrap();
    let filters: Vec<Value> = script
        .sent()
        .iter()
        .map(|request| asked(request)["FilterString"].clone())
        .collect();
    assert_eq!(
        filters,
        [
            "FApproveDate>='2023-11-14 00:00:00' and FApproveDate<'2023-11-15 00:00:00'",
            "FApproveDate>='2023-11-15 00:00:00' and FApproveDate<'2023-11-15 06:12:20'",
            "FApproveDate>='2023-11-15 06:01:40' and FApproveDate<'2023-11-15 06:12:20'",
        ]
    );
    assert_eq!(script.operations()[0], "BillQuery");
}

#[test]
fn whole_documents_come_by_view_and_those_that_are_gone_are_left_out() {
    let pipeline = json!({"view": true, "start_time": "2023-11-14"});
    let document = json!({"Result": {
        "ResponseStatus": {"IsSuccess": true, "MsgCode": 0},
        "Result": {"Id": 1, "Price": "x"},
    }});
    let whole = document
        .to_string()
        .replace("\"x\"", "25.5000")
        .replace("{\"Id\"", "{\n\"Id\"");
    let answers = vec![
        says(200, r#"[[1,"T"],[2,"T"]]"#),
        says(200, &whole),
        answer(&refused(10, &[(0, "不存在")])),
    ];
    let (script, told) = read("SAL_SaleOrder", &pipeline, answers);
    assert!(
        told[0].starts_with("1 | { \"Id\":1,\"Price\":25.5000} | "),
        "{}",
        told[0]
    );
    assert_eq!(asked(&script.sent()[1])["Id"], "1");
}

#[test]
fn trouble_is_a_fault_and_nothing_is_skipped() {
    let fault = |answer: Result<Response, Failure>| {
        let script = Script::logged_in(vec![answer, rows(&[row(1, "1", 11)])]);
        let mut reader = reader(&script, "SAL_SaleOrder", &orders(7), None);
        let fault = reader.next().unwrap_err();
        assert_eq!(reader.next().unwrap().unwrap().entries.len(), 1);
        script.sent();
        fault
    };
    let dressed = |code, words| answer(&json!([[refused(code, &[(0, words)])]]));
    assert!(matches!(
        fault(dressed(14, "超过限制")),
        Fault::RateLimited(_)
    ));
    assert!(matches!(
        fault(dressed(2, "没有权限")),
        Fault::Unauthorized(_)
    ));
    assert!(matches!(fault(dressed(4, "异常")), Fault::Unavailable(_)));
    let unknown = dressed(4, "元数据中标识为FNope的字段不存在");
    assert!(matches!(fault(unknown), Fault::InvalidSettings(_)));
    assert!(matches!(
        fault(answer(&refused(5, &[(0, "业务对象不存在")]))),
        Fault::InvalidSettings(_)
    ));
    for broken in [
        r#"[[1,"N1"]]"#,
        r#"[[null,"N1","M",1,"T",1,1]]"#,
        r#"{"0":"rows"}"#,
        "<html>",
        r#"[[1,"N1","M",1,"T",1"#,
    ] {
        assert!(
            matches!(fault(says(200, broken)), Fault::Broken(_)),
            "{broken}"
        );
    }
    assert!(matches!(
        fault(Err(Failure::NoAnswer("cut".to_owned()))),
        Fault::Unavailable(_)
    ));
    let script = Script::logged_in(vec![
        session_lost(),
        crate::script::logged_in(),
        rows(&[row(1, "1", 11)]),
    ]);
    let mut reader = reader(&script, "SAL_SaleOrder", &orders(7), None);
    assert_eq!(reader.next().unwrap().unwrap().entries.len(), 1);
}

#[test]
fn every_problem_of_the_settings_is_told() {
    let settings = |pipeline: Value| Settings {
        connection: "{}".to_owned(),
        pipeline: pipeline.to_string(),
    };
    let problems = |form: &str, pipeline: Value| -> Vec<String> {
        let found = Reading::resolve(&settings(pipeline), form).err().unwrap();
        found
            .into_iter()
            .map(|problem| problem.at)
            .filter(|at| at.starts_with("/pipeline"))
            .collect()
    };
    let bad = json!({
        "page_size": 2001, "start_time": "x", "end_time": "2023-11-01", "window": "long",
        "query": "Select", "unknown": 1,
    });
    let mut found = problems("SAL_SaleOrder", bad);
    found.sort();
    assert_eq!(
        found,
        ["page_size", "query", "start_time", "unknown", "window"]
            .map(|name| format!("/pipeline/{name}"))
    );
    assert_eq!(problems("X_Form", json!({})), ["/pipeline/fields"]);
    assert_eq!(
        problems("STK_Inventory", json!({"start_time": "2023-11-01"})),
        ["/pipeline/start_time"]
    );
    assert_eq!(
        problems("SAL_SaleOrder", json!({"view": true, "page_size": 101})),
        ["/pipeline/page_size"]
    );
}

#[test]
fn an_outline_tells_the_windows() {
    let now_ms = u64::try_from(NOW_S * 1000).unwrap();
    let timed = json!({"start_time": "2023-11-14 00:00:00", "window": "1d"});
    assert_eq!(
        reading("SAL_SaleOrder", &timed).outline(None, now_ms),
        [
            "FModifyDate 2023-11-14 00:00:00 .. 2023-11-14 23:59:59",
            "FModifyDate 2023-11-15 00:00:00 .. 2023-11-15 06:12:19",
        ]
    );
    let whole = reading("STK_Inventory", &json!({}));
    assert_eq!(whole.outline(None, now_ms), ["all of `STK_Inventory`"]);
}
