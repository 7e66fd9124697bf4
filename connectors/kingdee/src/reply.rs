//! The vendor's answers, read leniently: its documentation shows every value as
//! text, live answers use numbers and booleans, ids are either, and failures
//! come with HTTP 200. It decides nothing about documents; `outcome` does.

use duijie_sdk::http::{Response, excerpt};

use crate::tree::Tree;

/// `Result.ResponseStatus` of every operation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Status {
    is_success: Option<String>,
    error_code: Option<String>,
    msg_code: Option<String>,
    pub errors: Vec<Failure>,
    pub success_entitys: Vec<Success>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Failure {
    pub field_name: Option<String>,
    message: Option<String>,
    pub index: Option<usize>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Success {
    pub id: Option<String>,
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

/// The reply to a login.
#[derive(Debug, Default)]
pub(crate) struct Login {
    login_result_type: Option<String>,
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
    let answer = parse(body)?;
    let status = wrapped(&answer).unwrap_or_else(|| Err("no ResponseStatus".to_owned()));
    status.map_err(|why| not_understood(&why, body))
}

pub(crate) fn login(response: &Response) -> Result<Login, String> {
    let answer = parse(whole(response)?)?;
    let login = Login {
        login_result_type: loose(&answer, "LoginResultType")?,
        message: loose(&answer, "Message")?,
    };
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
    let answer = parse(body)?;
    let broken = |why: String| not_understood(&why, body);
    if let Some(status) = refusal(&answer) {
        return status.map(Rows::Failed).map_err(broken);
    }
    let lines = answer
        .items()
        .ok_or_else(|| broken("no list of rows".to_owned()))?;
    let row = |line: &Tree<'_>| {
        let cells = line.items().ok_or("a row that is no list")?;
        cells.iter().map(text).collect::<Result<Vec<_>, String>>()
    };
    let found: Result<_, String> = lines.iter().map(row).collect();
    found.map(Rows::Found).map_err(broken)
}

/// The answer of a query that is not read here.
#[derive(Debug)]
pub(crate) enum Told {
    Rows(Vec<u8>),
    Failed(Status),
}

/// Rows as they came, or a failure in any of its dresses.
pub(crate) fn told(response: Response) -> Result<Told, String> {
    let body = whole(&response)?;
    // A failure stands first, in brackets or bare.
    let bare = body.trim_ascii_start().first() == Some(&b'{');
    let opened = |byte: &u8| matches!(byte, b'[' | b' ' | b'\t' | b'\r' | b'\n');
    let head = body.iter().position(|byte| !opened(byte));
    let dressed = head
        .and_then(|at| body.get(at..)?.strip_prefix(b"{"))
        .is_some_and(|rest| rest.trim_ascii_start().starts_with(b"\"Result\""));
    if !bare && !dressed {
        return Ok(Told::Rows(response.body));
    }
    match refused_query(body) {
        Some(status) => status
            .map(Told::Failed)
            .map_err(|why| not_understood(&why, body)),
        None if bare => Err(not_understood("no list of rows", body)),
        None => Ok(Told::Rows(response.body)),
    }
}

/// The refusal of a query, in any of its dresses; none for rows.
pub(crate) fn refusal(answer: &Tree<'_>) -> Option<Result<Status, String>> {
    wrapped(answer).or_else(|| {
        let line = answer.items()?.first()?;
        wrapped(line).or_else(|| wrapped(line.items()?.first()?))
    })
}

/// The failure that stands where rows should, in the text of a query's answer.
pub(crate) fn refused_query(body: &[u8]) -> Option<Result<Status, String>> {
    let text = std::str::from_utf8(body).ok()?;
    refusal(&Tree::parse(text)?)
}

pub(crate) fn whole(response: &Response) -> Result<&[u8], String> {
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

pub(crate) fn parse(body: &[u8]) -> Result<Tree<'_>, String> {
    let text = std::str::from_utf8(body).ok();
    text.and_then(Tree::parse)
        .ok_or_else(|| not_understood("no JSON", body))
}

pub(crate) fn not_understood(why: &str, body: &[u8]) -> String {
    format!(
        "an answer that is not understood ({why}): `{}`",
        excerpt(body)
    )
}

/// `Result.ResponseStatus`, where there is one.
fn wrapped(answer: &Tree<'_>) -> Option<Result<Status, String>> {
    let status = answer.get("Result")?.get("ResponseStatus")?;
    Some(Status::read(status))
}

impl Status {
    fn read(status: &Tree<'_>) -> Result<Self, String> {
        if !matches!(status, Tree::Object(_)) {
            return Err("a ResponseStatus that is no object".to_owned());
        }
        let errors = list(status, "Errors")?.iter().map(|error| {
            Ok(Failure {
                field_name: loose(error, "FieldName")?,
                message: loose(error, "Message")?,
                index: index(error),
            })
        });
        let done = list(status, "SuccessEntitys")?.iter().map(|done| {
            Ok(Success {
                id: loose(done, "Id")?,
                index: index(done),
            })
        });
        Ok(Self {
            is_success: loose(status, "IsSuccess")?,
            error_code: loose(status, "ErrorCode")?,
            msg_code: loose(status, "MsgCode")?,
            errors: errors.collect::<Result<_, String>>()?,
            success_entitys: done.collect::<Result<_, String>>()?,
        })
    }
}

/// A scalar as text, so that ids keep their digits.
fn loose(object: &Tree<'_>, name: &str) -> Result<Option<String>, String> {
    object.get(name).map_or(Ok(None), text)
}

fn text(value: &Tree<'_>) -> Result<Option<String>, String> {
    match value {
        Tree::Null => Ok(None),
        Tree::List(_) | Tree::Object(_) => {
            Err("found an object or array, expected a value".to_owned())
        }
        scalar => Ok(scalar.scalar().map(str::to_owned)),
    }
}

/// A scalar that counts; none where it does not.
fn index(object: &Tree<'_>) -> Option<usize> {
    object.get("DIndex")?.scalar()?.parse().ok()
}

fn list<'a, 't>(object: &'a Tree<'t>, name: &str) -> Result<&'a [Tree<'t>], String> {
    match object.get(name) {
        None | Some(Tree::Null) => Ok(&[]),
        Some(list) => list.items().ok_or_else(|| format!("`{name}` is no list")),
    }
}

#[cfg(test)]
mod tests;
