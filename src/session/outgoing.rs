//! Messages of QoS 1 and 2 on their way to the broker: queue, window and resend order.
//!
//! One queue holds them in the order of publishing. Those before `next` were sent on this
//! connection and wait for an answer; those from `next` on wait for room in the window. A new
//! connection sets `next` back to the front. So the messages in flight go out again first, in
//! order, and never more of them than the window allows.

use super::chunks::Place;
use super::output::Output;
use super::packet_ids::{self, PacketIds, Use};
use super::packets::Packets;
use super::refused::Refused;
use super::send::send;
use super::slot::{MESSAGE, Slot, Stage};
use super::waiting::Waiting;
use crate::codec::{Ack, NoMemory, PacketId, Publishable, QoS, Rewrite, Version, reason};
use crate::time::Moment;

/// The number of slots at first. A shrinking ring keeps at least `KEPT`; `trim` frees all.
const LEAST: usize = 1;
const KEPT: usize = 64;

const PUBREC_FOR_QOS_1: &str = "PUBREC for a QoS 1 message";

pub struct Outgoing {
    /// A ring. The place of a message is its sequence number modulo the number of slots, which is 0
    /// or a power of two.
    pub(super) slots: Box<[Slot]>,
    pub(super) packets: Packets,
    /// The sequence number of the first message, and the one after the last. They wrap around.
    pub(super) first: u32,
    pub(super) end: u32,
    /// The sequence number of the first message that was not sent on this connection.
    pub(super) next: u32,
    pub(super) unfinished: u32,
    pub(super) in_flight: u16,
    window: u16,
    /// The last publish that was refused because the queue was full.
    pub refused: Option<Refused>,
    /// The bytes of slots and packets, of waste in chunks, and of ends that are not reported yet.
    pub(super) bytes: usize,
    /// None until the program uses queue options, time limits or cancelling.
    pub(super) waiting: Option<Box<Waiting>>,
}

/// A message that waits for an answer.
pub struct Unanswered<'a> {
    /// Its place in the order of publishing.
    pub seq: u32,
    pub mid: u64,
    pub qos: QoS,
    /// Its PUBLISH; empty once PUBREC has come.
    pub packet: &'a [u8],
}

/// What an acknowledgement from the broker did.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// The handshake of this mid is complete.
    Finished(u64),
    /// The same, but it is unknown whether the broker has passed the message on.
    InDoubt(u64),
    /// The same, but the broker treated the message as QoS 1.
    Downgraded(u64),
    /// The same, but the program has cancelled the message and knows its end.
    Cancelled,
    /// PUBREL is to be sent.
    Release,
    /// PUBREL follows when the window has room for it.
    Noted,
    /// The acknowledgement does not fit the handshake of its message.
    Violation(&'static str),
    /// No message in flight has its identifier. Perhaps a resend was answered twice.
    Unknown,
}

impl Outgoing {
    pub fn new(window: usize) -> Outgoing {
        Outgoing {
            slots: Box::default(),
            packets: Packets::default(),
            first: 0,
            end: 0,
            next: 0,
            in_flight: 0,
            unfinished: 0,
            bytes: 0,
            window: limit(window),
            refused: None,
            waiting: None,
        }
    }

    /// How many messages may be in flight at once; 0: as many as there are identifiers.
    pub fn set_window(&mut self, window: usize) {
        self.window = limit(window);
    }

    /// Queues a message of QoS 1 or 2 behind all others.
    #[inline(always)]
    pub fn push(&mut self, mid: u64, message: &Publishable) -> Result<(), NoMemory> {
        // The identifier is a placeholder until the message enters the window.
        self.reserve()?;
        let (place, _) = self.packets.push(message, PacketId::MIN)?;
        self.add(mid, message.qos, place).stage = Stage::Queued;
        Ok(())
    }

    /// Queues a message for which `is_next` holds, and sends it at once. `EXTENDED`: the session is one of MQTT 5.
    #[inline(always)]
    pub fn push_sent<const EXTENDED: bool>(
        &mut self,
        mid: u64,
        message: &Publishable,
        id: PacketId,
        output: &mut Output,
        now: Moment,
    ) -> Result<(), NoMemory> {
        self.reserve()?;
        let (place, packet) = self.packets.push(message, id)?;
        let put = match !EXTENDED || output.is_plain() {
            true => output.put_publish(packet).map(drop),
            false => output.put_rewritten(packet, Rewrite::default()),
        };
        if let Err(NoMemory) = put {
            self.packets.remove(place);
            return Err(NoMemory);
        }
        let slot = self.add(mid, message.qos, place);
        slot.stage = Stage::Published;
        slot.id = id;
        slot.sent_at = now;
        self.in_flight += 1;
        self.next = self.next.wrapping_add(1);
        Ok(())
    }

