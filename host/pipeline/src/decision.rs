//! What a person decides about holds and dead letters without a send, and what
//! they write in place of a refused document. What is to be sent is a replay.

use std::collections::{BTreeMap, HashMap};

use crate::chaos::{Point, reach};
use duijie_record::{Action, Change as Fate, SourceKey, TargetKey};
use duijie_store::{
    Came, Change, Claim, DeadLetter, DocumentRow, DocumentState, Fingerprint, Hold, LedgerRow,
    Store, Try,
};
use serde_json::value::RawValue;

use crate::Error;
use crate::page::{PARTIAL, note};
use crate::stage::chunk::NO_CONTENT;
use crate::stage::decide::print;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It stands in the target as the held or refused document says, under this
    /// id where it is known; for a held cancel, it no longer stands there.
    Applied { id: Option<String> },
    /// This version is never sent.
    Discard,
    /// What the target has stays as it is, without this change.
    Keep,
}

/// Decides about what waits under each source key and part; all of it in one
/// commit, or nothing. Where a hold and a dead letter wait in the same place,
/// it is about the hold, and both are gone.
pub async fn decide(
    store: &dyn Store,
    claim: &Claim,
    now_ms: u64,
    items: &[(SourceKey, String)],
    decision: &Decision,
) -> Result<(), Error> {
    let mut waiting = waiting(store, claim)?;
    let mut rows: BTreeMap<&SourceKey, LedgerRow> = BTreeMap::new();
    let mut changes = Vec::with_capacity(2 * items.len());
    for item in items {
        let (source_key, part) = item;
        let Some(found) = waiting.remove(item) else {
            return Err(nothing(source_key, part));
        };
        let mut row = match rows.remove(source_key) {
            Some(row) => row,
            None => found.row(store, claim, source_key)?,
        };
        found
            .settle(&mut row, part, decision, now_ms)
            .map_err(|why| Error::Undecidable {
                source_key: source_key.to_string(),
                part: part.clone(),
                why,
            })?;
        rows.insert(source_key, row);
        changes.push(Change::Release {
            source_key: source_key.clone(),
            part: part.clone(),
        });
    }
    changes.extend(rows.into_values().map(Change::Ledger));
    reach(Point::DuringReplay);
    store.commit(claim, changes).await?;
    Ok(())
}

/// Puts `text`, JSON in any layout, in place of the document of a dead letter,
/// or of its record where a transform refused that. Its digits stay as they are.
pub async fn edit(
    store: &dyn Store,
    claim: &Claim,
    source_key: &SourceKey,
    part: &str,
    text: &[u8],
) -> Result<(), Error> {
    let letters = store.dead_letters(&claim.scope)?.into_iter();
    let mut found =
        letters.filter(|letter| letter.source_key == *source_key && letter.part == part);
    let Some(letter) = found.next() else {
        return Err(nothing(source_key, part));
    };
    let edited = Some(one_line(text)?);
    let letter = DeadLetter { edited, ..letter };
    store
        .commit(claim, vec![Change::DeadLetter(letter)])
        .await?;
    Ok(())
}

pub(crate) fn nothing(source_key: &SourceKey, part: &str) -> Error {
    Error::NothingWaits {
        source_key: source_key.to_string(),
        part: part.to_owned(),
    }
}

/// What a decision needs of a hold or dead letter.
struct Waiting {
    version: Option<duijie_record::Version>,
    target_key: Option<TargetKey>,
    target_id: Option<String>,
    /// `None` where it follows from whether something stands in the target.
    action: Option<Action>,
    /// Of the source's line, where that is known.
    source_print: Fingerprint,
    /// Of the document, where the record became one.
    mapped_print: Option<Fingerprint>,
    run: duijie_record::RunId,
}

impl From<Hold> for Waiting {
    fn from(hold: Hold) -> Self {
        let (fate, document) = match hold.action {
            Action::Cancel => (Fate::Delete, NO_CONTENT),
            _ => (Fate::Upsert, hold.document.as_slice()),
        };
        Self {
            version: hold.version,
            target_key: Some(hold.target_key),
            target_id: hold.target_id,
            action: Some(hold.action),
            source_print: source_print(&hold.record, fate),
            mapped_print: Some(Fingerprint::of(document)),
            run: hold.run,
        }
    }
}

impl From<DeadLetter> for Waiting {
    fn from(letter: DeadLetter) -> Self {
        Self {
            version: letter.version,
            target_key: letter.target_key,
            target_id: None,
            action: None,
            source_print: source_print(&letter.record, Fate::Upsert),
            mapped_print: letter.document.as_deref().map(Fingerprint::of),
            run: letter.run,
        }
    }
}

fn source_print(record: &[u8], fate: Fate) -> Fingerprint {
    match record.is_empty() {
        true => PARTIAL,
        false => print(record, fate),
    }
}

