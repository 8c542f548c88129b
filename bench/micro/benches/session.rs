//! The state machine, one window of messages at a time: the whole cost of a message except the socket,
//! the lock and the callbacks.

use divan::Bencher;
use divan::counter::ItemsCount;
use pmqtt::codec::{
    Ack, Acknowledgement, ConnAck, Message, Packet, PacketId, Properties, QoS, Version,
};
use pmqtt::session::outbound_aliases::OutboundAliases;
use pmqtt::session::{Gather, Options, Session};
use pmqtt::time::Moment;

const NOW: Moment = Moment::origin();
const WINDOW: u16 = 20;

fn main() {
    divan::main();
}

#[divan::bench(args = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce])]
fn publish(bencher: Bencher, qos: QoS) {
    let acks: &[Ack] = match qos {
        QoS::AtMostOnce => &[],
        QoS::AtLeastOnce => &[Ack::PubAck],
        QoS::ExactlyOnce => &[Ack::PubRec, Ack::PubComp],
    };
    let message = Message {
        topic: b"bench/topic",
        payload: &[b'x'; 64],
        qos,
        retain: false,
        properties: None,
    }
    .check()
    .expect("it fits");
    let mut connection = Connection::open();
    bencher.counter(ItemsCount::new(WINDOW)).bench_local(|| {
        let mids: [u64; WINDOW as usize] = std::array::from_fn(|_| {
            connection
                .session
                .publish(&message, || NOW)
                .expect("it is taken")
        });
        connection.write();
        for &ack in acks {
            for mid in mids {
                connection.hear(Packet::Ack(Acknowledgement::plain(ack, id(mid))));
            }
            connection.write();
        }
    });
}

/// What follows the callback: the acknowledgement, and at QoS 2 its release.
#[divan::bench(args = [QoS::AtLeastOnce, QoS::ExactlyOnce])]
fn deliver(bencher: Bencher, qos: QoS) {
    let mut connection = Connection::open();
    bencher.counter(ItemsCount::new(WINDOW)).bench_local(|| {
        for number in 1..=WINDOW {
            connection.session.delivered(id(number.into()), qos, NOW);
        }
        connection.write();
        if qos == QoS::ExactlyOnce {
            for number in 1..=WINDOW {
                connection.hear(Packet::Ack(Acknowledgement::plain(
                    Ack::PubRel,
                    id(number.into()),
                )));
            }
            connection.write();
        }
    });
}

/// Topics of 60 bytes in turn: each has an alias, the aliases are too few, and each topic comes once.
#[divan::bench(args = [20, 500, 100_000])]
fn choose_alias(bencher: Bencher, topics: usize) {
    let topics: Vec<String> = (0..topics).map(|at| format!("plant/{at:054}")).collect();
    let mut aliases = OutboundAliases::new(256);
    bencher
        .counter(ItemsCount::new(topics.len()))
        .bench_local(|| {
            for topic in &topics {
                divan::black_box(aliases.choose(topic.as_bytes()));
            }
        });
}

/// The identifier that a mid gets if it is free, as it always is here.
fn id(mid: u64) -> PacketId {
    PacketId::new(((mid - 1) % 65_535) as u16 + 1).expect("it is not 0")
}

/// A connected session, and the buffer that it swaps with its output.
struct Connection {
    session: Session,
    written: Gather,
}

impl Connection {
    fn open() -> Self {
        let mut connection = Self {
            session: Session::new(options()),
            written: Gather::default(),
        };
        connection.session.open(NOW).expect("CONNECT fits");
        connection.hear(Packet::ConnAck(ConnAck {
            session_present: false,
            return_code: 0,
            properties: Properties::NONE,
        }));
        connection.session.announced(NOW);
        connection.write();
        connection
    }

    fn hear(&mut self, packet: Packet) {
        self.session.handle(&packet, NOW).expect("no failure");
    }

    fn write(&mut self) {
        self.session.take_output(&mut self.written);
        self.session.written(self.written.len(), NOW);
        self.written.clear();
        while self.session.next_outcome().is_some() {}
    }
}

fn options() -> Options {
    Options {
        version: Version::V311,
        falls_back: false,
        client_id: c"bench".into(),
        clean_session: true,
        keep_alive: 60,
        will: None,
        credentials: None,
        handshake_timeout_ms: 10_000,
        max_inflight: WINDOW,
        max_queued_messages: 0,
        max_queued_bytes: 0,
        retry_ms: 5_000,
        manual_ack: false,
        max_packet_size: u32::MAX,
        ack_at_once: false,
    }
}
