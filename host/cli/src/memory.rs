//! The allocator, how soon what it freed goes back to the system, and that
//! no image of memory is left behind.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Of those tried, the one whose hold on memory stays near what is in use while
/// runs begin and end on many threads for hours: `docs/serve-bench.md`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Pages and batches come and go by the megabyte: what is free goes back after
/// a tenth of a second, and at once where it was promised to the system before.
/// jemalloc reads it before `main`; its manual has the names.
#[allow(unsafe_code)]
// SAFETY: jemalloc looks for a pointer to a text that ends with a zero byte by
// this name, which nothing else in this program has.
#[unsafe(export_name = "_rjem_malloc_conf")]
pub(crate) static CONFIGURATION: &[u8; 59] =
    b"background_thread:true,dirty_decay_ms:100,muzzy_decay_ms:0\0";

/// Secrets stand in this process's memory, and would in a core file. A limit
/// of zero is always allowed; where it is not, no secret was read yet.
pub(crate) fn keep_no_core() {
    let none = Rlimit {
        current: Some(0),
        maximum: getrlimit(Resource::Core).maximum,
    };
    setrlimit(Resource::Core, none).ok();
}
