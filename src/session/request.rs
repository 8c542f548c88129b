//! What the application asks for: publish, subscribe, unsubscribe, acknowledge.

use super::incoming::Verdict;
use super::output::MARK;
use super::packet_ids::{Request, Use};
use super::refused::Refused;
use super::slot::MESSAGE;
use super::{OUTPUT, Options, Phase, Session};
use crate::codec::{
    Ack, Acknowledgement, Buffer, NoMemory, PacketId, Properties, Publishable, QoS, TooLong, Wish,
    encode, reason,
};
use crate::time::Moment;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishError {
    /// There is no connection. QoS 0 is dropped; QoS 1 and 2 are queued for the next one.
    NotConnected { mid: u64 },
    /// The queue is full; nothing was done.
    QueueFull,
    /// There is no memory for the message; nothing was done.
    NoMemory,
    /// The broker does not take such messages, for this reason of MQTT 5; nothing was done.
    Unfit(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestError {
    NotConnected,
    /// All 65,535 packet identifiers are in use.
    NoPacketId,
    TooLong(TooLong),
    /// The broker does not take packets of this size.
    TooLarge,
    /// The broker does not take such filters, for this reason of MQTT 5.
    Unfit(u8),
}

impl Session {
    /// Takes a message and returns its mid. Asks for the time only if it matters: a QoS 0 message
    /// has no answer that can be late.
    #[inline(always)]
    pub fn publish(
        &mut self,
        message: &Publishable,
        now: impl FnOnce() -> Moment,
    ) -> Result<u64, PublishError> {
        self.check_fit(message)?;
        let is_rewritten = message.qos == QoS::AtMostOnce && !self.output.is_plain();
        match self.is_ruled() || is_rewritten || self.keeps_for_connack() {
            true => self.publish_ruled(message, None, now()),
            false if self.extended.is_some() => self.publish_straight::<true>(message, now),
            false => self.publish_straight::<false>(message, now),
        }
    }

    /// `publish` of a session of MQTT 5 that is not ruled.
    #[inline(always)]
    pub fn publish_extended(
        &mut self,
        message: &Publishable,
        now: impl FnOnce() -> Moment,
    ) -> Result<u64, PublishError> {
        let is_connected = self.phase == Phase::Connected;
        match is_connected && self.takes(message) && self.output.is_plain() {
            true => self.publish_straight::<true>(message, now),
            false => self.publish_with_care(message, now()),
        }
    }

    #[inline(never)]
    fn publish_with_care(
        &mut self,
        message: &Publishable,
        now: Moment,
    ) -> Result<u64, PublishError> {
        self.publish(message, || now)
    }

    /// Whether the broker takes such a message, and has said so.
    #[inline(always)]
    fn takes(&self, message: &Publishable) -> bool {
        let (len, qos, retain) = (encode::publish_len(message), message.qos, message.retain);
        let negotiated = self.extended.as_ref().map(|extended| &extended.negotiated);
        negotiated.is_some_and(|with| with.refuses(len, qos, retain).is_none())
    }

    /// Whether the broker takes such a message, as far as it has said so.
    #[inline(always)]
    pub(super) fn check_fit(&self, message: &Publishable) -> Result<(), PublishError> {
        match &self.extended {
            Some(extended) if self.phase == Phase::Connected => {
                let len = encode::publish_len(message);
                match extended
                    .negotiated
                    .refuses(len, message.qos, message.retain)
                {
                    Some(reason) => Err(PublishError::Unfit(reason)),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// Whether QoS 0 waits in the queue until CONNACK, which may say that the broker does not take it.
    #[inline(always)]
    pub(super) fn keeps_for_connack(&self) -> bool {
        self.extended.is_some()
            && (matches!(self.phase, Phase::Connecting { .. }) || self.goes_on())
    }

    /// `publish` of a session of MQTT 3 that is not ruled.
    #[inline(always)]
    pub fn publish_plain(
        &mut self,
        message: &Publishable,
        now: impl FnOnce() -> Moment,
    ) -> Result<u64, PublishError> {
        self.publish_straight::<false>(message, now)
    }

    #[inline(always)]
    fn publish_straight<const EXTENDED: bool>(
        &mut self,
        message: &Publishable,
        now: impl FnOnce() -> Moment,
    ) -> Result<u64, PublishError> {
        let connected = self.is_open();
        let mid = self.last_mid + 1;
        if message.qos == QoS::AtMostOnce && !connected {
            self.last_mid = mid;
            return Err(PublishError::NotConnected { mid });
        }
        let bytes = message.topic.len() + message.payload.len() + overhead(message.qos);
        if !self.has_room(message.qos, bytes) {
            self.outgoing.refused = Refused::new(message.qos, bytes);
            return Err(PublishError::QueueFull);
        }
        if message.qos == QoS::AtMostOnce {
            encode::publish(self.output.buffer(), message, None)?;
            self.output.mark_at_most_once(mid);
            self.last_mid = mid;
            return Ok(mid);
        }
        self.publish_acknowledged::<EXTENDED>(mid, message, now())?;
        self.last_mid = mid;
        match connected {
            true => Ok(mid),
            false => Err(PublishError::NotConnected { mid }),
        }
    }

    /// Sends a message of QoS 1 or 2, or queues it if it has to wait.
    #[inline(always)]
    pub(super) fn publish_acknowledged<const EXTENDED: bool>(
        &mut self,
        mid: u64,
        message: &Publishable,
        now: Moment,
    ) -> Result<(), NoMemory> {
        if self.may_send()
            && self.outgoing.is_next()
            && self.output.unwritten() < OUTPUT
            && let Some(id) = self.assign(mid)
        {
            let output = &mut self.output;
            let sent = self
                .outgoing
                .push_sent::<EXTENDED>(mid, message, id, output, now);
            if let Err(NoMemory) = sent {
                self.ids.release(id);
                return Err(NoMemory);
            }
            self.arm_retry(now);
            Ok(())
        } else {
            self.outgoing.push(mid, message)
        }
    }

    #[inline(always)]
    fn assign(&mut self, mid: u64) -> Option<PacketId> {
        self.ids.assign(mid, Use::message(self.outgoing.next_seq()))
    }

    /// Sends one SUBSCRIBE for all filters. They are checked, and there is at least one.
    pub fn subscribe(
        &mut self,
        filters: &[(&str, Wish)],
        properties: Properties,
    ) -> Result<u64, RequestError> {
        let (mid, id) = self.ask_to_subscribe(filters, properties)?;
        if let Some(subscriptions) = self.ids.subscriptions() {
            subscriptions.asked(id, filters);
        }
        Ok(mid)
    }

    /// The same for a filter to which the session does not subscribe again by itself.
    pub fn subscribe_once(&mut self, filter: &str, wish: Wish) -> Result<u64, RequestError> {
        let (mid, _) = self.ask_to_subscribe(&[(filter, wish)], Properties::NONE)?;
        Ok(mid)
    }

    fn ask_to_subscribe(
        &mut self,
        filters: &[(&str, Wish)],
        properties: Properties,
    ) -> Result<(u64, PacketId), RequestError> {
        let request = |mid| Request::Subscribe {
            mid,
            filters: filters.len(),
        };
        let negotiated = self.negotiated();
        let refused = negotiated.and_then(|with| {
            filters
                .iter()
                .find_map(|(filter, _)| with.refuses_filter(filter))
        });
        if let Some(reason) = refused.filter(|_| self.is_open()) {
            return Err(RequestError::Unfit(reason));
        }
        let properties = self.extended_only(properties);
        self.request(request, |out, id| {
            encode::subscribe(out, id, filters, properties)
        })
    }

    /// Sends one UNSUBSCRIBE for all filters. They are checked, and there is at least one.
    pub fn unsubscribe(
        &mut self,
        filters: &[&str],
        properties: Properties,
    ) -> Result<u64, RequestError> {
        let request = |mid| Request::Unsubscribe {
            mid,
            filters: filters.len(),
        };
        let properties = self.extended_only(properties);
        let (mid, _) = self.request(request, |out, id| {
            encode::unsubscribe(out, id, filters, properties)
        })?;
        if let Some(subscriptions) = self.ids.subscriptions() {
            subscriptions.ended(filters);
        }
        Ok(mid)
    }

    pub(super) fn extended_only<'a>(&self, properties: Properties<'a>) -> Option<Properties<'a>> {
        self.version.rules().is_extended.then_some(properties)
    }

    /// The application has taken the message of an `Event::Message`.
    #[inline(always)]
    pub fn delivered(&mut self, id: PacketId, qos: QoS, now: Moment) {
        self.send_ack(id, qos, now);
        self.end_delivery();
    }

    /// Begins a batch: messages of QoS 0 and 1 are delivered without an `Event` for each, until
    /// `end_batch`. Returns false if they may not be: nothing counts the messages of a batch.
    pub fn begin_batch(&mut self) -> bool {
        self.delivering = self.phase == Phase::Connected && !self.is_watched;
        self.delivering
    }

    /// The application has taken the messages of a batch. `ids` are the identifiers of those of QoS
    /// 1.
    #[inline(always)]
    pub fn end_batch(&mut self, ids: &[PacketId]) {
        for &id in ids {
            // [MQTT-4.3.2-2]
            self.acknowledge(Ack::PubAck, id);
        }
        self.end_delivery();
    }

    /// Sends DISCONNECT, if it has waited for the acknowledgements.
    #[inline(always)]
    fn end_delivery(&mut self) {
        let was_delivering = std::mem::take(&mut self.delivering);
        if was_delivering && matches!(self.phase, Phase::Disconnecting { .. }) {
            self.output.put_disconnect();
        }
    }

    /// Sends the acknowledgement of a message.
    #[inline(always)]
    pub(super) fn send_ack(&mut self, id: PacketId, qos: QoS, now: Moment) {
        match qos {
            QoS::AtMostOnce => {}
            // [MQTT-4.3.2-2]
            QoS::AtLeastOnce => {
                self.acknowledge(Ack::PubAck, id);
                self.allow_one_more();
            }
            // [MQTT-4.3.3-2]
            QoS::ExactlyOnce => {
                self.incoming.pubrec_sent(id, now);
                self.acknowledge(Ack::PubRec, id);
                self.arm_retry(now);
            }
        }
    }

    /// The application acknowledges a message itself, in MQTT 5 with a reason and properties: from
    /// `reason::FAILURE` on, it refuses the message. Returns false if this acknowledgement is not
    /// owed.
    pub fn acknowledge_manually(
        &mut self,
        mid: u64,
        qos: QoS,
        reason: u8,
        properties: Properties,
        now: Moment,
    ) -> bool {
        let Some(id) = self.incoming.owing(mid, qos) else {
            return false;
        };
        // A refusal forgets the message, so it waits until it can be sent.
        let can_go = reason < reason::FAILURE || self.phase == Phase::Connected;
        if self.options.ack_at_once && can_go {
            self.send_manual_ack(id, qos, reason, properties, now);
        } else {
            self.incoming.hold(mid, reason, properties);
        }
        self.send_held(qos, now);
        true
    }

    /// Sends the acknowledgements that wait for no other.
    pub(super) fn send_held(&mut self, qos: QoS, now: Moment) {
        while self.phase == Phase::Connected
            && let Some(id) = self.incoming.next_held(qos)
        {
            self.send_verdict(id, qos, now);
        }
    }

    /// Sends the acknowledgement of a message for which the application has mostly answered.
    pub(super) fn send_verdict(&mut self, id: PacketId, qos: QoS, now: Moment) {
        let Verdict { reason, properties } = self.incoming.take_verdict(id);
        self.send_manual_ack(id, qos, reason, properties.get(), now);
    }

    fn send_manual_ack(
        &mut self,
        id: PacketId,
        qos: QoS,
        reason: u8,
        properties: Properties,
        now: Moment,
    ) {
        if qos == QoS::AtLeastOnce {
            self.incoming.forget(id);
            self.disarm_retry();
        }
        let is_plain = reason == reason::SUCCESS && properties.is_empty();
        // A connection before MQTT 5 knows neither.
        match is_plain || !self.version.rules().is_extended {
            true => self.send_ack(id, qos, now),
            false => self.send_ack_with(id, qos, reason, properties, now),
        }
    }

    #[cold]
    fn send_ack_with(
        &mut self,
        id: PacketId,
        qos: QoS,
        reason: u8,
        properties: Properties,
        now: Moment,
    ) {
        let ack = match qos {
            QoS::AtMostOnce => return,
            QoS::AtLeastOnce => Ack::PubAck,
            QoS::ExactlyOnce => Ack::PubRec,
        };
        let is_last = ack == Ack::PubAck || reason >= reason::FAILURE;
        match ack {
            Ack::PubRec if is_last => {
                // No PUBREL comes [MQTT5-4.3.3-9].
                self.incoming.forget(id);
                self.disarm_retry();
            }
            Ack::PubRec => {
                self.incoming.pubrec_sent(id, now);
                self.arm_retry(now);
            }
            _ => {}
        }
        let most = self.negotiated().map(|with| with.max_packet_size);
        if self.phase == Phase::Connected
            && let Some(most) = most
        {
            // [MQTT5-3.4.2-2] [MQTT5-3.4.2-3] [MQTT5-3.5.2-2] [MQTT5-3.5.2-3]
            let fits = properties.fit(3, most);
            self.output.put_ack_with(&Acknowledgement {
                ack,
                id,
                reason,
                properties: if fits { properties } else { Properties::NONE },
            });
        }
        if is_last {
            self.allow_one_more();
        }
    }

    /// The last packet in the output completes a message of the broker's.
    #[inline(always)]
    pub(super) fn allow_one_more(&mut self) {
        if self.is_watched {
            self.note_answer();
        }
    }

    #[cold]
    fn note_answer(&mut self) {
        if let Some(extended) = &mut self.extended
            && let Some(allowance) = &mut extended.allowance
        {
            allowance.answered(&self.output);
        }
    }

    #[inline(always)]
    pub(super) fn acknowledge(&mut self, ack: Ack, id: PacketId) {
        if self.phase == Phase::Connected || self.delivering {
            self.output.put_ack(ack, id, false, self.version);
        }
    }

    /// The same for an identifier that is not in use here.
    #[cold]
    pub(super) fn acknowledge_unknown(&mut self, ack: Ack, id: PacketId) {
        if !self.version.rules().is_extended {
            return self.acknowledge(ack, id);
        }
        if self.phase == Phase::Connected || self.delivering {
            self.output.put_ack_with(&Acknowledgement {
                reason: reason::ID_NOT_FOUND,
                ..Acknowledgement::plain(ack, id)
            });
        }
    }

    /// Whether the queue would take a message of `bytes`.
    #[inline(always)]
    pub(super) fn has_room(&self, qos: QoS, bytes: usize) -> bool {
        let Options {
            max_queued_messages: messages,
            max_queued_bytes: most,
            ..
        } = self.options;
        // A QoS 0 message waits only for the socket, so the limit on the number does not apply.
        if qos != QoS::AtMostOnce && messages != 0 && self.outgoing.unfinished() >= messages {
            return false;
        }
        let used = self.queued_bytes();
        if used + bytes <= most {
            return true;
        }
        // An empty queue takes one message of any size, so that no message is too large for it.
        most == 0 || used == 0
    }

    /// Whether at most half of the queue is taken, and it would take what was refused.
    #[cold]
    pub(super) fn is_half_free_for(&self, refused: Refused) -> bool {
        let Options {
            max_queued_messages: messages,
            max_queued_bytes: most,
            ..
        } = self.options;
        let is_counted = refused.qos() != QoS::AtMostOnce && messages != 0;
        let used = self.queued_bytes() - self.outgoing.hole_bytes();
        (!is_counted || self.outgoing.unfinished() <= messages / 2)
            && (most == 0 || used <= most / 2)
            && (most == 0 || used == 0 || used + refused.bytes() <= most)
    }

    /// CONNECT was sent, and no disconnect was requested.
    pub fn is_open(&self) -> bool {
        match self.phase {
            Phase::Connected => true,
            Phase::Connecting {
                then_disconnect, ..
            } => !then_disconnect,
            Phase::Closed => self.goes_on(),
            Phase::Disconnecting { .. } => false,
        }
    }

    fn request(
        &mut self,
        request: impl FnOnce(u64) -> Request,
        encode: impl FnOnce(&mut Buffer, PacketId) -> Result<(), TooLong>,
    ) -> Result<(u64, PacketId), RequestError> {
        if !self.is_open() {
            return Err(RequestError::NotConnected);
        }
        let mid = self.last_mid + 1;
        let id = self
            .ids
            .assign_request(mid, request(mid))
            .ok_or(RequestError::NoPacketId)?;
        if let Err(error) = self.put_request(encode, id) {
            self.ids.release_request(id);
            return Err(error);
        }
        self.last_mid = mid;
        Ok((mid, id))
    }

    fn put_request(
        &mut self,
        encode: impl FnOnce(&mut Buffer, PacketId) -> Result<(), TooLong>,
        id: PacketId,
    ) -> Result<(), RequestError> {
        let Some(extended) = &self.extended else {
            return encode(self.output.buffer(), id).map_err(RequestError::TooLong);
        };
        let most = extended.negotiated.max_packet_size;
        let mut packet = Buffer::default();
        encode(&mut packet, id).map_err(RequestError::TooLong)?;
        if self.keep_early(id, &packet) {
            return Ok(());
        }
        // [MQTT5-3.2.2-15]
        if packet.len() > most as usize {
            return Err(RequestError::TooLarge);
        }
        self.output.buffer().append(&packet);
        Ok(())
    }
}

/// The bytes that a message counts for, in addition to its packet.
#[inline(always)]
pub(super) fn overhead(qos: QoS) -> usize {
    match qos {
        QoS::AtMostOnce => MARK,
        QoS::AtLeastOnce | QoS::ExactlyOnce => MESSAGE,
    }
}

impl From<NoMemory> for PublishError {
    fn from(_: NoMemory) -> PublishError {
        PublishError::NoMemory
    }
}
