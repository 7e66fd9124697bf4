//! Queues: a query gives the oldest rows, and gives them again until each was
//! acknowledged. They have no position and are never read ahead; what is first
//! is asked for, again and again. 旗舰版 has a queue of shipments of its own
//! kind, by the vendor's document `sales.LogisticsSync` and its samples.

use std::collections::VecDeque;

use duijie_sdk::acknowledge::{Answer, Entry, Outcome as Told};
use duijie_sdk::http::Purpose;
use duijie_sdk::json::{Field, Page, quoted};
use duijie_sdk::target::Outcome;
use duijie_sdk::{Fault, Network, SourceBatch};

use crate::access::{self, Argument, Call, Value};
use crate::answer;
use crate::collection::gateway_method;
use crate::columns::Columns;
use crate::dialect::Dialect;
use crate::document::Prepared;
use crate::settings::Query;
use crate::written::{self, Written};

/// How the rows of a query are acknowledged.
struct Receipt {
    query: &'static str,
    dialects: &'static str,
    method: &'static str,
    argument: &'static str,
    /// Rows of one call.
    most: usize,
    /// The field that names a row.
    id: &'static str,
    /// Fields that are handed back beside it; where there are none, a status
    /// and a message are.
    echoed: &'static [&'static str],
    /// The status of what was not taken, and the name of the reason.
    refused: (u8, &'static str),
}

const RECEIPTS: [Receipt; 3] = [
    Receipt {
        query: "logistics_sync_query",
        dialects: "AB",
        method: "logistics_sync_ack",
        argument: "logistics_list",
        most: 50,
        id: "rec_id",
        echoed: &[],
        refused: (1, "message"),
    },
    Receipt {
        query: "logistics_sync_query",
        dialects: "C",
        method: "sales.LogisticsSync.update",
        argument: "syncList",
        most: 50,
        id: "sync_id",
        echoed: &[],
        refused: (2, "error_msg"),
    },
    Receipt {
        query: "api_goods_stock_change_query",
        dialects: "AB",
        method: "api_goods_stock_change_ack",
        argument: "stock_sync_list",
        most: 100,
        id: "rec_id",
        echoed: &["sync_stock", "stock_change_count"],
        refused: (1, "message"),
    },
];

fn receipt(query: &Query) -> Result<&'static Receipt, Fault> {
    let (name, letter) = (query.collection.name, query.access.dialect.letter());
    let found = RECEIPTS
        .iter()
        .find(|receipt| receipt.query == name && receipt.dialects.contains(letter));
    found.ok_or_else(|| Fault::other(format!("`{name}` is not acknowledged")))
}

/// The rows that are waiting; none where every one of them was given before,
/// since then nothing was acknowledged in between. `given` holds their tokens.
pub(crate) fn next<N: Network>(
    network: &N,
    query: &Query,
    columns: &Columns,
    given: &mut Vec<String>,
) -> Result<Option<SourceBatch>, Fault> {
    let receipt = receipt(query)?;
    let (first, page) = match query.side.is_flagship() {
        // It has pages, and gives none of its own shops' rows without this.
        true => (
            Argument {
                name: "is_own_platform",
                value: Value::Json("true".to_owned()),
            },
            Some(access::Page {
                number: 0,
                size: query.page_size,
            }),
        ),
        false => (
            Argument {
                name: "limit",
                value: Value::Text(query.page_size.to_string()),
            },
            None,
        ),
    };
    let call = Call {
        method: query.collection.method(query.access.dialect, &query.side),
        arguments: std::iter::once(first)
            .chain(query.filters.iter().cloned())
            .collect(),
        page,
    };
    let request = query.access.request(network, &call)?.read();
    let response = network.send(request)?;
    let contents = answer::read(query.access.dialect, query.side.list, 0, response)?;
    let tokens = tokens(receipt, contents.page.as_ref());
    if tokens.iter().all(|token| given.contains(token)) {
        return Ok(None);
    }
    let mut batch = columns.batch(contents.page, None, || "the queue".to_owned())?;
    for (entry, token) in batch.entries.iter_mut().zip(&tokens) {
        entry.ack_token = Some(token.clone());
        // A row whose counter moved on is another version of it.
        let count = token.rsplit_once(',').map(|(_, count)| count);
        entry.version = count.map(|count| format!("{count:0>12}"));
    }
    *given = tokens;
    Ok(Some(batch))
}

