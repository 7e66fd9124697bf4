//! The low form made whole: names looked up, connections and schemas applied,
//! policies filled. Never stops at the first problem.

use std::collections::BTreeMap;

use duijie_contract::{Description, Role, Use};
use duijie_diagnostic::{Diagnostic, suggest};
use duijie_manifest::{Connection, Document, Pipeline};
use duijie_record::{Collection, PipelineName, Scope};
use sha2::{Digest, Sha256};

use crate::{Plan, Stage, TargetStage, Window, code, connection::Connected, policy, settings};

/// What a pipeline is resolved against.
pub struct Inputs<'a> {
    pub pipeline: &'a Document<Pipeline>,
    /// All that the folder has; files with problems of form included.
    pub connections: &'a [Document<Connection>],
    /// By connector name; at least those that the pipeline names and exist.
    pub descriptions: &'a BTreeMap<String, Description>,
    /// Names of all connectors at hand, for suggestions.
    pub installed: &'a [String],
    /// Whether a secret of this name is there.
    pub has_secret: &'a (dyn Fn(&str) -> bool + Sync),
    /// What the source reads instead of what its settings say.
    pub window: Option<&'a Window>,
    /// Whether the manifest may shorten what a collection needs to settle. Only
    /// for targets that are known to answer at once.
    pub any_settle: bool,
}

/// The plan, `None` where anything is an error; and every problem that is not
/// one of form (those came with the documents), in the order of the files.
pub fn resolve(inputs: &Inputs<'_>) -> (Option<Plan>, Vec<Diagnostic>) {
    let mut check = Check {
        inputs,
        problems: Vec::new(),
        used: Vec::new(),
    };
    let plan = check.plan();
    let mut problems = check.problems;
    let rank = |problem: &Diagnostic| {
        let file = problem.place.as_ref().map(|place| place.file.clone());
        let elsewhere = file.as_deref() != Some(inputs.pipeline.file.as_str());
        (elsewhere, problem.place.clone())
    };
    problems.sort_by_key(rank);
    problems.dedup();
    let sound = inputs.pipeline.sound
        && check.used.iter().all(|document| document.sound)
        && !problems.iter().any(Diagnostic::is_error);
    (plan.filter(|_| sound), problems)
}

pub(crate) struct Check<'a> {
    pub(crate) inputs: &'a Inputs<'a>,
    pub(crate) problems: Vec<Diagnostic>,
    pub(crate) used: Vec<&'a Document<Connection>>,
}

/// A stage as the manifest names it.
pub(crate) struct Named<'a> {
    pub(crate) role: Role,
    /// JSON pointer to it in the pipeline.
    pub(crate) at: String,
    /// As messages name it: `source`, `transform[0]`.
    pub(crate) name: String,
    pub(crate) connector: Option<&'a str>,
    pub(crate) connection: Option<&'a str>,
    pub(crate) collection: Option<&'a str>,
    /// Value tables that it may read.
    pub(crate) tables: &'a [String],
}

impl<'a> Check<'a> {
    pub(crate) fn tell(&mut self, problem: Diagnostic) {
        self.problems.push(problem);
    }

    fn plan(&mut self) -> Option<Plan> {
        let document = self.inputs.pipeline;
        let low = &document.low;
        let schedule = self.schedule();
        let source = low.source.as_ref().and_then(|source| {
            self.stage(&Named {
                role: Role::Source,
                at: "/source".to_owned(),
                name: "source".to_owned(),
                connector: source.connector.as_deref(),
                connection: source.connection.as_deref(),
                collection: source.collection.as_deref(),
                tables: &[],
            })
        });
        let drains = source.as_ref().is_some_and(|stage| self.drains(stage));
        let group = self.group(drains);
        let transforms = self.transforms();
        let target = self.target_stage();
        self.different_ends();
        let policy = self.policy();
        Some(Plan {
            name: PipelineName(low.pipeline.clone()?),
            scope: Scope(low.scope.clone()?),
            enabled: low.enabled.unwrap_or(true),
            schedule,
            manifest_digest: hex(&Sha256::digest(document.text.as_bytes())),
            source: source?,
            drains,
            group,
            transforms: transforms?,
            target: target?,
            policy,
            sealed: low.sealed.unwrap_or_default(),
        })
    }

    fn target_stage(&mut self) -> Option<TargetStage> {
        let target = self.inputs.pipeline.low.target.as_ref()?;
        if let Some(table) = &target.table {
            return self.table_target(table);
        }
        if self.inputs.pipeline.is_bad("/target/table") {
            return None;
        }
        let stage = self.stage(&Named {
            role: Role::Target,
            at: "/target".to_owned(),
            name: "target".to_owned(),
            connector: target.connector.as_deref(),
            connection: target.connection.as_deref(),
            collection: target.collection.as_deref(),
            tables: &[],
        })?;
        self.target(stage)
    }

    fn drains(&self, source: &Stage) -> bool {
        let usage = &source.usage;
        let described = self.inputs.descriptions.get(&usage.connector);
        let listed = described
            .and_then(|described| described.collection(Role::Source, usage.collection.as_str()));
        listed.is_some_and(|collection| collection.draining)
    }

    fn transforms(&mut self) -> Option<Vec<Stage>> {
        let transforms = self.inputs.pipeline.low.transform.iter().flatten();
        let stages: Vec<Option<Stage>> = transforms
            .enumerate()
            .map(|(index, transform)| {
                self.stage(&Named {
                    role: Role::Transform,
                    at: format!("/transform/{index}"),
                    name: format!("transform[{index}]"),
                    connector: transform.connector.as_deref(),
                    connection: None,
                    collection: None,
                    tables: transform.tables.as_deref().unwrap_or_default(),
                })
            })
            .collect();
        stages.into_iter().collect()
    }

