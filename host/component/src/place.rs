//! Places for instances: among those of a tenant, and in the pool that all
//! tenants share. It starts nothing.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use duijie_contract::{Fault, FaultKind};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use wasmtime::component::Component;

use crate::allowance::{Allowance, Place};
use crate::engine::MAX_MEMORIES;

/// How long the start of an instance waits for its places.
const PLACE_WAIT: Duration = Duration::from_secs(10);

/// Those of one instance among its tenant's, and those in the pool.
pub(crate) type Places = (Place, OwnedSemaphorePermit);

/// Places that an instance takes. The pool has one memory for each of them;
/// of all else it has as much for each as a component may have.
pub(crate) fn weight(component: &Component) -> u32 {
    let needs = component.resources_required();
    needs.map_or(MAX_MEMORIES, |needs| needs.num_memories.max(1))
}

/// Places for one more instance, waited for. Instances of one run wait for
/// one another, so that a wait without end would be one for ever.
pub(crate) async fn places(
    connector: &str,
    weight: u32,
    tenant: &Arc<Allowance>,
    pool: &Arc<Semaphore>,
) -> Result<Places, Fault> {
    let most = tenant.quota().instances;
    let own = timeout(PLACE_WAIT, tenant.enter(weight)).await;
    let own = own.map_err(|_| {
        let whose =
            format!("its tenant has {most} connectors at work, the most that `quotas.runs` gives");
        not_within(connector, &whose)
    })?;
    match timeout(PLACE_WAIT, pool.clone().acquire_many_owned(weight)).await {
        Ok(Ok(place)) => Ok((own, place)),
        _ => Err(not_within(
            connector,
            "every place for a connector in this process is taken: lower `runs` of the service",
        )),
    }
}

fn not_within(connector: &str, whose: &str) -> Fault {
    full(
        connector,
        format!("it could not be started within {PLACE_WAIT:?}, as {whose}"),
    )
}

/// It passes as soon as others end.
pub(crate) fn full(connector: &str, reason: String) -> Fault {
    let retry_after = None;
    Fault::new(
        connector,
        FaultKind::Unavailable {
            reason,
            retry_after,
        },
    )
}
