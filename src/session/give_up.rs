//! Messages of the queue that were never sent: how they are kept, dropped and replaced.
//!
//! A message that is given up leaves a hole in the ring and waste in its chunk. Both are removed
//! once they outgrow the remaining messages. So each message costs a constant time, and holes
//! and waste take no more memory than the messages do.

use super::outgoing::Outgoing;
use super::output::Output;
use super::slot::{MESSAGE, Slot, Stage};
use super::waiting::{ENDED, GivenUp, QueueOptions, Waiting, WhenFull};
use crate::codec::{NoMemory, QoS, Rewrite, encode};
use crate::time::Moment;

/// How many holes are always allowed.
const HOLES: u32 = 64;

/// A new message, and the limits that apply to it.
pub struct Newcomer {
    /// Its bytes, the bytes outside the queue, and the limit for all bytes; 0: no limit.
    pub bytes: usize,
    pub elsewhere: usize,
    pub most_bytes: usize,
    /// How many messages may be unfinished, including this one; 0: any number.
    pub most_messages: usize,
    /// The message of the same topic that it replaces.
    pub older: Option<u32>,
}

/// The result of cancelling a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancel {
    Done,
    /// The QoS 2 handshake has begun and cannot be taken back.
    Busy,
    NotFound,
}

impl Outgoing {
    pub fn set_queue_options(&mut self, options: QueueOptions) {
        if options == QueueOptions::default() && self.waiting.is_none() {
            return;
        }
        let waiting = self.waiting.get_or_insert_default();
        waiting.options = options;
        waiting.forget_newest(self.unfinished as usize);
        self.index_newest();
    }

    /// Whether the program has used queue options, time limits or cancelling.
    pub fn has_queue_options(&self) -> bool {
        self.waiting.is_some()
    }

    pub fn queue_options(&self) -> QueueOptions {
        let waiting = self.waiting.as_ref();
        waiting.map(|waiting| waiting.options).unwrap_or_default()
    }

    /// Whether a QoS 0 message waits.
    pub fn has_kept(&self) -> bool {
        self.waiting
            .as_ref()
            .is_some_and(|waiting| waiting.qos0 > 0)
    }

    /// How many messages were dropped.
    pub fn dropped(&self) -> u64 {
        self.waiting.as_ref().map_or(0, |waiting| waiting.dropped)
    }

    /// How many were cancelled.
    pub fn cancelled(&self) -> u64 {
        self.waiting.as_ref().map_or(0, |waiting| waiting.cancelled)
    }

    /// How many cancelled messages still wait for an answer.
    pub fn cancelled_unanswered(&self) -> usize {
        let waiting = self.waiting.as_ref();
        waiting.map_or(0, |waiting| waiting.unanswered as usize)
    }

    /// Cancels a message.
    pub fn cancel(&mut self, mid: u64) -> Cancel {
        let Some(seq) = self.find(mid) else {
            return Cancel::NotFound;
        };
        let place = seq as usize & (self.slots.len() - 1);
        let slot = &mut self.slots[place];
        match (slot.stage, slot.qos) {
            (Stage::Queued | Stage::Limited | Stage::Kept, _)
            | (Stage::Renewed, QoS::AtLeastOnce) => {
                self.give_up(seq, GivenUp::Cancelled);
                self.close_holes();
                Cancel::Done
            }
            (Stage::Published, QoS::AtLeastOnce) => {
                slot.stage = Stage::Cancelled;
                self.waiting.get_or_insert_default().unanswered += 1;
                self.tell_end(mid, GivenUp::Cancelled);
                Cancel::Done
            }
            (
                Stage::Published
                | Stage::Renewed
                | Stage::Released
                | Stage::Resumed
                | Stage::InDoubt,
                _,
            ) => Cancel::Busy,
            (Stage::Cancelled | Stage::Done, _) => Cancel::NotFound,
        }
    }

    /// Cancels all messages that were never sent.
    pub fn clear(&mut self) {
        let start = self.start_of_unsent();
        let rest = self.end.wrapping_sub(start);
        for seq in (0..rest).map(|place| start.wrapping_add(place)) {
            if self.slot(seq).is_some_and(Slot::waits) {
                self.give_up(seq, GivenUp::Cancelled);
            }
        }
        self.close_holes();
    }

