//! A model broker: one client, its session, and the rules that a client has to follow. It accepts a QoS
//! 2 message when PUBLISH arrives, and keeps the identifier until PUBREL.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use pmqtt::codec::{
    self, Ack, Acknowledgement, Buffer, ConnAck, Connect, Packet, PacketId, Properties, Publish,
    QoS, Role, SubAck, UnsubAck, Version, encode, property, reason,
};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::limits::Limits;
use super::stored::{self, IDENTIFIERS, Stored};

/// With MQTT 5, the broker refuses some messages with this reason.
const REFUSAL: u8 = 0x97;

pub struct Broker {
    pub version: Version,
    /// Messages of the client, in the order in which they were accepted.
    pub taken: Vec<(QoS, u64)>,
    /// Messages of the client that were refused, and those that the client published again to a broker that
    /// had lost its session.
    pub refused: BTreeSet<u64>,
    pub renewed: BTreeSet<u64>,
    /// Messages for the client that were lost with the session.
    pub lost: BTreeSet<u64>,
    /// Bytes for the client.
    pub output: Buffer,
    /// With MQTT 5, answers that go to the output later. `true`: the last one for a message of the client.
    answers: VecDeque<(bool, Vec<u8>)>,
    rng: StdRng,
    /// What CONNACK states.
    limits: Limits,
    /// How many messages of QoS 1 and 2 have come on this connection without a last answer.
    quota_used: usize,
    /// How many the client takes without an answer, and how many more now.
    maximum: usize,
    quota: usize,
    /// The messages of QoS 1 and 2 that have come on this connection.
    arrived: BTreeSet<u64>,
    /// The client has no session from before this connection.
    is_new: bool,
    /// CONNACK has said that the session is new, and the client has not read it. If the connection is lost now,
    /// the client takes the session for the one before; no version can help against that.
    is_unheard: bool,
    link: Link,
    input: Vec<u8>,
    /// A second connection, which the client is ending, while the present one has not sent CONNECT.
    old: Option<(Link, Vec<u8>)>,
    stored: Option<Stored>,
    /// The client's message for an identifier, until the client has settled it.
    assigned: BTreeMap<PacketId, u64>,
    /// Messages that the client has cancelled: it does not report when it has settled them.
    pub cancelled: BTreeSet<u64>,
    /// The identifiers that wait for the broker's last answer on this connection.
    unanswered: BTreeSet<PacketId>,
}

/// What CONNECT asks for.
#[derive(Clone, Copy, PartialEq)]
struct Asked {
    clean_start: bool,
    /// The session ends with the connection.
    clean_end: bool,
    receive_maximum: usize,
}

#[derive(PartialEq)]
enum Link {
    Down,
    /// Nothing has arrived yet.
    Up,
    /// CONNECT has arrived.
    Asked(Asked),
    Accepted,
    /// DISCONNECT has arrived.
    Ended,
}

impl Broker {
    pub fn new(version: Version, seed: u64) -> Broker {
        Broker {
            version,
            taken: Vec::new(),
            refused: BTreeSet::new(),
            renewed: BTreeSet::new(),
            lost: BTreeSet::new(),
            output: Buffer::default(),
            answers: VecDeque::new(),
            rng: StdRng::seed_from_u64(seed),
            limits: Limits::none(),
            quota_used: 0,
            maximum: usize::MAX,
            quota: usize::MAX,
            arrived: BTreeSet::new(),
            is_new: true,
            is_unheard: false,
            link: Link::Down,
            input: Vec::new(),
            old: None,
            stored: None,
            assigned: BTreeMap::new(),
            cancelled: BTreeSet::new(),
            unanswered: BTreeSet::new(),
        }
    }

    pub fn connection_began(&mut self) {
        self.link = Link::Up;
    }

    pub fn connection_ended(&mut self) {
        self.link_down();
        if self.old.is_none() {
            self.end_session();
        }
    }

    /// The client opens another connection, and has not sent everything on the present one.
    pub fn connection_replaced(&mut self) {
        let link = std::mem::replace(&mut self.link, Link::Down);
        self.old = Some((link, std::mem::take(&mut self.input)));
        self.link_down();
    }

    /// More arrives on the connection that was replaced. The client does not read answers there.
    pub fn receive_old(&mut self, bytes: &[u8]) {
        let Some((link, input)) = self.old.take() else {
            return; // its successor's CONNECT has ended it
        };
        let link = std::mem::replace(&mut self.link, link);
        let input = std::mem::replace(&mut self.input, input);
        self.receive(bytes);
        let old = std::mem::replace(&mut self.link, link);
        self.old = Some((old, std::mem::replace(&mut self.input, input)));
        self.clear_output();
    }

