//! One call: the address with its signature, and the envelope that comes back.
//! What an answer means for a document is not its business.

use std::cell::Cell;

use duijie_sdk::http::{Request, Response, excerpt};
use duijie_sdk::json::{Answer, Page, Raw};
use duijie_sdk::{Fault, Network, Recipe, time};

use crate::settings::Connection;

/// The recipe's name.
const DIGEST: &str = "digest";

/// MD5 over `body|appkey|timestamp`.
pub(crate) fn recipes() -> Vec<Recipe> {
    vec![Recipe::new(
        DIGEST,
        include_str!("../recipes/digest.json").trim_end(),
    )]
}

#[derive(Debug)]
pub(crate) struct Client<N> {
    pub(crate) network: N,
    /// Without a slash at its end.
    base_url: String,
    openid: String,
    calls: Cell<u32>,
}

impl<N: Network> Client<N> {
    pub(crate) fn new(network: N, connection: Connection) -> Self {
        Self {
            network,
            base_url: connection.base_url.trim_end_matches('/').to_owned(),
            openid: connection.openid,
            calls: Cell::new(0),
        }
    }

    /// A signed request; what it is for is still to be said. The digest is over
    /// the very bytes of the body: nothing may write them anew.
    pub(crate) fn request(&self, path: &str, body: String) -> Result<Request, Fault> {
        let now_ms = self.network.now_ms();
        let now_s = i64::try_from(now_ms / 1000).unwrap_or_default();
        let timestamp: String = time::format(now_s)
            .chars()
            .filter(char::is_ascii_digit)
            .collect();
        let signed = self
            .network
            .sign(DIGEST, &[("body", &body), ("timestamp", &timestamp)])
            .map_err(|missing| Fault::other(format!("the request cannot be signed: {missing}")))?;
        let url = format!(
            "{}/api/{path}/{}/{timestamp}/{}/{}",
            self.base_url,
            self.openid,
            signed.text,
            self.message_id(now_ms, &body),
        );
        Ok(Request::post(url)
            .header("content-type", "application/json;charset=utf-8")
            .body(body))
    }

    /// 32 characters, the most that one of the documents allows, without
    /// dashes: the time, the call's number and the content.
    fn message_id(&self, now_ms: u64, body: &str) -> String {
        let call = self.calls.get();
        self.calls.set(call.wrapping_add(1));
        let content = hash(hash(SEED, self.openid.as_bytes()), body.as_bytes());
        let [.., a, b, c, d, e, f] = now_ms.to_be_bytes();
        let time = [a, b, c, d, e, f]
            .map(|byte| format!("{byte:02x}"))
            .concat();
        format!("{time}{:04x}{content:016x}", call & 0xffff)
    }
}

/// Where [`hash`] begins.
pub(crate) const SEED: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a: to tell contents apart, not to keep anybody out.
pub(crate) fn hash(seed: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(seed, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// What `return_code` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Code {
    /// 0, as a number or as text.
    Done,
    /// `true`, which receipts and refunds are answered with in the documents.
    /// Taken as a number it would be the code of a failure.
    Truth,
    /// The code as text.
    Failed(String),
}

/// An envelope that was understood.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) code: Code,
    /// `return_msg`, empty where there is none.
    pub(crate) message: String,
    /// `return_msg` itself, where it is an object in place of a text.
    pub(crate) object: Option<Vec<u8>>,
    /// The JSON text of `response_data`, which comes as a string that holds it
    /// or as the value itself; none where it is missing, null or empty.
    pub(crate) data: Option<Vec<u8>>,
    /// `response_data` is there, whatever it holds.
    pub(crate) has_data: bool,
    /// The answer's beginning, for messages.
    pub(crate) said: String,
}