    /// A cancelled message no longer waits for an answer.
    pub(super) fn forget_cancelled(&mut self) {
        if let Some(waiting) = &mut self.waiting {
            waiting.unanswered -= 1;
        }
    }

    /// Ends the cancelled messages: their answers will not come.
    pub(super) fn drop_cancelled(&mut self) {
        if self.cancelled_unanswered() == 0 {
            return;
        }
        for seq in self.seqs() {
            if self
                .slot(seq)
                .is_some_and(|slot| slot.stage == Stage::Cancelled)
            {
                self.drop_one_cancelled(seq);
            }
        }
    }

    pub(super) fn drop_one_cancelled(&mut self, seq: u32) {
        self.forget_cancelled();
        self.finish(seq);
    }

    /// Finds a message by binary search: mids increase along the queue.
    fn find(&self, mid: u64) -> Option<u32> {
        let (mut from, mut to) = (0, self.len() as u32);
        while from < to {
            let middle = from + (to - from) / 2;
            match self.slot(self.first.wrapping_add(middle))?.mid < mid {
                true => from = middle + 1,
                false => to = middle,
            }
        }
        let seq = self.first.wrapping_add(from);
        (self.slot(seq)?.mid == mid).then_some(seq)
    }

    /// The last message of a topic, if it still waits.
    pub fn newest(&self, topic: &[u8]) -> Option<u32> {
        let seq = self.waiting.as_ref()?.newest(topic)?;
        let slot = self.slot(seq)?;
        let is_same = slot.waits() && self.topic(slot) == topic;
        is_same.then_some(seq)
    }

    /// Makes room in the table for one more topic.
    pub fn reserve_newest(&mut self) -> Result<(), NoMemory> {
        match &mut self.waiting {
            Some(waiting) => waiting.reserve_newest(),
            None => Ok(()),
        }
    }

    /// Enters the message that was queued last as the newest of its topic.
    pub fn is_newest(&mut self, topic: &[u8]) {
        let (seq, unfinished) = (self.end.wrapping_sub(1), self.unfinished());
        if let Some(waiting) = &mut self.waiting {
            waiting.set_newest(topic, seq);
            if waiting.is_stale(unfinished) {
                waiting.forget_newest(unfinished);
                self.index_newest();
            }
        }
    }

    /// How many messages have to be given up for a new one, besides the one that it replaces; None:
    /// that would not help.
    pub fn room_for(&mut self, new: &Newcomer) -> Option<u32> {
        let first = self.droppable().next();
        if let Some(seq) = first {
            self.forget_before(seq);
        }
        let mut unfinished = self.unfinished();
        let mut used = new.elsewhere + self.bytes - self.hole_bytes();
        let mut count = 0;
        let others = self.droppable().filter(|seq| Some(*seq) != new.older);
        let mut victims = new.older.into_iter().chain(others);
        while !has_room(new, unfinished, used) {
            let victim = victims.next()?;
            unfinished -= 1;
            used -= MESSAGE + self.slot(victim).map_or(0, |slot| slot.packet.len());
            count += u32::from(Some(victim) != new.older);
        }
        Some(count)
    }

    /// Gives up the message that a new one replaces, and `count` others.
    pub fn make_room(&mut self, older: Option<u32>, count: u32) {
        if let Some(older) = older {
            self.give_up(older, GivenUp::Dropped);
        }
        for _ in 0..count {
            let Some(seq) = self.droppable().next() else {
                break;
            };
            self.give_up(seq, GivenUp::Dropped);
            self.forget_before(seq.wrapping_add(1));
        }
        self.close_holes();
    }

    /// Sends the next message, which is of QoS 0.
    #[cold]
    pub(super) fn send_kept(&mut self, output: &mut Output, now: Moment) -> Result<(), NoMemory> {
        let seq = self.next;
        let place = seq as usize & (self.slots.len() - 1);
        let slot = &self.slots[place];
        let (mid, packet) = (slot.mid, self.packets.get(slot.packet));
        let rewrite = Rewrite {
            expiry: slot.until().map(|_| slot.seconds_left(now)),
            ..Rewrite::default()
        };
        output.put_rewritten(packet, rewrite)?;
        output.mark_at_most_once(mid);
        self.next = seq.wrapping_add(1);
        self.finish(seq);
        Ok(())
    }

