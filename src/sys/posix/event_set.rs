//! One descriptor for all that a client waits for: a waker, and a thread that polls.

use super::waker::Waker;
use crate::sys::{PollSet, Watch, now, spawn};
use crate::time::Moment;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const STACK: usize = 128 * 1024;

/// A descriptor that is readable while a watched one is ready, after a wake, and at a deadline.
///
/// The owner that sees it readable calls [`drain`](EventSet::drain), does its work, and then calls
/// [`update`](EventSet::update) with what it waits for next. The helper thread makes one report for
/// each update, so a descriptor that stays ready cannot make it spin.
///
/// A descriptor has to leave the set, by `update` or [`pause`](EventSet::pause), *before* it is closed:
/// the system may reuse its number at once, and the set could not see the difference.
pub struct EventSet {
    shared: Arc<Shared>,
    helper: Option<JoinHandle<()>>,
}

impl EventSet {
    /// A wake by `waker` makes the set readable until the waker is drained.
    pub fn new(waker: &Arc<Waker>) -> io::Result<EventSet> {
        let shared = Arc::new(Shared {
            order: Mutex::default(),
            ordered: Waker::new()?,
            ready: Arc::clone(waker),
        });
        let helper = spawn("pmqtt-events", STACK, {
            let shared = Arc::clone(&shared);
            Box::new(move || shared.serve())
        })?;
        Ok(EventSet {
            shared,
            helper: Some(helper),
        })
    }

    /// Consumes what has made the set readable.
    pub fn drain(&mut self) {
        self.shared.ready.drain();
    }

    /// Waits for these, each descriptor at most once, and until a deadline on the clock of `now()`.
    ///
    /// This makes no system call if nothing has changed or the deadline has only moved later.
    pub fn update(&mut self, watches: &[Watch], deadline: Option<Moment>) -> io::Result<()> {
        let mut order = self.shared.order();
        let sooner = deadline.is_some_and(|new| order.deadline.is_none_or(|old| new < old));
        let unchanged = order.armed && !sooner && order.watches == watches;
        order.deadline = deadline;
        if !unchanged {
            order.armed = true;
            order.watches.clear();
            order.watches.extend_from_slice(watches);
            self.shared.publish(&mut order);
        }
        Ok(())
    }

    /// Waits only for wakes until the next `update`.
    pub fn pause(&mut self) {
        let mut order = self.shared.order();
        order.armed = false;
        order.deadline = None;
        order.watches.clear();
        self.shared.publish(&mut order);
    }
}

impl AsRawFd for EventSet {
    fn as_raw_fd(&self) -> RawFd {
        self.shared.ready.as_raw_fd()
    }
}

impl Drop for EventSet {
    fn drop(&mut self) {
        let mut order = self.shared.order();
        order.stop = true;
        self.shared.publish(&mut order);
        drop(order);
        if let Some(helper) = self.helper.take() {
            // The helper runs only the code of this file, and waits only for `ordered`.
            let _ = helper.join();
        }
    }
}

struct Shared {
    order: Mutex<Order>,
    /// Tells the helper that the order has changed.
    ordered: Waker,
    /// Tells the owner that there is something to do.
    ready: Arc<Waker>,
}

/// What the helper waits for.
#[derive(Default)]
struct Order {
    watches: Vec<Watch>,
    deadline: Option<Moment>,
    /// The owner wants a report: the helper makes one and rests until the next update.
    armed: bool,
    stop: bool,
    /// Counts the changes that the helper has to see.
    version: u64,
}

impl Shared {
    fn order(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Call this with the lock held, as `ordered` is drained with it held. So a wake that the helper
    /// sees always means a version that it has not read.
    fn publish(&self, order: &mut Order) {
        order.version += 1;
        self.ordered.wake();
    }

    /// The helper thread's loop.
    fn serve(&self) {
        let mut poll = PollSet::default();
        let mut watches = Vec::new();
        while let Some((version, timeout)) = self.read_order(&mut watches) {
            let ready = poll.wait(&watches, timeout);
            if ready.is_err() {
                // The kernel has no memory: the owner may look, but neither thread may spin.
                thread::sleep(Duration::from_millis(20));
            }
            self.report(version, !matches!(ready, Ok(0)));
        }
    }

    /// What to wait for, and for how long; `None` when the helper has to end.
    fn read_order(&self, watches: &mut Vec<Watch>) -> Option<(u64, Option<Duration>)> {
        let order = self.order();
        self.ordered.drain();
        watches.clear();
        watches.push(Watch {
            fd: self.ordered.as_raw_fd(),
            read: true,
            write: false,
        });
        let mut timeout = None;
        if order.armed {
            watches.extend_from_slice(&order.watches);
            timeout = order.deadline.map(|at| at.since(now()));
        }
        (!order.stop).then_some((order.version, timeout))
    }

    /// Wakes the owner if the helper's wait has ended and its outcome is still wanted.
    fn report(&self, version: u64, ready: bool) {
        let mut order = self.order();
        let due = order.deadline.is_some_and(|at| at <= now());
        if order.version == version && order.armed && (ready || due) {
            order.armed = false;
            self.ready.wake();
        }
    }
}
