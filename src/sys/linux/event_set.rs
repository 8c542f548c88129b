//! One descriptor for all that a client waits for: an epoll set.

use super::timer::Timer;
use super::waker::Waker;
use crate::sys::{Descriptor, Watch, check};
use crate::time::Moment;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::Arc;

/// A descriptor that is readable while a watched one is ready, after a wake, and at a deadline.
///
/// The owner that sees it readable calls [`drain`](EventSet::drain), does its work, and then calls
/// [`update`](EventSet::update) with what it waits for next.
///
/// A descriptor has to leave the set, by `update` or [`pause`](EventSet::pause), *before* it is closed.
/// The system may reuse its number at once, and the set could not see the difference. After a fork, the
/// child's copy would keep it in the set with no way to remove it.
pub struct EventSet {
    epoll: Descriptor<OwnedFd>,
    timer: Timer,
    watched: Vec<Watch>,
}

impl EventSet {
    /// A wake by `waker` makes the set readable until the waker is drained.
    pub fn new(waker: &Arc<Waker>) -> io::Result<EventSet> {
        // SAFETY: epoll_create1 takes no pointers.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        let set = EventSet {
            // SAFETY: `fd` is open and new, and nothing else owns it.
            epoll: Descriptor::new(unsafe { OwnedFd::from_raw_fd(fd) }),
            timer: Timer::new()?,
            watched: Vec::new(),
        };
        for own in [set.timer.as_raw_fd(), waker.as_raw_fd()] {
            control(&set.epoll, libc::EPOLL_CTL_ADD, reading(own))?;
        }
        Ok(set)
    }

    /// Consumes what has made the set readable, except wakes.
    pub fn drain(&mut self) {
        self.timer.drain();
    }

    /// Waits for these, each descriptor at most once, and until a deadline on the clock of `now()`.
    ///
    /// The deadline may be reported early, at a time of an earlier `update`: then look at the clock
    /// again. This makes no system call if nothing has changed or the deadline has only moved later.
    pub fn update(&mut self, watches: &[Watch], deadline: Option<Moment>) -> io::Result<()> {
        self.remove_all_but(watches);
        for watch in watches.iter().filter(|watch| !watch.is_idle()) {
            self.watch(*watch)?;
        }
        self.timer.arm(deadline)
    }

    /// Waits only for wakes until the next `update`.
    pub fn pause(&mut self) {
        self.remove_all_but(&[]);
        self.timer.disarm();
    }

    fn remove_all_but(&mut self, watches: &[Watch]) {
        let epoll = &self.epoll;
        self.watched.retain(|old| {
            let kept = |watch: &Watch| watch.fd == old.fd && !watch.is_idle();
            let keep = watches.iter().any(kept);
            if !keep {
                remove(epoll, old.fd);
            }
            keep
        });
    }

    fn watch(&mut self, watch: Watch) -> io::Result<()> {
        match self.watched.iter_mut().find(|old| old.fd == watch.fd) {
            None => {
                control(&self.epoll, libc::EPOLL_CTL_ADD, watch)?;
                self.watched.push(watch);
            }
            Some(old) if *old != watch => {
                control(&self.epoll, libc::EPOLL_CTL_MOD, watch)?;
                *old = watch;
            }
            Some(_) => {}
        }
        Ok(())
    }
}

impl AsRawFd for EventSet {
    fn as_raw_fd(&self) -> RawFd {
        self.epoll.as_raw_fd()
    }
}

fn reading(fd: RawFd) -> Watch {
    Watch {
        fd,
        read: true,
        write: false,
    }
}

fn control(epoll: &Descriptor<OwnedFd>, operation: libc::c_int, watch: Watch) -> io::Result<()> {
    let epoll = epoll.get()?;
    let read = if watch.read { libc::EPOLLIN } else { 0 };
    let write = if watch.write { libc::EPOLLOUT } else { 0 };
    let mut event = libc::epoll_event {
        events: (read | write) as u32,
        // The data is never read, as epoll_wait is never called.
        u64: 0,
    };
    // SAFETY: `epoll` is an epoll set that we own, and `event` lives through the call, which only reads
    // it. The watched descriptor may be any number: a wrong one is an error.
    let result = unsafe { libc::epoll_ctl(epoll.as_raw_fd(), operation, watch.fd, &raw mut event) };
    check(result).map(drop)
}

/// Removes a descriptor from the set. It fails only if the descriptor was closed too early, and then
/// the descriptor is already removed.
fn remove(epoll: &Descriptor<OwnedFd>, fd: RawFd) {
    let Ok(epoll) = epoll.get() else {
        return;
    };
    // SAFETY: `epoll` is an epoll set that we own, and EPOLL_CTL_DEL takes a null event.
    unsafe { libc::epoll_ctl(epoll.as_raw_fd(), libc::EPOLL_CTL_DEL, fd, ptr::null_mut()) };
}
