//! What goes out, and what is refused before.

use duijie_sdk::target::{Action, Entry};
use serde_json::{Value, json};

use super::{Document, Preparer};
use crate::operation::Write;
use crate::script::entry;

fn prepare(operation: &str, document: &Value, entry: &Entry) -> Result<String, String> {
    let mut preparer = Preparer::new(Write::by_name(operation).unwrap());
    match preparer.prepare(document.to_string().as_bytes(), entry) {
        Ok(Document::Alone(body)) => Ok(String::from_utf8(body).unwrap()),
        Ok(Document::Line(line)) => Ok(format!("line {}", String::from_utf8(line).unwrap())),
        Err(rejection) => {
            let field = rejection.field.unwrap_or_default();
            Err(format!("{} {field}: {}", rejection.code, rejection.message))
        }
    }
}

#[track_caller]
fn check(operation: &str, document: &Value, action: Action, expected: Result<&str, &str>) {
    let found = prepare(operation, document, &entry("N1", action));
    let found = found.as_ref().map(String::as_str).map_err(String::as_str);
    assert_eq!(found, expected);
}

fn sent() -> Value {
    json!({
        "purchase_no": "CG1", "cm_code": "C1",
        "prods": [{ "product_code": "P1", "order_count": "1.00000000", "sent_num": 2, "posnr": 10 }],
    })
}

#[test]
fn a_number_is_put_in_where_it_is_missing_and_held_where_it_is_not() {
    let body = sent().to_string();
    let mut numbered = sent();
    let expected = body.replacen('{', r#"{"sent_no":"N1","#, 1);
    check("addSent", &sent(), Action::Create, Ok(&expected));
    numbered["sent_no"] = json!("N1");
    check(
        "addSent",
        &numbered,
        Action::Create,
        Ok(&numbered.to_string()),
    );
    numbered["sent_no"] = json!(null);
    let filled = numbered.to_string().replace("null", "\"N1\"");
    check("addSent", &numbered, Action::Create, Ok(&filled));
    numbered["sent_no"] = json!("N2");
    check(
        "addSent",
        &numbered,
        Action::Create,
        Err("waiqin365.key sent_no: the document's number is `N2` and its target key `N1`"),
    );
}

#[test]
fn orders_are_made_and_edited_by_one_operation() {
    let order = json!({ "cm_id": 7_226_306_356_013_346_628_i64, "products": [] });
    for (action, kind) in [(Action::Create, 1), (Action::Update, 2)] {
        let expected = format!(
            r#"{{"operate_type":"{kind}","order_no":"N1","cm_id":7226306356013346628,"products":[]}}"#
        );
        check("addPurchase", &order, action, Ok(&expected));
    }
    let back = json!({ "cm_code": "C1", "operate_type": 2 });
    let expected = r#"{"erp_No":"N1","order_no":"N1","cm_code":"C1","operate_type":"1"}"#;
    check("returnOrder", &back, Action::Create, Ok(expected));
}

#[test]
fn what_an_operation_cannot_do_is_refused() {
    for (operation, action, code) in [
        ("addSent", Action::Update, "waiqin365.no-update"),
        ("savePreDeposit", Action::Update, "waiqin365.no-update"),
        ("addPurchase", Action::Cancel, "waiqin365.no-cancel"),
        ("approvalCoupon", Action::Cancel, "waiqin365.no-cancel"),
    ] {
        let found = prepare(operation, &json!({}), &entry("N1", action)).unwrap_err();
        assert!(found.starts_with(code), "{found}");
    }
    let set = json!({ "quota_id": "1", "products": [{ "id": "1", "num": "5" }] });
    check("modifyCmQuota", &set, Action::Update, Ok(&set.to_string()));
}

#[test]
fn balances_are_lines_of_one_list_or_lists_of_their_own() {
    let line = json!({ "dealerCode": "D1", "balance": "12.30" });
    let operation = "receiveCustomerWithBalance";
    check(
        operation,
        &line,
        Action::Create,
        Ok(&format!("line {line}")),
    );
    let list = json!({ "data": [line] });
    check(operation, &list, Action::Update, Ok(&list.to_string()));
    check(
        operation,
        &json!({ "dealerCode": "D1" }),
        Action::Create,
        Err(
            "required data.balance: `data.balance` (客户余额) is required and is blank: map a value to it (line 1)",
        ),
    );
}

#[test]
fn broken_rules_name_the_field() {
    let quota = json!({
        "name": "Q", "start_date": "2025-10-01", "end_date": "2025-10-31", "cus_range_type": "1",
        "products": [{ "code": "P1", "unit_name": "箱", "num": "1" }],
    });
    let with = |name: &str, value: Value| {
        let mut quota = quota.clone();
        quota[name] = value;
        quota
    };
    check(
        "addCmQuota",
        &quota,
        Action::Create,
        Err(
            "one-of cm_id: one of `cm_id,cm_code,cm_name,cm_source_code` is required where `cus_range_type` is `1`, and all are blank: map a value to one of them",
        ),
    );
    let named = with("cm_name", json!("客户"));
    check("addCmQuota", &named, Action::Create, Ok(&named.to_string()));
    let found = prepare(
        "addCmQuota",
        &with("cus_range_type", json!(2)),
        &entry("N1", Action::Create),
    );
    assert!(found.unwrap_err().starts_with("required trade_type"));
    for (document, expected) in [
        (json!({}), "one-of order_no"),
        (json!({ "order_no": "1", "cm_id": "" }), "one-of cm_id"),
        (
            json!({ "order_no": "1", "cm_id": "1", "prods": [{ "sent_num": 1, "order_count": 1 }] }),
            "required prods.posnr",
        ),
        (
            json!({ "order_no": "1", "cm_id": "1", "receive_phone": "1".repeat(33) }),
            "length receive_phone",
        ),
        (
            json!({ "order_no": "1", "cm_id": "1", "prods": {} }),
            "type prods",
        ),
    ] {
        let found = prepare("addSent", &document, &entry("N1", Action::Create)).unwrap_err();
        assert!(found.starts_with(expected), "{found}");
    }
}
