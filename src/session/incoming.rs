//! Messages from the broker that are not settled. A QoS 2 message is delivered when its PUBLISH
//! arrives. Its identifier is kept until PUBREL (section 4.3.3, method B).

use super::arrivals::Arrivals;
use super::id_map::IdMap;
use crate::codec::{PacketId, QoS};
use crate::time::Moment;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The application has the message, and acknowledges it itself.
    Delivered(Owed),
    /// QoS 2: the message is being delivered. PUBREC follows without the application.
    Delivering,
    /// QoS 2: PUBREC was sent at this moment, and PUBREL is missing. With `Moment::never()`, the
    /// retry time does not send PUBREC again.
    Received(Moment),
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Owed {
    mid: u64,
    qos: QoS,
    /// The application has acknowledged the message. The acknowledgements of earlier messages go
    /// out first.
    is_held: bool,
    /// Its PUBLISH came on this connection.
    has_arrived: bool,
}

/// The result of a PUBLISH of QoS 2.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The application gets the message, with this mid.
    New(u64),
    /// A repetition: the application still has to acknowledge the message, or its acknowledgement
    /// is held.
    Pending,
    /// A repetition that does not wait for the application: PUBREC was lost with a connection.
    Acknowledged,
}

/// How many settled mids may stay in the list, in addition to one for each message.
const SETTLED: usize = 16;

#[derive(Default)]
pub struct Incoming {
    stages: IdMap<Stage>,
    /// None until a message arrives that the application has to acknowledge.
    arrivals: Option<Box<Arrivals>>,
}

impl Incoming {
    /// Continues the numbering of a session that has ended.
    pub fn after(former: &Incoming) -> Incoming {
        let arrivals = former.arrivals.as_ref();
        Incoming {
            arrivals: arrivals.map(|former| Box::new(Arrivals::after(former))),
            ..Incoming::default()
        }
    }

    /// Adds a message that the application has to acknowledge, and returns its mid. A QoS 1 message
    /// that is sent again on the same connection keeps its mid.
    pub fn await_application(&mut self, id: PacketId, qos: QoS) -> u64 {
        if let Some(Stage::Delivered(owed)) = self.stages.get(id)
            && owed.qos == qos
        {
            return owed.mid;
        }
        let mid = self.arrivals.get_or_insert_default().new_mid(id);
        self.list(id, mid, qos, false);
        mid
    }

    /// A PUBLISH of QoS 2 arrived [MQTT-4.3.3-2]. `manual_ack`: the application acknowledges it.
    #[inline(always)]
    pub fn arrived(&mut self, id: PacketId, manual_ack: bool) -> Arrival {
        if !manual_ack && self.stages.insert_new(id, Stage::Delivering) {
            return Arrival::New(id.get().into());
        }
        self.arrived_otherwise(id, manual_ack)
    }

    fn arrived_otherwise(&mut self, id: PacketId, manual_ack: bool) -> Arrival {
        match self.stages.get(id).copied() {
            Some(Stage::Delivered(owed)) if owed.qos == QoS::ExactlyOnce => {
                if !owed.has_arrived {
                    self.list(id, owed.mid, owed.qos, owed.is_held);
                }
                Arrival::Pending
            }
            Some(Stage::Delivering | Stage::Received(_)) => Arrival::Acknowledged,
            _ if manual_ack => Arrival::New(self.await_application(id, QoS::ExactlyOnce)),
            _ => {
                self.stages.insert(id, Stage::Delivering);
                Arrival::New(id.get().into())
            }
        }
    }

    /// The application acknowledges the message with this mid. Returns the packet identifier, if
    /// this acknowledgement is owed.
    pub fn hold(&mut self, mid: u64, qos: QoS) -> Option<PacketId> {
        let owed = self.owed(mid)?;
        if owed.is_held || owed.qos != qos {
            return None;
        }
        let id = identifier(mid)?;
        let held = Owed {
            is_held: true,
            ..owed
        };
        self.stages.insert(id, Stage::Delivered(held));
        Some(id)
    }

