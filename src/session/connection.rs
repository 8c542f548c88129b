//! A connection from CONNECT to its end, and everything that depends on time.

use super::allowance::Allowance;
use super::extended::Extended;
use super::packet_ids::Request;
use super::retry::Step;
use super::{Failure, Gather, Outcome, Phase, Sent, Session};
use crate::codec::{
    Ack, ConnAck, Connect, Message, Properties, PropertyList, TooLong, encode, reason,
};
use crate::time::Moment;
use zeroize::Zeroizing;

impl Session {
    /// A transport is open. CONNECT goes out, unless it waits for the application (`start_auth`). All other
    /// packets but AUTH wait for CONNACK. [MQTT5-3.1.2-30]
    pub fn open(&mut self, now: Moment) -> Result<(), TooLong> {
        self.version = self.next_version();
        if let Some(extended) = &mut self.extended {
            extended.exchange.begin();
        }
        self.output.hold();
        let is_withheld = |extended: &Extended| extended.exchange.is_starting();
        if !self.extended.as_deref().is_some_and(is_withheld) {
            self.put_connect(Properties::NONE)?;
        }
        self.connection = self.connection.wrapping_add(1);
        let is_extended = self.version.rules().is_extended;
        if let Some(extended) = &mut self.extended {
            extended.goes_on = false;
            extended.falls_back = false;
            let maximum = is_extended.then_some(extended.options.receive_maximum);
            extended.allowance = maximum.and_then(Allowance::new);
        }
        self.keep_alive.start(self.options.keep_alive, now);
        self.downgrades = false;
        self.phase = Phase::Connecting {
            deadline: now + self.options.handshake_timeout(),
            then_disconnect: false,
        };
        self.watch();
        Ok(())
    }

    /// CONNECT, with the properties of enhanced authentication.
    pub(super) fn put_connect(&mut self, auth: Properties) -> Result<(), TooLong> {
        let (options, version) = (&self.options, self.version);
        let mut clean_session = options.clean_session;
        let mut properties = Zeroizing::new(PropertyList::default());
        if let Some(extended) = &mut self.extended {
            *properties = extended.connect_properties(clean_session, options.max_packet_size);
            properties.append(auth);
            extended.ask(options.keep_alive, clean_session);
            clean_session = extended.clean_start;
        }
        // Before MQTT 5, the broker cannot say which identifier it has chosen.
        let assigned = self.extended.as_ref().and_then(|it| it.assigned_id());
        let assigned = assigned.filter(|id| version.rules().is_extended || !id.is_empty());
        let client_id = assigned.unwrap_or(&options.client_id);
        let credentials = options.credentials.as_ref();
        let connect = Connect {
            version,
            client_id: client_id.to_str().unwrap_or_default(),
            clean_session,
            keep_alive: options.keep_alive,
            will: options.will.as_ref().map(|will| Message {
                topic: &will.topic,
                payload: &will.payload,
                qos: will.qos,
                retain: will.retain,
                properties: version.rules().is_extended.then_some(will.properties.get()),
            }),
            username: credentials.map(|with| with.username.as_str()),
            password: credentials.and_then(|with| with.password.as_ref().map(|it| it.as_slice())),
            properties: properties.get(),
        };
        self.output.put_early(|out| encode::connect(out, &connect))
    }

