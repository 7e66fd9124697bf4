//! One operation of one vendor in a pipeline whose other end is the plain system, so that nothing but that
//! operation can be at fault.

use crate::command::{Ended, LONG, Running};
use crate::manifest::{wangdiantong, wangdiantong_secrets};
use crate::project::{Compiled, binary, connectors};
use duijie_sim::{Config, Dialect, Plain, Simulators, System, write_connections};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// The collection of the plain system.
const PLAIN: &str = "documents";

/// What a test has to know of a vendor.
#[derive(Clone, Copy)]
pub struct Vendor {
    /// As connector, connection and fault rules have it.
    pub name: &'static str,
    /// How it is spoken to, where there is more than one way.
    pub dialect: Option<Dialect>,
    pub system: for<'s> fn(&'s Simulators) -> &'s dyn System,
    /// Lines of YAML: settings of a source that is read in pages of so many, or of the most there is.
    pub source: fn(collection: &str, page: Option<u32>) -> Vec<String>,
    /// The same of a target.
    pub target: fn(collection: &str) -> Vec<String>,
    /// The field of a written document that holds its number, where it is another one than the collection says.
    pub key: fn(collection: &str) -> Option<&'static str>,
    /// The call that reads or writes a collection, as fault rules and counts have it after the vendor's name.
    pub call: fn(collection: &str, end: End) -> String,
    /// Its secrets in `secrets.env`.
    pub secrets: &'static [&'static str],
}

/// Which end of the pipeline the operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Read in pages of so many; of the most there is where none is given.
    Source {
        page: Option<u32>,
    },
    Target,
}

/// Everything goes when it is dropped.
pub struct Trial {
    pub simulators: Simulators,
    pub plain: Plain,
    pub vendor: Vendor,
    pub collection: String,
    end: End,
    folder: TempDir,
}

impl Trial {
    pub fn new(vendor: Vendor, collection: &str, end: End, config: Config) -> Self {
        let simulators = Simulators::start_blocking(config).unwrap();
        let plain = Plain::start().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let trial = Self {
            simulators,
            plain,
            vendor,
            collection: collection.to_owned(),
            end,
            folder,
        };
        trial.write_connections();
        trial.write_pipeline();
        trial.lend_connectors();
        trial.lend_compiled();
        trial
    }