fn waiting(
    store: &dyn Store,
    claim: &Claim,
) -> Result<HashMap<(SourceKey, String), Waiting>, Error> {
    let letters = store.dead_letters(&claim.scope)?.into_iter();
    let letters = letters.map(|letter| {
        let place = (letter.source_key.clone(), letter.part.clone());
        (place, Waiting::from(letter))
    });
    let holds = store.holds(&claim.scope)?.into_iter();
    let holds = holds.map(|hold| {
        let place = (hold.source_key.clone(), hold.part.clone());
        (place, Waiting::from(hold))
    });
    // Holds come last, and so take the place of letters.
    Ok(letters.chain(holds).collect())
}

impl Waiting {
    /// The ledger's row, or one for a record that it no longer has.
    fn row(
        &self,
        store: &dyn Store,
        claim: &Claim,
        source_key: &SourceKey,
    ) -> Result<LedgerRow, Error> {
        let rows = store.ledger(&claim.scope, std::slice::from_ref(source_key))?;
        let known = rows.into_iter().flatten().next();
        Ok(known.unwrap_or_else(|| LedgerRow {
            source_key: source_key.clone(),
            version: self.version.clone(),
            source_print: self.source_print,
            documents: Vec::new(),
            record: None,
            run: self.run.clone(),
            at_ms: 0,
        }))
    }

    /// The row keeps the run that it names: no run decided this.
    fn settle(
        &self,
        row: &mut LedgerRow,
        part: &str,
        decision: &Decision,
        now_ms: u64,
    ) -> Result<(), String> {
        row.at_ms = now_ms;
        let place = row.documents.iter().position(|known| known.part == part);
        let known = place.map(|place| row.documents.swap_remove(place));
        let mut document = known.unwrap_or_else(|| DocumentRow {
            part: part.to_owned(),
            target_key: self.target_key.clone().unwrap_or(TargetKey::from("")),
            target_id: None,
            mapped_print: self.mapped_print.unwrap_or(PARTIAL),
            state: DocumentState::Rejected,
            step: 0,
            attempts: 0,
            tries: Vec::new(),
            sent: None,
        });
        let said = self.decided(&mut document, decision)?;
        let usual = match document.target_id {
            Some(_) => Action::Update,
            None => Action::Create,
        };
        let decided = Try {
            run: self.run.clone(),
            at_ms: now_ms,
            intent: None,
            action: self.action.unwrap_or(usual),
            step: document.step,
            came: Came::Decided(said),
            exchange: None,
        };
        note(&mut document.tries, decided);
        row.documents.push(document);
        Ok(())
    }

    /// The document's state from now on, and what the history says of it.
    fn decided(&self, document: &mut DocumentRow, decision: &Decision) -> Result<String, String> {
        if document.target_id.is_none() {
            document.target_id.clone_from(&self.target_id);
        }
        match decision {
            Decision::Applied { id } => {
                let Some(print) = self.mapped_print else {
                    return Err(
                        "it was refused before it became a document: discard it, or replay it"
                            .to_owned(),
                    );
                };
                document.mapped_print = print;
                if let Some(key) = &self.target_key {
                    document.target_key.clone_from(key);
                }
                if id.is_some() {
                    document.target_id.clone_from(id);
                }
                let cancelled = self.action == Some(Action::Cancel);
                document.state = match cancelled {
                    true => DocumentState::Cancelled,
                    false => DocumentState::Applied,
                };
                Ok(match (&document.target_id, cancelled) {
                    (_, true) => "it no longer stands in the target".to_owned(),
                    (Some(id), _) => format!("it stands in the target as `{id}`"),
                    (None, _) => "it stands in the target".to_owned(),
                })
            }
            Decision::Discard => {
                // What a transform refused is no document: what was applied of
                // an earlier version stands as it did.
                if self.mapped_print.is_some() || document.state == DocumentState::Rejected {
                    document.state = DocumentState::Discarded;
                }
                Ok("this version is not sent".to_owned())
            }
            Decision::Keep => {
                let was_there = |one: &Try| matches!(one.came, Came::Applied | Came::Found);
                let stands = document.state == DocumentState::Applied
                    || document.target_id.is_some()
                    || document.tries.iter().any(was_there);
                if !stands {
                    return Err(
                        "nothing of it stands in the target: discard it, or send it".to_owned()
                    );
                }
                document.state = DocumentState::Applied;
                Ok("what stands in the target stays as it is".to_owned())
            }
        }
    }
}

/// JSON without the white space between its tokens, which may hold line ends.
fn one_line(text: &[u8]) -> Result<Vec<u8>, Error> {
    let not_json = |reason: String| Error::NotJson { reason };
    let raw: &RawValue =
        serde_json::from_slice(text).map_err(|error| not_json(error.to_string()))?;
    if !raw.get().starts_with('{') {
        return Err(not_json("it is no object".to_owned()));
    }
    let mut line = Vec::with_capacity(raw.get().len());
    let (mut quoted, mut escaped) = (false, false);
    for byte in raw.get().bytes() {
        if !quoted && matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
            continue;
        }
        if byte == b'"' && !escaped {
            quoted = !quoted;
        }
        escaped = quoted && byte == b'\\' && !escaped;
        line.push(byte);
    }
    Ok(line)
}
