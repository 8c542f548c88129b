//! The callbacks for messages that match a filter, in the order of their addition.

use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

use crate::client::events::{Callback, MessageEvent, Release};
use crate::codec::topic;
use crate::sys;

/// The callback for the messages of a filter. Each caller has a clone, so the filter may be
/// removed during the call.
///
/// Dropping the last clone releases the userdata, which calls the program. So it is dropped
/// without the lock.
#[derive(Clone)]
pub struct Handler {
    pub callback: Callback<MessageEvent>,
    /// None: the userdata of the client.
    own: Option<Arc<Userdata>>,
}

impl Handler {
    pub fn new(callback: Callback<MessageEvent>) -> Handler {
        let own = None;
        Handler { callback, own }
    }

    pub fn with_userdata(
        callback: Callback<MessageEvent>,
        userdata: *mut c_void,
        release: Option<Release>,
    ) -> Handler {
        let own = Some(Arc::new(Userdata {
            pointer: AtomicPtr::new(userdata),
            release,
            home: sys::generation(),
        }));
        Handler { callback, own }
    }

    /// None: the userdata of the client.
    pub fn userdata(&self) -> Option<*mut c_void> {
        let own = self.own.as_ref()?;
        Some(own.pointer.load(Ordering::Relaxed))
    }
}

struct Userdata {
    /// Only passed on; atomic because a raw pointer cannot be sent to another thread.
    pointer: AtomicPtr<c_void>,
    release: Option<Release>,
    /// The process that added it: a forked child calls no callback of its parent.
    home: u32,
}

impl Drop for Userdata {
    fn drop(&mut self) {
        if let Some(release) = self.release.filter(|_| self.home == sys::generation()) {
            release(*self.pointer.get_mut());
        }
    }
}

/// One handler for each filter.
#[derive(Default)]
pub struct Handlers {
    entries: Vec<Entry>,
    last_number: u64,
    /// Messages whose topic begins with this are responses to requests, and no message for a handler.
    reply_prefix: Option<Box<str>>,
    /// The last number of before a reset. A message that a handler of then has got is none for these.
    reset_at: u64,
}

struct Entry {
    filter: Box<str>,
    /// Increases with each addition; the entries are in this order.
    number: u64,
    handler: Handler,
    /// It ends with the subscription to the filter.
    is_bound: bool,
}

impl Handlers {
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.reply_prefix.is_none()
    }

    pub fn set_reply_prefix(&mut self, prefix: &str) {
        self.reply_prefix = Some(prefix.into());
    }

    /// Whether a message of this topic is a response to a request.
    pub fn is_response(&self, topic: &[u8]) -> bool {
        let prefix = self.reply_prefix.as_ref();
        prefix.is_some_and(|prefix| topic.starts_with(prefix.as_bytes()))
    }

    /// The empty table after a reset, in which numbers continue.
    pub fn successor(&self) -> Handlers {
        Handlers {
            entries: Vec::new(),
            last_number: self.last_number,
            reply_prefix: None,
            reset_at: self.last_number,
        }
    }

    /// Sets the handler of a filter. A previous one is replaced in its place, and returned.
    #[must_use]
    pub fn add(&mut self, filter: &str, handler: Handler) -> Option<Handler> {
        self.set(filter, handler, false)
    }

    /// The same with a handler that ends with the subscription to the filter.
    #[must_use]
    pub fn bind(&mut self, filter: &str, handler: Handler) -> Option<Handler> {
        self.set(filter, handler, true)
    }

    /// Ends the handler of a filter with the subscription, and returns it.
    pub fn unbind(&mut self, filter: &str) -> Option<Handler> {
        let index = self.position(filter)?;
        let is_bound = self.entries[index].is_bound;
        is_bound.then(|| self.entries.remove(index).handler)
    }

    /// Removes the handler of a filter, and returns it.
    pub fn remove(&mut self, filter: &str) -> Option<Handler> {
        let index = self.position(filter)?;
        Some(self.entries.remove(index).handler)
    }

    /// The first handler whose filter matches, of those that were added after number `after`.
    pub fn next_match(&self, topic: &[u8], after: u64) -> Option<(u64, Handler)> {
        if (1..=self.reset_at).contains(&after) {
            return None;
        }
        self.entries
            .iter()
            .find(|entry| entry.number > after && topic::matches(&entry.filter, topic))
            .map(|entry| (entry.number, entry.handler.clone()))
    }

    fn set(&mut self, filter: &str, handler: Handler, is_bound: bool) -> Option<Handler> {
        if let Some(index) = self.position(filter) {
            let entry = &mut self.entries[index];
            entry.is_bound = is_bound;
            return Some(std::mem::replace(&mut entry.handler, handler));
        }
        self.last_number += 1;
        self.entries.push(Entry {
            filter: filter.into(),
            number: self.last_number,
            handler,
            is_bound,
        });
        None
    }

    fn position(&self, filter: &str) -> Option<usize> {
        self.entries.iter().position(|e| &*e.filter == filter)
    }
}
