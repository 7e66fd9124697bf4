//! What a fresh instance costs: processor time of a new store, an instance,
//! the first call into it and its end, with the pooled engine that runs use.
//! It needs the components of `cargo xtask connectors`; the bench runs it.
//!
//! `cargo run --release -p duijie-component --example instance_cost`

#![allow(clippy::print_stdout)] // A figure on stdout is what it is for.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use duijie_component::{
    Allowance, Clock, Compiler, Launcher, Limits, Memory, Options, Quota, Secrets,
};
use duijie_contract::{Fault, Launch as _, Mode, Role, Tables, Unread, Use};
use duijie_record::Collection;
use rustix::time::{ClockId, clock_gettime};

type Failure = Box<dyn std::error::Error>;

/// Instances of one round; the median of the rounds is told.
const ROUND: u32 = 200;
const ROUNDS: usize = 51;

struct Stopped;

impl Clock for Stopped {
    fn now_ms(&self) -> u64 {
        1_760_000_000_000
    }
}

fn main() -> Result<(), Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let launcher = Launcher::new(Options {
        connectors: root.join("target/connectors"),
        cache: root.join("target/tmp/compiled"),
        compiler: Compiler::Here,
        memory: Memory::Pooled { instances: 64 },
        limits: Limits::DEFAULT,
        mode: Mode::Effect,
        secrets: Arc::new(Secrets::open(&root.join("target"))?),
        clock: Arc::new(Stopped),
        allowance: Allowance::new(Quota::NONE),
    })?;
    let rule = r#"{"rules":[{"field":"FBillNo","type":"string","value":"{{order_no}}"}]}"#;
    let map = Use {
        connector: "map".to_owned(),
        role: Role::Transform,
        connection: None,
        connection_settings: "{}".to_owned(),
        pipeline_settings: rule.to_owned(),
        collection: Collection(String::new()),
        secrets: Vec::new(),
        allow: Vec::new(),
        tables: Vec::new(),
        grant_place: String::new(),
        calls_per_minute: 0,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let mut rounds = Vec::with_capacity(ROUNDS);
    // The first round loads the component and warms the pool's slots.
    for round in 0..=ROUNDS {
        let spent = runtime.block_on(spend(&launcher, &map))?;
        if round > 0 {
            rounds.push(spent);
        }
    }
    rounds.sort_unstable();
    let middle = rounds.get(ROUNDS / 2).ok_or("no round was run")?;
    let micros = middle.as_secs_f64() * 1e6 / f64::from(ROUND);
    println!("{micros:.1} us of processor time for a fresh instance and its first call");
    Ok(())
}

/// Processor time of one round.
async fn spend(launcher: &Launcher, usage: &Use) -> Result<Duration, Fault> {
    let tables: Arc<dyn Tables> = Arc::new(Unread::default());
    let start = processor_time();
    for _ in 0..ROUND {
        drop(launcher.transform(usage, &tables).await?);
    }
    Ok(processor_time().saturating_sub(start))
}

/// Of this thread, which is the only one that works here.
fn processor_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    let nanos = u32::try_from(now.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanos)
}
