//! An allocator that counts what the process holds, and that has as much memory as a test says.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static LARGEST: AtomicUsize = AtomicUsize::new(usize::MAX);

/// Returns what the process holds now. The next peak counts from here.
pub fn begin() -> usize {
    let held = HELD.load(SeqCst);
    PEAK.store(held, SeqCst);
    held
}

pub fn held() -> usize {
    HELD.load(SeqCst)
}

/// The most that the process has held since `begin`.
pub fn peak() -> usize {
    PEAK.load(SeqCst)
}

/// From now on, no single allocation may be larger than this.
pub fn set_largest(bytes: usize) {
    LARGEST.store(bytes, SeqCst);
}

fn add(bytes: usize) {
    let held = HELD.fetch_add(bytes, SeqCst) + bytes;
    PEAK.fetch_max(held, SeqCst);
}

fn is_there(bytes: usize) -> bool {
    bytes <= LARGEST.load(SeqCst)
}

// SAFETY: the system allocator does all the work, with the arguments unchanged, or the call fails.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !is_there(layout.size()) {
            return ptr::null_mut();
        }
        add(layout.size());
        // SAFETY: the caller keeps to the same contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), SeqCst);
        // SAFETY: the caller keeps to the same contract.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !is_there(size) {
            return ptr::null_mut();
        }
        match size.checked_sub(layout.size()) {
            Some(more) => add(more),
            None => drop(HELD.fetch_sub(layout.size() - size, SeqCst)),
        }
        // SAFETY: the caller keeps to the same contract.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
