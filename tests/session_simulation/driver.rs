//! A model of the driver: it makes the same calls of a session in the same order as
//! src/client/driver. The program may do anything in a callback, and during a write to a socket.

use pmqtt::codec::{self, PacketId, Publish, QoS, reason};
use pmqtt::session::{Event, Gather, Phase};
use rand::Rng;

use super::World;
use super::account::Asked;
use super::connection::Connection;
use crate::support::{broker, text};

/// A closing connection, which ends beside its successor.
pub struct Closing {
    /// The number that the session gives the connection.
    number: u16,
    connection: Connection,
}

/// One pass.
impl World {
    pub fn pass(&mut self) {
        self.adopt();
        self.advance_closing();
        self.expire();
        self.tell_outcomes();
        self.begin();
        self.read();
        self.write();
        self.time_out();
        self.write();
        self.tell_outcomes();
        self.write();
        self.leave();
    }

    /// Whether there is a connection, and the program has not replaced it.
    pub fn is_present(&self) -> bool {
        self.connection.is_some() && !self.superseded
    }

    fn expire(&mut self) {
        self.session.expire(self.now);
        let due = self.session.expiry_due();
        assert!(due.is_none_or(|at| at > self.now));
    }

    fn begin(&mut self) {
        if self.connection.is_none() && !self.superseded && self.now >= self.next_at {
            self.connection = Some(Connection::default());
            self.broker.connection_began();
            self.session.open(self.now).expect("CONNECT fits");
        }
    }

    fn read(&mut self) {
        while self.is_present()
            && let Some(connection) = &mut self.connection
            && let Some(bytes) = connection.to_client.arrived(self.now)
        {
            self.receive(&bytes);
        }
    }

    fn write(&mut self) {
        if !self.is_present() {
            return;
        }
        let output = match self.connection().unwritten.is_empty() {
            true => self.output(),
            false => Vec::new(),
        };
        self.connection().unwritten.extend(output);
        let all = self.connection().unwritten.len();
        if all == 0 {
            return;
        }
        let count = self.room_for(all);
        let (arrival, version) = (self.now + self.millis(50), self.broker.version);
        let numbers = self.connection().write(count, arrival, version);
        let numbers = self.account.is_in_socket(&numbers);
        self.interrupt();
        match self.superseded {
            true => self.connection().unnoticed = numbers,
            false => self.session.written(count, self.now),
        }
    }

    fn time_out(&mut self) {
        if self.is_present() {
            let sent = self.connection().sent();
            let result = self.session.handle_timeout(self.now, || sent);
            result.expect("the peer is well");
        }
    }

    fn tell_outcomes(&mut self) {
        if self.superseded {
            return;
        }
        while let Some(outcome) = self.session.next_outcome() {
            self.account.outcome(outcome, self.now);
            self.call_back();
        }
        assert_eq!(self.session.unsettled(), self.account.unsettled());
    }

    /// Ends the connection once everything, including DISCONNECT, is written.
    fn leave(&mut self) {
        if self.is_present() && self.session.is_finished() {
            assert!(self.connection().unwritten.is_empty());
            let rest = self.connection().to_broker.all();
            self.broker.receive(&rest);
            assert!(self.broker.is_left(), "there was no DISCONNECT");
            self.end();
        }
    }

    /// The connection is gone.
    pub fn end(&mut self) {
        self.session.close();
        self.connection = None;
        self.broker.connection_ended();
        self.next_at = self.now + self.millis(100);
        self.tell_outcomes();
    }

    fn connection(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("there is one")
    }
}

/// Received bytes.
impl World {
    pub fn receive(&mut self, bytes: &[u8]) {
        self.session.received(self.now);
        self.connection().input.extend(bytes);
        // The driver delivers no batches with filters or log lines, so neither does this one at
        // times.
        let is_quick = self.rng.random_ratio(3, 4);
        loop {
            while is_quick && self.is_present() && self.deliver_batch() {}
            while is_quick && self.is_present() && self.handle_ack() {}
            if !self.is_present() || !self.handle_next() {
                return;
            }
            if std::mem::take(&mut self.is_dismissed) && self.is_present() {
                return self.end();
            }
        }
    }