    /// Queues a message of QoS 0 behind all others.
    pub fn push_kept(&mut self, mid: u64, message: &Publishable) -> Result<(), NoMemory> {
        self.reserve()?;
        let place = self.packets.push_kept(message)?;
        let slot = self.add(mid, message.qos, place);
        slot.stage = Stage::Kept;
        slot.sent_at = Moment::never();
        self.waiting.get_or_insert_default().qos0 += 1;
        Ok(())
    }

    /// Whether a new message can be sent at once: none waits, and the window has room.
    #[inline(always)]
    pub fn is_next(&self) -> bool {
        self.in_flight < self.window && self.next == self.end
    }

    /// The sequence number of the next message to be queued.
    #[inline(always)]
    pub fn next_seq(&self) -> u32 {
        self.end
    }

    /// Makes room for one more slot.
    #[inline(always)]
    fn reserve(&mut self) -> Result<(), NoMemory> {
        match self.len() == self.slots.len() {
            true => self.grow(),
            false => Ok(()),
        }
    }

    /// Adds a message behind all others.
    #[inline(always)]
    fn add(&mut self, mid: u64, qos: QoS, packet: Place) -> &mut Slot {
        if packet.start == 0 {
            self.count_waste();
        }
        let slot = &mut self.slots[self.end as usize & (self.slots.len() - 1)];
        slot.mid = mid;
        slot.packet = packet;
        slot.qos = qos;
        self.bytes += MESSAGE + packet.len();
        self.unfinished += 1;
        self.end = self.end.wrapping_add(1);
        slot
    }

    /// Whether there is anything to send, and room for it in the window.
    #[inline(always)]
    pub fn may_send(&self) -> bool {
        self.in_flight < self.window && self.next != self.end
    }

    /// Sends as many messages as the window allows, while fewer than `most` bytes wait for the
    /// socket. Returns true if it sent a packet that needs an answer.
    #[inline(always)]
    pub fn pump(
        &mut self,
        ids: &mut PacketIds,
        output: &mut Output,
        most: usize,
        version: Version,
        now: Moment,
    ) -> bool {
        let before = self.in_flight;
        while self.may_send() && output.unwritten() < most {
            let slot = &mut self.slots[self.next as usize & (self.slots.len() - 1)];
            if slot.stage == Stage::Queued {
                let Some(id) = ids.assign(slot.mid, Use::message(self.next)) else {
                    break;
                };
                slot.id = id;
            } else if slot.is_rare() {
                match self.send_rare(ids, output, version, now) {
                    true => continue,
                    false => break,
                }
            }
            if slot.stage != Stage::Done {
                if let Err(NoMemory) = send(slot, &self.packets, output, version, now) {
                    if slot.stage == Stage::Queued {
                        ids.release(slot.id);
                    }
                    break;
                }
                self.in_flight += 1;
            }
            self.next = self.next.wrapping_add(1);
        }
        self.in_flight != before
    }

