//! The account of an episode: compares the requests of the program with the reported outcomes.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::c_int;

use pmqtt::ffi;
use pmqtt::ffi::Statistics;

use super::settings::Queue;

/// An error of the library.
#[derive(Clone, PartialEq, Eq)]
pub struct Wrong {
    pub kind: &'static str,
    pub detail: String,
}

impl Wrong {
    pub fn new(kind: &'static str, detail: impl Into<String>) -> Wrong {
        let detail = detail.into();
        Wrong { kind, detail }
    }
}

/// The request that a mid stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    Message(Message),
    Subscribe,
    Unsubscribe,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// The number in its payload.
    pub number: u64,
    pub qos: c_int,
}

/// The callback that reported an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Teller {
    Publish,
    Subscribe,
    Unsubscribe,
}

/// All requests and reports from one beginning of a client to its next `reinitialise`.
#[derive(Default)]
pub struct Account {
    entries: BTreeMap<u64, Entry>,
    /// The queue options.
    queue: Queue,
    /// `pmqtt_queue_clear` was called.
    pub is_cleared: bool,
    /// The number of outcomes that were reported, now and at the last call of `on_drained`.
    told: usize,
    drained: usize,
    drained_wrongly: Option<Wrong>,
    /// Calls of `on_connect`, `on_connect_fail` and `on_disconnect`.
    pub connects: u32,
    pub connect_fails: u32,
    pub disconnects: u32,
    /// Successful calls of `pmqtt_disconnect`.
    pub disconnects_asked: u32,
    /// Successful calls of the functions that connect, and the number of attempts that they surely
    /// caused.
    /// A connect that replaces one that has not begun shares its attempt.
    attempts: u32,
    attempts_at_least: u32,
    /// The client may have reconnected by itself.
    pub reconnects: bool,
}

#[derive(Default)]
struct Entry {
    request: Option<Request>,
    told: Vec<(Teller, c_int)>,
    /// `pmqtt_cancel` was successful.
    is_cancelled: bool,
}

impl Account {
    pub fn new(queue: Queue) -> Account {
        Account {
            queue,
            ..Account::default()
        }
    }

    /// The client has accepted a request.
    pub fn asked(&mut self, mid: u64, request: Request) {
        self.entries.entry(mid).or_default().request = Some(request);
    }

    /// An outcome was reported. In another thread, it may precede the return of the requesting
    /// call.
    pub fn told(&mut self, mid: u64, teller: Teller, rc: c_int) {
        self.entries.entry(mid).or_default().told.push((teller, rc));
        self.told += 1;
    }

    pub fn cancelled(&mut self, mid: u64) {
        self.entries.entry(mid).or_default().is_cancelled = true;
    }

    /// `on_drained` was called. Another thread may have made requests since it was due.
    pub fn drained(&mut self, last_mid: u64, is_alone: bool) {
        let last = self.last_mid();
        let all = self.entries.range(..=last_mid);
        let open = all.filter(|(_, entry)| entry.told.is_empty()).count();
        if self.told == self.drained {
            let kind = "on_drained without an outcome since the last one";
            self.drained_wrongly = Some(Wrong::new(kind, ""));
        }
        if open > 0 || is_alone && last_mid < last {
            let detail = format!("{open} without outcome, mid {last_mid} of {last}");
            self.drained_wrongly = Some(Wrong::new("on_drained too early", detail));
        }
        self.drained = self.told;
    }

    /// The last known mid.
    pub fn last_mid(&self) -> u64 {
        self.entries.keys().next_back().copied().unwrap_or(0)
    }

    /// A connect was accepted. `told`: how many attempts had been reported before the call. The
    /// connect
    /// may share the attempt of an earlier one that has not begun, unless all of those were
    /// reported.
    pub fn attempted(&mut self, told: u32) {
        self.attempts += 1;
        if told >= self.attempts_at_least {
            self.attempts_at_least += 1;
        }
    }

    pub fn is_connected(&self) -> bool {
        self.connects > self.disconnects
    }

    pub fn requests(&self) -> usize {
        self.entries.len()
    }

    /// Checks what holds whenever nothing runs, even if the client has more to report. `arrived`:
    /// the
    /// messages that the broker has received.
    pub fn check(&self, arrived: &BTreeSet<u64>) -> Vec<Wrong> {
        let entries = self.entries.iter();
        let mut wrong: Vec<Wrong> = entries
            .filter_map(|(mid, entry)| self.too_much(*mid, entry, arrived))
            .collect();
        wrong.extend(self.drained_wrongly.clone());
        if self.disconnects > self.connects + self.disconnects_asked {
            wrong.push(Wrong::new(
                "more on_disconnect than on_connect and disconnect",
                self.counts(),
            ));
        }
        wrong
    }

