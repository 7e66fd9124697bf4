//! Orders to one BatchSave body, by the example's mapping table.

use serde::Serialize;

use crate::{Failure, order};

#[derive(Serialize)]
struct Request<'a> {
    formid: &'static str,
    data: Data<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Data<'a> {
    need_return_fields: [&'static str; 1],
    is_delete_entry: bool,
    sub_system_id: &'static str,
    is_verify_base_data_field: bool,
    is_auto_submit_and_audit: bool,
    model: Vec<Bill<'a>>,
}

#[derive(Serialize)]
struct Number<'a> {
    #[serde(rename = "FNumber")]
    number: &'a str,
}

#[derive(Serialize)]
struct TypeNumber {
    #[serde(rename = "FNUMBER")]
    number: &'static str,
}

#[derive(Serialize)]
#[allow(non_snake_case)]
struct Bill<'a> {
    FID: u32,
    FBillTypeID: TypeNumber,
    FBillNo: &'a str,
    FDate: &'a str,
    FSaleOrgId: Number<'a>,
    FCustomerID: Number<'a>,
    FSaleDeptID: Number<'a>,
    FStockOrgId: Number<'a>,
    F_ora_Text_ysdh: &'a str,
    F_ora_Text_ckdh: &'a str,
    FOwnerIdHead: Number<'a>,
    SubHeadEntity: SubHead<'a>,
    FEntity: Vec<Entry<'a>>,
}

#[derive(Serialize)]
#[allow(non_snake_case)]
struct SubHead<'a> {
    FSettleOrgID: Number<'a>,
    FSettleCurrID: Number<'a>,
}

#[derive(Serialize)]
#[allow(non_snake_case)]
struct Entry<'a> {
    FMaterialID: Number<'a>,
    FAuxPropId: Aux,
    FMustQty: &'a serde_json::value::RawValue,
    FRealQty: &'a serde_json::value::RawValue,
    FTaxPrice: &'a serde_json::value::RawValue,
    FIsFree: bool,
    FLot: Number<'a>,
    FOwnerTypeID: &'static str,
    FOwnerID: Number<'a>,
    FStockID: Number<'a>,
}

#[derive(Serialize)]
struct Aux {
    #[serde(rename = "FAUXPROPID__FF100001")]
    channel: Number<'static>,
}

pub(crate) fn batch(answer: &[u8]) -> Result<Vec<u8>, Failure> {
    let page = order::parse(answer)?;
    let model = page
        .stockout_list
        .iter()
        .map(bill)
        .collect::<Result<_, Failure>>()?;
    let request = Request {
        formid: "SAL_OUTSTOCK",
        data: Data {
            need_return_fields: ["FBillNo"],
            is_delete_entry: true,
            sub_system_id: "21",
            is_verify_base_data_field: false,
            is_auto_submit_and_audit: false,
            model,
        },
    };
    let mut body = Vec::with_capacity(256 << 10);
    serde_json::to_writer(&mut body, &request)?;
    Ok(body)
}

fn bill<'a>(order: &'a order::Order<'a>) -> Result<Bill<'a>, Failure> {
    let warehouse = || Number {
        number: &order.warehouse_no,
    };
    let shop = || Number {
        number: &order.shop_no,
    };
    let first = order.details_list.first().ok_or("an order without lines")?;
    Ok(Bill {
        FID: 0,
        FBillTypeID: TypeNumber { number: "XSCKD001" },
        FBillNo: &order.order_no,
        FDate: &order.consign_time,
        FSaleOrgId: shop(),
        FCustomerID: shop(),
        FSaleDeptID: Number { number: "BM000175" },
        FStockOrgId: warehouse(),
        F_ora_Text_ysdh: &first.src_tid,
        F_ora_Text_ckdh: &order.stockout_no,
        FOwnerIdHead: warehouse(),
        SubHeadEntity: SubHead {
            FSettleOrgID: shop(),
            FSettleCurrID: Number { number: "PRE001" },
        },
        FEntity: order
            .details_list
            .iter()
            .map(|line| entry(line, &order.warehouse_no))
            .collect::<Result<_, Failure>>()?,
    })
}

fn entry<'a>(line: &'a order::Line<'a>, warehouse: &'a str) -> Result<Entry<'a>, Failure> {
    let quantity = number(&line.goods_count)?;
    Ok(Entry {
        FMaterialID: Number {
            number: &line.spec_no,
        },
        FAuxPropId: Aux {
            channel: Number { number: "03" },
        },
        FMustQty: quantity,
        FRealQty: quantity,
        FTaxPrice: number(&line.sell_price)?,
        FIsFree: line
            .sell_price
            .bytes()
            .all(|byte| matches!(byte, b'0' | b'.')),
        FLot: Number { number: "20250822" },
        FOwnerTypeID: "BD_OwnerOrg",
        FOwnerID: Number { number: warehouse },
        FStockID: Number { number: warehouse },
    })
}

/// The digits as they came.
fn number(text: &str) -> Result<&serde_json::value::RawValue, Failure> {
    Ok(serde_json::from_str(text)?)
}
