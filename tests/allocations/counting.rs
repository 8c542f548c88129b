//! An allocator that counts what some threads allocate, and what they hold.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static COUNT: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicIsize = AtomicIsize::new(0);

thread_local! {
    static COUNTS: Cell<bool> = const { Cell::new(false) };
}

/// From now on the allocations of this thread count.
pub fn count_this_thread() {
    COUNTS.set(true);
}

pub fn allocations() -> usize {
    COUNT.load(Ordering::SeqCst)
}

/// The bytes that these threads have allocated, minus those that they have freed.
pub fn bytes() -> isize {
    BYTES.load(Ordering::SeqCst)
}

fn count(allocations: usize, allocated: usize, freed: usize) {
    if COUNTS.get() {
        COUNT.fetch_add(allocations, Ordering::SeqCst);
        BYTES.fetch_add(allocated as isize - freed as isize, Ordering::SeqCst);
    }
}

// SAFETY: the system allocator does all the work, with the arguments unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size(), 0);
        // SAFETY: the caller keeps to the same contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size(), 0);
        // SAFETY: the caller keeps to the same contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, 0, layout.size());
        // SAFETY: the caller keeps to the same contract.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(1, size, layout.size());
        // SAFETY: the caller keeps to the same contract.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
