//! One instance of a component and what it may spend: memory, time, log.

use std::sync::Arc;
use std::time::Duration;

use duijie_contract::{Fault, FaultKind, Tables};
use wasmtime::component::{Instance, InstancePre};
use wasmtime::{Store, StoreLimits, StoreLimitsBuilder, UpdateDeadline};

use crate::capability::{Clock, Reach};
use crate::engine::TICK;

/// What one instance may spend. Exceeding any of it ends that instance only.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub memory_bytes: usize,
    /// Bytes that the guest may hand over in one call, in either direction of
    /// its imports and results.
    pub handed_over_bytes: usize,
    /// Processor time of one call, counted in slices of the epoch clock.
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
    slices_left: u32,
    limits: StoreLimits,
}

pub(crate) struct Running {
    pub(crate) store: Store<Guest>,
    pub(crate) instance: Instance,
    limits: Limits,
    /// After a trap or a missed deadline nothing may enter the instance.
    stopped: bool,
}

impl Running {
    pub(crate) async fn start(
        pre: &InstancePre<Guest>,
        connector: Arc<str>,
        reach: Option<Reach>,
        clock: Arc<dyn Clock>,
        limits: Limits,
    ) -> Result<Self, Fault> {
        let guest = Guest {
            connector: connector.clone(),
            reach,
            tables: None,
            random: Random::new(clock.now_ms()),
            clock,
            log_lines_left: limits.log_lines,
            slices_left: slices(limits.cpu),
            limits: StoreLimitsBuilder::new()
                .memory_size(limits.memory_bytes)
                .table_elements(30_000)
                .build(),
        };
        let mut store = Store::new(pre.engine(), guest);
        store.limiter(|guest| &mut guest.limits);
        store.set_hostcall_fuel(limits.handed_over_bytes);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut context| {
            let guest = context.data_mut();
            Ok(match guest.slices_left.checked_sub(1) {
                Some(left) => {
                    guest.slices_left = left;
                    UpdateDeadline::Yield(1)
                }
                None => UpdateDeadline::Interrupt,
            })
        });
        let instance = pre.instantiate_async(&mut store).await.map_err(|error| {
            let text = format!("it could not be started: {error:#}");
            Fault::new(&connector, FaultKind::Guest(text))
        })?;
        Ok(Self {
            store,
            instance,
            limits,
            stopped: false,
        })
    }

    /// Before each call: fresh budgets. Gives the call's deadline.
    pub(crate) fn begin(&mut self) -> Result<Duration, Fault> {
        if self.stopped {
            return Err(self.fault("it was stopped after an earlier failure"));
        }
        let guest = self.store.data_mut();
        guest.slices_left = slices(self.limits.cpu);
        guest.log_lines_left = self.limits.log_lines;
        if let Some(reach) = &mut guest.reach {
            reach.begin_call(self.limits.deadline);
        }
        self.store.set_epoch_deadline(1);
        Ok(self.limits.deadline)
    }

    /// After each call: a trap or a missed deadline stops the instance.
    pub(crate) fn end<R>(
        &mut self,
        called: Result<wasmtime::Result<R>, tokio::time::error::Elapsed>,
    ) -> Result<R, Fault> {
        if let Some(reach) = &mut self.store.data_mut().reach {
            reach.end_call();
        }
        let reason = match called {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => self.explain(&error),
            Err(_) => format!("it did not answer within {:?}", self.limits.deadline),
        };
        self.stopped = true;
        Err(self.fault(&reason))
    }

    pub(crate) fn fault(&self, reason: &str) -> Fault {
        let connector = &self.store.data().connector;
        Fault::new(connector, FaultKind::Guest(reason.to_owned()))
    }

    fn explain(&self, error: &wasmtime::Error) -> String {
        match error.downcast_ref::<wasmtime::Trap>() {
            Some(wasmtime::Trap::Interrupt) => format!(
                "it used over {:?} of processor time in one call",
                self.limits.cpu
            ),
            _ => {
                let text = format!("{error:#}");
                text.chars().take(1_000).collect()
            }
        }
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

fn slices(cpu: Duration) -> u32 {
    u32::try_from(cpu.as_millis() / TICK.as_millis().max(1)).unwrap_or(u32::MAX)
}
