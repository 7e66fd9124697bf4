//! Requests of every dialect, built from one call: what stands in the form,
//! the address or the body, and what is signed. What a call means is not known
//! here.

use duijie_sdk::http::Request;
use duijie_sdk::{Fault, Network, form, json, time};

use crate::dialect::{Dialect, recipe};
use crate::nested;

/// An account, as the settings name it. Secrets are none of it.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    pub(crate) dialect: Dialect,
    /// Without a slash at its end.
    pub(crate) base_url: String,
    pub(crate) sid: String,
    /// Wangdiantong's interface account.
    pub(crate) appkey: String,
    /// The public half of a 旗舰版 secret.
    pub(crate) salt: String,
    /// The gateway's application.
    pub(crate) app_key: String,
    pub(crate) target_app_key: String,
}

/// One request, whatever the dialect.
#[derive(Debug)]
pub(crate) struct Call {
    /// As the dialect names it.
    pub(crate) method: String,
    pub(crate) arguments: Vec<Argument>,
    /// Of a query; a push has none.
    pub(crate) page: Option<Page>,
}

#[derive(Debug, Clone)]
pub(crate) struct Argument {
    pub(crate) name: &'static str,
    pub(crate) value: Value,
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    Text(String),
    /// JSON text.
    Json(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    /// Counted from 0.
    pub(crate) number: u64,
    pub(crate) size: u32,
}

/// 旗舰版 counts seconds from 2012-01-01 00:00:00 China time on.
const FLAGSHIP_EPOCH_S: u64 = 1_325_347_200;

type Pairs = Vec<(String, String)>;

impl Access {
    /// Signed and complete but for its purpose.
    pub(crate) fn request(&self, network: &impl Network, call: &Call) -> Result<Request, Fault> {
        let now_s = network.now_ms() / 1000;
        match self.dialect {
            Dialect::Openapi2 => {
                let mut pairs = self.flat(call);
                pairs.push(pair("appkey", &self.appkey));
                pairs.push(pair("timestamp", now_s.to_string()));
                let url = format!("{}/{}", self.base_url, call.method);
                self.form(network, url, recipe::OPENAPI2, pairs)
            }
            Dialect::Qimen => {
                let mut pairs = self.flat(call);
                pairs.extend(self.gateway(call, now_s));
                self.form(network, self.base_url.clone(), recipe::GATEWAY, pairs)
            }
            Dialect::Flagship => self.flagship(network, call, now_s),
            Dialect::FlagshipQimen => {
                let mut pairs = self.layered(network, call, now_s)?;
                pairs.extend(self.gateway(call, now_s));
                self.form(network, self.base_url.clone(), recipe::GATEWAY, pairs)
            }
        }
    }

    /// 企业版: every argument a parameter, nested values as escaped JSON, whose
    /// length is the same in every unit that a server may count in.
    fn flat(&self, call: &Call) -> Pairs {
        let mut pairs = vec![pair("sid", &self.sid)];
        pairs.extend(call.arguments.iter().map(|argument| {
            let value = match &argument.value {
                Value::Text(text) => text.clone(),
                Value::Json(json) => nested::ascii(json),
            };
            pair(argument.name, value)
        }));
        if let Some(page) = call.page {
            pairs.push(pair("page_no", page.number.to_string()));
            pairs.push(pair("page_size", page.size.to_string()));
        }
        pairs
    }

    /// The parameters of the gateway itself.
    fn gateway(&self, call: &Call, now_s: u64) -> Pairs {
        vec![
            pair("method", &call.method),
            pair("app_key", &self.app_key),
            pair("target_app_key", &self.target_app_key),
            pair("format", "json"),
            pair("v", "2.0"),
            pair("sign_method", "md5"),
            pair("timestamp", china(now_s)),
        ]
    }

    fn form(
        &self,
        network: &impl Network,
        url: String,
        recipe: &str,
        mut pairs: Pairs,
    ) -> Result<Request, Fault> {
        // Both vendors leave empty values out of what they sign.
        pairs.retain(|(_, value)| !value.is_empty());
        let sign = sign(network, recipe, &pairs)?;
        pairs.push(pair("sign", sign));
        let content = "application/x-www-form-urlencoded; charset=UTF-8";
        Ok(Request::post(url)
            .header("content-type", content)
            .body(form::encode(&borrowed(&pairs))))
    }

