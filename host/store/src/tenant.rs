//! What one tenant sees of a store that it shares with others: the same
//! trait, over scopes that begin with the tenant's name. There is no way from
//! here to a scope of another tenant.

use std::sync::Arc;

use async_trait::async_trait;
use duijie_record::{RunId, Scope, SourceKey, TargetKey};

use crate::{
    Caution, Change, Checkpoint, Claim, DeadLetter, Error, Fill, Group, GroupPart, Hold, Intent,
    IntentId, LedgerRow, Member, Owed, RunRow, SegmentRef, Store, TableRow,
};

/// Between the tenant's name, which has none, and the scope as the tenant
/// knows it.
const BETWEEN: char = '/';

/// What the names of all its scopes and tables begin with.
pub(crate) fn prefix(tenant: &str) -> String {
    format!("{tenant}{BETWEEN}")
}

/// A tenant's part of a store.
pub struct TenantStore {
    whole: Arc<dyn Store>,
    /// The tenant's name and what comes after it.
    prefix: String,
}

impl TenantStore {
    /// `None` for a name that is empty or has a slash.
    pub fn new(whole: Arc<dyn Store>, tenant: &str) -> Option<Self> {
        let whole_name = !tenant.is_empty() && !tenant.contains(BETWEEN);
        whole_name.then(|| Self {
            whole,
            prefix: prefix(tenant),
        })
    }

    /// As the store knows it.
    fn outer(&self, scope: &Scope) -> Scope {
        Scope(format!("{}{scope}", self.prefix))
    }

    /// As the tenant knows it; `None` where it is another's.
    fn inner(&self, scope: &Scope) -> Option<Scope> {
        scope.as_str().strip_prefix(&self.prefix).map(Scope::from)
    }

    fn told(&self, error: Error) -> Error {
        match error {
            Error::ClaimLost {
                scope,
                held,
                current,
            } => Error::ClaimLost {
                scope: self.told_scope(scope),
                held,
                current,
            },
            Error::Forgetting { scope } => Error::Forgetting {
                scope: self.told_scope(scope),
            },
            Error::Sealed { scope, reason } => Error::Sealed {
                scope: self.told_scope(scope),
                reason,
            },
            other => other,
        }
    }

    fn told_scope(&self, scope: String) -> String {
        match scope.strip_prefix(&self.prefix) {
            Some(inner) => inner.to_owned(),
            None => scope,
        }
    }

    /// A value table as the store knows it.
    fn outer_table(&self, table: &str) -> String {
        format!("{}{table}", self.prefix)
    }

    /// What names a table or a scope of its own, as the store knows it.
    fn outer_change(&self, change: Change) -> Change {
        match change {
            Change::TableRow(row) => Change::TableRow(TableRow {
                table: self.outer_table(&row.table),
                ..row
            }),
            Change::DropTableRow { table, key } => Change::DropTableRow {
                table: self.outer_table(&table),
                key,
            },
            Change::Fill(fill) => Change::Fill(Fill {
                table: self.outer_table(&fill.table),
                scope: self.outer(&fill.scope),
                ..fill
            }),
            other => other,
        }
    }

    fn inner_fill(&self, fill: Fill) -> Option<Fill> {
        Some(Fill {
            table: fill.table.strip_prefix(&self.prefix)?.to_owned(),
            scope: self.inner(&fill.scope)?,
            ..fill
        })
    }

    fn claimed(&self, claim: &Claim) -> Claim {
        Claim {
            scope: self.outer(&claim.scope),
            epoch: claim.epoch,
        }
    }
}

#[async_trait]
impl Store for TenantStore {
    async fn claim(&self, scope: &Scope) -> Result<Claim, Error> {
        let claim = self.whole.claim(&self.outer(scope)).await?;
        Ok(Claim {
            scope: scope.clone(),
            epoch: claim.epoch,
        })
    }

    fn unlock(&self, scope: &Scope, sealed: bool) -> Result<(), Error> {
        let unlocked = self.whole.unlock(&self.outer(scope), sealed);
        unlocked.map_err(|error| self.told(error))
    }

    async fn commit(&self, claim: &Claim, changes: Vec<Change>) -> Result<(), Error> {
        let changes = changes.into_iter();
        let changes = changes.map(|change| self.outer_change(change)).collect();
        let committed = self.whole.commit(&self.claimed(claim), changes).await;
        committed.map_err(|error| self.told(error))
    }

    fn next_intent_id(&self) -> IntentId {
        self.whole.next_intent_id()
    }

