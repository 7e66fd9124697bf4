//! How long batches of healthy pipelines take with and without sinners beside
//! them: the same service, started anew for each turn, in turns.

use std::net::TcpListener;

use anyhow::{Result, bail};

use super::home::{Files, Home, Manifest};
use super::numbers::{median, quantile};
use super::server::Server;
use super::{Ground, Wish};
use crate::bench::field::{END, Field, START};

const PORTION: u32 = 10;

/// Tenants that do nothing good, by what their connector does.
struct Sinners {
    kinds: [(&'static str, usize); 4],
    /// Where nobody answers.
    silent: String,
}

#[derive(Default)]
struct Turns {
    medians: Vec<f64>,
    last: Vec<f64>,
    cpu: Vec<f64>,
    sinned: Vec<f64>,
    memory_mb: Vec<f64>,
}

pub(super) fn measure(ground: &Ground, wish: &Wish<'_>) -> Result<String> {
    let pipelines = wish.count("pipelines", 200);
    let orders = wish.count("orders", 300);
    let latency_ms = wish.number("latency-ms", 500);
    let field = Field::start(&ground.root, orders, latency_ms)?;
    let silence = TcpListener::bind("127.0.0.1:0")?;
    let sinners = Sinners {
        kinds: [
            ("spin", wish.count("spinners", 8)),
            ("eat", wish.count("eaters", 4)),
            ("flood", wish.count("flooders", 4)),
            ("wait", wish.count("waiters", 4)),
        ],
        silent: format!("http://{}", silence.local_addr()?),
    };
    std::thread::spawn(move || {
        // Taken, kept, and never answered.
        let kept: Vec<_> = silence.incoming().collect();
        drop(kept);
    });
    let job = Job {
        ground,
        field: &field,
        pipelines,
        orders,
    };
    let (mut without, mut beside) = (Turns::default(), Turns::default());
    // Without, with, without … : of two turns without, one before and one
    // after, the difference is what chance does here.
    job.turn(None, &mut without)?;
    for round in 0..wish.number("rounds", 2) {
        eprintln!("bench: round {}", round + 1);
        job.turn(Some(&sinners), &mut beside)?;
        job.turn(None, &mut without)?;
    }
    Ok(told(&job, latency_ms, &sinners, &without, &beside))
}

struct Job<'a> {
    ground: &'a Ground,
    field: &'a Field,
    pipelines: usize,
    orders: usize,
}

impl Job<'_> {
    fn turn(&self, sinners: Option<&Sinners>, turns: &mut Turns) -> Result<()> {
        self.field.reset()?;
        let mut home = Home::fresh(self.ground)?;
        home.configure("runs: 1000\n")?;
        let token = home.token()?;
        let manifest = Manifest::of_example(self.ground)?
            .schedule("{ every: 1h, jitter: 5s }")?
            .reading(&format!("    start_time: {START}\n    end_time: {END}\n"))?
            .portions(PORTION, 1, 1)?;
        for number in 0..self.pipelines {
            let manifest = manifest.numbered(number)?;
            home.add(&format!("t{number}"), self.field, &manifest)?;
        }
        if let Some(sinners) = sinners {
            sinners.add(&home)?;
        }
        let server = Server::start(self.ground, &home, &token)?;
        server.until_finished(self.pipelines)?;
        let wall_s = server.ready_at.elapsed().as_secs_f64();
        let held = server.held()?;
        let metric = "duijie_cpu_seconds_total";
        let guests = server.metric(metric, "").unwrap_or_default();
        let sinned = guests.iter().filter(|(tenant, _)| tenant.starts_with('s'));
        let sinned = sinned.fold(0.0, |sum, (_, seconds)| sum + seconds);
        let took: Vec<f64> = server
            .batches()
            .into_iter()
            .filter(|(tenant, _)| tenant.starts_with('t'))
            .map(|(_, took_ms)| took_ms)
            .collect();
        let asked = self.pipelines * self.orders.div_ceil(PORTION as usize);
        if took.len() != asked {
            bail!("{} batches were told instead of {asked}", took.len());
        }
        self.field.check_arrived(self.pipelines * self.orders)?;
        server.terminate()?;
        turns.medians.push(median(&took));
        turns.last.push(quantile(&took, 990));
        turns.cpu.push(held.cpu_s / wall_s);
        turns.sinned.push(sinned / wall_s);
        turns.memory_mb.push(held.peak_mb);
        let shown = (turns.medians.last(), turns.last.last(), turns.cpu.last());
        eprintln!("bench: {wall_s:.1} s, median, p99 and cores {shown:.2?}");
        Ok(())
    }
}

