//! That what one tenant's components are made of takes nothing of the others'.

use std::sync::Arc;

use duijie_contract::{Bounds, Fault, FaultKind};
use wasmtime::component::{Component, Linker};

use super::{Places, places, weight};
use crate::allowance::{Allowance, Quota};
use crate::capability::Clock;
use crate::engine::{Memory, Sandbox};
use crate::guest::{Limits, Running, Terms};
use crate::spent::Spent;
use crate::turn::Meter;

struct Noon;

impl Clock for Noon {
    fn now_ms(&self) -> u64 {
        43_200_000
    }
}

/// A pool of eight places, and tenants with four each.
struct Host(Sandbox);

impl Host {
    fn new() -> Self {
        Self(Sandbox::new(&Memory::Pooled { instances: 8 }).unwrap())
    }

    fn tenant() -> Arc<Allowance> {
        Allowance::new(Quota {
            instances: 4,
            ..Quota::NONE
        })
    }

    /// So many instances of a module with these fields.
    fn component(&self, instances: usize, fields: &str) -> wasmtime::Result<Component> {
        let instances = "(core instance (instantiate $m))".repeat(instances);
        let text = format!("(component (core module $m {fields}) {instances})");
        Component::new(&self.0.engine, wat::parse_str(text).unwrap())
    }

    async fn start(&self, tenant: &Arc<Allowance>, it: &Component) -> Result<Running, Fault> {
        let places = places("guest", weight(it), tenant, &self.0.places).await?;
        self.start_at(tenant, it, places).await
    }

    async fn start_at(
        &self,
        tenant: &Arc<Allowance>,
        it: &Component,
        places: Places,
    ) -> Result<Running, Fault> {
        let pre = Linker::new(&self.0.engine).instantiate_pre(it).unwrap();
        let run = Arc::new(Spent::new(Bounds::DEFAULT));
        let lane = self.0.lane.clone();
        let terms = Terms {
            connector: "guest".into(),
            clock: Arc::new(Noon),
            limits: Limits::DEFAULT,
            meter: Arc::new(Meter::new(tenant.clone(), run, lane)),
            places,
        };
        Running::start(&pre, None, terms).await
    }

    /// As many as start for one tenant.
    async fn fill(&self, it: &Component) -> Vec<Running> {
        let tenant = Self::tenant();
        let mut running = Vec::new();
        loop {
            match self.start(&tenant, it).await {
                Ok(one) => running.push(one),
                Err(fault) => {
                    let text = fault.to_string();
                    assert!(text.contains("its tenant has 4 connectors"), "{text}");
                    return running;
                }
            }
        }
    }
}

/// So many of them fit for each of two tenants, at once.
async fn check(instances: usize, fields: &str, each: usize) {
    let host = Host::new();
    let greedy = host.component(instances, fields).unwrap();
    let first = host.fill(&greedy).await;
    let second = host.fill(&greedy).await;
    assert_eq!((first.len(), second.len()), (each, each));
}

#[tokio::test(start_paused = true)]
async fn an_instance_of_one_memory_takes_one_place() {
    check(1, "(memory 1)", 4).await;
    check(1, "", 4).await;
}

#[tokio::test(start_paused = true)]
async fn memories_of_one_tenant_leave_the_others_theirs() {
    check(2, "(memory 1)", 2).await;
    check(4, "(memory 1)", 1).await;
}

#[tokio::test(start_paused = true)]
async fn tables_of_one_tenant_leave_the_others_theirs() {
    check(8, "(table 1 funcref)", 4).await;
}

#[tokio::test(start_paused = true)]
async fn core_instances_of_one_tenant_leave_the_others_theirs() {
    check(96, "", 4).await;
}

#[test]
fn a_component_of_more_parts_than_a_place_has_is_refused() {
    let host = Host::new();
    for (instances, fields, reason) in [
        (5, "(memory 1)", "5 Wasm linear memories"),
        (9, "(table 1 funcref)", "9 tables"),
        (101, "", "101 core module instances"),
    ] {
        let refused = host.component(instances, fields).err().unwrap();
        let refused = format!("{refused:#}");
        assert!(refused.contains(reason), "{refused}");
    }
}

#[tokio::test]
async fn a_start_that_the_pool_has_nothing_left_for_is_tried_again() {
    let host = Host::new();
    let heavy = host.component(4, "(memory 1)").unwrap();
    let tenant = Allowance::new(Quota::NONE);
    let _first = host.start(&tenant, &heavy).await.unwrap();
    let _second = host.start(&tenant, &heavy).await.unwrap();
    // Places that stand for nothing, as if the pool were smaller.
    host.0.places.add_permits(1);
    let places = places("guest", 1, &tenant, &host.0.places).await.unwrap();
    let fault = host.start_at(&tenant, &heavy, places).await.err().unwrap();
    let text = fault.to_string();
    assert!(text.contains("could not be started"), "{text}");
    let kind = fault.kind;
    assert!(matches!(kind, FaultKind::Unavailable { .. }), "{kind:?}");
}
