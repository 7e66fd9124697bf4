//! What each example has to bring to its target, told from the source's own rows by hand: the fields that matter,
//! in the order of the views in `pipeline`, with every digit.

use super::pipeline::Documents;
use super::tables::{CUSTOMERS, QUOTAS, shop_customer, shop_org, stock, warehouse_org};
use duijie_e2e::digits;
use duijie_sim::{Simulators, System};
use serde_json::{Value, json};

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

fn rows(system: &dyn System, collection: &str) -> Vec<Value> {
    let rows = system.rows(collection).into_iter();
    rows.map(|row| digits(&row.json)).collect()
}

/// By number: the head's fields, and those of each row.
fn documents(
    records: impl IntoIterator<Item = Value>,
    number: &str,
    list: &str,
    head: impl Fn(&Value) -> Value,
    row: impl Fn(&Value, &Value) -> Value,
) -> Documents {
    let told = records.into_iter().map(|record| {
        let lines = record[list].as_array();
        let lines = lines.into_iter().flatten().map(|line| row(&record, line));
        let lines: Vec<Value> = lines.collect();
        (
            text(&record, number).to_owned(),
            json!([head(&record), lines]),
        )
    });
    told.collect()
}

fn is_nothing(price: &str) -> bool {
    price.bytes().all(|byte| matches!(byte, b'0' | b'.'))
}

pub(crate) fn outbound_bills(simulators: &Simulators) -> Documents {
    let orders = simulators.orders().into_iter();
    let shipped = orders.filter(|order| order["consign_time"] != "0000-00-00 00:00:00");
    documents(
        shipped,
        "order_no",
        "details_list",
        |order| {
            let (shop, warehouse) = (text(order, "shop_no"), text(order, "warehouse_no"));
            json!([
                order["consign_time"],
                shop_customer(shop),
                shop_org(shop),
                warehouse_org(warehouse),
                shop_org(shop),
                order["stockout_no"],
            ])
        },
        |order, line| {
            let price = text(line, "sell_price");
            json!([
                line["spec_no"],
                line["goods_count"],
                price,
                is_nothing(price),
                stock(text(order, "warehouse_no")),
            ])
        },
    )
}

pub(crate) fn returns(simulators: &Simulators) -> Documents {
    documents(
        rows(
            simulators.wangdiantong_system(),
            "stockin_order_query_refund",
        ),
        "order_no",
        "details_list",
        |stockin| {
            let (shop, warehouse) = (text(stockin, "shop_no"), text(stockin, "warehouse_no"));
            json!([
                stockin["created"],
                shop_customer(shop),
                shop_org(shop),
                warehouse_org(warehouse),
            ])
        },
        |stockin, line| {
            json!([
                line["spec_no"],
                line["num"],
                line["price"],
                stock(text(stockin, "warehouse_no")),
                &text(stockin, "created")[..10],
            ])
        },
    )
}

pub(crate) fn purchase_receipts(simulators: &Simulators) -> Documents {
    documents(
        rows(
            simulators.wangdiantong_system(),
            "stockin_order_query_purchase",
        ),
        "order_no",
        "details_list",
        |stockin| {
            json!([
                stockin["modified"],
                stockin["provider_no"],
                warehouse_org(text(stockin, "warehouse_no")),
            ])
        },
        |stockin, line| {
            json!([
                line["spec_no"],
                line["num"],
                line["price"],
                stock(text(stockin, "warehouse_no")),
            ])
        },
    )
}

pub(crate) fn goods(simulators: &Simulators) -> Documents {
    let materials = rows(simulators.kingdee_system(), "BD_MATERIAL").into_iter();
    let told = materials.map(|material| {
        let number = text(&material, "FNumber").to_owned();
        let document = json!([
            [material["FName"], "无", "件"],
            [[number, material["FBARCODE"], material["FGROSSWEIGHT"]]],
        ]);
        (number, document)
    });
    told.collect()
}

