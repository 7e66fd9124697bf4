//! Numbers for Prometheus, a line each in its text form. Labels are names of
//! tenants, which need no escape.

use duijie_component::Used;
use duijie_pipeline::{Counts, End};

use crate::batches::Batches;
use crate::state::{Known, State};

/// What a tenant's runs came to since this process began.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Totals {
    pub(crate) finished: u64,
    pub(crate) stopped: u64,
    pub(crate) failed: u64,
    pub(crate) missed: u64,
    pub(crate) counts: Counts,
    pub(crate) batches: Batches,
}

impl Totals {
    pub(crate) fn add(&mut self, end: &End, counts: &Counts) {
        match end {
            End::Finished => self.finished += 1,
            End::Stopped => self.stopped += 1,
            End::Failed(_) => self.failed += 1,
        }
        self.counts.add(counts);
    }

    fn ends(&self) -> [(&'static str, u64); 3] {
        [
            ("finished", self.finished),
            ("stopped", self.stopped),
            ("failed", self.failed),
        ]
    }

    fn came(&self) -> [(&'static str, u64); 6] {
        let counts = &self.counts;
        [
            ("read", counts.read),
            ("unchanged", counts.unchanged),
            ("dropped", counts.dropped),
            ("applied", counts.applied),
            ("rejected", counts.rejected),
            ("held", counts.held),
        ]
    }
}

/// Of one tenant, or of all.
pub(crate) fn text(state: &State, of: Option<&str>) -> String {
    let tenants = state.tenants.iter();
    let tenants = tenants.filter(|(name, _)| of.is_none_or(|only| only == name.as_str()));
    let tenants: Vec<(&String, &Known)> = tenants.collect();
    let mut out = String::new();
    runs(&mut out, state, &tenants);
    quotas(&mut out, state, &tenants);
    used(&mut out, &tenants);
    batches(&mut out, &tenants);
    out
}

/// Pipelines, and what became of their runs.
fn runs(out: &mut String, state: &State, tenants: &[(&String, &Known)]) {
    let active = state.active();
    let mut write = |metric, kind, help, values: &Values<'_>| {
        write(out, tenants, [metric, kind, help], values);
    };
    write("duijie_pipelines", "gauge", "pipelines", &|_, known| {
        vec![(String::new(), known.pipelines.len() as u64)]
    });
    write(
        "duijie_runs_active",
        "gauge",
        "runs under way",
        &|name, _| {
            let active = active.get(name.as_str()).copied().unwrap_or_default();
            vec![(String::new(), active as u64)]
        },
    );
    write(
        "duijie_runs_total",
        "counter",
        "runs that ended",
        &|_, known| labelled("end", &known.totals.ends()),
    );
    write(
        "duijie_slots_missed_total",
        "counter",
        "stretches of slots without a run",
        &|_, known| vec![(String::new(), known.totals.missed)],
    );
    write(
        "duijie_documents_total",
        "counter",
        "of runs that ended",
        &|_, known| labelled("came", &known.totals.came()),
    );
}

/// What is counted against a tenant's quotas.
fn quotas(out: &mut String, state: &State, tenants: &[(&String, &Known)]) {
    let requests = [
        "duijie_requests_total",
        "counter",
        "requests that connectors made",
    ];
    write(out, tenants, requests, &|name, _| {
        vec![(String::new(), state.budgets.made(name))]
    });
    let disk = [
        "duijie_disk_bytes",
        "gauge",
        "of the data folder, when it was measured last",
    ];
    write(out, tenants, disk, &|_, known| {
        let measured = known.quotas.disk_bytes();
        measured
            .map(|bytes| (String::new(), bytes))
            .into_iter()
            .collect()
    });
}

fn write(
    out: &mut String,
    tenants: &[(&String, &Known)],
    [metric, kind, help]: [&str; 3],
    values: &Values<'_>,
) {
    out.push_str(&format!("# HELP {metric} {help}\n# TYPE {metric} {kind}\n"));
    for (name, known) in tenants {
        for (labels, value) in values(name, known) {
            out.push_str(&format!("{metric}{{tenant=\"{name}\"{labels}}} {value}\n"));
        }
    }
}

/// What a tenant's guests have and had.
fn used(out: &mut String, tenants: &[(&String, &Known)]) {
    type Of = fn(&Used) -> f64;
    let metrics: [(&str, &str, &str, Of); 5] = [
        (
            "duijie_memory_bytes",
            "gauge",
            "memories and tables of connectors at work",
            |used| used.memory_bytes as f64,
        ),
        (
            "duijie_memory_peak_bytes",
            "gauge",
            "the most that it was",
            |used| used.memory_peak as f64,
        ),
        ("duijie_instances", "gauge", "connectors at work", |used| {
            f64::from(used.instances)
        }),
        (
            "duijie_cpu_seconds_total",
            "counter",
            "processor time of connectors",
            |used| used.cpu.as_secs_f64(),
        ),
        (
            "duijie_cpu_held_back_seconds_total",
            "counter",
            "how long connectors waited for their tenant's share",
            |used| used.held_back.as_secs_f64(),
        ),
    ];
    for (metric, kind, help, of) in metrics {
        out.push_str(&format!("# HELP {metric} {help}\n# TYPE {metric} {kind}\n"));
        for (name, known) in tenants {
            let value = of(&known.allowance.used());
            out.push_str(&format!("{metric}{{tenant=\"{name}\"}} {value}\n"));
        }
    }
}

fn batches(out: &mut String, tenants: &[(&String, &Known)]) {
    const METRIC: &str = "duijie_batch_seconds";
    out.push_str(&format!(
        "# HELP {METRIC} from a batch's transforms to its durable outcomes\n# TYPE {METRIC} histogram\n"
    ));
    for (name, known) in tenants {
        known.totals.batches.write(METRIC, name, out);
    }
}

/// Labels beside the tenant, and a value.
type Values<'a> = dyn Fn(&String, &Known) -> Vec<(String, u64)> + 'a;

fn labelled(label: &str, values: &[(&str, u64)]) -> Vec<(String, u64)> {
    let values = values.iter();
    values
        .map(|(name, value)| (format!(",{label}=\"{name}\""), *value))
        .collect()
}