    /// The next message that was given up, and why.
    pub fn next_given_up(&mut self) -> Option<(u64, GivenUp)> {
        let (mid, why, is_last) = self.waiting.as_mut()?.pop_ended()?;
        if is_last {
            self.bytes -= ENDED;
        }
        Some((mid, why))
    }

    pub fn has_given_up(&self) -> bool {
        self.waiting
            .as_ref()
            .is_some_and(|waiting| waiting.untold() > 0)
    }

    /// The bytes that unreported ends count for.
    pub(super) fn untold_bytes(&self) -> usize {
        let waiting = self.waiting.as_ref();
        waiting.map_or(0, |waiting| ENDED * waiting.untold())
    }

    /// The bytes of the places that removed messages leave. They do not count as use of the queue:
    /// `close_holes` bounds them by the remaining messages.
    pub fn hole_bytes(&self) -> usize {
        let holes = self.waiting.as_ref().map_or(0, |waiting| waiting.holes);
        // Holes in front of the first message are gone, but counted until the next time.
        MESSAGE * (holes as usize).min(self.len() - self.unfinished())
    }

    /// How many slots can be in use before holes are closed.
    pub(super) fn len_with_holes(&self) -> usize {
        match self.waiting {
            Some(_) => 2 * self.unfinished() + HOLES as usize,
            None => 0,
        }
    }

    /// Gives up a message that waits.
    pub(super) fn give_up(&mut self, seq: u32, why: GivenUp) {
        let Some(&Slot { mid, .. }) = self.slot(seq) else {
            return;
        };
        self.tell_end(mid, why);
        self.remove_waiting(seq);
    }

    /// Removes a message that waits, and may leave a hole.
    pub(super) fn remove_waiting(&mut self, seq: u32) {
        if let Some(waiting) = &mut self.waiting {
            waiting.holes += u32::from(seq != self.first);
        }
        self.finish(seq);
    }

    /// Counts a message that was given up, and queues its report.
    pub(super) fn tell_end(&mut self, mid: u64, why: GivenUp) {
        let waiting = self.waiting.get_or_insert_default();
        self.bytes += ENDED * waiting.push_ended(mid, why);
        match why {
            GivenUp::Dropped => waiting.dropped += 1,
            GivenUp::Cancelled => waiting.cancelled += 1,
            GivenUp::Expired => waiting.expired += 1,
            GivenUp::InDoubt | GivenUp::Unfit(_) => {}
        }
    }

    /// Ends a message that is not in flight, and removes its packet.
    fn finish(&mut self, seq: u32) {
        let place = seq as usize & (self.slots.len() - 1);
        let slot = self.slots[place];
        self.slots[place].stage = Stage::Done;
        if let Some(waiting) = &mut self.waiting {
            waiting.qos0 -= u32::from(slot.stage == Stage::Kept);
            waiting.limits.forget(&slot);
        }
        self.unfinished -= 1;
        if seq == self.first {
            self.pass_finished();
        }
        self.remove_packet(slot.packet);
    }

    /// The messages that may be given up for a new one, in the order of the queue.
    fn droppable(&self) -> impl Iterator<Item = u32> {
        let waiting = self.waiting.as_deref();
        let (from, kept_only, most) = match waiting.map(|it| (it, it.options.when_full)) {
            Some((waiting, WhenFull::DropOldest)) => (waiting.oldest, false, usize::MAX),
            Some((waiting, WhenFull::DropQos0)) => {
                (waiting.oldest_qos0, true, waiting.qos0 as usize)
            }
            Some((_, WhenFull::Refuse)) | None => (self.end, true, 0),
        };
        self.unsent(from)
            .filter(move |(_, slot)| !kept_only || slot.stage == Stage::Kept)
            .map(|(seq, _)| seq)
            .take(most)
    }

