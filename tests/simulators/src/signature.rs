//! The vendors' signatures, as their servers compute them. Written apart from the connectors' recipes
//! on purpose: the two meet only in published vectors and on the wire.

use crate::node::Node;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha2::Sha256;
use std::fmt::Write as _;

/// Wangdiantong 企业版: every pair as `LL-key:VVVV-value` (lengths in characters, at least two and four
/// digits), sorted by key, joined with `;`, the secret appended, MD5 in lower hex.
///
/// The length unit is the vendor's PHP SDK's (`iconv_strlen`, code points); no official sentence names it.
/// `params` are sorted by key and hold no `sign`.
pub(crate) fn enterprise<'a>(
    params: impl Iterator<Item = (&'a str, &'a str)>,
    secret: &str,
) -> String {
    let mut text = String::new();
    for (key, value) in params {
        if !text.is_empty() {
            text.push(';');
        }
        let (key_length, value_length) = (key.chars().count(), value.chars().count());
        _ = write!(text, "{key_length:02}-{key}:{value_length:04}-{value}");
    }
    text.push_str(secret);
    hex(&Md5::digest(text.as_bytes()))
}

/// Waiqin365: the body's bytes, the key and the time with `|` between, MD5 in lower hex.
pub(crate) fn waiqin365(body: &[u8], appkey: &str, timestamp: &str) -> String {
    let tail = format!("|{appkey}|{timestamp}");
    hex(&Md5::digest([body, tail.as_bytes()].concat()))
}

/// The three ways of TOP to digest a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TopMethod {
    Md5,
    HmacMd5,
    HmacSha256,
}

impl TopMethod {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "md5" => Some(Self::Md5),
            "hmac" => Some(Self::HmacMd5),
            "hmac-sha256" => Some(Self::HmacSha256),
            _ => None,
        }
    }
}

/// TOP (奇门): keys and values without separators, sorted by key, empty values left out, upper hex.
/// The vector is the one of open.taobao.com's document 101617.
pub(crate) fn top<'a>(
    params: impl Iterator<Item = (&'a str, &'a str)>,
    secret: &str,
    method: TopMethod,
) -> String {
    let mut text = String::new();
    for (key, value) in params.filter(|(_, value)| !value.is_empty()) {
        text.push_str(key);
        text.push_str(value);
    }
    let digest = match method {
        TopMethod::Md5 => hex(&Md5::digest(format!("{secret}{text}{secret}").as_bytes())),
        TopMethod::HmacMd5 => hmac_hex::<Hmac<Md5>>(secret, &text),
        TopMethod::HmacSha256 => hmac_hex::<Hmac<Sha256>>(secret, &text),
    };
    digest.to_uppercase()
}

/// Wangdiantong 旗舰版: keys and values sorted by key and joined, between two secrets; lower hex. In dialect C
/// the body is one of the pairs; behind the gateway the values are those of [`flattened`].
pub(crate) fn flagship<'a>(
    params: impl Iterator<Item = (&'a str, &'a str)>,
    secret: &str,
) -> String {
    let text: String = params.flat_map(|(key, value)| [key, value]).collect();
    hex(&Md5::digest(format!("{secret}{text}{secret}").as_bytes()))
}

/// What 旗舰奇门 signs of a value, as the vendor's own client does: JSON objects with sorted members, lists in
/// order, nothing between; a member that is null goes with its name.
pub(crate) fn flattened(value: &str) -> String {
    fn append(node: &Node, out: &mut String) {
        match node {
            Node::Null => {}
            Node::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Node::Number(digits) => out.push_str(digits),
            Node::Text(text) => out.push_str(&flattened(text)),
            Node::List(items) => items.iter().for_each(|item| append(item, out)),
            Node::Map(members) => {
                let mut sorted: Vec<_> = members.iter().collect();
                sorted.sort_by(|left, right| left.0.cmp(&right.0));
                for (key, value) in sorted.into_iter().filter(|(_, value)| *value != Node::Null) {
                    out.push_str(key);
                    append(value, out);
                }
            }
        }
    }
    match Node::parse(value) {
        Ok(node @ (Node::Map(_) | Node::List(_))) => {
            let mut out = String::new();
            append(&node, &mut out);
            out
        }
        _ => value.to_owned(),
    }
}

/// Kingdee's client secret: the part of the app id after `_`, decoded and XORed with the SDK's constant.
/// The official SDK uses an empty secret when the part does not have 32 characters.
pub(crate) fn kingdee_client_secret(app_id: &str) -> String {
    const MASK: &[u8] = b"0054f397c6234378b09ca7d3e5debce7";
    let part = app_id.split_once('_').map_or("", |(_, part)| part);
    match STANDARD.decode(part) {
        Ok(bytes) if part.len() == 32 => {
            let masked: Vec<u8> = bytes
                .iter()
                .zip(MASK)
                .map(|(byte, mask)| byte ^ mask)
                .collect();
            STANDARD.encode(masked)
        }
        _ => String::new(),
    }
}

/// `X-Api-Signature`: base64 of the hex text of the MAC over path, nonce and timestamp. The body is not signed.
pub(crate) fn kingdee_api(path: &str, nonce: &str, timestamp: &str, client_secret: &str) -> String {
    let path = path.replace('/', "%2F");
    let text = format!("POST\n{path}\n\nx-api-nonce:{nonce}\nx-api-timestamp:{timestamp}\n");
    STANDARD.encode(hmac_hex::<Hmac<Sha256>>(client_secret, &text))
}

/// `X-Kd-Signature` over the app id and the decoded app data.
pub(crate) fn kingdee_data(app_id: &str, app_data: &str, app_secret: &str) -> String {
    STANDARD.encode(hmac_hex::<Hmac<Sha256>>(
        app_secret,
        &format!("{app_id}{app_data}"),
    ))
}

/// `LoginBySign`: SHA-256 of the five strings in ordinal order, joined without a separator.
pub(crate) fn kingdee_login(
    acct_id: &str,
    username: &str,
    app_id: &str,
    app_secret: &str,
    timestamp: &str,
) -> String {
    let mut parts = [acct_id, username, app_id, app_secret, timestamp];
    parts.sort_unstable();
    hex(&Sha256::digest(parts.concat().as_bytes()))
}

fn hmac_hex<M: Mac + KeyInit>(key: &str, text: &str) -> String {
    match <M as KeyInit>::new_from_slice(key.as_bytes()) {
        Ok(mut mac) => {
            mac.update(text.as_bytes());
            hex(&mac.finalize().into_bytes())
        }
        Err(_) => String::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests;