    /// The transport is gone. The client never drops a message of QoS 1 or 2, whatever clean
    /// session says to the broker. Everything else that was under way gets its outcome now.
    pub fn close(&mut self) {
        self.tell_written();
        let lost = self.output.reset();
        for mid in lost {
            self.add_outcome(Outcome::Lost { mid });
        }
        while let Some(request) = self.ids.take_request() {
            match request {
                Request::Subscribe { mid, .. } => {
                    self.add_outcome(Outcome::SubscribeLost { mid });
                }
                Request::Unsubscribe { mid, .. } => {
                    self.add_outcome(Outcome::UnsubscribeLost { mid });
                }
                Request::SubscribeAgain { .. } => {}
            }
        }
        if let Some(subscriptions) = self.ids.subscriptions() {
            subscriptions.connection_lost();
        }
        if let Some(extended) = &mut self.extended {
            extended.early.clear();
        }
        self.outgoing.connection_lost(self.extended.is_some());
        if self.extended.is_some() {
            for mid in self.outgoing.lose_early() {
                self.add_outcome(Outcome::Lost { mid });
            }
        }
        self.incoming.connection_lost();
        if let Some(extended) = &mut self.extended {
            extended.allowance = None;
            extended.goes_on = false;
            extended.falls_back = false;
        }
        self.watch();
        self.delivering = false;
        self.announcing = false;
        self.input_paused = false;
        self.retry.reset();
        if let Some(extended) = &mut self.extended {
            extended.exchange.end();
        }
        self.phase = Phase::Closed;
        self.announce_room();
    }

    /// Notes the QoS 0 messages that the socket has, before their marks are dropped.
    pub(super) fn tell_written(&mut self) {
        while let Some(mid) = self.output.pop_written() {
            self.add_outcome(Outcome::Written { mid });
        }
    }

    /// `disconnect`, with a reason and properties that MQTT 5 has. Before MQTT 5, the reason decides about the
    /// will: it is published unless the reason is success [MQTT5-3.14.4-3].
    pub fn disconnect_with(&mut self, reason: u8, properties: Properties, now: Moment) -> bool {
        if !matches!(self.phase, Phase::Closed | Phase::Disconnecting { .. }) {
            match self.version.rules().is_extended {
                true => self.output.set_farewell(reason, properties),
                false if reason == reason::SUCCESS => {}
                false => self.output.leave_silently(),
            }
        }
        self.disconnect(now)
    }

    /// Whether DISCONNECT may change the session expiry to these seconds: not from 0, since a session that ends
    /// with its connection cannot be kept any more (section 3.14.2.2.2 of MQTT 5).
    pub fn may_expire_after(&self, seconds: u32) -> bool {
        let stated = self.extended.as_ref().map_or(0, |it| it.stated_expiry);
        self.phase == Phase::Closed || seconds == 0 || stated > 0
    }

    /// The last packet to a broker that has broken the protocol, or None if it would not understand it
    /// (section 4.13 of MQTT 5).
    pub fn parting(&self, reason: u8) -> Option<Gather> {
        let understands = match self.phase {
            Phase::Connected => self.version.rules().is_extended,
            _ => self.may_part_early(),
        };
        let mut packet = Gather::default();
        let encoded = encode::disconnect_with(packet.row(), reason, Properties::NONE);
        (understands && encoded.is_ok()).then_some(packet)
    }

    /// Ends the connection. The output goes out first, then the acknowledgement of a message that
    /// is being delivered, then DISCONNECT. Returns false if there is no connection.
    pub fn disconnect(&mut self, now: Moment) -> bool {
        self.announcing = false;
        match &mut self.phase {
            Phase::Closed => return false,
            Phase::Connecting {
                then_disconnect, ..
            } => *then_disconnect = true,
            Phase::Connected => {
                // Messages that fit into the window go out before DISCONNECT, behind any number of
                // those whose time is over, too.
                let mut unfinished = usize::MAX;
                while self.outgoing.unfinished() < unfinished {
                    unfinished = self.outgoing.unfinished();
                    self.send_waiting(usize::MAX, now);
                }
                if let Some(with) = self.negotiated() {
                    let most = with.max_packet_size;
                    self.output.fit_farewell(most);
                }
                self.phase = Phase::Disconnecting {
                    deadline: now + self.options.handshake_timeout(),
                };
                if !self.delivering {
                    self.output.put_disconnect();
                }
            }
            Phase::Disconnecting { .. } => {}
        }
        true
    }

    /// The socket has DISCONNECT and all bytes before it: the transport can be closed.
    pub fn is_finished(&self) -> bool {
        matches!(self.phase, Phase::Disconnecting { .. })
            && !self.delivering
            && self.output.unwritten() == 0
    }

