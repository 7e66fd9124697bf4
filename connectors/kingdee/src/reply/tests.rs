//! Every shape of answer that is known.

use super::*;
use serde_json::json;

fn response(body: &str) -> Response {
    Response {
        status: 200,
        headers: Vec::new(),
        body: body.as_bytes().to_vec(),
    }
}

#[test]
fn values_may_all_be_text() {
    let body = r#"{"Result":{"ResponseStatus":{"ErrorCode":"","IsSuccess":"true","Errors":null,
        "SuccessEntitys":[{"Id":"1234567890123456789","Number":"A","DIndex":"1"},{"Id":105410,"DIndex":0},{"Id":null}],
        "SuccessMessages":[],"MsgCode":"0"},"Id":105410}}"#;
    let status = status(&response(body)).unwrap();
    assert!(status.is_success());
    let found: Vec<_> = status
        .success_entitys
        .iter()
        .map(|done| (done.index, done.id.as_deref()))
        .collect();
    assert_eq!(
        found,
        [
            (Some(1), Some("1234567890123456789")),
            (Some(0), Some("105410")),
            (None, None)
        ]
    );
}

#[test]
fn message_codes_have_classes() {
    let class = |code: u32| {
        let body = json!({"Result": {"ResponseStatus": {"MsgCode": code, "IsSuccess": false}}});
        status(&response(&body.to_string())).unwrap().class()
    };
    let expected = [
        Class::Refused,
        Class::SessionLost,
        Class::Forbidden,
        Class::Malformed,
        Class::Doubtful,
        Class::Malformed,
        Class::Doubtful,
        Class::Barred,
        Class::Refused,
        Class::Refused,
        Class::Refused,
        Class::Refused,
        Class::Refused,
        Class::Busy,
        Class::Limited,
        Class::Barred,
    ];
    assert_eq!((0..16).map(class).collect::<Vec<_>>(), expected);
}

#[test]
fn a_session_lost_is_known_by_its_text_too() {
    let body = r#"{"Result":{"ResponseStatus":{"ErrorCode":500,"IsSuccess":false,"Errors":[{"FieldName":null,"Message":"会话信息已丢失，请重新登录","DIndex":0}]}}}"#;
    let status = status(&response(body)).unwrap();
    assert_eq!(status.class(), Class::SessionLost);
    assert_eq!(
        (status.code().as_str(), status.message().as_str()),
        ("500", "会话信息已丢失，请重新登录")
    );
}

#[test]
fn what_is_no_answer_is_said_so() {
    for body in [
        "<html>Bad Gateway</html>",
        r#"{"Result":{"Respon"#,
        "{}",
        "[]",
        "null",
        "",
        r#"{"Result":null}"#,
    ] {
        assert!(status(&response(body)).is_err(), "{body}");
    }
    let error = status(&response("response_error:{\"x\":1}")).unwrap_err();
    assert!(error.contains("response_error"), "{error}");
    let gone = Response {
        status: 502,
        ..response(r#"{"Result":{"ResponseStatus":{"IsSuccess":true}}}"#)
    };
    assert_eq!(
        status(&gone).unwrap_err().split('`').next(),
        Some("HTTP status 502 with ")
    );
}

#[track_caller]
fn check_rows(body: &str, expected: &str) {
    let shown = match rows(&response(body)) {
        Ok(Rows::Found(rows)) => format!("{rows:?}"),
        Ok(Rows::Failed(status)) => format!("failed: {}", status.message()),
        Err(error) => format!("no answer: {}", error.split(':').next().unwrap()),
    };
    assert_eq!(shown, expected);
}

#[test]
fn rows_are_told_from_failures_dressed_as_rows() {
    check_rows("[]", "[]");
    check_rows(
        r#"[[100001,"CK1","C"],["x",null,true]]"#,
        r#"[[Some("100001"), Some("CK1"), Some("C")], [Some("x"), None, Some("true")]]"#,
    );
    let failure = r#"{"Result":{"ResponseStatus":{"ErrorCode":500,"IsSuccess":false,"Errors":[{"Message":"元数据中标识为X的字段不存在"}],"MsgCode":9}}}"#;
    for body in [
        failure.to_owned(),
        format!("[{failure}]"),
        format!("[[{failure}]]"),
    ] {
        check_rows(&body, "failed: 元数据中标识为X的字段不存在");
    }
    check_rows(
        "[[{\"a\":1}]]",
        "no answer: an answer that is not understood (found an object or array, expected a value)",
    );
    check_rows(
        "[{\"a\":1}]",
        "no answer: an answer that is not understood (a row that is no list)",
    );
    check_rows(
        "[[1,2",
        "no answer: an answer that is not understood (no JSON)",
    );
}

#[test]
fn a_login_counts_only_with_type_one() {
    let told = |body: &str| login(&response(body)).map(|login| login.succeeded());
    assert_eq!(told(r#"{"LoginResultType":1}"#), Ok(true));
    assert_eq!(told(r#"{"LoginResultType":"1"}"#), Ok(true));
    assert_eq!(told(r#"{"LoginResultType":-5}"#), Ok(false));
    assert!(told(r#"{"Message":"x"}"#).is_err());
}
