//! What commands ask of a store, wherever it is open: in this process, or in
//! the one that owns the data folder.

use std::sync::Arc;

use duijie_admin::{Answer, Reply, Request, ask};
use duijie_record::Scope;
use duijie_store::{Change, Embedded, RunRow, RunState, Store as _};
use serde_json::{Value, json};

use crate::exit::Failure;
use crate::project::Project;
use crate::wire;

pub(crate) struct State {
    store: Arc<Embedded>,
}

impl State {
    pub(crate) fn new(store: Arc<Embedded>) -> Self {
        Self { store }
    }

    async fn answered(&self, request: Request) -> Result<Value, duijie_store::Error> {
        match request {
            Request::Checkpoint { scope } => {
                let checkpoint = self.store.checkpoint(&Scope(scope))?;
                Ok(checkpoint.map_or(Value::Null, |checkpoint| {
                    json!({
                        "position": checkpoint.position.0,
                        "run": checkpoint.run.as_str(),
                        "at_ms": checkpoint.at_ms,
                    })
                }))
            }
            Request::ResetCheckpoint { scope } => {
                // A new claim, so that a run under way cannot write its own
                // checkpoint over the reset.
                let claim = self.store.claim(&Scope(scope)).await?;
                self.store
                    .commit(&claim, vec![Change::ResetCheckpoint])
                    .await?;
                Ok(Value::Null)
            }
            Request::Runs { scope, limit } => {
                let runs = self.store.runs(&Scope(scope), limit)?;
                Ok(runs.iter().map(row).collect())
            }
        }
    }
}

#[async_trait::async_trait]
impl Answer for State {
    async fn answer(&self, request: Request) -> Reply {
        match self.answered(request).await {
            Ok(data) => Reply::Data(data),
            Err(error) => Reply::Error(error.to_string()),
        }
    }
}

/// Asks the process that owns the data folder, or opens the store here.
pub(crate) async fn query(project: &Project, request: Request) -> Result<Value, Failure> {
    let asked =
        ask(&project.data, &request).map_err(|error| Failure::Environment(error.to_string()))?;
    let reply = match asked {
        Some(reply) => reply,
        None => State::new(wire::store(project)?).answer(request).await,
    };
    match reply {
        Reply::Data(data) => Ok(data),
        Reply::Error(text) => Err(Failure::Environment(text)),
    }
}

fn row(row: &RunRow) -> Value {
    let (state, reason) = match &row.state {
        RunState::Running => ("running", None),
        RunState::Finished => ("finished", None),
        RunState::Stopped => ("stopped", None),
        RunState::Failed(reason) => ("failed", Some(reason)),
    };
    json!({
        "run": row.run.as_str(),
        "started_ms": row.started_ms,
        "ended_ms": row.ended_ms,
        "state": state,
        "reason": reason,
        "read": row.read,
        "unchanged": row.unchanged,
        "dropped": row.dropped,
        "applied": row.applied,
        "rejected": row.rejected,
        "held": row.held,
    })
}
