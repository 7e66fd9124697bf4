//! What the interface says of itself: OpenAPI 3.1, made of one table and of
//! the types that go in and out. That the table and the router agree is tested
//! over every line of it.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use crate::Reloaded;
use crate::audit::Deed;
use crate::http::problem::Problem;
use crate::http::read::{Latest, Which};
use crate::http::write::{Decided, Pausing};
use crate::service::{Erased, PipelineView, TenantView};
use crate::token::Role;

/// One thing that can be asked for or done.
struct Entry {
    method: &'static str,
    path: &'static str,
    /// `None` asks for no token.
    needs: Option<Role>,
    summary: &'static str,
    query: Option<Of>,
    /// And whether there has to be one.
    body: Option<(Of, bool)>,
    answer: Of,
}

type Of = fn(&mut SchemaGenerator) -> Schema;

const READER: Option<Role> = Some(Role::Reader);
const OPERATOR: Option<Role> = Some(Role::Operator);
const ADMIN: Option<Role> = Some(Role::Admin);

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

const fn get(path: &'static str, needs: Option<Role>, summary: &'static str, answer: Of) -> Entry {
    Entry {
        method: "get",
        path,
        needs,
        summary,
        query: None,
        body: None,
        answer,
    }
}

const fn post(path: &'static str, needs: Option<Role>, summary: &'static str) -> Entry {
    Entry {
        method: "post",
        ..get(path, needs, summary, of::<()>)
    }
}

macro_rules! tenant {
    ($rest:literal) => {
        concat!("/v1/tenants/{tenant}", $rest)
    };
}

macro_rules! pipeline {
    ($rest:literal) => {
        concat!("/v1/tenants/{tenant}/pipelines/{pipeline}", $rest)
    };
}

#[allow(clippy::too_many_lines)] // A table.
fn entries() -> Vec<Entry> {
    let asking = |entry: Entry, query: Of| Entry {
        query: Some(query),
        ..entry
    };
    let saying = |entry: Entry, body: Of, required: bool| Entry {
        body: Some((body, required)),
        ..entry
    };
    let waiting = "documents that wait; with `bodies` it needs an operator";
    vec![
        get(
            "/healthz",
            None,
            "whether the process answers",
            of::<String>,
        ),
        get("/readyz", None, "whether runs begin", of::<String>),
        get(
            "/metrics",
            READER,
            "for Prometheus, of the token's tenant or all",
            of::<String>,
        ),
        get(
            "/v1/tenants",
            READER,
            "the token's tenant or all",
            of::<Vec<TenantView>>,
        ),
        asking(
            get(
                "/v1/events",
                ADMIN,
                "who did what; needs `*`",
                of::<Vec<Deed>>,
            ),
            of::<Latest>,
        ),
        get(tenant!(""), READER, "one tenant", of::<TenantView>),
        Entry {
            method: "delete",
            ..post(
                tenant!(""),
                ADMIN,
                "takes it away with all that is known of it; needs `*`",
            )
        },
        get(
            tenant!("/pipelines"),
            READER,
            "its pipelines",
            of::<Vec<PipelineView>>,
        ),
        asking(
            get(tenant!("/holds"), READER, waiting, of::<Value>),
            of::<Which>,
        ),
        asking(
            get(tenant!("/dead-letters"), READER, waiting, of::<Value>),
            of::<Which>,
        ),
        get(
            tenant!("/trace/{number}"),
            READER,
            "what is known of a document",
            of::<Value>,
        ),
        asking(
            get(tenant!("/events"), ADMIN, "who did what", of::<Vec<Deed>>),
            of::<Latest>,
        ),
        saying(
            post(tenant!("/pause"), OPERATOR, "nothing of it begins"),
            of::<Pausing>,
            false,
        ),
        post(tenant!("/resume"), OPERATOR, "it goes on"),
        Entry {
            answer: of::<Reloaded>,
            ..post(
                tenant!("/reload"),
                ADMIN,
                "takes over what changed in its folder",
            )
        },
        asking(
            get(
                pipeline!("/runs"),
                READER,
                "the latest runs",
                of::<Vec<Value>>,
            ),
            of::<Latest>,
        ),
        get(
            pipeline!("/checkpoint"),
            READER,
            "where the next run goes on",
            of::<Value>,
        ),
        Entry {
            method: "delete",
            ..post(
                pipeline!("/checkpoint"),
                OPERATOR,
                "the next run begins at the start",
            )
        },
        Entry {
            method: "delete",
            answer: of::<Erased>,
            ..post(
                pipeline!("/records/{number}"),
                ADMIN,
                "takes away what a record held; that it was dealt with stays known",
            )
        },
        get(
            pipeline!("/reconciliation"),
            READER,
            "the latest comparison of source and target",
            of::<Value>,
        ),
        post(
            pipeline!("/reconcile"),
            OPERATOR,
            "compares source and target, and writes nothing",
        ),
        post(pipeline!("/run"), OPERATOR, "a run beside the schedule"),
        saying(
            post(pipeline!("/pause"), OPERATOR, "nothing of it begins"),
            of::<Pausing>,
            false,
        ),
        post(pipeline!("/resume"), OPERATOR, "it goes on"),
        saying(
            post(
                pipeline!("/decisions"),
                OPERATOR,
                "ends the wait without a send: all or none",
            ),
            of::<Decided>,
            true,
        ),
    ]
}

