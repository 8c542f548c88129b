//! An episode: a client, its requests, and the events of its callbacks.

use std::cell::Cell;
use std::fmt::{Arguments, Display};
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, ThreadId};
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};
use pmqtt::client::Handle;
use pmqtt::client::events::Interest;
use rand::Rng;

use super::account::Account;
use super::record::{Life, Record};
use super::settings::{Kind, Settings, allowed, slack};
use super::stopwatch::Stopwatch;

thread_local! {
    /// How many callbacks are on this thread's stack.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// This thread is in a call, and not in a callback inside of it.
    static CALLING: Cell<bool> = const { Cell::new(false) };
    /// The time that callbacks have taken in the present call.
    static IN_CALLBACKS: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Callbacks that were called when even the record of their episode was gone.
pub static MUCH_TOO_LATE: AtomicU32 = AtomicU32::new(0);

pub struct Episode {
    pub settings: Settings,
    /// The port of the broker.
    pub port: i32,
    pub client: AtomicPtr<Handle>,
    /// How many messages the program has created: each carries its number.
    messages: AtomicU64,
    /// The thread that plays the episode from its beginning to its end.
    player: ThreadId,
    record: Mutex<Record>,
    changed: Condvar,
    /// The userdata of callbacks: one ticket for each beginning of the client.
    tickets: Mutex<Vec<Arc<Ticket>>>,
}

pub struct Ticket {
    episode: Weak<Episode>,
    number: usize,
}

/// A call that has begun.
pub struct Call {
    pub client: *mut Handle,
    account: usize,
    began: Stopwatch,
    outer: Duration,
    limit: Duration,
    /// How often the client was reinitialised before the call; None: `pmqtt_reinitialise` ran.
    reinitialised: Option<u32>,
}

impl Episode {
    pub fn new(settings: Settings, port: i32) -> Arc<Episode> {
        Arc::new(Episode {
            record: Mutex::new(Record::new(settings.seed)),
            settings,
            port,
            client: AtomicPtr::default(),
            messages: AtomicU64::new(0),
            player: thread::current().id(),
            changed: Condvar::new(),
            tickets: Mutex::default(),
        })
    }

    /// Creates the userdata for one more beginning of the client. Returns its number, too.
    pub fn ticket(self: &Arc<Self>) -> (usize, *const Ticket) {
        let mut tickets = self.tickets.lock();
        let number = tickets.len();
        let episode = Arc::downgrade(self);
        let ticket = Arc::new(Ticket { episode, number });
        let pointer = Arc::as_ptr(&ticket);
        tickets.push(ticket);
        let mut account = Account::new(self.settings.queue.clone());
        // A loop thread reconnects by itself.
        account.reconnects = !self.ends_with_calls();
        self.record().accounts.push(account);
        (number, pointer)
    }

    pub fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock()
    }

    /// Waits for a condition. Returns whether it became true in time.
    pub fn wait_for(&self, limit: Duration, condition: impl Fn(&Record) -> bool) -> bool {
        let mut record = self.record();
        let waiting = |record: &mut Record| !condition(record);
        let limit = limit * slack();
        !self
            .changed
            .wait_while_for(&mut record, waiting, limit)
            .timed_out()
    }

    /// Draws a random number. The player has its own sequence, which other threads do not disturb.
    pub fn random(&self, below: u32) -> u32 {
        let mut record = self.record();
        let decided = depth() == 0 || self.ends_with_calls();
        let random = match decided && thread::current().id() == self.player {
            true => &mut record.random,
            false => &mut record.random_elsewhere,
        };
        random.random_range(0..below)
    }

    pub fn next_number(&self) -> u64 {
        self.messages.fetch_add(1, Ordering::Relaxed)
    }

    /// Begins a call; None: the program must not make it, or does not want to.
    pub fn begin(&self, limit: Duration, name: Arguments) -> Option<Call> {
        self.begin_as(Life::Alive, limit, name)
    }

    /// `begin` for the call that frees the client.
    pub fn begin_to_free(&self, limit: Duration) -> Option<Call> {
        self.begin_as(Life::Freeing, limit, format_args!("FREE"))
    }

    fn begin_as(&self, life: Life, limit: Duration, name: Arguments) -> Option<Call> {
        let mut record = self.record();
        let is_player = depth() == 0 && thread::current().id() == self.player;
        if record.life != Life::Alive || (record.calm && !is_player) {
            return None;
        }
        record.life = life;
        record.calling += 1;
        CALLING.set(true);
        record.trace(format_args!(" {name}"));
        record.look();
        Some(Call {
            client: self.client.load(Ordering::Relaxed),
            account: record.current,
            outer: IN_CALLBACKS.replace(Duration::ZERO),
            limit,
            reinitialised: (record.reinitialising == 0).then_some(record.reinitialised),
            began: Stopwatch::start(),
        })
    }

    /// Records the end of a call and its result.
    pub fn end(&self, call: Call, result: impl Display, note: impl FnOnce(&mut Account)) {
        let own = (call.began.elapsed()).saturating_sub(IN_CALLBACKS.replace(call.outer));
        let mut record = self.record();
        record.calling -= 1;
        CALLING.set(false);
        record.trace(format_args!("={result}"));
        if own > allowed(call.limit) {
            let detail = format!("{own:?}, and {:?} are the limit", call.limit);
            record.trace(format_args!("!{detail}"));
            record.wrong("a call takes too long", detail);
        }
        // In one thread, the order is always clear.
        let disturbed =
            record.reinitialising > 0 || call.reinitialised != Some(record.reinitialised);
        record.is_unclear |= disturbed && !self.ends_with_calls();
        note(&mut record.accounts[call.account]);
        if record.life == Life::FreedInside && self.ends_with_calls() && depth() == 0 {
            record.life = Life::Gone;
        }
        record.look();
        drop(record);
        self.changed.notify_all();
    }

    /// A call has run the client in a way that reconnects. This concerns all accounts, because the
    /// client may have been reinitialised meanwhile.
    pub fn reconnects(&self) {
        for account in &mut self.record().accounts {
            account.reconnects = true;
        }
    }

    /// This call reinitialises the client.
    pub fn begin_to_reinitialise(&self, call: &mut Call) {
        self.record().reinitialising += 1;
        call.reinitialised = call.reinitialised.map(|count| count + 1);
    }

    /// The client was reinitialised, with the ticket of this number.
    pub fn has_begun_anew(&self, ticket: usize) {
        self.record().current = ticket;
    }

    /// The reinitialised client has all its callbacks again.
    pub fn reinitialised(&self) {
        let mut record = self.record();
        record.reinitialising -= 1;
        record.reinitialised += 1;
    }

    /// Records that `pmqtt_client_free` has returned.
    pub fn freed(&self) {
        let inside = depth() > 0;
        let mut record = self.record();
        record.life = match inside {
            true => Life::FreedInside,
            false => Life::Gone,
        };
        if !inside && record.callbacks > 0 {
            record.wrong("free returns while a callback runs", "");
        }
        record.trace(format_args!(" freed"));
        drop(record);
        self.changed.notify_all();
    }

    /// Whether the client ends when the outermost call returns, because it has no thread of its
    /// own.
    fn ends_with_calls(&self) -> bool {
        self.settings.kind == Kind::OneThread
    }
}

