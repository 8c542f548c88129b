//! A run of messages: those of QoS 0 and 1 that follow each other in the read buffer. Nothing in the
//! state decides about one of them that has not decided about all, so that the lock is let go of once
//! for the whole run, and not for each callback.
//!
//! A run is over as soon as anybody has had the lock, but to publish: a callback may have set another
//! callback, asked for the end of the connection, or freed the client.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use parking_lot::MutexGuard;

use super::callbacks::message_event;
use super::driver::{Driver, Stop, check_epoch};
use super::receive::malformed;
use super::state::Guard;
use crate::codec::{Malformed, PacketId, QoS};

/// So many acknowledgements are due at the most before a run ends.
const ACKNOWLEDGEMENTS: usize = 64;

/// What is known of a client without its lock.
#[derive(Default)]
pub struct Flow {
    /// How often the state was locked by other than the driver at its work, and not just to publish.
    visits: AtomicU32,
    /// Messages that callbacks were given.
    messages_in: AtomicU64,
    /// A panic was caught: nothing in the client can be relied upon.
    broken: AtomicBool,
}

impl Flow {
    /// The caller has just got the lock, so that nobody else counts at the same time, and the number
    /// needs no addition that other threads may make too.
    #[inline(always)]
    pub fn visit(&self) {
        let visits = self.visits.load(Ordering::Relaxed).wrapping_add(1);
        self.visits.store(visits, Ordering::Release);
    }

    /// The caller has the driver, so that nobody else counts at the same time.
    #[inline(always)]
    pub fn count_message(&self) {
        let messages = self.messages_in().wrapping_add(1);
        self.messages_in.store(messages, Ordering::Relaxed);
    }

    pub fn messages_in(&self) -> u64 {
        self.messages_in.load(Ordering::Relaxed)
    }

    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    pub fn set_broken(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    pub fn reset(&self) {
        self.messages_in.store(0, Ordering::Relaxed);
    }

    #[inline(always)]
    fn visits(&self) -> u32 {
        self.visits.load(Ordering::Acquire)
    }
}

impl Driver {
    /// Hands over the messages that come next, as far as they are a run. False when it has none.
    #[inline(always)]
    pub(super) fn run_messages(&mut self, state: &mut Guard, flow: &Flow) -> Result<bool, Stop> {
        if state.callbacks.has_filters()
            || state.logs()
            || state.inbox.is_some()
            || !state.session.begin_run()
        {
            return Ok(false);
        }
        let version = state.session.options().version;
        let callback = state.callbacks.message;
        let (client, userdata) = (state.handle(), state.callbacks.userdata());
        let input = &mut self.input;
        let visits = flow.visits();
        let before = flow.messages_in();
        let mut due = [PacketId::MIN; ACKNOWLEDGEMENTS];
        let mut count = 0;
        let result = MutexGuard::unlocked(state, || -> Result<(), Malformed> {
            while count < due.len()
                && let Some(publish) = input.next_message(version)?
            {
                flow.count_message();
                if let Some(callback) = callback {
                    callback(client, userdata, &message_event(&publish));
                }
                if let Some(id) = publish.packet_id {
                    due[count] = id;
                    count += 1;
                }
                if flow.visits() != visits {
                    break;
                }
            }
            Ok(())
        });
        let due = &due[..count];
        check_epoch(self.epoch, state).inspect_err(|_| {
            for &id in due {
                state.delivered_late(id, QoS::AtLeastOnce);
            }
        })?;
        state.session.end_run(due);
        result.map_err(malformed)?;
        Ok(flow.messages_in() != before)
    }
}
