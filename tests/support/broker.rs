//! A model broker: one client, its session, and the rules that a client has to follow. It accepts a QoS
//! 2 message when PUBLISH arrives, and keeps the identifier until PUBREL.

use std::collections::{BTreeMap, BTreeSet};

use pmqtt::codec::{
    self, Ack, Acknowledgement, Buffer, ConnAck, Message, Packet, PacketId, Properties, Publish,
    QoS, Role, SubAck, UnsubAck, Version, encode,
};

use super::id;

/// Few identifiers, so that each is soon used again.
const IDENTIFIERS: usize = 8;

pub struct Broker {
    pub version: Version,
    /// Messages of the client, in the order in which they were accepted.
    pub taken: Vec<(QoS, u64)>,
    /// Bytes for the client.
    pub output: Buffer,
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

#[derive(PartialEq)]
enum Link {
    Down,
    /// Nothing has arrived yet.
    Up,
    /// CONNECT has arrived, with this clean session.
    Asked(bool),
    Accepted,
    /// DISCONNECT has arrived.
    Ended,
}

/// What is kept for the client between its connections.
#[derive(Default)]
struct Stored {
    clean: bool,
    /// QoS 2 messages of the client whose PUBREL has not arrived.
    unreleased: BTreeSet<PacketId>,
    /// Messages for the client that are not settled, in the order of publishing.
    outgoing: Vec<Outgoing>,
    last_id: u16,
}

struct Outgoing {
    id: PacketId,
    qos: QoS,
    number: u64,
    released: bool,
}

impl Broker {
    pub fn new(version: Version) -> Broker {
        Broker {
            version,
            taken: Vec::new(),
            output: Buffer::default(),
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
        self.output.clear();
        self.unanswered.clear();
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
        self.output.clear();
        self.unanswered.clear();
    }

    fn end_session(&mut self) {
        self.stored = self.stored.take().filter(|stored| !stored.clean);
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
        let Link::Asked(clean) = self.link else {
            panic!("there is no CONNECT to answer")
        };
        self.link = Link::Accepted;
        let present = !clean && self.stored.is_some();
        let connack = ConnAck {
            session_present: present && self.version != Version::V31,
            return_code: 0,
            properties: Properties::NONE,
        };
        encode::connack(&mut self.output, &connack, self.version).expect("it fits");
        if !present {
            self.stored = Some(Stored::default());
        }
        let stored = self.stored.as_mut().expect("it was made if there was none");
        stored.clean = clean;
        // Some brokers do this, though no version requires it.
        for &id in &stored.unreleased {
            encode::ack(&mut self.output, Ack::PubRec, id, false, self.version);
        }
        for message in &stored.outgoing {
            message.send(&mut self.output, true, self.version);
        }
    }

    /// Sends a message to the client, or keeps it for later. False if it is dropped.
    pub fn publish(&mut self, qos: QoS, number: u64) -> bool {
        let accepted = self.link == Link::Accepted;
        let Some(stored) = &mut self.stored else {
            return false;
        };
        let possible = match qos {
            QoS::AtMostOnce => accepted,
            _ => stored.outgoing.len() < IDENTIFIERS,
        };
        if !possible {
            return false;
        }
        let message = Outgoing {
            id: stored.next_id(),
            qos,
            number,
            released: false,
        };
        if accepted {
            message.send(&mut self.output, false, self.version);
        }
        if qos != QoS::AtMostOnce {
            stored.outgoing.push(message);
        }
        true
    }

    /// The client has settled a message, and may use its identifier for another.
    pub fn settled(&mut self, number: u64) {
        self.assigned.retain(|_, assigned| *assigned != number);
    }

    /// Nothing is under way in either direction.
    pub fn is_settled(&self) -> bool {
        let settled = |stored: &Stored| stored.outgoing.is_empty() && stored.unreleased.is_empty();
        self.output.is_empty() && self.stored.as_ref().is_none_or(settled)
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
                self.link = Link::Asked(connect.clean_session);
            }
            // DISCONNECT may come before CONNACK if the connection was replaced.
            (Link::Asked(_) | Link::Accepted, Packet::Disconnect(_)) => self.link = Link::Ended,
            (Link::Accepted, packet) => self.handle_accepted(packet),
            (_, packet) => panic!("out of turn: {packet:?}"),
        }
    }

