//! The table of a program's callbacks, and the filters of those for some topics alone.

use std::ffi::c_void;
use std::sync::atomic::{AtomicPtr, Ordering};

use crate::client::events::{
    Callback, ConnectFailed, Connected, Disconnected, Interest, LogLine, MessageEvent, Published,
    Subscribed, Unsubscribed, Writable,
};
use crate::codec::topic;

/// The callbacks that a program has set.
pub struct Callbacks {
    pub connect: Option<Callback<Connected>>,
    pub connect_fail: Option<Callback<ConnectFailed>>,
    pub disconnect: Option<Callback<Disconnected>>,
    pub message: Option<Callback<MessageEvent>>,
    pub publish: Option<Callback<Published>>,
    pub subscribe: Option<Callback<Subscribed>>,
    pub unsubscribe: Option<Callback<Unsubscribed>>,
    pub writable: Option<Callback<Writable>>,
    pub log: Option<Callback<LogLine>>,
    pub interest: Option<Callback<Interest>>,
    pub filters: Option<Box<Filters>>,
    /// Only handed through; atomic because a pointer cannot be sent to another thread as it is.
    userdata: AtomicPtr<c_void>,
}

impl Callbacks {
    pub fn new(userdata: *mut c_void) -> Callbacks {
        Callbacks {
            connect: None,
            connect_fail: None,
            disconnect: None,
            message: None,
            publish: None,
            subscribe: None,
            unsubscribe: None,
            writable: None,
            log: None,
            interest: None,
            filters: None,
            userdata: AtomicPtr::new(userdata),
        }
    }

    pub fn has_filters(&self) -> bool {
        let filters = self.filters.as_ref();
        filters.is_some_and(|filters| !filters.entries.is_empty())
    }

    /// The first filter that matches, of those that were added after number `after`.
    pub fn next_match(&self, topic: &[u8], after: u64) -> Option<(u64, Callback<MessageEvent>)> {
        self.filters.as_ref()?.next_match(topic, after)
    }

    pub fn userdata(&self) -> *mut c_void {
        self.userdata.load(Ordering::Relaxed)
    }

    pub fn set_userdata(&self, userdata: *mut c_void) {
        self.userdata.store(userdata, Ordering::Relaxed);
    }
}

/// Callbacks for the messages that match a filter.
#[derive(Default)]
pub struct Filters {
    entries: Vec<Entry>,
    last_number: u64,
}

struct Entry {
    filter: Box<str>,
    /// Counts up with each addition, and the entries are in its order.
    number: u64,
    callback: Callback<MessageEvent>,
}

impl Filters {
    /// Sets the callback of a filter; one that it had is replaced.
    pub fn add(&mut self, filter: &str, callback: Callback<MessageEvent>) {
        match self.position(filter) {
            Some(index) => self.entries[index].callback = callback,
            None => {
                self.last_number += 1;
                self.entries.push(Entry {
                    filter: filter.into(),
                    number: self.last_number,
                    callback,
                });
            }
        }
    }

    /// False when the filter has no callback.
    pub fn remove(&mut self, filter: &str) -> bool {
        let index = self.position(filter);
        index.map(|index| self.entries.remove(index)).is_some()
    }

    fn position(&self, filter: &str) -> Option<usize> {
        self.entries.iter().position(|e| &*e.filter == filter)
    }

    fn next_match(&self, topic: &[u8], after: u64) -> Option<(u64, Callback<MessageEvent>)> {
        self.entries
            .iter()
            .find(|entry| entry.number > after && topic::matches(&entry.filter, topic))
            .map(|entry| (entry.number, entry.callback))
    }
}
