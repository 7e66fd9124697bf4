//! Queues: a query gives the oldest rows, and gives them again until each was
//! acknowledged. They have no pages and no position, and are never read ahead.

use duijie_sdk::acknowledge::{Answer, Entry, Outcome};
use duijie_sdk::http::Purpose;
use duijie_sdk::json::{Field, Page, quoted};
use duijie_sdk::target::Outcome as Written;
use duijie_sdk::{Fault, Network, SourceBatch};

use crate::access::{Argument, Call, Value};
use crate::answer;
use crate::collection::gateway_method;
use crate::columns::Columns;
use crate::dialect::Dialect;
use crate::document::Prepared;
use crate::settings::Query;
use crate::written;

/// How the rows of a query are acknowledged.
struct Receipt {
    query: &'static str,
    method: &'static str,
    argument: &'static str,
    /// Rows of one call.
    most: usize,
    /// Fields that are handed back beside `rec_id`; where there are none, a
    /// status and a message are.
    echoed: &'static [&'static str],
}

const RECEIPTS: [Receipt; 2] = [
    Receipt {
        query: "logistics_sync_query",
        method: "logistics_sync_ack",
        argument: "logistics_list",
        most: 50,
        echoed: &[],
    },
    Receipt {
        query: "api_goods_stock_change_query",
        method: "api_goods_stock_change_ack",
        argument: "stock_sync_list",
        most: 100,
        echoed: &["sync_stock", "stock_change_count"],
    },
];

fn receipt(query: &Query) -> Result<&'static Receipt, Fault> {
    let name = query.collection.name;
    let found = RECEIPTS.iter().find(|receipt| receipt.query == name);
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
    let limit = Argument {
        name: "limit",
        value: Value::Text(query.page_size.to_string()),
    };
    let call = Call {
        method: query.collection.method(query.access.dialect, &query.side),
        arguments: std::iter::once(limit)
            .chain(query.filters.iter().cloned())
            .collect(),
        page: None,
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

/// `rec_id`, and what is to be handed back with it, by commas.
fn tokens(receipt: &Receipt, page: Option<&Page>) -> Vec<String> {
    let names = std::iter::once("rec_id").chain(receipt.echoed.iter().copied());
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
    let dialect = query.access.dialect;
    let mut answers = Vec::with_capacity(entries.len());
    for chunk in entries.chunks(receipt.most) {
        let first = answers.len();
        let call = Call {
            method: match dialect {
                Dialect::Openapi2 => format!("{}.php", receipt.method),
                _ => gateway_method(receipt.method),
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
        match written::read(dialect, None, &rows, network.send(request)) {
            written::Written::Told(told) => answers.extend(told.into_iter().map(answered)),
            written::Written::Stopped(fault) if first == 0 => return Err(fault),
            written::Written::Stopped(fault) => {
                let reason = format!("{fault:?}");
                answers.resize(entries.len(), Answer::Unknown(reason));
                break;
            }
        }
    }
    Ok(answers)
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
        let rec_id = parts.next().unwrap_or_default();
        let mut row = format!("{{\"rec_id\":{}", quoted(rec_id));
        for (name, value) in receipt.echoed.iter().zip(parts) {
            row.push_str(&format!(",\"{name}\":{}", quoted(value)));
        }
        if receipt.echoed.is_empty() {
            let (status, message) = match &entry.outcome {
                Outcome::Applied(_) | Outcome::Dropped(_) => (0, ""),
                Outcome::Rejected(rejection) => (1, rejection.message.as_str()),
                Outcome::Other(reason) => (1, reason.as_str()),
            };
            let message: String = message.chars().take(255).collect();
            row.push_str(&format!(
                ",\"status\":{status},\"message\":{}",
                quoted(&message)
            ));
        }
        row.push('}');
        row
    });
    format!("[{}]", rows.collect::<Vec<_>>().join(","))
}

fn answered(outcome: Written) -> Answer {
    match outcome {
        Written::Applied(_) => Answer::Acknowledged,
        // The call was refused, and not this row alone.
        Written::Rejected(rejection) if rejection.code.ends_with(".batch") => {
            Answer::Unknown(rejection.message)
        }
        Written::Rejected(rejection) => Answer::Refused(rejection),
        Written::Unknown(reason) | Written::Other(reason) => Answer::Unknown(reason),
    }
}

#[cfg(test)]
mod tests;
