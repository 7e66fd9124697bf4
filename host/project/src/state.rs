//! What people ask of a store, wherever it is open: in this process, or in
//! the one that owns the data folder.

pub mod erase;
pub mod history;
pub mod tables;
pub mod waiting;

use std::sync::Arc;

use duijie_admin::{Answer, Decision, Item, Reply, Request, ask};
use duijie_pipeline::{Clock as _, SystemClock};
use duijie_record::{Scope, SourceKey};
use duijie_store::{Caution, Change, Claim, Embedded, RunRow, RunState, Store};
use serde_json::{Value, json};

use crate::{Error, Project, wire};

type Told = Result<Value, duijie_pipeline::Error>;

/// Answers for one store.
pub struct State {
    store: Arc<dyn Store>,
    /// The store itself, where all of it may be copied.
    whole: Option<Arc<Embedded>>,
}

impl State {
    pub fn new(store: Arc<Embedded>) -> Self {
        Self {
            store: store.clone(),
            whole: Some(store),
        }
    }

    /// Of a part of a store: it makes no backups.
    pub fn of_part(store: Arc<dyn Store>) -> Self {
        Self { store, whole: None }
    }

    async fn answered(&self, request: Request) -> Told {
        let store = self.store.as_ref();
        Ok(match request {
            Request::Checkpoint { scope } => self.checkpoint(&Scope(scope))?,
            Request::ResetCheckpoint { scope } => self.reset(&Scope(scope)).await?,
            Request::Runs { scope, limit } => {
                let runs = store.runs(&Scope(scope), limit)?;
                runs.iter().map(row).collect()
            }
            Request::Holds { wanted } => waiting::holds(store, &wanted)?,
            Request::DeadLetters { wanted } => waiting::letters(store, &wanted)?,
            Request::Decide {
                scope,
                items,
                decision,
            } => self.decide(&Scope(scope), items, decision).await?,
            Request::Edit { scope, item, text } => {
                let claim = store.claim(&Scope(scope)).await?;
                let source_key = SourceKey(item.source_key);
                duijie_pipeline::edit(store, &claim, &source_key, &item.part, text.as_bytes())
                    .await?;
                Value::Null
            }
            Request::Trace { number } => history::trace(store, &number)?,
            Request::Tables => tables::list(store)?,
            Request::Table { name, limit, after } => {
                tables::show(store, &name, limit, after.as_deref())?
            }
            Request::Backup { to, evidence } => {
                if let Some(whole) = &self.whole {
                    whole.backup(&to, evidence).await?;
                }
                Value::Null
            }
        })
    }

    fn checkpoint(&self, scope: &Scope) -> Result<Value, duijie_store::Error> {
        let checkpoint = self.store.checkpoint(scope, "")?;
        let caution = self.store.caution(scope)?;
        let checkpoint = checkpoint.map(|checkpoint| {
            json!({
                "position": checkpoint.position.0,
                "run": checkpoint.run.as_str(),
                "at_ms": checkpoint.at_ms,
            })
        });
        Ok(json!({
            "checkpoint": checkpoint,
            "caution": caution.map(|caution| caution.reason),
        }))
    }

    /// By a new claim, so that a run under way cannot write its own checkpoint
    /// over the reset.
    async fn reset(&self, scope: &Scope) -> Result<Value, duijie_store::Error> {
        let claim = self.store.claim(scope).await?;
        let caution = Caution {
            reason: "its checkpoint was reset".to_owned(),
            at_ms: SystemClock.now_ms(),
        };
        let changes = vec![
            Change::ResetCheckpoint {
                lane: String::new(),
            },
            Change::Caution(Some(caution)),
        ];
        self.store.commit(&claim, changes).await?;
        Ok(Value::Null)
    }

    async fn decide(&self, scope: &Scope, items: Vec<Item>, decision: Decision) -> Told {
        let claim: Claim = self.store.claim(scope).await?;
        let items: Vec<(SourceKey, String)> = items
            .into_iter()
            .map(|item| (SourceKey(item.source_key), item.part))
            .collect();
        let decision = match decision {
            Decision::Applied { id } => duijie_pipeline::Decision::Applied { id },
            Decision::Discard => duijie_pipeline::Decision::Discard,
            Decision::Keep => duijie_pipeline::Decision::Keep,
        };
        let now_ms = SystemClock.now_ms();
        duijie_pipeline::decide(self.store.as_ref(), &claim, now_ms, &items, &decision).await?;
        Ok(json!(items.len()))
    }
}

#[async_trait::async_trait]
impl Answer for State {
    async fn answer(&self, request: Request) -> Reply {
        use duijie_pipeline::Error;
        if self.whole.is_none() && matches!(request, Request::Backup { .. }) {
            return Reply::Refused("a part of a store is not backed up by itself".to_owned());
        }
        match self.answered(request).await {
            Ok(data) => Reply::Data(data),
            Err(
                error @ (Error::NothingWaits { .. }
                | Error::Undecidable { .. }
                | Error::NotJson { .. }),
            ) => Reply::Refused(error.to_string()),
            Err(error) => Reply::Error(error.to_string()),
        }
    }
}

/// Asks the process that owns the data folder, or opens the store here.
pub async fn query(project: &Project, request: Request) -> Result<Value, Error> {
    let asked = ask(&project.data, &request)?;
    let reply = match asked {
        Some(reply) => reply,
        None => State::new(wire::store(project)?).answer(request).await,
    };
    data(reply)
}

/// The same of a store that is open here.
pub async fn query_here(store: &Arc<Embedded>, request: Request) -> Result<Value, Error> {
    data(State::new(store.clone()).answer(request).await)
}

fn data(reply: Reply) -> Result<Value, Error> {
    match reply {
        Reply::Data(data) => Ok(data),
        Reply::Refused(text) => Err(Error::Refused(text)),
        Reply::Error(text) => Err(Error::Answer(text)),
    }
}

/// Whether there is anything to ask: no run has made a store here yet, and a
/// question makes none.
pub fn is_there(project: &Project) -> bool {
    Embedded::exists(&project.data)
}

pub fn row(row: &RunRow) -> Value {
    let (state, reason) = match &row.state {
        RunState::Running => ("running", None),
        RunState::Finished => ("finished", None),
        RunState::Stopped => ("stopped", None),
        RunState::Failed(reason) => ("failed", Some(reason)),
    };
    let tables = row.components.iter().filter_map(|(name, digest)| {
        let name = name.strip_prefix(RunRow::TABLE)?;
        Some(json!({ "name": name, "digest": digest }))
    });
    let components = row.components.iter();
    let components = components.filter(|(name, _)| !name.starts_with(RunRow::TABLE));
    json!({
        "run": row.run.as_str(),
        "purpose": row.purpose,
        "started_ms": row.started_ms,
        "ended_ms": row.ended_ms,
        "state": state,
        "reason": reason,
        "manifest_sha256": row.manifest_digest,
        "components": components
            .map(|(name, digest)| json!({ "name": name, "sha256": digest }))
            .collect::<Value>(),
        "tables": tables.collect::<Value>(),
        "read": row.read,
        "unchanged": row.unchanged,
        "dropped": row.dropped,
        "applied": row.applied,
        "rejected": row.rejected,
        "held": row.held,
    })
}
