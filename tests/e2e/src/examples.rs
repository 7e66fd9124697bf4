//! The pipelines of `examples/pipelines` as they stand, over simulators of all three vendors: only where they
//! begin to read, how long they wait and how much goes at a time is changed.

use crate::command::{Ended, Running};
use crate::project::{Compiled, binary, connectors};
use duijie_sim::{Config, Simulators, china_text, write_connections};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/pipelines");
/// Far enough back for everything that the simulators begin with.
const READ_FROM_S: i64 = 60 * 86_400;

/// All of them in one project. Everything goes when it is dropped.
pub struct Examples {
    pub simulators: Simulators,
    folder: TempDir,
}

impl Examples {
    pub fn new(config: Config) -> Self {
        let start = config.clock.now() - READ_FROM_S;
        let simulators = Simulators::start_blocking(config).unwrap();
        let folder = tempfile::tempdir().unwrap();
        write_connections(&simulators, folder.path()).unwrap();
        let examples = Self { simulators, folder };
        for name in Self::names() {
            let text = std::fs::read_to_string(format!("{FOLDER}/pipelines/{name}.yaml")).unwrap();
            examples.write(&name, &changed(&text, start));
        }
        examples.lend_compiled();
        examples
    }

    /// Names of all example pipelines, sorted.
    pub fn names() -> Vec<String> {
        let entries = std::fs::read_dir(format!("{FOLDER}/pipelines")).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| {
                let path = entry.unwrap().path();
                path.file_stem().unwrap().to_str().unwrap().to_owned()
            })
            .collect();
        names.sort();
        names
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let pipelines = self.path("pipelines");
        std::fs::create_dir_all(&pipelines).unwrap();
        std::fs::write(pipelines.join(format!("{name}.yaml")), text).unwrap();
    }

    /// Changes the manifest of one for the commands that follow: `from` stands in it exactly once.
    #[track_caller]
    pub fn change(&self, name: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path(&format!("pipelines/{name}.yaml"))).unwrap();
        self.write(name, &replaced(&text, from, to));
    }

    /// Small pages and batches for one, so that few records make many of both.
    pub fn portion(&self, name: &str, page: u32, batch: u32) {
        let waits = "longest_wait: 50ms }";
        let limits = format!(
            "{waits}\nlimits: {{ page_records: {page}, read_ahead: 2, writers: 2, batch_records: {batch} }}\n"
        );
        self.change(name, waits, &limits);
        self.change(
            name,
            "    start_time: ",
            &format!("    page_size: {page}\n    start_time: "),
        );
    }

    /// `run NAME --json`, to its end.
    #[track_caller]
    pub fn run(&self, name: &str) -> Ended {
        self.command(&["run", name, "--json"])
    }

    /// The same, killed when it comes to a named point for the nth time.
    #[track_caller]
    pub fn run_and_kill(&self, name: &str, point: &str, nth: u32) -> Ended {
        self.chaotic(name, ("DUIJIE_CHAOS_KILL", format!("{point}:{nth}")))
    }

    /// The same without one of the guards that keep a promise.
    #[track_caller]
    pub fn run_without(&self, name: &str, guard: &str) -> Ended {
        self.chaotic(name, ("DUIJIE_CHAOS_OFF", guard.to_owned()))
    }

    #[track_caller]
    fn chaotic(&self, name: &str, environment: (&str, String)) -> Ended {
        let arguments = ["run", name, "--json"];
        self.start("duijie-chaos", &arguments, &[environment]).end()
    }

    #[track_caller]
    pub fn command(&self, arguments: &[&str]) -> Ended {
        self.start("duijie", arguments, &[]).end()
    }

    fn start(&self, program: &str, arguments: &[&str], environment: &[(&str, String)]) -> Running {
        let mut command = binary(program);
        command.args(arguments);
        let environment = environment.iter().map(|(name, value)| (name, value));
        command.envs(environment);
        command.env("DUIJIE_LOG", "warn");
        command.arg("--project").arg(self.folder.path());
        command.arg("--connectors").arg(connectors());
        Running::start(&mut command)
    }

    /// How often the simulators were asked for `operation`.
    pub fn count(&self, operation: &str) -> u64 {
        let counts = self.simulators.counts();
        counts.get(operation).copied().unwrap_or_default()
    }

    /// Puts the project's own files in the place of those that were made for the simulators.
    pub fn as_they_stand(&self) {
        for folder in ["pipelines", "connections"] {
            for entry in std::fs::read_dir(format!("{FOLDER}/{folder}")).unwrap() {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                std::fs::copy(entry.path(), self.path(&format!("{folder}/{name}"))).unwrap();
            }
        }
        let secrets = std::fs::read_to_string(format!("{FOLDER}/secrets.env.example")).unwrap();
        std::fs::write(
            self.path("secrets.env"),
            secrets.replace("=\n", "=not-a-secret\n"),
        )
        .unwrap();
    }

    fn lend_compiled(&self) {
        static COMPILED: Compiled = Compiled::new();
        let folder: &Path = &self.path("data/compiled");
        COMPILED.lend(folder, || {
            self.command(&["check"]).expect(0);
        });
    }
}

fn changed(text: &str, start: i64) -> String {
    let start = china_text(start);
    // What is read whole has no time to begin at.
    let begins = "start_time: 2025-10-01 00:00:00";
    let text = match text.contains(begins) {
        true => replaced(text, begins, &format!("start_time: {start}")),
        false => text.to_owned(),
    };
    replaced(
        &text,
        "first_wait: 1s, longest_wait: 2m",
        "first_wait: 10ms, longest_wait: 50ms",
    )
}

#[track_caller]
fn replaced(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "`{from}` in {text}");
    text.replace(from, to)
}
