//! Queues: a query gives the oldest rows again and again until each was acknowledged. `logistics_sync` and
//! `api_goods_stock_change` in 企业版; 旗舰版's own `sales.LogisticsSync` is `flagship_ack`.

use super::{Refusal, Wangdiantong, business};
use crate::form::Form;
use crate::node::Node;
use std::sync::PoisonError;

struct Spec {
    /// Page of the query.
    query: &'static str,
    list: &'static str,
    /// Page of the acknowledgement, its argument, and most rows of it.
    acknowledge: &'static str,
    argument: &'static str,
    most: usize,
    dialects: &'static str,
}

const QUEUES: [Spec; 2] = [
    Spec {
        query: LOGISTICS,
        list: "trades",
        acknowledge: "logistics_sync_ack",
        argument: "logistics_list",
        most: 50,
        dialects: "ABC",
    },
    Spec {
        query: STOCK,
        list: "stock_change_list",
        acknowledge: "api_goods_stock_change_ack",
        argument: "stock_sync_list",
        most: 100,
        dialects: "AB",
    },
];

pub(crate) const LOGISTICS: &str = "logistics_sync_query";
/// Its rows count how often they changed.
pub(crate) const STOCK: &str = "api_goods_stock_change_query";

/// What a page of this name answers beside `code`; none where it is no queue's.
pub(crate) fn serve(
    server: &Wangdiantong,
    page: &str,
    form: &Form,
) -> Option<Result<Vec<(String, Node)>, Refusal>> {
    QUEUES.iter().find_map(|spec| {
        if page == spec.query {
            Some(peek(server, spec, form))
        } else {
            (page == spec.acknowledge).then(|| settle(server, spec, form))
        }
    })
}

/// Whether a page is a queue's.
pub(crate) fn knows(page: &str) -> bool {
    QUEUES
        .iter()
        .any(|spec| spec.query == page || spec.acknowledge == page)
}

/// The query of a queue.
pub(crate) fn named(query: &str) -> Option<&'static str> {
    let spec = QUEUES.iter().find(|spec| spec.query == query);
    spec.map(|spec| spec.query)
}

/// Queries of the queues that a dialect offers.
pub(crate) fn offered(dialect: char) -> impl Iterator<Item = &'static str> {
    let offered = QUEUES
        .iter()
        .filter(move |spec| spec.dialects.contains(dialect));
    offered.map(|spec| spec.query)
}

fn peek(server: &Wangdiantong, spec: &Spec, form: &Form) -> Result<Vec<(String, Node)>, Refusal> {
    let limit = form
        .get("limit")
        .ok_or_else(|| business(2900, "缺少参数limit"))?;
    let limit: usize = limit.parse().map_err(|_| business(2541, "limit参数无效"))?;
    if limit == 0 {
        return Err(business(2541, "limit参数无效"));
    }
    let rows = server.peek(spec.query, form.get("shop_no"), limit.min(100));
    Ok(vec![
        (
            "current_count".to_owned(),
            Node::Number(rows.len().to_string()),
        ),
        (spec.list.to_owned(), Node::List(rows)),
    ])
}

fn settle(server: &Wangdiantong, spec: &Spec, form: &Form) -> Result<Vec<(String, Node)>, Refusal> {
    let (argument, most) = (spec.argument, spec.most);
    let text = form
        .get(argument)
        .ok_or_else(|| business(2900, format!("缺少参数{argument}")))?;
    let said = Node::parse(text).map_err(|_| business(2541, format!("参数{argument}格式错误")))?;
    if said.items().is_empty() || said.items().len() > most {
        return Err(business(2541, format!("每次最多回写{most}条")));
    }
    let mut queues = server.queues.lock().unwrap_or_else(PoisonError::into_inner);
    let queue = queues.entry(spec.query).or_default();
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
        let known = rec_id
            .parse()
            .ok()
            .and_then(|id| queue.rows.get_key_value(&id));
        let Some((id, row)) = known.map(|(id, row)| (*id, row.clone())) else {
            errors.push(refuse("记录不存在"));
            continue;
        };
        // What was acknowledged before is no error.
        if !queue.open.contains(&id) {
            continue;
        }
        if spec.query == STOCK {
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
        queue.open.remove(&id);
        let status = scalar("status").unwrap_or_default();
        queue
            .acknowledged
            .push((id, status, scalar("message").unwrap_or_default()));
    }
    Ok(vec![("errors".to_owned(), Node::List(errors))])
}
