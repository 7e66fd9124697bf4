//! The ways in which a secret may stand in a memory.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::Value;

/// A value as it is, and as someone may have written it on the way.
pub(crate) fn forms(value: &str) -> Vec<Vec<u8>> {
    let json = Value::from(value).to_string();
    let json = &json[1..json.len() - 1];
    let escaped: String = json
        .chars()
        .map(|char| match char {
            ' '..='~' => char.to_string(),
            _ => format!("\\u{:04x}", u32::from(char)),
        })
        .collect();
    let hex = |upper: bool| -> String {
        let byte = |byte: u8| match upper {
            true => format!("{byte:02X}"),
            false => format!("{byte:02x}"),
        };
        value.bytes().map(byte).collect()
    };
    let percent: String = hex(true)
        .as_bytes()
        .chunks(2)
        .zip(value.bytes())
        .map(|(hex, byte)| match byte.is_ascii_alphanumeric() {
            true => char::from(byte).to_string(),
            false => format!("%{}", String::from_utf8_lossy(hex)),
        })
        .collect();
    let mut forms: Vec<Vec<u8>> = [
        value.to_owned(),
        json.to_owned(),
        json.replace('/', "\\/"),
        escaped.replace('/', "\\/"),
        escaped,
        percent.replace("%20", "+"),
        percent,
        hex(true),
        hex(false),
    ]
    .map(String::into_bytes)
    .into();
    forms.push(value.encode_utf16().flat_map(u16::to_le_bytes).collect());
    for engine in [STANDARD, URL_SAFE] {
        for offset in 0..3 {
            // What stands before and after changes the characters at the ends.
            let mut bytes = vec![0; offset];
            bytes.extend_from_slice(value.as_bytes());
            let text = engine.encode(&bytes);
            let whole = bytes.len() * 8 / 6;
            forms.push(text.as_bytes()[(offset * 8).div_ceil(6)..whole].to_vec());
        }
    }
    forms
}

#[test]
fn every_form_of_a_value_is_one_that_it_can_be_read_from() {
    let texts: Vec<String> = forms("k\"/钥 1")
        .iter()
        .map(|form| String::from_utf8_lossy(form).into_owned())
        .collect();
    for form in [
        "k\"/钥 1",
        "k\\\"/钥 1",
        "k\\\"\\/钥 1",
        "k\\\"/\\u94a5 1",
        "k%22%2F%E9%92%A5+1",
        "6B222FE992A52031",
        "6b222fe992a52031",
        "ayIv6ZKlID",
    ] {
        assert!(
            texts.iter().any(|text| text.starts_with(form)),
            "{form}: {texts:?}"
        );
    }
}
