//! Batches in, requests and outcomes out.

use duijie_sdk::Retry;
use duijie_sdk::http::{Failure, Response};
use serde_json::{Value, json};

use super::*;
use crate::script::{Script, answer, client, refused, saved, says, session_lost, shown};
use crate::settings::Pipeline;

mod change;

type Answers = Vec<Result<Response, Failure>>;

fn entry(target_key: &str, action: Action) -> Entry {
    Entry {
        target_key: target_key.to_owned(),
        action,
        known_id: None,
        attempt: 1,
    }
}

fn batch(documents: &[(&str, Action, Value)]) -> Batch {
    let lines: String = documents
        .iter()
        .map(|(_, _, document)| format!("{document}\n"))
        .collect();
    let entries = documents
        .iter()
        .map(|(key, action, _)| entry(key, *action))
        .collect();
    Batch {
        data: lines.into_bytes(),
        entries,
    }
}

/// As little as a bill may hold.
fn least() -> Value {
    json!({
        "FBillTypeID": "XSCKD01_SYS", "FDate": "2025-10-09", "FSaleOrgId": "100",
        "FCustomerID": "C", "FStockOrgId": "100",
        "FEntity": [{"FMaterialID": "S", "FRealQty": "1"}],
    })
}

/// The least with these fields.
fn with(more: &Value) -> Value {
    let mut document = least();
    let members = more.as_object().unwrap().clone();
    document.as_object_mut().unwrap().extend(members);
    document
}

fn created(keys: &[&str]) -> Batch {
    batch(
        &keys
            .iter()
            .map(|key| (*key, Action::Create, least()))
            .collect::<Vec<_>>(),
    )
}

fn write_with(
    batch: &Batch,
    answers: Answers,
    pipeline: &Value,
) -> (Script, Result<Vec<Outcome>, Fault>) {
    write_to("SAL_OUTSTOCK", batch, answers, pipeline)
}

fn write_to(
    form: &str,
    batch: &Batch,
    answers: Answers,
    pipeline: &Value,
) -> (Script, Result<Vec<Outcome>, Fault>) {
    let script = Script::logged_in(answers);
    let (pipeline, problems) = Pipeline::read(&pipeline.to_string());
    assert!(problems.is_empty(), "{problems:?}");
    let operation = Operation::of(&pipeline).unwrap();
    let form = Form::new(form, &pipeline);
    let mut writer = Writer::new(client(&script), form, pipeline.options, operation);
    let outcomes = writer.write(batch);
    (script, outcomes)
}

fn write(batch: &Batch, answers: Answers) -> (Script, Result<Vec<Outcome>, Fault>) {
    write_with(batch, answers, &json!({}))
}

fn body(request: &duijie_sdk::http::Request) -> Value {
    serde_json::from_str(&shown(&request.body)).unwrap()
}

#[track_caller]
fn check(batch: &Batch, answers: Answers, expected: &[&str]) {
    let (script, outcomes) = write(batch, answers);
    script.sent();
    let shown: Vec<String> = outcomes.unwrap().iter().map(show).collect();
    assert_eq!(shown, expected);
}

fn show(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Applied(id) => format!("applied {}", id.as_deref().unwrap_or("-")),
        Outcome::Rejected(rejection) if rejection.retry == Retry::Later => {
            format!("later {}", rejection.code)
        }
        Outcome::Rejected(rejection) => format!("rejected {}", rejection.code),
        Outcome::Unknown(_) => "unknown".to_owned(),
        Outcome::Other(_) => "other".to_owned(),
    }
}