    /// The next message whose acknowledgement may go out. This is the first unsettled message of
    /// this connection, if the application has acknowledged it.
    pub fn next_held(&mut self, qos: QoS) -> Option<PacketId> {
        loop {
            let &mid = self.arrivals.as_mut()?.of(qos).front()?;
            let owed = self.owed(mid);
            if owed.is_some_and(|owed| !owed.is_held) {
                return None;
            }
            self.arrivals.as_mut()?.of(qos).pop_front();
            if owed.is_some() {
                return identifier(mid);
            }
        }
    }

    /// How many acknowledgements are held.
    pub fn held(&self) -> usize {
        let is_held = |stage: &&Stage| matches!(stage, Stage::Delivered(owed) if owed.is_held);
        self.stages.values().filter(is_held).count()
    }

    /// Notes the arrival of a message that the application acknowledges.
    fn list(&mut self, id: PacketId, mid: u64, qos: QoS, is_held: bool) {
        let owed = Owed {
            mid,
            qos,
            is_held,
            has_arrived: true,
        };
        self.stages.insert(id, Stage::Delivered(owed));
        let mut arrivals = self.arrivals.take().unwrap_or_default();
        let listed = arrivals.of(qos);
        if listed.len() > 2 * self.stages.len() + SETTLED {
            listed.retain(|&mid| self.owed(mid).is_some());
        }
        listed.push_back(mid);
        self.arrivals = Some(arrivals);
    }

    fn owed(&self, mid: u64) -> Option<Owed> {
        match self.stages.get(identifier(mid)?) {
            Some(Stage::Delivered(owed)) if owed.mid == mid => Some(*owed),
            _ => None,
        }
    }

    #[inline(always)]
    pub fn pubrec_sent(&mut self, id: PacketId, now: Moment) {
        self.stages.insert(id, Stage::Received(now));
    }

    /// PUBREL came, or a QoS 1 message was acknowledged. Returns false if the identifier is unknown.
    #[inline(always)]
    pub fn forget(&mut self, id: PacketId) -> bool {
        self.stages.remove(id)
    }

    /// Identifiers whose PUBREC was sent at `before` or earlier. After this call, they are not due
    /// again on this connection.
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

    /// When the oldest unanswered PUBREC was sent; `Moment::never()` if all were sent again.
    pub fn oldest(&self) -> Option<Moment> {
        self.stages
            .values()
            .filter_map(|stage| match stage {
                Stage::Received(at) => Some(*at),
                Stage::Delivered(..) | Stage::Delivering => None,
            })
            .min()
    }

    /// The connection ended, so the broker sends QoS 1 messages again, as new ones. It also sends
    /// QoS 2 messages again; then their held acknowledgements go out.
    pub fn connection_lost(&mut self) {
        self.stages.retain(
            |_, stage| !matches!(stage, Stage::Delivered(owed) if owed.qos == QoS::AtLeastOnce),
        );
        for (_, stage) in self.stages.iter_mut() {
            match stage {
                Stage::Delivered(owed) => owed.has_arrived = false,
                Stage::Received(at) => *at = Moment::never(),
                Stage::Delivering => {}
            }
        }
        self.forget_arrivals();
    }

    /// The broker has forgotten the session.
    pub fn clear(&mut self) {
        self.stages.clear();
        self.forget_arrivals();
    }

    pub fn trim(&mut self) {
        self.stages.trim();
        if self.is_empty() {
            self.forget_arrivals();
        }
    }

    fn forget_arrivals(&mut self) {
        if let Some(arrivals) = &mut self.arrivals {
            arrivals.clear();
        }
    }

    pub fn is_empty(&self) -> bool {
        self.stages.len() == 0
    }
}

fn identifier(mid: u64) -> Option<PacketId> {
    PacketId::new(mid as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The list stays short with a broker that releases messages before their PUBREC, and with one
    /// that repeats them.
    #[test]
    fn what_is_settled_is_not_listed_for_ever() {
        let mut incoming = Incoming::default();
        let ids = [1, 2].map(|number| PacketId::new(number).expect("not 0"));
        incoming.arrived(ids[0], true);
        for _ in 0..10_000 {
            incoming.arrived(ids[1], true);
            assert_eq!(incoming.arrived(ids[1], true), Arrival::Pending);
            incoming.forget(ids[1]);
        }
        let listed = incoming
            .arrivals
            .expect("one is owed")
            .of(QoS::ExactlyOnce)
            .len();
        assert!(listed <= 2 * ids.len() + SETTLED + 1, "{listed} are listed");
    }
}
