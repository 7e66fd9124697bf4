//! Starts the loopback servers on a runtime of their own and hands out what tests need of them.

use crate::admin;
use crate::clock::Clock;
use crate::config::{Config, Credentials, Dialect};
use crate::connection::{Link, serve};
use crate::exchange::{Answer, BODY_LIMIT, Exchange};
use crate::fault_rule::{FaultRule, FaultRules};
use crate::form::Form;
use crate::journal::{Journal, Request};
use crate::kingdee::Kingdee;
use crate::system::System;
use crate::waiqin365::{self, Waiqin365};
use crate::wangdiantong::{
    Direct, Flagship, Layered, OrderChange, Qimen, Spoken, Wangdiantong, operation_of,
};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, Request as HttpRequest, Response, header};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

mod entered;
mod kingdee;

/// Why the simulators did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no runtime for the simulators: {0}")]
    Runtime(std::io::Error),
    #[error("cannot listen on 127.0.0.1:{port}: {error}")]
    Listen { port: u16, error: std::io::Error },
    #[error("cannot write the project: {0}")]
    Project(std::io::Error),
}

pub(crate) struct Servers {
    pub(crate) wangdiantong: Arc<Wangdiantong>,
    pub(crate) kingdee: Kingdee,
    pub(crate) waiqin365: Waiqin365,
    pub(crate) exchange: Exchange,
}

/// Running simulators. Dropping them closes every connection.
pub struct Simulators {
    servers: Arc<Servers>,
    spoken: [Spoken; 4],
    runtime: Option<Runtime>,
    credentials: Credentials,
    wangdiantong: SocketAddr,
    kingdee: SocketAddr,
    waiqin365: SocketAddr,
    admin: SocketAddr,
}

impl Simulators {
    /// Starts from asynchronous code. Generating the orders blocks the caller for a moment (about 10 µs each).
    // Asynchronous so that callers need not change when starting has to wait.
    #[allow(clippy::unused_async)]
    pub async fn start(config: Config) -> Result<Self, Error> {
        Self::start_blocking(config)
    }

