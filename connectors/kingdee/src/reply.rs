//! The vendor's answers, read leniently: its documentation shows every value as
//! text, live answers use numbers and booleans, ids are either, and failures
//! come with HTTP 200. It decides nothing about documents; `outcome` does.

use duijie_sdk::http::{Response, excerpt};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// `Result.ResponseStatus` of every operation.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Status {
    #[serde(deserialize_with = "loose")]
    is_success: Option<String>,
    #[serde(deserialize_with = "loose")]
    error_code: Option<String>,
    #[serde(deserialize_with = "loose")]
    msg_code: Option<String>,
    #[serde(deserialize_with = "list")]
    pub errors: Vec<Failure>,
    #[serde(deserialize_with = "list")]
    pub success_entitys: Vec<Success>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Failure {
    #[serde(deserialize_with = "loose")]
    pub field_name: Option<String>,
    #[serde(deserialize_with = "loose")]
    message: Option<String>,
    #[serde(rename = "DIndex", deserialize_with = "index")]
    pub index: Option<usize>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Success {
    #[serde(deserialize_with = "loose")]
    pub id: Option<String>,
    #[serde(rename = "DIndex", deserialize_with = "index")]
    pub index: Option<usize>,
}

/// The vendor's table of `MsgCode`, as far as it changes what is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// 1: log in again.
    SessionLost,
    /// 2: no permission.
    Forbidden,
    /// 3, 5: the call names no operation or no form.
    Malformed,
    /// 4, 6: something broke halfway.
    Doubtful,
    /// 7, 15: licence; administrators may not log in.
    Barred,
    /// 13: somebody else holds the document.
    Busy,
    /// 14: too many calls.
    Limited,
    /// The rest: refused for what it is.
    Refused,
}

const SESSION_LOST: &str = "会话信息已丢失";

impl Status {
    pub(crate) fn is_success(&self) -> bool {
        self.is_success
            .as_deref()
            .is_some_and(|word| word.eq_ignore_ascii_case("true"))
    }

    /// The system's own code, for people.
    pub(crate) fn code(&self) -> String {
        let told = |code: &&String| !matches!(code.as_str(), "" | "0");
        let code = self
            .msg_code
            .iter()
            .find(told)
            .or(self.error_code.iter().find(told));
        code.cloned()
            .unwrap_or_else(|| "kingdee.refused".to_owned())
    }

    pub(crate) fn class(&self) -> Class {
        match self.msg_code.as_deref() {
            Some("1") => Class::SessionLost,
            _ if self
                .errors
                .iter()
                .any(|error| error.message().contains(SESSION_LOST)) =>
            {
                Class::SessionLost
            }
            Some("2") => Class::Forbidden,
            Some("3" | "5") => Class::Malformed,
            Some("4" | "6") => Class::Doubtful,
            Some("7" | "15") => Class::Barred,
            Some("13") => Class::Busy,
            Some("14") => Class::Limited,
            _ => Class::Refused,
        }
    }

    /// 9, 10: what the call names does not exist.
    pub(crate) fn names_nothing(&self) -> bool {
        !self.is_success() && matches!(self.msg_code.as_deref(), Some("9" | "10"))
    }

    /// All messages, without the place they are about.
    pub(crate) fn message(&self) -> String {
        let messages: Vec<&str> = self.errors.iter().map(Failure::message).collect();
        if messages.is_empty() {
            return format!("refused with code {} and no message", self.code());
        }
        messages.join("; ")
    }
}

impl Failure {
    pub(crate) fn message(&self) -> &str {
        self.message.as_deref().unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "Result")]
    result: Inner,
}

#[derive(Deserialize)]
struct Inner {
    #[serde(rename = "ResponseStatus")]
    status: Status,
}

/// The reply to a login.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Login {
    #[serde(deserialize_with = "loose")]
    login_result_type: Option<String>,
    #[serde(deserialize_with = "loose")]
    message: Option<String>,
}

