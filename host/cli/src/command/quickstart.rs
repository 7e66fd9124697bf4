//! `duijie quickstart`: an example project against simulated systems. The
//! simulator is a program of its own: it is told the project's folder, writes
//! the connections there, prints one line when it is ready, answers `report`
//! with one line, and ends when its standard input does.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::json;
use serde_json::value::RawValue;

use crate::args::{Global, Quickstart, Run};
use crate::command::{plan, run};
use crate::exit::Failure;
use crate::output::Output;

pub(crate) async fn quickstart(
    global: &Global,
    wish: &Quickstart,
    output: &Output,
) -> Result<(), Failure> {
    let project = global.project.join("quickstart");
    lay_out(&wish.example, &project)?;
    output.note(&format!("a project lies in {}", project.display()));
    let mut simulator = Simulator::start(wish, &project)?;
    output.note(&format!(
        "simulated systems are ready: {}",
        simulator.ready.get()
    ));
    let global = Global {
        connectors: Some(connectors(global)),
        data: None,
        project: project.clone(),
        json: global.json,
    };
    let name = first_pipeline(&project)?;
    output.note(&format!("\n$ duijie plan {name}"));
    let shown = plan::Shown {
        records: 1,
        forecast: None,
    };
    plan::plan(&global, &name, shown, &output.step()).await?;
    output.note(&format!("\n$ duijie run {name}"));
    run::run(&global, &live(&name), &output.step()).await?;
    let report = simulator.report()?;
    output.note("\nwhat arrived, as the target's simulator tells it:");
    output.data(report.get(), json!({ "report": report.get() }));
    output.note(&format!(
        "\nwhat to try next:\n  \
         look at the mapping      {}/pipelines/\n  \
         your own systems         copy {} (each quickstart clears it), edit connections/, `duijie check`\n  \
         what a component asks    duijie inspect {}/<connector>.wasm",
        project.display(),
        project.display(),
        global.connectors.unwrap_or_default().display(),
    ));
    Ok(())
}

fn live(pipeline: &str) -> Run {
    Run {
        pipeline: pipeline.to_owned(),
        follow: false,
        from: None,
        to: None,
        plan: None,
    }
}

fn connectors(global: &Global) -> PathBuf {
    let given = global.connectors.clone();
    given.unwrap_or_else(|| global.project.join("connectors"))
}

/// Says that everything in a folder was put there by quickstart.
const MARK: &str = ".quickstart";

/// Copies the example; state of an earlier start goes, since the simulated
/// systems begin anew as well. A folder that somebody took over is left alone.
fn lay_out(example: &Path, project: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::Environment(format!(
            "cannot copy the example {} to {}: {error}\n\nhint: name it with --example",
            example.display(),
            project.display()
        ))
    };
    let mark = project.join(MARK);
    if project.exists() && !mark.exists() {
        return Err(Failure::Argument(format!(
            "{} is not quickstart's: it has no {MARK}\n\nhint: name another folder with --project",
            project.display()
        )));
    }
    for stale in ["data", "pipelines", "connections"] {
        match std::fs::remove_dir_all(project.join(stale)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(error));
            }
            _ => {}
        }
    }
    let to = project.join("pipelines");
    std::fs::create_dir_all(&to).map_err(failed)?;
    std::fs::create_dir_all(project.join("connections")).map_err(failed)?;
    let said = "Laid out by `duijie quickstart`, which clears this folder at each start.\n";
    std::fs::write(mark, said).map_err(failed)?;
    for entry in std::fs::read_dir(example.join("pipelines")).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        std::fs::copy(entry.path(), to.join(entry.file_name())).map_err(failed)?;
    }
    Ok(())
}

fn first_pipeline(project: &Path) -> Result<String, Failure> {
    let folder = project.join("pipelines");
    let entries = std::fs::read_dir(&folder).into_iter().flatten();
    let mut names: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name()))
        .collect();
    names.sort();
    let first = names.first().and_then(|name| name.to_str());
    let first = first.ok_or_else(|| {
        Failure::Environment(format!(
            "the example has no pipeline in {}",
            folder.display()
        ))
    })?;
    Ok(format!("pipelines/{first}"))
}

/// The child process; it ends with this value.
struct Simulator {
    child: Child,
    lines: BufReader<ChildStdout>,
    ready: Box<RawValue>,
}

impl Simulator {
    fn start(wish: &Quickstart, project: &Path) -> Result<Self, Failure> {
        let program = wish.simulator.display().to_string();
        let failed = |reason: String| {
            Failure::Environment(format!(
                "the simulator {program} did not start: {reason}\n\nhint: name it with --simulator"
            ))
        };
        let mut child = Command::new(&wish.simulator)
            .args(["--orders", &wish.orders.to_string()])
            .arg("--project")
            .arg(project)
            .arg("--until-stdin-closes")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        let stdout = child.stdout.take();
        let mut lines = BufReader::new(stdout.ok_or_else(|| failed("no output".to_owned()))?);
        let ready = line(&mut lines).map_err(failed)?;
        Ok(Self {
            child,
            lines,
            ready,
        })
    }

    fn report(&mut self) -> Result<Box<RawValue>, Failure> {
        let failed = |reason: String| Failure::Environment(format!("the simulator: {reason}"));
        let input = self.child.stdin.as_mut();
        let input = input.ok_or_else(|| failed("no input".to_owned()))?;
        writeln!(input, "report").map_err(|error| failed(error.to_string()))?;
        line(&mut self.lines).map_err(failed)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().ok();
    }
}

/// The text as it came, so that its numbers keep their digits.
fn line(lines: &mut BufReader<ChildStdout>) -> Result<Box<RawValue>, String> {
    let mut text = String::new();
    lines
        .read_line(&mut text)
        .map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|_| format!("it printed `{}`", text.trim_end()))
}