impl Reply {
    /// Why it is no envelope, with the answer's beginning.
    pub(crate) fn read(body: Vec<u8>) -> Result<Self, String> {
        let said = excerpt(&body);
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err(format!(
                "expected a JSON object, found `{said}`: the address or the operation may be wrong"
            ));
        }
        let answer = Answer::read(body, "response_data")
            .map_err(|(error, _)| format!("{error}, found `{said}`"))?;
        let code = answer
            .field("return_code")
            .and_then(code)
            .ok_or_else(|| format!("expected an envelope with `return_code`, found `{said}`"))?;
        let message = answer.field("return_msg").filter(|raw| !raw.is_null());
        let given = answer.field("response_data");
        let data = match given {
            None => None,
            Some(raw) if raw.is_null() || raw.0 == b"false" => None,
            Some(raw) if raw.0.first() == Some(&b'"') => {
                let text = raw
                    .text()
                    .map_err(|error| format!("`response_data` {error}, found `{said}`"))?;
                Some(text.trim().as_bytes().to_vec()).filter(|text| !text.is_empty())
            }
            Some(raw) => Some(raw.0.to_vec()),
        };
        Ok(Self {
            code,
            message: message
                .and_then(|raw| raw.text().ok())
                .map(|text| text.trim().to_owned())
                .unwrap_or_default(),
            object: message
                .filter(|raw| raw.0.first() == Some(&b'{'))
                .map(|raw| raw.0.to_vec()),
            data,
            has_data: given.is_some(),
            said,
        })
    }

    /// The records of a query.
    pub(crate) fn page(data: &[u8]) -> Result<Page, String> {
        let said = || format!("expected a list of records, found `{}`", excerpt(data));
        let names: &[&str] = match data.first() {
            Some(b'[') => &["records"],
            Some(b'{') => &["rows", "list", "data"],
            _ => return Err(said()),
        };
        for name in names {
            let text = match data.first() {
                Some(b'[') => [b"{\"records\":", data, b"}"].concat(),
                _ => data.to_vec(),
            };
            let answer = Answer::read(text, name)
                .map_err(|(error, _)| format!("`response_data` {error}: {}", said()))?;
            if let Ok(page) = answer.into_page() {
                return Ok(page);
            }
        }
        Err(said())
    }
}

fn code(raw: Raw<'_>) -> Option<Code> {
    if raw.is_null() {
        return None;
    }
    let text = raw.text().ok()?;
    let text = text.trim();
    Some(match (raw.0, text) {
        (b"true", _) => Code::Truth,
        (_, "0") => Code::Done,
        (_, "") => return None,
        (_, text) => Code::Failed(text.to_owned()),
    })
}

/// An answer by its status; the error is the disposition of a read.
pub(crate) fn of_status(response: Response) -> Result<Vec<u8>, Fault> {
    let status = response.status;
    let said = || format!("HTTP {status}: `{}`", response.excerpt());
    match status {
        200..=299 => Ok(response.body),
        429 => Err(Fault::rate_limited(said(), response.retry_after_ms())),
        500..=599 => Err(Fault::unavailable(said(), response.retry_after_ms())),
        _ => Err(Fault::broken(said())),
    }
}

/// What a refusal's text speaks of. The vendor's list of codes is not public:
/// beside 0 and 1 only the words tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Talk {
    /// Too many calls: nothing took effect.
    TooMany,
    /// Busy: nothing took effect.
    Busy,
    /// A time-out behind the door: it may have taken effect.
    TimedOut,
    /// Who calls, not what is asked for.
    Caller,
    Business,
}

impl Talk {
    pub(crate) fn of(message: &str) -> Self {
        let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
        if has(&["频繁", "频率", "请求过多"]) {
            Self::TooMany
        } else if has(&["超时"]) {
            Self::TimedOut
        } else if has(&["繁忙", "稍后"]) {
            Self::Busy
        } else if has(&[
            "签名",
            "digest",
            "openid",
            "appkey",
            "权限",
            "授权",
            "IP地址",
            "信任IP",
            "IP白名单",
        ]) {
            Self::Caller
        } else {
            Self::Business
        }
    }
}

/// The records of an answer to a query, none for no records.
pub(crate) fn records(response: Response) -> Result<Option<Page>, Fault> {
    let reply = Reply::read(of_status(response)?).map_err(Fault::broken)?;
    match (&reply.code, reply.data) {
        (Code::Done | Code::Truth, Some(data)) => {
            Reply::page(&data).map(Some).map_err(Fault::broken)
        }
        (Code::Done, None) if reply.has_data => Ok(None),
        (Code::Done | Code::Truth, None) => Err(Fault::broken(format!(
            "expected records in `response_data`, found `{}`",
            reply.said
        ))),
        (Code::Failed(code), _) => {
            let said = format!("Waiqin365 answered {code}: {}", reply.message);
            Err(match Talk::of(&reply.message) {
                Talk::TooMany => Fault::rate_limited(said, Some(THROTTLED_MS)),
                Talk::Busy | Talk::TimedOut => Fault::unavailable(said, None),
                Talk::Caller => Fault::unauthorized(said),
                Talk::Business => Fault::other(said),
            })
        }
    }
}

/// No document says how long; limits of its kind are by the minute.
const THROTTLED_MS: u64 = 60_000;

#[cfg(test)]
mod tests;