    async fn append_segment(&self, claim: &Claim, data: &[u8]) -> Result<SegmentRef, Error> {
        let appended = self.whole.append_segment(&self.claimed(claim), data).await;
        appended.map_err(|error| self.told(error))
    }

    fn append_evidence(&self, scope: &Scope, data: &[u8]) -> Result<SegmentRef, Error> {
        let found = self.whole.append_evidence(&self.outer(scope), data);
        found.map_err(|error| self.told(error))
    }

    fn read_segment(&self, scope: &Scope, segment: &SegmentRef) -> Result<Vec<u8>, Error> {
        let found = self.whole.read_segment(&self.outer(scope), segment);
        found.map_err(|error| self.told(error))
    }

    fn kept(&self, scope: &Scope, segment: &SegmentRef) -> Result<Option<Vec<u8>>, Error> {
        let found = self.whole.kept(&self.outer(scope), segment);
        found.map_err(|error| self.told(error))
    }

    fn checkpoint(&self, scope: &Scope, lane: &str) -> Result<Option<Checkpoint>, Error> {
        self.whole.checkpoint(&self.outer(scope), lane)
    }

    fn lanes(&self, scope: &Scope) -> Result<Vec<String>, Error> {
        self.whole.lanes(&self.outer(scope))
    }

    fn caution(&self, scope: &Scope) -> Result<Option<Caution>, Error> {
        self.whole.caution(&self.outer(scope))
    }

    fn bound(&self, scope: &Scope) -> Result<Option<String>, Error> {
        self.whole.bound(&self.outer(scope))
    }

    fn open_intents(&self, scope: &Scope) -> Result<Vec<Intent>, Error> {
        let found = self.whole.open_intents(&self.outer(scope));
        found.map_err(|error| self.told(error))
    }

    fn ledger(&self, scope: &Scope, keys: &[SourceKey]) -> Result<Vec<Option<LedgerRow>>, Error> {
        let found = self.whole.ledger(&self.outer(scope), keys);
        found.map_err(|error| self.told(error))
    }

    fn owners(&self, scope: &Scope, keys: &[TargetKey]) -> Result<Vec<Option<SourceKey>>, Error> {
        self.whole.owners(&self.outer(scope), keys)
    }

    fn find(&self, number: &str) -> Result<Vec<(Scope, LedgerRow)>, Error> {
        let found = self.whole.find(number)?.into_iter();
        let own = found.filter_map(|(scope, row)| Some((self.inner(&scope)?, row)));
        Ok(own.collect())
    }

    fn dead_letters(&self, scope: &Scope) -> Result<Vec<DeadLetter>, Error> {
        let found = self.whole.dead_letters(&self.outer(scope));
        found.map_err(|error| self.told(error))
    }

    fn holds(&self, scope: &Scope) -> Result<Vec<Hold>, Error> {
        let found = self.whole.holds(&self.outer(scope));
        found.map_err(|error| self.told(error))
    }

    fn groups(&self, scope: &Scope) -> Result<Vec<Group>, Error> {
        self.whole.groups(&self.outer(scope))
    }

    fn members(&self, scope: &Scope, place: &GroupPart) -> Result<Vec<Member>, Error> {
        let found = self.whole.members(&self.outer(scope), place);
        found.map_err(|error| self.told(error))
    }

    fn owed(&self, scope: &Scope) -> Result<Vec<Owed>, Error> {
        self.whole.owed(&self.outer(scope))
    }

    fn schedule(&self, scope: &Scope) -> Result<Option<Vec<u8>>, Error> {
        self.whole.schedule(&self.outer(scope))
    }

    fn run(&self, scope: &Scope, run: &RunId) -> Result<Option<RunRow>, Error> {
        self.whole.run(&self.outer(scope), run)
    }

    fn runs(&self, scope: &Scope, limit: usize) -> Result<Vec<RunRow>, Error> {
        self.whole.runs(&self.outer(scope), limit)
    }

    fn fills(&self) -> Result<Vec<Fill>, Error> {
        let fills = self.whole.fills()?.into_iter();
        Ok(fills.filter_map(|fill| self.inner_fill(fill)).collect())
    }

    fn table(&self, name: &str) -> Result<Vec<TableRow>, Error> {
        let rows = self.whole.table(&self.outer_table(name))?.into_iter();
        let inner = |row: TableRow| TableRow {
            table: name.to_owned(),
            ..row
        };
        Ok(rows.map(inner).collect())
    }

    fn scopes(&self) -> Result<Vec<Scope>, Error> {
        let scopes = self.whole.scopes()?;
        Ok(scopes
            .iter()
            .filter_map(|scope| self.inner(scope))
            .collect())
    }
}

#[cfg(test)]
mod tests;