    /// Starts from anywhere: the servers run on threads of their own.
    pub fn start_blocking(config: Config) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("simulator")
            .enable_all()
            .build()
            .map_err(Error::Runtime)?;
        let servers = Arc::new(Servers {
            wangdiantong: Arc::new(Wangdiantong::new(&config)),
            kingdee: Kingdee::new(&config),
            waiqin365: Waiqin365::new(&config),
            exchange: Exchange {
                clock: config.clock.clone(),
                faults: Arc::new(FaultRules::default()),
                journal: Arc::new(Journal::new(config.journal)),
                latency: config.latency,
            },
        });
        let router = |handler: axum::routing::MethodRouter<Arc<Servers>>| {
            Router::new().fallback_service(handler.with_state(Arc::clone(&servers)))
        };
        let wangdiantong = serve(
            &runtime,
            config.port_wangdiantong,
            router(axum::routing::any(wangdiantong)),
        )?;
        let kingdee = serve(
            &runtime,
            config.port_kingdee,
            router(axum::routing::any(kingdee)),
        )?;
        let waiqin365 = serve(
            &runtime,
            config.port_waiqin365,
            router(axum::routing::any(waiqin365::serve)),
        )?;
        let admin = serve(
            &runtime,
            config.port_admin,
            router(axum::routing::any(admin::handle)),
        )?;
        let spoken = Dialect::ALL.map(|dialect| Spoken {
            server: Arc::clone(&servers.wangdiantong),
            dialect,
        });
        Ok(Self {
            servers,
            spoken,
            runtime: Some(runtime),
            credentials: config.credentials,
            wangdiantong,
            kingdee,
            waiqin365,
            admin,
        })
    }

    /// `http://127.0.0.1:<port>/openapi2/`
    pub fn wangdiantong_url(&self) -> String {
        format!("http://{}/openapi2/", self.wangdiantong)
    }

    /// `http://127.0.0.1:<port>/router/qm`
    pub fn qimen_url(&self) -> String {
        format!("http://{}/router/qm", self.wangdiantong)
    }

    /// `http://127.0.0.1:<port>/openapi`, of 旗舰版.
    pub fn flagship_url(&self) -> String {
        format!("http://{}/openapi", self.wangdiantong)
    }

    /// `http://127.0.0.1:<port>/K3Cloud/`
    pub fn kingdee_url(&self) -> String {
        format!("http://{}/K3Cloud/", self.kingdee)
    }

    /// `http://127.0.0.1:<port>`
    pub fn waiqin365_url(&self) -> String {
        format!("http://{}", self.waiqin365)
    }

    pub fn waiqin365_system(&self) -> &dyn System {
        &self.servers.waiqin365
    }

    /// `http://127.0.0.1:<port>/`
    pub fn admin_url(&self) -> String {
        format!("http://{}/", self.admin)
    }

    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    pub fn clock(&self) -> &Clock {
        &self.servers.exchange.clock
    }

    /// Every stock-out as a JSON object of dialect A (scalars are strings, so no digit is lost),
    /// shipped or not.
    pub fn orders(&self) -> Vec<serde_json::Value> {
        values(&self.servers.wangdiantong.truth())
    }

    /// What stock-outs were before they changed, in the form of [`Self::orders`], the oldest first.
    pub fn superseded_orders(&self) -> Vec<serde_json::Value> {
        values(&self.servers.wangdiantong.superseded())
    }

    /// Adds shipped orders with consign times (unix seconds) spread over `from..=to`; gives their numbers.
    pub fn add_orders(&self, count: usize, from: i64, to: i64) -> Vec<String> {
        self.servers.wangdiantong.add(count, from, to, 0)
    }

    /// Changes an order; false when there is none of that number.
    pub fn change_order(&self, change: &OrderChange) -> bool {
        self.servers.wangdiantong.change(change)
    }

    /// Takes a shipment back; false when there is none of that number.
    pub fn revert_shipment(&self, stockout_no: &str) -> bool {
        let now = self.servers.exchange.clock.now();
        self.servers.wangdiantong.revert(stockout_no, now)
    }

    /// Every row of one of Wangdiantong's collections as a JSON text of a dialect, by the name of its php page.
    pub fn wangdiantong_rows(&self, collection: &str, dialect: Dialect) -> Vec<String> {
        let rows = self.servers.wangdiantong.rows(collection, dialect);
        let text = |row| String::from_utf8(row).unwrap_or_default();
        rows.into_iter().map(text).collect()
    }

    /// Puts rows into a queue of Wangdiantong, by the name of its query; gives their `rec_id`s.
    pub fn queue_wangdiantong(&self, query: &'static str, count: usize) -> Vec<u64> {
        self.servers.wangdiantong.queue(query, count)
    }

    /// What was said of the rows of a queue: `rec_id`, status and message, in order.
    pub fn acknowledged_wangdiantong(&self, query: &'static str) -> Vec<(u64, String, String)> {
        self.servers.wangdiantong.acknowledged(query)
    }

    /// Wangdiantong as a test over all vendors sees it, in dialect A.
    pub fn wangdiantong_system(&self) -> &dyn System {
        self.wangdiantong_speaking(Dialect::Direct)
    }

    /// The same in any dialect.
    pub fn wangdiantong_speaking(&self, dialect: Dialect) -> &dyn System {
        let [direct, qimen, flagship, layered] = &self.spoken;
        match dialect {
            Dialect::Direct => direct,
            Dialect::Qimen => qimen,
            Dialect::Flagship => flagship,
            Dialect::FlagshipQimen => layered,
        }
    }

    /// Adds rows to one of Wangdiantong's collections that no order makes, changed at times (unix seconds) spread
    /// over `from..=to`.
    pub fn add_wangdiantong_rows(&self, collection: &str, count: usize, from: i64, to: i64) {
        let server = &self.servers.wangdiantong;
        server.add_rows(collection, count, from, to);
    }

    /// Changes the row at a place of [`Self::wangdiantong_rows`]; false when there is none, or orders make it.
    pub fn change_wangdiantong_row(&self, collection: &str, place: usize, at: i64) -> bool {
        let server = &self.servers.wangdiantong;
        server.change_row(collection, place, at)
    }

    pub fn add_fault(&self, rule: FaultRule) {
        self.servers.exchange.faults.add(rule);
    }

    pub fn clear_faults(&self) {
        self.servers.exchange.faults.clear();
    }

    /// Requests by operation, such as `kingdee.BatchSave`.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.servers.exchange.journal.counts()
    }

    /// Waits until an operation was answered so often; false when `limit` has passed first.
    pub fn wait_for_count(&self, operation: &str, count: u64, limit: Duration) -> bool {
        let journal = &self.servers.exchange.journal;
        journal.wait_for_count(operation, count, limit)
    }

    /// Metadata of the last requests, the oldest first.
    pub fn requests(&self) -> Vec<Request> {
        self.servers.exchange.journal.last()
    }
}

