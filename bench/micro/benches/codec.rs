//! Encodes and decodes one packet at a time.

use std::num::NonZeroU16;

use divan::{Bencher, black_box};
use pmqtt::codec::{
    Ack, Alias, Buffer, Header, Message, PacketId, Properties, Publishable, QoS, Rewrite, Role,
    Version, decode, encode, header, topic,
};

const VERSION: Version = Version::V311;
const PAYLOAD: [u8; 64] = [b'x'; 64];

fn main() {
    divan::main();
}

fn message(qos: QoS) -> Publishable<'static> {
    Message {
        topic: b"bench/topic",
        payload: &PAYLOAD,
        qos,
        retain: false,
        properties: None,
    }
    .check()
    .expect("it fits")
}

fn id(qos: QoS) -> Option<PacketId> {
    PacketId::new(1).filter(|_| qos != QoS::AtMostOnce)
}

fn read_header(packet: &[u8]) -> Header {
    header(packet, Role::Client, VERSION)
        .expect("it is well-formed")
        .expect("it is complete")
}

#[divan::bench(args = [QoS::AtMostOnce, QoS::AtLeastOnce])]
fn encode_publish(bencher: Bencher, qos: QoS) {
    let mut out = Buffer::default();
    bencher.bench_local(|| {
        out.clear();
        encode::publish(&mut out, black_box(&message(qos)), id(qos)).expect("memory");
    });
}

#[divan::bench]
fn encode_puback(bencher: Bencher) {
    let mut out = Buffer::default();
    let id = PacketId::MIN;
    bencher.bench_local(|| {
        out.clear();
        encode::ack(&mut out, Ack::PubAck, black_box(id), false, VERSION);
    });
}

/// A topic of 60 bytes is copied as it is, and replaced by an alias.
#[divan::bench(args = [Alias::None, Alias::Use(NonZeroU16::MIN)])]
fn rewrite_publish(bencher: Bencher, alias: Alias) {
    let message = Message {
        topic: &[b't'; 60],
        payload: &[b'x'; 32],
        qos: QoS::AtLeastOnce,
        retain: false,
        properties: Some(Properties::NONE),
    };
    let mut packet = Buffer::default();
    encode::publish(
        &mut packet,
        &message.check().expect("it fits"),
        id(message.qos),
    )
    .expect("memory");
    let rewrite = Rewrite {
        alias,
        ..Rewrite::default()
    };
    let mut out = Buffer::default();
    bencher.bench_local(|| {
        out.clear();
        let rewritten = black_box(rewrite).of(&packet);
        rewritten.write(out.extend(rewritten.packet_len()));
    });
}

/// Decoding moves the topic, so each run needs its own packet.
#[divan::bench(args = [QoS::AtMostOnce, QoS::AtLeastOnce])]
fn decode_publish(bencher: Bencher, qos: QoS) {
    let mut packet = Buffer::default();
    encode::publish(&mut packet, &message(qos), id(qos)).expect("memory");
    bencher
        .with_inputs(|| packet.to_vec())
        .bench_local_refs(|packet| {
            let header = read_header(packet);
            black_box(decode(packet, &header, VERSION)).is_ok()
        });
}

#[divan::bench]
fn decode_puback(bencher: Bencher) {
    let mut packet = vec![0x40, 2, 0, 1];
    bencher.bench_local(|| {
        let header = read_header(black_box(&packet));
        black_box(decode(&mut packet, &header, VERSION)).is_ok()
    });
}

#[divan::bench(args = ["bench/topic", "bench/+", "#", "other/+/topic"])]
fn match_topic(filter: &str) -> bool {
    topic::matches(black_box(filter), black_box(b"bench/topic"))
}
