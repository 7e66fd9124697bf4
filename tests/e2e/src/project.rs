//! A project folder, the simulators that it talks to, and the binary run on it.

use crate::command::{Ended, LONG, Running};
use crate::manifest::{Auth, Manifest, write_connections};
use duijie_sim::{Config, Dialect, Simulators};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use tempfile::TempDir;

/// Seconds before now that the newest order of [`orders`] lies.
const NEWEST: i64 = 3_600;
/// Seconds before now that the source's windows end at first, by its setting `settle`.
const SETTLE: i64 = 3_000;

/// Orders that are old enough to be read at once.
pub fn orders(count: usize, seed: u64) -> Config {
    let mut config = Config::new(count, seed);
    config.now = Some(config.clock.now() - NEWEST);
    config
}

/// Everything goes when it is dropped.
pub struct Project {
    pub simulators: Simulators,
    manifest: Manifest,
    settle: i64,
    log: &'static str,
    program: &'static str,
    folder: TempDir,
}

impl Project {
    pub fn new(config: Config) -> Self {
        Self::speaking(config, Dialect::Direct, Auth::AppSecret)
    }

    pub fn speaking(config: Config, dialect: Dialect, auth: Auth) -> Self {
        Self::of("duijie", config, dialect, auth)
    }

    /// Its commands are run by `duijie-chaos`, which can be killed at named points.
    pub fn chaotic(config: Config) -> Self {
        Self::of("duijie-chaos", config, Dialect::Direct, Auth::AppSecret)
    }

    fn of(program: &'static str, config: Config, dialect: Dialect, auth: Auth) -> Self {
        let manifest = Manifest::quickstart(&config);
        let simulators = Simulators::start_blocking(config).unwrap();
        let folder = tempfile::tempdir().unwrap();
        write_connections(folder.path(), &simulators, dialect, auth);
        let project = Self {
            simulators,
            manifest,
            settle: SETTLE,
            log: "warn",
            program,
            folder,
        };
        project.write_manifest();
        project.lend_compiled();
        project
    }

    /// Changes the pipeline for the commands that follow.
    pub fn change(&mut self, change: impl FnOnce(&Manifest) -> Manifest) {
        self.manifest = change(&self.manifest);
        self.write_manifest();
    }

    #[must_use]
    pub fn changed(mut self, change: impl FnOnce(&Manifest) -> Manifest) -> Self {
        self.change(change);
        self
    }

    /// What follows these words on a line of the manifest.
    pub fn manifest_line(&self, words: &str) -> String {
        let lines = self.manifest.0.lines();
        let mut found = lines.filter_map(|line| line.strip_prefix(words));
        found.next().unwrap().to_owned()
    }

    fn write_manifest(&self) {
        let pipelines = self.path("pipelines");
        std::fs::create_dir_all(&pipelines).unwrap();
        let settle = format!("settle: {}s", self.settle);
        let text = self.manifest.with_source_setting(&settle).0;
        std::fs::write(pipelines.join("stockouts.yaml"), text).unwrap();
    }

