//! A session; the test plays its peer and its socket.

use std::collections::HashMap;
use std::time::Duration;

use pmqtt::codec::{
    self, Ack, Buffer, ConnAck, Message, Packet, Properties, Publishable, QoS, Role, SubAck,
    UnsubAck, Version, encode, reason,
};
use pmqtt::session::{Event, Failure, Gather, Options, Outcome, PublishError, Sent, Session};
use pmqtt::time::Moment;

use super::{id, options, text};

pub struct Peer {
    pub session: Session,
    pub now: Moment,
    /// The peer's TCP acknowledges only what `acknowledges` says.
    pub is_slow: bool,
    /// The wire carries twice as many bytes as the session sends, as may happen under TLS.
    pub is_secured: bool,
    written: u64,
    acked: u64,
    buffer: Gather,
    /// The mids of the latest messages, by packet identifier.
    mids: HashMap<u16, u64>,
}

impl Peer {
    /// A session without a connection.
    pub fn new(change: impl FnOnce(&mut Options)) -> Peer {
        let mut options = options();
        change(&mut options);
        Peer {
            session: Session::new(options),
            now: Moment::origin() + Duration::from_secs(1000),
            is_slow: false,
            is_secured: false,
            written: 0,
            acked: 0,
            buffer: Gather::default(),
            mids: HashMap::new(),
        }
    }

    /// A session whose first connection is accepted.
    pub fn connected(change: impl FnOnce(&mut Options)) -> Peer {
        let mut peer = Peer::new(change);
        assert!(peer.connect(false).is_empty());
        peer
    }

    /// Begins a connection without an answer so far.
    pub fn open(&mut self) {
        self.session.open(self.now).expect("CONNECT fits");
        assert_eq!(self.sent(), ["CONNECT"]);
    }

    /// Begins a connection and accepts it; returns what the session then sends.
    pub fn connect(&mut self, session_present: bool) -> Vec<String> {
        self.open();
        self.accept(session_present, Properties::NONE)
    }

    /// The broker accepts the connection; returns what the session then sends.
    pub fn accept(&mut self, session_present: bool, properties: Properties) -> Vec<String> {
        let packet = connack_with(0, session_present, properties, self.version());
        assert_eq!(self.hears(packet), "connack 0");
        self.sent()
    }

    /// Loses the connection and accepts another one; returns what the session then sends.
    pub fn reconnect(&mut self, session_present: bool) -> Vec<String> {
        self.session.close();
        self.connect(session_present)
    }

    /// What the session has for the socket, which takes all of it.
    pub fn sent(&mut self) -> Vec<String> {
        let bytes = self.take();
        if !bytes.is_empty() {
            self.written(bytes.len());
        }
        self.texts(bytes)
    }

    /// What the session has for the socket, which has taken none of it yet.
    pub fn take(&mut self) -> Vec<u8> {
        self.session.take_output(&mut self.buffer);
        std::mem::take(&mut self.buffer).to_row().to_vec()
    }

    /// The socket has taken `count` of the bytes it was given.
    pub fn written(&mut self, count: usize) {
        self.written += count as u64;
        if !self.is_slow {
            self.acked = self.written;
        }
        self.session.written(count, self.now);
    }

    /// The peer's TCP acknowledges at most `count` more of the bytes that the socket took; returns how
    /// many are left.
    pub fn acknowledges(&mut self, count: u64) -> u64 {
        self.acked = self.written.min(self.acked + count);
        self.written - self.acked
    }

    /// The session handles what is due.
    pub fn time_out(&mut self) -> Result<(), Failure> {
        let unacked = self.written - self.acked;
        let sent = match self.is_secured {
            false => Sent {
                written: None,
                unacked,
            },
            true => Sent {
                written: Some(2 * self.written),
                unacked: 2 * unacked,
            },
        };
        self.session.handle_timeout(self.now, || sent)
    }

    pub fn texts(&self, bytes: Vec<u8>) -> Vec<String> {
        text::packets(bytes, self.version())
    }

    /// The version of the connection.
    pub fn version(&self) -> Version {
        self.session.version()
    }

    /// The peer sends a packet; the application's callback returns at once.
    pub fn hears(&mut self, packet: Vec<u8>) -> String {
        self.try_hears(packet).expect("no failure")
    }

    pub fn try_hears(&mut self, packet: Vec<u8>) -> Result<String, Failure> {
        self.hears_and(packet, |session, event, now| match event {
            Event::ConnAck(_) => session.announced(now),
            Event::Message {
                publish,
                manual_ack: false,
                ..
            } => {
                if let Some(id) = publish.packet_id {
                    session.delivered(id, publish.qos, now);
                }
            }
            _ => {}
        })
    }

    /// The peer sends a packet; the connection ends before the application's callback has returned.
    pub fn hears_without_return(&mut self, packet: Vec<u8>) -> String {
        self.hears_and(packet, |_, _, _| {}).expect("no failure")
    }

    fn hears_and(
        &mut self,
        mut bytes: Vec<u8>,
        then: impl FnOnce(&mut Session, &Event, Moment),
    ) -> Result<String, Failure> {
        let version = self.version();
        let header = codec::header(&bytes, Role::Client, version)
            .expect("a well-formed header")
            .expect("a whole packet");
        let packet: Packet = codec::decode(&mut bytes, &header, version).expect("well-formed");
        let event = self.session.handle(&packet, self.now)?;
        if let Event::Message { publish, mid, .. } = event
            && let Some(id) = publish.packet_id
        {
            self.mids.insert(id.get(), mid);
        }
        then(&mut self.session, &event, self.now);
        Ok(text::event(&event))
    }