    /// Notes that no message before `seq` can be given up.
    fn forget_before(&mut self, seq: u32) {
        if let Some(waiting) = &mut self.waiting {
            match waiting.options.when_full {
                WhenFull::DropOldest => waiting.oldest = seq,
                WhenFull::DropQos0 => waiting.oldest_qos0 = seq,
                WhenFull::Refuse => {}
            }
        }
    }

    /// The messages that wait, from `unsent_from(seq)` on.
    fn unsent(&self, seq: u32) -> impl Iterator<Item = (u32, &Slot)> {
        let from = self.unsent_from(seq);
        (0..self.end.wrapping_sub(from))
            .map(move |place| from.wrapping_add(place))
            .filter_map(|seq| Some((seq, self.slot(seq)?)))
            .filter(|(_, slot)| slot.waits())
    }

    /// Returns `seq`, or `next` if `seq` is not in the unsent part of the queue any more.
    pub(super) fn unsent_from(&self, seq: u32) -> u32 {
        let place = seq.wrapping_sub(self.first) as usize;
        let sent = self.next.wrapping_sub(self.first) as usize;
        match place < sent || place > self.len() {
            true => self.next,
            false => seq,
        }
    }

    /// Closes the holes if they outnumber the remaining messages. Packs the packets again if chunks
    /// waste too much.
    pub(super) fn close_holes(&mut self) {
        let Some(waiting) = &self.waiting else {
            return;
        };
        let has_holes = waiting.holes > self.unfinished + HOLES;
        let is_wasteful = self.packets.is_wasteful(waiting.repack_at);
        if has_holes || is_wasteful {
            self.compact(is_wasteful);
        }
    }

    #[cold]
    fn compact(&mut self, repack: bool) {
        let start = self.start_of_unsent();
        let mask = self.slots.len().wrapping_sub(1);
        let mut to = start;
        let rest = self.end.wrapping_sub(start);
        for seq in (0..rest).map(|place| start.wrapping_add(place)) {
            let mut slot = self.slots[seq as usize & mask];
            if !slot.waits() {
                self.bytes -= MESSAGE;
                continue;
            }
            if repack && let Ok(place) = self.packets.move_to_end(slot.packet) {
                slot.packet = place;
            }
            self.slots[to as usize & mask] = slot;
            to = to.wrapping_add(1);
        }
        self.end = to;
        self.count_waste();
        self.shrink();
        if let Some(waiting) = &mut self.waiting {
            waiting.holes = 0;
            waiting.oldest = start;
            waiting.oldest_qos0 = start;
            waiting.limits.moved(start);
            if repack {
                waiting.repack_at = 2 * self.packets.wasted();
            }
            waiting.forget_newest(self.unfinished as usize);
        }
        self.index_newest();
    }

    /// The sequence number from which on no message was ever sent.
    fn start_of_unsent(&self) -> u32 {
        let mut start = self.end;
        while start != self.next
            && let before = start.wrapping_sub(1)
            && self
                .slot(before)
                .is_some_and(|slot| slot.waits() || slot.stage == Stage::Done)
        {
            start = before;
        }
        start
    }

    /// Enters the messages that wait in the table of topics, if `newest_only` is set.
    fn index_newest(&mut self) {
        let Some(mut waiting) = self.waiting.take() else {
            return;
        };
        if waiting.options.newest_only {
            self.enter_newest(&mut waiting);
        }
        self.waiting = Some(waiting);
    }

    fn enter_newest(&self, waiting: &mut Waiting) {
        for (seq, slot) in self.unsent(self.first) {
            waiting.set_newest(self.topic(slot), seq);
        }
    }

    fn topic(&self, slot: &Slot) -> &[u8] {
        encode::topic(self.packets.get(slot.packet).bytes())
    }

    /// None if the message is not in the queue any more: its place may belong to another one.
    pub(super) fn slot(&self, seq: u32) -> Option<&Slot> {
        let is_there = (seq.wrapping_sub(self.first) as usize) < self.len();
        let mask = self.slots.len().wrapping_sub(1);
        self.slots.get(seq as usize & mask).filter(|_| is_there)
    }
}

fn has_room(new: &Newcomer, unfinished: usize, used: usize) -> bool {
    (new.most_messages == 0 || unfinished < new.most_messages)
        && (new.most_bytes == 0 || used == 0 || used + new.bytes <= new.most_bytes)
}
