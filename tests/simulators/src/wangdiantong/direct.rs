//! Dialect A: `POST {base}/openapi2/<name>.php` with a signed form; scalars come as strings.

use super::query::Query;
use super::{Refusal, Reply, Wangdiantong, ack, business, collection, outline, push};
use crate::config::Dialect;
use crate::exchange::{Answer, Effect, Vendor};
use crate::fault_rule::FaultKind;
use crate::form::Form;
use crate::node::Node;
use crate::signature::enterprise;
use crate::writer::string;

/// Seconds that a timestamp may be away, by the vendor's document.
const MAX_SKEW: i64 = 300;

/// One request.
pub(crate) struct Direct<'a> {
    pub(crate) server: &'a Wangdiantong,
    pub(crate) method: &'a str,
    /// Path after `/openapi2/`.
    pub(crate) page: &'a str,
    pub(crate) content_type: &'a str,
    pub(crate) query: &'a str,
    pub(crate) body: &'a str,
}

impl Direct<'_> {
    fn reply(&self, effect: Effect) -> Result<Reply, Refusal> {
        let name = self.page.strip_suffix(".php").unwrap_or("");
        let collection = collection::offered(name, 'A');
        let push = push::offered(name, 'A');
        if collection.is_none() && push.is_none() && !ack::knows(name) {
            return Err(business(2541, format!("接口{}不存在", self.page)));
        }
        self.posted()?;
        let form =
            Form::parse(&[self.query, self.body]).map_err(|message| business(2541, message))?;
        if let Some(key) = form.empty_value() {
            return Err(business(2541, format!("参数{key}不能为空")));
        }
        self.verify(&form)?;
        self.server.admit()?;
        if let Some(push) = push {
            return Ok(Reply::Written(self.server.push(push, &form, effect)?));
        }
        self.server.catch_up();
        if let Some(told) = ack::serve(self.server, name, &form) {
            return told.map(Reply::Told);
        }
        let collection = collection.ok_or_else(|| business(2541, "接口不存在"))?;
        let query = Query::parse(collection, &form)?;
        let page = self
            .server
            .page(collection, &query, Dialect::Direct, effect);
        Ok(Reply::Page(page))
    }

    fn posted(&self) -> Result<(), Refusal> {
        if self.method != "POST" {
            return Err(business(2541, "请求方式错误，仅支持POST"));
        }
        if !self
            .content_type
            .to_ascii_lowercase()
            .starts_with("application/x-www-form-urlencoded")
        {
            return Err(business(
                2541,
                "Content-Type错误，仅支持application/x-www-form-urlencoded",
            ));
        }
        Ok(())
    }

    fn verify(&self, form: &Form) -> Result<(), Refusal> {
        let credentials = &self.server.credentials;
        for key in ["sid", "appkey", "timestamp", "sign"] {
            if form.get(key).is_none() {
                return Err(business(2900, format!("缺少参数{key}")));
            }
        }
        if form.get("sid") != Some(&credentials.sid) {
            return Err(business(2030, "卖家账号sid不存在"));
        }
        if form.get("appkey") != Some(&credentials.appkey) {
            return Err(business(2060, "接口账号appkey不存在"));
        }
        let timestamp = form.get("timestamp").unwrap_or_default();
        let seconds = timestamp
            .parse::<i64>()
            .ok()
            .filter(|_| timestamp.len() == 10);
        let seconds =
            seconds.ok_or_else(|| business(2541, "timestamp参数无效，必须为10位时间戳"))?;
        if (self.server.clock.now() - seconds).abs() > MAX_SKEW {
            return Err(business(2090, "timestamp与服务器时间相差超过5分钟"));
        }
        if form.get("sign") != Some(&enterprise(form.signed(), &credentials.appsecret)) {
            return Err(business(2100, "签名错误"));
        }
        Ok(())
    }
}

impl Vendor for Direct<'_> {
    fn apply(&self, effect: Effect) -> Answer {
        let (body, detail) = match self.reply(effect) {
            Ok(Reply::Written(written)) => members("{\"code\":0", written.enterprise(), "}"),
            Ok(Reply::Told(told)) => members("{\"code\":0", told, "}"),
            Ok(Reply::Page(page)) => {
                let mut body = br#"{"code":0,"message":"""#.to_vec();
                if let Some(total) = page.total {
                    body.extend_from_slice(format!(",\"total_count\":\"{total}\"").as_bytes());
                }
                body.extend_from_slice(format!(",\"{}\":[", page.list_key).as_bytes());
                body.extend_from_slice(&page.rows);
                body.extend_from_slice(b"]}");
                (body, page.detail)
            }
            Err(Refusal::Business { code, message } | Refusal::Gateway { code, message, .. }) => {
                let mut body = format!("{{\"code\":{code},\"message\":").into_bytes();
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
                let total = total.map_or(String::new(), |n| format!(",\"total_count\":\"{n}\""));
                format!(r#"{{"code":0,"message":""{total},"{list}":{{"0":{{}}}}}}"#)
            }
            _ => r#"{"code":1012,"message":"接口调用频率超限，每分钟最多60次，请稍后重试"}"#
                .to_owned(),
        };
        Answer::json(body, "")
    }
}

/// An answer of members between a beginning and an end, and the same for the journal.
pub(crate) fn members(begin: &str, members: Vec<(String, Node)>, end: &str) -> (Vec<u8>, String) {
    let mut body = begin.as_bytes().to_vec();
    for (name, value) in members {
        body.push(b',');
        string(&mut body, &name);
        body.push(b':');
        value.write(&mut body);
    }
    let detail = String::from_utf8_lossy(&body).into_owned();
    body.extend_from_slice(end.as_bytes());
    (body, detail)
}
