//! Dialect C: `POST {base}/openapi?…` with everything in the address but the arguments, which are a JSON list
//! in the body; decimals and times come now as texts, now as numbers.

use super::direct::members;
use super::query::Query;
use super::{
    Page, Refusal, Reply, Wangdiantong, business, collection, flagship_ack, outline, push,
};
use crate::config::Dialect;
use crate::exchange::{Answer, Effect, Vendor};
use crate::fault_rule::FaultKind;
use crate::form::Form;
use crate::node::Node;
use crate::signature::flagship;
use crate::writer::string;

/// Seconds that a timestamp may be away, by the vendor's document.
const MAX_SKEW: i64 = 120;
/// 2012-01-01 00:00:00 China time, from which seconds are counted.
const EPOCH: i64 = 1_325_347_200;

/// One request.
pub(crate) struct Flagship<'a> {
    pub(crate) server: &'a Wangdiantong,
    pub(crate) method: &'a str,
    pub(crate) content_type: &'a str,
    /// The parameters of the address, or what is wrong with their form.
    pub(crate) form: &'a Result<Form, String>,
    pub(crate) body: &'a str,
}

impl Flagship<'_> {
    fn reply(&self, effect: Effect) -> Result<Reply, Refusal> {
        let form = match self.form {
            Ok(form) => form,
            Err(message) => return Err(business(2541, message.clone())),
        };
        if self.method != "POST" || !self.content_type.starts_with("application/json") {
            return Err(business(1, "请求方式错误，仅支持POST JSON"));
        }
        let method = form.get("method").unwrap_or_default();
        let collection = collection::by_flagship(method);
        let push = push::by_method(method);
        let queue = flagship_ack::page_of(method);
        if collection.is_none() && push.is_none() && queue.is_none() {
            return Err(business(2541, format!("接口{method}不存在")));
        }
        self.verify(form)?;
        self.server.admit()?;
        let arguments = Node::parse(self.body).map_err(|_| business(1, "参数解析失败"))?;
        if let Some(told) = flagship_ack::serve(self.server, method, form, &arguments) {
            return told.map(Reply::Told);
        }
        if let Some(push) = push {
            let named = by_place(&push.arguments, arguments.items())?;
            return Ok(Reply::Written(self.server.push(push, &named, effect)?));
        }
        self.server.catch_up();
        let (Some(collection), [arguments @ Node::Map(_)]) = (collection, arguments.items()) else {
            return Err(business(1, "参数个数不匹配"));
        };
        let page = (form.get("page_no"), form.get("page_size"));
        let query = Query::flagship(collection, &flat(arguments)?, page)?;
        let mut page = self
            .server
            .page(collection, &query, Dialect::Flagship, effect);
        match form.get("calc_total") {
            Some("1") => {}
            None | Some("0") => page.total = None,
            Some(_) => return Err(business(2541, "calc_total参数无效")),
        }
        Ok(Reply::Page(page))
    }

    fn verify(&self, form: &Form) -> Result<(), Refusal> {
        let credentials = &self.server.credentials;
        for key in ["sid", "key", "salt", "method", "v", "timestamp", "sign"] {
            if form.get(key).is_none() {
                return Err(business(2900, format!("缺少参数{key}")));
            }
        }
        if form.get("sid") != Some(&credentials.sid) {
            return Err(business(2030, "sid不存在"));
        }
        let known = (
            Some(credentials.flagship_key.as_str()),
            Some(credentials.flagship_salt.as_str()),
        );
        if (form.get("key"), form.get("salt")) != known {
            return Err(business(2060, "appkey或salt不存在"));
        }
        if form.get("v") != Some("1.0") {
            return Err(business(8, "版本号错误"));
        }
        let timestamp = form
            .get("timestamp")
            .and_then(|text| text.parse::<i64>().ok());
        let sent = timestamp.ok_or_else(|| business(1, "timestamp格式错误"))? + EPOCH;
        if (self.server.clock.now() - sent).abs() > MAX_SKEW {
            return Err(business(2090, "timestamp与服务器时间相差超过120秒"));
        }
        let mut signed: Vec<(&str, &str)> = form.signed().collect();
        signed.push(("body", self.body));
        signed.sort_unstable();
        let expected = flagship(signed.into_iter(), &credentials.flagship_secret);
        if form.get("sign") != Some(&expected) {
            return Err(business(2100, "签名错误"));
        }
        Ok(())
    }
}