    /// 旗舰版: everything in the address but the arguments, which are the body.
    fn flagship(&self, network: &impl Network, call: &Call, now_s: u64) -> Result<Request, Fault> {
        let body = match call.page {
            Some(_) => format!("[{}]", object(&call.arguments)),
            None => array(&call.arguments),
        };
        let timestamp = now_s.saturating_sub(FLAGSHIP_EPOCH_S);
        let mut pairs = vec![
            pair("sid", &self.sid),
            pair("key", &self.appkey),
            pair("salt", &self.salt),
            pair("method", &call.method),
            pair("v", "1.0"),
            pair("timestamp", timestamp.to_string()),
        ];
        if let Some(page) = call.page {
            pairs.push(pair("page_no", page.number.to_string()));
            pairs.push(pair("page_size", page.size.to_string()));
            let total = if page.number == 0 { "1" } else { "0" };
            pairs.push(pair("calc_total", total));
        }
        let at = pairs.len();
        pairs.push(pair("body", body));
        let sign = sign(network, recipe::FLAGSHIP, &pairs)?;
        let (_, body) = pairs.swap_remove(at);
        pairs.push(pair("sign", sign));
        let query = form::encode(&borrowed(&pairs));
        let url = format!("{}?{}", self.base_url, String::from_utf8_lossy(&query));
        Ok(Request::post(url)
            .header("content-type", "application/json; charset=UTF-8")
            .body(body))
    }

    /// 旗舰奇门: Wangdiantong's own signature over the flattened arguments.
    fn layered(&self, network: &impl Network, call: &Call, now_s: u64) -> Result<Pairs, Fault> {
        let mut pairs = vec![
            pair("wdt_appkey", &self.appkey),
            pair("wdt_salt", &self.salt),
            pair("datetime", china(now_s)),
        ];
        match call.page {
            Some(page) => {
                pairs.push(pair("params", object(&call.arguments)));
                let (number, size) = (page.number + 1, page.size);
                let total = u8::from(page.number == 0);
                pairs.push(pair(
                    "pager",
                    format!(r#"{{"page_no":{number},"page_size":{size},"calc_total":{total}}}"#),
                ));
            }
            None => pairs.extend(call.arguments.iter().map(|argument| {
                let value = match &argument.value {
                    Value::Text(text) => text.clone(),
                    // The server may print a fraction anew before it signs.
                    Value::Json(json) => nested::fractions_as_text(json),
                };
                pair(argument.name, value)
            })),
        }
        pairs.retain(|(_, value)| !value.is_empty());
        let mut inputs = vec![pair("method", &call.method)];
        for (name, value) in &pairs {
            inputs.push((name.clone(), nested::flatten(value)));
        }
        let sign = sign(network, recipe::FLAGSHIP, &inputs)?;
        pairs.push(pair("wdt_sign", sign));
        pairs.push(pair("wdt3_customer_id", &self.sid));
        Ok(pairs)
    }
}

impl Value {
    fn write(&self, out: &mut String) {
        match self {
            Value::Json(json) => out.push_str(json),
            Value::Text(text) => out.push_str(&json::quoted(text)),
        }
    }
}

fn object(arguments: &[Argument]) -> String {
    let mut out = String::from("{");
    for argument in arguments {
        if out.len() > 1 {
            out.push(',');
        }
        out.push('"');
        out.push_str(argument.name);
        out.push_str("\":");
        argument.value.write(&mut out);
    }
    out.push('}');
    out
}

fn array(arguments: &[Argument]) -> String {
    let mut out = String::from("[");
    for argument in arguments {
        if out.len() > 1 {
            out.push(',');
        }
        argument.value.write(&mut out);
    }
    out.push(']');
    out
}

fn pair(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

fn borrowed(pairs: &Pairs) -> Vec<(&str, &str)> {
    pairs
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

fn sign(network: &impl Network, recipe: &str, pairs: &Pairs) -> Result<String, Fault> {
    let signed = network
        .sign(recipe, &borrowed(pairs))
        .map_err(|missing| Fault::other(format!("the request cannot be signed: {missing}")))?;
    Ok(signed.text)
}

fn china(now_s: u64) -> String {
    time::format(now_s.try_into().unwrap_or_default())
}

#[cfg(test)]
mod tests;
