//! Messages from the broker that are not settled yet. A QoS 2 message is handed over when its
//! PUBLISH comes, and its identifier kept until PUBREL (section 4.3.3, method B).

use super::id_map::IdMap;
use crate::codec::{PacketId, QoS};
use crate::time::Moment;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The application has it, and owes the acknowledgement.
    Delivered(QoS),
    /// QoS 2: the application is being given it, and PUBREC follows by itself.
    Delivering,
    /// QoS 2: PUBREC was sent then, and PUBREL is to come. Never: it is not sent again by itself.
    Received(Moment),
}

/// What a PUBLISH of QoS 2 turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrival {
    New,
    /// Seen before, and the application has not acknowledged it yet.
    Pending,
    /// Seen before, and no longer the application's to acknowledge: PUBREC was lost with a connection.
    Acknowledged,
}

#[derive(Default)]
pub struct Incoming {
    stages: IdMap<Stage>,
}

impl Incoming {
    /// A QoS 1 message whose acknowledgement the application owes.
    pub fn await_application(&mut self, id: PacketId) {
        self.stages.insert(id, Stage::Delivered(QoS::AtLeastOnce));
    }

    /// A PUBLISH of QoS 2 came [MQTT-4.3.3-2]. `manual_ack`: the application acknowledges it.
    #[inline(always)]
    pub fn arrived(&mut self, id: PacketId, manual_ack: bool) -> Arrival {
        let stage = match manual_ack {
            true => Stage::Delivered(QoS::ExactlyOnce),
            false => Stage::Delivering,
        };
        if self.stages.insert_new(id, stage) {
            return Arrival::New;
        }
        match self.stages.get(id) {
            Some(Stage::Delivered(QoS::ExactlyOnce)) => Arrival::Pending,
            Some(Stage::Delivering | Stage::Received(_)) => Arrival::Acknowledged,
            _ => {
                self.stages.insert(id, stage);
                Arrival::New
            }
        }
    }

    /// Whether the application owes the acknowledgement of this message.
    pub fn owes(&self, id: PacketId, qos: QoS) -> bool {
        self.stages.get(id) == Some(&Stage::Delivered(qos))
    }

    /// PUBREC is being sent.
    #[inline(always)]
    pub fn pubrec_sent(&mut self, id: PacketId, now: Moment) {
        self.stages.insert(id, Stage::Received(now));
    }

    /// PUBREL came, or a QoS 1 message was acknowledged.
    #[inline(always)]
    pub fn forget(&mut self, id: PacketId) {
        self.stages.remove(id);
    }

    /// Identifiers whose PUBREC was sent at `before` or earlier. On this connection they are never due
    /// again.
    pub fn due(&mut self, before: Moment) -> impl Iterator<Item = PacketId> + use<'_> {
        self.stages
            .iter_mut()
            .filter_map(move |(id, stage)| match stage {
                Stage::Received(at) if *at <= before => {
                    *at = Moment::never();
                    Some(id)
                }
                _ => None,
            })
    }

    /// When the oldest PUBREC without an answer was sent; never: all were sent again.
    pub fn oldest(&self) -> Option<Moment> {
        self.stages
            .values()
            .filter_map(|stage| match stage {
                Stage::Received(at) => Some(*at),
                Stage::Delivered(_) | Stage::Delivering => None,
            })
            .min()
    }

    /// The connection ended: the broker sends QoS 1 messages again, as new ones. What it has no PUBREC
    /// for it sends again too, and asks for that.
    pub fn connection_lost(&mut self) {
        self.stages
            .retain(|_, stage| *stage != Stage::Delivered(QoS::AtLeastOnce));
        for (_, stage) in self.stages.iter_mut() {
            if matches!(stage, Stage::Received(_)) {
                *stage = Stage::Received(Moment::never());
            }
        }
    }

    /// The broker has forgotten the session.
    pub fn clear(&mut self) {
        self.stages.clear();
    }

    pub fn trim(&mut self) {
        self.stages.trim();
    }

    pub fn is_empty(&self) -> bool {
        self.stages.len() == 0
    }
}
