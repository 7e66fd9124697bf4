//! One instance of a component and what it may spend: memory, time, log.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use duijie_contract::{Fault, FaultKind, Tables};
use wasmtime::component::{Instance, InstancePre};
use wasmtime::{PoolConcurrencyLimitError, Store, UpdateDeadline};

use crate::capability::{Clock, Reach};
use crate::place::{Places, full};
use crate::room::Room;
use crate::spent::Spent;
use crate::turn::{Ended, Meter};

/// Characters of a trap that are told.
const MOST_TOLD: usize = 1_000;

/// What one instance may spend. Exceeding any of it ends that instance only.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub memory_bytes: usize,
    /// Bytes that the guest may hand over in one call, in either direction of
    /// its imports and results.
    pub handed_over_bytes: usize,
    /// Processor time of one call, counted in turns.
    pub cpu: Duration,
    /// Wall time of one call, waits included.
    pub deadline: Duration,
    pub log_lines: u32,
}

impl Limits {
    pub const DEFAULT: Limits = Limits {
        memory_bytes: 64 << 20,
        handed_over_bytes: 16 << 20,
        cpu: Duration::from_secs(10),
        deadline: Duration::from_secs(300),
        log_lines: 200,
    };
}

/// The store's data: who the guest is and what it may reach.
pub(crate) struct Guest {
    /// Name and version, for messages.
    pub(crate) connector: Arc<str>,
    /// `None` while it describes or checks itself, and for transforms.
    pub(crate) reach: Option<Reach>,
    /// What a transform may read; `None` for every other role.
    pub(crate) tables: Option<Arc<dyn Tables>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Random,
    pub(crate) log_lines_left: u32,
    pub(crate) meter: Arc<Meter>,
    room: Room,
}

pub(crate) struct Running {
    pub(crate) store: Store<Guest>,
    pub(crate) instance: Instance,
    limits: Limits,
    /// After a trap or a missed deadline nothing may enter the instance.
    stopped: bool,
    /// Given back after the store, which is what takes the place up.
    _places: Places,
}

/// What an instance is made with.
pub(crate) struct Terms {
    pub(crate) connector: Arc<str>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: Limits,
    pub(crate) meter: Arc<Meter>,
    pub(crate) places: Places,
}

/// How a call came out of [`Meter::turns`] within a deadline.
type Called<R> = Result<Result<wasmtime::Result<R>, Ended>, tokio::time::error::Elapsed>;

enum Failed {
    Trap(wasmtime::Error),
    Beyond,
    Late,
}

impl Failed {
    /// Others have what it needs, and nothing is wrong with the guest.
    fn is_full_pool(&self) -> bool {
        matches!(self, Failed::Trap(error) if error.is::<PoolConcurrencyLimitError>())
    }
}

fn settled<R>(called: Called<R>) -> Result<R, Failed> {
    match called {
        Ok(Ok(answer)) => answer.map_err(Failed::Trap),
        Ok(Err(Ended)) => Err(Failed::Beyond),
        Err(_) => Err(Failed::Late),
    }
}

impl Running {
    pub(crate) async fn start(
        pre: &InstancePre<Guest>,
        reach: Option<Reach>,
        terms: Terms,
    ) -> Result<Self, Fault> {
        let Terms {
            connector,
            clock,
            limits,
            meter,
            places,
        } = terms;
        let guest = Guest {
            connector: connector.clone(),
            reach,
            tables: None,
            random: Random::new(clock.now_ms()),
            clock,
            log_lines_left: limits.log_lines,
            room: Room::new(meter.tenant.clone(), limits.memory_bytes),
            meter: meter.clone(),
        };
        let mut store = Store::new(pre.engine(), guest);
        store.limiter(|guest| &mut guest.room);
        store.set_hostcall_fuel(limits.handed_over_bytes);
        store.set_epoch_deadline(1);
        // A turn ends here, and whoever drives the call sees to the next.
        store.epoch_deadline_callback(|store| {
            store.data().meter.cut();
            Ok(UpdateDeadline::Yield(1))
        });
        let turns = meter.turns(pre.instantiate_async(&mut store), limits.cpu);
        let called = tokio::time::timeout(limits.deadline, turns).await;
        let instance = settled(called).map_err(|failed| {
            let full_pool = failed.is_full_pool();
            let why = explain(store.data_mut(), &limits, failed);
            let text = format!("it could not be started: {why}");
            match full_pool && meter.run.over().is_none() {
                true => full(&connector, text),
                false => fault(&connector, &meter.run, &text),
            }
        })?;
        Ok(Self {
            store,
            instance,
            limits,
            stopped: false,
            _places: places,
        })
    }

    /// Before each call: fresh budgets. Gives the call's deadline, its
    /// processor time, and who pays for it.
    pub(crate) fn begin(&mut self) -> Result<(Duration, Duration, Arc<Meter>), Fault> {
        if self.stopped {
            return Err(self.fault("it was stopped after an earlier failure"));
        }
        let guest = self.store.data_mut();
        guest.log_lines_left = self.limits.log_lines;
        if let Some(reach) = &mut guest.reach {
            reach.begin_call(self.limits.deadline);
        }
        let meter = guest.meter.clone();
        if meter.run.over().is_some() {
            return Err(self.fault("its run is over"));
        }
        self.store.set_epoch_deadline(1);
        Ok((self.limits.deadline, self.limits.cpu, meter))
    }

    /// After each call: a trap, a missed deadline or a bound that was passed
    /// stops the instance.
    pub(crate) fn end<R>(&mut self, called: Called<R>) -> Result<R, Fault> {
        if let Some(reach) = &mut self.store.data_mut().reach {
            reach.end_call();
        }
        settled(called).map_err(|failed| {
            self.stopped = true;
            let why = explain(self.store.data_mut(), &self.limits, failed);
            self.fault(&why)
        })
    }

    pub(crate) fn fault(&self, reason: &str) -> Fault {
        let guest = self.store.data();
        fault(&guest.connector, &guest.meter.run, reason)
    }
}

/// That a run passed its bounds is no failure of this guest: what it did not
/// send was not sent, and what it may have sent is told beside this.
pub(crate) fn fault(connector: &str, run: &Spent, reason: &str) -> Fault {
    let kind = match run.over() {
        Some(beyond) => FaultKind::Other(beyond.to_owned()),
        None => FaultKind::Guest(reason.to_owned()),
    };
    Fault::new(connector, kind)
}

/// What a person is told of it.
fn explain(guest: &mut Guest, limits: &Limits, failed: Failed) -> String {
    if let Some(beyond) = guest.meter.take_beyond() {
        return beyond;
    }
    let text: String = match failed {
        Failed::Trap(error) => format!("{error:#}").chars().take(MOST_TOLD).collect(),
        Failed::Late => format!("it did not answer within {:?}", limits.deadline),
        Failed::Beyond => "it went beyond what it may use".to_owned(),
    };
    match guest.room.refused() {
        Some(refused) => format!("{refused}; then it failed: {text}"),
        None => text,
    }
}

/// Random numbers for a guest: not predictable to it, no use for keys.
pub(crate) struct Random {
    hasher: std::hash::RandomState,
    count: u64,
}

impl Random {
    fn new(seed: u64) -> Self {
        Self {
            hasher: std::hash::RandomState::new(),
            count: seed,
        }
    }

    pub(crate) fn next(&mut self) -> u64 {
        use std::hash::BuildHasher as _;
        self.count = self.count.wrapping_add(1);
        self.hasher.hash_one(self.count)
    }
}
