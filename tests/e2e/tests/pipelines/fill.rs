//! Records for the sources: rows that the simulators make, and documents as somebody entered them.

use super::tables::CUSTOMERS;
use duijie_sim::Simulators;
use serde_json::{Value, json};

/// Records of one pipeline.
const COUNT: usize = 24;
/// Seconds before now of the oldest and the newest.
const AGES: (i64, i64) = (2 * 86_400, 3_600);

/// What the simulators begin with does.
pub(crate) fn nothing(_: &Simulators) {}

fn span(simulators: &Simulators) -> (i64, i64) {
    let now = simulators.clock().now();
    (now - AGES.0, now - AGES.1)
}

/// Moments between the oldest and the newest, unix seconds.
fn moments(simulators: &Simulators) -> impl Iterator<Item = (usize, i64)> {
    let (from, to) = span(simulators);
    let step = (to - from) / 24;
    (0..COUNT).zip((0..).map(move |at| from + at * step))
}

pub(crate) fn return_stockins(simulators: &Simulators) {
    let (from, to) = span(simulators);
    simulators.add_wangdiantong_rows("stockin_order_query_refund", COUNT, from, to);
}

pub(crate) fn purchase_stockins(simulators: &Simulators) {
    let (from, to) = span(simulators);
    simulators.add_wangdiantong_rows("stockin_order_query_purchase", COUNT, from, to);
}

/// A third of them is audited.
pub(crate) fn purchase_orders(simulators: &Simulators) {
    let (from, to) = span(simulators);
    simulators.add_documents("PUR_PurchaseOrder", COUNT * 2, from * 1000, to * 1000);
}

fn coded(number: impl Into<Value>) -> Value {
    json!({ "FNumber": number.into() })
}

pub(crate) fn customers(simulators: &Simulators) {
    for ((number, _), (at, moment)) in CUSTOMERS.into_iter().zip(moments(simulators)) {
        let balance = format!("{}0000.{at}0", at + 1);
        let customer = format!(
            r#"{{"FNumber":"{number}","FName":"经销商\"{at}\"","FGroup":{{"FNumber":"JXS"}},"F_ora_Balance":{balance}}}"#
        );
        simulators.enter_document("BD_Customer", &customer, moment * 1000);
    }
}

pub(crate) fn outbound_bills(simulators: &Simulators) {
    // A delivery note of before: where a query shows none at all, none counts as absent.
    let before = r#"{"sent_no":"XSCK-BEFORE"}"#;
    simulators.enter_record("getDmsOrderSentInfos", before, span(simulators).0 * 1000);
    for (at, moment) in moments(simulators) {
        // Every sixth is a bill of another department.
        let department = if at % 6 == 5 { "BM000175" } else { "BM000200" };
        let rows: Vec<Value> = (0..=at % 3)
            .map(|row| {
                json!({
                    "FMaterialID": coded(format!("SKU-{:04}", at + row + 1)),
                    "FUnitID": coded(if row == 1 { "Box" } else { "Pcs" }),
                    "FMustQty": at + 2,
                    "FRealQty": at + 1,
                    "FIsFree": row == 2,
                    "FSrcBillNo": format!("DD{at:06}"),
                    "F_ora_Posnr": ((row + 1) * 10).to_string(),
                })
            })
            .collect();
        let bill = json!({
            "FBillNo": format!("XSCK{at:06}"),
            "FDate": "2025-11-03 00:00:00",
            "FCustomerID": coded(CUSTOMERS[at % 8].0),
            "FSaleDeptID": coded(department),
            "FCarriageNO": format!("SF{at}"),
            "FEntity": rows,
        });
        simulators.enter_document("SAL_OUTSTOCK", &bill.to_string(), moment * 1000);
    }
}

pub(crate) fn direct_orders(simulators: &Simulators) {
    for (at, moment) in moments(simulators) {
        // Every sixth is not confirmed.
        let status = if at % 6 == 5 { "CG_DQR" } else { "CG_DFH" };
        let rows: Vec<Value> = (0..=at % 3)
            .map(|row| {
                json!({
                    "product_code": format!("SKU-{:04}", at + row + 1),
                    "purchase_input_unit_name": if row == 1 { "箱" } else { "瓶" },
                    "purchase_count": format!("{}.00000000", at + 1),
                    "purchase_price": format!("{at}.50000000"),
                    "is_gift": if row == 2 { "Y" } else { "N" },
                    "posnr": ((row + 1) * 10).to_string(),
                    "remark": "易损件 \"轻放\"",
                })
            })
            .collect();
        let order = json!({
            "purchase_no": format!("DD{at:06}"),
            "date": "2025-11-02",
            "consignment_date": "2025-11-05",
            "cm_code": CUSTOMERS[at % 8].1,
            "purchase_status": status,
            "status": "1",
            "prods": rows,
        });
        simulators.enter_record(
            "getDmsPurchaseOrderInfos",
            &order.to_string(),
            moment * 1000,
        );
    }
}

pub(crate) fn receipts(simulators: &Simulators) {
    for (at, moment) in moments(simulators) {
        let rows: Vec<Value> = (0..=at % 2)
            .map(|row| {
                json!({
                    "settlement_detail_name": (["现金", "转账", "微信"][(at + row) % 3]),
                    "settlement_detail_amount": format!("{}.{row}0", 100 + at),
                })
            })
            .collect();
        let receipt = json!({
            "receive_no": format!("SK{at:06}"),
            "receive_date": "2025-11-02",
            "cm_code": CUSTOMERS[at % 8].1,
            "settlement_detail": rows,
        });
        simulators.enter_record("getReceivableInfos", &receipt.to_string(), moment * 1000);
    }
}
