//! Submit, Audit, UnAudit, Delete and View. Named bills that do not exist are left out of the answer when
//! others do exist, and are an error when none does, as one published sample of UnAudit has it.
//! The inside of a View answer is simplified: the model as it was saved.

use super::document::Bills;
use super::reply::{Failure, Success, failure, result, status};
use crate::exchange::Effect;
use crate::node::Node;

pub(crate) fn run(
    bills: &mut Bills,
    operation: &str,
    data: &Node,
    effect: Effect,
) -> Result<Node, Failure> {
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
        match step(bills, operation, fid) {
            Ok(number) => successes.push(Success {
                id: fid,
                number,
                at,
            }),
            Err(message) => failures.push(Failure {
                field: None,
                message,
                at,
                code: 11,
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
fn chosen(bills: &Bills, data: &Node) -> Result<(Vec<(usize, i64)>, Vec<String>), Failure> {
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

fn step(bills: &mut Bills, operation: &str, fid: i64) -> Result<String, String> {
    let Some(bill) = bills.by_fid_mut(fid) else {
        return Err(format!("内码为{fid}的单据不存在"));
    };
    let number = bill.number.clone();
    let next = match (operation, bill.status) {
        ("Submit", 'A' | 'D') => 'B',
        ("Audit", 'B') => 'C',
        ("UnAudit", 'C') => 'D',
        ("Delete", 'A' | 'D') => {
            bills.remove(fid);
            return Ok(number);
        }
        (_, 'C') => return Err(format!("单据“{number}”已经审核，不允许此操作")),
        ("Audit", _) => return Err(format!("单据“{number}”未提交，不能审核")),
        ("UnAudit", _) => return Err(format!("单据“{number}”未审核，不能反审核")),
        _ => return Err(format!("单据“{number}”正在审核中，不允许此操作")),
    };
    bill.status = next;
    Ok(number)
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
    model.set("DocumentStatus", Node::text(bill.status.to_string()));
    Ok(result(
        status(true, 0, &[], &[]),
        vec![("Result".to_owned(), model)],
    ))
}
