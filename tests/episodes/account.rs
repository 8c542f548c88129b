//! What a program was told, held against what it asked for.

use std::collections::BTreeMap;

/// Something that the library has done wrong.
#[derive(PartialEq, Eq)]
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

/// What a mid stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// QoS 0.
    Fleeting,
    /// QoS 1 and 2.
    Kept,
    Subscribe,
    Unsubscribe,
}

/// Which callback told an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Teller {
    Publish,
    Subscribe,
    Unsubscribe,
}

/// All that was asked for and told between two beginnings of a client.
#[derive(Default)]
pub struct Account {
    entries: BTreeMap<u64, Entry>,
    /// Calls of `on_connect`, `on_connect_fail` and `on_disconnect`.
    pub connects: u32,
    pub connect_fails: u32,
    pub disconnects: u32,
    /// Successful calls of `pmqtt_disconnect`.
    pub disconnects_asked: u32,
    /// Successful calls of the functions that connect, and how many of them were surely no repetition
    /// of one before: a connect that replaces one that has not begun is one attempt with it.
    attempts: u32,
    attempts_at_least: u32,
    /// The client may have made attempts of its own.
    pub reconnects: bool,
}

#[derive(Default)]
struct Entry {
    request: Option<Request>,
    told: Vec<Teller>,
}

impl Account {
    /// The client has taken this.
    pub fn asked(&mut self, mid: u64, request: Request) {
        self.entries.entry(mid).or_default().request = Some(request);
    }

    /// An outcome. In another thread it may come before the call that asked has returned.
    pub fn told(&mut self, mid: u64, teller: Teller) {
        self.entries.entry(mid).or_default().told.push(teller);
    }

    /// A connect was taken. It may repeat one that had not begun, unless so many attempts had been
    /// told of before the call.
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

    /// What holds whenever nothing runs, though the client may have more to tell.
    pub fn check(&self) -> Vec<Wrong> {
        let mut wrong: Vec<Wrong> = self.entries.iter().filter_map(too_much).collect();
        if self.disconnects > self.connects + self.disconnects_asked {
            wrong.push(Wrong::new(
                "more on_disconnect than on_connect and disconnect",
                self.counts(),
            ));
        }
        wrong
    }

    /// What holds when the client has ended its connection and told all; `unsettled` is what
    /// its statistics say.
    pub fn check_complete(&self, unsettled: u64) -> Vec<Wrong> {
        let mut wrong = self.check();
        wrong.extend(self.entries.iter().filter_map(too_little));
        let open = self.entries.values().filter(|entry| entry.is_open());
        let open = open.count();
        if open as u64 != unsettled {
            let detail = format!("{open} without outcome, {unsettled} unsettled");
            wrong.push(Wrong::new("stats.unsettled is not what is open", detail));
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

    /// Each attempt that the client has taken is told of once: by `on_connect`, by
    /// `on_connect_fail`, or, after `pmqtt_disconnect` and without CONNACK, by `on_disconnect`
    /// alone. It may be told of attempts that the client made by itself too.
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

impl Entry {
    /// A message that may still have its outcome.
    fn is_open(&self) -> bool {
        self.request == Some(Request::Kept) && self.told.is_empty()
    }
}

impl Request {
    fn teller(self) -> Teller {
        match self {
            Request::Fleeting | Request::Kept => Teller::Publish,
            Request::Subscribe => Teller::Subscribe,
            Request::Unsubscribe => Teller::Unsubscribe,
        }
    }

    fn without_outcome(self) -> &'static str {
        match self {
            Request::Fleeting => "QoS 0 without outcome",
            Request::Kept => "QoS 1 or 2 without outcome",
            Request::Subscribe => "subscribe without outcome",
            Request::Unsubscribe => "unsubscribe without outcome",
        }
    }
}

fn too_much((mid, entry): (&u64, &Entry)) -> Option<Wrong> {
    let detail = || format!("mid {mid}: {:?}, told {:?}", entry.request, entry.told);
    let kind = match (entry.request, entry.told.as_slice()) {
        (None, _) => "an outcome of what was not taken",
        (_, [_, _, ..]) => "more than one outcome",
        (Some(request), [teller]) if *teller != request.teller() => "told by another callback",
        _ => return None,
    };
    Some(Wrong::new(kind, detail()))
}

fn too_little((mid, entry): (&u64, &Entry)) -> Option<Wrong> {
    let request = entry.request.filter(|_| entry.told.is_empty())?;
    match request {
        Request::Kept => None,
        _ => Some(Wrong::new(request.without_outcome(), format!("mid {mid}"))),
    }
}
