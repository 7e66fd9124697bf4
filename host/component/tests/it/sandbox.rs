//! Launchers for the tests, and uses of connectors to launch. No test is here.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use duijie_component::{
    Allowance, Clock, Compiler, Launcher, Limits, Memory, Options, Quota, Secrets,
};
use duijie_contract::{Launch as _, Mode, Role, Source, Use};
use duijie_record::{Collection, RecordBatch};

/// A clock whose hands are set by the test.
#[derive(Default)]
pub(crate) struct Hands(AtomicU64);

impl Hands {
    pub(crate) fn set(&self, now_ms: u64) {
        self.0.store(now_ms, Ordering::SeqCst);
    }
}

impl Clock for Hands {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What `cargo xtask` builds before the tests.
pub(crate) fn built(place: &str) -> PathBuf {
    let place = workspace().join("target").join(place);
    assert!(
        place.exists(),
        "{} is missing: run `cargo xtask test`, which builds it",
        place.display()
    );
    place
}

/// Tests differ from this in one or two fields. Compiled code is kept between
/// runs, by digest, since compiling is not what most tests are about.
pub(crate) fn options(connectors: PathBuf) -> Options {
    Options {
        connectors,
        cache: Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled"),
        compiler: Compiler::Here,
        memory: Memory::Pooled { instances: 4 },
        limits: Limits {
            cpu: Duration::from_millis(200),
            ..Limits::DEFAULT
        },
        mode: Mode::Effect,
        secrets: Arc::new(secrets(&[])),
        clock: Arc::new(Hands::default()),
        allowance: Allowance::new(Quota::NONE),
    }
}

/// The secrets of a project whose `secrets.env` holds these.
pub(crate) fn secrets(values: &[(&str, &str)]) -> Secrets {
    let project = tempfile::tempdir().unwrap();
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(project.path().join("secrets.env"))
        .unwrap();
    for (name, value) in values {
        writeln!(file, "{name}={value}").unwrap();
    }
    Secrets::open(project.path()).unwrap()
}

/// A use without settings, secrets or grants.
pub(crate) fn usage(connector: &str, role: Role, collection: &str) -> Use {
    Use {
        connector: connector.to_owned(),
        role,
        connection: Some("main".to_owned()),
        connection_settings: "{}".to_owned(),
        pipeline_settings: "{}".to_owned(),
        collection: Collection(collection.to_owned()),
        secrets: Vec::new(),
        allow: Vec::new(),
        tables: Vec::new(),
        grant_place: "connections/main.yaml".to_owned(),
        calls_per_minute: 0,
    }
}

/// The sinner with these settings, as a source.
pub(crate) fn sinner(settings: &serde_json::Value) -> Use {
    Use {
        pipeline_settings: settings.to_string(),
        ..usage("sinner", Role::Source, "sins")
    }
}

pub(crate) fn fixtures() -> PathBuf {
    built("fixtures/sinner.wasm").parent().unwrap().to_owned()
}

pub(crate) async fn open(launcher: &Launcher, usage: &Use) -> Box<dyn Source> {
    launcher.source(usage, None).await.unwrap()
}

/// The first batch of a source, or what its fault says.
pub(crate) async fn first(launcher: &Launcher, usage: &Use) -> Result<RecordBatch, String> {
    let answer = open(launcher, usage).await.next(1, 1).await;
    answer
        .map(|batch| batch.expect("the source is empty"))
        .map_err(|fault| fault.to_string())
}