    /// Handles PUBACK, PUBREC or PUBCOMP for the owner of its packet identifier.
    #[inline(always)]
    pub fn acknowledged(&mut self, ack: Ack, reason: u8, usage: Use, now: Moment) -> Progress {
        let Some(place) = usage.message_behind(self.first) else {
            // Perhaps the second answer for an earlier message with this identifier.
            return Progress::Unknown;
        };
        let seq = self.first.wrapping_add(place);
        let sent = place < self.next.wrapping_sub(self.first);
        let slot = &mut self.slots[seq as usize & (self.slots.len() - 1)];
        match (ack, slot.stage) {
            (Ack::PubAck, Stage::Published) if sent => {
                let (mid, packet, qos) = (slot.mid, slot.packet, slot.qos);
                slot.stage = Stage::Done;
                self.complete(seq);
                self.remove_packet(packet);
                match qos {
                    // RabbitMQ 3 has no QoS 2. It has taken the message and sends no other answer.
                    QoS::ExactlyOnce if reason < reason::FAILURE => Progress::Downgraded(mid),
                    _ => Progress::Finished(mid),
                }
            }
            (Ack::PubAck, Stage::Cancelled) if sent => {
                let packet = slot.packet;
                slot.stage = Stage::Done;
                self.complete(seq);
                self.remove_packet(packet);
                self.forget_cancelled();
                Progress::Cancelled
            }
            (Ack::PubRec, _) if reason >= reason::FAILURE => self.refused(seq, sent),
            (Ack::PubRec, Stage::Published) if slot.qos == QoS::ExactlyOnce => {
                let packet = slot.packet;
                slot.stage = Stage::Released;
                slot.sent_at = now;
                self.remove_packet(packet);
                released(sent)
            }
            (Ack::PubRec, Stage::Released) => {
                slot.sent_at = now;
                released(sent)
            }
            (Ack::PubRec, Stage::Resumed) => Progress::Release,
            // PUBREC answers no PUBLISH of this session, so it settles nothing [MQTT-3.2.2-3].
            (Ack::PubRec, Stage::InDoubt) => released(sent),
            (Ack::PubRec, Stage::Renewed) => Progress::Unknown,
            (Ack::PubComp, Stage::Resumed) => {
                let mid = slot.mid;
                self.finish_released(seq);
                Progress::Finished(mid)
            }
            (Ack::PubComp, Stage::Released) if sent => {
                let mid = slot.mid;
                slot.stage = Stage::Done;
                self.complete(seq);
                match reason {
                    // The broker does not know the message any more that it had (section 3.7.2.1).
                    reason::ID_NOT_FOUND => Progress::InDoubt(mid),
                    _ => Progress::Finished(mid),
                }
            }
            (Ack::PubComp, Stage::InDoubt) if sent => {
                let mid = slot.mid;
                slot.stage = Stage::Done;
                self.complete(seq);
                Progress::InDoubt(mid)
            }
            (Ack::PubRec, _) => Progress::Violation(PUBREC_FOR_QOS_1),
            _ if !sent => Progress::Unknown,
            (Ack::PubAck, _) => {
                Progress::Violation("PUBACK for a QoS 2 message that has its PUBREC")
            }
            // Perhaps the second PUBCOMP for an earlier message with this identifier. This
            // message keeps waiting.
            (Ack::PubComp, _) => Progress::Unknown,
            (Ack::PubRel, _) => Progress::Violation("PUBREL for a message of our own"),
        }
    }

    /// PUBREC has refused a message: its handshake ends here [MQTT5-4.3.3-4].
    #[cold]
    fn refused(&mut self, seq: u32, sent: bool) -> Progress {
        let slot = &mut self.slots[seq as usize & (self.slots.len() - 1)];
        match (slot.qos, slot.stage) {
            (QoS::ExactlyOnce, Stage::Published) if sent => {
                let (mid, packet) = (slot.mid, slot.packet);
                slot.stage = Stage::Done;
                self.complete(seq);
                self.remove_packet(packet);
                Progress::Finished(mid)
            }
            // It answers no PUBLISH of this connection, or the broker has taken the message before.
            (QoS::ExactlyOnce, _) => Progress::Unknown,
            _ => Progress::Violation(PUBREC_FOR_QOS_1),
        }
    }

    /// Sends the packets again that wait for an answer since `before` or earlier, each once per
    /// connection.
    pub fn resend(&mut self, output: &mut Output, version: Version, before: Moment) {
        let packets = std::mem::take(&mut self.packets);
        for slot in self.sent_mut() {
            if slot.sent_at <= before {
                // Without memory, the packet is not sent again this time.
                let _ = send(slot, &packets, output, version, Moment::never());
            }
        }
        self.packets = packets;
    }

    /// When the oldest packet without an answer was sent; never: all of them were sent again.
    pub fn oldest(&mut self) -> Option<Moment> {
        self.sent_mut().map(|slot| slot.sent_at).min()
    }

    /// Whether any unfinished message has its PUBREC.
    pub fn has_released(&self) -> bool {
        let is_released = |slot: &Slot| {
            matches!(
                slot.stage,
                Stage::Released | Stage::Resumed | Stage::InDoubt
            )
        };
        self.slots.iter().any(is_released)
    }