    pub(super) fn accepted(&mut self, connack: &ConnAck, now: Moment) {
        let then_disconnect = matches!(
            self.phase,
            Phase::Connecting {
                then_disconnect: true,
                ..
            }
        );
        // MQTT 3.1 does not say whether the session is present. The client assumes that a durable
        // one is.
        let forgotten = match self.version().rules().has_session_present {
            true => !connack.session_present,
            false => self.options.clean_session,
        };
        if forgotten {
            self.incoming.clear();
            self.outgoing
                .session_lost(&mut self.ids, self.version.rules());
        }
        if let Some(extended) = self
            .extended
            .as_deref()
            .filter(|it| !it.negotiated.takes_all())
        {
            self.outgoing
                .refuse_unfit(&extended.negotiated, &mut self.ids, &mut self.output);
        }
        if let Some(extended) = &self.extended {
            let taken = extended.negotiated.topic_alias_maximum;
            let aliases = taken.min(extended.options.aliases_out);
            let strips = !self.version.rules().is_extended;
            let most = extended.negotiated.max_packet_size;
            self.output.set_dialect(aliases, most, strips);
        }
        self.outgoing.set_window(self.window());
        self.phase = Phase::Connected;
        self.output.release();
        self.send_early_requests();
        if self.extended.is_some() {
            self.outgoing.resume(&mut self.output, self.version);
            self.outgoing.send_early(&mut self.output, now);
        }
        let subscriptions = self.ids.subscriptions().filter(|_| forgotten);
        let subscribes_again = subscriptions.is_some_and(|kept| kept.session_lost());
        self.announcing = subscribes_again || self.outgoing.unfinished() > 0;
        if then_disconnect {
            self.disconnect(now);
        }
    }

    /// The application knows of the connection, and its requests upon that go out first. For
    /// example, a SUBSCRIBE precedes the queued messages whose responses it is for.
    pub fn announced(&mut self, now: Moment) {
        self.subscribe_again();
        self.announcing = false;
        self.pump(now);
    }

    /// Bytes arrived, perhaps only a part of a packet: the peer is alive.
    pub fn received(&mut self, now: Moment) {
        self.keep_alive.received(now);
    }

    /// The socket has taken `count` bytes of the output.
    pub fn written(&mut self, count: usize, now: Moment) {
        self.output.written(count);
        if count > 0 {
            self.keep_alive.written(&self.output, now);
        }
        self.pump(now);
        if self.input_paused && self.output.answers.are_few() {
            self.input_paused = false;
            // The peer's time starts again: what it has sent during the pause is still unread.
            self.keep_alive.received(now);
        }
        self.announce_room();
    }

    /// The last write did not take all bytes.
    pub fn is_blocked(&self) -> bool {
        self.output.has_taken_out()
    }

    /// When to call `handle_timeout`, if nothing happens before.
    pub fn poll_timeout(&self) -> Option<Moment> {
        let timeout = match self.phase {
            Phase::Closed => None,
            Phase::Connecting { deadline, .. } => Some(deadline),
            Phase::Disconnecting { deadline } => (!self.is_finished()).then_some(deadline),
            Phase::Connected => [
                self.keep_alive.ping_due(),
                self.look_due(),
                self.retry.due(),
            ]
            .into_iter()
            .flatten()
            .min(),
        };
        match self.extended {
            None => timeout,
            Some(_) => self.auth_timeout(timeout),
        }
    }

    /// Does what is due. `sent` tells how far our bytes have come.
    pub fn handle_timeout(
        &mut self,
        now: Moment,
        sent: impl FnOnce() -> Sent,
    ) -> Result<(), Failure> {
        match self.phase {
            Phase::Connecting { deadline, .. } if now >= deadline => {
                return Err(self.auth_overdue());
            }
            Phase::Disconnecting { deadline } if now >= deadline => {
                return Err(Failure::NotWritten);
            }
            Phase::Closed | Phase::Connecting { .. } | Phase::Disconnecting { .. } => {}
            Phase::Connected => {
                let sent = sent();
                self.check_peer(sent, now)?;
                if self.auth_deadline().is_some_and(|at| now >= at) {
                    return Err(self.auth_overdue());
                }
                while self.retry.due().is_some_and(|at| now >= at) {
                    self.retry(sent, now);
                }
                self.ping(now, || sent);
            }
        }
        Ok(())
    }

