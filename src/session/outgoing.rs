//! Messages of QoS 1 and 2 on their way to the broker: queue, window and resend order.
//!
//! One queue holds them in the order of publishing. Those before `next` were sent on this
//! connection and wait for an answer; those from `next` on wait for room in the window. A new
//! connection sets `next` back to the front, and everything else follows: what was in flight
//! goes out again first, in order, and never more of it than the window allows.

use super::output::Output;
use super::packet_ids::{self, PacketIds, Use};
use crate::codec::{Ack, Buffer, PacketId, Publishable, QoS, Version, encode};
use crate::time::Moment;

/// How much memory of finished messages is kept for the next ones.
const SPARE_BYTES: usize = 256 * 1024;

/// How many slots there are at first.
const LEAST: usize = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Never sent, and without an identifier of its own.
    Queued,
    /// PUBLISH was sent: QoS 1 waits for PUBACK, QoS 2 for PUBREC.
    Published,
    /// PUBREC came: only PUBREL may be sent from here on [MQTT-4.3.3-1].
    Released,
    /// Finished, but behind one that is not; or free.
    Done,
}

/// The place of a message. It outlives the message, and keeps the memory of its packet for the next.
struct Slot {
    mid: u64,
    qos: QoS,
    stage: Stage,
    id: PacketId,
    /// The PUBLISH as it goes over the wire; empty once PUBREC has come.
    packet: Buffer,
    /// How much of that is payload.
    payload: u32,
    sent_at: Moment,
}

pub struct Outgoing {
    /// A ring: a message stands at its sequence number, modulo the number of slots, which is 0 or a
    /// power of two.
    slots: Box<[Slot]>,
    /// Sequence number of the first message, and of the one behind the last.
    first: u64,
    end: u64,
    /// Sequence number of the first slot that was not sent on this connection.
    next: u64,
    in_flight: usize,
    unfinished: usize,
    bytes: usize,
    window: usize,
    /// The memory of all packets that are given back.
    spare_bytes: usize,
}

/// What an acknowledgement from the broker did.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// The handshake of this mid is complete.
    Finished(u64),
    /// PUBREL is to be sent.
    Release,
    /// PUBREL follows when the window has room for it.
    Noted,
    /// It does not fit the handshake of the message that it names.
    Violation(&'static str),
    /// It names none that is in flight; a resend was answered twice, perhaps.
    Unknown,
}

impl Outgoing {
    pub fn new(window: usize) -> Outgoing {
        Outgoing {
            slots: Box::default(),
            first: 0,
            end: 0,
            next: 0,
            in_flight: 0,
            unfinished: 0,
            bytes: 0,
            window: limit(window),
            spare_bytes: 0,
        }
    }

    /// How many may be in flight at once; 0: as many as there are identifiers.
    pub fn set_window(&mut self, window: usize) {
        self.window = limit(window);
    }

    /// Queues a message of QoS 1 or 2 behind all others.
    #[inline(always)]
    pub fn push(&mut self, mid: u64, message: &Publishable) {
        // A place-holder, until the message enters the window.
        let slot = self.push_encoded(mid, message, PacketId::MIN);
        slot.stage = Stage::Queued;
    }

    /// The same for a message that `is_next`, and is sent here and now.
    #[inline(always)]
    pub fn push_sent(
        &mut self,
        mid: u64,
        message: &Publishable,
        id: PacketId,
        output: &mut Output,
        now: Moment,
    ) {
        let slot = self.push_encoded(mid, message, id);
        slot.stage = Stage::Published;
        slot.id = id;
        slot.sent_at = now;
        output.buffer().append(&slot.packet);
        self.in_flight += 1;
        self.next += 1;
    }

    /// Whether a message that comes now has to wait for none before it, and there is room for it.
    #[inline(always)]
    pub fn is_next(&self) -> bool {
        self.in_flight < self.window && self.next == self.end
    }

    /// The sequence number of the next message that comes.
    #[inline(always)]
    pub fn next_seq(&self) -> u64 {
        self.end
    }

    #[inline(always)]
    fn push_encoded(&mut self, mid: u64, message: &Publishable, id: PacketId) -> &mut Slot {
        if self.end - self.first == self.slots.len() as u64 {
            self.grow();
        }
        let slot = &mut self.slots[self.end as usize & (self.slots.len() - 1)];
        let spare = slot.packet.capacity();
        encode::publish(&mut slot.packet, message, Some(id));
        self.spare_bytes -= spare;
        slot.mid = mid;
        slot.qos = message.qos;
        slot.payload = message.payload.len() as u32;
        self.bytes += slot.packet.len();
        self.unfinished += 1;
        self.end += 1;
        slot
    }

    /// Whether there is anything to send, and room for it in the window.
    #[inline(always)]
    pub fn may_send(&self) -> bool {
        self.in_flight < self.window && self.next < self.end
    }

    /// Sends what the window has room for. True when anything was sent.
    #[inline(always)]
    pub fn pump(
        &mut self,
        ids: &mut PacketIds,
        output: &mut Output,
        version: Version,
        now: Moment,
    ) -> bool {
        let before = self.next;
        while self.may_send() {
            let slot = &mut self.slots[self.next as usize & (self.slots.len() - 1)];
            if slot.stage == Stage::Queued {
                let Some(id) = ids.assign(slot.mid, Use::Publish(self.next)) else {
                    break;
                };
                slot.id = id;
                encode::set_packet_id(&mut slot.packet, slot.payload as usize, id);
            }
            if slot.stage != Stage::Done {
                send(slot, output, version, now);
                self.in_flight += 1;
            }
            self.next += 1;
        }
        self.next != before
    }

