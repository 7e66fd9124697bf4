//! `duijie collections`: what a connector offers, and what the documents of a
//! collection hold. No network, no secrets, no settings.

use duijie_contract::{
    CollectionInfo, Description, FaultKind, Fields, Guarantee, Launch as _, Mode, Role, Title,
};
use duijie_diagnostic::suggest;
use duijie_project::{Project, wire};
use duijie_record::Collection;

use crate::args::Global;
use crate::exit::Failure;
use crate::output::Output;

mod data;
mod text;

/// What is known of a collection's documents.
enum Told {
    Fields(Fields),
    /// Nothing, and why.
    Nothing(String),
}

/// A collection in one role.
struct Offer {
    info: CollectionInfo,
    /// One that the connector does not list.
    by_name: bool,
    told: Told,
}

pub(crate) async fn collections(
    global: &Global,
    connector: &str,
    named: Option<&str>,
    output: &Output,
) -> Result<(), Failure> {
    let project = Project::open(&global.folders())?;
    let installed = project.installed();
    if !installed.iter().any(|name| name == connector) {
        return Err(none_such(
            &format!(
                "there is no connector `{connector}` in {}",
                project.connectors.display()
            ),
            connector,
            &installed.iter().map(String::as_str).collect::<Vec<_>>(),
        ));
    }
    let launcher = wire::launcher(&project, Mode::Preview)?;
    let description = launcher.describe(connector).await?;
    let mut offers = Vec::new();
    for (info, by_name) in wanted(&description, named)? {
        let collection = Collection(info.name.clone());
        let told = match launcher.fields(connector, info.role, &collection).await {
            Ok(Some(fields)) => Told::Fields(fields),
            Ok(None) => Told::Nothing("the connector tells no fields".to_owned()),
            Err(fault) => match fault.kind {
                FaultKind::Other(reason) => Told::Nothing(reason),
                _ => return Err(fault.into()),
            },
        };
        offers.push(Offer {
            info,
            by_name,
            told,
        });
    }
    let text = match named {
        Some(_) => text::collection(&description, &offers),
        None => text::list(connector, &description, &offers),
    };
    output.data(&text, data::data(&description, &offers));
    Ok(())
}

/// The collections that are asked for, and whether each is one that the
/// connector takes by name only.
fn wanted(
    description: &Description,
    named: Option<&str>,
) -> Result<Vec<(CollectionInfo, bool)>, Failure> {
    let listed = description.collections.iter();
    let found: Vec<_> = listed
        .filter(|info| named.is_none_or(|named| info.name == named))
        .map(|info| (info.clone(), false))
        .collect();
    let Some(named) = named.filter(|_| found.is_empty()) else {
        return Ok(found);
    };
    if description.other_collections {
        let roles = [Role::Source, Role::Target].into_iter();
        let roles = roles.filter(|role| description.roles.contains(role));
        return Ok(roles.map(|role| (unlisted(named, role), true)).collect());
    }
    let known = description.collections.iter();
    let known: Vec<_> = known.map(|info| info.name.as_str()).collect();
    Err(none_such(
        &format!("`{}` has no collection `{named}`", description.name),
        named,
        &known,
    ))
}

fn unlisted(name: &str, role: Role) -> CollectionInfo {
    CollectionInfo {
        name: name.to_owned(),
        role,
        title: Title {
            en: String::new(),
            zh: String::new(),
        },
        key: Vec::new(),
        guarantee: Guarantee::None,
        settle_ms: 0,
        max_records: 0,
        max_bytes: 0,
        draining: false,
    }
}

fn none_such(what: &str, found: &str, known: &[&str]) -> Failure {
    let hint = match (suggest(found, known.iter().copied()), known) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, []) => "it has none".to_owned(),
        (None, known) => format!("it has: {}", known.join(", ")),
    };
    Failure::Argument(format!("{what}\n\nhint: {hint}"))
}

/// The connector's own word for who it is: `name version`.
fn who(description: &Description) -> String {
    format!("{} {}", description.name, description.version)
}
