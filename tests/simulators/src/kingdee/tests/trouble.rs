//! Bills that are not taken, numbers that several bills have, and requests that take effect late.

use super::{Server, bill};
use crate::exchange::Effect;
use crate::kingdee::Refusal;
use serde_json::{Value, json};

fn batch(server: &Server, numbers: &[&str], effect: Effect) -> Value {
    let models: Vec<Value> = numbers.iter().map(|number| bill(number)).collect();
    let body = json!({"formid": "SAL_OUTSTOCK", "data": {"Model": models}}).to_string();
    let answer = server.send("DynamicFormService", "BatchSave", body.as_bytes(), effect);
    serde_json::from_slice(&answer.body).unwrap()
}

fn status(answer: &Value) -> (i64, usize, usize) {
    let status = &answer["Result"]["ResponseStatus"];
    (
        status["MsgCode"].as_i64().unwrap(),
        status["Errors"].as_array().unwrap().len(),
        status["SuccessEntitys"].as_array().unwrap().len(),
    )
}

#[test]
fn a_refused_bill_is_told_with_its_field_beside_the_others() {
    let server = Server::new(|_| {});
    server.kingdee.refuse(Refusal {
        bill_no: "B".to_owned(),
        whole: false,
    });
    let answer = batch(&server, &["A", "B", "C"], Effect::default());
    assert_eq!(status(&answer), (11, 1, 2));
    let error = &answer["Result"]["ResponseStatus"]["Errors"][0];
    assert_eq!(
        (&error["DIndex"], &error["FieldName"]),
        (&json!(1), &json!("FMaterialID"))
    );
    server.kingdee.accept_all();
    assert_eq!(
        status(&batch(&server, &["B"], Effect::default())),
        (0, 0, 1)
    );
}

#[test]
fn a_bill_that_breaks_its_packet_is_named_only_alone() {
    let server = Server::new(|_| {});
    server.kingdee.refuse(Refusal {
        bill_no: "B".to_owned(),
        whole: true,
    });
    let answer = batch(&server, &["A", "B"], Effect::default());
    assert_eq!(status(&answer), (4, 1, 0));
    assert!(!answer.to_string().contains("FMaterialID"));
    let answer = batch(&server, &["B"], Effect::default());
    assert!(answer.to_string().contains("FMaterialID"), "{answer}");
    assert_eq!(server.kingdee.document_count(), 0);
    assert_eq!(
        status(&batch(&server, &["A"], Effect::default())),
        (0, 0, 1)
    );
}

#[test]
fn several_bills_have_a_number_where_the_rule_is_off() {
    let server = Server::new(|config| config.kingdee.unique_numbers = false);
    let first = server.save(&bill("A"));
    let second = server.save(&bill("A"));
    let query =
        json!({"FormId": "SAL_OUTSTOCK", "FieldKeys": "FID", "FilterString": "FBillNo in ('A')"});
    assert_eq!(
        server.ask("ExecuteBillQuery", &query),
        json!([[first], [second]])
    );
    server.ask("Delete", &json!({"Ids": first.to_string()}));
    assert_eq!(server.ask("ExecuteBillQuery", &query), json!([[second]]));
}

#[test]
fn a_late_request_takes_effect_when_its_time_has_come() {
    let server = Server::new(|_| {});
    let late = |ms| Effect {
        late_ms: Some(ms),
        ..Effect::default()
    };
    batch(&server, &["A"], late(3_600_000));
    assert_eq!(server.kingdee.document_count(), 0);
    server.kingdee.catch_up(None);
    assert_eq!(server.kingdee.document_count(), 1);
    batch(&server, &["B"], late(0));
    assert_eq!(server.kingdee.document_count(), 2);
}

#[test]
fn steps_may_be_taken_by_half_or_late_as_saves_are() {
    let server = Server::new(|_| {});
    for number in ["A", "B", "C"] {
        server.save(&bill(number));
    }
    let take = |operation: &str, effect: Effect| {
        let body =
            json!({"formid": "SAL_OUTSTOCK", "data": {"Numbers": ["A", "B", "C"]}}).to_string();
        let answer = server.send("DynamicFormService", operation, body.as_bytes(), effect);
        serde_json::from_slice::<Value>(&answer.body).unwrap()
    };
    let half = Effect {
        half: true,
        ..Effect::default()
    };
    let states = || {
        let documents = server.kingdee.documents();
        documents
            .iter()
            .map(|document| document.status)
            .collect::<String>()
    };
    assert_eq!(status(&take("Submit", half)), (6, 0, 1));
    assert_eq!(states(), "BAA");
    let late = Effect {
        late_ms: Some(3_600_000),
        ..Effect::default()
    };
    take("Submit", late);
    assert_eq!(states(), "BAA");
    server.kingdee.catch_up(None);
    assert_eq!(states(), "BBB");
    assert_eq!(status(&take("Audit", Effect::default())), (0, 0, 3));
    assert_eq!(states(), "CCC");
    assert_eq!(status(&take("Audit", Effect::default())), (11, 3, 0));
}
