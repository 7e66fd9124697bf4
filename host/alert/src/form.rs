//! The body of a message in the form of each receiver, and what an answer to
//! it says. Robots answer 200 whatever they think of a message: it stands in
//! the body.

use serde_json::{Value, json};

use crate::text::{Language, text};
use crate::{Signature, Told};

/// Who receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Wecom,
    Dingtalk,
    Feishu,
    /// For programs.
    Json,
}

/// A message was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("it answered with status {0}")]
    Status(u16),
    #[error("it refused the message with {code}: {message}")]
    Code { code: i64, message: String },
    #[error("it answered with something that is no answer of such a robot")]
    Odd,
}

/// Bytes of text in UTF-8. The first takes 2,048, the others messages of
/// 20 KB; what is longer than this nobody reads.
const MOST_WECOM: usize = 2_000;
const MOST: usize = 6_000;
/// Of a robot's reason.
const MOST_REASON: usize = 200;

impl Form {
    /// Whether its robots can ask for a signature.
    pub fn signs(self) -> bool {
        matches!(self, Form::Dingtalk | Form::Feishu)
    }

    pub fn body(self, told: &[Told], language: Language, signature: Option<&Signature>) -> Value {
        let mut body = match self {
            Form::Wecom => {
                let content = text(told, language, MOST_WECOM);
                json!({ "msgtype": "text", "text": { "content": content } })
            }
            Form::Dingtalk => {
                let content = text(told, language, MOST);
                json!({ "msgtype": "text", "text": { "content": content } })
            }
            Form::Feishu => {
                let text = text(told, language, MOST);
                json!({ "msg_type": "text", "content": { "text": text } })
            }
            Form::Json => json!({
                "text": text(told, language, MOST),
                "alerts": told.iter().map(plain).collect::<Vec<_>>(),
            }),
        };
        if let Some(Signature::Body { timestamp, sign }) = signature
            && let Some(fields) = body.as_object_mut()
        {
            fields.insert("timestamp".to_owned(), Value::from(timestamp.as_str()));
            fields.insert("sign".to_owned(), Value::from(sign.as_str()));
        }
        body
    }

    /// Whether an answer says that the message was taken.
    pub fn judge(self, status: u16, body: &[u8]) -> Result<(), Refused> {
        if !(200..300).contains(&status) {
            return Err(Refused::Status(status));
        }
        let (code, message) = match self {
            Form::Wecom | Form::Dingtalk => ("errcode", "errmsg"),
            Form::Feishu => ("code", "msg"),
            Form::Json => return Ok(()),
        };
        let answer: Value = serde_json::from_slice(body).map_err(|_| Refused::Odd)?;
        match answer.get(code).and_then(Value::as_i64) {
            Some(0) => Ok(()),
            Some(code) => {
                let message = answer.get(message).and_then(Value::as_str);
                let message = message.unwrap_or_default().chars();
                let message = message.filter(|letter| !letter.is_control());
                let message = message.take(MOST_REASON).collect();
                Err(Refused::Code { code, message })
            }
            None => Err(Refused::Odd),
        }
    }
}

fn plain(told: &Told) -> Value {
    json!({
        "kind": told.cause.kind.name(),
        "tenant": told.cause.tenant,
        "pipeline": told.cause.pipeline,
        "ended": told.ended,
        "count": told.count,
        "times": told.times,
        "first_ms": told.first_ms,
        "last_ms": told.last_ms,
        "detail": told.detail,
        "run": told.run,
    })
}
