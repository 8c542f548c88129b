//! Replaces the system: descriptors, sleeping threads and the clock. Each schedule has one world, and
//! shuttle plays a schedule in one system thread.
//!
//! The clock stands still while any thread can run. When all threads sleep it jumps to the next
//! deadline; `pass_time` makes it jump earlier. If all threads sleep without a deadline they never
//! wake, which shuttle reports as a deadlock.

pub mod broker;
pub mod files;
pub mod sockets;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use shuttle::future::batch_semaphore::{BatchSemaphore, Fairness};

use crate::program::Program;
use crate::time::Moment;
use broker::Broker;
use files::Files;
use sockets::Sockets;

#[derive(Default)]
pub struct World {
    pub clock: Moment,
    pub(crate) files: Files,
    pub sockets: Sockets,
    pub broker: Broker,
    pub program: Program,
    /// How often each condition has been signalled.
    pub signals: HashMap<usize, u64>,
    /// What has happened: the thread, and what it did.
    notes: Vec<(usize, String)>,
    /// What must not happen, but has.
    pub faults: Vec<String>,
    sleepers: Vec<Sleeper>,
    next_sleeper: u64,
    /// The threads that have begun and not ended.
    pub threads: usize,
    next_thread: u32,
    ended: BTreeSet<u32>,
}

type Condition = Box<dyn Fn(&World) -> usize>;

struct Sleeper {
    number: u64,
    /// How many of the events that it waits for have occurred.
    ready: Condition,
    deadline: Option<Moment>,
    wake: Arc<BatchSemaphore>,
    /// The result of `ready` when it was woken; 0: its deadline has passed.
    woken: Option<usize>,
}

/// A sleep that has begun.
pub struct Sleep {
    number: u64,
    wake: Arc<BatchSemaphore>,
}

std::thread_local! {
    static WORLD: RefCell<World> = RefCell::default();
}

/// Begins a new world, which contains the calling thread.
pub fn begin() {
    let world = World {
        clock: Moment::at(1000, 0),
        threads: 1,
        ..World::default()
    };
    drop(WORLD.replace(world));
}

/// Lets another thread run here.
pub fn switch() {
    shuttle::thread::sleep(Duration::ZERO);
}

pub fn look<T>(look: impl FnOnce(&World) -> T) -> T {
    WORLD.with_borrow(look)
}

/// Changes the world, and wakes the threads that have waited for that.
pub fn change<T>(change: impl FnOnce(&mut World) -> T) -> T {
    let result = WORLD.with_borrow_mut(change);
    wake();
    result
}

pub fn now() -> Moment {
    look(|world| world.clock)
}

pub fn fault(text: String) {
    WORLD.with_borrow_mut(|world| world.faults.push(text));
}

/// Records what happens, for the reader of a schedule.
pub fn note(text: impl FnOnce() -> String) {
    let thread = shuttle::thread::current().id().into();
    WORLD.with_borrow_mut(|world| world.notes.push((thread, text())));
}

pub fn print_notes() {
    look(|world| {
        for (thread, text) in &world.notes {
            eprintln!("thread {thread}: {text}");
        }
    });
}

/// The calling thread counts as asleep from here on.
pub fn begin_sleep(deadline: Option<Moment>, ready: impl Fn(&World) -> usize + 'static) -> Sleep {
    WORLD.with_borrow_mut(|world| {
        let number = world.next_sleeper;
        world.next_sleeper += 1;
        let wake = Arc::new(BatchSemaphore::new(0, Fairness::Unfair));
        world.sleepers.push(Sleeper {
            number,
            ready: Box::new(ready),
            deadline,
            wake: Arc::clone(&wake),
            woken: None,
        });
        Sleep { number, wake }
    })
}

impl Sleep {
    /// Sleeps until `ready` holds or the deadline has passed, and returns the result of `ready`.
    pub fn wait(self) -> usize {
        note(|| format!("sleep {} begins", self.number));
        wake();
        // This fails only if the semaphore is closed, which never happens.
        let _ = self.wake.acquire_blocking(1);
        let woken = WORLD.with_borrow_mut(|world| {
            let mut sleepers = world.sleepers.iter();
            let place = sleepers.position(|sleeper| sleeper.number == self.number);
            let sleeper = world.sleepers.swap_remove(place.expect("it has slept"));
            sleeper.woken.expect("it was woken")
        });
        note(|| format!("sleep {} ends with {woken}", self.number));
        woken
    }
}

/// Sleeps until `so` holds, without a deadline.
pub fn wait_until(so: impl Fn(&World) -> bool + 'static) {
    begin_sleep(None, move |world| so(world) as usize).wait();
}

pub fn sleep(time: Duration) {
    begin_sleep(Some(now() + time), |_| 0).wait();
}

pub fn spawn(body: impl FnOnce() + Send + 'static) -> u32 {
    let thread = WORLD.with_borrow_mut(|world| {
        world.threads += 1;
        world.next_thread += 1;
        world.next_thread
    });
    shuttle::thread::spawn(move || {
        body();
        change(|world| {
            world.threads -= 1;
            world.ended.insert(thread);
        });
    });
    thread
}

pub fn join(thread: u32) {
    wait_until(move |world| world.ended.contains(&thread));
}

/// Moves the clock to the next deadline, even if other threads could run.
pub fn pass_time() {
    WORLD.with_borrow_mut(World::pass_time);
    wake();
}

pub(crate) fn close(fd: std::os::fd::RawFd) {
    note(|| format!("{fd} is closed"));
    change(|world| world.close(fd));
}

/// Wakes the threads whose conditions hold now.
fn wake() {
    let woken = WORLD.with_borrow_mut(World::wake);
    for wake in woken {
        wake.release(1);
    }
}

impl World {
    fn wake(&mut self) -> Vec<Arc<BatchSemaphore>> {
        let mut woken = self.wake_ready();
        while self.is_asleep() && self.pass_time() {
            woken.extend(self.wake_ready());
        }
        woken
    }

    fn wake_ready(&mut self) -> Vec<Arc<BatchSemaphore>> {
        let mut sleepers = std::mem::take(&mut self.sleepers);
        let mut woken = Vec::new();
        for sleeper in sleepers.iter_mut().filter(|s| s.woken.is_none()) {
            let ready = (sleeper.ready)(self);
            let is_over = sleeper.deadline.is_some_and(|at| at <= self.clock);
            if ready > 0 || is_over {
                sleeper.woken = Some(ready);
                woken.push(Arc::clone(&sleeper.wake));
            }
        }
        self.sleepers = sleepers;
        woken
    }

    /// Whether no thread can run.
    fn is_asleep(&self) -> bool {
        let asleep = self.sleepers.iter().filter(|s| s.woken.is_none());
        asleep.count() == self.threads
    }

    /// False if no thread waits for a deadline.
    fn pass_time(&mut self) -> bool {
        let asleep = self.sleepers.iter().filter(|s| s.woken.is_none());
        let deadlines = asleep.filter_map(|sleeper| sleeper.deadline);
        let deadlines = deadlines.chain(self.files.deadlines());
        let next = deadlines.filter(|at| *at > self.clock).min();
        self.clock = next.unwrap_or(self.clock);
        next.is_some()
    }
}