    /// When to check whether the peer is lost.
    fn look_due(&self) -> Option<Moment> {
        match self.input_paused {
            true => Some(self.keep_alive.stalled()),
            false => self.keep_alive.look_due(),
        }
    }

    /// Gives up a peer that does not answer. While the client reads nothing, it gives up a peer
    /// that takes nothing.
    fn check_peer(&mut self, sent: Sent, now: Moment) -> Result<(), Failure> {
        if self.input_paused {
            return match now >= self.keep_alive.stalled() {
                true => Err(Failure::NoneTaken),
                false => Ok(()),
            };
        }
        match self.keep_alive.is_lost(&self.output, sent, now) {
            true => Err(Failure::KeepAlive),
            false => Ok(()),
        }
    }

    /// Sends PINGREQ if it is due. For callers that have not processed all input: no answer counts
    /// as late yet, but the broker needs a packet.
    pub fn ping(&mut self, now: Moment, sent: impl FnOnce() -> Sent) {
        if self.phase == Phase::Connected && self.keep_alive.ping_due().is_some_and(|at| now >= at)
        {
            self.send_ping(sent(), now);
        }
    }

    fn send_ping(&mut self, sent: Sent, now: Moment) {
        let output = &mut self.output;
        let alone = output.unwritten() == 0 && sent.unacked == 0;
        encode::pingreq(output.buffer());
        self.keep_alive.ping_sent(output, alone, sent, now);
    }

    /// An answer may be overdue. The packets to send again are PUBLISH with DUP, PUBREL and PUBREC.
    fn retry(&mut self, sent: Sent, now: Moment) {
        let (time, oldest) = (self.options.retry(), self.oldest());
        let all_acked = self.output.unwritten() == 0 && sent.unacked == 0;
        match self.retry.advance(time, oldest, all_acked, now) {
            Step::None => {}
            Step::Ask => {
                self.send_ping(sent, now);
                self.retry.asked(time, self.keep_alive.unanswered(), now);
            }
            Step::SendAgain(before) => {
                let version = self.version();
                self.outgoing.resend(&mut self.output, version, before);
                for id in self.incoming.due(before) {
                    self.output.put_ack(Ack::PubRec, id, true, version);
                }
                let oldest = self.oldest();
                self.retry.schedule(time, oldest);
            }
        }
    }

    /// When the oldest packet was sent that waits for an answer and was not sent again.
    fn oldest(&mut self) -> Option<Moment> {
        [self.outgoing.oldest(), self.incoming.oldest()]
            .into_iter()
            .flatten()
            .min()
            .filter(|at| *at < Moment::never())
    }

    pub(super) fn set_retry_time(&mut self, now: Moment) {
        let (time, oldest) = (self.options.retry(), self.oldest());
        self.retry.set_time(time, oldest, now);
    }

    pub(super) fn pong(&mut self, now: Moment) {
        let was_asked = self.keep_alive.pong(now);
        if !self.awaits_answer() {
            self.retry.reset();
        } else if was_asked {
            self.retry.pong(self.options.retry(), now);
        }
    }

    /// Reports once that there is room again, for the publish that was refused last and for more
    /// after it. A report for each free place would wake the waiting thread, and the client, once
    /// for each message.
    #[inline(always)]
    pub(super) fn announce_room(&mut self) {
        if let Some(refused) = self.outgoing.refused
            && self.is_half_free_for(refused)
        {
            self.outgoing.refused = None;
            self.add_outcome(Outcome::Writable);
        }
    }
}