/// What names a row, and what is to be handed back with it, by commas.
fn tokens(receipt: &Receipt, page: Option<&Page>) -> Vec<String> {
    let names = std::iter::once(receipt.id).chain(receipt.echoed.iter().copied());
    let fields: Vec<Field> = names.map(Field::new).collect();
    let Some(page) = page else {
        return Vec::new();
    };
    page.records()
        .map(|record| {
            let texts = fields.iter().map(|field| answer::text(record.field(field)));
            texts.collect::<Vec<_>>().join(",")
        })
        .collect()
}

/// One answer an entry, in order.
pub(crate) fn acknowledge<N: Network>(
    network: &N,
    query: &Query,
    entries: &[Entry],
) -> Result<Vec<Answer>, Fault> {
    let receipt = receipt(query)?;
    let mut answers = Vec::with_capacity(entries.len());
    let mut calls: VecDeque<&[Entry]> = entries.chunks(receipt.most).collect();
    while let Some(chunk) = calls.pop_front() {
        let first = answers.len();
        match tell(network, query, receipt, (first, chunk))? {
            // Told alone, each hears of itself.
            Written::Told(told) if chunk.len() > 1 && told.iter().any(is_unnamed) => {
                for one in chunk.chunks(1).rev() {
                    calls.push_front(one);
                }
            }
            Written::Told(told) => answers.extend(told.into_iter().map(answered)),
            Written::Stopped(fault) if first == 0 => return Err(fault),
            Written::Stopped(fault) => {
                let reason = format!("{fault:?}");
                answers.resize(entries.len(), Answer::Unknown(reason));
                break;
            }
        }
    }
    Ok(answers)
}

/// One call about rows, the first of which is the entry of that number.
fn tell<N: Network>(
    network: &N,
    query: &Query,
    receipt: &Receipt,
    (first, chunk): (usize, &[Entry]),
) -> Result<Written, Fault> {
    let dialect = query.access.dialect;
    let call = Call {
        method: match dialect {
            Dialect::Openapi2 => format!("{}.php", receipt.method),
            Dialect::Qimen => gateway_method(receipt.method),
            _ => receipt.method.to_owned(),
        },
        arguments: vec![Argument {
            name: receipt.argument,
            value: Value::Json(said(receipt, chunk)),
        }],
        page: None,
    };
    let mut request = query.access.request(network, &call)?;
    let indices = first..first + chunk.len();
    let indices = indices.map(|index| u32::try_from(index).unwrap_or(u32::MAX));
    request.purpose = Some(Purpose::Write(indices.collect()));
    let rows: Vec<Prepared> = chunk.iter().enumerate().map(row).collect();
    Ok(written::read(dialect, None, &rows, network.send(request)))
}

fn is_unnamed(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Rejected(rejection) if rejection.code == written::UNNAMED)
}

fn row((index, entry): (usize, &Entry)) -> Prepared {
    let token = entry.ack_token.as_str();
    Prepared {
        index,
        key: token.split(',').next().unwrap_or_default().to_owned(),
        shop_no: String::new(),
        json: String::new(),
        lines: Vec::new(),
    }
}

fn said(receipt: &Receipt, entries: &[Entry]) -> String {
    let rows = entries.iter().map(|entry| {
        let mut parts = entry.ack_token.split(',');
        let id = parts.next().unwrap_or_default();
        let mut row = format!("{{\"{}\":{}", receipt.id, quoted(id));
        for (name, value) in receipt.echoed.iter().zip(parts) {
            row.push_str(&format!(",\"{name}\":{}", quoted(value)));
        }
        if receipt.echoed.is_empty() {
            let (refused, name) = receipt.refused;
            let (status, message) = match &entry.outcome {
                Told::Applied(_) | Told::Dropped(_) => (0, ""),
                Told::Rejected(rejection) => (refused, rejection.message.as_str()),
                Told::Other(reason) => (refused, reason.as_str()),
            };
            let message: String = message.chars().take(255).collect();
            row.push_str(&format!(
                ",\"status\":{status},\"{name}\":{}",
                quoted(&message)
            ));
        }
        row.push('}');
        row
    });
    format!("[{}]", rows.collect::<Vec<_>>().join(","))
}

fn answered(outcome: Outcome) -> Answer {
    match outcome {
        Outcome::Applied(_) => Answer::Acknowledged,
        // The call was refused, and not this row alone.
        Outcome::Rejected(rejection) if rejection.code.ends_with(".batch") => {
            Answer::Unknown(rejection.message)
        }
        Outcome::Rejected(rejection) => Answer::Refused(rejection),
        Outcome::Unknown(reason) | Outcome::Other(reason) => Answer::Unknown(reason),
    }
}

#[cfg(test)]
mod tests;
