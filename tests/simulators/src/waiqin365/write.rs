//! What a write that was taken does. What the documents leave open happens the hard way: a number that is
//! used again makes a second document.

use super::facts::Operation;
use super::record::{self, Record};
use super::{Inner, Taken, Waiqin365};
use crate::node::Node;

/// What is answered beside `return_code` 0.
#[derive(Default)]
pub(super) struct Done {
    pub(super) message: Option<String>,
    /// The JSON text of `response_data`.
    pub(super) data: Option<String>,
}

/// A write that makes a document: the query that shows it, the number in both.
const MAKES: [(&str, &str, &str, &str); 9] = [
    ("addSent", "getDmsOrderSentInfos", "sent_no", "sent_no"),
    (
        "addPurchase",
        "getDmsPurchaseOrderInfos",
        "order_no",
        "purchase_no",
    ),
    ("returnOrder", "queryOrder", "order_no", "order_no"),
    ("addCoupon", "queryCouponDetail", "coupon_no", "coupon_no"),
    ("addCmQuota", "queryCmQuotaByPds", "", ""),
    ("savePreDeposit", "getReceivableInfos", "", "receive_no"),
    ("saveGoodsDeposit", "getReceivableInfos", "", "receive_no"),
    ("backPreDeposit", "getReceivableBackInfos", "", "receive_no"),
    (
        "backGoodsDeposit",
        "getReceivableBackInfos",
        "",
        "receive_no",
    ),
];

/// What a set-type write is about; writing it again changes nothing.
const SETS: [(&str, &str); 8] = [
    ("stopPurchaseSentOrder", "order_no"),
    ("receiveCustomerWithBalance", "dealerCode"),
    ("approvalCoupon", "coupon_no"),
    ("convertOrderStatus", "order_no"),
    ("modifyCmQuota", "quota_id"),
    ("thirdSignNum", "order_sent_id"),
    ("autoSignFromSentNo", "sent_no"),
    ("modifyUseDefinedVal", "order_no"),
];

/// The field that a document is known by among what was written.
pub(super) fn number_field(operation: &str) -> &'static str {
    let made = MAKES.iter().find(|made| made.0 == operation);
    let set = SETS.iter().find(|set| set.0 == operation);
    match (made, set, operation) {
        (_, _, "newShouHuo") => "no",
        (_, _, "addSentWaybilllogs") => "bill_code",
        // These have no number; what tells a test's documents apart takes its place.
        (_, _, "addCmQuota") => "name",
        (Some(made), _, _) if made.2.is_empty() => "cm_code",
        (Some(made), _, _) => made.2,
        (_, Some(set), _) => set.1,
        _ => "",
    }
}

pub(super) fn is_set(operation: &str) -> bool {
    SETS.iter().any(|set| set.0 == operation)
}

impl Waiqin365 {
    pub(super) fn write(
        &self,
        inner: &mut Inner,
        operation: &Operation,
        body: &Node,
        hidden_ms: u64,
    ) -> Result<Done, String> {
        if let Some(items) = body
            .get("data")
            .filter(|_| operation.name == "receiveCustomerWithBalance")
        {
            for item in items.items() {
                self.keep(inner, operation.name, item);
            }
            return Ok(Done::default());
        }
        let made = MAKES.iter().find(|made| made.0 == operation.name);
        let Some((_, query, number_in, number_out)) = made.copied() else {
            self.keep(inner, operation.name, body);
            return Ok(Done::default());
        };
        let number = body
            .get(number_in)
            .and_then(Node::scalar)
            .filter(|number| !number.is_empty());
        let edits = body.get("operate_type").and_then(Node::scalar) == Some("2");
        let now_ms = self.clock.now_ms();
        let Some(shows) = self.operation(query) else {
            return Err("系统异常".to_owned());
        };
        let records = inner.records.entry(shows.name).or_default();
        let same = |record: &&mut Record| {
            let found = record.fields.get(number_out).and_then(Node::scalar);
            number.is_some() && found == number
        };
        let standing = records.iter_mut().find(same);
        let fields = match (standing, edits) {
            (None, true) => return Err("订单不存在".to_owned()),
            (Some(record), true) => {
                overlay(&mut record.fields, body);
                record::change(shows, record, now_ms);
                record.fields.clone()
            }
            (Some(_), false) if self.rules.unique_numbers => {
                return Err(format!("编号{}已存在", number.unwrap_or_default()));
            }
            (_, false) => {
                let mut record = record::make(shows, self.seed, records.len(), now_ms);
                overlay(&mut record.fields, body);
                if let Some(number) = number {
                    record.fields.set(number_out, Node::text(number));
                }
                record.visible_ms = now_ms + i64::try_from(hidden_ms).unwrap_or(0);
                let fields = record.fields.clone();
                records.push(record);
                fields
            }
        };
        self.keep(inner, operation.name, body);
        Ok(answer(operation.name, &fields))
    }

    /// Remembers what took effect.
    fn keep(&self, inner: &mut Inner, operation: &'static str, body: &Node) {
        let key = body.get(number_field(operation)).and_then(Node::scalar);
        let taken = Taken {
            key: key.unwrap_or_default().to_owned(),
            json: body.to_string(),
        };
        let all = inner.written.entry(operation).or_default();
        if is_set(operation) {
            all.retain(|earlier| earlier.key != taken.key);
        }
        all.push(taken);
    }
}

/// Fields of the body that the query shows by the same name.
fn overlay(fields: &mut Node, body: &Node) {
    for (name, value) in body.members() {
        if fields.get(name).is_some() && value.scalar().is_some() {
            fields.set(name, value.clone());
        }
    }
}

fn answer(operation: &str, fields: &Node) -> Done {
    let get = |name: &str| fields.get(name).cloned().unwrap_or(Node::Null);
    let data = |members: Vec<(String, Node)>| Node::List(vec![Node::Map(members)]).to_string();
    match operation {
        // Its table lists the order's fields under `return_msg`.
        "addPurchase" => Done {
            message: Some(fields.to_string()),
            data: None,
        },
        "addCoupon" => Done {
            message: None,
            data: Some(data(vec![
                ("id".to_owned(), get("id")),
                ("code".to_owned(), get("coupon_no")),
            ])),
        },
        "addCmQuota" => Done {
            message: None,
            data: Some(data(vec![("id".to_owned(), get("id"))])),
        },
        _ => Done::default(),
    }
}
