//! The gate before OpenSSL, which closes when the process ends: exit makes OpenSSL free its tables
//! while other threads of the process still run. From then on no thread enters, and nothing of
//! OpenSSL's is freed.

use std::mem::{self, ManuallyDrop};
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How many calls of OpenSSL are under way.
static INSIDE: AtomicI32 = AtomicI32::new(0);
static IS_CLOSED: AtomicBool = AtomicBool::new(false);

/// How long the end of the process waits for the calls that are under way. Only PBKDF2 and callbacks of
/// the program that OpenSSL calls take any time.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a loop rests each time that it finds the gate closed.
const REST: Duration = Duration::from_millis(10);

/// One or more calls of OpenSSL.
pub struct Inside(());

/// Hold this for as long as OpenSSL is called; None: the process is ending.
#[inline]
pub fn enter() -> Option<Inside> {
    // This comes before the look at the gate: either `close` sees this call, or this call sees the
    // closed gate.
    INSIDE.fetch_add(1, Ordering::SeqCst);
    let inside = Inside(());
    (!IS_CLOSED.load(Ordering::SeqCst)).then_some(inside)
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.fetch_sub(1, Ordering::SeqCst);
    }
}

/// `enter` for a thread that may be the first: the gate closes before OpenSSL ends, since exit first
/// calls what was registered last.
pub fn enter_first() -> Option<Inside> {
    static IS_REGISTERED: AtomicBool = AtomicBool::new(false);
    openssl::init();
    // Two threads may come here at once: to close the gate twice does no harm.
    // SAFETY: the function lives as long as the library, which is never unloaded while it is registered.
    if !IS_REGISTERED.load(Ordering::Acquire) && unsafe { libc::atexit(close) } == 0 {
        IS_REGISTERED.store(true, Ordering::Release);
    }
    enter()
}

/// For loops that cannot enter: the bytes in their socket would wake them again at once.
pub fn rest() {
    thread::sleep(REST);
}

extern "C" fn close() {
    IS_CLOSED.store(true, Ordering::SeqCst);
    let begun = Instant::now();
    while INSIDE.load(Ordering::SeqCst) > 0 && begun.elapsed() < PATIENCE {
        thread::sleep(Duration::from_micros(100));
    }
}

/// For the child of a fork, which has none of the threads that were inside.
pub fn forget_after_fork() {
    INSIDE.store(0, Ordering::SeqCst);
}

/// A value of OpenSSL, which is freed only while the gate is open.
#[derive(Clone, Default)]
pub struct Kept<T>(ManuallyDrop<T>);

impl<T> Kept<T> {
    pub fn new(value: T) -> Kept<T> {
        Kept(ManuallyDrop::new(value))
    }

    pub fn into_inner(mut self) -> T {
        // SAFETY: the value is forgotten next, so it is not used again.
        let value = unsafe { ManuallyDrop::take(&mut self.0) };
        mem::forget(self);
        value
    }
}

impl<T> Drop for Kept<T> {
    fn drop(&mut self) {
        if let Some(_inside) = enter() {
            // SAFETY: the value that contains it ends here, so it is not used again.
            unsafe { ManuallyDrop::drop(&mut self.0) };
        }
    }
}

impl<T> Deref for Kept<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Kept<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}