impl Ticket {
    /// Whether only one thread makes calls.
    pub fn is_alone(&self) -> bool {
        let episode = self.episode.upgrade();
        episode.is_some_and(|episode| episode.ends_with_calls())
    }

    /// The body of each callback: records the event, and then makes calls.
    pub fn called(
        &self,
        name: Arguments,
        interest: Option<&Interest>,
        note: impl FnOnce(&mut Account),
        play: impl FnOnce(&Arc<Episode>),
    ) {
        let Some(episode) = self.episode.upgrade() else {
            MUCH_TOO_LATE.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let began = Stopwatch::start();
        let outer = IN_CALLBACKS.get();
        let calling = CALLING.replace(false);
        let mut record = episode.record();
        record.begin_callback(name, interest, episode.ends_with_calls());
        record.calling -= u32::from(calling);
        note(&mut record.accounts[self.number]);
        drop(record);
        DEPTH.set(DEPTH.get() + 1);
        play(&episode);
        DEPTH.set(DEPTH.get() - 1);
        let mut record = episode.record();
        record.end_callback(interest.is_some());
        record.calling += u32::from(calling);
        CALLING.set(calling);
        drop(record);
        episode.changed.notify_all();
        IN_CALLBACKS.set(outer + began.elapsed());
    }
}

/// How many callbacks are on this thread's stack.
pub fn depth() -> u32 {
    DEPTH.get()
}
