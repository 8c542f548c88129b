//! An encoded PUBLISH that is changed while it is copied.

use std::num::NonZeroU16;

use pmqtt::codec::rewrite::GROWTH;
use pmqtt::codec::{
    Alias, Buffer, MAX_STRING, Message, Packet, PacketId, PropertyList, QoS, Rewrite, Role,
    Version, decode, encode, header, property,
};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::oracle::remaining_length;

const FIRST: PacketId = PacketId::new(0x1234).unwrap();
const SECOND: PacketId = PacketId::new(0xfedc).unwrap();

/// A message of the program's.
struct Original {
    topic: Vec<u8>,
    payload: Vec<u8>,
    qos: QoS,
    retain: bool,
    expiry: Option<u32>,
    /// Without the expiry.
    properties: PropertyList,
}

impl Original {
    fn id(&self) -> Option<PacketId> {
        (self.qos != QoS::AtMostOnce).then_some(FIRST)
    }

    fn encoded(&self) -> Vec<u8> {
        let mut list = PropertyList::default();
        if let Some(expiry) = self.expiry {
            list.number(property::MESSAGE_EXPIRY, expiry);
        }
        list.append(self.properties.get());
        let message = Message {
            topic: &self.topic,
            payload: &self.payload,
            qos: self.qos,
            retain: self.retain,
            properties: Some(list.get()),
        };
        let mut out = Buffer::default();
        encode::publish(&mut out, &message.check().unwrap(), self.id()).unwrap();
        out.to_vec()
    }

    /// The changed packet, field by field as section 3.3 lists them.
    fn expected(&self, rewrite: Rewrite) -> Vec<u8> {
        let number = match rewrite.alias {
            Alias::None => None,
            Alias::Set(number) | Alias::Use(number) => Some(number.get()),
        };
        let topic: &[u8] = match rewrite.alias {
            Alias::Use(_) if !rewrite.strip => b"",
            _ => &self.topic,
        };
        let mut body = (topic.len() as u16).to_be_bytes().to_vec();
        body.extend(topic);
        if let Some(id) = self.id() {
            body.extend(rewrite.packet_id.unwrap_or(id).get().to_be_bytes());
        }
        if !rewrite.strip {
            let mut list = PropertyList::default();
            if let Some(number) = number {
                list.number(property::TOPIC_ALIAS, number.into());
            }
            if let Some(expiry) = rewrite.expiry.or(self.expiry) {
                list.number(property::MESSAGE_EXPIRY, expiry);
            }
            list.append(self.properties.get());
            body.extend(remaining_length(list.get().len()));
            body.extend(list.get().as_bytes());
        }
        body.extend(&self.payload);
        let flags = u8::from(rewrite.dup) << 3 | (self.qos as u8) << 1 | u8::from(self.retain);
        [vec![0x30 | flags], remaining_length(body.len()), body].concat()
    }
}

/// Rewrites a packet at once, and head and payload apart.
fn rewritten(packet: &[u8], rewrite: Rewrite) -> Vec<u8> {
    let rewritten = rewrite.of(packet);
    let mut whole = vec![0; rewritten.packet_len()];
    rewritten.write(&mut whole);
    let mut apart = vec![0; rewritten.head_len()];
    rewritten.write_head(&mut apart);
    apart.extend(&packet[rewritten.payload_start()..]);
    assert!(whole == apart);
    whole
}

/// Changes that fit the message.
fn changes(original: &Original, rng: &mut StdRng) -> Rewrite {
    let number = NonZeroU16::new(rng.random_range(1..=u16::MAX)).unwrap();
    let aliases = [Alias::None, Alias::Set(number), Alias::Use(number)];
    Rewrite {
        alias: *aliases.choose(rng).unwrap(),
        expiry: original
            .expiry
            .filter(|_| rng.random())
            .map(|_| rng.random()),
        strip: rng.random_ratio(1, 5),
        dup: original.id().is_some() && rng.random(),
        packet_id: original.id().filter(|_| rng.random()).map(|_| SECOND),
    }
}