    /// Lets the next run see ten minutes more, by a shorter settle time instead of waiting. Gives the
    /// bounds (unix seconds) of those that lie well inside.
    pub fn ten_minutes_pass(&mut self) -> (i64, i64) {
        let now = self.simulators.clock().now();
        let from = now - self.settle + 60;
        self.settle -= 600;
        self.write_manifest();
        (from, now - self.settle - 60)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `run stockouts --json`, to its end.
    #[track_caller]
    pub fn run(&self) -> Ended {
        self.command(&["run", "stockouts", "--json"])
    }

    /// Any command, to its end. None may show a secret or the id of a session.
    #[track_caller]
    pub fn command(&self, arguments: &[&str]) -> Ended {
        let ended = self.start(arguments).end();
        for secret in self.hidden() {
            let shown = ended.stdout.contains(&secret) || ended.stderr.contains(&secret);
            assert!(!shown, "{arguments:?} shows `{secret}`");
        }
        ended
    }

    /// Any command with this on its standard input and these environment variables, to its end.
    #[track_caller]
    pub fn told(&self, arguments: &[&str], input: &str, environment: &[(&str, &str)]) -> Ended {
        let mut command = binary(self.program);
        command.args(arguments);
        command.envs(environment.iter().copied());
        command.env("DUIJIE_LOG", self.log);
        command.arg("--project").arg(self.folder.path());
        command.arg("--connectors").arg(connectors());
        Running::told(&mut command, input).end()
    }

    /// Makes the commands that follow log all they can.
    #[must_use]
    pub fn talkative(mut self) -> Self {
        self.log = "trace";
        self
    }

    /// Secrets, and the ids of the sessions that live now.
    pub fn hidden(&self) -> Vec<String> {
        let known = self.simulators.credentials();
        let mut hidden = self.simulators.session_ids();
        hidden.extend([
            known.wangdiantong.appsecret.clone(),
            known.wangdiantong.app_secret.clone(),
            known.kingdee.password.clone(),
            known.kingdee.app_secret.clone(),
        ]);
        hidden
    }

    /// Any command.
    pub fn start(&self, arguments: &[&str]) -> Running {
        self.start_with(arguments, &[])
    }

    /// Any command with these environment variables.
    pub fn start_with(&self, arguments: &[&str], environment: &[(&str, String)]) -> Running {
        self.start_over(&connectors(), arguments, environment)
    }

    /// Any command over another connector folder.
    pub fn start_over(
        &self,
        connectors: &Path,
        arguments: &[&str],
        environment: &[(&str, String)],
    ) -> Running {
        let mut command = binary(self.program);
        command.args(arguments);
        let environment = environment.iter().map(|(name, value)| (name, value));
        command.envs(environment);
        command.env("DUIJIE_LOG", self.log);
        command.arg("--project").arg(self.folder.path());
        command.arg("--connectors").arg(connectors);
        Running::start(&mut command)
    }

    /// How often the simulators were asked for `operation`.
    pub fn count(&self, operation: &str) -> u64 {
        let counts = self.simulators.counts();
        counts.get(operation).copied().unwrap_or_default()
    }

    /// Waits until the simulators were asked for `operation` so often.
    #[track_caller]
    pub fn wait_for_count(&self, operation: &str, count: u64) {
        let reached = self.simulators.wait_for_count(operation, count, LONG);
        assert!(reached, "{:?}", self.simulators.counts());
    }

    /// Numbers of shipped orders.
    pub fn shipped(&self) -> Vec<String> {
        let orders = self.simulators.orders();
        let shipped = orders
            .iter()
            .filter(|order| order["consign_time"] != "0000-00-00 00:00:00");
        shipped
            .map(|order| order["order_no"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Compiles the components once for all tests of this process.
    fn lend_compiled(&self) {
        static COMPILED: Compiled = Compiled::new();
        COMPILED.lend(&self.path("data/compiled"), || {
            self.command(&["check"]).expect(0);
        });
    }
}

/// Any command in a project folder that a test wrote itself.
pub fn start_in(folder: &Path, arguments: &[&str]) -> Running {
    static COMPILED: Compiled = Compiled::new();
    COMPILED.lend(&folder.join("data/compiled"), || {
        started(folder, &["check"]).end().expect(0);
    });
    started(folder, arguments)
}

/// The same with the connectors in the project's own folder and these environment variables.
pub fn start_over_own(
    folder: &Path,
    arguments: &[&str],
    environment: &[(&str, String)],
) -> Running {
    static COMPILED: Compiled = Compiled::new();
    let start = |arguments: &[&str]| {
        let mut command = binary("duijie");
        command.args(arguments);
        let environment = environment.iter().map(|(name, value)| (name, value));
        command.envs(environment);
        command.env("DUIJIE_LOG", "warn");
        command.arg("--project").arg(folder);
        Running::start(&mut command)
    };
    COMPILED.lend(&folder.join("data/compiled"), || {
        start(&["check"]).end().expect(0);
    });
    start(arguments)
}

fn started(folder: &Path, arguments: &[&str]) -> Running {
    let mut command = binary("duijie");
    command.args(arguments);
    command.env("DUIJIE_LOG", "warn");
    command.arg("--project").arg(folder);
    command.arg("--connectors").arg(connectors());
    Running::start(&mut command)
}

/// Components that one project compiled, for all others of the process.
pub(crate) struct Compiled(OnceLock<Vec<(String, Vec<u8>)>>);

impl Compiled {
    pub(crate) const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Fills the folder; `compile` does so the first time.
    pub(crate) fn lend(&self, folder: &Path, compile: impl FnOnce()) {
        let files = self.0.get_or_init(|| {
            compile();
            let entries = std::fs::read_dir(folder).unwrap();
            entries
                .map(|entry| {
                    let entry = entry.unwrap();
                    let name = entry.file_name().into_string().unwrap();
                    (name, std::fs::read(entry.path()).unwrap())
                })
                .collect()
        });
        std::fs::create_dir_all(folder).unwrap();
        for (name, bytes) in files {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
    }
}

/// `target/<profile>`: tests run from its `deps`, programs from itself.
fn built() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let folder = program.parent().unwrap();
    let is_test = folder.ends_with("deps");
    let folder = if is_test {
        folder.parent().unwrap()
    } else {
        folder
    };
    folder.to_owned()
}

/// The binary without what the caller's environment would change.
pub(crate) fn binary(name: &str) -> Command {
    let program = built().join(name);
    assert!(
        program.exists(),
        "{} is not built: run `cargo xtask test`",
        program.display()
    );
    let mut command = Command::new(program);
    command.env_clear();
    command.env("NO_COLOR", "1");
    command
}

/// The folder of components.
pub fn connectors() -> PathBuf {
    let folder = built().parent().map(|target| target.join("connectors"));
    let folder = folder.unwrap();
    for name in ["wangdiantong", "map", "kingdee"] {
        let component = folder.join(format!("{name}.wasm"));
        assert!(
            Path::exists(&component),
            "{} is not built: run `cargo xtask test`",
            component.display()
        );
    }
    folder
}