    /// The replaced connection has ended.
    pub fn old_ended(&mut self) {
        if self.old.take().is_some() {
            self.end_session();
        }
    }

    fn link_down(&mut self) {
        self.link = Link::Down;
        self.input.clear();
        self.clear_output();
    }

    fn clear_output(&mut self) {
        self.output.clear();
        self.answers.clear();
        self.unanswered.clear();
        self.arrived.clear();
        self.quota_used = 0;
    }

    fn end_session(&mut self) {
        if self.stored.as_ref().is_some_and(|stored| stored.clean) {
            self.lose_session();
        }
    }

    fn lose_session(&mut self) {
        let lost = self.stored.take().unwrap_or_default();
        self.lost.extend(lost.outgoing.iter().map(|it| it.number));
    }

    /// Whether the client has sent DISCONNECT on the present connection.
    pub fn is_left(&self) -> bool {
        self.link == Link::Ended
    }

    /// CONNECT waits for its answer.
    pub fn is_asked(&self) -> bool {
        matches!(self.link, Link::Asked(_))
    }

    /// Answers CONNECT, and continues what an earlier session has left.
    pub fn accept(&mut self) {
        let Link::Asked(asked) = self.link else {
            panic!("there is no CONNECT to answer")
        };
        self.link = Link::Accepted;
        let is_extended = self.version.rules().is_extended;
        let loses = is_extended && (self.is_unheard || self.rng.random_ratio(1, 4));
        if asked.clean_start || loses {
            self.lose_session();
        }
        if is_extended {
            self.limits = Limits::random(&mut self.rng);
        }
        let present = self.stored.is_some();
        let stated = self.limits.properties();
        let connack = ConnAck {
            session_present: present && self.version != Version::V31,
            return_code: 0,
            properties: stated.get(),
        };
        encode::connack(&mut self.output, &connack, self.version).expect("it fits");
        self.is_new = is_extended && !present;
        self.is_unheard = self.is_new;
        if self.is_new {
            // The client uses other identifiers from now on.
            self.renewed.extend(self.assigned.values());
            self.assigned.clear();
        }
        self.maximum = asked.receive_maximum;
        self.quota = asked.receive_maximum;
        let stored = self.stored.get_or_insert_default();
        stored.clean = asked.clean_end;
        stored.connection_began();
        // Some brokers do this, though no version requires it.
        if !is_extended || self.rng.random() {
            for &id in &stored.unreleased {
                encode::ack(&mut self.output, Ack::PubRec, id, false, self.version);
            }
        }
        stored.send(&mut self.quota, &mut self.output, self.version);
    }

    /// The client has read CONNACK.
    pub fn is_heard(&mut self) {
        self.is_unheard = false;
    }

    /// Leaves the client, for a reason.
    pub fn dismiss(&mut self) -> bool {
        let can = self.link == Link::Accepted && self.version.rules().is_extended;
        if can {
            let (reason, none) = (0x8b, Properties::NONE);
            encode::disconnect_with(&mut self.output, reason, none).expect("it fits");
        }
        can
    }

    /// Sends a message to the client, or keeps it for later. False if it is dropped.
    pub fn publish(&mut self, qos: QoS, number: u64) -> bool {
        let accepted = self.link == Link::Accepted;
        let Some(stored) = &mut self.stored else {
            return false;
        };
        let out = &mut self.output;
        if qos == QoS::AtMostOnce {
            if accepted {
                stored::publish(out, qos, None, number, false, self.version);
            }
            return accepted;
        }
        if stored.outgoing.len() >= IDENTIFIERS {
            return false;
        }
        stored.push(qos, number);
        if accepted {
            stored.send(&mut self.quota, out, self.version);
        }
        true
    }

    /// Sends some of the answers, or all of them.
    pub fn answer(&mut self, all: bool) {
        while !self.answers.is_empty()
            && (all || self.rng.random_ratio(2, 3))
            && let Some((is_last, packet)) = self.answers.pop_front()
        {
            self.output.append(&packet);
            self.quota_used -= usize::from(is_last);
        }
    }

    /// The client has settled a message, and may use its identifier for another.
    pub fn settled(&mut self, number: u64) {
        self.assigned.retain(|_, assigned| *assigned != number);
    }

