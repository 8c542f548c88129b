//! The effect of each packet from the broker.

use super::id_map::Place;
use super::incoming::Arrival;
use super::outgoing::Progress;
use super::packet_ids::{Request, Use};
use super::{Event, Failure, Phase, Session};
use crate::codec::{
    Ack, Acknowledgement, ConnAck, Packet, PacketId, Publish, QoS, SubAck, UnsubAck, reason,
};
use crate::time::Moment;

const BEFORE_CONNACK: Failure = violation("a packet before CONNACK [MQTT-3.2.0-1]");

pub(super) const fn violation(what: &'static str) -> Failure {
    Failure::Violation(what, reason::PROTOCOL_ERROR)
}

impl Session {
    #[inline(always)]
    pub fn handle<'a>(
        &mut self,
        packet: &'a Packet<'a>,
        now: Moment,
    ) -> Result<Event<'a>, Failure> {
        self.keep_alive.received(now);
        match packet {
            Packet::Publish(publish) if self.phase == Phase::Connected => {
                self.message(publish, now)
            }
            packet => self.other(packet, now),
        }
    }

    /// Out of the way of PUBLISH.
    #[inline(never)]
    fn other<'a>(&mut self, packet: &'a Packet<'a>, now: Moment) -> Result<Event<'a>, Failure> {
        match (self.phase, packet) {
            (Phase::Closed | Phase::Disconnecting { .. }, _) => Ok(Event::None),
            (Phase::Connecting { .. }, Packet::ConnAck(connack)) => self.connack(connack, now),
            (Phase::Connecting { .. }, Packet::Auth(auth)) => self.auth(auth, now),
            (Phase::Connecting { .. }, _) => Err(BEFORE_CONNACK),
            (Phase::Connected, packet) => self.connected(packet, now),
        }
    }

    /// Does the same as `handle`, for an acknowledgement.
    #[inline(always)]
    pub fn handle_ack(
        &mut self,
        ack: Ack,
        id: PacketId,
        now: Moment,
    ) -> Result<Event<'static>, Failure> {
        if self.phase != Phase::Connected {
            return self.early_or_late_ack();
        }
        match ack {
            Ack::PubRel => Ok(self.released(id)),
            _ => self.acknowledged(ack, id, reason::SUCCESS, now),
        }
    }

    #[cold]
    fn early_or_late_ack(&self) -> Result<Event<'static>, Failure> {
        match self.phase {
            Phase::Connecting { .. } => Err(BEFORE_CONNACK),
            _ => Ok(Event::None),
        }
    }

    fn connack<'a>(&mut self, connack: &'a ConnAck<'a>, now: Moment) -> Result<Event<'a>, Failure> {
        if connack.session_present && self.was_clean() {
            return Err(violation(
                "CONNACK has a session present, but a clean one was asked for [MQTT311-3.2.2-1] \
                 [MQTT5-3.2.2-4]",
            ));
        }
        if self.ends_auth(connack)? {
            return Ok(Event::Authenticated(connack));
        }
        self.heard(connack, now);
        Ok(Event::ConnAck(connack))
    }

    /// Whether CONNECT has asked for a new session.
    pub(super) fn was_clean(&self) -> bool {
        match &self.extended {
            Some(extended) => extended.clean_start,
            None => self.options.clean_session,
        }
    }

    /// CONNACK takes effect.
    pub(super) fn heard(&mut self, connack: &ConnAck, now: Moment) {
        if let Some(extended) = &mut self.extended {
            extended.hear(connack);
            self.keep_alive.set_interval(extended.negotiated.keep_alive);
        }
        if connack.return_code == 0 {
            self.accepted(connack, now);
        }
    }

    fn connected<'a>(&mut self, packet: &'a Packet<'a>, now: Moment) -> Result<Event<'a>, Failure> {
        match packet {
            // `handle` has handled it.
            Packet::Publish(_) => Ok(Event::None),
            Packet::Ack(ack) if ack.ack == Ack::PubRel => Ok(self.released(ack.id)),
            Packet::Ack(ack) => self.answered(ack, now),
            Packet::SubAck(suback) => self.suback(suback, now),
            Packet::UnsubAck(unsuback) => self.unsuback(unsuback, now),
            Packet::Disconnect(disconnect) => Ok(Event::Dismissed(disconnect)),
            Packet::Auth(auth) => self.auth(auth, now),
            Packet::PingResp => {
                self.pong(now);
                Ok(Event::None)
            }
            Packet::ConnAck(_) => Err(violation("a second CONNACK")),
            Packet::Connect(_)
            | Packet::Subscribe(_)
            | Packet::Unsubscribe(_)
            | Packet::PingReq => Err(violation("a packet that only a client may send")),
        }
    }

    #[inline(always)]
    fn message<'a>(&mut self, publish: &'a Publish<'a>, now: Moment) -> Result<Event<'a>, Failure> {
        match self.is_watched {
            false => Ok(self.message_with(publish, false, now)),
            true => self.watched_message(publish, now),
        }
    }

    #[cold]
    fn watched_message<'a>(
        &mut self,
        publish: &'a Publish<'a>,
        now: Moment,
    ) -> Result<Event<'a>, Failure> {
        if publish.packet_id.is_some()
            && let Some(extended) = &mut self.extended
            && let Some(allowance) = &mut extended.allowance
            && !allowance.take_one(&self.output)
        {
            let what = "more messages without an answer than the receive maximum [MQTT5-3.3.4-9]";
            return Err(Failure::Violation(what, reason::RECEIVE_MAXIMUM));
        }
        Ok(self.message_with(publish, self.options.manual_ack, now))
    }

    #[inline(always)]
    fn message_with<'a>(
        &mut self,
        publish: &'a Publish<'a>,
        manual_ack: bool,
        now: Moment,
    ) -> Event<'a> {
        let mut mid = 0;
        if let Some(id) = publish.packet_id {
            mid = id.get().into();
            if publish.qos == QoS::ExactlyOnce {
                match self.incoming.arrived(id, manual_ack) {
                    Arrival::New(number) => mid = number,
                    Arrival::Pending if manual_ack => {
                        self.send_held(publish.qos, now);
                        return Event::None;
                    }
                    // The application acknowledges no more; it may have, before.
                    Arrival::Pending => {
                        self.send_verdict(id, publish.qos, now);
                        return Event::None;
                    }
                    // The broker has no PUBREC: the connection ended before the callback returned,
                    // or lost the PUBREC.
                    Arrival::Acknowledged => {
                        self.send_ack(id, publish.qos, now);
                        return Event::None;
                    }
                }
            } else if manual_ack {
                mid = self.incoming.await_application(id, publish.qos);
            }
            self.delivering = !manual_ack;
        }
        Event::Message {
            publish,
            mid,
            manual_ack,
        }
    }

    /// PUBREL.
    #[inline(always)]
    fn released(&mut self, id: PacketId) -> Event<'static> {
        let is_known = self.incoming.forget(id);
        // PUBCOMP also answers an unknown identifier, so that the broker can forget it.
        match is_known {
            true => self.acknowledge(Ack::PubComp, id),
            false => self.acknowledge_unknown(Ack::PubComp, id),
        }
        self.allow_one_more();
        self.disarm_retry();
        Event::None
    }

    /// PUBACK, PUBREC or PUBCOMP, which may have a reason and properties.
    #[inline(never)]
    fn answered<'a>(
        &mut self,
        answer: &'a Acknowledgement<'a>,
        now: Moment,
    ) -> Result<Event<'a>, Failure> {
        let is_plain = match answer.reason {
            reason::SUCCESS => answer.properties.is_empty(),
            // PUBREL was repeated, and the message was done before (section 3.7.2.1).
            reason::ID_NOT_FOUND => true,
            _ => false,
        };
        match self.acknowledged(answer.ack, answer.id, answer.reason, now)? {
            Event::Published { mid } if !is_plain => Ok(Event::Answered { mid, answer }),
            event => Ok(event),
        }
    }

    /// PUBACK, PUBREC or PUBCOMP.
    #[inline(always)]
    fn acknowledged(
        &mut self,
        ack: Ack,
        id: PacketId,
        reason: u8,
        now: Moment,
    ) -> Result<Event<'static>, Failure> {
        let Some((place, usage)) = self.ids.get(id) else {
            return Ok(self.unknown(ack, id, reason));
        };
        match self.outgoing.acknowledged(ack, reason, usage, now) {
            Progress::Finished(mid) => {
                self.finished(place, now);
                Ok(Event::Published { mid })
            }
            Progress::Downgraded(mid) => {
                self.finished(place, now);
                let is_first = !std::mem::replace(&mut self.downgrades, true);
                Ok(Event::Downgraded { mid, is_first })
            }
            Progress::Cancelled => {
                self.finished(place, now);
                Ok(Event::None)
            }
            Progress::InDoubt(mid) => {
                self.finished(place, now);
                Ok(Event::InDoubt { mid })
            }
            Progress::Release => {
                // [MQTT-4.3.3-1]
                self.acknowledge(Ack::PubRel, id);
                self.arm_retry(now);
                Ok(Event::None)
            }
            Progress::Noted => {
                self.noted(usage, id);
                Ok(Event::None)
            }
            Progress::Violation(what) => Err(violation(what)),
            Progress::Unknown => Ok(self.unknown(ack, id, reason)),
        }
    }

    /// PUBREC for a message that was sent on an earlier connection only. In MQTT 5, receive maximum delays no
    /// PUBREL [MQTT5-3.3.4-8].
    #[cold]
    fn noted(&mut self, usage: Use, id: PacketId) {
        if self.version.rules().is_extended {
            self.outgoing.resume_one(usage);
            self.acknowledge(Ack::PubRel, id);
        }
    }

    /// An acknowledgement of no message in flight.
    #[cold]
    fn unknown(&mut self, ack: Ack, id: PacketId, reason: u8) -> Event<'static> {
        // After a refusal, the broker has nothing to release [MQTT5-4.3.3-4].
        if ack != Ack::PubRec || reason >= reason::FAILURE {
            return Event::Unexpected("an acknowledgement for no message in flight");
        }
        // Without PUBREL, the broker would keep the identifier for ever.
        self.acknowledge_unknown(Ack::PubRel, id);
        Event::Unexpected("PUBREC for no message in flight")
    }

    /// A handshake is complete.
    #[inline(always)]
    fn finished(&mut self, place: Place, now: Moment) {
        self.ids.release_at(place);
        self.pump(now);
        self.disarm_retry();
        self.announce_room();
    }

    fn suback<'a>(&mut self, suback: &'a SubAck<'a>, now: Moment) -> Result<Event<'a>, Failure> {
        let id = suback.packet_id;
        let (mid, filters) = match self.ids.request(id) {
            Some(Request::Subscribe { mid, filters }) => (Some(mid), filters),
            Some(Request::SubscribeAgain { filters }) => (None, filters),
            _ => return Ok(Event::Unexpected("SUBACK for no SUBSCRIBE")),
        };
        if suback.granted.len() != filters {
            return Err(violation(
                "SUBACK with another number of codes than SUBSCRIBE had filters [MQTT-3.8.4-5]",
            ));
        }
        self.release(id, now);
        let Some(mid) = mid else {
            self.answered_again(id, suback.granted);
            return Ok(Event::None);
        };
        if let Some(subscriptions) = self.ids.subscriptions() {
            subscriptions.answered(id, suback.granted);
        }
        Ok(Event::Subscribed { mid, suback })
    }

    fn unsuback<'a>(
        &mut self,
        unsuback: &'a UnsubAck<'a>,
        now: Moment,
    ) -> Result<Event<'a>, Failure> {
        let request = self.ids.request(unsuback.packet_id);
        let Some(Request::Unsubscribe { mid, filters }) = request else {
            return Ok(Event::Unexpected("UNSUBACK for no UNSUBSCRIBE"));
        };
        if self.version.rules().is_extended && unsuback.codes.len() != filters {
            return Err(violation(
                "UNSUBACK with another number of codes than UNSUBSCRIBE had filters [MQTT5-3.11.3-1]",
            ));
        }
        self.release(unsuback.packet_id, now);
        Ok(Event::Unsubscribed { mid, unsuback })
    }

    /// A request is answered. A waiting message may use its packet identifier, which is free again.
    fn release(&mut self, id: PacketId, now: Moment) {
        self.ids.release_request(id);
        self.pump(now);
    }

    /// Clears the retry deadline if no packet waits for an answer, so that the client does not wake
    /// up for it.
    #[inline(always)]
    pub(super) fn disarm_retry(&mut self) {
        if !self.awaits_answer() {
            self.retry.disarm();
        }
    }
}
