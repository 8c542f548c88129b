//! The library's own answers in enhanced authentication: SCRAM, with PBKDF2 in a thread.
//!
//! Nothing waits for the thread, and the thread knows nothing of the client. It puts the keys into a channel,
//! which the client looks into every 10 ms.

use std::ffi::CStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::Duration;

use crate::client::error::{Code, Error, Result};
use crate::client::events::AuthStep;
use crate::client::scram::{Exchange, Final, Refusal, Scram, Work};
use crate::codec::reason;
use crate::sys;
use crate::time::Moment;

/// The authentication method.
pub const METHOD: &CStr = c"SCRAM-SHA-256";

/// The most threads of a process that compute at the same time. More would only take the processor from each
/// other, and from the program.
const MOST: usize = 4;

/// OpenSSL's PBKDF2 needs some kilobytes.
const STACK: usize = 256 * 1024;

/// How often the client looks for the keys.
const LOOK: Duration = Duration::from_millis(10);

static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// User name and password, and how far the exchange of the present connection is.
pub struct ScramLogin {
    scram: Scram,
    stage: Stage,
}

enum Stage {
    Idle,
    Begun(Exchange),
    /// All threads are taken.
    Waiting(Work, Moment),
    Computing(Receiver<Computed>, Moment),
    Proved(Final),
}

type Computed = std::result::Result<Final, Refusal>;

impl ScramLogin {
    pub fn new(scram: Scram) -> ScramLogin {
        ScramLogin {
            scram,
            stage: Stage::Idle,
        }
    }

    /// Takes a step. Returns the client's message if it is there already; otherwise `look` returns it.
    pub fn step(&mut self, step: AuthStep, data: &[u8], now: Moment) -> Result<Option<Vec<u8>>> {
        match step {
            AuthStep::Start => self.start().map(Some),
            AuthStep::Challenge => self.challenge(data, now).map(|()| None),
            AuthStep::Done => self.done(data).map(|()| None),
        }
    }

    /// The client's first message.
    fn start(&mut self) -> Result<Vec<u8>> {
        let exchange = self.scram.begin().map_err(refused)?;
        let message = exchange.message().to_vec();
        self.stage = Stage::Begun(exchange);
        Ok(message)
    }

    /// Takes the server's first message.
    fn challenge(&mut self, message: &[u8], now: Moment) -> Result {
        let Stage::Begun(exchange) = self.take_stage() else {
            return Err(refused(Refusal::OutOfTurn));
        };
        let work = exchange.challenge(message).map_err(refused)?;
        self.compute(work, now)
    }

    /// When to look for the answer.
    pub fn look_due(&self) -> Option<Moment> {
        match &self.stage {
            Stage::Waiting(_, at) | Stage::Computing(_, at) => Some(*at),
            Stage::Idle | Stage::Begun(_) | Stage::Proved(_) => None,
        }
    }

    /// The client's last message, once it is computed.
    pub fn look(&mut self, now: Moment) -> Result<Option<Vec<u8>>> {
        match self.take_stage() {
            Stage::Waiting(work, _) => self.compute(work, now).map(|()| None),
            Stage::Computing(keys, _) => match keys.try_recv() {
                Ok(computed) => {
                    let last = computed.map_err(refused)?;
                    let message = last.message().to_vec();
                    self.stage = Stage::Proved(last);
                    Ok(Some(message))
                }
                Err(TryRecvError::Empty) => {
                    self.stage = Stage::Computing(keys, now + LOOK);
                    Ok(None)
                }
                Err(TryRecvError::Disconnected) => Err(Error::new(
                    Code::Auth,
                    "scram: the thread that computes the keys has failed",
                )),
            },
            other => {
                self.stage = other;
                Ok(None)
            }
        }
    }

    /// Takes the server's last message: without the right signature, the server does not know the user's keys.
    fn done(&mut self, message: &[u8]) -> Result {
        match self.take_stage() {
            Stage::Proved(last) => last.verify(message).map_err(refused),
            _ => Err(refused(Refusal::OutOfTurn)),
        }
    }

    fn take_stage(&mut self) -> Stage {
        std::mem::replace(&mut self.stage, Stage::Idle)
    }

    fn compute(&mut self, work: Work, now: Moment) -> Result {
        let Some(place) = Place::take() else {
            self.stage = Stage::Waiting(work, now + LOOK);
            return Ok(());
        };
        let (sender, keys) = channel();
        let body = move || {
            let computed = work.run();
            drop(place);
            // Nobody may wait any more.
            let _ = sender.send(computed);
        };
        sys::spawn("pmqtt-scram", STACK, Box::new(body))
            .map_err(|error| Error::os("scram: there is no thread to compute the keys", &error))?;
        self.stage = Stage::Computing(keys, now + LOOK);
        Ok(())
    }
}

/// The threads of a parent do not exist in the child of a fork. This only stores a number.
pub fn forget_after_fork() {
    RUNNING.store(0, Ordering::Relaxed);
}

/// One of the threads that may run.
struct Place;

impl Place {
    fn take() -> Option<Place> {
        let more = |running: usize| (running < MOST).then_some(running + 1);
        let taken = RUNNING.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        taken.is_ok().then(|| Place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, Ordering::Relaxed);
    }
}

fn refused(refusal: Refusal) -> Error {
    Error::new(Code::Auth, refusal.to_string()).parting(reason::UNSPECIFIED)
}