impl Drop for Simulators {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn values(orders: &[Vec<u8>]) -> Vec<serde_json::Value> {
    orders
        .iter()
        .filter_map(|order| serde_json::from_slice(order).ok())
        .collect()
}

async fn wangdiantong(
    State(servers): State<Arc<Servers>>,
    ConnectInfo(link): ConnectInfo<Link>,
    request: HttpRequest<Body>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_LIMIT).await.unwrap_or_default();
    let text = std::str::from_utf8(&body).unwrap_or("%FF");
    let query = parts.uri.query().unwrap_or_default();
    let server = &servers.wangdiantong;
    let run = &servers.exchange;
    let path = parts.uri.path();
    if let Some(page) = path.strip_prefix("/openapi2/") {
        let content_type = content_type(&parts.headers);
        let direct = Direct {
            server,
            method: parts.method.as_str(),
            page,
            content_type,
            query,
            body: text,
        };
        let operation = format!("wangdiantong.{}", page.trim_end_matches(".php"));
        return run.run(&operation, body.len(), &link, &direct).await;
    }
    if path == "/router/qm" || path == "/router/qmtest" {
        return gateway(&servers, &link, query, text).await;
    }
    if path == "/openapi" {
        let form = Form::parse(&[query]);
        let method = form.as_ref().ok().and_then(|form| form.get("method"));
        let operation = operation_of(method.unwrap_or("unknown"));
        let flagship = Flagship {
            server,
            method: parts.method.as_str(),
            content_type: content_type(&parts.headers),
            form: &form,
            body: text,
        };
        return run.run(&operation, body.len(), &link, &flagship).await;
    }
    run.respond_plain(Answer::not_found(path))
}

fn content_type(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE);
    value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// Both editions of Wangdiantong behind TOP.
async fn gateway(servers: &Servers, link: &Link, query: &str, body: &str) -> Response<Body> {
    let (server, run) = (&servers.wangdiantong, &servers.exchange);
    let form = Form::parse(&[query, body]);
    let get = |name| form.as_ref().ok().and_then(|form| form.get(name));
    let method = get("method").unwrap_or("unknown");
    let operation = operation_of(method);
    // 企业奇门 knows nothing of 旗舰版's own signature and only signs over it, as TOP does.
    let own = get("wdt_sign").is_some() && Layered::knows(method);
    let form = &form;
    match own {
        true => {
            run.run(&operation, body.len(), link, &Layered { server, form })
                .await
        }
        false => {
            run.run(&operation, body.len(), link, &Qimen { server, form })
                .await
        }
    }
}

async fn kingdee(
    State(servers): State<Arc<Servers>>,
    ConnectInfo(link): ConnectInfo<Link>,
    request: HttpRequest<Body>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_LIMIT).await.unwrap_or_default();
    let bytes_in = body.len();
    let path = parts.uri.path();
    let run = &servers.exchange;
    let Some((call, turn)) =
        servers
            .kingdee
            .call(parts.method.as_str(), path, &parts.headers, body)
    else {
        return run.respond_plain(Answer::not_found(path));
    };
    // Held until the answer stands: the calls of one session follow each other.
    let _turn = match &turn {
        Some(turn) => Some(turn.lock().await),
        None => None,
    };
    let operation = format!("kingdee.{}", call.operation);
    run.run(&operation, bytes_in, &link, &call).await
}
