//! Dialect B: `/router/qm` behind TOP's gateway; parameters in query, form or both; numbers come as numbers.

use super::{Page, Refusal, Wangdiantong, business, collection, outline};
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

fn gateway(code: u32, message: impl Into<String>, sub_code: &'static str) -> Refusal {
    Refusal::Gateway {
        code,
        message: message.into(),
        sub_code,
    }
}

impl Qimen<'_> {
    fn page(&self, effect: Effect) -> Result<Page, Refusal> {
        let form = match self.form {
            Ok(form) => form,
            Err(message) => return Err(gateway(41, message.clone(), "isv.invalid-parameter")),
        };
        self.verify(form)?;
        let method = form.get("method").unwrap_or_default();
        let collection = collection::by_method(method)
            .ok_or_else(|| gateway(22, "Invalid method", "isv.invalid-method"))?;
        match form.get("sid") {
            None => return Err(business(2900, "缺少参数sid")),
            Some(sid) if sid != self.server.credentials.sid => {
                return Err(business(2030, "卖家账号sid不存在"));
            }
            Some(_) => {}
        }
        self.server.admit()?;
        self.server.page(collection, form, Dialect::Qimen, effect)
    }

    fn verify(&self, form: &Form) -> Result<(), Refusal> {
        let credentials = &self.server.credentials;
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
        if (self.server.clock.now() - sent).abs() > MAX_SKEW {
            return Err(invalid("timestamp"));
        }
        Ok(())
    }
}

impl Vendor for Qimen<'_> {
    fn apply(&self, effect: Effect) -> Answer {
        match self.page(effect) {
            Ok(page) => {
                let mut body = br#"{"response":{"errorcode":0,"message":"ok""#.to_vec();
                if let Some(total) = page.total {
                    body.extend_from_slice(format!(",\"total_count\":{total}").as_bytes());
                }
                body.extend_from_slice(format!(",\"{}\":[", page.list_key).as_bytes());
                body.extend_from_slice(&page.rows);
                body.extend_from_slice(b"]}}");
                Answer::json(body, page.detail)
            }
            Err(Refusal::Business { code, message }) => {
                let mut body =
                    format!("{{\"response\":{{\"errorcode\":{code},\"message\":").into_bytes();
                string(&mut body, &message);
                body.extend_from_slice(b"}}");
                Answer::json(body, format!("{code} {message}"))
            }
            Err(Refusal::Gateway {
                code,
                message,
                sub_code,
            }) => {
                let mut body =
                    format!("{{\"response\":{{\"flag\":\"failure\",\"code\":{code},\"message\":")
                        .into_bytes();
                string(&mut body, &message);
                body.extend_from_slice(
                    format!(",\"sub_code\":\"{sub_code}\",\"request_id\":\"simulated\"}}}}")
                        .as_bytes(),
                );
                Answer::json(body, format!("{code} {message}"))
            }
        }
    }

    fn spoil(&self, kind: FaultKind) -> Answer {
        let body = match kind {
            FaultKind::WrongEnvelope => r#"{"success":true,"data":{"items":[]}}"#.to_owned(),
            FaultKind::WrongTypes => {
                let (list, total) = outline(self.page(Effect::default()));
                let total = total.map_or(String::new(), |n| format!(",\"total_count\":{n}"));
                format!(
                    r#"{{"response":{{"errorcode":0,"message":"ok"{total},"{list}":{{"0":{{}}}}}}}}"#
                )
            }
            _ => {
                "{\"response\":{\"flag\":\"failure\",\"code\":7,\"message\":\"App Call Limited\",\
                 \"sub_code\":\"accesscontrol.limited-by-api-access-count\",\
                 \"sub_message\":\"This ban will last for 1 more seconds\",\"request_id\":\"simulated\"}}"
                    .to_owned()
            }
        };
        Answer::json(body, "")
    }
}
