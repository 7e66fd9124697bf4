//! Dialect B: `/router/qm` behind TOP's gateway; parameters in query, form or both; numbers come as numbers.

use super::direct::members;
use super::query::Query;
use super::{Refusal, Reply, Wangdiantong, ack, business, collection, outline, push};
use crate::clock::parse_china;
use crate::config::Dialect;
use crate::exchange::{Answer, Effect, Vendor};
use crate::fault_rule::FaultKind;
use crate::form::Form;
use crate::signature::{TopMethod, top};
use crate::writer::string;

/// Seconds that TOP lets a timestamp be away; general knowledge of TOP, not of this vendor.
const MAX_SKEW: i64 = 600;

/// One request.
pub(crate) struct Qimen<'a> {
    pub(crate) server: &'a Wangdiantong,
    /// The parameters, or what is wrong with their form.
    pub(crate) form: &'a Result<Form, String>,
}

pub(crate) fn gateway(code: u32, message: impl Into<String>, sub_code: &'static str) -> Refusal {
    Refusal::Gateway {
        code,
        message: message.into(),
        sub_code,
    }
}

impl Qimen<'_> {
    fn reply(&self, effect: Effect) -> Result<Reply, Refusal> {
        let form = match self.form {
            Ok(form) => form,
            Err(message) => return Err(gateway(41, message.clone(), "isv.invalid-parameter")),
        };
        Gateway(self.server).verify(form)?;
        let method = form.get("method").unwrap_or_default();
        let page = collection::page_of(method).unwrap_or_default();
        let collection = collection::offered(&page, 'B');
        let push = push::offered(&page, 'B');
        if collection.is_none() && push.is_none() && !ack::knows(&page) {
            return Err(gateway(22, "Invalid method", "isv.invalid-method"));
        }
        match form.get("sid") {
            None => return Err(business(2900, "缺少参数sid")),
            Some(sid) if sid != self.server.credentials.sid => {
                return Err(business(2030, "卖家账号sid不存在"));
            }
            Some(_) => {}
        }
        self.server.admit()?;
        if let Some(push) = push {
            return Ok(Reply::Written(self.server.push(push, form, effect)?));
        }
        self.server.catch_up();
        if let Some(told) = ack::serve(self.server, &page, form) {
            return told.map(Reply::Told);
        }
        let collection = collection.ok_or_else(|| business(2541, "接口不存在"))?;
        let query = Query::parse(collection, form)?;
        let page = self.server.page(collection, &query, Dialect::Qimen, effect);
        Ok(Reply::Page(page))
    }
}

/// What TOP checks before anything reaches Wangdiantong.
pub(crate) struct Gateway<'a>(pub(crate) &'a Wangdiantong);

impl Gateway<'_> {
    pub(crate) fn verify(&self, form: &Form) -> Result<(), Refusal> {
        let credentials = &self.0.credentials;
        for key in [
            "method",
            "app_key",
            "target_app_key",
            "timestamp",
            "v",
            "sign_method",
            "sign",
        ] {
            if form.get(key).is_none() {
                return Err(gateway(
                    40,
                    format!("Missing required arguments:{key}"),
                    "isv.missing-parameter",
                ));
            }
        }
        let invalid = |key: &str| {
            gateway(
                41,
                format!("Invalid arguments:{key}"),
                "isv.invalid-parameter",
            )
        };
        if form.get("app_key") != Some(&credentials.app_key) {
            return Err(gateway(29, "Invalid app Key", "isv.appkey-not-exists"));
        }
        let method = form
            .get("sign_method")
            .and_then(TopMethod::named)
            .ok_or_else(|| invalid("sign_method"))?;
        if form.get("sign") != Some(&top(form.signed(), &credentials.app_secret, method)) {
            return Err(gateway(25, "Invalid signature", "isv.invalid-signature"));
        }
        if form.get("v") != Some("2.0") || form.get("format").is_some_and(|format| format != "json")
        {
            return Err(invalid("v,format"));
        }
        if form.get("target_app_key") != Some(&credentials.target_app_key) {
            return Err(invalid("target_app_key"));
        }
        let sent = form
            .get("timestamp")
            .and_then(parse_china)
            .ok_or_else(|| invalid("timestamp"))?;
        if (self.0.clock.now() - sent).abs() > MAX_SKEW {
            return Err(invalid("timestamp"));
        }
        Ok(())
    }
}

impl Vendor for Qimen<'_> {
    fn apply(&self, effect: Effect) -> Answer {
        let told = |told| {
            let (body, detail) = members("{\"response\":{\"errorcode\":0", told, "}}");
            Answer::json(body, detail)
        };
        match self.reply(effect) {
            Ok(Reply::Written(written)) => told(written.enterprise()),
            Ok(Reply::Told(members)) => told(members),
            Ok(Reply::Page(page)) => {
                let mut body = br#"{"response":{"errorcode":0,"message":"ok""#.to_vec();
                if let Some(total) = page.total {
                    body.extend_from_slice(format!(",\"total_count\":{total}").as_bytes());
                }
                body.extend_from_slice(format!(",\"{}\":[", page.list_key).as_bytes());
                body.extend_from_slice(&page.rows);
                body.extend_from_slice(b"]}}");
                Answer::json(body, page.detail)
            }
            Err(refusal) => refused(&refusal, "errorcode"),
        }
    }

    fn spoil(&self, kind: FaultKind) -> Answer {
        let body = match kind {
            FaultKind::WrongEnvelope => r#"{"success":true,"data":{"items":[]}}"#.to_owned(),
            FaultKind::WrongTypes => {
                let (list, total) = outline(self.reply(Effect::default()));
                let total = total.map_or(String::new(), |n| format!(",\"total_count\":{n}"));
                format!(
                    r#"{{"response":{{"errorcode":0,"message":"ok"{total},"{list}":{{"0":{{}}}}}}}}"#
                )
            }
            _ => LIMITED.to_owned(),
        };
        Answer::json(body, "")
    }
}

/// TOP's words for too many calls.
pub(crate) const LIMITED: &str = "{\"response\":{\"flag\":\"failure\",\"code\":7,\"message\":\"App Call Limited\",\
\"sub_code\":\"accesscontrol.limited-by-api-access-count\",\
\"sub_message\":\"This ban will last for 1 more seconds\",\"request_id\":\"simulated\"}}";

/// A refusal behind the gateway or by it; `name` is that of Wangdiantong's own code.
pub(crate) fn refused(refusal: &Refusal, name: &str) -> Answer {
    let (code, message) = match refusal {
        Refusal::Business { code, message } | Refusal::Gateway { code, message, .. } => {
            (code, message)
        }
    };
    let mut text = Vec::new();
    string(&mut text, message);
    let text = String::from_utf8(text).unwrap_or_default();
    let inner = match refusal {
        Refusal::Business { .. } => format!("\"{name}\":{code},\"message\":{text}"),
        Refusal::Gateway { sub_code, .. } => format!(
            "\"flag\":\"failure\",\"code\":{code},\"message\":{text},\"sub_code\":\"{sub_code}\",\"request_id\":\"simulated\""
        ),
    };
    Answer::json(
        format!("{{\"response\":{{{inner}}}}}"),
        format!("{code} {message}"),
    )
}
