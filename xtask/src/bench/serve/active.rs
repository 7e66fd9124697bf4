//! Many pipelines at work at the same time: whether all finish, what the
//! process holds, and how fair it is to them.

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::home::{Home, Manifest};
use super::numbers::{fairness, median, quantile};
use super::server::Server;
use super::{Ground, Wish};
use crate::bench::field::{END, Field, START};

/// Records of a page and of a batch.
const PORTION: u32 = 10;

pub(super) fn measure(ground: &Ground, wish: &Wish<'_>) -> Result<String> {
    let pipelines = wish.count("pipelines", 1_000);
    let orders = wish.count("orders", 100);
    let latency_ms = wish.number("latency-ms", 200);
    let field = Field::start(&ground.root, orders, latency_ms)?;
    let mut home = Home::fresh(ground)?;
    home.configure(&format!("runs: {pipelines}\n"))?;
    let token = home.token()?;
    let manifest = Manifest::of_example(ground)?
        .schedule("every 1h")?
        .reading(&format!("    start_time: {START}\n    end_time: {END}\n"))?
        .portions(PORTION, 1, wish.number("writers", 1))?;
    for number in 0..pipelines {
        home.add(&name(number), &field, &manifest.numbered(number)?)?;
    }
    let server = Server::start(ground, &home, &token)?;
    let mut most_active = 0.0_f64;
    let mut held = server.held()?;
    loop {
        most_active = most_active.max(server.sum("duijie_runs_active", "")?);
        let ended = server.sum("duijie_runs_total", "")?;
        held = super::server::Held {
            memory_mb: held.memory_mb.max(server.held()?.memory_mb),
            ..server.held()?
        };
        if ended >= pipelines as f64 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(250));
    }
    let wall_s = server.ready_at.elapsed().as_secs_f64();
    let mut times = Vec::new();
    for number in 0..pipelines {
        times.push(finished(&server, number, orders)?);
    }
    let begun = times
        .iter()
        .map(|(begun, _)| *begun)
        .fold(f64::MAX, f64::min);
    let took: Vec<f64> = times
        .iter()
        .map(|(_, ended)| (ended - begun) / 1e3)
        .collect();
    let rates: Vec<f64> = took.iter().map(|took| orders as f64 / took).collect();
    field.check_arrived(pipelines * orders)?;
    server.terminate()?;
    Ok(format!(
        "## {pipelines} pipelines at work at once, {orders} orders each, {latency_ms} ms a request\n\n\
         | | |\n|---|---|\n\
         | finished, each order once | {pipelines} of {pipelines} |\n\
         | at work at once, most seen | {most_active:.0} |\n\
         | wall time | {wall_s:.1} s |\n\
         | processor time | {:.1} s |\n\
         | records a second | {:.0} |\n\
         | memory, most | {:.0} MB |\n\
         | open files, at the end | {} |\n\
         | first, median, last to finish | {:.1} s, {:.1} s, {:.1} s |\n\
         | fairness (Jain's index of records a second) | {:.3} |\n",
        held.cpu_s,
        (pipelines * orders) as f64 / quantile(&took, 1_000),
        held.peak_mb,
        held.files,
        quantile(&took, 0),
        median(&took),
        quantile(&took, 1_000),
        fairness(&rates),
    ))
}

fn name(number: usize) -> String {
    format!("t{number}")
}

/// When its one run began and ended, in milliseconds.
fn finished(server: &Server, number: usize, orders: usize) -> Result<(f64, f64)> {
    let name = name(number);
    let runs = server.json(&format!("/v1/tenants/{name}/pipelines/stockouts/runs"))?;
    let all = runs.as_array().context("no list of runs")?;
    let run = all.last().context("a pipeline did not run")?;
    let applied = run.get("applied").and_then(Value::as_u64);
    if all.len() != 1 || applied != Some(orders as u64) {
        let (state, reason) = (run.get("state"), run.get("reason"));
        bail!(
            "{name} ran {} times, and the first came to {state:?}, {reason:?}",
            all.len()
        );
    }
    let time = |field: &str| run.get(field).and_then(Value::as_f64);
    let times = time("started_ms").zip(time("ended_ms"));
    times.context("a run has no times")
}
