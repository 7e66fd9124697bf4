//! Push (下推): an audited document becomes the one that follows it, once.
//!
//! Our inference: quantities that were pushed whole cannot be pushed again, and the answer names the documents
//! that came out of it. `RuleId` is taken where it is `<source>-<target>`.

use super::document::{Bill, Store};
use super::forms::{self, Form};
use super::operation::chosen;
use super::reply::{Failure, Success, failure, result, status};
use super::save::give_ids;
use crate::exchange::Effect;
use crate::node::Node;
use std::time::Duration;
use tokio::time::Instant;

/// Source, target, and names of fields in both.
type Rule = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// Which forms follow which, with the fields that are named differently in both.
const RULES: [Rule; 4] = [
    (
        "SAL_SaleOrder",
        "SAL_OUTSTOCK",
        &[
            ("FCustId", "FCustomerID"),
            ("FSaleOrgId", "FStockOrgId"),
            ("FQty", "FRealQty"),
        ],
    ),
    (
        "PUR_PurchaseOrder",
        "STK_InStock",
        &[("FPurchaseOrgId", "FStockOrgId"), ("FQty", "FRealQty")],
    ),
    (
        "SAL_OUTSTOCK",
        "SAL_RETURNSTOCK",
        &[("FCustomerID", "FRetcustId")],
    ),
    (
        "SAL_OUTSTOCK",
        "AR_receivable",
        &[
            ("FCustomerID", "FCUSTOMERID"),
            ("FSaleOrgId", "FSETTLEORGID"),
            ("FDate", "FDATE"),
            ("FRealQty", "FPriceQty"),
        ],
    ),
];

pub(crate) fn run(
    store: &mut Store,
    source: &'static Form,
    data: &Node,
    effect: Effect,
    now_ms: i64,
) -> Result<Node, Failure> {
    let text = |name: &str| data.get(name).and_then(Node::scalar).unwrap_or_default();
    let by_default = data.flag("IsEnableDefaultRule", false);
    let rule = RULES.iter().find(|(from, to, _)| {
        let named = text("RuleId") == format!("{from}-{to}");
        *from == source.name && (named || by_default && *to == text("TargetFormId"))
    });
    let Some((_, target, renamed)) = rule else {
        return Err(failure(8, "参数错误：找不到单据转换规则"));
    };
    let target = forms::form(target).ok_or_else(|| failure(5, "业务对象不存在"))?;
    let bills = store
        .of(source.name)
        .ok_or_else(|| failure(5, "业务对象不存在"))?;
    let (found, missing) = chosen(bills, data)?;
    if found.is_empty() {
        return Err(failure(
            9,
            format!("编码值[\"{}\"]不存在", missing.join("\",\"")),
        ));
    }
    let sources: Vec<Bill> = found
        .into_iter()
        .filter_map(|(_, fid)| bills.by_fid(fid).cloned())
        .collect();
    let mut failures = Vec::new();
    let mut successes = Vec::new();
    for (at, bill) in sources.iter().enumerate() {
        match pushed(store, bill, source, target, renamed, effect, now_ms) {
            Ok((id, number)) => successes.push(Success { id, number, at }),
            Err(message) => failures.push(Failure {
                field: None,
                message,
                at,
                code: 11,
            }),
        }
    }
    let code = failures.first().map_or(0, |failure| failure.code);
    let told = status(failures.is_empty(), code, &failures, &successes);
    Ok(result(told, Vec::new()))
}

/// The field of the rows that names the source.
fn source_field(target: &Form) -> &'static str {
    match target.name {
        "AR_receivable" => "FSourceBillNo",
        _ => "FSrcBillNo",
    }
}

#[allow(clippy::too_many_arguments)] // Everything that a rule of conversion needs.
fn pushed(
    store: &mut Store,
    bill: &Bill,
    source: &'static Form,
    target: &'static Form,
    renamed: &[(&str, &str)],
    effect: Effect,
    now_ms: i64,
) -> Result<(i64, String), String> {
    let number = &bill.number;
    if bill.status != 'C' {
        return Err(format!("单据“{number}”未审核，不允许下推"));
    }
    let into = store.of_mut(target.name).ok_or("业务对象不存在")?;
    let came = source_field(target);
    let rows_of = |bill: &Bill, form: &Form| {
        bill.model
            .get(form.entity)
            .map(|rows| rows.items().to_vec())
            .unwrap_or_default()
    };
    let from_here = |row: &Node| row.get(came).and_then(Node::scalar) == Some(number);
    if into
        .all()
        .any(|made| rows_of(made, target).iter().any(from_here))
    {
        return Err(format!("单据“{number}”的关联数量已全部下推"));
    }
    let mut model = moved(&bill.model, source, target, "", "", renamed);
    let rows = rows_of(bill, source).into_iter().map(|row| {
        let mut row = moved(&row, source, target, source.entity, target.entity, renamed);
        row.set(came, Node::text(number));
        row
    });
    model.set(target.entity, Node::List(rows.collect()));
    give_ids(into, &mut model);
    let next = into.free_number();
    let visible = Instant::now() + Duration::from_millis(effect.hidden_ms);
    let id = into.create(next.clone(), 'A', model, visible, now_ms);
    Ok((id, next))
}

/// The fields that both have, and those that the rule renames.
fn moved(
    from: &Node,
    source: &'static Form,
    target: &'static Form,
    out_of: &'static str,
    into: &'static str,
    renamed: &[(&str, &str)],
) -> Node {
    let mut object = Node::Map(Vec::new());
    for (name, value) in from.members() {
        let new = renamed
            .iter()
            .filter(|(old, _)| old.eq_ignore_ascii_case(name));
        let names = new.map(|(_, new)| *new).chain([name.as_str()]);
        for name in names {
            let known = target.field(into, name);
            let container = [
                source.entity,
                source.sub_head,
                target.entity,
                target.sub_head,
            ];
            let plain = source.field(out_of, name).is_some() || known.is_some();
            if let Some(field) = known.filter(|_| plain && !container.contains(&name)) {
                let own = field.name == target.id || field.name == target.number;
                if !own && !name.eq_ignore_ascii_case("FEntryID") {
                    object.set(field.name, value.clone());
                }
            }
        }
    }
    object
}