impl Sinners {
    fn add(&self, home: &Home) -> Result<()> {
        // Nobody: the first one's lock is that of all.
        let mut tenants = vec![("s-none".to_owned(), self.files("none"))];
        for (sin, count) in &self.kinds {
            let named = |number| (format!("s-{sin}-{number}"), self.files(sin));
            tenants.extend((0..*count).map(named));
        }
        home.add_alike(&tenants)
    }

    /// JSON is YAML. What is written goes to where nobody answers.
    fn files(&self, sin: &str) -> Files {
        let connection = |name: &str| {
            format!(
                "connection: {name}\nconnector: sinner\nsettings: {{ token: \"${{secret:TOKEN}}\" }}\n\
                 allow: [\"{}\"]\n",
                self.silent
            )
        };
        let stage = |connection: &str, settings: &str| {
            format!(
                "{{ connector: sinner, connection: {connection}, collection: sins, \
                 settings: {settings} }}"
            )
        };
        let silent = &self.silent;
        let (sin, text) = match sin {
            "wait" => ("none", String::new()),
            sin => (sin, "flood ".repeat(600)),
        };
        let settings = format!("{{ sin: {sin}, text: \"{text}\" }}");
        let target = format!("{{ sin: none, url: \"{silent}/\" }}");
        let pipeline = format!(
            "pipeline: sin\nscope: sin\nschedule: every 1s\nsource: {}\ntarget: {}\n\
             on_change: update\non_unknown: hold\n",
            stage("one", &settings),
            stage("other", &target),
        );
        vec![
            ("connections/one.yaml", connection("one")),
            ("connections/other.yaml", connection("other")),
            ("secrets.env", "TOKEN=nobody-asks-for-it\n".to_owned()),
            ("pipelines/sin.yaml", pipeline),
        ]
    }
}

fn told(
    job: &Job<'_>,
    latency_ms: u64,
    sinners: &Sinners,
    without: &Turns,
    beside: &Turns,
) -> String {
    let kinds = sinners.kinds.iter();
    let kinds: Vec<String> = kinds
        .map(|(sin, count)| format!("{count} × {sin}"))
        .collect();
    let mut text = format!(
        "## {} healthy pipelines, {latency_ms} ms a request, batches of {PORTION}, with and without {}\n\n\
         | | batches, median | p99 | processor, cores | of sinners' guests, cores | memory, most |\n\
         |---|---|---|---|---|---|\n",
        job.pipelines,
        kinds.join(", "),
    );
    let mut rows = Vec::new();
    for turn in 0..without.last.len() {
        rows.push(("without", without, turn));
        if turn < beside.last.len() {
            rows.push(("with", beside, turn));
        }
    }
    for (name, turns, turn) in rows {
        let value = |of: &[f64]| of.get(turn).copied().unwrap_or(f64::NAN);
        text.push_str(&format!(
            "| {name} | {:.0} ms | {:.0} ms | {:.2} | {:.2} | {:.0} MB |\n",
            value(&turns.medians),
            value(&turns.last),
            value(&turns.cpu),
            value(&turns.sinned),
            value(&turns.memory_mb),
        ));
    }
    let spread = quantile(&without.last, 1_000) / quantile(&without.last, 0);
    let ratio = median(&beside.last) / median(&without.last);
    text.push_str(&format!(
        "\np99 with / without: {ratio:.3} (asked: at most {:.3}, which is 1.2 and the spread of the turns without, {spread:.3})\n",
        1.2 + (spread - 1.0),
    ));
    text
}
