//! `duijie serve`: the pipelines of many tenants, until a signal ends it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use duijie_admin::{Server, http};
use duijie_manifest::{Otlp, Tls};
use duijie_otlp::Traces;
use duijie_pipeline::{Clock as _, Stop, SystemClock};
use duijie_project::{state::State, wire};
use duijie_serve::{Home, Options, Supervisor};
use duijie_store::Embedded;

use crate::args::{Global, Serve};
use crate::command::run::listen;
use crate::exit::Failure;
use crate::output::{Output, start_log};

/// Instances that one run needs, as a rule: its source, its transforms, and for
/// each of its writers a target, a look-up and steps. Others wait.
const INSTANCES_A_RUN: u32 = 16;
/// As many as the address space is wanted for.
const MOST_INSTANCES: u32 = 16_384;

pub(crate) async fn serve(global: &Global, wish: &Serve, output: &Output) -> Result<(), Failure> {
    let home = global.home();
    let mut limits = home.limits()?;
    let traces = limits.otlp.as_ref().map(collector).transpose()?;
    start_log(traces.as_ref());
    if let Some(address) = &wish.listen {
        limits.listen.clone_from(address);
    }
    let tls = limits.tls.as_ref().map(|tls| secure(&home, tls));
    let tls = tls.transpose()?;
    let listener = http::listen(&limits.listen).await.map_err(|error| {
        Failure::Environment(format!("cannot listen on `{}`: {error}", limits.listen))
    })?;
    let address = listener.local_addr().map_err(environment)?;
    let store = Embedded::open(home.data(), &home.store_options(limits.retention))?;
    let store = Arc::new(store);
    let instances = limits
        .runs
        // One comparison beside them.
        .saturating_add(1)
        .saturating_mul(INSTANCES_A_RUN)
        .min(MOST_INSTANCES);
    let supervisor = Supervisor::new(Options {
        code: wire::code(home.data(), instances)?,
        store: store.clone(),
        clock: Arc::new(SystemClock),
        seed: u64::from(std::process::id()) ^ SystemClock.now_ms(),
        home: home.clone(),
        limits,
    });
    // Commands of whoever runs the process reach it as they do a run.
    let server = Server::start(home.data(), Arc::new(State::new(store)));
    let server = server.map_err(|error| Failure::Environment(error.to_string()))?;
    let stop = Stop::new();
    let signal = listen(stop.clone())?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let answering = {
        let (service, stop) = (Arc::new(supervisor.clone()), stop.clone());
        let data = home.data().to_owned();
        let stopped = async move { stop.stopped().await };
        let now_ms = || SystemClock.now_ms();
        tokio::spawn(
            async move { http::answer(listener, tls, service, &data, now_ms, stopped).await },
        )
    };
    output.note(&format!("listening on {scheme}://{address}"));
    let ended = supervisor.supervise(&stop).await;
    stop.stop();
    answering.await.map_err(environment)?.map_err(environment)?;
    drop(server);
    if let Some(traces) = traces {
        traces.close().await;
    }
    ended?;
    Err(Failure::Signal(signal.load(Ordering::Relaxed)))
}

/// The form was checked: both files are named.
fn secure(home: &Home, tls: &Tls) -> Result<http::Tls, Failure> {
    let place = |named: &Option<String>| home.path(named.as_deref().unwrap_or_default());
    http::Tls::open(&place(&tls.certificate), &place(&tls.key))
        .map_err(|error| Failure::Environment(format!("`tls` of serve.yaml: {error}")))
}

/// The form was checked: the collector is named.
fn collector(otlp: &Otlp) -> Result<Traces, Failure> {
    let endpoint = otlp.endpoint.as_deref().unwrap_or_default();
    Traces::to("serve.yaml", endpoint)
        .map_err(|error| Failure::Environment(format!("`otlp` of serve.yaml: {error}")))
}

fn environment(error: impl std::fmt::Display) -> Failure {
    Failure::Environment(error.to_string())
}
