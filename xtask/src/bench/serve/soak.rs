//! A service over minutes: first without an interruption, for what it holds;
//! then with signals and restarts at random, for what it does. Every slot of a
//! schedule has one run, and every order arrives once.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::Value;

use super::home::{Home, Manifest};
use super::numbers::{median, next_random};
use super::server::Server;
use super::{Ground, Wish};
use crate::bench::field::{Field, now_s};
use crate::shell;

const EVERY_MS: f64 = 5_000.0;
/// What the source's windows stay behind, with the next slot and a reserve.
const BEHIND: Duration = Duration::from_secs(15);
/// Nothing takes so long to catch up.
const LONGEST: Duration = Duration::from_secs(300);

pub(super) fn measure(ground: &Ground, wish: &Wish<'_>) -> Result<String> {
    let tenants = wish.count("tenants", 50);
    let minutes = wish.number("minutes", 16);
    let mut seed = wish.number("seed", 1);
    let field = Field::of_now(&ground.root)?;
    let mut home = Home::fresh(ground)?;
    home.configure(&format!("runs: {tenants}\n"))?;
    let token = home.token()?;
    let manifest = Manifest::of_example(ground)?
        .schedule("{ every: 5s, missed: all, most_missed: 1000 }")?
        .reading(&format!(
            "    start_time: {}\n    settle: 5s\n",
            china(now_s())?
        ))?
        .portions(100, 1, 1)?;
    for number in 0..tenants {
        home.add(&format!("t{number}"), &field, &manifest.numbered(number)?)?;
    }
    let mut server = Server::start(ground, &home, &token)?;
    let mut orders = Orders {
        each_second: wish.count("orders-s", 10),
        came: 0,
    };
    let half = Duration::from_secs(minutes * 30);
    let held = held(&server, &field, half, &mut orders)?;
    let mut restarts = 0;
    let begun = Instant::now();
    while begun.elapsed() < half {
        let up = Duration::from_millis(1_000 + next_random(&mut seed) % 12_000);
        orders.come(&field, up)?;
        server.terminate()?;
        // Some stay away for several slots.
        let down = Duration::from_millis(next_random(&mut seed) % 9_000);
        orders.come(&field, down)?;
        server = Server::start(ground, &home, &token)?;
        restarts += 1;
    }
    std::thread::sleep(BEHIND);
    let slots = slots(&server, tenants)?;
    let letters = server.sum("duijie_documents_total", "came=\"rejected\"")?;
    field.check_arrived(tenants * orders.came)?;
    server.terminate()?;
    if letters > 0.0 {
        bail!("{letters} documents were refused");
    }
    Ok(format!(
        "## {tenants} pipelines every 5 s for {minutes} minutes\n\n\
         | | first third | last third |\n|---|---|---|\n\
         | memory, median | {:.1} MB | {:.1} MB |\n| open files, median | {:.0} | {:.0} |\n\n\
         | | |\n|---|---|\n\
         | restarts by SIGTERM at random | {restarts} |\n\
         | slots of the schedules, each with one run that ended well | {slots} |\n\
         | orders that came, each written once by each pipeline | {} |\n",
        held.0.first, held.0.last, held.1.first, held.1.last, orders.came,
    ))
}

/// Medians.
struct Thirds {
    first: f64,
    last: f64,
}

impl Thirds {
    fn of(values: &[f64]) -> Self {
        let third = values.len() / 3;
        let first = values.get(..third).unwrap_or_default();
        let last = values.get(values.len() - third..).unwrap_or_default();
        Self {
            first: median(first),
            last: median(last),
        }
    }
}

/// Looks at memory and files while orders come, each second, once it is warm.
fn held(
    server: &Server,
    field: &Field,
    so_long: Duration,
    orders: &mut Orders,
) -> Result<(Thirds, Thirds)> {
    orders.come(field, so_long / 2)?;
    let so_long = so_long - so_long / 2;
    let (mut memory, mut files) = (Vec::new(), Vec::new());
    let begun = Instant::now();
    while begun.elapsed() < so_long {
        orders.come(field, Duration::from_secs(1))?;
        let held = server.held()?;
        memory.push(held.memory_mb);
        files.push(held.files as f64);
    }
    Ok((Thirds::of(&memory), Thirds::of(&files)))
}

/// They come while time passes.
struct Orders {
    each_second: usize,
    came: usize,
}

impl Orders {
    fn come(&mut self, field: &Field, so_long: Duration) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < so_long {
            field.add(self.each_second)?;
            self.came += self.each_second;
            std::thread::sleep(Duration::from_secs(1).min(so_long));
        }
        Ok(())
    }
}

/// How many slots there were of all schedules; each must have one run that
/// ended well, and nothing else may have ended well.
fn slots(server: &Server, tenants: usize) -> Result<usize> {
    let mut all = 0;
    let begun = Instant::now();
    for number in 0..tenants {
        let path = format!("/v1/tenants/t{number}/pipelines/stockouts");
        let slots = loop {
            let now_ms = now_ms();
            let runs = server.json(&format!("{path}/runs?limit=1000"))?;
            let Some(counted) = counted(&runs, now_ms) else {
                if begun.elapsed() > LONGEST {
                    bail!("t{number} still catches up after {LONGEST:?}");
                }
                std::thread::sleep(Duration::from_millis(500));
                continue;
            };
            break counted?;
        };
        all += slots;
    }
    Ok(all)
}

/// A time as the source's settings have it, at UTC+8.
fn china(unix_s: u64) -> Result<String> {
    let mut date = Command::new("date");
    date.env("TZ", "UTC-8");
    let text = shell::output(date.args([&format!("--date=@{unix_s}"), "+%F %T"]))?;
    Ok(text.trim().to_owned())
}

fn now_ms() -> f64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64() * 1e3
}

/// `None` while a run goes on, or so near to a slot that its run may not have
/// begun.
fn counted(runs: &Value, now_ms: f64) -> Option<Result<usize>> {
    let runs: Vec<&Value> = runs.as_array().into_iter().flatten().collect();
    let started = |run: &&Value| run.get("started_ms").and_then(Value::as_f64);
    let first_ms = runs.iter().filter_map(started).fold(f64::MAX, f64::min);
    let since = (now_ms - first_ms) / EVERY_MS;
    if !(0.5..0.9).contains(&since.fract()) {
        return None;
    }
    let slots = since.floor() as usize + 1;
    let mut ends: BTreeMap<&str, usize> = BTreeMap::new();
    for run in &runs {
        let state = run.get("state").and_then(Value::as_str);
        *ends.entry(state.unwrap_or_default()).or_default() += 1;
    }
    if ends.contains_key("running") {
        return None;
    }
    let finished = ends.get("finished").copied().unwrap_or_default();
    let others = ends
        .keys()
        .find(|state| !["finished", "stopped"].contains(state));
    Some(match (finished == slots, others) {
        (true, None) => Ok(slots),
        _ => Err(anyhow::anyhow!("of {slots} slots came {ends:?}")),
    })
}