/// The configuration table of the published seed, filled in for one order.
fn seed() -> Value {
    let options = json!({
        "FormId": "SAL_OUTSTOCK", "Operation": "Save", "IsAutoSubmitAndAudit": false,
        "IsVerifyBaseDataField": false, "SubSystemId": "21",
    });
    let mut row = json!({
        "FMaterialID": "SKU-1", "FAuxPropId": "03", "FMustQty": "2", "FRealQty": "2", "FPrice": "",
        "FTaxPrice": "25.5", "FIsFree": "false", "FLot": "20250822", "FProduceDate": "",
        "FExpiryDate": "", "FEntryTaxRate": "", "FEntryTaxAmount": "", "FOwnerTypeId": "BD_OwnerOrg",
        "FOwnerId": "100", "FAmount": "", "FAllAmount": "", "FStockID": "CK01",
    });
    row.as_object_mut()
        .unwrap()
        .extend(options.as_object().unwrap().clone());
    json!({
        "FBillTypeID": "XSCKD01_SYS", "FBillNo": "CK20221012559", "FDate": "2022-10-12 13:40:00",
        "FSaleOrgId": "100", "FCustomerID": "FENXIAO004", "FSaleDeptID": "BM000175",
        "FStockOrgId": "100", "F_ora_Text_ysdh": "SRC-TID-1", "F_ora_Text_ckdh": "CK20221012559",
        "FOwnerIdHead": "100",
        "SubHeadEntity": {"FSettleOrgID": "100", "FSETTLECURRID": "PRE001", "FEntity": [row]},
    })
}

#[test]
fn the_seed_document_becomes_the_golden_body() {
    let golden = json!({"formid": "SAL_OUTSTOCK", "data": {
        "NeedUpDateFields": [], "NeedReturnFields": ["FBillNo"], "IsDeleteEntry": "true",
        "SubSystemId": "21", "IsVerifyBaseDataField": "false", "IsEntryBatchFill": "true",
        "ValidateFlag": "true", "NumberSearch": "true", "InterationFlags": "",
        "IsAutoSubmitAndAudit": "false",
        "Model": [{
            "FID": 0, "FBillTypeID": {"FNUMBER": "XSCKD01_SYS"}, "FBillNo": "CK20221012559",
            "FDate": "2022-10-12 13:40:00", "FSaleOrgId": {"FNumber": "100"},
            "FCustomerID": {"FNumber": "FENXIAO004"}, "FSaleDeptID": {"FNumber": "BM000175"},
            "FStockOrgId": {"FNumber": "100"}, "F_ora_Text_ysdh": "SRC-TID-1",
            "F_ora_Text_ckdh": "CK20221012559", "FOwnerIdHead": {"FNumber": "100"},
            "SubHeadEntity": {"FSettleOrgID": {"FNumber": "100"}, "FSettleCurrID": {"FNumber": "PRE001"}},
            "FEntity": [{
                "FMaterialID": {"FNumber": "SKU-1"},
                "FAuxPropId": {"FAUXPROPID__FF100001": {"FNumber": "03"}},
                "FMustQty": 2, "FRealQty": 2, "FTaxPrice": 25.5, "FIsFree": false,
                "FLot": {"FNumber": "20250822"}, "FOwnerTypeID": "BD_OwnerOrg",
                "FOwnerID": {"FNumber": "100"}, "FStockID": {"FNumber": "CK01"},
            }],
        }],
    }});
    let batch = batch(&[("CK20221012559", Action::Create, seed())]);
    let settings = json!({"options": {"NeedReturnFields": ["FBillNo"]}});
    let (script, outcomes) = write_with(&batch, vec![answer(&saved(&[(0, 105_410)]))], &settings);
    assert_eq!(
        outcomes.unwrap().iter().map(show).collect::<Vec<_>>(),
        ["applied 105410"]
    );
    assert_eq!(body(&script.sent()[0]), golden);
}

