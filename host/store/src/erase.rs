//! Takes away what a record held, and leaves what it came to: its row keeps
//! keys, prints and states, so that it is not sent again.

use duijie_record::{Scope, SourceKey};

use crate::committer::Request;
use crate::segment::Erasing;
use crate::{Came, Change, DocumentState, Embedded, Error, LedgerRow, LineRef, Store as _};

/// What stands where a system's or a person's words were.
pub const ERASED: &str = "erased";

impl Embedded {
    /// Writes over every kept line of these records, of their documents and
    /// exchanges, and takes their words out of the ledger. Lines of others go
    /// where one of the numbers stands in them. Answers how many lines went.
    ///
    /// Nothing of the records may wait, be a member of a group or be in an open
    /// intent. Takes the scope over: none of its runs may be under way. When it
    /// returns, no file of the store's folder has a byte of what was there, but
    /// for what open intents of other records were made of.
    pub async fn erase(&self, scope: &Scope, keys: &[SourceKey]) -> Result<u64, Error> {
        self.unlock(scope, false)?;
        let claim = self.claim(scope).await?;
        let rows = self.ledger(scope, keys)?.into_iter().flatten();
        let mut words: Vec<String> = keys.iter().map(|key| key.0.clone()).collect();
        let mut lines = Vec::new();
        let mut changes = Vec::new();
        for mut row in rows {
            words.extend(row.documents.iter().flat_map(|document| {
                let id = document.target_id.clone();
                id.into_iter().chain([document.target_key.0.clone()])
            }));
            empty(&mut row, &mut lines);
            changes.push(Change::Ledger(row));
        }
        let (mut needed, mut needed_lines) = (Vec::new(), Vec::new());
        for intent in self.scopes()?.iter().map(|scope| self.open_intents(scope)) {
            for intent in intent? {
                needed.push(intent.segment);
                // A dead letter or a hold may come of it, with its record.
                let records = intent.entries.into_iter();
                needed_lines.extend(records.filter_map(|entry| entry.record));
            }
        }
        let erasing = Erasing {
            scope: scope.clone(),
            words,
            lines,
            needed,
            needed_lines,
        };
        // The rows lead to the lines, and so go last.
        let erased = self.request(|reply| Request::Erase(erasing, reply)).await?;
        self.commit(&claim, changes).await?;
        self.write_anew().await?;
        Ok(erased)
    }
}

/// Gives the lines that the row led to.
fn empty(row: &mut LedgerRow, lines: &mut Vec<LineRef>) {
    lines.extend(row.record.take());
    for document in &mut row.documents {
        lines.extend(document.sent.take());
        if let DocumentState::Held(reason) = &mut document.state {
            ERASED.clone_into(reason);
        }
        for tried in &mut document.tries {
            lines.extend(tried.exchange.take());
            match &mut tried.came {
                Came::Rejected { message, .. } | Came::Later { message, .. } => {
                    ERASED.clone_into(message);
                }
                Came::Unknown(reason) => ERASED.clone_into(reason),
                Came::Applied | Came::Found | Came::Absent | Came::Decided(_) => {}
            }
        }
    }
}