    /// Delivers the next messages if they are of QoS 0 and 1. Returns false if there are none.
    fn deliver_batch(&mut self) -> bool {
        if !self.connection().input.has_message() || !self.session.begin_batch() {
            return false;
        }
        let most = self.rng.random_range(1..=4);
        let version = self.broker.version;
        let mut due = Vec::new();
        let mut is_empty = true;
        while due.len() < most
            && self.connection().input.has_message()
            && let Some((mut bytes, header)) = self.connection().input.next_packet(version)
        {
            let packet = codec::decode(&mut bytes, &header, version).expect("well-formed");
            let codec::Packet::Publish(publish) = packet else {
                panic!("a message was to come: {packet:?}");
            };
            is_empty = false;
            self.take_message(&publish);
            due.extend(publish.packet_id);
            if self.call_back() {
                break;
            }
        }
        if self.superseded {
            for &id in &due {
                self.delivered_late(id, QoS::AtLeastOnce);
            }
            return false;
        }
        self.session.end_batch(&due);
        self.check_disconnect(due.iter().map(|id| format!("PUBACK #{id}")).collect());
        !is_empty
    }

    fn handle_ack(&mut self) -> bool {
        let Some((ack, id)) = self.connection().input.next_ack() else {
            return false;
        };
        let event = self.session.handle_ack(ack, id, self.now);
        self.on_event(event.expect("no failure"));
        true
    }

    fn handle_next(&mut self) -> bool {
        let version = self.broker.version;
        let Some((mut bytes, header)) = self.connection().input.next_packet(version) else {
            return false;
        };
        let packet = codec::decode(&mut bytes, &header, version).expect("well-formed");
        let event = self.session.handle(&packet, self.now);
        self.on_event(event.expect("no failure"));
        true
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::None | Event::Unexpected(_) => return,
            Event::Message {
                publish,
                mid,
                manual_ack,
            } => return self.on_message(publish, mid, manual_ack),
            Event::Published { mid } | Event::InDoubt { mid } | Event::Downgraded { mid, .. } => {
                self.settled(mid, reason::SUCCESS);
            }
            Event::Answered { mid, answer } => self.settled(mid, answer.reason),
            Event::Dismissed(_) => {
                self.is_dismissed = true;
                return;
            }
            Event::Subscribed { mid, suback } => {
                assert_eq!(suback.granted, [1]);
                self.account.finish(mid, Asked::Subscribe);
            }
            Event::Unsubscribed { mid, unsuback } => {
                let has_codes = self.broker.version.rules().is_extended;
                assert_eq!(unsuback.codes.len(), usize::from(has_codes));
                self.account.finish(mid, Asked::Unsubscribe);
            }
            Event::Authenticated(_) | Event::Challenged(_) | Event::Reauthenticated(_) => {
                panic!("no method was set: {event:?}")
            }
            Event::ConnAck(_) => {
                self.broker.is_heard();
                self.call_back();
                if self.is_present() {
                    self.session.announced(self.now);
                }
                return;
            }
        }
        self.call_back();
    }

    /// The broker has answered a message for good.
    fn settled(&mut self, mid: u64, reason: u8) {
        let (qos, number) = self.account.settled(mid, reason);
        match reason >= reason::FAILURE {
            true => assert!(self.broker.refused.contains(&number)),
            false => assert!(self.broker.taken.contains(&(qos, number))),
        }
        self.broker.settled(number);
    }

    fn on_message(&mut self, publish: &Publish, mid: u64, manual_ack: bool) {
        self.take_message(publish);
        if manual_ack {
            let number = broker::number(publish);
            self.owed
                .extend(publish.packet_id.map(|_| (mid, publish.qos, number)));
        }
        self.call_back();
        match publish.packet_id {
            Some(id) if !manual_ack && self.superseded => self.delivered_late(id, publish.qos),
            Some(id) if !manual_ack => {
                self.session.delivered(id, publish.qos, self.now);
                self.check_disconnect(vec![acknowledgement(id, publish.qos)]);
            }
            _ => {}
        }
    }

    fn take_message(&mut self, publish: &Publish) {
        self.received.push((publish.qos, broker::number(publish)));
    }

    fn delivered_late(&mut self, id: PacketId, qos: QoS) {
        self.session.delivered_late(id, qos);
        self.late.push(acknowledgement(id, qos));
    }

    /// If a callback has requested the end, checks that DISCONNECT directly follows the
    /// acknowledgements
    /// of the messages that were being delivered.
    fn check_disconnect(&mut self, due: Vec<String>) {
        if matches!(self.session.phase(), Phase::Disconnecting { .. }) {
            let last = self.output();
            self.check_last_words(&last, due);
            self.connection().unwritten.extend(last);
        }
    }

    fn check_last_words(&self, last: &[u8], mut due: Vec<String>) {
        due.push("DISCONNECT".into());
        let last = text::packets(last.to_vec(), self.broker.version);
        assert!(last.ends_with(&due), "{last:?} do not end with {due:?}");
    }
}