impl Login {
    pub(crate) fn succeeded(&self) -> bool {
        self.login_result_type.as_deref() == Some("1")
    }

    pub(crate) fn message(&self) -> String {
        let told = self.message.clone().filter(|message| !message.is_empty());
        told.unwrap_or_else(|| {
            let kind = self.login_result_type.as_deref().unwrap_or("nothing");
            format!("found LoginResultType `{kind}`, expected `1`")
        })
    }
}

/// The status of an operation; the error says why the answer tells nothing.
pub(crate) fn status(response: &Response) -> Result<Status, String> {
    let body = whole(response)?;
    let envelope: Envelope = parse(body)?;
    Ok(envelope.result.status)
}

pub(crate) fn login(response: &Response) -> Result<Login, String> {
    let login: Login = parse(whole(response)?)?;
    if login.login_result_type.is_none() {
        return Err(format!(
            "found no LoginResultType in `{}`",
            response.excerpt()
        ));
    }
    Ok(login)
}

/// What a query told.
#[derive(Debug)]
pub(crate) enum Rows {
    /// Cells as text, null as none.
    Found(Vec<Vec<Option<String>>>),
    Failed(Status),
}

/// The answer of `ExecuteBillQuery`: rows as arrays, or a failure dressed as
/// a row, as one element or as a plain object.
pub(crate) fn rows(response: &Response) -> Result<Rows, String> {
    let body = whole(response)?;
    if body.trim_ascii_start().first() == Some(&b'{') {
        let envelope: Envelope = parse(body)?;
        return Ok(Rows::Failed(envelope.result.status));
    }
    let lines: Vec<&RawValue> = parse(body)?;
    let mut found = Vec::with_capacity(lines.len());
    for line in lines {
        if let Ok(envelope) = serde_json::from_str::<Envelope>(line.get()) {
            return Ok(Rows::Failed(envelope.result.status));
        }
        let cells: Vec<&RawValue> = parse(line.get().as_bytes())?;
        let mut row = Vec::with_capacity(cells.len());
        for cell in cells {
            if let Ok(envelope) = serde_json::from_str::<Envelope>(cell.get()) {
                return Ok(Rows::Failed(envelope.result.status));
            }
            row.push(text(cell)?);
        }
        found.push(row);
    }
    Ok(Rows::Found(found))
}

fn whole(response: &Response) -> Result<&[u8], String> {
    if response.status != 200 && response.status != 206 {
        return Err(format!(
            "HTTP status {} with `{}`",
            response.status,
            response.excerpt()
        ));
    }
    if response
        .body
        .trim_ascii_start()
        .starts_with(b"response_error:")
    {
        return Err(format!("`{}`", response.excerpt()));
    }
    Ok(&response.body)
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| {
        format!(
            "an answer that is not understood ({error}): `{}`",
            excerpt(body)
        )
    })
}

/// A scalar as text; raw, so that ids keep their digits.
fn loose<'de, D: Deserializer<'de>>(input: D) -> Result<Option<String>, D::Error> {
    let raw = <&RawValue>::deserialize(input)?;
    text(raw).map_err(serde::de::Error::custom)
}

/// A scalar that counts; none where it does not.
fn index<'de, D: Deserializer<'de>>(input: D) -> Result<Option<usize>, D::Error> {
    let raw = <&RawValue>::deserialize(input)?;
    if let Ok(index) = raw.get().parse() {
        return Ok(Some(index));
    }
    let text = text(raw).map_err(serde::de::Error::custom)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

fn text(raw: &RawValue) -> Result<Option<String>, String> {
    match raw.get().as_bytes().first() {
        Some(b'n') => Ok(None),
        Some(b'"') => serde_json::from_str(raw.get())
            .map(Some)
            .map_err(|error| error.to_string()),
        Some(b'{' | b'[') => Err("found an object or array, expected a value".to_owned()),
        _ => Ok(Some(raw.get().to_owned())),
    }
}

fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(input: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(input)?.unwrap_or_default())
}

#[cfg(test)]
mod tests;
