//! Queues: a query gives the oldest rows again and again until each was acknowledged. `logistics_sync` and
//! `api_goods_stock_change`, in 企业版.

use super::{Refusal, Wangdiantong, business};
use crate::form::Form;
use crate::node::Node;
use std::sync::PoisonError;

/// Page of the query, its list, page of the acknowledgement, its argument, smallest limit and most rows.
type Spec = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    usize,
);

const QUEUES: [Spec; 2] = [
    (
        "logistics_sync_query",
        "trades",
        "logistics_sync_ack",
        "logistics_list",
        50,
    ),
    (
        "api_goods_stock_change_query",
        "stock_change_list",
        "api_goods_stock_change_ack",
        "stock_sync_list",
        100,
    ),
];

/// What a page of this name answers beside `code`; none where it is no queue's.
pub(crate) fn serve(
    server: &Wangdiantong,
    page: &str,
    form: &Form,
) -> Option<Result<Vec<(String, Node)>, Refusal>> {
    QUEUES.iter().find_map(|spec| {
        let (query, _, acknowledge, ..) = *spec;
        if page == query {
            Some(peek(server, *spec, form))
        } else {
            (page == acknowledge).then(|| settle(server, *spec, form))
        }
    })
}

/// Whether a page is a queue's.
pub(crate) fn knows(page: &str) -> bool {
    QUEUES
        .iter()
        .any(|(query, _, acknowledge, ..)| *query == page || *acknowledge == page)
}

fn peek(
    server: &Wangdiantong,
    (name, list, ..): Spec,
    form: &Form,
) -> Result<Vec<(String, Node)>, Refusal> {
    let limit = form
        .get("limit")
        .ok_or_else(|| business(2900, "缺少参数limit"))?;
    let limit: usize = limit.parse().map_err(|_| business(2541, "limit参数无效"))?;
    if limit == 0 {
        return Err(business(2541, "limit参数无效"));
    }
    let queues = server.queues.lock().unwrap_or_else(PoisonError::into_inner);
    let rows = queues
        .get(name)
        .into_iter()
        .flat_map(|queue| queue.rows.values());
    let shop = form.get("shop_no");
    let of_shop = |row: &&Node| shop.is_none() || row.get("shop_no").and_then(Node::scalar) == shop;
    let rows: Vec<Node> = rows.filter(of_shop).take(limit.min(100)).cloned().collect();
    Ok(vec![
        (
            "current_count".to_owned(),
            Node::Number(rows.len().to_string()),
        ),
        (list.to_owned(), Node::List(rows)),
    ])
}

fn settle(
    server: &Wangdiantong,
    (name, _, _, argument, most): Spec,
    form: &Form,
) -> Result<Vec<(String, Node)>, Refusal> {
    let text = form
        .get(argument)
        .ok_or_else(|| business(2900, format!("缺少参数{argument}")))?;
    let said = Node::parse(text).map_err(|_| business(2541, format!("参数{argument}格式错误")))?;
    if said.items().is_empty() || said.items().len() > most {
        return Err(business(2541, format!("每次最多回写{most}条")));
    }
    let mut queues = server.queues.lock().unwrap_or_else(PoisonError::into_inner);
    let queue = queues.entry(name).or_default();
    let mut errors = Vec::new();
    for one in said.items() {
        let scalar = |field: &str| one.get(field).and_then(Node::scalar).map(str::to_owned);
        let rec_id = scalar("rec_id").unwrap_or_default();
        let refuse = |why: &str| {
            Node::map([
                ("rec_id", Node::text(rec_id.as_str())),
                ("error", Node::text(why)),
            ])
        };
        let known = rec_id.parse().ok().filter(|id| queue.rows.contains_key(id));
        let Some(id) = known else {
            // What was acknowledged before is no error.
            let before = queue
                .acknowledged
                .iter()
                .any(|(id, ..)| id.to_string() == rec_id);
            if !before {
                errors.push(refuse("记录不存在"));
            }
            continue;
        };
        let row = queue.rows.get(&id).cloned().unwrap_or(Node::Null);
        if name == "api_goods_stock_change_query" {
            let same =
                |field: &str| row.get(field).and_then(Node::scalar) == scalar(field).as_deref();
            if !same("sync_stock") || !same("stock_change_count") {
                errors.push(refuse("库存已变化"));
                continue;
            }
        } else if scalar("status").is_none() {
            errors.push(refuse("status不能为空"));
            continue;
        }
        queue.rows.remove(&id);
        let status = scalar("status").unwrap_or_default();
        queue
            .acknowledged
            .push((id, status, scalar("message").unwrap_or_default()));
    }
    Ok(vec![("errors".to_owned(), Node::List(errors))])
}
