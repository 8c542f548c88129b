//! What is known of an outgoing message, but for its packet.

use super::chunks::Place;
use crate::codec::{PacketId, QoS};
use crate::time::Moment;

/// What a message counts for beside its packet: its slot, of which up to half are free in the ring.
pub const MESSAGE: usize = 2 * size_of::<Slot>();

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Never sent, and without an identifier of its own.
    Queued,
    /// The same, and it has a time limit.
    Limited,
    /// Never sent, and of QoS 0, with a time limit or without.
    Kept,
    /// PUBLISH was sent: QoS 1 waits for PUBACK, QoS 2 for PUBREC.
    Published,
    /// The same at QoS 1, and the program has cancelled it: its answer is no news.
    Cancelled,
    /// PUBREC came: only PUBREL may be sent from here on [MQTT-4.3.3-1].
    Released,
    /// The same, but the broker has lost the session that it sent PUBREC in: its PUBCOMP says nothing.
    InDoubt,
    /// Finished, but behind one that is not; or free.
    Done,
}

#[derive(Clone, Copy)]
pub struct Slot {
    pub mid: u64,
    /// When it was sent. Of a message that waits, `Limited` or `Kept`: when its time is over, or never.
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

    /// When the time of a message is over that waits.
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
