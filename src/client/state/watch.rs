//! What to wait for, and what `on_interest` was told of it.

use std::ffi::c_void;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicPtr, Ordering};

use crate::client::events::{Callback, Interest};
use crate::sys::Watch;
use crate::time::Moment;

/// What the driver waited for when it was last released.
#[derive(Default)]
pub struct Watching {
    /// The descriptor for loops that can watch only one.
    pub primary: Option<Watch>,
    /// When the transport needs a step although nothing is ready.
    pub deadline: Option<Moment>,
}

impl Watching {
    /// There is work that needs no waiting.
    pub fn set_ready(&mut self) {
        self.deadline = Some(Moment::origin());
    }

    pub fn is_ready(&self) -> bool {
        self.deadline == Some(Moment::origin())
    }
}

/// What `on_interest` was told last.
pub struct Reported {
    /// The program watches this descriptor.
    pub watch: Option<Watch>,
    pub deadline: Option<Moment>,
    /// Values that are seldom present.
    others: Option<Box<Others>>,
}

#[derive(Default)]
struct Others {
    /// A descriptor that was reported, is no longer to be watched, and is still open.
    released: Option<RawFd>,
    /// A replaced callback that has to be told that its descriptors are closed.
    retired: Option<Retired>,
}

/// The callback of a program that has reinitialised or freed the client.
pub struct Retired {
    pub callback: Callback<Interest>,
    userdata: AtomicPtr<c_void>,
    pub fds: Vec<RawFd>,
}

impl Default for Reported {
    /// Nothing was reported, and a report is due.
    fn default() -> Reported {
        Reported {
            watch: None,
            deadline: Some(Moment::origin()),
            others: None,
        }
    }
}

impl Reported {
    /// Begins again, for another callback.
    pub fn begin(&mut self) {
        let retired = self.take_retired();
        *self = Reported::default();
        if retired.is_some() {
            self.others.get_or_insert_default().retired = retired;
        }
    }

    /// Makes the time that was reported one that has passed.
    pub fn expire(&mut self) {
        self.deadline = self.deadline.map(|_| Moment::origin());
    }

    /// The watched descriptor is no longer to be watched, but stays open.
    pub fn release(&mut self, fd: RawFd) {
        self.watch = None;
        self.others.get_or_insert_default().released = Some(fd);
    }

    /// This descriptor is watched, perhaps again.
    pub fn claim(&mut self, fd: RawFd) {
        if let Some(others) = &mut self.others {
            others.released.take_if(|released| *released == fd);
            self.trim();
        }
    }

    pub fn take_retired(&mut self) -> Option<Retired> {
        let retired = self.others.as_mut()?.retired.take();
        self.trim();
        retired
    }

    /// Forgets a descriptor. Returns whether it was reported.
    pub fn forget(&mut self, fd: RawFd) -> bool {
        let watched = self.watch.take_if(|watch| watch.fd == fd).is_some();
        let others = self.others.as_mut();
        let released = others.and_then(|others| others.released.take_if(|it| *it == fd));
        self.trim();
        watched || released.is_some()
    }

    /// From now on, the callback is only told that its descriptors are closed.
    pub fn retire(&mut self, callback: Option<Callback<Interest>>, userdata: *mut c_void) {
        let watched = self.watch.take().map(|watch| watch.fd);
        let released = self
            .others
            .as_mut()
            .and_then(|others| others.released.take());
        let fds: Vec<RawFd> = watched.into_iter().chain(released).collect();
        if let Some(callback) = callback.filter(|_| !fds.is_empty()) {
            self.others.get_or_insert_default().retired = Some(Retired {
                callback,
                userdata: AtomicPtr::new(userdata),
                fds,
            });
        }
        self.trim();
    }

    fn trim(&mut self) {
        let is_empty =
            |others: &mut Box<Others>| others.released.is_none() && others.retired.is_none();
        self.others.take_if(is_empty);
    }
}

impl Retired {
    pub fn userdata(&self) -> *mut c_void {
        self.userdata.load(Ordering::Relaxed)
    }
}
