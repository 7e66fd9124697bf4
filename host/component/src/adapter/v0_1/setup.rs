//! `duijie:setup@0.1`: what a component says of itself, and its checks.

use duijie_contract::{
    CollectionInfo, Description, Fault, Guarantee, Problem, Recipe, Role, Title, Use,
};

use super::bindings::exports::duijie::setup::setup as wit;
use super::{SetupIndices, convert};
use crate::guest::Running;

/// The caller fills in what is read from the binary: digest, roles, look-up,
/// and whether the steps and the acknowledging that it names are there.
pub(crate) async fn describe(
    mut running: Running,
    indices: &SetupIndices,
) -> Result<Description, Fault> {
    let guest = load(&mut running, indices)?;
    let said = call!(running, |store| guest.call_describe(store))?;
    Ok(description(said))
}

pub(crate) async fn check(
    mut running: Running,
    indices: &SetupIndices,
    usage: &Use,
) -> Result<Vec<Problem>, Fault> {
    let guest = load(&mut running, indices)?;
    let role = match usage.role {
        Role::Source => wit::Role::Source,
        Role::Transform => wit::Role::Transform,
        Role::Target => wit::Role::Target,
    };
    let settings = convert::settings(usage);
    let problems = call!(running, |store| guest.call_check(
        store,
        role,
        settings,
        usage.collection.as_str(),
    ))?;
    let problems = problems.into_iter().take(convert::MOST_PROBLEMS);
    Ok(problems.map(convert::problem).collect())
}

fn load(running: &mut Running, indices: &SetupIndices) -> Result<wit::Guest, Fault> {
    indices
        .load(&mut running.store, &running.instance)
        .map_err(|error| running.fault(&format!("{error:#}")))
}

fn description(said: wit::Description) -> Description {
    Description {
        name: said.name,
        version: said.version,
        digest: String::new(),
        title: title(said.title),
        roles: Vec::new(),
        imports: Vec::new(),
        lookup: false,
        steps: steps(&said.extra),
        connection_schema: said.connection,
        pipeline_schemas: said
            .pipeline
            .into_iter()
            .map(|(of, schema)| (role(of), schema))
            .collect(),
        collections: said.collections.into_iter().map(collection).collect(),
        other_collections: said.other_collections,
        recipes: said
            .recipes
            .into_iter()
            .map(|recipe| Recipe {
                name: recipe.name,
                steps: recipe.steps,
            })
            .collect(),
        egress: said.egress,
        sessions: said.sessions,
        calls_per_minute: said.calls_per_minute,
    }
}

/// `{"steps": ["submit", "audit"]}`; whatever else stands there is for hosts
/// that know of it.
fn steps(extra: &str) -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Extra {
        #[serde(default)]
        steps: Vec<String>,
    }
    serde_json::from_str(extra).map_or_else(|_| Vec::new(), |extra: Extra| extra.steps)
}

fn collection(said: wit::Collection) -> CollectionInfo {
    CollectionInfo {
        name: said.name,
        role: role(said.role),
        title: title(said.title),
        key: said.key,
        guarantee: guarantee(&said.guarantee),
        settle_ms: said.settle_ms,
        max_records: said.max_records,
        max_bytes: said.max_bytes,
        draining: draining(&said.extra),
    }
}

/// `{"acknowledge": true}`.
fn draining(extra: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Extra {
        #[serde(default)]
        acknowledge: bool,
    }
    serde_json::from_str(extra).is_ok_and(|extra: Extra| extra.acknowledge)
}

/// A class that this host does not know promises nothing.
fn guarantee(said: &wit::Guarantee) -> Guarantee {
    match said {
        wit::Guarantee::ServerKey => Guarantee::ServerKey,
        wit::Guarantee::UniqueKey => Guarantee::UniqueKey,
        wit::Guarantee::Lookup => Guarantee::Lookup,
        wit::Guarantee::NaturalUpsert => Guarantee::NaturalUpsert,
        wit::Guarantee::None | wit::Guarantee::Other(_) => Guarantee::None,
    }
}

fn role(said: wit::Role) -> Role {
    match said {
        wit::Role::Source => Role::Source,
        wit::Role::Transform => Role::Transform,
        wit::Role::Target => Role::Target,
    }
}

fn title(said: wit::Title) -> Title {
    Title {
        en: said.en,
        zh: said.zh,
    }
}
