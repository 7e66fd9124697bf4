//! What was sent in a call and what came back, laid aside for people.
//!
//! One JSON object a request, on one line: `at_ms`, `took_ms`, `method`,
//! `url`, `headers` (pairs of name and value), `entries` (places in the call),
//! `body`, `body_bytes`, `status`, `answer`, `fault`. Where every document of
//! the call was applied, `body` is cut to its first 2 KiB, and `body_xxh3`
//! holds the XXH3-128 of the whole in hex.

use std::borrow::Cow;

use duijie_contract::Exchange;
use duijie_record::Outcome;
use duijie_store::{Fingerprint, LineRef};
use serde::Serialize;

use crate::Error;
use crate::options::Context;
use crate::stage::chunk::Chunk;
use crate::stage::evidence::lay_aside;

/// So much is kept of a body of which nothing was refused, in bytes.
const CUT: usize = 2 << 10;

#[derive(Serialize)]
struct Line<'exchange> {
    at_ms: u64,
    took_ms: u64,
    method: &'exchange str,
    url: &'exchange str,
    headers: &'exchange [(String, String)],
    entries: &'exchange [u32],
    body: Cow<'exchange, str>,
    body_bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_xxh3: Option<String>,
    status: Option<u16>,
    answer: Cow<'exchange, str>,
    fault: Option<&'exchange str>,
}

/// Notes with each document of the chunk where its exchange lies.
pub(super) fn keep(
    context: &Context,
    chunk: &mut Chunk,
    exchanges: &[Exchange],
    outcomes: &[Outcome],
) -> Result<(), Error> {
    chunk.exchanges.clear();
    if exchanges.is_empty() {
        return Ok(());
    }
    let applied = |outcome: &Outcome| matches!(outcome, Outcome::Applied(_));
    let all_applied = outcomes.iter().all(applied);
    let mut lines = Vec::new();
    for exchange in exchanges {
        let cut = all_applied && exchange.body.len() > CUT;
        let body = exchange.body.get(..CUT).filter(|_| cut);
        let line = Line {
            at_ms: exchange.at_ms,
            took_ms: exchange.took_ms,
            method: &exchange.method,
            url: &exchange.url,
            headers: &exchange.headers,
            entries: &exchange.entries,
            body: String::from_utf8_lossy(body.unwrap_or(&exchange.body)),
            body_bytes: exchange.body.len(),
            body_xxh3: cut.then(|| format!("{:032x}", Fingerprint::of(&exchange.body).0)),
            status: exchange.status,
            answer: String::from_utf8_lossy(&exchange.answer),
            fault: exchange.fault.as_deref(),
        };
        if let Err(error) = serde_json::to_writer(&mut lines, &line) {
            tracing::warn!(%error, "an exchange cannot be laid aside");
        }
        lines.push(b'\n');
    }
    let Some(segment) = lay_aside(context, &lines)? else {
        return Ok(());
    };
    chunk.exchanges.resize(chunk.entries.len(), None);
    for (line, exchange) in (0..).zip(exchanges) {
        for entry in &exchange.entries {
            let place = usize::try_from(*entry).unwrap_or(usize::MAX);
            if let Some(kept) = chunk.exchanges.get_mut(place) {
                let segment = segment.clone();
                *kept = Some(LineRef { segment, line });
            }
        }
    }
    Ok(())
}