pub(crate) fn purchase_orders(simulators: &Simulators) -> Documents {
    let orders = rows(simulators.kingdee_system(), "PUR_PurchaseOrder").into_iter();
    documents(
        orders.filter(|order| order["FDocumentStatus"] == "C"),
        "FBillNo",
        "FPOOrderEntry",
        |order| json!([order["FSupplierId_FNumber"], "WH001"]),
        |_, line| json!([line["FMaterialId_FNumber"], line["FQty"], line["FTaxPrice"]]),
    )
}

/// The other side's number of a customer.
fn customer(number: &str) -> &'static str {
    let of = |(kingdee, waiqin365): &(&'static str, &'static str)| match number {
        _ if number == *kingdee => Some(*waiqin365),
        _ if number == *waiqin365 => Some(*kingdee),
        _ => None,
    };
    CUSTOMERS.iter().find_map(of).unwrap()
}

pub(crate) fn sales_orders(simulators: &Simulators) -> Documents {
    let orders = rows(simulators.waiqin365_system(), "getDmsPurchaseOrderInfos").into_iter();
    documents(
        orders.filter(|order| order["purchase_status"] == "CG_DFH"),
        "purchase_no",
        "prods",
        |order| json!([order["date"], customer(text(order, "cm_code")), "BM000200"]),
        |_, line| {
            let unit = text(line, "purchase_input_unit_name");
            json!([
                line["product_code"],
                if unit == "箱" { "Box" } else { "Pcs" },
                line["purchase_count"],
                line["purchase_price"],
                line["is_gift"] == "Y",
                line["posnr"],
            ])
        },
    )
}

pub(crate) fn receipts(simulators: &Simulators) -> Documents {
    documents(
        rows(simulators.waiqin365_system(), "getReceivableInfos"),
        "receive_no",
        "settlement_detail",
        |receipt| {
            let customer = customer(text(receipt, "cm_code"));
            json!([receipt["receive_date"], customer, customer])
        },
        |_, line| {
            let way = match text(line, "settlement_detail_name") {
                "现金" => "JSFS01_SYS",
                "转账" => "JSFS04_SYS",
                _ => "JSFS21_SYS",
            };
            json!([way, line["settlement_detail_amount"]])
        },
    )
}

pub(crate) fn shipments(simulators: &Simulators) -> Documents {
    let bills = simulators.documents_of("SAL_OUTSTOCK").into_iter();
    let bills = bills.map(|bill| digits(&bill.json));
    documents(
        bills.filter(|bill| bill["FSaleDeptID"]["FNumber"] == "BM000200"),
        "FBillNo",
        "FEntity",
        |bill| {
            json!([
                "2025-11-03",
                bill["FEntity"][0]["FSrcBillNo"],
                customer(text(&bill["FCustomerID"], "FNumber")),
            ])
        },
        |_, row| {
            let boxed = row["FUnitID"]["FNumber"] == "Box";
            json!([
                row["FMaterialID"]["FNumber"],
                row["FMustQty"],
                row["FRealQty"],
                if boxed { "箱" } else { "瓶" },
                if row["FIsFree"] == true { "Y" } else { "N" },
                row["F_ora_Posnr"],
            ])
        },
    )
}

pub(crate) fn balances(simulators: &Simulators) -> Documents {
    let customers = simulators.documents_of("BD_Customer").into_iter();
    let customers = customers.map(|customer| digits(&customer.json));
    let dealers = customers.filter(|customer| customer["FGroup"]["FNumber"] == "JXS");
    let told = dealers.map(|dealer| {
        let number = customer(text(&dealer, "FNumber"));
        (number.to_owned(), json!([[dealer["F_ora_Balance"]], []]))
    });
    told.collect()
}

pub(crate) fn quotas(simulators: &Simulators) -> Documents {
    let stock = rows(simulators.wangdiantong_system(), "stock_query").into_iter();
    let told = stock.filter_map(|row| {
        let limited = QUOTAS.iter().find(|(warehouse, spec, _)| {
            row["warehouse_no"] == *warehouse && row["spec_no"] == *spec
        });
        let (_, _, quota) = limited?;
        let document = json!([[], [[row["spec_no"], row["avaliable_num"]]]]);
        Some(((*quota).to_owned(), document))
    });
    told.collect()
}