    fn handle_accepted(&mut self, packet: Packet) {
        let stored = self.stored.as_mut().expect("there is a session");
        let version = self.version;
        let mut answer = |kind, id| encode::ack(&mut self.output, kind, id, false, version);
        match packet {
            Packet::Publish(publish) => {
                let Publish { qos, dup, .. } = publish;
                let number = number(&publish);
                let Some(id) = publish.packet_id else {
                    self.taken.push((qos, number));
                    return;
                };
                let before = self.assigned.insert(id, number);
                let same = before.is_none_or(|before| {
                    before == number && dup || self.cancelled.contains(&before)
                });
                assert!(same, "{number} has {id}, which is in use: {before:?}");
                if qos == QoS::AtLeastOnce {
                    self.taken.push((qos, number));
                    answer(Ack::PubAck, id);
                } else {
                    if stored.unreleased.insert(id) {
                        self.taken.push((qos, number));
                    }
                    self.unanswered.insert(id);
                    answer(Ack::PubRec, id);
                }
            }
            Packet::Ack(Acknowledgement {
                ack: Ack::PubRel,
                id,
                ..
            }) => {
                stored.unreleased.remove(&id);
                self.unanswered.remove(&id);
                answer(Ack::PubComp, id);
            }
            Packet::Ack(Acknowledgement {
                ack: Ack::PubRec,
                id,
                ..
            }) => {
                if let Some(message) = stored.outgoing.iter_mut().find(|it| it.id == id) {
                    message.released = true;
                }
                answer(Ack::PubRel, id);
            }
            Packet::Ack(Acknowledgement { ack, id, .. }) => {
                // A second PUBCOMP for the previous message with this identifier is not one for this
                // message, whose PUBREC has not arrived.
                let released = ack == Ack::PubComp;
                let done = |it: &Outgoing| it.id == id && it.released == released;
                stored.outgoing.retain(|message| !done(message));
            }
            Packet::Subscribe(subscribe) => {
                let assigned = self.assigned.get(&subscribe.packet_id);
                assert!(assigned.is_none_or(|number| self.cancelled.contains(number)));
                let granted: Vec<u8> = subscribe.filters.map(|(_, wish)| wish.qos as u8).collect();
                let suback = SubAck {
                    packet_id: subscribe.packet_id,
                    properties: Properties::NONE,
                    granted: &granted,
                };
                encode::suback(&mut self.output, &suback, version).expect("it fits");
            }
            Packet::Unsubscribe(unsubscribe) => {
                let unsuback = UnsubAck {
                    packet_id: unsubscribe.packet_id,
                    properties: Properties::NONE,
                    codes: &[],
                };
                encode::unsuback(&mut self.output, &unsuback, version).expect("it fits");
            }
            Packet::PingReq => encode::pingresp(&mut self.output),
            other => panic!("a client must not send {other:?}"),
        }
    }
}

impl Stored {
    /// A free identifier, if there is one.
    fn next_id(&mut self) -> PacketId {
        for _ in 0..IDENTIFIERS {
            self.last_id = self.last_id % IDENTIFIERS as u16 + 1;
            if self.outgoing.iter().all(|it| it.id.get() != self.last_id) {
                break;
            }
        }
        id(self.last_id)
    }
}

impl Outgoing {
    fn send(&self, out: &mut Buffer, again: bool, version: Version) {
        if self.released {
            return encode::ack(out, Ack::PubRel, self.id, again, version);
        }
        let payload = self.number.to_be_bytes();
        let message = Message {
            topic: b"in",
            payload: &payload,
            qos: self.qos,
            retain: false,
            properties: None,
        }
        .check()
        .expect("PUBLISH fits");
        let id = (self.qos != QoS::AtMostOnce).then_some(self.id);
        let start = out.len();
        encode::publish(out, &message, id).expect("memory");
        if again {
            encode::set_dup(&mut out[start..]);
        }
    }
}

/// Messages are numbers, whose last byte may be repeated any number of times.
pub fn number(publish: &Publish) -> u64 {
    let (bytes, filling) = publish.payload.split_first_chunk().expect("eight bytes");
    assert!(filling.iter().all(|byte| *byte == bytes[7]));
    u64::from_be_bytes(*bytes)
}