#[test]
fn a_bad_document_is_rejected_alone_and_indices_still_fit() {
    let documents = batch(&[
        ("A", Action::Create, with(&json!({"FBillNo": "other"}))),
        ("B", Action::Create, with(&json!({"FBillNo": "B"}))),
        ("C", Action::Create, json!({"FEntity": 5})),
        ("D", Action::Create, least()),
    ]);
    let (script, outcomes) = write(&documents, vec![answer(&saved(&[(1, 9), (0, 8)]))]);
    assert_eq!(
        outcomes.unwrap().iter().map(show).collect::<Vec<_>>(),
        [
            "rejected kingdee.key",
            "applied 8",
            "rejected kingdee.shape",
            "applied 9"
        ]
    );
    let sent = script.sent();
    assert_eq!(sent[0].purpose, Some(Purpose::Write(vec![1, 3])));
    check(
        &batch(&[("A", Action::Create, with(&json!({"FBillNo": "x"})))]),
        vec![],
        &["rejected kingdee.key"],
    );
}

#[test]
fn documents_with_other_options_go_in_their_own_request() {
    let documents = batch(&[
        ("A", Action::Create, with(&json!({"SubSystemId": 21}))),
        (
            "B",
            Action::Create,
            with(&json!({"SubSystemId": "22", "IsAutoSubmitAndAudit": true})),
        ),
        ("C", Action::Create, with(&json!({"SubSystemId": "21"}))),
    ]);
    let answers = vec![answer(&saved(&[(0, 1), (1, 3)])), answer(&saved(&[(0, 2)]))];
    let (script, outcomes) = write(&documents, answers);
    assert_eq!(
        outcomes.unwrap().iter().map(show).collect::<Vec<_>>(),
        ["applied 1", "applied 2", "applied 3"]
    );
    let sent = script.sent();
    assert_eq!(sent[0].purpose, Some(Purpose::Write(vec![0, 2])));
    assert_eq!(body(&sent[0])["data"]["SubSystemId"], "21");
    assert_eq!(body(&sent[0])["data"].get("IsAutoSubmitAndAudit"), None);
    assert_eq!(body(&sent[1])["data"]["IsAutoSubmitAndAudit"], "true");
}

#[test]
fn settings_give_options_where_documents_say_nothing() {
    let settings = json!({"options": {
        "SubSystemId": "21", "IsAutoSubmitAndAudit": true, "InterationFlags": "STK_InvCheckResult",
        "NeedUpDateFields": ["FNote"], "BatchCount": 2,
    }});
    let (script, _) = write_with(&created(&["A"]), vec![answer(&saved(&[]))], &settings);
    let data = body(&script.sent()[0])["data"].clone();
    let expected = ["21", "true", "STK_InvCheckResult", "2"];
    let names = [
        "SubSystemId",
        "IsAutoSubmitAndAudit",
        "InterationFlags",
        "BatchCount",
    ];
    assert_eq!(
        names.map(|name| data[name].as_str().unwrap().to_owned()),
        expected
    );
    assert_eq!(
        data["NeedUpDateFields"],
        json!([]),
        "a new document has no fields to leave alone"
    );
}

