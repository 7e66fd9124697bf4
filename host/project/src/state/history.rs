//! What a store knows of one number: ledger rows, open intents, what waits,
//! and the evidence that is still kept.

use duijie_record::{Action, RunId, Scope, SourceKey};
use duijie_store::{
    Came, DocumentRow, DocumentState, Error, IntentEntry, LedgerRow, LineRef, Store, Try,
};
use serde_json::{Value, json};

use crate::state;
use crate::state::waiting::action;

mod groups;

/// What stands where evidence was dropped.
pub const GONE: &str = "no longer kept";

/// `{number, found: [row], open: [entry]}`.
pub(super) fn trace(store: &dyn Store, number: &str) -> Result<Value, Error> {
    let mut found = Vec::new();
    let mut rows = store.find(number)?;
    groups::complete(store, number, &mut rows)?;
    for (scope, ledger_row) in rows {
        let members = groups::members(store, &scope, &ledger_row)?;
        let mut found_row = row(store, &scope, &ledger_row)?;
        if let Some(fields) = found_row.as_object_mut() {
            fields.insert("members".to_owned(), members.into());
        }
        found.push(found_row);
    }
    let mut open = Vec::new();
    for scope in store.scopes()? {
        for intent in store.open_intents(&scope)? {
            let known = |entry: &&IntentEntry| {
                entry.source_key.0 == number
                    || entry.target_key.0 == number
                    || entry.known_id.as_deref() == Some(number)
            };
            for entry in intent.entries.iter().filter(known) {
                open.push(json!({
                    "scope": scope.as_str(),
                    "intent": intent.id.0,
                    "run": run(store, &scope, &intent.run)?,
                    "at_ms": intent.at_ms,
                    "source_key": entry.source_key.as_str(),
                    "part": entry.part,
                    "target_key": entry.target_key.as_str(),
                    "action": does(entry.action, entry.step),
                    "attempt": entry.attempt,
                    "tries": tries(store, &scope, &entry.tries)?,
                }));
            }
        }
    }
    Ok(json!({ "number": number, "found": found, "open": open }))
}

fn row(store: &dyn Store, scope: &Scope, row: &LedgerRow) -> Result<Value, Error> {
    let documents = row.documents.iter();
    let documents: Vec<Value> = documents
        .map(|one| document(store, scope, &row.source_key, one))
        .collect::<Result<_, _>>()?;
    Ok(json!({
        "scope": scope.as_str(),
        "source_key": row.source_key.as_str(),
        "version": row.version.as_ref().map(|version| version.as_str()),
        "at_ms": row.at_ms,
        "run": run(store, scope, &row.run)?,
        "record": line(store, scope, row.record.as_ref())?,
        "documents": documents,
    }))
}

fn document(
    store: &dyn Store,
    scope: &Scope,
    source_key: &SourceKey,
    document: &DocumentRow,
) -> Result<Value, Error> {
    let (state, reason) = match &document.state {
        DocumentState::Applied => ("applied", None),
        DocumentState::Rejected => ("dead letter", None),
        DocumentState::Held(reason) => ("held", Some(reason.clone())),
        DocumentState::Cancelled => ("cancelled", None),
        DocumentState::Discarded => ("discarded", None),
        DocumentState::Grouped => ("in a group", Some(groups::told(store, scope, document)?)),
    };
    Ok(json!({
        "source_key": source_key.as_str(),
        "part": document.part,
        "target_key": document.target_key.as_str(),
        "target_id": document.target_id,
        "state": state,
        "step": document.step,
        "reason": reason,
        "attempts": document.attempts,
        "sent": line(store, scope, document.sent.as_ref())?,
        "tries": tries(store, scope, &document.tries)?,
    }))
}

fn tries(store: &dyn Store, scope: &Scope, tries: &[Try]) -> Result<Vec<Value>, Error> {
    let one = |one: &Try| {
        let (word, why) = came(&one.came);
        Ok(json!({
            "at_ms": one.at_ms,
            "run": one.run.as_str(),
            "intent": one.intent.map(|intent| intent.0),
            "action": does(one.action, one.step),
            "came": word,
            "why": why,
            "exchange": exchange(store, scope, one.exchange.as_ref())?,
        }))
    };
    tries.iter().map(one).collect()
}

/// What was done with a document: it was written, or took a step after that.
fn does(written: Action, step: u8) -> String {
    match step {
        0 => action(written).to_owned(),
        step => format!("step {step}"),
    }
}

fn came(came: &Came) -> (&'static str, Option<String>) {
    let refused = |code: &str, message: &str| Some(format!("{code} {message}").trim().to_owned());
    match came {
        Came::Applied => ("applied", None),
        Came::Rejected { code, message } => ("refused", refused(code, message)),
        Came::Later { code, message } => ("refused for now", refused(code, message)),
        Came::Unknown(reason) => ("no clear answer", Some(reason.clone())),
        Came::Found => ("found by a look-up", None),
        Came::Absent => ("not found by a look-up", None),
        Came::Decided(what) => ("decided by a person", Some(what.clone())),
    }
}

/// An exchange as it was laid aside, [`GONE`] where it was dropped, nothing
/// where there was none.
pub fn exchange(
    store: &dyn Store,
    scope: &Scope,
    at: Option<&LineRef>,
) -> Result<Option<Value>, Error> {
    let Some(at) = at else { return Ok(None) };
    let kept = kept(store, scope, at)?;
    let read = kept.and_then(|text| serde_json::from_str(&text).ok());
    Ok(Some(read.unwrap_or_else(|| Value::from(GONE))))
}

/// A record or document as text, nothing where it was dropped.
fn line(store: &dyn Store, scope: &Scope, at: Option<&LineRef>) -> Result<Option<String>, Error> {
    at.map_or(Ok(None), |at| kept(store, scope, at))
}

fn kept(store: &dyn Store, scope: &Scope, at: &LineRef) -> Result<Option<String>, Error> {
    let Some(data) = store.kept(scope, &at.segment)? else {
        return Ok(None);
    };
    let index = usize::try_from(at.line).unwrap_or(usize::MAX);
    let mut lines = data.split(|byte| *byte == b'\n');
    Ok(lines
        .nth(index)
        .map(|line| String::from_utf8_lossy(line).into_owned()))
}

/// A run as `duijie runs` tells it, or its name where it is too long ago to be listed.
fn run(store: &dyn Store, scope: &Scope, run: &RunId) -> Result<Value, Error> {
    let row = store.run(scope, run)?;
    Ok(row.map_or_else(|| json!({ "run": run.as_str() }), |row| state::row(&row)))
}
