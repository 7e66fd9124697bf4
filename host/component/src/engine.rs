//! The one wasmtime engine of a process: its settings, its clock of epochs,
//! its pool. Settings and their reasons are measured, see ARCHITECTURE.md.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, MemoryCreator, PoolingAllocationConfig,
};

use crate::Error;

/// How often epochs advance: what a spinning guest is late by at most, and
/// the length of one slice of its time budget.
pub(crate) const TICK: Duration = Duration::from_millis(5);

const WASM_STACK: usize = 512 << 10;
const ASYNC_STACK: usize = 1 << 20;
const MAX_MEMORY: usize = 256 << 20;

/// Where instances live.
#[derive(Clone)]
pub enum Memory {
    /// Slots kept warm: a fresh instance costs microseconds. At most so many
    /// instances at once.
    Pooled { instances: u32 },
    /// Memory made by the embedder, so that a test can look into it.
    Observed(Arc<dyn MemoryCreator>),
}

/// An engine and the thread that makes its epochs pass.
pub(crate) struct Sandbox {
    pub(crate) engine: Engine,
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
        Ok(Self { engine, stop })
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
    config.wasm_memory64(false);
    config.wasm_relaxed_simd(false);
    config.wasm_backtrace_max_frames(std::num::NonZeroUsize::new(16));
    // Multi-memory stays on: components with inner adapters need it.
    config.wasm_multi_memory(true);
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
        // A component with imports is a main module, a shim and a fixup.
        .total_core_instances(instances.saturating_mul(3))
        .total_tables(instances.saturating_mul(2))
        .total_memories(instances)
        .total_stacks(instances)
        .max_memory_size(MAX_MEMORY)
        .max_core_instance_size(1 << 20)
        .max_component_instance_size(1 << 20)
        .table_elements(30_000)
        .linear_memory_keep_resident(4 << 20)
        .table_keep_resident(64 << 10)
        .max_unused_warm_slots(16)
        .pagemap_scan(Enabled::Auto);
    pool
}
