//! Answers that a fault rule spoils: what is wrong in them, and what is not.

use super::*;
use crate::fault_rule::FaultKind;
use serde_json::json;

/// The answers of both dialects to one page of a window with 30 orders.
fn spoilt(page_no: &str) -> [Value; 2] {
    let server = server(30, 1);
    let (start, end) = (china_text(NOW - 2 * 86_400), china_text(NOW));
    let params = [
        ("start_time", start.as_str()),
        ("end_time", end.as_str()),
        ("page_size", "10"),
        ("page_no", page_no),
    ];
    let form = Form::parse(&[&signed_qimen(&server, &params)]);
    let direct = Direct {
        server: &server,
        method: "POST",
        page: "stockout_order_query_trade.php",
        content_type: "application/x-www-form-urlencoded",
        query: "",
        body: &signed(&server, &params),
    };
    let qimen = Qimen {
        server: &server,
        form: &form,
    };
    let answers = [
        direct.spoil(FaultKind::WrongTypes),
        qimen.spoil(FaultKind::WrongTypes),
    ];
    answers.map(|answer| serde_json::from_slice(&answer.body).unwrap())
}

#[test]
fn wrong_types_spoil_the_list_alone_on_every_page() {
    let list = json!({"0": {}});
    assert_eq!(
        spoilt("0"),
        [
            json!({"code": 0, "message": "", "total_count": "30", "stockout_list": list}),
            json!({"response":
                {"errorcode": 0, "message": "ok", "total_count": 30, "stockout_list": list}}),
        ]
    );
    assert_eq!(
        spoilt("2"),
        [
            json!({"code": 0, "message": "", "stockout_list": list}),
            json!({"response": {"errorcode": 0, "message": "ok", "stockout_list": list}}),
        ]
    );
}
