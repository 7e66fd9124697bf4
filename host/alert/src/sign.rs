//! Signatures that robots ask for. Both hash the time, a line feed and the
//! secret with HMAC-SHA256 and write the digest in Base64; they differ in what
//! is the key, in the unit of the time, and in where the two are put.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::Sha256;

use crate::Form;

/// Where a signature is put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// Behind the address, encoded already: `timestamp=…&sign=…`.
    Query(String),
    /// Fields of the body.
    Body { timestamp: String, sign: String },
}

/// `None` for a form that knows no signature.
pub fn sign(form: Form, secret: &str, now_ms: u64) -> Option<Signature> {
    match form {
        // Milliseconds; the secret is the key, and is in the text once more.
        Form::Dingtalk => {
            let text = format!("{now_ms}\n{secret}");
            let sign = hmac(secret.as_bytes(), text.as_bytes());
            let sign = utf8_percent_encode(&sign, NON_ALPHANUMERIC);
            Some(Signature::Query(format!("timestamp={now_ms}&sign={sign}")))
        }
        // Seconds; time and secret are the key of an empty text.
        Form::Feishu => {
            let timestamp = (now_ms / 1_000).to_string();
            let key = format!("{timestamp}\n{secret}");
            let sign = hmac(key.as_bytes(), b"");
            Some(Signature::Body { timestamp, sign })
        }
        Form::Wecom | Form::Json => None,
    }
}

fn hmac(key: &[u8], text: &[u8]) -> String {
    // A key of any length is one.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return String::new();
    };
    mac.update(text);
    STANDARD.encode(mac.finalize().into_bytes())
}
