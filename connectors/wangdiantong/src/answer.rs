//! What an answer says: records, or one of the vendor's many refusals, which
//! all come with HTTP 200. Code and text are judged together, since several
//! codes mean more than one thing.

use duijie_sdk::Fault;
use duijie_sdk::http::{Response, excerpt};
use duijie_sdk::json::{self, Answer, Page, Raw};

use crate::dialect::Dialect;
use crate::refusal::{Layer, Refusal};

/// One page of records.
pub(crate) struct Contents {
    /// Told on page 0 only.
    pub(crate) total: Option<u64>,
    /// None where the answer has no list because there are no records.
    pub(crate) page: Option<Page>,
}

/// What an answer as a whole says.
pub(crate) enum Said {
    Yes,
    /// The document asked for by number is not there.
    Nothing,
    No(Refusal),
}

/// `page_no` is the page that was asked for, `list` the list's own name, `-`
/// where what stands around it is the list. A list may be missing, or be empty on page 0, only where the total is 0: taken for
/// no records otherwise, the records that it should have held would be passed
/// over for good.
pub(crate) fn read(
    dialect: Dialect,
    list: &str,
    page_no: u64,
    response: Response,
) -> Result<Contents, Fault> {
    let response = of_status(response)?;
    let inner = dialect.inner();
    let list = match list {
        "-" => inner.trim_end_matches('.').to_owned(),
        list => format!("{inner}{list}"),
    };
    let answer = Answer::read(response.body, &list)
        .map_err(|(error, body)| broken(&error.to_string(), &body))?;
    match said(dialect, &answer)? {
        Said::Yes => {}
        Said::Nothing => {
            return Ok(Contents {
                total: Some(0),
                page: None,
            });
        }
        Said::No(refusal) => return Err(refusal.fault()),
    }
    let told = match answer.field(&format!("{inner}total_count")) {
        Some(raw) if !raw.is_null() => {
            let total = raw.integer().and_then(|total| u64::try_from(total).ok());
            Some(total.ok_or_else(|| broken("`total_count` is no number", answer.body()))?)
        }
        _ => None,
    };
    // Pages above 0 are asked for only in windows that hold records.
    let total = told.filter(|_| page_no == 0);
    match answer.into_page() {
        Ok(page) => match total {
            Some(total @ 1..) if page.is_empty() => Err(Fault::broken(format!(
                "`total_count` is {total} and `{list}` is empty"
            ))),
            _ => Ok(Contents {
                total,
                page: Some(page),
            }),
        },
        Err(_) if total == Some(0) => Ok(Contents { total, page: None }),
        Err(answer) => Err(broken(
            &format!("expected a list of records at `{list}`"),
            answer.body(),
        )),
    }
}

pub(crate) fn of_status(response: Response) -> Result<Response, Fault> {
    let status = response.status;
    let said = || format!("HTTP {status}: `{}`", response.excerpt());
    match status {
        200..=299 => Ok(response),
        429 => Err(Fault::rate_limited(said(), response.retry_after_ms())),
        500..=599 => Err(Fault::unavailable(said(), response.retry_after_ms())),
        _ => Err(Fault::broken(said())),
    }
}

/// The first of the answer's layers that refuses, or what Wangdiantong says.
pub(crate) fn said(dialect: Dialect, answer: &Answer) -> Result<Said, Fault> {
    if dialect.is_gateway()
        && let Some(refusal) = of_gateway(answer)
    {
        return Ok(Said::No(refusal));
    }
    let (outer, name) = (dialect.outer(), dialect.code());
    let path = format!("{outer}{name}");
    let code = answer.field(&path).ok_or_else(|| {
        broken(
            &format!("expected an envelope with `{path}`"),
            answer.body(),
        )
    })?;
    let code = text(Some(code));
    let message = text(answer.field(&format!("{outer}message")));
    Ok(match code.as_str() {
        "0" => Said::Yes,
        // So one of the queries is documented.
        "200" if !dialect.is_flagship() => Said::Yes,
        "7200" | "7201" if !dialect.is_flagship() => Said::Nothing,
        _ => Said::No(Refusal {
            layer: match dialect.is_flagship() {
                true => Layer::Flagship,
                false => Layer::Enterprise,
            },
            code,
            sub_code: String::new(),
            message,
        }),
    })
}

fn of_gateway(answer: &Answer) -> Option<Refusal> {
    let refusal = |code, sub_code, message| Refusal {
        layer: Layer::Gateway,
        code,
        sub_code,
        message,
    };
    if let Some(error) = answer.field("error_response") {
        let field = |name| text(json::field(error.0, name).ok().flatten());
        let message = either(field("sub_msg"), field("msg"));
        return Some(refusal(field("code"), field("sub_code"), message));
    }
    let field = |name: &str| text(answer.field(&format!("response.{name}")));
    let own = ["errorcode", "status"];
    let inner = own
        .iter()
        .any(|name| answer.field(&format!("response.{name}")).is_some());
    let failed = field("flag") == "failure" || answer.field("response.code").is_some();
    (failed && !inner).then(|| {
        let message = either(field("sub_message"), field("message"));
        refusal(field("code"), field("sub_code"), message)
    })
}

pub(crate) fn text(raw: Option<Raw<'_>>) -> String {
    raw.filter(|raw| !raw.is_null())
        .and_then(|raw| raw.text().ok())
        .map(std::borrow::Cow::into_owned)
        .unwrap_or_default()
}

fn either(first: String, second: String) -> String {
    if first.is_empty() { second } else { first }
}

pub(crate) fn broken(what: &str, body: &[u8]) -> Fault {
    Fault::broken(format!("{what}, found `{}`", excerpt(body)))
}

#[cfg(test)]
mod tests;
