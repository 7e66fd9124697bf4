//! The one wasmtime engine of a process: its settings, its clock of epochs,
//! its pool. Settings and their reasons are measured, see ARCHITECTURE.md.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tokio::sync::Semaphore;
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, MemoryCreator, PoolingAllocationConfig,
};

use crate::Error;
use crate::inspect::FEATURES;
use crate::room::{MOST_PARTS, TABLE_ELEMENTS};

/// How often epochs advance: what a spinning guest is late by at most, and
/// the length of one slice of its time budget.
pub(crate) const TICK: Duration = Duration::from_millis(5);

/// A tenant compiles one component at a time, so that no one of them keeps all
/// of these.
const COMPILING: usize = 4;

const WASM_STACK: usize = 512 << 10;
const ASYNC_STACK: usize = 1 << 20;
const MAX_MEMORY: usize = 256 << 20;
/// Of one component, adapters inside it included. Each takes gigabytes of
/// addresses, so that an instance with several takes as many places.
pub(crate) const MAX_MEMORIES: u32 = 4;
/// Of one component. A module with functions has one, and so has the shim
/// between it and its imports.
const MAX_TABLES: u32 = 2 * MAX_MEMORIES;

/// Where instances live.
#[derive(Clone)]
pub enum Memory {
    /// Slots kept warm: a fresh instance costs microseconds. At most so many
    /// instances at once, fewer of those with several memories.
    Pooled { instances: u32 },
    /// Memory made by the embedder, so that a test can look into it.
    Observed(Arc<dyn MemoryCreator>),
}

impl Memory {
    /// Instances at once.
    fn places(&self) -> usize {
        match self {
            Memory::Pooled { instances } => usize::try_from(*instances).unwrap_or(usize::MAX),
            Memory::Observed(_) => Semaphore::MAX_PERMITS,
        }
    }
}

/// An engine and the thread that makes its epochs pass.
pub(crate) struct Sandbox {
    pub(crate) engine: Engine,
    /// One for each memory of the pool, or instance without.
    pub(crate) places: Arc<Semaphore>,
    /// Turns of those who have used their share up or do not wait, at a time:
    /// one thread of the machine is left for everyone else.
    pub(crate) lane: Arc<Semaphore>,
    /// Components that are compiled at a time.
    pub(crate) compiling: Arc<Semaphore>,
    stop: Arc<AtomicBool>,
}

impl Sandbox {
    pub(crate) fn new(memory: &Memory) -> Result<Self, Error> {
        let engine = Engine::new(&config(memory)).map_err(|error| Error::Engine {
            reason: format!("{error:#}"),
        })?;
        let stop = Arc::new(AtomicBool::new(false));
        let (ticking, stopped) = (engine.weak(), stop.clone());
        let ticker = move || {
            while !stopped.load(Ordering::Relaxed) {
                thread::sleep(TICK);
                match ticking.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => return,
                }
            }
        };
        thread::Builder::new()
            .name("epochs".to_owned())
            .spawn(ticker)
            .map_err(|error| Error::Engine {
                reason: error.to_string(),
            })?;
        let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Ok(Self {
            engine,
            places: Arc::new(Semaphore::new(memory.places())),
            lane: Arc::new(Semaphore::new(threads.saturating_sub(1).max(1))),
            compiling: Arc::new(Semaphore::new(COMPILING)),
            stop,
        })
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Everything that compiled code depends on is set here and nowhere else, so
/// that the compile process and the running one always agree.
pub(crate) fn compile_config() -> Config {
    let mut config = Config::new();
    config.epoch_interruption(true);
    // The interfaces are synchronous; the async ABI would cost every call.
    config.concurrency_support(false);
    config.max_wasm_stack(WASM_STACK);
    config.async_stack_size(ASYNC_STACK);
    config.wasm_backtrace_max_frames(std::num::NonZeroUsize::new(16));
    config.wasm_features(FEATURES.complement(), false);
    config
}

fn config(memory: &Memory) -> Config {
    let mut config = compile_config();
    match memory {
        Memory::Pooled { instances } => {
            let strategy = InstanceAllocationStrategy::Pooling(pool(*instances));
            config.allocation_strategy(strategy);
        }
        Memory::Observed(creator) => {
            // Images are mapped into memory of the engine's own making only.
            config.memory_init_cow(false);
            config.with_host_memory(creator.clone());
        }
    }
    config
}

fn pool(instances: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        // Whatever one place's instance is made of is there for every place,
        // so that none of these is ever what others lack.
        .total_core_instances(instances.saturating_mul(MOST_PARTS))
        .max_core_instances_per_component(MOST_PARTS)
        .total_tables(instances.saturating_mul(MAX_TABLES))
        .max_tables_per_component(MAX_TABLES)
        .total_memories(instances)
        .total_stacks(instances)
        .max_memories_per_component(MAX_MEMORIES)
        .max_memory_size(MAX_MEMORY)
        .max_core_instance_size(1 << 20)
        .max_component_instance_size(1 << 20)
        .table_elements(TABLE_ELEMENTS)
        .linear_memory_keep_resident(4 << 20)
        .table_keep_resident(64 << 10)
        .max_unused_warm_slots(16)
        .pagemap_scan(Enabled::Auto);
    pool
}