    /// Checks what also holds when the client has ended its connection and reported everything.
    pub fn check_complete(&self, statistics: &Statistics) -> Vec<Wrong> {
        let entries = self.entries.iter();
        let mut wrong: Vec<Wrong> = entries
            .filter_map(|(mid, entry)| self.too_little(*mid, entry))
            .collect();
        let open = self.entries.values().filter(|entry| self.is_open(entry));
        let count = |rc: c_int| {
            let told = self.entries.values().flat_map(|entry| &entry.told);
            told.filter(|(_, told)| *told == rc).count()
        };
        let (open, dropped) = (open.count(), count(ffi::PMQTT_ERR_DROPPED));
        let cancelled = count(ffi::PMQTT_ERR_CANCELLED);
        let expired = count(ffi::PMQTT_ERR_EXPIRED);
        let counted = [
            statistics.unsettled,
            statistics.messages_dropped,
            statistics.messages_cancelled,
            statistics.messages_expired,
        ];
        if counted != [open, dropped, cancelled, expired].map(|count| count as u64) {
            let detail = format!(
                "{open} without outcome, {dropped} dropped, {cancelled} cancelled, {expired} expired: \
                 {counted:?}"
            );
            wrong.push(Wrong::new("the statistics are not what was told", detail));
        }
        if open == 0 && self.told > self.drained {
            wrong.push(Wrong::new("all is settled without on_drained", ""));
        }
        if self.disconnects < self.connects {
            wrong.push(Wrong::new(
                "less on_disconnect than on_connect",
                self.counts(),
            ));
        }
        wrong.extend(self.check_attempts());
        wrong
    }

    /// Each accepted attempt is reported once: by `on_connect`, by `on_connect_fail`, or by
    /// `on_disconnect` alone after `pmqtt_disconnect` and without CONNACK. The client may also
    /// report
    /// attempts that it made by itself.
    fn check_attempts(&self) -> Option<Wrong> {
        let told = self.attempts_told();
        if told < self.attempts_at_least {
            return Some(Wrong::new("an attempt told by nobody", self.counts()));
        }
        if told > self.attempts && !self.reconnects {
            return Some(Wrong::new("an attempt told twice", self.counts()));
        }
        None
    }

    pub fn attempts_told(&self) -> u32 {
        self.connect_fails + self.connects.max(self.disconnects)
    }

    fn counts(&self) -> String {
        format!(
            "attempts {} to {}, disconnects asked {}; on_connect {}, on_connect_fail {}, on_disconnect {}",
            self.attempts_at_least,
            self.attempts,
            self.disconnects_asked,
            self.connects,
            self.connect_fails,
            self.disconnects
        )
    }
}

/// The rules for an entry.
impl Account {
    /// Whether the entry is a message that may still get its outcome.
    fn is_open(&self, entry: &Entry) -> bool {
        let outlives_connections = match entry.request {
            Some(Request::Message(Message { qos: 0, .. })) => self.queue.keep_qos0,
            Some(Request::Message(_)) => true,
            _ => false,
        };
        outlives_connections && entry.told.is_empty()
    }

    fn too_little(&self, mid: u64, entry: &Entry) -> Option<Wrong> {
        let request = entry.request.filter(|_| entry.told.is_empty())?;
        match self.is_open(entry) {
            true => None,
            false => Some(Wrong::new(request.without_outcome(), format!("mid {mid}"))),
        }
    }

    fn too_much(&self, mid: u64, entry: &Entry, arrived: &BTreeSet<u64>) -> Option<Wrong> {
        let kind = match (entry.request, entry.told.as_slice()) {
            (_, []) => return None,
            (None, _) => "an outcome of what was not taken",
            (_, [_, _, ..]) => "more than one outcome",
            (Some(request), [(teller, _)]) if *teller != request.teller() => {
                "told by another callback"
            }
            (Some(Request::Message(message)), &[(_, rc)]) => {
                self.false_outcome(message, entry.is_cancelled, rc, arrived)?
            }
            (Some(_), &[(_, ffi::PMQTT_ERR_SUCCESS | ffi::PMQTT_ERR_CONN_LOST)]) => return None,
            _ => "the outcome of a request is none",
        };
        let detail = format!("mid {mid}: {:?}, told {:?}", entry.request, entry.told);
        Some(Wrong::new(kind, detail))
    }

    /// The error in the outcome of a message, if there is one. The table has a row for each
    /// outcome.
    fn false_outcome(
        &self,
        Message { number, qos }: Message,
        is_cancelled: bool,
        rc: c_int,
        arrived: &BTreeSet<u64>,
    ) -> Option<&'static str> {
        let has_arrived = arrived.contains(&number);
        let is_right = match rc {
            ffi::PMQTT_ERR_SUCCESS => qos == 0 || has_arrived,
            ffi::PMQTT_ERR_CONN_LOST => qos == 0,
            ffi::PMQTT_ERR_IN_DOUBT => qos == 2 && has_arrived,
            ffi::PMQTT_ERR_DROPPED => !has_arrived && self.queue.drops(),
            ffi::PMQTT_ERR_EXPIRED => !has_arrived && self.queue.expires,
            ffi::PMQTT_ERR_CANCELLED if is_cancelled => !has_arrived || qos == 1,
            ffi::PMQTT_ERR_CANCELLED => !has_arrived && self.is_cleared,
            _ => false,
        };
        match is_right {
            true if is_cancelled && rc != ffi::PMQTT_ERR_CANCELLED => {
                Some("cancelled, and told otherwise")
            }
            true => None,
            false => Some("an outcome that is not true"),
        }
    }
}

impl Request {
    fn teller(self) -> Teller {
        match self {
            Request::Message(_) => Teller::Publish,
            Request::Subscribe => Teller::Subscribe,
            Request::Unsubscribe => Teller::Unsubscribe,
        }
    }

    fn without_outcome(self) -> &'static str {
        match self {
            Request::Message(_) => "QoS 0 without outcome",
            Request::Subscribe => "subscribe without outcome",
            Request::Unsubscribe => "unsubscribe without outcome",
        }
    }
}