pub(crate) fn openapi() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
    });
    let mut generator = settings.into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for entry in entries() {
        let operation = operation(&entry, &mut generator);
        let path = paths.entry(entry.path).or_insert_with(|| json!({}));
        if let Some(methods) = path.as_object_mut() {
            methods.insert(entry.method.to_owned(), operation);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "duijie serve",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Tenants, their pipelines, and what waits for a person.",
        },
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    })
}

fn operation(entry: &Entry, generator: &mut SchemaGenerator) -> Value {
    let problem = json!({
        "description": "why not",
        "content": { "application/problem+json": { "schema": of::<Problem>(generator) } },
    });
    let plain = !entry.path.starts_with("/v1");
    let kind = if plain {
        "text/plain"
    } else {
        "application/json"
    };
    let mut responses = json!({
        "200": {
            "description": "done",
            "content": { kind: { "schema": (entry.answer)(generator) } },
        },
        "4XX": problem,
    });
    if entry.path == "/readyz" {
        responses = json!({ "200": { "description": "yes" }, "503": { "description": "no" } });
    }
    let mut parameters = in_path(entry.path);
    parameters.extend(
        entry
            .query
            .into_iter()
            .flat_map(|of| in_query(&of(generator), generator)),
    );
    let mut operation = json!({
        "summary": entry.summary,
        "parameters": parameters,
        "responses": responses,
    });
    if let Some(fields) = operation.as_object_mut() {
        match entry.needs {
            Some(role) => fields.insert("description".into(), needs(role).into()),
            None => fields.insert("security".into(), json!([])),
        };
        if let Some((body, required)) = entry.body {
            let schema = body(generator);
            let content = json!({ "application/json": { "schema": schema } });
            fields.insert(
                "requestBody".into(),
                json!({ "content": content, "required": required }),
            );
        }
    }
    operation
}

fn needs(role: Role) -> String {
    format!("needs a token of role `{}`", role.as_str())
}

fn in_path(path: &str) -> Vec<Value> {
    let parts = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    parts
        .map(|name| {
            let schema = json!({ "type": "string", "minLength": 1 });
            json!({ "name": name, "in": "path", "required": true, "schema": schema })
        })
        .collect()
}

/// The fields of a type as parameters; none of them has to be there.
fn in_query(schema: &Schema, generator: &SchemaGenerator) -> Vec<Value> {
    let named = schema.get("$ref").and_then(Value::as_str);
    let name = named.and_then(|path| path.rsplit('/').next());
    let found = name.and_then(|name| generator.definitions().get(name));
    let fields = found.and_then(|found| found.get("properties")?.as_object());
    let fields = fields.into_iter().flatten();
    fields
        .map(|(name, schema)| json!({ "name": name, "in": "query", "schema": schema }))
        .collect()
}
