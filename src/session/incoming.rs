//! Messages from the broker that are not settled. A QoS 2 message is delivered when its PUBLISH
//! arrives. Its identifier is kept until PUBREL (section 4.3.3, method B).

use super::arrivals::Arrivals;
use super::id_map::IdMap;
use crate::codec::{PacketId, Properties, PropertyList, QoS, reason};
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
    /// The reason code of an acknowledgement that is held.
    reason: u8,
    /// The application has acknowledged the message. The acknowledgements of earlier messages go
    /// out first.
    is_held: bool,
    /// Its PUBLISH came on this connection.
    has_arrived: bool,
}

/// What the application has said of a message.
pub struct Verdict {
    pub reason: u8,
    pub properties: PropertyList,
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
        self.list(
            id,
            Owed {
                mid,
                qos,
                reason: reason::SUCCESS,
                is_held: false,
                has_arrived: true,
            },
        );
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
                    let has_arrived = true;
                    self.list(
                        id,
                        Owed {
                            has_arrived,
                            ..owed
                        },
                    );
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

    /// The packet identifier of the message with this mid, if the application owes its acknowledgement.
    pub fn owing(&self, mid: u64, qos: QoS) -> Option<PacketId> {
        let owed = self.owed(mid)?;
        let is_owed = !owed.is_held && owed.qos == qos;
        identifier(mid).filter(|_| is_owed)
    }

    /// The application acknowledges a message that is `owing`.
    pub fn hold(&mut self, mid: u64, reason: u8, properties: Properties) {
        let (Some(owed), Some(id)) = (self.owed(mid), identifier(mid)) else {
            return;
        };
        let held = Owed {
            reason,
            is_held: true,
            ..owed
        };
        self.stages.insert(id, Stage::Delivered(held));
        if !properties.is_empty() {
            self.keep_properties(mid, properties);
        }
    }

    #[cold]
    fn keep_properties(&mut self, mid: u64, properties: Properties) {
        let mut arrivals = self.arrivals.take().unwrap_or_default();
        let kept = &mut arrivals.properties;
        if kept.len() > 2 * self.stages.len() + SETTLED {
            kept.retain(|&mid, _| self.owed(mid).is_some());
        }
        kept.insert(mid, PropertyList::of(properties));
        self.arrivals = Some(arrivals);
    }

    /// What the application has said of a message that is held; success if it has said nothing.
    pub fn take_verdict(&mut self, id: PacketId) -> Verdict {
        let (mid, reason) = match self.stages.get(id) {
            Some(Stage::Delivered(owed)) => (owed.mid, owed.reason),
            _ => (0, reason::SUCCESS),
        };
        let arrivals = self.arrivals.as_mut();
        let properties = arrivals.and_then(|arrivals| arrivals.properties.remove(&mid));
        Verdict {
            reason,
            properties: properties.unwrap_or_default(),
        }
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
    fn list(&mut self, id: PacketId, owed: Owed) {
        self.stages.insert(id, Stage::Delivered(owed));
        let mut arrivals = self.arrivals.take().unwrap_or_default();
        let listed = arrivals.of(owed.qos);
        if listed.len() > 2 * self.stages.len() + SETTLED {
            listed.retain(|&mid| self.owed(mid).is_some());
        }
        listed.push_back(owed.mid);
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
        if let Some(mut arrivals) = self.arrivals.take() {
            arrivals.clear();
            let kept = &mut arrivals.properties;
            kept.retain(|&mid, _| self.owed(mid).is_some());
            self.arrivals = Some(arrivals);
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
