//! What is done with saved bills: operations, queries and the bench mode.

use super::{Server, bill, with};
use crate::exchange::Effect;
use serde_json::{Value, json};

#[test]
fn states_follow_submit_audit_unaudit_delete() {
    let server = Server::new(|_| {});
    let fid = server.save(&bill("A"));
    let numbers = json!({"Numbers": ["A"]});
    let code = |operation: &str| {
        server.ask(operation, &numbers)["Result"]["ResponseStatus"]["MsgCode"]
            .as_i64()
            .unwrap()
    };
    assert_eq!(code("Audit"), 11);
    assert_eq!(code("Submit"), 0);
    assert_eq!(code("Delete"), 11);
    assert_eq!(code("Audit"), 0);
    let (audited, message) = server.refused(&json!({"Model": {"FID": fid, "FNote": "x"}}));
    assert_eq!(audited, 11);
    assert!(message.contains("已经审核"));
    assert_eq!(code("UnAudit"), 0);
    let unknown = server.ask("Delete", &json!({"Ids": format!("7,{fid}")}));
    assert_eq!(
        unknown["Result"]["ResponseStatus"]["SuccessEntitys"][0]["DIndex"],
        1
    );
    assert_eq!(code("Delete"), 9);
}

#[test]
fn queries_filter_page_and_keep_digits() {
    let server = Server::new(|_| {});
    let models: Vec<String> = (0..5)
        .map(|at| {
            with(bill(&format!("it's {at}")), "/FNote", json!("n"))
                .to_string()
                .replace("\"1.5000\"", "1.5000")
        })
        .collect();
    let body = format!(
        r#"{{"formid":"SAL_OUTSTOCK","data":{{"Model":[{}]}}}}"#,
        models.join(",")
    );
    server.send(
        "DynamicFormService",
        "BatchSave",
        body.as_bytes(),
        Effect::default(),
    );
    let check = |more: Value, expected: &str| {
        let mut data = json!({"FormId": "SAL_OUTSTOCK", "FieldKeys": "FBillNo"});
        data.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        assert_eq!(server.text("ExecuteBillQuery", &data), expected);
    };
    check(
        json!({"FilterString": "FBillNo='it''s 3'", "FieldKeys": "FDocumentStatus,FRealQty,FEntity_FSeq"}),
        r#"[["A",2,1],["A",1.5000,2]]"#,
    );
    check(
        json!({"FilterString": "FBillNo in ('it''s 4','none','it''s 0') and FDate>='2025-10-09'"}),
        r#"[["it's 0"],["it's 4"]]"#,
    );
    check(
        json!({"StartRow": 3, "Limit": 9}),
        r#"[["it's 3"],["it's 4"]]"#,
    );
    check(json!({"StartRow": 1, "Limit": 1}), r#"[["it's 1"]]"#);
    check(json!({"FilterString": "FDate<'2025-10-09'"}), "[]");
    check(
        json!({"FilterString": [{"FieldName": "FBillNo", "Compare": "67", "Value": "it's 2", "Logic": "0"}]}),
        r#"[["it's 2"]]"#,
    );
    let unknown = server.ask(
        "ExecuteBillQuery",
        &json!({"FormId": "SAL_OUTSTOCK", "FieldKeys": "FNope"}),
    );
    assert!(
        unknown[0][0]["Result"]["ResponseStatus"]["Errors"][0]["Message"]
            .as_str()
            .unwrap()
            .contains("元数据中标识为FNope的字段不存在")
    );
    assert_eq!(
        server.ask("BillQuery", &json!({"FormId": "X", "FieldKeys": "FID"}))["Result"]["ResponseStatus"]
            ["MsgCode"],
        5
    );
    assert_eq!(server.text("ExecuteBillQuery", &json!({"FormId": "BD_Currency", "FieldKeys": "FNUMBER", "FilterString": "FNUMBER='PRE001'"})), r#"[["PRE001"]]"#);
}

#[test]
fn fast_mode_stores_bodies_and_still_refuses_doubles() {
    let server = Server::new(|config| config.kingdee.fast = true);
    let data = json!({"Model": [bill("A"), bill("B")]});
    assert_eq!(
        server.ask("BatchSave", &data)["Result"]["ResponseStatus"]["IsSuccess"],
        true
    );
    assert_eq!(
        server.ask("BatchSave", &data)["Result"]["ResponseStatus"]["MsgCode"],
        11
    );
    assert_eq!(
        (
            server.kingdee.document_count(),
            server.kingdee.bodies().len()
        ),
        (2, 2)
    );
    let query =
        json!({"FormId": "SAL_OUTSTOCK", "FieldKeys": "FBillNo", "FilterString": "FBillNo='B'"});
    assert_eq!(server.text("ExecuteBillQuery", &query), r#"[["B"]]"#);
}
