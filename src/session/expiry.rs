//! Time limits of messages that wait. A message whose time is over is given up and never sent.
//!
//! The session checks each limit before it sends the message. Meanwhile it checks all limits in
//! rounds (`limits`), a part at a time.

use super::Session;
use super::outgoing::Outgoing;
use super::output::Output;
use super::packet_ids::{PacketIds, Use};
use super::request::PublishError;
use super::send::send;
use super::slot::{Slot, Stage};
use super::waiting::GivenUp;
use crate::codec::{Publishable, Version};
use crate::time::Moment;

/// How many slots are checked at a time.
const PART: usize = 4096;

impl Session {
    /// `publish` of a message that is not sent at `until` or later.
    pub fn publish_until(
        &mut self,
        message: &Publishable,
        until: Moment,
        now: Moment,
    ) -> Result<u64, PublishError> {
        if until > now {
            self.check_fit(message)?;
            return self.publish_ruled(message, Some(until), now);
        }
        self.last_mid += 1;
        self.outgoing.tell_end(self.last_mid, GivenUp::Expired);
        Ok(self.last_mid)
    }

    /// Whether a message that waits has a time limit.
    #[inline(always)]
    pub fn has_limits(&self) -> bool {
        self.expiry_due().is_some()
    }

    /// When to call `expire`; None: no message that waits has a time limit.
    #[inline(always)]
    pub fn expiry_due(&self) -> Option<Moment> {
        self.outgoing.expiry_due()
    }

    /// Gives up messages whose time is over, and sends the messages behind them. If many wait, it checks
    /// a part of them.
    pub fn expire(&mut self, now: Moment) {
        if self.expiry_due().is_some_and(|at| now >= at) {
            self.outgoing.expire(now);
            self.pump(now);
            self.announce_room();
        }
    }

    /// How many messages were given up because their time was over.
    pub fn expired(&self) -> u64 {
        self.outgoing.expired()
    }
}

impl Outgoing {
    /// How many messages were given up because their time was over.
    pub fn expired(&self) -> u64 {
        self.waiting.as_ref().map_or(0, |waiting| waiting.expired)
    }

    #[inline(always)]
    fn expiry_due(&self) -> Option<Moment> {
        self.waiting.as_ref()?.limits.due()
    }

    /// Sets the time limit of the last message. If it is sent already, the limit matters only where
    /// PUBLISH states it.
    pub fn limit_last(&mut self, until: Moment, is_extended: bool) {
        let place = self.end.wrapping_sub(1) as usize & (self.slots.len() - 1);
        let slot = &mut self.slots[place];
        if slot.waits() || is_extended {
            slot.sent_at = until;
        }
        if !slot.waits() {
            return;
        }
        if slot.stage == Stage::Queued {
            slot.stage = Stage::Limited;
        }
        self.waiting.get_or_insert_default().limits.add(until);
    }

    /// Checks the next part of the messages that wait.
    #[cold]
    fn expire(&mut self, now: Moment) {
        let Some(waiting) = &mut self.waiting else {
            return;
        };
        let mut seq = waiting.limits.begin(self.next, now);
        for _ in 0..PART {
            // The messages at and before `seq` may be gone.
            seq = self.unsent_from(seq);
            if seq == self.end {
                break;
            }
            if let Some(until) = self.slot(seq).and_then(Slot::until) {
                self.look(seq, until, now);
            }
            seq = seq.wrapping_add(1);
        }
        let is_over = self.unsent_from(seq) == self.end;
        if let Some(waiting) = &mut self.waiting {
            waiting.limits.go_on((!is_over).then_some(seq));
        }
        self.close_holes();
    }

    fn look(&mut self, seq: u32, until: Moment, now: Moment) {
        if until <= now {
            self.give_up(seq, GivenUp::Expired);
        } else if let Some(waiting) = &mut self.waiting {
            waiting.limits.pass(until);
        }
    }

    /// Gives up the messages at the cursor whose time is over, at most `PART` of them. Returns false if
    /// there may be more: `expire` continues.
    fn give_up_row(&mut self, now: Moment) -> bool {
        for _ in 0..PART {
            let seq = self.next;
            match self.slot(seq) {
                Some(slot) if slot.stage == Stage::Done => {}
                Some(slot) if slot.until().is_some_and(|until| until <= now) => {
                    self.give_up(seq, GivenUp::Expired);
                }
                _ => {
                    self.close_holes();
                    return true;
                }
            }
            // Giving up the first message of the queue moves `next`.
            if self.next == seq {
                self.next = seq.wrapping_add(1);
            }
        }
        self.close_holes();
        let start = self.next;
        let limits = self.waiting.as_mut().map(|waiting| &mut waiting.limits);
        limits.is_none_or(|limits| {
            limits.begin(start, now);
            limits.due().is_none()
        })
    }

    /// Sends the next message, for which `is_rare` holds. Gives it up if its time is over.
    /// Returns false if it has to wait for memory, a packet identifier, or `expire`.
    #[cold]
    pub(super) fn send_rare(
        &mut self,
        ids: &mut PacketIds,
        output: &mut Output,
        version: Version,
        now: Moment,
    ) -> bool {
        let seq = self.next;
        let slot = self.slot(seq).copied().unwrap_or_default();
        if slot.until().is_some_and(|until| until <= now) {
            return self.give_up_row(now);
        }
        match slot.stage {
            Stage::Kept => self.send_kept(output, now).is_ok(),
            // Its PUBREL went out before all messages.
            Stage::Resumed => {
                self.next = seq.wrapping_add(1);
                true
            }
            _ => self.send_limited(ids, output, version, now),
        }
    }

    /// Sends the next message, which has no time limit from then on.
    fn send_limited(
        &mut self,
        ids: &mut PacketIds,
        output: &mut Output,
        version: Version,
        now: Moment,
    ) -> bool {
        let place = self.next as usize & (self.slots.len() - 1);
        let slot = &mut self.slots[place];
        let before = *slot;
        let Some(id) = ids.assign(slot.mid, Use::message(self.next)) else {
            return false;
        };
        slot.id = id;
        if send(slot, &self.packets, output, version, now).is_err() {
            ids.release(id);
            return false;
        }
        self.in_flight += 1;
        self.next = self.next.wrapping_add(1);
        if let Some(waiting) = &mut self.waiting {
            waiting.limits.forget(&before);
        }
        true
    }
}