    /// Nothing is under way in either direction.
    pub fn is_settled(&self) -> bool {
        let settled = |stored: &Stored| stored.outgoing.is_empty() && stored.unreleased.is_empty();
        self.output.is_empty()
            && self.answers.is_empty()
            && self.stored.as_ref().is_none_or(settled)
    }

    /// QoS 1 and 2 messages of the client that wait for the broker's last answer.
    pub fn unanswered(&self) -> usize {
        self.unanswered.len()
    }

    pub fn receive(&mut self, bytes: &[u8]) {
        let mut input = std::mem::take(&mut self.input);
        input.extend_from_slice(bytes);
        let mut rest = &mut input[..];
        while let Some(header) =
            codec::header(rest, Role::Broker, self.version).expect("a well-formed header")
        {
            if rest.len() < header.end {
                break;
            }
            let (packet, behind) = rest.split_at_mut(header.end);
            let packet = codec::decode(packet, &header, self.version).expect("well-formed");
            if self.link == Link::Accepted {
                self.limits.check(&packet, header.end);
            }
            self.handle(packet);
            rest = behind;
        }
        self.input = rest.to_vec();
    }

    fn handle(&mut self, packet: Packet) {
        match (&self.link, packet) {
            (Link::Up, Packet::Connect(connect)) => {
                // [MQTT-3.1.4-2]
                self.old_ended();
                self.link = Link::Asked(asked(&connect));
            }
            // DISCONNECT may come before CONNACK if the connection was replaced.
            (Link::Asked(_) | Link::Accepted, Packet::Disconnect(_)) => self.link = Link::Ended,
            (Link::Accepted, packet) => self.handle_accepted(packet),
            (_, packet) => panic!("out of turn: {packet:?}"),
        }
    }

    fn handle_accepted(&mut self, packet: Packet) {
        match packet {
            Packet::Publish(publish) => self.take(&publish),
            Packet::Ack(ack) => self.handle_ack(&ack),
            Packet::Subscribe(subscribe) => {
                let assigned = self.assigned.get(&subscribe.packet_id);
                assert!(assigned.is_none_or(|number| self.cancelled.contains(number)));
                let granted: Vec<u8> = subscribe.filters.map(|(_, wish)| wish.qos as u8).collect();
                let suback = SubAck {
                    packet_id: subscribe.packet_id,
                    properties: Properties::NONE,
                    granted: &granted,
                };
                encode::suback(&mut self.output, &suback, self.version).expect("it fits");
            }
            Packet::Unsubscribe(unsubscribe) => {
                let codes = vec![0; unsubscribe.filters.count()];
                let unsuback = UnsubAck {
                    packet_id: unsubscribe.packet_id,
                    properties: Properties::NONE,
                    codes: match self.version.rules().is_extended {
                        true => &codes,
                        false => &[],
                    },
                };
                encode::unsuback(&mut self.output, &unsuback, self.version).expect("it fits");
            }
            Packet::PingReq => encode::pingresp(&mut self.output),
            other => panic!("a client must not send {other:?}"),
        }
    }

    fn take(&mut self, publish: &Publish) {
        let &Publish { qos, dup, .. } = publish;
        let number = number(publish);
        let Some(id) = publish.packet_id else {
            self.taken.push((qos, number));
            return;
        };
        let before = self.assigned.insert(id, number);
        let same =
            before.is_none_or(|before| before == number && dup || self.cancelled.contains(&before));
        assert!(same, "{number} has {id}, which is in use: {before:?}");
        if self.version.rules().is_extended {
            self.check_extended(id, number, dup);
        }
        let stored = self.stored.as_mut().expect("there is a session");
        let is_known = stored.unreleased.contains(&id);
        // Always the same ones, or those that come again would come out of order.
        if self.version.rules().is_extended && !is_known && number.is_multiple_of(8) {
            self.refused.insert(number);
            let kind = match qos {
                QoS::ExactlyOnce => Ack::PubRec,
                _ => Ack::PubAck,
            };
            return self.answer_later(kind, id, REFUSAL, true);
        }
        if qos == QoS::AtLeastOnce {
            self.taken.push((qos, number));
            return self.answer_success(Ack::PubAck, id, true);
        }
        if stored.unreleased.insert(id) {
            self.taken.push((qos, number));
        }
        self.unanswered.insert(id);
        self.answer_success(Ack::PubRec, id, false);
    }

