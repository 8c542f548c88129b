//! What there is to wait for, and what `on_interest` was told of it.

use std::ffi::c_void;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicPtr, Ordering};

use crate::client::events::{Callback, Interest};
use crate::sys::Watch;
use crate::time::Moment;

/// What the driver waited for when it was last given back.
#[derive(Default)]
pub struct Watching {
    /// The one for those who can have only one.
    pub primary: Option<Watch>,
    /// When the transport has to be looked at, though nothing is ready.
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
    /// Whoever was told of it watches that descriptor.
    pub watch: Option<Watch>,
    pub deadline: Option<Moment>,
    /// What is seldom there.
    others: Option<Box<Others>>,
}

#[derive(Default)]
struct Others {
    /// A descriptor that was told of, and is not to be watched any more, but still open.
    released: Option<RawFd>,
    /// A callback that is replaced is still to be told that what it watches is closed.
    retired: Option<Retired>,
}

/// A callback that a program which begins anew, or frees the client, has forgotten.
pub struct Retired {
    pub callback: Callback<Interest>,
    userdata: AtomicPtr<c_void>,
    pub fds: Vec<RawFd>,
}

impl Default for Reported {
    /// Nothing, and since long ago: it is time to tell.
    fn default() -> Reported {
        Reported {
            watch: None,
            deadline: Some(Moment::origin()),
            others: None,
        }
    }
}

impl Reported {
    /// Another callback is to be told from the beginning.
    pub fn begin(&mut self) {
        let retired = self.take_retired();
        *self = Reported::default();
        if retired.is_some() {
            self.others.get_or_insert_default().retired = retired;
        }
    }

    /// Nothing was told of a time that is to come.
    pub fn expire(&mut self) {
        self.deadline = self.deadline.map(|_| Moment::origin());
    }

    /// The descriptor that is watched is not to be watched any more, but stays open.
    pub fn release(&mut self, fd: RawFd) {
        self.watch = None;
        self.others.get_or_insert_default().released = Some(fd);
    }

    /// This descriptor is watched, be it again.
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

    /// Forgets a descriptor. True where it was told of.
    pub fn forget(&mut self, fd: RawFd) -> bool {
        let watched = self.watch.take_if(|watch| watch.fd == fd).is_some();
        let others = self.others.as_mut();
        let released = others.and_then(|others| others.released.take_if(|it| *it == fd));
        self.trim();
        watched || released.is_some()
    }

    /// The callback is told no more, but that its descriptors are closed.
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
