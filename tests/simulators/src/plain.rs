//! The plainest of systems: documents by key in collections that need no declaring. It stands at the other
//! end where one vendor's operation is tested. tests/fixtures/plain says what its calls are.

use crate::simulators::Error;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Runtime;

const TOKEN: &str = "token-of-the-plain-system";

/// Running. Dropping it closes every connection.
pub struct Plain {
    holdings: Holdings,
    address: SocketAddr,
    runtime: Option<Runtime>,
}

type Holdings = Arc<Mutex<BTreeMap<String, Holding>>>;

/// One collection.
#[derive(Default)]
struct Holding {
    /// What is read from it, oldest first.
    records: Vec<Record>,
    /// What was written to it: the document by its key.
    documents: BTreeMap<String, Written>,
}

struct Written {
    id: String,
    json: Box<RawValue>,
}

#[derive(Serialize)]
struct Record {
    seq: usize,
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    record: Box<RawValue>,
}

impl Plain {
    pub fn start() -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("plain")
            .enable_all()
            .build()
            .map_err(Error::Runtime)?;
        let holdings = Holdings::default();
        let router = Router::new()
            .route("/{collection}/records", get(records))
            .route("/{collection}/documents", post(documents))
            .route("/{collection}/find", post(find))
            .with_state(Arc::clone(&holdings));
        let failed = |error| Error::Listen { port: 0, error };
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let _inside = runtime.enter();
        let listener = tokio::net::TcpListener::from_std(listener).map_err(failed)?;
        runtime.spawn(async move {
            // Serving ends with the runtime only.
            _ = axum::serve(listener, router).await;
        });
        Ok(Self {
            holdings,
            address,
            runtime: Some(runtime),
        })
    }

    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub fn token(&self) -> &'static str {
        TOKEN
    }

    /// Puts a record there to be read: one JSON object.
    pub fn offer(&self, collection: &str, key: &str, version: Option<&str>, json: &str) {
        let record = RawValue::from_string(json.to_owned());
        let Ok(record) = record else {
            // What is no JSON could not be read back by anyone.
            return;
        };
        let mut holdings = held(&self.holdings);
        let records = &mut holdings.entry(collection.to_owned()).or_default().records;
        records.push(Record {
            seq: records.len() + 1,
            key: key.to_owned(),
            version: version.map(str::to_owned),
            record,
        });
    }

    /// What stands in a collection, by key, as it was written.
    pub fn documents(&self, collection: &str) -> BTreeMap<String, String> {
        let holdings = held(&self.holdings);
        let documents = holdings
            .get(collection)
            .into_iter()
            .flat_map(|held| &held.documents);
        documents
            .map(|(key, written)| (key.clone(), written.json.get().to_owned()))
            .collect()
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn held(holdings: &Holdings) -> MutexGuard<'_, BTreeMap<String, Holding>> {
    holdings.lock().unwrap_or_else(PoisonError::into_inner)
}

type Reply = Result<String, (StatusCode, String)>;

fn known(headers: &HeaderMap) -> Result<(), (StatusCode, String)> {
    let expected = format!("Bearer {TOKEN}");
    match headers.get(header::AUTHORIZATION) {
        Some(given) if given.as_bytes() == expected.as_bytes() => Ok(()),
        _ => Err((StatusCode::UNAUTHORIZED, "who are you".to_owned())),
    }
}

fn wrong(error: impl ToString) -> (StatusCode, String) {
    (StatusCode::BAD_REQUEST, error.to_string())
}

#[derive(Deserialize)]
struct Asked {
    /// Empty or a number.
    after: String,
    limit: usize,
}

async fn records(
    State(holdings): State<Holdings>,
    Path(collection): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Reply {
    known(&headers)?;
    let after = match asked.after.as_str() {
        "" => 0,
        after => after.parse().map_err(wrong)?,
    };
    let holdings = held(&holdings);
    let records = holdings
        .get(&collection)
        .into_iter()
        .flat_map(|held| &held.records);
    let page: Vec<&Record> = records.skip(after).take(asked.limit).collect();
    serde_json::to_string(&HashMap::from([("records", page)])).map_err(wrong)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    key: String,
    action: Action,
    document: Option<Box<RawValue>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Action {
    Create,
    Update,
    Cancel,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Taken {
    Applied { id: String },
    Refused { code: &'static str, message: String },
}

async fn documents(
    State(holdings): State<Holdings>,
    Path(collection): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Reply {
    known(&headers)?;
    let lines = body
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let lines: Vec<Line> = lines
        .map(serde_json::from_slice)
        .collect::<Result<_, _>>()
        .map_err(wrong)?;
    let mut holdings = held(&holdings);
    let documents = &mut holdings.entry(collection).or_default().documents;
    let results: Vec<Taken> = lines
        .into_iter()
        .map(|line| take(documents, line))
        .collect();
    serde_json::to_string(&HashMap::from([("results", results)])).map_err(wrong)
}

fn take(documents: &mut BTreeMap<String, Written>, line: Line) -> Taken {
    let refused = |code, message: &str| Taken::Refused {
        code,
        message: format!("`{}` {message}", line.key),
    };
    let known = documents.get(&line.key).map(|known| known.id.clone());
    let id = match (line.action, known) {
        (Action::Create, Some(_)) => return refused("duplicate", "stands here already"),
        (Action::Update | Action::Cancel, None) => return refused("absent", "does not stand here"),
        (_, Some(id)) => id,
        (Action::Create, None) => format!("p{}", documents.len() + 1),
    };
    match (line.action, line.document) {
        (Action::Cancel, _) => {
            documents.remove(&line.key);
        }
        (_, None) => return refused("empty", "has no document"),
        (_, Some(json)) => {
            let written = Written {
                id: id.clone(),
                json,
            };
            documents.insert(line.key, written);
        }
    }
    Taken::Applied { id }
}

#[derive(Deserialize)]
struct Wanted {
    keys: Vec<String>,
}

async fn find(
    State(holdings): State<Holdings>,
    Path(collection): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Reply {
    known(&headers)?;
    let wanted: Wanted = serde_json::from_slice(&body).map_err(wrong)?;
    let holdings = held(&holdings);
    let documents = holdings.get(&collection).map(|held| &held.documents);
    let one = |key: &String| {
        let written = documents.and_then(|documents| documents.get(key));
        written.map(|written| HashMap::from([("id", &written.id)]))
    };
    let found: Vec<_> = wanted.keys.iter().map(one).collect();
    serde_json::to_string(&HashMap::from([("found", found)])).map_err(wrong)
}
