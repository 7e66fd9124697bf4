//! The allocator, and how soon what it freed goes back to the system.

use std::ffi::{c_int, c_long};

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