    /// PUBACK, PUBREC or PUBCOMP came for the message with this sequence number.
    #[inline(always)]
    pub fn acknowledged(&mut self, ack: Ack, seq: u64, now: Moment) -> Progress {
        let sent = seq < self.next;
        let slot = &mut self.slots[seq as usize & (self.slots.len() - 1)];
        match (ack, slot.qos, slot.stage) {
            (Ack::PubAck, QoS::AtLeastOnce, Stage::Published)
            | (Ack::PubComp, QoS::ExactlyOnce, Stage::Released)
                if sent =>
            {
                let mid = slot.mid;
                self.complete(seq);
                Progress::Finished(mid)
            }
            (Ack::PubRec, QoS::ExactlyOnce, Stage::Published | Stage::Released) => {
                slot.stage = Stage::Released;
                slot.sent_at = now;
                self.bytes -= slot.packet.len();
                slot.packet.clear();
                // A broker may repeat it on a new connection, before we come to this message.
                if sent {
                    Progress::Release
                } else {
                    Progress::Noted
                }
            }
            (Ack::PubRec, ..) => Progress::Violation("PUBREC for a QoS 1 message"),
            _ if !sent => Progress::Unknown,
            (Ack::PubAck, ..) => Progress::Violation("PUBACK for a QoS 2 message"),
            (Ack::PubComp, ..) => {
                Progress::Violation("PUBCOMP for a message that waits for another answer")
            }
            (Ack::PubRel, ..) => Progress::Violation("PUBREL for a message of our own"),
        }
    }

    /// Sends again what was sent at `before` or earlier, and waits for an answer since.
    pub fn resend(&mut self, output: &mut Output, version: Version, before: Moment, now: Moment) {
        for slot in self.sent_mut() {
            if slot.sent_at <= before {
                send(slot, output, version, now);
            }
        }
    }

    /// When the oldest packet without an answer was sent.
    pub fn oldest(&mut self) -> Option<Moment> {
        self.sent_mut().map(|slot| slot.sent_at).min()
    }

    /// The connection ended: nothing of what was sent counts as sent on the next one.
    pub fn connection_lost(&mut self) {
        self.next = self.first;
        self.in_flight = 0;
    }

    /// Gives back the memory that no message is in.
    pub fn trim(&mut self) {
        if self.first == self.end {
            self.slots = Box::default();
            self.spare_bytes = 0;
        }
    }

    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Messages that the broker has not settled, in flight or waiting.
    pub fn unfinished(&self) -> usize {
        self.unfinished
    }

    /// Bytes of the PUBLISH packets that are kept for sending.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// What was sent on this connection, in order.
    fn sent_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        let sent = (self.next - self.first) as usize;
        let start = self.first as usize & self.slots.len().saturating_sub(1);
        let (wrapped, from_start) = self.slots.split_at_mut(start);
        from_start
            .iter_mut()
            .chain(wrapped)
            .take(sent)
            .filter(|slot| slot.stage != Stage::Done)
    }

    #[inline(always)]
    fn complete(&mut self, seq: u64) {
        let slot = &mut self.slots[seq as usize & (self.slots.len() - 1)];
        slot.stage = Stage::Done;
        self.bytes -= slot.packet.len();
        slot.packet.clear();
        // The memory is for another message, within bounds.
        if self.spare_bytes + slot.packet.capacity() > SPARE_BYTES {
            slot.packet = Buffer::default();
        }
        self.spare_bytes += slot.packet.capacity();
        self.in_flight -= 1;
        self.unfinished -= 1;
        if seq == self.first {
            self.pass_finished();
        }
    }

    /// The first message is finished, and others behind it may be.
    #[inline(always)]
    fn pass_finished(&mut self) {
        let mask = self.slots.len() - 1;
        self.first += 1;
        while self.first < self.end && self.slots[self.first as usize & mask].stage == Stage::Done {
            self.first += 1;
        }
        // Finished ones that a narrower window had not come to yet are gone too.
        self.next = self.next.max(self.first);
    }

    #[cold]
    fn grow(&mut self) {
        let size = (2 * self.slots.len()).max(LEAST);
        let mut slots: Vec<Slot> = std::iter::repeat_with(Slot::default).take(size).collect();
        for seq in self.first..self.end {
            let old = seq as usize & (self.slots.len() - 1);
            std::mem::swap(&mut slots[seq as usize & (size - 1)], &mut self.slots[old]);
        }
        self.slots = slots.into();
    }
}

impl Default for Slot {
    fn default() -> Slot {
        Slot {
            mid: 0,
            qos: QoS::AtLeastOnce,
            stage: Stage::Done,
            id: PacketId::MIN,
            packet: Buffer::default(),
            payload: 0,
            sent_at: Moment::origin(),
        }
    }
}

fn limit(window: usize) -> usize {
    match window {
        0 => packet_ids::COUNT,
        _ => window.min(packet_ids::COUNT),
    }
}

/// Sends the packet that the slot's stage asks for; one that was sent before says so.
#[inline(always)]
fn send(slot: &mut Slot, output: &mut Output, version: Version, now: Moment) {
    slot.sent_at = now;
    match slot.stage {
        Stage::Queued => slot.stage = Stage::Published,
        Stage::Published => encode::set_dup(&mut slot.packet),
        Stage::Released => {
            output.put_ack(Ack::PubRel, slot.id, true, version);
            return;
        }
        Stage::Done => return,
    }
    output.buffer().append(&slot.packet);
}