/// A message whose lengths are often near a step in the number of their digits.
fn random(rng: &mut StdRng) -> Original {
    let topic = match rng.random_range(0..20) {
        0 => MAX_STRING,
        1..5 => rng.random_range(1..300),
        _ => rng.random_range(1..20),
    };
    let mut properties = PropertyList::default();
    let mut put = |id, len: usize| drop(properties.bytes(id, &vec![b'p'; len]));
    match rng.random_range(0..6) {
        0 => put(property::CONTENT_TYPE, rng.random_range(0..20)),
        1 => put(property::CORRELATION_DATA, rng.random_range(115..130)),
        2 => put(property::CORRELATION_DATA, rng.random_range(16_370..16_390)),
        _ => {}
    }
    let mut original = Original {
        topic: vec![b't'; topic],
        payload: Vec::new(),
        qos: QoS::from_bits(rng.random_range(0..3)).unwrap(),
        retain: rng.random(),
        expiry: rng.random::<bool>().then(|| rng.random()),
        properties,
    };
    let others = original.encoded().len();
    let step = *[0, 128, 128, 16_384, 16_384, 2_097_152]
        .choose(rng)
        .unwrap();
    let size: usize = rng.random_range(step..step + 100);
    // The payload fills the packet up to a size on either side of the step.
    original.payload = vec![0; size.saturating_sub(others + 50)];
    original
}

#[test]
fn only_what_is_to_change_changes() {
    let mut rng = StdRng::seed_from_u64(5);
    for _ in 0..1_500 {
        let original = random(&mut rng);
        let packet = original.encoded();
        let rewrite = changes(&original, &mut rng);
        let bytes = rewritten(&packet, rewrite);
        assert!(bytes == original.expected(rewrite), "{rewrite:?}");
        assert!(bytes.len() <= packet.len() + GROWTH);
    }
}

#[test]
fn the_reader_gets_the_changed_message() {
    let mut rng = StdRng::seed_from_u64(6);
    for _ in 0..500 {
        let original = random(&mut rng);
        let rewrite = changes(&original, &mut rng);
        let mut bytes = rewritten(&original.encoded(), rewrite);
        let version = match rewrite.strip {
            true => Version::V311,
            false => Version::V5,
        };
        let header = header(&bytes, Role::Broker, version).unwrap().unwrap();
        assert_eq!(header.end, bytes.len());
        let Packet::Publish(publish) = decode(&mut bytes, &header, version).unwrap() else {
            panic!("it is no PUBLISH");
        };
        let is_used = matches!(rewrite.alias, Alias::Use(_)) && !rewrite.strip;
        let topic = if is_used { &[] } else { &original.topic[..] };
        assert_eq!(publish.topic.as_bytes(), topic);
        assert_eq!(publish.payload, original.payload);
        assert_eq!(
            (publish.qos, publish.retain),
            (original.qos, original.retain)
        );
        assert_eq!(publish.packet_id, rewrite.packet_id.or(original.id()));
        assert_eq!(publish.dup, rewrite.dup);
        let expiry = rewrite.expiry.or(original.expiry);
        let expected = expiry.filter(|_| !rewrite.strip);
        assert_eq!(
            publish.properties.number(property::MESSAGE_EXPIRY),
            expected
        );
    }
}

#[test]
fn nothing_to_change_is_a_copy() {
    let mut rng = StdRng::seed_from_u64(7);
    for _ in 0..300 {
        let packet = random(&mut rng).encoded();
        assert!(rewritten(&packet, Rewrite::default()) == packet);
    }
}

/// The alias adds a digit to the length of the properties and to that of the packet.
#[test]
fn a_packet_grows_by_no_more_than_it_may() {
    let mut properties = PropertyList::default();
    properties
        .bytes(property::CORRELATION_DATA, &[0; 122])
        .unwrap();
    let original = Original {
        topic: b"a/topic".to_vec(),
        payload: vec![0; 16_383 - 2 - 7 - 1 - 125],
        qos: QoS::AtMostOnce,
        retain: false,
        expiry: None,
        properties,
    };
    let packet = original.encoded();
    let rewrite = Rewrite {
        alias: Alias::Set(NonZeroU16::MIN),
        ..Rewrite::default()
    };
    assert_eq!(rewrite.of(&packet).packet_len(), packet.len() + GROWTH);
}