    /// `None` when a problem was told that leaves nothing to go on with.
    fn stage(&mut self, named: &Named<'a>) -> Option<Stage> {
        let described = named.connector.and_then(|name| self.connector(named, name));
        let connected = named
            .connection
            .and_then(|name| self.connected(named, name, described));
        let description = described?;
        if let Some(collection) = named.collection {
            self.collection(named, collection, description);
        }
        let pipeline_settings = self.pipeline_settings(named, description)?;
        let connected = match named.role {
            Role::Transform => Connected {
                settings: "{}".to_owned(),
                secrets: Vec::new(),
                allow: Vec::new(),
                calls_per_minute: 0,
                file: self.inputs.pipeline.file.clone(),
            },
            _ => connected?,
        };
        Some(Stage {
            usage: Use {
                connector: named.connector?.to_owned(),
                role: named.role,
                connection: named.connection.map(str::to_owned),
                connection_settings: connected.settings,
                pipeline_settings,
                collection: Collection::from(named.collection.unwrap_or_default()),
                secrets: connected.secrets,
                allow: connected.allow,
                tables: named.tables.to_vec(),
                grant_place: connected.file,
                calls_per_minute: connected.calls_per_minute,
            },
            version: description.version.clone(),
            digest: description.digest.clone(),
        })
    }

    fn connector(&mut self, named: &Named<'_>, name: &str) -> Option<&'a Description> {
        let place = self
            .inputs
            .pipeline
            .place(&format!("{}/connector", named.at));
        let Some(description) = self.inputs.descriptions.get(name) else {
            let known = self.inputs.descriptions.keys().map(String::as_str);
            let installed = self.inputs.installed.iter().map(String::as_str);
            let mut known: Vec<&str> = known.chain(installed).collect();
            known.sort_unstable();
            known.dedup();
            let message = format!("there is no connector `{name}`");
            let problem = Diagnostic::error(code::UNKNOWN_CONNECTOR, message).at(place);
            let problem = match known.as_slice() {
                [] => problem.hint(format!("put `{name}.wasm` into the connector folder")),
                _ => problem.nearest(name, &known, "connectors here"),
            };
            self.tell(problem);
            return None;
        };
        if !description.roles.contains(&named.role) {
            let roles: Vec<String> = description.roles.iter().map(Role::to_string).collect();
            let problem = Diagnostic::error(
                code::MISSING_ROLE,
                format!("connector `{name}` cannot be a {}", named.role),
            );
            self.tell(problem.at(place).hint(format!(
                "`{name}` {} can be: {}",
                description.version,
                roles.join(", ")
            )));
            return None;
        }
        Some(description)
    }

    fn pipeline_settings(
        &mut self,
        named: &Named<'_>,
        description: &Description,
    ) -> Option<String> {
        let schemas = &description.pipeline_schemas;
        let schema = schemas.iter().find(|(role, _)| *role == named.role);
        let schema = schema.map_or(r#"{"additionalProperties": false}"#, |(_, schema)| schema);
        let pointer = format!("{}/settings", named.at);
        let document = self.inputs.pipeline;
        let head = settings::head(document, &pointer, &named.at);
        let mut node = document.node.pointer(&pointer).cloned();
        if let (Role::Source, Some(window)) = (named.role, self.inputs.window) {
            node = Some(self.windowed(window, node, schema, head.clone())?);
        }
        let given = settings::Given {
            file: &document.file,
            prefix: &format!("{}.settings", named.name),
            head,
            node: node.as_ref(),
            connection: false,
        };
        if document.is_bad(&pointer) {
            return None;
        }
        let settled = settings::settle(&given, schema, description, &mut self.problems)?;
        Some(settled.node.to_json_text())
    }

    fn different_ends(&mut self) {
        let low = &self.inputs.pipeline.low;
        let (Some(source), Some(target)) = (&low.source, &low.target) else {
            return;
        };
        let same = source.connection.is_some()
            && (&source.connection, &source.collection) == (&target.connection, &target.collection);
        if same {
            let message = "source and target are the same collection of the same connection";
            let document = self.inputs.pipeline;
            let problem = Diagnostic::error(code::SAME_ENDS, message)
                .at(document.place("/target/collection"))
                .label(document.place("/source/collection"), "read from here")
                .hint("every document written would be read again: name another collection");
            self.tell(problem);
        }
    }

    fn collection(&mut self, named: &Named<'_>, name: &str, description: &Description) {
        if description.collection(named.role, name).is_some() {
            return;
        }
        let place = self
            .inputs
            .pipeline
            .place(&format!("{}/collection", named.at));
        let known = description.collections.iter();
        let known = known.filter(|collection| collection.role == named.role);
        let known: Vec<&str> = known.map(|collection| collection.name.as_str()).collect();
        if !description.other_collections {
            let message = format!(
                "connector `{}` has no collection `{name}` to be a {}",
                description.name, named.role
            );
            let problem = Diagnostic::error(code::UNKNOWN_COLLECTION, message).at(place);
            self.tell(problem.nearest(name, &known, "it has"));
        } else if let Some(near) = suggest(name, known.iter().copied()) {
            let message = format!("connector `{}` does not list `{name}`", description.name);
            let problem = Diagnostic::warning(code::UNLISTED_COLLECTION, message).at(place);
            self.tell(problem.nearest(name, &[near], ""));
        }
    }

    fn policy(&mut self) -> crate::Policy {
        policy::policy(self)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
