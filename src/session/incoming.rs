//! Messages from the broker that are not settled yet. A QoS 2 message is handed over when its
//! PUBLISH comes, and its identifier kept until PUBREL (section 4.3.3, method B).

use super::id_map::IdMap;
use crate::codec::{PacketId, QoS};
use crate::time::Moment;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The application has it by this mid, and owes the acknowledgement.
    Delivered(QoS, u64),
    /// QoS 2: the application is being given it, and PUBREC follows by itself.
    Delivering,
    /// QoS 2: PUBREC was sent then, and PUBREL is to come. Never: it is not sent again by itself.
    Received(Moment),
}

/// What a PUBLISH of QoS 2 turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The application gets it, with this mid.
    New(u64),
    /// Seen before, and the application has not acknowledged it yet.
    Pending,
    /// Seen before, and no longer the application's to acknowledge: PUBREC was lost with a connection.
    Acknowledged,
}

/// How many bits of a mid are the packet identifier.
const ID_BITS: u32 = u16::BITS;

#[derive(Default)]
pub struct Incoming {
    stages: IdMap<Stage>,
    /// How many mids were given out. They number what the application owes, so that an acknowledgement that
    /// comes late, or twice, is none of the message that has the packet identifier by then.
    mids: u64,
}

impl Incoming {
    /// Goes on with the numbers of a session that is over.
    pub fn after(former: &Incoming) -> Incoming {
        Incoming {
            mids: former.mids,
            ..Incoming::default()
        }
    }

    /// A QoS 1 message whose acknowledgement the application owes: its mid. One that is sent again on the
    /// same connection keeps it.
    pub fn await_application(&mut self, id: PacketId) -> u64 {
        if let Some(&Stage::Delivered(QoS::AtLeastOnce, mid)) = self.stages.get(id) {
            return mid;
        }
        let mid = self.new_mid(id);
        let stage = Stage::Delivered(QoS::AtLeastOnce, mid);
        self.stages.insert(id, stage);
        mid
    }

    /// A PUBLISH of QoS 2 came [MQTT-4.3.3-2]. `manual_ack`: the application acknowledges it.
    #[inline(always)]
    pub fn arrived(&mut self, id: PacketId, manual_ack: bool) -> Arrival {
        let (mid, stage) = match manual_ack {
            true => self.owed(id),
            false => (id.get().into(), Stage::Delivering),
        };
        if self.stages.insert_new(id, stage) {
            return Arrival::New(mid);
        }
        match self.stages.get(id) {
            Some(Stage::Delivered(QoS::ExactlyOnce, _)) => Arrival::Pending,
            Some(Stage::Delivering | Stage::Received(_)) => Arrival::Acknowledged,
            _ => {
                self.stages.insert(id, stage);
                Arrival::New(mid)
            }
        }
    }

    /// The packet identifier of the message with this mid, if the application owes its acknowledgement.
    pub fn owes(&self, mid: u64, qos: QoS) -> Option<PacketId> {
        let id = PacketId::new(mid as u16)?;
        (self.stages.get(id) == Some(&Stage::Delivered(qos, mid))).then_some(id)
    }

    fn owed(&mut self, id: PacketId) -> (u64, Stage) {
        let mid = self.new_mid(id);
        (mid, Stage::Delivered(QoS::ExactlyOnce, mid))
    }

    fn new_mid(&mut self, id: PacketId) -> u64 {
        self.mids += 1;
        self.mids << ID_BITS | u64::from(id.get())
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
                Stage::Delivered(..) | Stage::Delivering => None,
            })
            .min()
    }

    /// The connection ended: the broker sends QoS 1 messages again, as new ones. What it has no PUBREC
    /// for it sends again too, and asks for that.
    pub fn connection_lost(&mut self) {
        self.stages
            .retain(|_, stage| !matches!(stage, Stage::Delivered(QoS::AtLeastOnce, _)));
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
