//! 旗舰版's queue of shipments: `sales.LogisticsSync.getSyncListExt` gives them again until
//! `sales.LogisticsSync.update` said what became of each. Both are documented with samples; that an unknown
//! `sync_id` is told as a text in `data` is our inference, as is that a second acknowledgement is no error.

use super::ack::LOGISTICS;
use super::queued::flagship_row;
use super::{Refusal, Wangdiantong, business};
use crate::form::Form;
use crate::node::Node;
use std::sync::PoisonError;

const QUERY: &str = "sales.LogisticsSync.getSyncListExt";
const UPDATE: &str = "sales.LogisticsSync.update";
/// Rows of one answer, by the document.
const MOST: usize = 1_000;
/// What the query may be narrowed with.
const PARAMETERS: [&str; 5] = [
    "shop_no",
    "is_own_platform",
    "tid",
    "logistics_no",
    "is_part_sync",
];

/// The page of dialect A that does the same.
pub(crate) fn page_of(method: &str) -> Option<&'static str> {
    match method {
        QUERY => Some(LOGISTICS),
        UPDATE => Some("logistics_sync_ack"),
        _ => None,
    }
}

/// What a method answers beside `status`; none where it is not the queue's.
pub(crate) fn serve(
    server: &Wangdiantong,
    method: &str,
    form: &Form,
    arguments: &Node,
) -> Option<Result<Vec<(String, Node)>, Refusal>> {
    match method {
        QUERY => Some(peek(server, form, arguments)),
        UPDATE => Some(settle(server, arguments)),
        _ => None,
    }
}

fn peek(
    server: &Wangdiantong,
    form: &Form,
    arguments: &Node,
) -> Result<Vec<(String, Node)>, Refusal> {
    let [Node::Map(members)] = arguments.items() else {
        return Err(business(1, "参数个数不匹配"));
    };
    let number = |name: &str| form.get(name).and_then(|text| text.parse::<usize>().ok());
    let (Some(page_no), Some(page_size)) = (number("page_no"), number("page_size")) else {
        return Err(business(100, "此方法仅支持分页查询"));
    };
    if !(1..=MOST).contains(&page_size) {
        return Err(business(
            2220,
            format!("page_size必须为正整数且不大于{MOST}"),
        ));
    }
    let strange = members
        .iter()
        .find(|(name, _)| !PARAMETERS.contains(&name.as_str()));
    if let Some((name, _)) = strange {
        return Err(business(2541, format!("未知参数{name}")));
    }
    let argument = |name: &str| members.iter().find(|(own, _)| own == name);
    if !matches!(argument("is_own_platform"), Some((_, Node::Bool(true)))) {
        return Err(business(100, "参数中必须包含起止时间"));
    }
    let shop = argument("shop_no").and_then(|(_, shop)| shop.scalar());
    let rows = server.peek(LOGISTICS, shop, usize::MAX);
    let page = rows.iter().skip(page_no * page_size).take(page_size);
    let data = Node::List(page.map(flagship_row).collect());
    let total = Node::Number(rows.len().to_string());
    Ok(vec![("total".to_owned(), total), ("data".to_owned(), data)])
}

fn settle(server: &Wangdiantong, arguments: &Node) -> Result<Vec<(String, Node)>, Refusal> {
    let [Node::List(said)] = arguments.items() else {
        return Err(business(1, "参数个数不匹配"));
    };
    let mut queues = server.queues.lock().unwrap_or_else(PoisonError::into_inner);
    let queue = queues.entry(LOGISTICS).or_default();
    let mut errors = Vec::new();
    for one in said {
        let scalar = |field: &str| one.get(field).and_then(Node::scalar).map(str::to_owned);
        let id = scalar("sync_id").and_then(|id| id.parse().ok());
        let Some(id) = id.filter(|id| queue.rows.contains_key(id)) else {
            errors.push(Node::text("同步记录不存在!"));
            continue;
        };
        match scalar("status").as_deref() {
            Some("-100") => {}
            Some(status @ ("0" | "2")) => {
                if queue.open.remove(&id) {
                    let message = scalar("error_msg").unwrap_or_default();
                    queue.acknowledged.push((id, status.to_owned(), message));
                }
            }
            _ => errors.push(Node::text("同步结果状态为空!")),
        }
    }
    Ok(vec![("data".to_owned(), Node::List(errors))])
}