/// Connections that the program has replaced.
impl World {
    /// The program makes a new connection in place of the present one.
    pub fn connect_anew(&mut self) {
        if self.is_present() {
            let has_more_to_say = self.is_asked_to_end() && !self.session.is_finished();
            self.session.supersede();
            assert_eq!(self.has_final(), has_more_to_say);
        } else {
            self.session.close();
        }
        self.superseded = true;
        self.next_at = self.now;
    }

    fn is_asked_to_end(&self) -> bool {
        match self.session.phase() {
            Phase::Closed | Phase::Connected => false,
            Phase::Disconnecting { .. } => true,
            Phase::Connecting {
                then_disconnect, ..
            } => then_disconnect,
        }
    }

    /// Whether a replaced connection has final bytes, and is not closing yet.
    fn has_final(&self) -> bool {
        let last = self.session.final_connection();
        last.is_some() && last != self.closing.as_ref().map(|closing| closing.number)
    }

    /// Adopts the decisions of the program.
    fn adopt(&mut self) {
        if !std::mem::take(&mut self.superseded) {
            return;
        }
        let late = std::mem::take(&mut self.late);
        let connection = self.connection.take();
        if self.has_final() {
            self.drop_closing();
            let connection = connection.expect("it has more to say");
            self.begin_final(connection, late);
        } else if let Some(connection) = connection {
            self.drop_connection(connection);
        }
    }

    /// Begins to write the final bytes of the connection.
    fn begin_final(&mut self, mut connection: Connection, late: Vec<String>) {
        if self.rng.random_ratio(1, 10) {
            // Its transport is gone already.
            self.session.settle_final();
            return self.drop_connection(connection);
        }
        let mut last = Gather::default();
        let taken = self.session.take_final(&mut last);
        let (number, _) = taken.expect("it has more to say");
        let last = last.to_row();
        if !last.is_empty() || !late.is_empty() {
            self.check_last_words(&last, late);
        }
        connection.unwritten.extend_from_slice(&last);
        let unwritten = connection.unwritten.len();
        self.session.set_final_unwritten(number, unwritten);
        self.broker.connection_replaced();
        self.closing = Some(Closing { number, connection });
    }

    fn advance_closing(&mut self) {
        let Some(closing) = &mut self.closing else {
            return;
        };
        let (number, connection) = (closing.number, &mut closing.connection);
        while let Some(bytes) = connection.to_broker.arrived(self.now) {
            self.broker.receive_old(&bytes);
        }
        let all = connection.unwritten.len();
        if all == 0 && connection.to_broker.is_empty() || self.rng.random_ratio(1, 20) {
            return self.drop_closing();
        }
        let count = self.room_for(all);
        let (arrival, version) = (self.now + self.millis(50), self.broker.version);
        let closing = self.closing.as_mut().expect("there is one");
        let numbers = closing.connection.write(count, arrival, version);
        let numbers = self.account.is_in_socket(&numbers);
        self.interrupt();
        if self.superseded {
            self.account.doubt(&numbers);
        }
        self.session.set_final_unwritten(number, all - count);
    }

    fn drop_closing(&mut self) {
        if let Some(mut closing) = self.closing.take() {
            self.session.drop_final(closing.number);
            let arrived = closing.connection.to_broker.cut(&mut self.rng);
            self.broker.receive_old(&arrived);
            self.broker.old_ended();
        }
    }

    fn drop_connection(&mut self, mut connection: Connection) {
        self.account.doubt(&connection.unnoticed);
        let arrived = connection.to_broker.cut(&mut self.rng);
        self.broker.receive(&arrived);
        self.broker.connection_ended();
    }
}

fn acknowledgement(id: PacketId, qos: QoS) -> String {
    match qos {
        QoS::ExactlyOnce => format!("PUBREC #{id}"),
        _ => format!("PUBACK #{id}"),
    }
}
