//! The admin endpoint: what a test in another process may ask and change. Answers are JSON.
//!
//! `GET /orders` `/superseded` `/documents` `/counts` `/requests` `/faults`; `POST /orders/add` `{count, from, to, visible_after_ms}`
//! (unix seconds; the last minute when not given), `/orders/change` (an `OrderChange`), `/documents/audit`
//! `{bill_no}`, `/documents/refuse` (a `Refusal`), `/documents/accept`, `/faults` (a `FaultRule`), `/clock/advance` `{seconds}`, `/reset` (bills, counts, faults);
//! `DELETE /faults`. Of Waiqin365: `GET /waiqin365/rows/<query>` `/waiqin365/written/<write>`; `POST /waiqin365/add`
//! `{collection, count}`, `/waiqin365/change` `{collection, key}`.

use crate::fault_rule::FaultRule;
use crate::simulators::Servers;
use crate::system::System as _;
use crate::wangdiantong::OrderChange;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{Request, Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

type Answer = Result<Vec<u8>, (StatusCode, String)>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Add {
    count: usize,
    from: Option<i64>,
    to: Option<i64>,
    #[serde(default)]
    visible_after_ms: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Audit {
    bill_no: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    collection: String,
    #[serde(default)]
    count: usize,
    #[serde(default)]
    key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: i64,
}

pub(crate) async fn handle(
    State(servers): State<Arc<Servers>>,
    request: Request<Body>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap_or_default();
    let answer = match parts.method.as_str() {
        "GET" => look(&servers, parts.uri.path()),
        "POST" => change(&servers, parts.uri.path(), &body),
        "DELETE" if parts.uri.path() == "/faults" => {
            servers.exchange.faults.clear();
            done(&json!({"cleared": true}))
        }
        _ => Err(unknown(parts.uri.path())),
    };
    let (status, body) = match answer {
        Ok(body) => (StatusCode::OK, body),
        Err((status, message)) => (status, json!({"error": message}).to_string().into_bytes()),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
}

fn unknown(path: &str) -> (StatusCode, String) {
    (StatusCode::NOT_FOUND, format!("no admin call `{path}`"))
}

fn done(value: &impl Serialize) -> Answer {
    serde_json::to_vec(value)
        .map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, (StatusCode, String)> {
    serde_json::from_slice(body).map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))
}

fn list(orders: &[Vec<u8>]) -> Vec<u8> {
    let mut body = vec![b'['];
    body.extend_from_slice(&orders.join(&b','));
    body.push(b']');
    body
}

fn look(servers: &Servers, path: &str) -> Answer {
    match path {
        "/orders" => Ok(list(&servers.wangdiantong.truth())),
        "/superseded" => Ok(list(&servers.wangdiantong.superseded())),
        "/documents" => done(&servers.kingdee.documents()),
        "/counts" => done(&json!({
            "operations": servers.exchange.journal.counts(),
            "documents": servers.kingdee.document_count(),
            "sessions": servers.kingdee.session_count(),
        })),
        "/requests" => done(&servers.exchange.journal.last()),
        "/faults" => done(&servers.exchange.faults.all()),
        _ => {
            let system = &servers.waiqin365;
            let rows = match path
                .strip_prefix("/waiqin365/")
                .and_then(|rest| rest.split_once('/'))
            {
                Some(("rows", collection)) => system.rows(collection),
                Some(("written", collection)) => system.written(collection),
                _ => return Err(unknown(path)),
            };
            let rows: Vec<Vec<u8>> = rows.into_iter().map(|row| row.json.into_bytes()).collect();
            Ok(list(&rows))
        }
    }
}

fn change(servers: &Servers, path: &str, body: &[u8]) -> Answer {
    match path {
        "/orders/add" => {
            let add: Add = read(body)?;
            let now = servers.exchange.clock.now();
            let (from, to) = (add.from.unwrap_or(now - 60), add.to.unwrap_or(now));
            let visible = servers.exchange.clock.now_ms() + add.visible_after_ms;
            done(&json!({"stockout_nos": servers.wangdiantong.add(add.count, from, to, visible)}))
        }
        "/orders/change" => {
            let change: OrderChange = read(body)?;
            found(servers.wangdiantong.change(&change), &change.stockout_no)
        }
        "/documents/audit" => {
            let audit: Audit = read(body)?;
            found(servers.kingdee.audit(&audit.bill_no), &audit.bill_no)
        }
        "/documents/refuse" => {
            servers.kingdee.refuse(read(body)?);
            done(&json!({"refused": true}))
        }
        "/documents/accept" => {
            servers.kingdee.accept_all();
            done(&json!({"accepted": true}))
        }
        "/faults" => {
            servers.exchange.faults.add(read::<FaultRule>(body)?);
            done(&servers.exchange.faults.all())
        }
        "/clock/advance" => {
            servers
                .exchange
                .clock
                .advance(read::<Advance>(body)?.seconds);
            done(&json!({"now": servers.exchange.clock.now()}))
        }
        "/waiqin365/add" => {
            let rows: Rows = read(body)?;
            done(&json!({"keys": servers.waiqin365.add_rows(&rows.collection, rows.count)}))
        }
        "/waiqin365/change" => {
            let rows: Rows = read(body)?;
            found(
                servers.waiqin365.change_row(&rows.collection, &rows.key),
                &rows.key,
            )
        }
        "/reset" => {
            servers.kingdee.reset();
            servers.waiqin365.reset();
            servers.exchange.faults.clear();
            servers.exchange.journal.clear();
            done(&json!({"reset": true}))
        }
        _ => Err(unknown(path)),
    }
}

fn found(found: bool, number: &str) -> Answer {
    if found {
        done(&json!({"changed": number}))
    } else {
        Err((StatusCode::NOT_FOUND, format!("`{number}` does not exist")))
    }
}
