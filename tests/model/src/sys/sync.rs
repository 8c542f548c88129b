//! The locks of clients, with the functions of parking_lot that they use.

use std::ops::{Deref, DerefMut};
use std::ptr;
use std::sync::PoisonError;
use std::time::Duration;

use shuttle::sync;

use crate::time::Moment;
use crate::world;

#[derive(Default)]
pub struct Mutex<T>(sync::Mutex<T>);

pub struct MutexGuard<'a, T> {
    mutex: &'a sync::Mutex<T>,
    /// None while the lock is released.
    held: Option<sync::MutexGuard<'a, T>>,
}

impl<T> Mutex<T> {
    pub const fn new(value: T) -> Mutex<T> {
        Mutex(sync::Mutex::new(value))
    }

    pub fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard {
            mutex: &self.0,
            held: Some(lock(&self.0)),
        }
    }

    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        Some(MutexGuard {
            mutex: &self.0,
            held: Some(self.0.try_lock().ok()?),
        })
    }
}

impl<T> MutexGuard<'_, T> {
    pub fn unlocked<U>(guard: &mut Self, call: impl FnOnce() -> U) -> U {
        guard.held = None;
        let result = call();
        guard.held = Some(lock(guard.mutex));
        result
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.held.as_ref().expect("the lock is held")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.held.as_mut().expect("the lock is held")
    }
}

fn lock<T>(mutex: &sync::Mutex<T>) -> sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Its address identifies it.
#[derive(Default)]
pub struct Condvar {
    _address: u8,
}

impl Condvar {
    pub fn new() -> Condvar {
        Condvar::default()
    }

    pub fn notify_all(&self) {
        world::change(|world| *world.signals.entry(self.key()).or_default() += 1);
    }

    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        self.wait_until(guard, None);
    }

    pub fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, timeout: Duration) {
        self.wait_until(guard, Some(world::now() + timeout));
    }

    fn wait_until<T>(&self, guard: &mut MutexGuard<'_, T>, deadline: Option<Moment>) {
        let key = self.key();
        let count = move |world: &world::World| world.signals.get(&key).copied().unwrap_or(0);
        let before = world::look(count);
        // It waits from here on, so that no signal is lost while it releases the lock.
        let sleep = world::begin_sleep(deadline, move |world| (count(world) - before) as usize);
        MutexGuard::unlocked(guard, || sleep.wait());
    }

    fn key(&self) -> usize {
        ptr::from_ref(self).addr()
    }
}
