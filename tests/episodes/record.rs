//! The record that all threads of an episode share.

use std::collections::BTreeSet;
use std::fmt::Arguments;

use pmqtt::client::events::Interest;
use pmqtt::ffi::Statistics;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::account::{Account, Wrong};
use super::trace::Trace;
use super::watched::Watched;

pub struct Record {
    /// For decisions of the seed alone, and for decisions that depend on the order of threads
    /// anyway.
    pub random: StdRng,
    pub random_elsewhere: StdRng,
    trace: Trace,
    wrong: Vec<Wrong>,
    /// One for each beginning of the client, and the index of the current one.
    pub accounts: Vec<Account>,
    pub current: usize,
    /// A call ran beside `pmqtt_reinitialise`, so it is unknown to which account it belongs.
    pub is_unclear: bool,
    /// Calls of `pmqtt_reinitialise` that run, and that have run.
    pub reinitialising: u32,
    pub reinitialised: u32,
    /// The numbers of the messages that the broker has received, set at the end.
    pub arrived: BTreeSet<u64>,
    pub watched: Watched,
    /// `pmqtt_on_interest_set` runs, which calls `on_interest` at once.
    pub sets_interest: bool,
    pub life: Life,
    /// From now on, only the player makes calls, and only outside of callbacks.
    pub calm: bool,
    /// How many threads are in a call, and not in a callback inside of it.
    pub calling: u32,
    /// Callbacks that have not returned.
    pub callbacks: u32,
    /// All callbacks that have begun.
    pub callbacks_begun: u32,
    /// The program makes no more calls, so a callback of the loop thread may free the client.
    pub may_free: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    Alive,
    /// `pmqtt_client_free` runs.
    Freeing,
    /// `pmqtt_client_free` has returned in a callback, and the outer call has not.
    FreedInside,
    Gone,
}

impl Record {
    pub fn new(seed: u64) -> Record {
        Record {
            random: StdRng::seed_from_u64(seed),
            random_elsewhere: StdRng::seed_from_u64(!seed),
            trace: Trace::default(),
            wrong: Vec::new(),
            accounts: Vec::new(),
            current: 0,
            is_unclear: false,
            reinitialising: 0,
            reinitialised: 0,
            arrived: BTreeSet::new(),
            watched: Watched::default(),
            sets_interest: false,
            life: Life::Alive,
            calm: false,
            calling: 0,
            callbacks: 0,
            callbacks_begun: 0,
            may_free: false,
        }
    }

    /// A callback begins. In a client that ends with its calls, only closing descriptors are
    /// reported
    /// after the free.
    pub fn begin_callback(
        &mut self,
        name: Arguments,
        interest: Option<&Interest>,
        ends_with_calls: bool,
    ) {
        self.trace(format_args!(" {name}{{"));
        let allowed = match self.life {
            Life::Alive => true,
            Life::Freeing if !ends_with_calls => true,
            Life::Freeing | Life::FreedInside => interest.is_some_and(|told| told.closing),
            Life::Gone => false,
        };
        if !allowed {
            let detail = format!("{name}, {:?}", self.life);
            self.wrong("a callback after free", detail);
        }
        self.callbacks += 1;
        self.callbacks_begun += 1;
        match interest {
            Some(interest) => {
                let wrong = self.watched.enter(interest, self.sets_interest);
                self.note(wrong);
            }
            None => self.look(),
        }
    }

    pub fn end_callback(&mut self, is_interest: bool) {
        self.trace(format_args!("}}"));
        self.callbacks -= 1;
        if is_interest {
            self.watched.leave();
        }
    }

    pub fn account(&self) -> &Account {
        &self.accounts[self.current]
    }

    /// Checks the reported descriptors.
    pub fn look(&mut self) {
        let wrong = self.watched.look();
        self.note(wrong);
    }

    /// Checks the account of a client that has reported everything.
    pub fn check_complete(&mut self, statistics: &Statistics) {
        if !self.is_unclear {
            let wrong = self.account().check_complete(statistics);
            self.note(wrong);
        }
    }

    /// Checks all accounts, also incomplete ones, after the broker has ended.
    pub fn check(&mut self) {
        self.look();
        if !self.is_unclear {
            let accounts = self.accounts.iter();
            let checks = accounts.flat_map(|account| account.check(&self.arrived));
            let wrong: Vec<Wrong> = checks.collect();
            self.note(wrong);
        }
    }

    pub fn wrong(&mut self, kind: &'static str, detail: impl Into<String>) {
        self.note([Wrong::new(kind, detail)]);
    }

    pub fn trace(&mut self, what: Arguments) {
        self.trace.write(what);
    }

    /// All errors, and the trace.
    pub fn result(&self) -> (&[Wrong], &str) {
        (&self.wrong, self.trace.text())
    }

    fn note(&mut self, wrong: impl IntoIterator<Item = Wrong>) {
        for wrong in wrong {
            if self.wrong.contains(&wrong) {
                continue;
            }
            self.trace(format_args!(" <<{}>>", wrong.kind));
            self.wrong.push(wrong);
        }
    }
}
