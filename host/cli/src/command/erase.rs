//! `duijie forget` and `duijie erase`: what is taken away for good. Both need
//! the data folder for themselves; a running service has deeds of its own for
//! them.

use duijie_project::{Project, reconciliation, state, wire};
use duijie_record::Scope;
use duijie_store::Store as _;
use serde_json::json;

use crate::args::{Erase, Global};
use crate::exit::Failure;
use crate::output::Output;

pub(crate) async fn forget(
    global: &Global,
    named: &str,
    yes: bool,
    output: &Output,
) -> Result<(), Failure> {
    let project = Project::open(&global.folders())?;
    check_there(&project)?;
    let store = wire::store(&project)?;
    let scope = Scope::from(named);
    if !store.scopes()?.contains(&scope) {
        let known: Vec<String> = store.scopes()?.into_iter().map(|scope| scope.0).collect();
        return Err(Failure::Argument(format!(
            "nothing is known of a scope `{named}`; known are: {}",
            known.join(", ")
        )));
    }
    let open = store.open_intents(&scope)?.len();
    if !yes {
        return Err(Failure::Argument(format!(
            "whoever takes `{named}` up afterwards begins at the start, and what was sent may be \
             sent again ({open} batches have no outcome yet); say `--yes` to forget it"
        )));
    }
    // Once the store knows nothing of it, it cannot be named here again.
    reconciliation::forget(&project.data, named)?;
    store.forget(&scope).await?;
    output.data(
        "nothing of it is left in the data folder; backups have what they had",
        json!({ "scope": named, "open_intents": open }),
    );
    Ok(())
}

pub(crate) async fn erase(global: &Global, wish: &Erase, output: &Output) -> Result<(), Failure> {
    let mut project = Project::open(&global.folders())?;
    let document = project.pipeline(&wish.pipeline)?;
    let Some(scope) = document.low.scope.clone().map(Scope) else {
        return Err(project.refuse(project.problems_of(&document.file)).into());
    };
    check_there(&project)?;
    if !wish.yes {
        return Err(Failure::Argument(format!(
            "what is kept of `{}` is written over, and what waits of it is never sent; say `--yes` \
             to erase it",
            wish.number
        )));
    }
    let store = wire::store(&project)?;
    let place = state::erase::Place {
        whole: &store,
        outer: scope.clone(),
        store: store.as_ref(),
        scope,
    };
    let erased = state::erase::erase(&place, &wish.number).await?;
    let text = format!(
        "{} written over in {} kept lines, {} that waited discarded; that it was sent stays known\n\n\
         hint: backups have what they had",
        erased.records.join(", "),
        erased.lines,
        erased.discarded
    );
    output.data(&text, json!(erased));
    Ok(())
}

fn check_there(project: &Project) -> Result<(), Failure> {
    match state::is_there(project) {
        true => Ok(()),
        false => Err(Failure::Argument(
            "no run has kept anything here yet".to_owned(),
        )),
    }
}
