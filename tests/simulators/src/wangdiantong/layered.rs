//! Dialect D: 旗舰版 behind TOP's gateway. The gateway's signature goes over everything, Wangdiantong's own over
//! the flattened arguments; pages are counted from 1.

use super::flagship::{flat, reworded, told};
use super::qimen::{LIMITED, gateway, refused};
use super::query::Query;
use super::{Gateway, Refusal, Reply, Wangdiantong, business, collection, outline, push};
use crate::clock::parse_china;
use crate::config::Dialect;
use crate::exchange::{Answer, Effect, Vendor};
use crate::fault_rule::FaultKind;
use crate::form::Form;
use crate::node::Node;
use crate::signature::{flagship, flattened};

/// Seconds that `datetime` may be away: that of dialect C, since no document says another.
const MAX_SKEW: i64 = 120;

/// What the gateway adds, and what Wangdiantong leaves out of its own signature.
const OUTER: [&str; 9] = [
    "app_key",
    "target_app_key",
    "format",
    "v",
    "sign_method",
    "timestamp",
    "sign",
    "wdt_sign",
    "wdt3_customer_id",
];

/// One request.
pub(crate) struct Layered<'a> {
    pub(crate) server: &'a Wangdiantong,
    /// The parameters, or what is wrong with their form.
    pub(crate) form: &'a Result<Form, String>,
}

impl Layered<'_> {
    /// Whether a method is one of 旗舰版.
    pub(crate) fn knows(method: &str) -> bool {
        let method = method.strip_prefix("wdt.");
        let knows =
            |bare: &str| collection::by_layered(bare).is_some() || push::by_method(bare).is_some();
        method.is_some_and(knows)
    }

    fn reply(&self, effect: Effect) -> Result<Reply, Refusal> {
        let form = match self.form {
            Ok(form) => form,
            Err(message) => return Err(gateway(41, message.clone(), "isv.invalid-parameter")),
        };
        Gateway(self.server).verify(form)?;
        let method = form.get("method").unwrap_or_default();
        let bare = method.strip_prefix("wdt.").unwrap_or_default();
        let collection = collection::by_layered(bare);
        let push = push::by_method(bare);
        if collection.is_none() && push.is_none() {
            return Err(gateway(22, "Invalid method", "isv.invalid-method"));
        }
        self.verify(form)?;
        self.server.admit()?;
        if let Some(push) = push {
            return Ok(Reply::Written(self.server.push(push, form, effect)?));
        }
        self.server.catch_up();
        let collection = collection.ok_or_else(|| business(2541, "接口不存在"))?;
        let argument = |name: &str| {
            let text = form
                .get(name)
                .ok_or_else(|| business(2900, format!("缺少参数{name}")))?;
            match Node::parse(text) {
                Ok(node @ Node::Map(_)) => Ok(node),
                _ => Err(business(1, format!("参数{name}解析失败"))),
            }
        };
        let pager = flat(&argument("pager")?)?;
        let page_no = pager
            .get("page_no")
            .and_then(|text| text.parse::<usize>().ok());
        let Some(page_no) = page_no.and_then(|number| number.checked_sub(1)) else {
            return Err(business(100, "此方法仅支持分页查询"));
        };
        let page_no = page_no.to_string();
        let page = (Some(page_no.as_str()), pager.get("page_size"));
        let query = Query::flagship(collection, &flat(&argument("params")?)?, page)?;
        let page = self
            .server
            .page(collection, &query, Dialect::FlagshipQimen, effect);
        Ok(Reply::Page(page))
    }

    /// Wangdiantong's own layer.
    fn verify(&self, form: &Form) -> Result<(), Refusal> {
        let credentials = &self.server.credentials;
        for (key, known) in [
            ("wdt3_customer_id", &credentials.sid),
            ("wdt_appkey", &credentials.flagship_key),
            ("wdt_salt", &credentials.flagship_salt),
        ] {
            match form.get(key) {
                None => return Err(business(2900, format!("缺少参数{key}"))),
                Some(value) if value != known => {
                    return Err(business(2030, format!("{key}不存在")));
                }
                Some(_) => {}
            }
        }
        let sent = form.get("datetime").and_then(parse_china);
        let sent = sent.ok_or_else(|| business(1, "datetime格式错误"))?;
        if (self.server.clock.now() - sent).abs() > MAX_SKEW {
            return Err(business(2090, "datetime与服务器时间相差超过120秒"));
        }
        let signed: Vec<(&str, String)> = form
            .signed()
            .filter(|(name, _)| !OUTER.contains(name))
            .map(|(name, value)| (name, flattened(value)))
            .collect();
        let signed = signed.iter().map(|(name, value)| (*name, value.as_str()));
        let expected = flagship(signed, &credentials.flagship_secret);
        if form.get("wdt_sign") != Some(&expected) {
            return Err(business(2100, "wdt_sign签名错误"));
        }
        Ok(())
    }
}

impl Vendor for Layered<'_> {
    fn apply(&self, effect: Effect) -> Answer {
        match self.reply(effect).map_err(reworded) {
            Ok(reply) => {
                let (data, detail) = told(reply);
                let mut body = br#"{"response":{"status":0,"data":"#.to_vec();
                body.extend_from_slice(&data);
                body.extend_from_slice(b"}}");
                Answer::json(body, detail)
            }
            Err(refusal) => refused(&refusal, "status"),
        }
    }

    fn spoil(&self, kind: FaultKind) -> Answer {
        let body = match kind {
            FaultKind::WrongEnvelope => r#"{"success":true,"data":{"items":[]}}"#.to_owned(),
            FaultKind::WrongTypes => {
                let (list, total) = outline(self.reply(Effect::default()));
                let total = total.map_or(String::new(), |n| format!("\"total_count\":{n},"));
                format!(r#"{{"response":{{"status":0,"data":{{{total}"{list}":{{"0":{{}}}}}}}}}}"#)
            }
            _ => LIMITED.to_owned(),
        };
        Answer::json(body, "")
    }
}
