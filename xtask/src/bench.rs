//! Measures the example's job in the sandbox against the same job written by
//! hand: interleaved rounds in one run, medians, and an A/A control that says
//! what a difference is worth here.

mod field;
mod process;
pub(crate) mod serve;
mod state;
mod table;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::{guests, shell, test, toolchain};
use field::Field;
use process::{Usage, measured};
use table::{Row, Rows};

/// Orders of the job, of about 5 KB each.
const ORDERS: usize = 20_000;
/// Of the example's manifest.
const BATCH: usize = 100;
const ROUNDS: usize = 5;
/// With latency a round takes seconds and its wall time hardly varies.
const LATENCY_ROUNDS: usize = 2;
const LATENCY_MS: u64 = 50;

pub(crate) fn bench() -> Result<()> {
    let root = shell::root();
    build(&root)?;
    test::venv(
        &root,
        "tests/bench/python/requirements.txt",
        "target/python-bench",
    )?;
    let programs = Programs::new(&root)?;
    println!("## The job: {ORDERS} orders of about 5 KB, pages of 100, batches of 100\n");
    let field = Field::start(&root, ORDERS, 0)?;
    let rows = rounds(&programs, &field, ROUNDS, true)?;
    print!("{}", rows.text(ORDERS));
    protocol(&rows);
    state::syncs(&root, &programs, &field)?;
    drop(field);
    let cpu_s = rows.cpu_s(Row::Sandboxed).unwrap_or_default();
    state::cost(&root, cpu_s / ORDERS as f64)?;
    println!("\n## The same with {LATENCY_MS} ms a request, 4 pages and 4 batches in flight\n");
    let field = Field::start(&root, ORDERS, LATENCY_MS)?;
    let rows = rounds(&programs, &field, LATENCY_ROUNDS, false)?;
    print!("{}", rows.text(ORDERS));
    println!("\n## Start\n");
    let first = programs.first_request(&field)?;
    println!("start to first request: {first:.1} ms (median)");
    shell::run(&mut example(&root, "instance_cost"))
}

/// One that [`build`] built.
fn example(root: &Path, name: &str) -> Command {
    let mut command = Command::new(root.join("target/release/examples").join(name));
    command.current_dir(root);
    command
}

fn build(root: &Path) -> Result<()> {
    toolchain::host()?;
    guests::build()?;
    let cargo = |arguments: &[&str]| {
        shell::run(
            Command::new("cargo")
                .current_dir(root)
                .args(["build", "--release"])
                .args(arguments),
        )
    };
    // All at once: another choice of packages is another choice of features,
    // with which the sandbox would be compiled a second time.
    cargo(&[
        "--package=duijie",
        "--package=duijie-sim",
        "--package=duijie-bench",
        "--package=duijie-component",
        "--package=duijie-store",
        "--bins",
        "--examples",
    ])
}

struct Programs {
    root: PathBuf,
    project: PathBuf,
}

impl Programs {
    fn new(root: &Path) -> Result<Self> {
        let project = root.join("target/bench");
        std::fs::create_dir_all(project.join("pipelines"))?;
        let example = root.join("examples/quickstart/pipelines/stockouts.yaml");
        let text = std::fs::read_to_string(example)?;
        // One window, as the hand-written ones read.
        let start = "    start_time: 2025-10-01 00:00:00\n";
        if !text.contains(start) {
            bail!("the example's manifest has no line `{}`", start.trim());
        }
        let window = format!(
            "    start_time: {}\n    end_time: {}\n",
            field::START,
            field::END
        );
        let text = text.replace(start, &window);
        std::fs::write(project.join("pipelines/stockouts.yaml"), text)?;
        Ok(Self {
            root: root.to_owned(),
            project,
        })
    }

    fn native(&self, field: &Field) -> Result<Usage> {
        let mut command = Command::new(self.root.join("target/release/duijie-bench"));
        measured(field.describe(&mut command))
    }

    fn python(&self, field: &Field) -> Result<Usage> {
        let mut command = Command::new(self.root.join("target/python-bench/bin/python"));
        command.arg(self.root.join("tests/bench/python/stockouts.py"));
        measured(field.describe(&mut command))
    }

    /// State goes before each run; compiled components stay, as they would.
    fn sandboxed(&self, field: &Field) -> Result<Usage> {
        field.write_project(&self.project)?;
        self.forget()?;
        measured(self.duijie().args(["run", "stockouts", "--json"]))
    }

    fn forget(&self) -> Result<()> {
        let Ok(state) = std::fs::read_dir(self.project.join("data")) else {
            return Ok(());
        };
        for part in state {
            let place = part?.path();
            if place.ends_with("compiled") {
                continue;
            }
            match place.is_dir() {
                true => std::fs::remove_dir_all(place)?,
                false => std::fs::remove_file(place)?,
            }
        }
        Ok(())
    }

    fn duijie(&self) -> Command {
        let mut command = Command::new(self.root.join("target/release/duijie"));
        command.arg("--project").arg(&self.project);
        command
            .arg("--connectors")
            .arg(self.root.join("target/connectors"));
        command
    }

    /// From starting the program to its first connection, in milliseconds.
    fn first_request(&self, field: &Field) -> Result<f64> {
        let mut times = Vec::new();
        for _ in 0..11 {
            let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
            let address = listener.local_addr()?;
            field.write_project_at(&self.project, &format!("http://{address}/openapi2/"))?;
            self.forget()?;
            let started = std::time::Instant::now();
            let mut child = self
                .duijie()
                .args(["run", "stockouts", "--json"])
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()?;
            let accepted = listener.accept();
            times.push(started.elapsed().as_secs_f64() * 1e3);
            drop(accepted);
            child.kill()?;
            child.wait()?;
        }
        times.sort_by(f64::total_cmp);
        times
            .get(times.len() / 2)
            .copied()
            .context("nothing was measured")
    }
}

/// Native and sandboxed each run twice a round: how far the twins differ is
/// how much a ratio of this run can be trusted.
fn rounds(programs: &Programs, field: &Field, rounds: usize, python: bool) -> Result<Rows> {
    let mut rows = Rows::default();
    // Compiles what is not compiled yet, and warms the page cache.
    programs.sandboxed(field)?;
    field.reset()?;
    for round in 0..rounds {
        eprintln!("bench: round {} of {rounds}", round + 1);
        let mut run = |row, measure: &dyn Fn() -> Result<Usage>| {
            field.reset()?;
            let usage = measure()?;
            field.check_arrived(ORDERS)?;
            rows.add(row, usage);
            anyhow::Ok(())
        };
        run(Row::Native, &|| programs.native(field))?;
        run(Row::Sandboxed, &|| programs.sandboxed(field))?;
        run(Row::NativeTwin, &|| programs.native(field))?;
        run(Row::SandboxedTwin, &|| programs.sandboxed(field))?;
        if python {
            run(Row::Python, &|| programs.python(field))?;
        }
    }
    Ok(rows)
}

/// What the effect protocol itself took, as the last run counted it.
fn protocol(rows: &Rows) {
    if let Some(text) = rows.last_output(Row::Sandboxed) {
        println!("\nlast sandboxed run: {}", text.trim());
    }
}
