//! The allocator, how soon what it freed goes back to the system, and that
//! no image of memory is left behind.

use std::ffi::{c_int, c_long};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc's `mimalloc.h`, for which its bindings
/// have no name.
const PURGE_DELAY: c_int = 15;

/// Pages and batches come and go by the megabyte. mimalloc keeps what is free
/// for a second, which holds a third more memory than is ever in use; after
/// 10 ms it is as quick and holds next to nothing.
pub(crate) fn give_back_soon() {
    const MILLISECONDS: c_long = 10;
    // SAFETY: the option exists in the linked version and takes any number.
    #[allow(unsafe_code)]
    unsafe {
        libmimalloc_sys::mi_option_set_default(PURGE_DELAY, MILLISECONDS);
    }
}

/// Secrets stand in this process's memory, and would in a core file. A limit
/// of zero is always allowed; where it is not, no secret was read yet.
pub(crate) fn keep_no_core() {
    let none = Rlimit {
        current: Some(0),
        maximum: getrlimit(Resource::Core).maximum,
    };
    setrlimit(Resource::Core, none).ok();
}
