//! Submit, Audit, UnAudit, CancelAssign, Delete, ExcuteOperation and View. Named bills that do not exist are
//! left out of the answer when others do exist, and are an error when none does, as one published sample of
//! UnAudit has it. The inside of a View answer is simplified: the model as it was saved.
//!
//! Our inference: a bill's time of change is that of its content; submitting and auditing leave it alone.

use super::document::{Bill, Bills};
use super::reply::{Failure, Success, failure, result, status};
use crate::exchange::Effect;
use crate::node::Node;

/// What is done.
#[derive(Clone, Copy)]
pub(crate) struct Act<'a> {
    pub(crate) operation: &'a str,
    /// Of ExcuteOperation.
    pub(crate) number: &'a str,
    pub(crate) now_ms: i64,
}

pub(crate) fn run(
    bills: &mut Bills,
    act: Act<'_>,
    data: &Node,
    effect: Effect,
) -> Result<Node, Failure> {
    if act.operation == "ExcuteOperation" && act.number.is_empty() {
        return Err(failure(3, "操作标识为空"));
    }
    let (mut found, missing) = chosen(bills, data)?;
    if found.is_empty() {
        let list: Vec<String> = missing
            .iter()
            .map(|number| format!("\"{number}\""))
            .collect();
        return Err(failure(9, format!("编码值[{}]不存在", list.join(","))));
    }
    let named = found.len();
    if effect.half {
        found.truncate(named / 2);
    }
    let whole = found.len() == named;
    let mut failures = Vec::new();
    let mut successes = Vec::new();
    for (at, fid) in found {
        match step(bills, act, fid) {
            Ok(number) => successes.push(Success {
                id: fid,
                number,
                at,
            }),
            Err((code, message)) => failures.push(Failure {
                field: None,
                message,
                at,
                code,
            }),
        }
    }
    let code = match failures.first() {
        Some(failure) => failure.code,
        None if whole => 0,
        None => 6,
    };
    let success = failures.is_empty() && whole;
    Ok(result(
        status(success, code, &failures, &successes),
        Vec::new(),
    ))
}

/// Ids of the named bills with their places in the call, and the names that are unknown.
#[allow(clippy::type_complexity)]
pub(crate) fn chosen(
    bills: &Bills,
    data: &Node,
) -> Result<(Vec<(usize, i64)>, Vec<String>), Failure> {
    let numbers = data.get("Numbers").map(Node::items).unwrap_or_default();
    let mut names: Vec<(String, Option<i64>)> = numbers
        .iter()
        .filter_map(Node::scalar)
        .map(|number| (number.to_owned(), bills.fid(number)))
        .collect();
    if names.is_empty() {
        let ids = data.get("Ids").and_then(Node::scalar).unwrap_or_default();
        names = ids
            .split(',')
            .filter(|id| !id.is_empty())
            .map(|id| {
                (
                    id.to_owned(),
                    id.trim()
                        .parse()
                        .ok()
                        .filter(|fid| bills.by_fid(*fid).is_some()),
                )
            })
            .collect();
    }
    if names.is_empty() {
        return Err(failure(8, "参数错误：Numbers和Ids不能同时为空"));
    }
    let found = names
        .iter()
        .enumerate()
        .filter_map(|(at, (_, fid))| fid.map(|fid| (at, fid)))
        .collect();
    let missing = names
        .into_iter()
        .filter(|(_, fid)| fid.is_none())
        .map(|(name, _)| name)
        .collect();
    Ok((found, missing))
}

fn step(bills: &mut Bills, act: Act<'_>, fid: i64) -> Result<String, (i32, String)> {
    let Some(bill) = bills.by_fid_mut(fid) else {
        return Err((10, format!("内码为{fid}的单据不存在")));
    };
    let number = bill.number.clone();
    let refuse = |message: String| Err((11, message));
    if act.operation == "ExcuteOperation" {
        return by_number(bill, act.number).map(|()| number);
    }
    if bill.cancelled == 'B' {
        return refuse(format!("单据“{number}”已经作废，不允许此操作"));
    }
    let next = match (act.operation, bill.status) {
        ("Submit", 'A' | 'D') => 'B',
        ("Audit", 'B') => 'C',
        ("UnAudit", 'C') => 'D',
        ("CancelAssign", 'B') => 'D',
        ("Delete", 'A' | 'D' | 'Z') => {
            bills.remove(fid);
            return Ok(number);
        }
        (_, 'C') => return refuse(format!("单据“{number}”已经审核，不允许此操作")),
        ("Audit", _) => return refuse(format!("单据“{number}”未提交，不能审核")),
        ("UnAudit", _) => return refuse(format!("单据“{number}”未审核，不能反审核")),
        ("CancelAssign", _) => return refuse(format!("单据“{number}”未提交，不能撤销")),
        (_, 'Z') => return refuse(format!("单据“{number}”是暂存单据，请先保存")),
        _ => return refuse(format!("单据“{number}”正在审核中，不允许此操作")),
    };
    bill.status = next;
    bill.approved = (next == 'C').then_some(act.now_ms);
    Ok(number)
}

/// The operations of a form by their numbers: cancel what is not audited, close what is, forbid base data.
fn by_number(bill: &mut Bill, operation: &str) -> Result<(), (i32, String)> {
    let plain = operation
        .strip_prefix("YL")
        .unwrap_or(operation)
        .to_ascii_lowercase();
    let number = bill.number.clone();
    let audited = bill.status == 'C';
    let (place, to, allowed) = match plain.as_str() {
        "cancel" => (&mut bill.cancelled, 'B', !audited),
        "uncancel" => (&mut bill.cancelled, 'A', true),
        "billclose" => (&mut bill.closed, 'B', audited),
        "billunclose" | "unbillclose" => (&mut bill.closed, 'A', true),
        "forbid" => (&mut bill.forbidden, 'B', audited),
        "enable" => (&mut bill.forbidden, 'A', true),
        _ => return Err((3, format!("操作编码“{operation}”不存在"))),
    };
    if *place == to || !allowed {
        return Err((12, format!("“{number}”的状态不允许操作“{operation}”")));
    }
    *place = to;
    Ok(())
}

pub(crate) fn view(bills: &Bills, data: &Node) -> Result<Node, Failure> {
    let number = data
        .get("Number")
        .and_then(Node::scalar)
        .unwrap_or_default();
    let fid = if number.is_empty() {
        data.get("Id").map_or(0, Node::id)
    } else {
        bills.fid(number).unwrap_or(0)
    };
    let Some(bill) = bills.by_fid(fid) else {
        return Err(failure(9, format!("编码值[\"{number}\"]不存在")));
    };
    let mut model = bill.model.clone();
    model.set("Id", Node::integer(fid));
    model.set("BillNo", Node::text(&bill.number));
    if bills.form.is_base_data() {
        model.set("Number", Node::text(&bill.number));
    }
    model.set("DocumentStatus", Node::text(bill.status.to_string()));
    Ok(result(
        status(true, 0, &[], &[]),
        vec![("Result".to_owned(), model)],
    ))
}