    /// What MQTT 5 demands of a PUBLISH of QoS 1 or 2.
    fn check_extended(&mut self, id: PacketId, number: u64, dup: bool) {
        self.quota_used += 1;
        // [MQTT5-3.3.4-7]
        assert!(self.quota_used <= self.limits.receive_maximum, "{number}");
        // [MQTT5-4.4.0-1]
        assert!(self.arrived.insert(number), "{number} came twice");
        // [MQTT5-3.2.2-5]
        assert!(!(self.is_new && dup), "{number} is not new");
        let others = self.assigned.iter().filter(|(other, _)| **other != id);
        let mut others = others.map(|(_, number)| *number);
        assert!(others.all(|other| other != number), "{number} has two");
    }

    fn handle_ack(&mut self, ack: &Acknowledgement) {
        let stored = self.stored.as_mut().expect("there is a session");
        let &Acknowledgement {
            ack: kind,
            id,
            reason,
            ..
        } = ack;
        let place = stored.outgoing.iter().position(|it| it.id == id);
        match kind {
            Ack::PubRel => {
                let is_known = stored.unreleased.remove(&id);
                let is_counted = self.unanswered.remove(&id);
                match is_known {
                    true => self.answer_success(Ack::PubComp, id, is_counted),
                    false => self.answer_unknown(Ack::PubComp, id),
                }
            }
            Ack::PubRec if reason >= reason::FAILURE => {
                let place = place.expect("it refuses a message");
                assert!(!stored.outgoing[place].released, "it was accepted before");
                stored.outgoing.remove(place);
                self.go_on();
            }
            Ack::PubRec => match place {
                Some(place) => {
                    stored.outgoing[place].released = true;
                    encode::ack(&mut self.output, Ack::PubRel, id, false, self.version);
                }
                None => self.answer_unknown(Ack::PubRel, id),
            },
            Ack::PubAck | Ack::PubComp => {
                // A second PUBCOMP for the previous message with this identifier is not one for this
                // message, whose PUBREC has not arrived.
                let released = kind == Ack::PubComp;
                let place = place.filter(|&at| stored.outgoing[at].released == released);
                if let Some(place) = place {
                    stored.outgoing.remove(place);
                }
                self.go_on();
            }
        }
    }

    /// The client has answered, so it takes one more message. [MQTT5-3.3.4-9]
    fn go_on(&mut self) {
        let stored = self.stored.as_mut().expect("there is a session");
        self.quota = self.quota.saturating_add(1).min(self.maximum);
        stored.send(&mut self.quota, &mut self.output, self.version);
    }

    fn answer_success(&mut self, kind: Ack, id: PacketId, is_last: bool) {
        let has_information = self.version.rules().is_extended && kind != Ack::PubComp;
        let reason = match has_information && self.rng.random_ratio(1, 8) {
            true => reason::NO_SUBSCRIBERS,
            false => reason::SUCCESS,
        };
        self.answer_later(kind, id, reason, is_last);
    }

    fn answer_unknown(&mut self, kind: Ack, id: PacketId) {
        let reason = match self.version.rules().is_extended {
            true => reason::ID_NOT_FOUND,
            false => reason::SUCCESS,
        };
        self.answer_later(kind, id, reason, false);
    }

    /// `is_last`: it completes a message of this connection.
    fn answer_later(&mut self, ack: Ack, id: PacketId, reason: u8, is_last: bool) {
        if !self.version.rules().is_extended {
            return encode::ack(&mut self.output, ack, id, false, self.version);
        }
        let mut packet = Buffer::default();
        let answer = Acknowledgement {
            reason,
            ..Acknowledgement::plain(ack, id)
        };
        encode::ack_with(&mut packet, &answer).expect("it fits");
        self.answers.push_back((is_last, packet.to_vec()));
    }
}

fn asked(connect: &Connect) -> Asked {
    let number = |id| connect.properties.number(id);
    let is_extended = connect.version.rules().is_extended;
    Asked {
        clean_start: connect.clean_session,
        clean_end: match is_extended {
            true => number(property::SESSION_EXPIRY).unwrap_or(0) == 0,
            false => connect.clean_session,
        },
        receive_maximum: match is_extended {
            true => number(property::RECEIVE_MAXIMUM).unwrap_or(65_535) as usize,
            false => usize::MAX,
        },
    }
}

/// Messages are numbers, whose last byte may be repeated any number of times.
pub fn number(publish: &Publish) -> u64 {
    let (bytes, filling) = publish.payload.split_first_chunk().expect("eight bytes");
    assert!(filling.iter().all(|byte| *byte == bytes[7]));
    u64::from_be_bytes(*bytes)
}
