//! What the seed's table makes of a stock-out, written down by hand from the table: plain values, none of the
//! connectors' code. Numbers are compared by their text, never as floats.

use duijie_sim::{Document, Simulators};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Stands before the digits of a JSON number once it is a text, so that `1` and `"1"` stay different.
const NUMBER: &str = "number ";

/// The bill of a stock-out of dialect A, without the ids that Kingdee gives.
pub fn expected(order: &Value) -> Value {
    expected_of(order, "details_list")
}

/// As [`expected`], with the rows made of this list of the stock-out.
pub fn expected_of(order: &Value, list: &str) -> Value {
    let coded = |number: &Value| json!({ "FNumber": number });
    let shop = coded(&order["shop_no"]);
    let warehouse = coded(&order["warehouse_no"]);
    let lines = order[list].as_array().unwrap();
    let rows: Vec<Value> = lines.iter().map(|line| row(line, &warehouse)).collect();
    json!({
        "FBillTypeID": { "FNUMBER": "XSCKD001" },
        "FBillNo": order["order_no"],
        "FDate": order["consign_time"],
        "FSaleOrgId": shop,
        "FCustomerID": shop,
        "FSaleDeptID": { "FNumber": "BM000175" },
        "FStockOrgId": warehouse,
        "F_ora_Text_ysdh": order["details_list"][0]["src_tid"],
        "F_ora_Text_ckdh": order["stockout_no"],
        "FOwnerIdHead": warehouse,
        "SubHeadEntity": {
            "FSettleOrgID": shop,
            "FSettleCurrID": { "FNumber": "PRE001" },
        },
        "FEntity": rows,
    })
}

fn row(line: &Value, warehouse: &Value) -> Value {
    let text = |name: &str| line[name].as_str().unwrap();
    // A line of `details_list` has both; a batch has `num` only.
    let count = line.get("goods_count").unwrap_or(&line["num"]);
    let count = number(count.as_str().unwrap());
    let price = text("sell_price");
    let is_gift = price.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    let mut row = json!({
        "FMaterialID": { "FNumber": line["spec_no"] },
        "FAuxPropId": { "FAUXPROPID__FF100001": { "FNumber": "03" } },
        "FMustQty": count,
        "FRealQty": count,
        "FTaxPrice": number(price),
        "FIsFree": is_gift,
        "FLot": { "FNumber": "20250822" },
        "FOwnerTypeID": "BD_OwnerOrg",
        "FOwnerID": warehouse,
        "FStockID": warehouse,
    });
    // An unknown date is left out, since Kingdee takes no empty one.
    if let Some(date) = line.get("product_date").filter(|date| *date != "") {
        row["FProduceDate"] = date.clone();
    }
    row
}

fn number(digits: &str) -> Value {
    Value::from(format!("{NUMBER}{digits}"))
}

/// Asserts that every shipped order arrived once with every field as the table says, was never written
/// again, and that nothing else arrived.
#[track_caller]
pub fn check_exactly_once(simulators: &Simulators) {
    let orders: BTreeMap<String, Value> = simulators
        .orders()
        .into_iter()
        .filter(|order| order["consign_time"] != "0000-00-00 00:00:00")
        .map(|order| (order["order_no"].as_str().unwrap().to_owned(), order))
        .collect();
    let documents = simulators.documents();
    let mut ids = std::collections::BTreeSet::new();
    let mut arrived = std::collections::BTreeSet::new();
    for document in &documents {
        let number = &document.bill_no;
        let order = orders.get(number);
        let order = order.unwrap_or_else(|| panic!("{number} arrived and is no shipped order"));
        assert!(arrived.insert(number), "{number} arrived twice");
        assert!(ids.insert(document.fid), "FID {} came twice", document.fid);
        assert_eq!(document.saves, 1, "{number} was written again");
        check_same(&arrived_bill(document).0, &expected(order));
    }
    let lost: Vec<_> = orders.keys().filter(|one| !arrived.contains(one)).collect();
    assert!(lost.is_empty(), "{} lost: {lost:?}", lost.len());
}

/// Says which field differs rather than showing two whole bills.
#[track_caller]
pub fn check_same(arrived: &Value, expected: &Value) {
    let found = difference(arrived, expected);
    assert!(found.is_none(), "{}", found.unwrap_or_default());
}

/// What is not as expected, if anything.
pub fn difference(arrived: &Value, expected: &Value) -> Option<String> {
    let (arrived, expected) = (arrived.as_object().unwrap(), expected.as_object().unwrap());
    let bill = &expected["FBillNo"];
    for (name, value) in expected {
        let found = arrived.get(name);
        if found != Some(value) {
            let found = found.unwrap_or(&Value::Null);
            return Some(format!("`{name}` of {bill} is {found}, expected {value}"));
        }
    }
    let new = arrived.keys().find(|name| !expected.contains_key(*name))?;
    Some(format!("`{new}` of {bill} is new"))
}

/// A bill as [`expected`] tells it, and the ids of its rows.
pub fn arrived_bill(document: &Document) -> (Value, Vec<String>) {
    let mut bill: Map<String, Value> = serde_json::from_str(&quoted(&document.json)).unwrap();
    let fid = bill.remove("FID").unwrap();
    assert_eq!(fid, number(&document.fid.to_string()));
    let rows = bill["FEntity"].as_array_mut().unwrap();
    let ids = rows.iter_mut().map(|row| {
        let row = row.as_object_mut().unwrap();
        // An update spells it as the vendor's template does, which no reader of it minds.
        let id = row.remove("FEntryID").or_else(|| row.remove("FENTRYID"));
        id.unwrap().as_str().unwrap().to_owned()
    });
    let ids = ids.collect();
    (Value::Object(bill), ids)
}

/// A JSON text with each number as the text of its digits, so that `1.50` and `"1.50"` are the same.
pub fn digits(json: &str) -> Value {
    let text = quoted(json).replace(&format!("\"{NUMBER}"), "\"");
    serde_json::from_str(&text).unwrap()
}

/// JSON text with every number as a text of its digits.
fn quoted(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + json.len() / 4);
    let (mut in_text, mut escaped, mut in_number) = (false, false, false);
    for char in json.chars() {
        let digit = !in_text && matches!(char, '0'..='9' | '-' | '+' | '.' | 'e' | 'E');
        let begins = digit && matches!(char, '0'..='9' | '-');
        if in_number && !digit {
            out.push('"');
            in_number = false;
        } else if begins && !in_number {
            out.push('"');
            out.push_str(NUMBER);
            in_number = true;
        }
        out.push(char);
        if in_text {
            in_text = escaped || char != '"';
            escaped = !escaped && char == '\\';
        } else {
            in_text = char == '"';
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn digits_become_texts_and_texts_stay() {
        assert_eq!(
            quoted(r#"{"a 1\"2":-25.5000,"t":true,"l":[1,"2"],"n":2756286207594856469}"#),
            r#"{"a 1\"2":"number -25.5000","t":true,"l":["number 1","2"],"n":"number 2756286207594856469"}"#
        );
    }
}
