//! A batch of messages: consecutive QoS 0 and 1 messages in the read buffer. The state decides
//! about all of them in the same way, so the lock is released once for the batch, and not for
//! each callback.
//!
//! A batch ends once another call has had the lock, except to publish. A callback may have set
//! another callback, requested the end of the connection, or freed the client.

use super::Driver;
use super::deliver::no_message;
use super::step::{Pass, Step, malformed};
use crate::codec::{Malformed, PacketId, QoS};
use crate::sys::sync::MutexGuard;

/// A batch ends when this many acknowledgements are due.
const ACKNOWLEDGEMENTS: usize = 64;

impl Driver {
    /// Delivers the next messages in the read buffer that form a batch. Returns false if there are
    /// none.
    #[inline(always)]
    pub(super) fn deliver_batch(&mut self, pass: &mut Pass) -> Step<bool> {
        match pass.state.session.version().rules().is_extended {
            true => self.deliver_extended(pass),
            false => self.deliver::<false>(pass),
        }
    }

    /// Compiled by itself, so that it costs a connection of MQTT 3 nothing.
    #[inline(never)]
    fn deliver_extended(&mut self, pass: &mut Pass) -> Step<bool> {
        self.deliver::<true>(pass)
    }

    #[inline(always)]
    fn deliver<const EXTENDED: bool>(&mut self, pass: &mut Pass) -> Step<bool> {
        let state = &mut *pass.state;
        if state.callbacks.has_handlers() || state.logs_packets() || state.inbox.is_some() {
            return Ok(false);
        }
        if !state.session.begin_batch() {
            return Ok(false);
        }
        let version = state.session.version();
        let callback = state.callbacks.message;
        let (client, userdata) = (state.handle(), state.callbacks.userdata());
        let (input, seldom) = (&mut self.input, &mut self.seldom);
        let alias_maximum = state.session.alias_maximum();
        let (unlocked, pace) = (pass.unlocked, &mut pass.pace);
        let generation = unlocked.generation();
        let before = unlocked.messages_in();
        let mut due = [PacketId::MIN; ACKNOWLEDGEMENTS];
        let mut count = 0;
        // Set anew for each message, field by field: most of them have no properties.
        let mut event = no_message();
        let result = MutexGuard::unlocked(state, || -> Result<(), Malformed> {
            while count < due.len()
                && let Some(mut publish) = input.next_message::<EXTENDED>(version)?
            {
                if EXTENDED && let Some(alias) = publish.topic_alias {
                    let aliases = &mut seldom.get_or_insert_default().aliases;
                    publish.topic = aliases.resolve(alias, publish.topic, alias_maximum)?;
                }
                unlocked.count_message();
                if let Some(callback) = callback {
                    let mid = publish.packet_id.map_or(0, |id| id.get().into());
                    event.set(&publish, mid);
                    if EXTENDED {
                        event.properties = publish.properties.into();
                    }
                    callback(client, userdata, &event);
                }
                if let Some(id) = publish.packet_id {
                    due[count] = id;
                    count += 1;
                }
                let is_pause_due = pace.tick() && pace.is_pause_due();
                if unlocked.generation() != generation || is_pause_due {
                    break;
                }
            }
            Ok(())
        });
        let due = &due[..count];
        pass.check_epoch().inspect_err(|_| {
            for &id in due {
                pass.state.session.delivered_late(id, QoS::AtLeastOnce);
            }
        })?;
        pass.state.session.end_batch(due);
        result.map_err(malformed)?;
        Ok(unlocked.messages_in() != before)
    }
}
