//! The driver runs one connection. Only the call that has the driver uses it, so the transport is
//! never used under the lock.
//!
//! | file              | idea                                                            |
//! |-------------------|-----------------------------------------------------------------|
//! | `mod`             | what a driver has, and what it waits for                        |
//! | `pass`            | all the work that needs no waiting, in the order that matters   |
//! | `read`            | from bytes to packets                                           |
//! | `batch`           | messages that are delivered with one release of the lock        |
//! | `auth`            | enhanced authentication, without a packet of the broker         |
//! | `inbound_aliases` | the topics that the broker's topic aliases stand for            |
//! | `redirect`        | the broker sends the client elsewhere                           |
//! | `output`          | writes the output of the session to the socket                  |
//! | `ending`          | how a connection ends: at once, or closed beside its successor  |
//! | `requests`        | requests of the program: subscription, ends                    |
//! | `stall`           | a message that no connection gets past                          |
//! | `interest`        | reports what to wait for to `on_interest` and event descriptor  |
//! | `deliver`         | each call of a callback                                         |
//! | `step`            | the values that the steps of a pass use                         |
//! | `pace`            | how long a pass has run                                         |
//! | `closing`         | a closing connection                                            |
//! | `read_buffer`     | bytes from the socket until they are whole packets              |
//! | `write_buffer`    | bytes of the session until the socket has them                  |
//! | `trace`           | log lines of stages and packets                                 |

mod auth;
mod batch;
mod closing;
pub mod deliver;
mod ending;
mod inbound_aliases;
pub mod interest;
mod output;
pub mod pace;
pub mod pass;
mod read;
mod read_buffer;
mod redirect;
pub mod requests;
mod stall;
mod step;
pub mod trace;
mod write_buffer;

use std::os::fd::RawFd;

use super::error::Error;
use super::state::State;
use crate::session::{Phase, Sent};
use crate::sys::{PollSet, Watch};
use crate::time::Moment;
use crate::transport::Transport;
use closing::Closing;
use inbound_aliases::InboundAliases;
use read_buffer::ReadBuffer;
use write_buffer::WriteBuffer;

#[derive(Default)]
pub struct Driver {
    epoch: u32,
    pub transport: Option<Transport>,
    input: ReadBuffer,
    /// A pass ended before everything that was read was handled.
    unhandled: bool,
    writing: WriteBuffer,
    /// The socket took less than it was offered.
    blocked: bool,
    /// Made by its first use. It ends with the connection.
    seldom: Option<Box<Seldom>>,
    /// A closing connection: the present one, or the last one before it. There is never more than
    /// one, because the older one has had the whole life of its successor to end.
    closing: Option<Box<Closing>>,
    /// Made by the first call that waits or that updates the event descriptor.
    pub waiting: Option<Box<Waiting>>,
    /// When memory may be given back the next time.
    trim_at: Moment,
    /// The callbacks between two looks at the clock in the last pass.
    stride: u8,
}

/// What few connections have.
#[derive(Default)]
struct Seldom {
    /// A write failed in a call that cannot report it: the next pass does.
    failed: Option<Error>,
    /// The broker's topic aliases.
    aliases: InboundAliases,
}

/// Memory for the descriptors to wait for, kept so that waiting allocates nothing.
#[derive(Default)]
pub struct Waiting {
    pub poll_set: PollSet,
    pub watches: Vec<Watch>,
}

impl Driver {
    /// The descriptors to wait for.
    pub fn watch(&mut self, state: &State) -> &mut Waiting {
        let (read, write) = (self.wants_read(state), self.wants_write(state));
        let waiting = self.waiting.get_or_insert_default();
        waiting.watches.clear();
        if let Some(transport) = &self.transport {
            transport.watches(write, &mut waiting.watches);
            waiting
                .watches
                .iter_mut()
                .for_each(|watch| watch.read &= read);
        }
        let closing = self.closing.as_ref();
        waiting
            .watches
            .extend(closing.and_then(|closing| closing.watch()));
        waiting
    }

    /// Whether there is work that needs no waiting, though no descriptor shows it.
    pub fn is_ready(&self, state: &State) -> bool {
        self.is_superseded(state)
            || self.has_failed()
            || self.has_to_close(state)
            || self.has_pending(state)
    }

    /// Whether the session has written everything, and the connection does not close yet.
    fn has_to_close(&self, state: &State) -> bool {
        self.transport.is_some() && state.session.is_finished()
    }

    /// Whether the program has replaced or given up the connection.
    pub fn is_superseded(&self, state: &State) -> bool {
        self.epoch != state.intent.epoch()
    }

    /// Whether the session has output, and the socket may take it.
    pub fn may_write(&self, state: &State) -> bool {
        state.session.has_output() && !self.blocked && self.is_open()
    }

    pub fn wants_write(&self, state: &State) -> bool {
        let output = state.session.phase() != Phase::Closed && state.session.has_output();
        self.has_unwritten() || output
    }

    pub fn is_open(&self) -> bool {
        self.transport.as_ref().is_some_and(Transport::is_open)
    }

    fn has_failed(&self) -> bool {
        let seldom = self.seldom.as_ref();
        seldom.is_some_and(|seldom| seldom.failed.is_some())
    }

    /// How far the bytes of the connection have come.
    fn sent(&self) -> Sent {
        let transport = self.transport.as_ref();
        Sent {
            written: transport.and_then(Transport::written),
            unacked: transport.map_or(0, Transport::unacked),
        }
    }

    /// The descriptor of the closing connection.
    pub fn closing_fd(&self) -> Option<RawFd> {
        let watch = self.closing.as_ref().and_then(|closing| closing.watch());
        watch.map(|watch| watch.fd)
    }

    /// Whether there are bytes that the socket did not take.
    pub fn has_unwritten(&self) -> bool {
        !self.writing.is_empty()
    }

    /// The client reads from the broker only while the broker takes the answers.
    fn wants_read(&self, state: &State) -> bool {
        !state.session.is_input_paused()
    }

    /// Whether a read waits until the socket is writable. A foreign loop reports that only by a call
    /// that writes.
    fn read_waits_to_write(&self) -> bool {
        let transport = self.transport.as_ref();
        transport.is_some_and(Transport::read_waits_to_write)
    }

    /// Whether there is something to handle that no descriptor shows.
    fn has_pending(&self, state: &State) -> bool {
        let transport = self.transport.as_ref();
        let held = || transport.is_some_and(Transport::has_pending);
        self.unhandled || self.wants_read(state) && held()
    }
}
