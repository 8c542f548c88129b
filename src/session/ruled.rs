//! Publishing once the program has used queue options, time limits or cancelling.

use super::give_up::Newcomer;
use super::refused::Refused;
use super::request::{PublishError, overhead};
use super::{Cancel, OUTPUT, QueueOptions, Session};
use crate::codec::{NoMemory, Publishable, QoS};
use crate::time::Moment;

/// The way that a message takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A QoS 0 message goes to the output.
    Straight,
    /// A QoS 0 message waits in the queue.
    Kept,
    /// A QoS 1 or 2 message is sent at once.
    Sent,
    Queued,
}

impl Session {
    /// Sets how the queue treats messages that wait. Applies from the next message on.
    pub fn set_queue_options(&mut self, options: QueueOptions) {
        self.outgoing.set_queue_options(options);
    }

    /// Cancels a message.
    pub fn cancel(&mut self, mid: u64) -> Cancel {
        let cancel = self.outgoing.cancel(mid);
        self.announce_room();
        cancel
    }

    /// Cancels all messages that were never sent.
    pub fn clear_queue(&mut self) {
        self.outgoing.clear();
        self.announce_room();
    }

    /// How many messages were cancelled.
    pub fn cancelled(&self) -> u64 {
        self.outgoing.cancelled()
    }

    /// How many messages were dropped for others.
    pub fn dropped(&self) -> u64 {
        self.outgoing.dropped()
    }

    /// Whether the program has used queue options, time limits or cancelling.
    pub fn is_ruled(&self) -> bool {
        self.outgoing.has_queue_options()
    }

    /// `publish` with queue options and time limits.
    #[cold]
    #[inline(never)]
    pub(super) fn publish_ruled(
        &mut self,
        message: &Publishable,
        until: Option<Moment>,
        now: Moment,
    ) -> Result<u64, PublishError> {
        let mid = self.last_mid + 1;
        let Some(way) = self.way(message.qos) else {
            self.last_mid = mid;
            return Err(PublishError::NotConnected { mid });
        };
        let newest_only = self.outgoing.queue_options().newest_only && way.waits();
        let older = match newest_only {
            true => self.outgoing.newest(message.topic),
            false => None,
        };
        let counted = match way {
            Way::Straight => QoS::AtMostOnce,
            Way::Kept | Way::Sent | Way::Queued => message.qos.max(QoS::AtLeastOnce),
        };
        let bytes = message.topic.len() + message.payload.len() + overhead(counted);
        let count = self.outgoing.room_for(&Newcomer {
            bytes,
            elsewhere: self.output.bytes(),
            most_bytes: self.options.max_queued_bytes,
            most_messages: match way {
                Way::Straight => 0,
                Way::Kept | Way::Sent | Way::Queued => self.options.max_queued_messages,
            },
            older,
        });
        let Some(count) = count else {
            self.outgoing.refused = Refused::new(counted, bytes);
            return Err(PublishError::QueueFull);
        };
        if newest_only {
            self.outgoing.reserve_newest()?;
        }
        self.take(mid, message, way, until, now)?;
        if newest_only {
            self.outgoing.is_newest(message.topic);
        }
        self.outgoing.make_room(older, count);
        self.last_mid = mid;
        // At QoS 0, NotConnected would say that the message is dropped.
        match self.is_open() || way == Way::Kept {
            true => Ok(mid),
            false => Err(PublishError::NotConnected { mid }),
        }
    }

    /// None: the message is dropped, because there is no connection.
    fn way(&self, qos: QoS) -> Option<Way> {
        let is_open = self.is_open();
        if qos != QoS::AtMostOnce {
            let waits =
                !self.may_send() || !self.outgoing.is_next() || self.output.unwritten() >= OUTPUT;
            return Some(if waits { Way::Queued } else { Way::Sent });
        }
        // Kept messages go first.
        if is_open && !self.outgoing.has_kept() && !self.keeps_for_connack() {
            return Some(Way::Straight);
        }
        (is_open || self.outgoing.queue_options().keep_qos0).then_some(Way::Kept)
    }

    fn take(
        &mut self,
        mid: u64,
        message: &Publishable,
        way: Way,
        until: Option<Moment>,
        now: Moment,
    ) -> Result<(), NoMemory> {
        match way {
            Way::Straight => {
                self.output.put_message(message)?;
                self.output.mark_at_most_once(mid);
                return Ok(());
            }
            Way::Kept => self.outgoing.push_kept(mid, message)?,
            // Without a free identifier, `Sent` is queued after all. It has nothing to replace,
            // because no other message waits.
            Way::Sent | Way::Queued => self.publish_acknowledged::<true>(mid, message, now)?,
        }
        if let Some(until) = until {
            self.outgoing.limit_last(until, self.extended.is_some());
        }
        Ok(())
    }
}

impl Way {
    fn waits(self) -> bool {
        matches!(self, Way::Kept | Way::Queued)
    }
}