    /// The oldest message that was sent on this connection and is not finished.
    pub fn oldest_unanswered(&self) -> Option<Unanswered<'_>> {
        if self.first == self.next {
            return None;
        }
        let slot = &self.slots[self.first as usize & (self.slots.len() - 1)];
        Some(Unanswered {
            seq: self.first,
            mid: slot.mid,
            qos: slot.qos,
            packet: match slot.stage {
                Stage::Published | Stage::Cancelled | Stage::Renewed => {
                    self.packets.get(slot.packet).bytes()
                }
                _ => &[],
            },
        })
    }

    /// Whether a long queue has become short: at least `least` bytes of it were freed since the
    /// last true answer.
    pub fn take_freed(&mut self, least: usize) -> bool {
        self.packets.take_freed(least)
    }

    /// Gives back all memory if the queue is empty.
    pub fn trim(&mut self) {
        if self.first == self.end {
            self.slots = Box::default();
            self.packets = Packets::default();
            self.bytes = self.untold_bytes();
        }
    }

    pub fn in_flight(&self) -> usize {
        self.in_flight as usize
    }

    /// Messages that the broker has not settled, in flight or waiting.
    pub fn unfinished(&self) -> usize {
        self.unfinished as usize
    }

    /// The bytes that the queue counts for.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The unfinished messages that were sent on this connection, in order.
    fn sent_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        let sent = self.next.wrapping_sub(self.first) as usize;
        let start = self.first as usize & self.slots.len().saturating_sub(1);
        let (wrapped, from_start) = self.slots.split_at_mut(start);
        from_start
            .iter_mut()
            .chain(wrapped)
            .take(sent)
            .filter(|slot| slot.stage != Stage::Done)
    }

    #[inline(always)]
    fn complete(&mut self, seq: u32) {
        self.in_flight -= 1;
        self.unfinished -= 1;
        if seq == self.first {
            self.pass_finished();
        }
    }

    /// Removes the first message, which is finished, and finished ones behind it.
    #[inline(always)]
    pub(super) fn pass_finished(&mut self) {
        let mask = self.slots.len() - 1;
        loop {
            self.first = self.first.wrapping_add(1);
            self.bytes -= MESSAGE;
            let is_last = self.first == self.end;
            if is_last || self.slots[self.first as usize & mask].stage != Stage::Done {
                break;
            }
        }
        // With a narrow window, `next` may not have passed these messages yet. It must not stay
        // before `first`.
        if self.end.wrapping_sub(self.next) > self.end.wrapping_sub(self.first) {
            self.next = self.first;
        }
    }

    #[inline(always)]
    pub(super) fn remove_packet(&mut self, packet: Place) {
        self.bytes -= packet.len();
        if self.packets.remove(packet) {
            self.count_waste();
            self.shrink();
        }
    }

    /// Updates `bytes` after a change of the chunks.
    #[cold]
    pub(super) fn count_waste(&mut self) {
        let (before, wasted) = self.packets.count_waste();
        self.bytes = self.bytes - before + wasted;
    }

    /// How many slots are in use, including those of finished messages behind unfinished ones.
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.end.wrapping_sub(self.first) as usize
    }

    pub(super) fn seqs(&self) -> impl Iterator<Item = u32> + use<> {
        let first = self.first;
        (0..self.len() as u32).map(move |place| first.wrapping_add(place))
    }

    /// Doubles the ring. A message keeps its place or moves to the same place in the new half.
    #[cold]
    fn grow(&mut self) -> Result<(), NoMemory> {
        let size = self.slots.len();
        let mut slots = std::mem::take(&mut self.slots).into_vec();
        let more = size.max(LEAST);
        let reserved = slots.try_reserve_exact(more);
        if reserved.is_ok() {
            slots.resize(size + more, Slot::default());
        }
        self.slots = slots.into_boxed_slice();
        reserved?;
        for seq in self.seqs() {
            let place = seq as usize & (size + more - 1);
            if place >= size {
                self.slots[place] = self.slots[place - size];
            }
        }
        Ok(())
    }

    /// Halves the ring if few of its slots are in use.
    pub(super) fn shrink(&mut self) {
        let size = self.slots.len() / 2;
        if size < KEPT || self.len().max(self.len_with_holes()) > size / 2 {
            return;
        }
        for seq in self.seqs() {
            self.slots[seq as usize & (size - 1)] = self.slots[seq as usize & (2 * size - 1)];
        }
        let mut slots = std::mem::take(&mut self.slots).into_vec();
        slots.truncate(size);
        self.slots = slots.into_boxed_slice();
    }
}

/// PUBREC came. A broker may repeat it on a new connection before the client sends PUBREL there.
#[inline(always)]
fn released(sent: bool) -> Progress {
    match sent {
        true => Progress::Release,
        false => Progress::Noted,
    }
}

fn limit(window: usize) -> u16 {
    match window {
        0 => packet_ids::COUNT as u16,
        _ => window.min(packet_ids::COUNT) as u16,
    }
}
