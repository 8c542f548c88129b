//! The callbacks of a client, and how one is called: with no lock held.

use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use parking_lot::MutexGuard;

use super::events::{
    Callback, ConnectFailed, Connected, Disconnected, Interest, LogLine, MessageEvent, Published,
    Subscribed, Unsubscribed, Writable,
};
use super::state::{Guard, State};
use crate::codec::{Publish, topic};

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

    pub fn userdata(&self) -> *mut c_void {
        self.userdata.load(Ordering::Relaxed)
    }

    pub fn set_userdata(&self, userdata: *mut c_void) {
        self.userdata.store(userdata, Ordering::Relaxed);
    }
}

/// Calls a callback of the program, which may do anything meanwhile, ending the client included.
#[inline(always)]
pub fn call<E>(state: &mut Guard, callback: Option<Callback<E>>, event: &E) {
    if let Some(callback) = callback {
        let client = state.handle();
        let userdata = state.callbacks.userdata();
        MutexGuard::unlocked(state, || callback(client, userdata, event));
    }
}

/// Calls each callback whose filter matches, or else the one for all messages.
pub fn call_message(state: &mut Guard, message: &MessageEvent, topic: &[u8]) {
    let mut last = 0;
    let mut matched = false;
    // Looked up anew for each call, as the one before may have added and removed filters.
    while let Some((number, callback)) = next_match(state, topic, last) {
        matched = true;
        last = number;
        call(state, Some(callback), message);
    }
    if !matched {
        let callback = state.callbacks.message;
        call(state, callback, message);
    }
}

/// A message as C gets it, which borrows from the read buffer.
#[inline(always)]
pub fn message_event(publish: &Publish) -> MessageEvent {
    MessageEvent {
        mid: publish.packet_id.map_or(0, |id| id.get().into()),
        topic: publish.topic.terminated().as_ptr().cast(),
        topic_len: publish.topic.as_bytes().len(),
        payload: address(publish.payload),
        payload_len: publish.payload.len(),
        qos: publish.qos as i32,
        retain: publish.retain,
        dup: publish.dup,
    }
}

fn next_match(state: &State, topic: &[u8], after: u64) -> Option<(u64, Callback<MessageEvent>)> {
    let filters = state.callbacks.filters.as_ref()?;
    filters.next_match(topic, after)
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

/// An empty slice still has an address, so that C never sees NULL with a length of 0.
pub fn address(bytes: &[u8]) -> *const c_void {
    ptr::from_ref(bytes).cast()
}
