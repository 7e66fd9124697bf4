//! What an instance may take of memory, tables and the processor, with
//! components of a few lines. Those that speak the contract are in `tests/it`.

use std::sync::Arc;
use std::time::Duration;

use duijie_contract::{Bounds, Fault};
use wasmtime::component::{Component, Linker};

use super::{Limits, Running, Terms};
use crate::allowance::{Allowance, Quota};
use crate::capability::Clock;
use crate::engine::{Memory, Sandbox};
use crate::place::{places, weight};
use crate::spent::Spent;
use crate::turn::Meter;

struct Noon;

impl Clock for Noon {
    fn now_ms(&self) -> u64 {
        43_200_000
    }
}

struct Host {
    sandbox: Sandbox,
    allowance: Arc<Allowance>,
    run: Arc<Spent>,
    limits: Limits,
}

impl Host {
    fn new(quota: Quota) -> Self {
        Self {
            sandbox: Sandbox::new(&Memory::Pooled { instances: 64 }).unwrap(),
            allowance: Allowance::new(quota),
            run: Arc::new(Spent::new(Bounds::DEFAULT)),
            limits: Limits::DEFAULT,
        }
    }

    /// A component around a module that exports `go`.
    fn component(&self, fields: &str) -> Component {
        let text = format!(
            "(component
                (core module $m {fields})
                (core instance $i (instantiate $m))
                (func (export \"go\") (result u32) (canon lift (core func $i \"go\"))))"
        );
        Component::new(&self.sandbox.engine, wat::parse_str(text).unwrap()).unwrap()
    }

    async fn start_as(
        &self,
        allowance: &Arc<Allowance>,
        component: &Component,
    ) -> Result<Running, Fault> {
        let pre = Linker::new(&self.sandbox.engine)
            .instantiate_pre(component)
            .unwrap();
        let lane = self.sandbox.lane.clone();
        let pool = &self.sandbox.places;
        let places = places("guest", weight(component), allowance, pool).await?;
        let terms = Terms {
            connector: "guest".into(),
            clock: Arc::new(Noon),
            limits: self.limits,
            meter: Arc::new(Meter::new(allowance.clone(), self.run.clone(), lane)),
            places,
        };
        Running::start(&pre, None, terms).await
    }

    async fn start(&self, fields: &str) -> Result<Running, Fault> {
        let component = self.component(fields);
        self.start_as(&self.allowance, &component).await
    }
}

async fn go(running: &mut Running) -> Result<u32, String> {
    let go = running
        .instance
        .get_typed_func::<(), (u32,)>(&mut running.store, "go")
        .unwrap();
    let (deadline, cpu, meter) = running.begin().map_err(|fault| fault.to_string())?;
    let call = go.call_async(&mut running.store, ());
    let called = tokio::time::timeout(deadline, meter.turns(call, cpu)).await;
    let answer = running.end(called).map_err(|fault| fault.to_string())?;
    Ok(answer.0)
}

const SPIN: &str = "(func (export \"go\") (result i32) (loop (br 0)) (unreachable))";
const ONE: &str = "(func (export \"go\") (result i32) (i32.const 1))";

/// Grows its memory by so many pages of 64 KiB; what it was before, or -1.
fn grow(pages: u32) -> String {
    format!("(memory 1) (func (export \"go\") (result i32) (memory.grow (i32.const {pages})))")
}

const REFUSED: u32 = u32::MAX;

#[tokio::test]
async fn the_memories_of_one_instance_have_one_limit_together() {
    let mut host = Host::new(Quota::NONE);
    host.limits.memory_bytes = 10 * (64 << 10);
    let two = "(component
        (core module $a (memory 1)
            (func (export \"grow\") (result i32) (memory.grow (i32.const 5))))
        (core module $b (import \"a\" \"grow\" (func $grow (result i32))) (memory 1)
            (func (export \"go\") (result i32) (drop (call $grow)) (memory.grow (i32.const 5))))
        (core instance $one (instantiate $a))
        (core instance $two (instantiate $b (with \"a\" (instance $one))))
        (func (export \"go\") (result u32) (canon lift (core func $two \"go\"))))";
    let bytes = wat::parse_str(two).unwrap();
    let two = Component::new(&host.sandbox.engine, bytes).unwrap();
    let mut running = host.start_as(&host.allowance, &two).await.unwrap();
    assert_eq!(go(&mut running).await.unwrap(), REFUSED);
    assert_eq!(host.allowance.used().memory_bytes, 7 * (64 << 10));
    drop(running);
    assert_eq!(host.allowance.used().memory_bytes, 0);
}

#[tokio::test]
async fn a_tenants_instances_have_its_memory_together_and_others_theirs() {
    let host = Host::new(Quota {
        memory_bytes: 16 * (64 << 10),
        ..Quota::NONE
    });
    let component = host.component(&grow(9));
    let mut first = host.start_as(&host.allowance, &component).await.unwrap();
    assert_eq!(go(&mut first).await.unwrap(), 1);
    let mut second = host.start_as(&host.allowance, &component).await.unwrap();
    assert_eq!(go(&mut second).await.unwrap(), REFUSED);

    let other = Allowance::new(host.allowance.quota());
    let mut others = host.start_as(&other, &component).await.unwrap();
    assert_eq!(go(&mut others).await.unwrap(), 1);

    drop(first);
    assert_eq!(go(&mut second).await.unwrap(), 1);
    drop((second, others));
    for allowance in [&host.allowance, &other] {
        assert_eq!(allowance.used().memory_bytes, 0);
        assert_eq!(allowance.used().instances, 0);
    }
}

#[tokio::test]
async fn an_instance_that_its_tenant_has_no_memory_for_does_not_start() {
    let host = Host::new(Quota {
        memory_bytes: 3 * (64 << 10),
        ..Quota::NONE
    });
    let four = format!("(memory 4) {ONE}");
    let fault = host.start(&four).await.err().unwrap().to_string();
    assert!(fault.contains("`quotas.memory`"), "{fault}");
    assert_eq!(host.allowance.used().memory_bytes, 0);
    let mut running = host.start(ONE).await.unwrap();
    assert_eq!(go(&mut running).await.unwrap(), 1, "the next one does");
}

#[tokio::test]
async fn a_table_that_grows_without_end_is_refused_and_told() {
    let host = Host::new(Quota::NONE);
    let bomb = "(table 0 funcref)
        (func (export \"go\") (result i32)
            (loop
                (br_if 0 (i32.ne (table.grow (ref.null func) (i32.const 999)) (i32.const -1))))
            (unreachable))";
    let mut running = host.start(bomb).await.unwrap();
    let fault = go(&mut running).await.unwrap_err();
    for part in ["refused a table", "30000 elements", "unreachable"] {
        assert!(fault.contains(part), "{fault}");
    }
    drop(running);
    assert_eq!(host.allowance.used().memory_bytes, 0);
}

#[test]
fn a_table_that_is_too_large_from_the_start_is_refused() {
    let host = Host::new(Quota::NONE);
    let text = format!("(component (core module (table 10000000 funcref) {ONE}))");
    let bytes = wat::parse_str(text).unwrap();
    let refused = Component::new(&host.sandbox.engine, bytes).err().unwrap();
    assert!(format!("{refused:#}").contains("table"), "{refused:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_that_spins_gets_no_more_than_its_tenants_share() {
    let mut host = Host::new(Quota {
        cpu_percent: 10,
        ..Quota::NONE
    });
    host.limits.deadline = Duration::from_millis(800);
    let mut running = host.start(SPIN).await.unwrap();
    let since = std::time::Instant::now();
    let fault = go(&mut running).await.unwrap_err();
    let took = since.elapsed();
    assert!(fault.contains("did not answer within 800ms"), "{fault}");
    let used = host.allowance.used();
    let most = took / 10 + Duration::from_millis(100) + Duration::from_millis(40);
    assert!(used.cpu <= most, "{:?} of {took:?}", used.cpu);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_call_may_use_of_the_processor_counts_its_turns_and_no_waits() {
    let mut host = Host::new(Quota {
        cpu_percent: 20,
        ..Quota::NONE
    });
    host.limits.cpu = Duration::from_millis(150);
    let mut running = host.start(SPIN).await.unwrap();
    let fault = go(&mut running).await.unwrap_err();
    assert!(fault.contains("over 150ms of processor time"), "{fault}");
    // One turn more than that at most, however long it was held back.
    let used = host.allowance.used().cpu;
    assert!(used <= Duration::from_millis(180), "{used:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_of_one_tenant_come_back_beside_dozens_of_spinners_of_another() {
    let host = Arc::new(Host::new(Quota {
        cpu_percent: 100,
        ..Quota::NONE
    }));
    let spin = host.component(SPIN);
    let mut spinning = Vec::new();
    for _ in 0..36 {
        let mut running = host.start_as(&host.allowance, &spin).await.unwrap();
        spinning.push(tokio::spawn(async move { go(&mut running).await }));
    }
    let healthy = Allowance::new(host.allowance.quota());
    let one = host.component(ONE);
    let calls = tokio::spawn(async move {
        let mut running = host.start_as(&healthy, &one).await.unwrap();
        for _ in 0..20 {
            assert_eq!(go(&mut running).await.unwrap(), 1);
            tokio::task::yield_now().await;
        }
        healthy.used().held_back
    });
    assert_eq!(calls.await.unwrap(), Duration::ZERO, "none was held back");
    let spin_on = spinning.iter().filter(|task| !task.is_finished()).count();
    assert_eq!(spin_on, 36, "they were at it all the time");
    spinning.iter().for_each(|task| task.abort());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spinners_of_dozens_of_tenants_within_their_shares_leave_a_thread_to_calls_that_wait() {
    let host = Arc::new(Host::new(Quota::NONE));
    let threads = u32::try_from(host.sandbox.lane.available_permits()).unwrap();
    let lane = host.sandbox.lane.acquire_many(threads).await.unwrap();
    let share = Quota {
        cpu_percent: 100,
        ..Quota::NONE
    };
    let tenants: Vec<_> = (0..36).map(|_| Allowance::new(share)).collect();
    let spin = host.component(SPIN);
    let mut spinning = Vec::new();
    for tenant in &tenants {
        let mut running = host.start_as(tenant, &spin).await.unwrap();
        spinning.push(tokio::spawn(async move { go(&mut running).await }));
    }
    let healthy = Allowance::new(share);
    let mut one = host.start_as(&healthy, &host.component(ONE)).await.unwrap();
    let all_in_line = async {
        while tenants.iter().any(|it| it.line.available_permits() > 0) {
            tokio::task::yield_now().await;
        }
    };
    let soon = Duration::from_secs(30);
    tokio::time::timeout(soon, all_in_line).await.unwrap();
    // While the lane is taken, no thread is theirs.
    let used = || -> Duration { tenants.iter().map(|it| it.used().cpu).sum() };
    let before = used();
    for _ in 0..5 {
        assert_eq!(go(&mut one).await.unwrap(), 1);
    }
    assert_eq!(used(), before);
    assert_eq!(healthy.used().held_back, Duration::ZERO);
    drop(lane);
    spinning.iter().for_each(|task| task.abort());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_processor_time_of_a_run_is_that_of_all_its_instances() {
    let mut host = Host::new(Quota::NONE);
    host.limits.cpu = Duration::from_millis(60);
    host.run = Arc::new(Spent::new(Bounds {
        cpu: Duration::from_millis(100),
        ..Bounds::DEFAULT
    }));
    let first = go(&mut host.start(SPIN).await.unwrap()).await.unwrap_err();
    assert!(first.contains("in one call"), "{first}");
    let second = go(&mut host.start(SPIN).await.unwrap()).await.unwrap_err();
    let words = "over 100ms of processor time in this run: raise `limits.run.cpu`";
    assert!(second.contains(words), "{second}");
    // Whatever is short enough to need no second turn is refused as well.
    let mut third = host.start(ONE).await.unwrap();
    let third = go(&mut third).await.unwrap_err();
    assert!(third.contains(words), "{third}");
    // Another run of the same tenant goes on.
    host.run = Arc::new(Spent::new(Bounds::DEFAULT));
    let mut other = host.start(ONE).await.unwrap();
    assert_eq!(go(&mut other).await.unwrap(), 1);
}