    pub fn system(&self) -> &dyn System {
        (self.vendor.system)(&self.simulators)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write_connections(&self) {
        write_connections(&self.simulators, self.folder.path()).unwrap();
        let connection = format!(
            "connection: plain\nconnector: plain\nsettings:\n  base_url: {}\n  token: ${{secret:PLAIN_TOKEN}}\n",
            self.plain.url()
        );
        std::fs::write(self.path("connections/plain.yaml"), connection).unwrap();
        let secrets = self.path("secrets.env");
        let mut text = std::fs::read_to_string(&secrets).unwrap();
        writeln!(text, "PLAIN_TOKEN={}", self.plain.token()).unwrap();
        if let Some(dialect) = self.vendor.dialect {
            let connection = wangdiantong(&self.simulators, dialect);
            std::fs::write(self.path("connections/wangdiantong.yaml"), connection).unwrap();
            text.push_str(&wangdiantong_secrets(&self.simulators, dialect));
        }
        std::fs::write(secrets, text).unwrap();
    }

    /// Puts another value in the place of a secret.
    pub fn spoil_secret(&self, secret: &str) {
        let secrets = self.path("secrets.env");
        let text = std::fs::read_to_string(&secrets).unwrap();
        let spoilt = |line: &str| match line.split_once('=') {
            Some((name, _)) if name == secret => {
                format!("{name}=00000000000000000000000000000000\n")
            }
            _ => format!("{line}\n"),
        };
        std::fs::write(secrets, text.lines().map(spoilt).collect::<String>()).unwrap();
    }

    /// Goes on with another collection of the same system.
    pub fn turn_to(&mut self, collection: &str) {
        self.collection = collection.to_owned();
        self.write_pipeline();
    }

    fn write_pipeline(&self) {
        let vendor = self.vendor.name;
        let ends = |name: &str, collection: &str, settings: &[String]| {
            let mut text =
                format!("  connector: {name}\n  connection: {name}\n  collection: {collection}\n");
            if !settings.is_empty() {
                text.push_str("  settings:\n");
            }
            for line in settings {
                writeln!(text, "    {line}").unwrap();
            }
            text
        };
        let (source, target) = match self.end {
            End::Source { page } => {
                let settings = (self.vendor.source)(&self.collection, page);
                (
                    ends(vendor, &self.collection, &settings),
                    ends("plain", PLAIN, &[]),
                )
            }
            End::Target => {
                let settings = (self.vendor.target)(&self.collection);
                let mut target = ends(vendor, &self.collection, &settings);
                if let Some(key) = (self.vendor.key)(&self.collection) {
                    writeln!(target, "  key: {key}").unwrap();
                }
                (ends("plain", PLAIN, &[]), target)
            }
        };
        let (batch, attempts) = match self.end {
            End::Source { page } => (page.unwrap_or(100), 8),
            End::Target => (5, 5),
        };
        let text = format!(
            "pipeline: trial\nscope: trial\nsource:\n{source}target:\n{target}\
             on_change: update\non_unknown: hold\n\
             retries: {{ attempts: {attempts}, first_wait: 10ms, longest_wait: 50ms }}\n\
             limits: {{ page_records: {batch}, read_ahead: 2, writers: 2, batch_records: {batch} }}\n"
        );
        let pipelines = self.path("pipelines");
        std::fs::create_dir_all(&pipelines).unwrap();
        std::fs::write(pipelines.join("trial.yaml"), text).unwrap();
    }

    /// One folder of connectors, with the plain one beside the others.
    fn lend_connectors(&self) {
        let folder = self.path("connectors");
        std::fs::create_dir_all(&folder).unwrap();
        let built = connectors();
        let plain = built.parent().unwrap().join("fixtures/plain.wasm");
        assert!(plain.exists(), "{} is not built", plain.display());
        for component in [built.join(format!("{}.wasm", self.vendor.name)), plain] {
            let name = component.file_name().unwrap();
            std::os::unix::fs::symlink(&component, folder.join(name)).unwrap();
        }
    }

    fn lend_compiled(&self) {
        static COMPILED: Mutex<BTreeMap<&str, Arc<Compiled>>> = Mutex::new(BTreeMap::new());
        let mut known = COMPILED.lock().unwrap();
        let compiled = known.entry(self.vendor.name);
        let compiled = compiled.or_insert_with(|| Arc::new(Compiled::new()));
        let compiled = Arc::clone(compiled);
        drop(known);
        compiled.lend(&self.path("data/compiled"), || {
            self.command(&["check"]).expect(0);
        });
    }

    /// `run trial --json`, to its end.
    #[track_caller]
    pub fn run(&self) -> Ended {
        self.command(&["run", "trial", "--json"])
    }

    #[track_caller]
    pub fn command(&self, arguments: &[&str]) -> Ended {
        self.start("duijie", arguments, &[]).end()
    }

    /// `run trial --json` that is killed when it comes to a named point for the nth time.
    #[track_caller]
    pub fn run_and_kill(&self, point: &str, nth: u32) -> Ended {
        let kill = ("DUIJIE_CHAOS_KILL", format!("{point}:{nth}"));
        self.start("duijie-chaos", &["run", "trial", "--json"], &[kill])
            .end()
    }

    pub fn start(
        &self,
        program: &str,
        arguments: &[&str],
        environment: &[(&str, String)],
    ) -> Running {
        let mut command = binary(program);
        command.args(arguments);
        let environment = environment.iter().map(|(name, value)| (name, value));
        command.envs(environment);
        command.env("DUIJIE_LOG", "warn");
        command.arg("--project").arg(self.folder.path());
        Running::start(&mut command)
    }

    /// The operation's name in fault rules and counts.
    pub fn operation(&self) -> String {
        let call = (self.vendor.call)(&self.collection, self.end);
        format!("{}.{call}", self.vendor.name)
    }

    #[track_caller]
    pub fn wait_for_count(&self, count: u64) {
        let reached = self
            .simulators
            .wait_for_count(&self.operation(), count, LONG);
        assert!(reached, "{:?}", self.simulators.counts());
    }

    /// Offers documents of the vendor's shape, from number `from` on.
    pub fn offer_samples(&self, from: usize, count: usize) {
        for n in from..from + count {
            let sample = self.system().sample(&self.collection, n);
            self.plain.offer(PLAIN, &n.to_string(), None, &sample);
        }
    }

    pub fn offer(&self, key: &str, json: &str) {
        self.plain.offer(PLAIN, key, None, json);
    }

    /// What arrived in the plain system: each document without blanks, its members sorted, its digits as
    /// they came; in the order of these texts.
    pub fn arrived(&self) -> Vec<String> {
        let arrived = self.plain.documents(PLAIN).into_values();
        sorted(arrived)
    }

    /// What the vendor's system holds, in the same form.
    pub fn truth(&self) -> Vec<String> {
        let rows = self.system().rows(&self.collection).into_iter();
        sorted(rows.map(|row| row.json))
    }

    /// How often writes of each key took effect in the vendor's system.
    pub fn effects(&self) -> BTreeMap<String, usize> {
        let mut effects = BTreeMap::new();
        for row in self.system().written(&self.collection) {
            *effects.entry(row.key).or_default() += 1;
        }
        effects
    }
}

fn sorted(documents: impl Iterator<Item = String>) -> Vec<String> {
    let mut texts: Vec<String> = documents.map(|json| canonical(&json)).collect();
    texts.sort_unstable();
    texts
}

/// The same for equal content: a number's digits count, blanks and the order of members do not.
fn canonical(json: &str) -> String {
    if let Ok(members) = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(json) {
        let members = members
            .into_iter()
            .map(|(name, value)| format!("{}:{}", Value::from(name), canonical(value.get())));
        let members: Vec<String> = members.collect();
        return format!("{{{}}}", members.join(","));
    }
    if let Ok(items) = serde_json::from_str::<Vec<Box<RawValue>>>(json) {
        let items: Vec<String> = items.iter().map(|item| canonical(item.get())).collect();
        return format!("[{}]", items.join(","));
    }
    match serde_json::from_str::<String>(json) {
        Ok(text) => Value::from(text).to_string(),
        Err(_) => json.trim().to_owned(),
    }
}
