//! Linear memories that a test can look into, with the layout that compiled
//! code relies on.

// Making memory for wasm and reading it behind the engine's back cannot be
// done in safe code; each use says why it is sound.
#![allow(unsafe_code)]

use std::ptr::{self, NonNull};
use std::slice;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use wasmtime::{LinearMemory, MemoryCreator, MemoryType};

/// Address space of one memory: what the guest has, then what it may grow
/// into, then the guard. Everything behind `bytes` faults.
struct Region {
    base: NonNull<u8>,
    mapped: usize,
    /// Without the guard.
    capacity: usize,
    bytes: AtomicUsize,
}

// SAFETY: the region is plain memory that stays where it is until dropped;
// its only changing field is atomic.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

impl Region {
    fn new(bytes: usize, capacity: usize, guard: usize) -> Result<Self, String> {
        let capacity = capacity.next_multiple_of(64 << 10).max(64 << 10);
        let mapped = capacity + guard;
        let nothing = ProtFlags::empty();
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: a new mapping wherever the kernel likes touches nothing.
        let base = unsafe { mmap_anonymous(ptr::null_mut(), mapped, nothing, flags) };
        let base = base.map_err(|error| error.to_string())?;
        let region = Self {
            base: NonNull::new(base.cast()).ok_or("mapped at nothing")?,
            mapped,
            capacity,
            bytes: AtomicUsize::new(0),
        };
        region.grow(bytes)?;
        Ok(region)
    }

    fn grow(&self, bytes: usize) -> Result<(), String> {
        if bytes > self.capacity {
            return Err(format!("{bytes} of {} bytes", self.capacity));
        }
        let open = MprotectFlags::READ | MprotectFlags::WRITE;
        // SAFETY: within this region's own mapping, whose length was checked.
        unsafe { mprotect(self.base.as_ptr().cast(), bytes, open) }
            .map_err(|error| error.to_string())?;
        self.bytes.store(bytes, Ordering::SeqCst);
        Ok(())
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: the mapping is this region's, and nobody else holds it.
        unsafe { munmap(self.base.as_ptr().cast(), self.mapped) }.unwrap();
    }
}

struct Linear(Arc<Region>);

// SAFETY: the base never moves, `byte_size` bytes from it can be read and
// written, and the rest of the reservation and the guard fault.
unsafe impl LinearMemory for Linear {
    fn byte_size(&self) -> usize {
        self.0.bytes.load(Ordering::SeqCst)
    }

    fn byte_capacity(&self) -> usize {
        self.0.capacity
    }

    fn grow_to(&mut self, bytes: usize) -> wasmtime::Result<()> {
        self.0.grow(bytes).map_err(wasmtime::Error::msg)
    }

    fn as_ptr(&self) -> *mut u8 {
        self.0.base.as_ptr()
    }
}

/// Makes memories and keeps an eye on those that live.
#[derive(Default)]
pub(crate) struct Memories(Mutex<Vec<Weak<Region>>>);

impl Memories {
    /// Looks at every living memory; gives how many there are. No guest may
    /// be running: the engine's calls must all have returned.
    pub(crate) fn each(&self, mut look: impl FnMut(&[u8])) -> usize {
        let mut regions = self.0.lock().unwrap();
        regions.retain(|region| region.strong_count() > 0);
        let mut count = 0;
        for region in regions.iter().filter_map(Weak::upgrade) {
            let bytes = region.bytes.load(Ordering::SeqCst);
            // SAFETY: so many bytes are mapped and readable, and the mapping
            // lives as long as `region`. Guests run on this thread only, so
            // none writes while this one looks.
            look(unsafe { slice::from_raw_parts(region.base.as_ptr(), bytes) });
            count += 1;
        }
        count
    }
}

// SAFETY: see `Linear`: the reservation and the guard are as large as asked,
// and a memory that was not reserved in full is as large as it may become.
unsafe impl MemoryCreator for Memories {
    fn new_memory(
        &self,
        _: MemoryType,
        minimum: usize,
        maximum: Option<usize>,
        reserved: Option<usize>,
        guard: usize,
    ) -> Result<Box<dyn LinearMemory>, String> {
        let capacity = reserved.or(maximum).unwrap_or(4 << 30).max(minimum);
        let region = Arc::new(Region::new(minimum, capacity, guard)?);
        self.0.lock().unwrap().push(Arc::downgrade(&region));
        Ok(Box::new(Linear(region)))
    }
}
