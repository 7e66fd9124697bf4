//! What a healthy tenant's calls take beside connectors of others that spin:
//! alone, beside 36 of one tenant within its share, beside one of each of 36
//! tenants within theirs, and beside 36 that have all of the machine. Two threads, as on a machine of two cores.
//! `cargo run --release -p duijie-component --example share_cost <folder>`,
//! where the folder has `sinner.wasm`.

#![allow(clippy::print_stdout)] // Its output is what it is for.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use duijie_component::{
    Account, Allowance, Clock, Code, Compiler, Launcher, Limits, Memory, Over, Quota, Secrets,
};
use duijie_contract::{Launch as _, Mode, Role, Use};
use duijie_record::Collection;

type Failed = Box<dyn std::error::Error + Send + Sync>;

const SPINNERS: usize = 36;
/// Where nobody is held back, a call takes so long that fewer have to do.
const CALLS: usize = 2_000;
const FEW: usize = 100;

const SHARE: Quota = Quota {
    cpu_percent: 100,
    ..Quota::NONE
};

struct Stopped;

impl Clock for Stopped {
    fn now_ms(&self) -> u64 {
        0
    }
}

fn sinner(sin: &str) -> Use {
    Use {
        connector: "sinner".to_owned(),
        role: Role::Source,
        connection: Some("main".to_owned()),
        connection_settings: "{}".to_owned(),
        pipeline_settings: format!(r#"{{"sin":"{sin}"}}"#),
        collection: Collection("sins".to_owned()),
        secrets: Vec::new(),
        allow: Vec::new(),
        tables: Vec::new(),
        grant_place: String::new(),
        calls_per_minute: 0,
    }
}

fn launcher(code: &Arc<Code>, folder: &str, quota: Quota) -> Result<Arc<Launcher>, Failed> {
    let over = Over {
        connectors: folder.into(),
        limits: Limits {
            cpu: Duration::from_secs(3_600),
            ..Limits::DEFAULT
        },
        mode: Mode::Effect,
        secrets: Arc::new(Secrets::open(std::env::temp_dir().as_path())?),
        clock: Arc::new(Stopped),
        account: Account::default(),
        allowance: Allowance::new(quota),
    };
    Ok(Arc::new(Launcher::over(code.clone(), over)?))
}

/// An instance, opened and asked once, with a wait before it.
async fn call(healthy: &Launcher) -> Result<Duration, Failed> {
    tokio::time::sleep(Duration::from_millis(1)).await;
    let began = Instant::now();
    let mut source = healthy.source(&sinner("none"), None).await?;
    source.next(1, 1).await?;
    Ok(began.elapsed())
}

async fn measure(healthy: &Arc<Launcher>, calls: usize) -> Result<Vec<Duration>, Failed> {
    let mut took = Vec::with_capacity(calls);
    for _ in 0..calls {
        let healthy = healthy.clone();
        took.push(tokio::spawn(async move { call(&healthy).await }).await??);
    }
    took.sort_unstable();
    Ok(took)
}

fn told(name: &str, took: &[Duration]) {
    let at = |part: usize| {
        took.get(took.len() * part / 100)
            .copied()
            .unwrap_or_default()
    };
    let last = took.last().copied().unwrap_or_default();
    println!(
        "{name:<28} p50 {:>9.1?}  p99 {:>9.1?}  most {last:>9.1?}",
        at(50),
        at(99)
    );
}

/// The spinners are of so many tenants, each with this quota.
async fn beside(
    code: &Arc<Code>,
    folder: &str,
    tenants: usize,
    quota: Quota,
    name: &str,
) -> Result<(), Failed> {
    let healthy = launcher(code, folder, SHARE)?;
    call(&healthy).await?;
    told("alone", &measure(&healthy, CALLS).await?);
    let hostile = (0..tenants).map(|_| launcher(code, folder, quota));
    let hostile = hostile.collect::<Result<Vec<_>, _>>()?;
    let mut spinning = Vec::new();
    for hostile in hostile.iter().cycle().take(SPINNERS) {
        let mut source = hostile.source(&sinner("spin"), None).await?;
        spinning.push(tokio::spawn(async move { source.next(1, 1).await.is_ok() }));
    }
    let calls = match quota.cpu_percent {
        0 => FEW,
        _ => CALLS,
    };
    told(name, &measure(&healthy, calls).await?);
    for task in spinning {
        task.abort();
        task.await.ok();
    }
    Ok(())
}

fn main() -> Result<(), Failed> {
    let folder = std::env::args().nth(1).ok_or("where is `sinner.wasm`?")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let cache: PathBuf = std::env::temp_dir().join("duijie-share-cost");
    let memory = Memory::Pooled { instances: 64 };
    let code = Arc::new(Code::new(&memory, cache, Compiler::Here)?);
    runtime.block_on(async {
        let name = "beside 36, 100 % of a core";
        beside(&code, &folder, 1, SHARE, name).await?;
        let name = "beside 36 of 36 tenants";
        beside(&code, &folder, SPINNERS, SHARE, name).await?;
        let name = "beside 36 without a share";
        beside(&code, &folder, 1, Quota::NONE, name).await
    })
}