/// Arguments that stand in their order, by name.
fn by_place(names: &[&str], arguments: &[Node]) -> Result<Form, Refusal> {
    if names.len() != arguments.len() {
        return Err(business(1, "参数个数不匹配"));
    }
    let pairs = names.iter().zip(arguments).map(|(name, value)| {
        let text = value
            .scalar()
            .map_or_else(|| value.to_string(), str::to_owned);
        ((*name).to_owned(), text)
    });
    Form::of(pairs.collect()).map_err(|message| business(2541, message))
}

/// The scalars of an argument as parameters.
pub(crate) fn flat(arguments: &Node) -> Result<Form, Refusal> {
    let mut pairs = Vec::new();
    for (name, value) in arguments.members() {
        let text = match value {
            Node::Text(text) | Node::Number(text) => text.clone(),
            Node::Bool(value) => value.to_string(),
            Node::List(items) => {
                let texts: Vec<&str> = items.iter().filter_map(Node::scalar).collect();
                texts.join(",")
            }
            Node::Null | Node::Map(_) => return Err(business(2541, format!("参数{name}无效"))),
        };
        pairs.push((name.clone(), text));
    }
    Form::of(pairs).map_err(|message| business(2541, message))
}

/// What 旗舰版 makes of a refusal that is worded for 企业版: its own few codes, and 100 for the rest.
pub(crate) fn reworded(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::Business { code, message } => match code {
            2541 | 2900 => business(2, message),
            2030 | 2060 | 2100 => business(1, message),
            2090 => business(7, message),
            1012 => business(100, "超过每分钟最大调用频率限制，请稍后重试"),
            2104 => business(100, format!("您的查询时间过宽,{message}")),
            1..=8 => business(code, message),
            _ => business(100, message),
        },
        gateway => gateway,
    }
}

/// What stands under `data`, and the same for the journal.
pub(crate) fn told(reply: Reply) -> (Vec<u8>, String) {
    match reply {
        Reply::Page(page) => (data(&page), page.detail),
        Reply::Written(written) => {
            let data = written.flagship();
            (data.to_bytes(), data.to_string())
        }
        Reply::Told(members) => {
            let data = Node::Map(members);
            (data.to_bytes(), data.to_string())
        }
    }
}

/// `{"total_count":…,"order":[…]}`
fn data(page: &Page) -> Vec<u8> {
    let mut data = b"{".to_vec();
    if let Some(total) = page.total {
        data.extend_from_slice(format!("\"total_count\":{total},").as_bytes());
    }
    data.extend_from_slice(format!("\"{}\":[", page.list_key).as_bytes());
    data.extend_from_slice(&page.rows);
    data.extend_from_slice(b"]}");
    data
}

impl Vendor for Flagship<'_> {
    fn apply(&self, effect: Effect) -> Answer {
        let (body, detail) = match self.reply(effect).map_err(reworded) {
            Ok(Reply::Told(told)) => members("{\"status\":0", told, "}"),
            Ok(reply) => {
                let (data, detail) = told(reply);
                let mut body = br#"{"status":0,"data":"#.to_vec();
                body.extend_from_slice(&data);
                body.push(b'}');
                (body, detail)
            }
            Err(Refusal::Business { code, message } | Refusal::Gateway { code, message, .. }) => {
                let mut body = format!("{{\"status\":{code},\"message\":").into_bytes();
                string(&mut body, &message);
                body.push(b'}');
                (body, format!("{code} {message}"))
            }
        };
        Answer::json(body, detail)
    }

    fn spoil(&self, kind: FaultKind) -> Answer {
        let body = match kind {
            FaultKind::WrongEnvelope => r#"{"success":true,"data":{"items":[]}}"#.to_owned(),
            FaultKind::WrongTypes => {
                let (list, total) = outline(self.reply(Effect::default()));
                let total = total.map_or(String::new(), |n| format!("\"total_count\":{n},"));
                format!(r#"{{"status":0,"data":{{{total}"{list}":{{"0":{{}}}}}}}}"#)
            }
            _ => r#"{"status":100,"message":"超过每分钟最大调用频率限制,请稍后重试"}"#.to_owned(),
        };
        Answer::json(body, "")
    }
}
