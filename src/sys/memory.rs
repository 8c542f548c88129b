//! Returns freed memory to the system.

/// The GNU C library keeps freed memory while anything above it in the heap is in use, which may be for
/// ever. This takes some milliseconds for each 100 MiB of heap. Other libraries need no call.
pub fn return_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it only looks for whole pages that are free, under the allocator's own locks.
    unsafe {
        libc::malloc_trim(0);
    }
}
