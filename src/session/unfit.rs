//! What the broker does not take. Messages: too large, of a QoS that it does not have, or retained. A new one is
//! refused at once. One that waits, or was sent on an earlier connection, has its outcome when the broker has stated
//! its limits: it never breaks the connection. [MQTT5-3.1.2-24] [MQTT5-3.2.2-11] [MQTT5-3.2.2-14]

use super::extended::Negotiated;
use super::outgoing::Outgoing;
use super::output::Output;
use super::packet_ids::PacketIds;
use super::slot::Stage;
use super::waiting::GivenUp;
use crate::codec::{Ack, QoS, Version, reason, topic};

const RETAIN: u8 = 1;

impl Negotiated {
    /// The reason for which the broker does not take a PUBLISH of `len` bytes.
    #[inline(always)]
    pub fn refuses(&self, len: usize, qos: QoS, retain: bool) -> Option<u8> {
        if len > self.max_packet_size as usize {
            return Some(reason::TOO_LARGE);
        }
        if qos > self.max_qos {
            return Some(reason::QOS_NOT_SUPPORTED);
        }
        (retain && !self.has_retain).then_some(reason::RETAIN_NOT_SUPPORTED)
    }

    /// The reason for which the broker does not take a SUBSCRIBE with this filter. It would end the connection
    /// (sections 3.2.2.3.11 and 3.2.2.3.13).
    pub fn refuses_filter(&self, filter: &str) -> Option<u8> {
        if !self.has_shared && topic::is_shared(filter) {
            return Some(reason::SHARED_NOT_SUPPORTED);
        }
        (!self.has_wildcards && topic::has_wildcards(filter))
            .then_some(reason::WILDCARDS_NOT_SUPPORTED)
    }
}

impl Outgoing {
    /// Gives up the messages that the broker of the new connection does not take. None of them is in flight on
    /// it yet.
    pub fn refuse_unfit(&mut self, broker: &Negotiated, ids: &mut PacketIds, output: &mut Output) {
        for seq in self.seqs() {
            let Some(slot) = self.slot(seq).copied() else {
                continue;
            };
            if !slot.has_packet() {
                continue;
            }
            let first = self.packets.get(slot.packet).bytes().first();
            let retain = first.is_some_and(|first| first & RETAIN != 0);
            let Some(reason) = broker.refuses(slot.packet.len(), slot.qos, retain) else {
                continue;
            };
            if matches!(slot.stage, Stage::Published | Stage::Cancelled) {
                ids.release(slot.id);
            }
            // The broker may have it, and would take the next message with its identifier for a repetition.
            if slot.stage == Stage::Published && slot.qos == QoS::ExactlyOnce {
                output.put_ack(Ack::PubRel, slot.id, true, Version::V5);
            }
            match slot.stage {
                Stage::Cancelled => self.drop_one_cancelled(seq),
                _ => self.give_up(seq, GivenUp::Unfit(reason)),
            }
        }
        self.close_holes();
    }
}
