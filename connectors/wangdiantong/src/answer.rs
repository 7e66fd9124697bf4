//! What an answer says: records, or one of the vendor's many refusals, which
//! all come with HTTP 200. Code and text are judged together, since several
//! codes mean more than one thing.

use duijie_sdk::Fault;
use duijie_sdk::http::{Response, excerpt};
use duijie_sdk::json::{self, Answer, Page, Raw};

use crate::collection::Collection;
use crate::dialect::Dialect;

/// One page of records.
pub(crate) struct Contents {
    /// Told on page 0 only.
    pub(crate) total: Option<u64>,
    /// None where the answer has no list because there are no records.
    pub(crate) page: Option<Page>,
}

/// A refusal in the vendor's own words.
struct Refusal {
    code: String,
    /// Of the gateway, beside the code; empty elsewhere.
    sub_code: String,
    message: String,
}

/// The limit counts calls a minute; the vendor's clients wait 31 seconds.
const THROTTLED_MS: u64 = 31_000;
/// Where the gateway says how long its ban lasts, that is taken instead.
const GATEWAY_THROTTLED_MS: u64 = 60_000;

/// `page_no` is the page that was asked for. A list may be missing, or be empty
/// on page 0, only where the total is 0: taken for no records otherwise, the
/// records that it should have held would be passed over for good.
pub(crate) fn read(
    dialect: Dialect,
    collection: &Collection,
    page_no: u64,
    response: Response,
) -> Result<Contents, Fault> {
    let response = of_status(response)?;
    let list = dialect.list_path(collection);
    let answer = Answer::read(response.body, &list)
        .map_err(|(error, body)| broken(&error.to_string(), &body))?;
    let found = match dialect {
        Dialect::Openapi2 => direct(&answer)?,
        Dialect::Qimen => gateway(&answer)?,
    };
    if !found {
        return Ok(Contents {
            total: Some(0),
            page: None,
        });
    }
    let prefix = if dialect == Dialect::Qimen {
        "response."
    } else {
        ""
    };
    let told = match answer.field(&format!("{prefix}total_count")) {
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

fn of_status(response: Response) -> Result<Response, Fault> {
    let status = response.status;
    let said = || format!("HTTP {status}: `{}`", response.excerpt());
    match status {
        200..=299 => Ok(response),
        429 => Err(Fault::rate_limited(said(), response.retry_after_ms())),
        500..=599 => Err(Fault::unavailable(said(), response.retry_after_ms())),
        _ => Err(Fault::broken(said())),
    }
}

/// Whether there are records; a refusal is a fault.
fn direct(answer: &Answer) -> Result<bool, Fault> {
    let code = answer
        .field("code")
        .ok_or_else(|| broken("expected an envelope with `code`", answer.body()))?;
    judge(text(Some(code)), text(answer.field("message")))
}

fn gateway(answer: &Answer) -> Result<bool, Fault> {
    if let Some(error) = answer.field("error_response") {
        let field = |name| text(json::field(error.0, name).ok().flatten());
        return Err(judge_gateway(Refusal {
            code: field("code"),
            sub_code: field("sub_code"),
            message: either(field("sub_msg"), field("msg")),
        }));
    }
    let field = |name: &str| text(answer.field(&format!("response.{name}")));
    if let Some(code) = answer.field("response.errorcode") {
        return judge(text(Some(code)), field("message"));
    }
    if field("flag") == "failure" || answer.field("response.code").is_some() {
        return Err(judge_gateway(Refusal {
            code: field("code"),
            sub_code: field("sub_code"),
            message: either(field("sub_message"), field("message")),
        }));
    }
    Err(broken(
        "expected an envelope with `response.errorcode`",
        answer.body(),
    ))
}

/// Wangdiantong's own codes.
fn judge(code: String, message: String) -> Result<bool, Fault> {
    let said = format!("Wangdiantong answered {code}: {message}");
    Err(match code.as_str() {
        "0" => return Ok(true),
        // The document asked for by number is not there.
        "7200" | "7201" => return Ok(false),
        "1012" => Fault::rate_limited(said, Some(THROTTLED_MS)),
        _ if message.contains("频率") => Fault::rate_limited(said, Some(THROTTLED_MS)),
        "1007" if message.contains("店铺") => Fault::other(said),
        "1007" | "2030" | "2060" | "2090" | "2100" => Fault::unauthorized(said),
        // `system error`, but also `range over a month`.
        "1020" if !message.contains('月') => Fault::unavailable(said, None),
        _ => Fault::other(said),
    })
}

/// The codes of Taobao's gateway.
fn judge_gateway(refusal: Refusal) -> Fault {
    let Refusal {
        code,
        sub_code,
        message,
    } = refusal;
    let said = match sub_code.as_str() {
        "" => format!("the gateway answered {code}: {message}"),
        _ => format!("the gateway answered {code} ({sub_code}): {message}"),
    };
    if code == "7" || sub_code.contains("limited-by") || message.contains("频率") {
        let wait_ms = ban_ms(&message).unwrap_or(GATEWAY_THROTTLED_MS);
        return Fault::rate_limited(said, Some(wait_ms));
    }
    match code.as_str() {
        "15" => Fault::unavailable(said, None),
        "25" | "26" | "27" | "28" | "29" => Fault::unauthorized(said),
        _ => Fault::other(said),
    }
}

/// `This ban will last for 17 more seconds`.
fn ban_ms(message: &str) -> Option<u64> {
    let (_, rest) = message.split_once("last for ")?;
    let seconds: u64 = rest.split_once(" more second")?.0.parse().ok()?;
    seconds.checked_mul(1000)
}

fn text(raw: Option<Raw<'_>>) -> String {
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
