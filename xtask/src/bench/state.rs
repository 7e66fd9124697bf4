//! What keeping state costs: syncs a batch, the protocol's share of a run,
//! and a long ledger.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use super::field::Field;
use super::{BATCH, ORDERS, Programs, example};
use crate::shell;

/// Rows of the long ledger.
const ROWS: &str = "1000000";

/// Counts the syncs of one run by strace, where there is one.
pub(crate) fn syncs(root: &Path, programs: &Programs, field: &Field) -> Result<()> {
    if !shell::exists("strace") {
        println!("\nsyncs a batch: not counted, there is no strace");
        return Ok(());
    }
    field.reset()?;
    field.write_project(&programs.project)?;
    programs.forget()?;
    let list = root.join("target/bench/syncs.txt");
    let run = programs.duijie();
    shell::run(
        Command::new("strace")
            .args(["-f", "-qq", "-e", "trace=fsync,fdatasync", "-o"])
            .arg(&list)
            .arg(run.get_program())
            .args(run.get_args())
            .args(["run", "stockouts", "--json"])
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    )?;
    field.check_arrived(ORDERS)?;
    let text = std::fs::read_to_string(&list)?;
    // A call that another thread interrupts is told in two lines.
    let syncs = text.lines().filter(|line| !line.contains("resumed"));
    let a_batch = syncs.count() as f64 / (ORDERS / BATCH) as f64;
    println!("\nsyncs a batch of {BATCH}: {a_batch:.2}");
    Ok(())
}

/// The store alone: a record's intent and outcome, then a million rows.
/// `run_s` is the CPU time of a record in a whole run.
pub(crate) fn cost(root: &Path, run_s: f64) -> Result<()> {
    println!("\n## State\n");
    let project = root.join("target/bench/long");
    let data = project.join("data");
    if data.exists() {
        std::fs::remove_dir_all(&data)?;
    }
    let text = shell::output(example(root, "ledger_cost").arg(ROWS).arg(&data))?;
    print!("{text}");
    let line = text.lines().find(|line| line.starts_with("CPU a record"));
    let number = line.and_then(|line| line.split_whitespace().rev().nth(1));
    let cost_us: f64 = number
        .context("the example tells no CPU time of a record")?
        .parse()?;
    let share = cost_us / (run_s * 1e6) * 100.0;
    println!("intents, outcomes and ledger, share of a run's CPU time: {share:.0} %");
    let traced = trace(root, &project)?;
    println!("the command `duijie trace` with {ROWS} rows: {traced:.1} ms (median of wall times)");
    Ok(std::fs::remove_dir_all(&data)?)
}

/// The whole command, from starting the program to its end, by both sides'
/// numbers in turn, each another one.
fn trace(root: &Path, project: &Path) -> Result<f64> {
    let mut times = Vec::new();
    for number in (0..40_u64).map(|number| number * 24_989) {
        let number = match number % 2 {
            0 => format!("CK2026112{number:010}"),
            _ => format!("{}", 1_180_000_000 + number * 3),
        };
        let started = Instant::now();
        let text = shell::output(
            Command::new(root.join("target/release/duijie"))
                .arg("--project")
                .arg(project)
                .args(["trace", &number]),
        )?;
        times.push(started.elapsed().as_secs_f64() * 1e3);
        if !text.contains(&number) {
            bail!("the trace of `{number}` does not name it:\n{text}");
        }
    }
    times.sort_by(f64::total_cmp);
    let median = times.get(times.len() / 2).copied();
    median.context("nothing was measured")
}
