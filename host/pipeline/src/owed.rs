//! What a source is told of a record that it wants acknowledged, once all of
//! that is durable. What waits for a person is not acknowledged yet.

use duijie_record::{Rejection, Resolution, Retry, RunId, SourceKey};
use duijie_store::{Came, Change, DocumentRow, DocumentState, Owed};

/// What became of a record of which nothing is on its way any more; `None`
/// while a document of it is held.
pub(crate) fn resolution(documents: &[DocumentRow]) -> Option<Resolution> {
    let held = |one: &DocumentRow| matches!(one.state, DocumentState::Held(_));
    if documents.iter().any(held) {
        return None;
    }
    let refused = |one: &&DocumentRow| one.state == DocumentState::Rejected;
    if let Some(refused) = documents.iter().find(refused) {
        return Some(Resolution::Rejected(rejection(refused)));
    }
    let discarded = |one: &DocumentRow| one.state == DocumentState::Discarded;
    Some(match documents {
        [] => Resolution::Dropped("left out by the pipeline".to_owned()),
        all if all.iter().all(discarded) => {
            Resolution::Dropped("a person decided that it is not sent".to_owned())
        }
        all => Resolution::Applied(all.iter().find_map(|one| one.target_id.clone())),
    })
}

fn rejection(refused: &DocumentRow) -> Rejection {
    let told = refused.tries.iter().rev().find_map(|one| match &one.came {
        Came::Rejected { code, message } => Some((code.clone(), message.clone())),
        _ => None,
    });
    let (code, message) = told.unwrap_or_else(|| {
        let message = "an earlier version was refused, and this one waits for a person";
        ("pipeline.waits".to_owned(), message.to_owned())
    });
    Rejection {
        code,
        message,
        field: None,
        retry: Retry::Never,
    }
}

pub(crate) fn owe(
    source_key: &SourceKey,
    token: &str,
    resolution: Resolution,
    (run, at_ms): (&RunId, u64),
) -> Change {
    Change::Owe(Owed {
        source_key: source_key.clone(),
        token: token.to_owned(),
        resolution,
        run: run.clone(),
        at_ms,
    })
}
