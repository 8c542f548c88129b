//! The record of an outgoing message, without its packet.

use super::chunks::Place;
use crate::codec::{PacketId, QoS};
use crate::time::Moment;

/// The bytes that a message counts for, in addition to its packet: two slots, because up to half
/// of the slots are free.
pub const MESSAGE: usize = 2 * size_of::<Slot>();

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Never sent, and without an identifier of its own.
    Queued,
    /// `Queued`, with a time limit.
    Limited,
    /// A QoS 0 message that was never sent, with or without a time limit.
    Kept,
    /// PUBLISH was sent: QoS 1 waits for PUBACK, QoS 2 for PUBREC.
    Published,
    /// `Published` on an earlier connection, and the broker has lost the session: the message goes out as a
    /// new one [MQTT5-3.2.2-5].
    Renewed,
    /// `Published` at QoS 1, and cancelled by the program: its answer is not reported.
    Cancelled,
    /// PUBREC came: only PUBREL may be sent from here on [MQTT-4.3.3-1].
    Released,
    /// `Released` on an earlier connection of MQTT 5. PUBREL goes out before all messages, and does not
    /// count as in flight.
    Resumed,
    /// `Released`, but the broker has lost the session in which it sent PUBREC. PUBCOMP does not
    /// show whether it passed the message on.
    InDoubt,
    /// Finished, but behind an unfinished message; or free.
    Done,
}

#[derive(Clone, Copy)]
pub struct Slot {
    pub mid: u64,
    /// When it was sent. While `Limited` or `Kept`: when its time limit ends, or never. A message of MQTT 5 whose
    /// PUBLISH states a limit keeps this end: MQTT 5 does not ask when it was sent.
    pub sent_at: Moment,
    /// Where its PUBLISH is, until PUBACK or PUBREC has come.
    pub packet: Place,
    pub id: PacketId,
    pub qos: QoS,
    pub stage: Stage,
}

impl Slot {
    /// Whether its message was never written on any connection.
    pub fn waits(&self) -> bool {
        matches!(self.stage, Stage::Queued | Stage::Limited | Stage::Kept)
    }

    /// Whether its PUBLISH is still to be sent, or to be sent again on the next connection.
    pub fn has_packet(&self) -> bool {
        matches!(
            self.stage,
            Stage::Published | Stage::Renewed | Stage::Cancelled
        ) || self.waits()
    }

    /// Whether `Outgoing::pump` needs more for it than an identifier.
    #[inline(always)]
    pub fn is_rare(&self) -> bool {
        matches!(
            self.stage,
            Stage::Limited | Stage::Kept | Stage::Renewed | Stage::Resumed
        )
    }

    /// The message expiry interval that PUBLISH states now, if it states one (section 3.3.2.3.3 of MQTT 5). The
    /// message goes out, so it is at least a second.
    pub fn seconds_left(&self, now: Moment) -> u32 {
        let seconds = self.sent_at.since(now).as_secs();
        seconds.clamp(1, u32::MAX.into()) as u32
    }

    /// When the time limit ends of a message that waits.
    pub fn until(&self) -> Option<Moment> {
        let has_limit = matches!(self.stage, Stage::Limited | Stage::Kept);
        (has_limit && self.sent_at < Moment::never()).then_some(self.sent_at)
    }
}

impl Default for Slot {
    fn default() -> Slot {
        Slot {
            mid: 0,
            sent_at: Moment::origin(),
            packet: Place::default(),
            id: PacketId::MIN,
            qos: QoS::AtLeastOnce,
            stage: Stage::Done,
        }
    }
}