#[test]
fn doubt_is_unknown_and_never_a_refusal() {
    for doubtful in [
        says(200, "<html>"),
        says(200, r#"{"Result":{"ResponseStatus":{"IsSucc"#),
        says(200, "response_error: timeout"),
        says(200, "{}"),
        says(502, "bad gateway"),
        answer(&refused(6, &[])),
        Err(Failure::NoAnswer("cut".to_owned())),
        Err(Failure::Other("?".to_owned())),
    ] {
        check(
            &created(&["A", "B"]),
            vec![doubtful],
            &["unknown", "unknown"],
        );
    }
}

#[test]
fn what_never_left_is_a_fault_or_is_tried_later() {
    let refused_by_host = || Err(Failure::Refused("no grant".to_owned()));
    for (trouble, expected) in [
        (refused_by_host(), "Fault::NotSent"),
        (
            Err(Failure::NotSent("no route".to_owned())),
            "Fault::NotSent",
        ),
    ] {
        let (_, outcomes) = write(&created(&["A"]), vec![trouble]);
        let shown = format!("{:?}", outcomes.unwrap_err());
        assert!(shown.starts_with(expected), "{shown}");
    }
    for throttled in [says(429, ""), answer(&refused(14, &[(0, "调用限制")]))] {
        check(
            &created(&["A", "B"]),
            vec![throttled],
            &["later kingdee.throttled", "later kingdee.throttled"],
        );
    }
    let documents = batch(&[
        ("A", Action::Create, with(&json!({"SubSystemId": 21}))),
        ("B", Action::Create, with(&json!({"SubSystemId": 22}))),
        ("C", Action::Create, with(&json!({"SubSystemId": 23}))),
    ]);
    check(
        &documents,
        vec![
            Err(Failure::NoAnswer("cut".to_owned())),
            refused_by_host(),
            answer(&saved(&[(0, 3)])),
        ],
        &["unknown", "later kingdee.not-sent", "applied 3"],
    );
}

#[test]
fn a_session_lost_in_a_write_is_renewed_and_the_write_sent_again() {
    let answers = vec![
        session_lost(),
        crate::script::logged_in(),
        answer(&saved(&[(0, 7)])),
    ];
    let (script, outcomes) = write(&created(&["A"]), answers);
    assert_eq!(show(&outcomes.unwrap()[0]), "applied 7");
    assert_eq!(
        script.operations(),
        ["BatchSave", "LoginByAppSecret", "BatchSave"]
    );
}

#[test]
fn what_left_is_never_followed_by_a_fault() {
    let no = answer(&json!({"LoginResultType": 0, "Message": "x"}));
    let logged_in = crate::script::logged_in;
    for (answers, expected) in [
        (
            vec![session_lost(), logged_in(), session_lost()],
            "later kingdee.unauthorized",
        ),
        (vec![session_lost(), no], "later kingdee.unauthorized"),
        (
            vec![session_lost(), says(429, "")],
            "later kingdee.throttled",
        ),
        (
            vec![session_lost(), says(503, "")],
            "later kingdee.not-sent",
        ),
        (vec![answer(&refused(7, &[]))], "later kingdee.barred"),
        (vec![answer(&refused(5, &[]))], "later kingdee.malformed"),
    ] {
        check(&created(&["A", "B"]), answers, &[expected, expected]);
    }
}

#[test]
fn a_failure_under_automatic_audit_is_unknown() {
    let failed = || vec![answer(&refused(11, &[(0, "审核失败")]))];
    check(&created(&["A"]), failed(), &["rejected 11"]);
    for (document, by_settings, expected) in [
        (json!({"IsAutoSubmitAndAudit": true}), json!({}), "unknown"),
        (
            json!({"IsAutoSubmitAndAudit": "True"}),
            json!({}),
            "unknown",
        ),
        (json!({}), json!({"IsAutoSubmitAndAudit": true}), "unknown"),
        (
            json!({"IsAutoSubmitAndAudit": false}),
            json!({"IsAutoSubmitAndAudit": true}),
            "rejected 11",
        ),
    ] {
        let batch = batch(&[("A", Action::Create, with(&document))]);
        let settings = json!({ "options": by_settings });
        let (_, outcomes) = write_with(&batch, failed(), &settings);
        assert_eq!(show(&outcomes.unwrap()[0]), expected);
    }
}

#[test]
fn a_read_that_fails_sends_nothing() {
    let documents = batch(&[("A", Action::Update, json!({}))]);
    let (script, outcomes) = write(&documents, vec![says(200, "<html>")]);
    assert!(matches!(outcomes, Err(Fault::Broken(_))));
    assert_eq!(script.operations(), ["ExecuteBillQuery"]);
}

#[test]
fn lines_and_entries_must_be_as_many() {
    let mut documents = created(&["A", "B"]);
    documents.entries.pop();
    assert!(matches!(write(&documents, vec![]).1, Err(Fault::Broken(_))));
    let mut documents = created(&["A"]);
    documents.entries.push(entry("B", Action::Create));
    assert!(matches!(write(&documents, vec![]).1, Err(Fault::Broken(_))));
}