    /// Publishes, with or without a connection, and returns the mid.
    pub fn publish(&mut self, qos: u8, payload: &str) -> u64 {
        match self.try_publish(qos, payload) {
            Ok(mid) | Err(PublishError::NotConnected { mid }) => mid,
            Err(error) => panic!("{error:?}"),
        }
    }

    pub fn try_publish(&mut self, qos: u8, payload: &str) -> Result<u64, PublishError> {
        let message = publication(qos, payload.as_bytes(), self.session.options().version);
        self.session.publish(&message, || self.now)
    }

    /// Publishes a message with a time limit.
    pub fn try_publish_for(
        &mut self,
        limit: Duration,
        qos: u8,
        payload: &[u8],
    ) -> Result<u64, PublishError> {
        let message = publication(qos, payload, self.session.options().version);
        self.session
            .publish_until(&message, self.now + limit, self.now)
    }

    /// The mid of the latest message with this packet identifier.
    pub fn mid(&self, number: u16) -> u64 {
        self.mids.get(&number).copied().unwrap_or(number.into())
    }

    /// The application acknowledges the latest message with this packet identifier.
    pub fn acknowledge(&mut self, number: u16, qos: QoS) -> bool {
        self.acknowledge_mid(self.mid(number), qos)
    }

    pub fn acknowledge_mid(&mut self, mid: u64, qos: QoS) -> bool {
        self.acknowledge_with(mid, qos, reason::SUCCESS, Properties::NONE)
    }

    pub fn acknowledge_with(
        &mut self,
        mid: u64,
        qos: QoS,
        reason: u8,
        properties: Properties,
    ) -> bool {
        self.session
            .acknowledge_manually(mid, qos, reason, properties, self.now)
    }

    pub fn outcomes(&mut self) -> Vec<Outcome> {
        std::iter::from_fn(|| self.session.next_outcome()).collect()
    }

    pub fn configure(&mut self, change: impl FnOnce(&mut Options)) {
        self.session.configure(self.now, change);
    }

    /// Time passes without a call of the session.
    pub fn wait(&mut self, time: Duration) {
        self.now = self.now + time;
    }

    /// Time passes; the session is woken when it asks for that. Returns what it sends meanwhile.
    pub fn live(&mut self, time: Duration) -> Result<Vec<String>, Failure> {
        let end = self.now + time;
        let mut sent = self.sent();
        while let Some(at) = self.session.poll_timeout().filter(|&at| at <= end) {
            self.now = self.now.max(at);
            self.time_out()?;
            sent.extend(self.sent());
            let next = self.session.poll_timeout();
            assert!(next.is_none_or(|next| next > self.now), "it would spin");
        }
        self.now = end;
        Ok(sent)
    }
}

fn publication(qos: u8, payload: &[u8], version: Version) -> Publishable<'_> {
    let message = Message {
        topic: b"t",
        payload,
        qos: QoS::from_bits(qos).expect("a QoS"),
        retain: false,
        properties: version.rules().is_extended.then_some(Properties::NONE),
    };
    message.check().expect("PUBLISH fits")
}

pub fn connack(return_code: u8, session_present: bool) -> Vec<u8> {
    connack_with(
        return_code,
        session_present,
        Properties::NONE,
        Version::V311,
    )
}

pub fn connack_with(
    return_code: u8,
    session_present: bool,
    properties: Properties,
    version: Version,
) -> Vec<u8> {
    encoded(|out| {
        let connack = ConnAck {
            session_present,
            return_code,
            properties,
        };
        encode::connack(out, &connack, version).expect("CONNACK fits");
    })
}

/// An acknowledgement from the peer.
pub fn ack(kind: Ack, number: u16) -> Vec<u8> {
    encoded(|out| encode::ack(out, kind, id(number), false, Version::V311))
}

pub fn suback(number: u16, granted: &[u8]) -> Vec<u8> {
    encoded(|out| {
        let suback = SubAck {
            packet_id: id(number),
            properties: Properties::NONE,
            granted,
        };
        encode::suback(out, &suback, Version::V311).expect("SUBACK fits");
    })
}

pub fn unsuback(number: u16) -> Vec<u8> {
    encoded(|out| {
        let unsuback = UnsubAck {
            packet_id: id(number),
            properties: Properties::NONE,
            codes: &[],
        };
        encode::unsuback(out, &unsuback, Version::V311).expect("UNSUBACK fits");
    })
}

pub fn pingresp() -> Vec<u8> {
    encoded(encode::pingresp)
}

/// A message from the peer; `number` is used at QoS 1 and 2 only.
pub fn message(qos: u8, number: u16, payload: &str) -> Vec<u8> {
    message_of(Version::V311, qos, number, payload)
}

pub fn message_of(version: Version, qos: u8, number: u16, payload: &str) -> Vec<u8> {
    encoded_message(publication(qos, payload.as_bytes(), version), qos, number)
}

pub fn encoded_message(message: Publishable, qos: u8, number: u16) -> Vec<u8> {
    encoded(|out| {
        let id = (qos > 0).then(|| id(number));
        encode::publish(out, &message, id).expect("memory");
    })
}

/// A message that the peer sends again.
pub fn message_again(qos: u8, number: u16, payload: &str) -> Vec<u8> {
    let mut packet = message(qos, number, payload);
    encode::set_dup(&mut packet);
    packet
}

pub fn encoded(encode: impl FnOnce(&mut Buffer)) -> Vec<u8> {
    let mut out = Buffer::default();
    encode(&mut out);
    out.to_vec()
}
