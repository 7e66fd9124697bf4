//! The forms a call's body may have: positional or named, with `data` as an object or as a JSON text.

use super::reply::{Failure, failure};
use crate::node::Node;

/// What a call of the form service carries.
pub(crate) struct Body {
    /// Empty for queries, which name their form inside `data`.
    pub(crate) form_id: String,
    /// Of ExcuteOperation; empty elsewhere.
    pub(crate) op_number: String,
    pub(crate) data: Node,
    /// Asked for in the "begin, then poll" way of long calls.
    pub(crate) polled: bool,
}

/// Reads a body; `query` calls carry no form.
pub(crate) fn read(bytes: &[u8], query: bool) -> Result<Body, Failure> {
    let wrong = |reason: &str| failure(8, format!("参数错误：{reason}"));
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("请求体不是UTF-8编码"))?;
    let body =
        Node::parse(text).map_err(|error| wrong(&format!("请求体不是合法的JSON：{error}")))?;
    let (form_id, op_number, data) = match body.get("parameters").map(Node::items) {
        Some([data]) if query => (None, None, Some(data)),
        Some([form_id, data]) if !query => (Some(form_id), None, Some(data)),
        Some([form_id, op_number, data]) if !query => (Some(form_id), Some(op_number), Some(data)),
        Some(_) => return Err(wrong("parameters个数错误")),
        None => (body.get("formid"), body.get("opNumber"), body.get("data")),
    };
    let form_id = form_id
        .and_then(Node::scalar)
        .unwrap_or_default()
        .to_owned();
    if !query && form_id.is_empty() {
        return Err(failure(5, "单据标识为空"));
    }
    let data = match data {
        Some(Node::Text(text)) => {
            Node::parse(text).map_err(|error| wrong(&format!("data不是合法的JSON：{error}")))?
        }
        Some(data) => data.clone(),
        None => return Err(wrong("缺少data")),
    };
    if !matches!(data, Node::Map(_)) {
        return Err(wrong("data必须是对象"));
    }
    Ok(Body {
        form_id,
        op_number: op_number
            .and_then(Node::scalar)
            .unwrap_or_default()
            .to_owned(),
        data,
        polled: body.get("beginmethod").is_some(),
    })
}
