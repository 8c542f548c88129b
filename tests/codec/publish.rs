//! A PUBLISH in its buffer: decoded without a copy, and changed without being encoded again.

use std::panic::catch_unwind;

use pmqtt::codec::{
    Buffer, MAX_STRING, Malformed, Message, Packet, PacketId, Properties, PropertyList, Publish,
    QoS, Role, Version, decode, encode, header, property, var_int,
};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

/// On either side of each step in the number of length digits.
const LENGTHS: [usize; 6] = [127, 128, 16_383, 16_384, 2_097_151, 2_097_152];

const FIRST: PacketId = PacketId::new(0x1234).unwrap();
const SECOND: PacketId = PacketId::new(0xfedc).unwrap();

fn publish(topic: &str, payload: &[u8], id: Option<PacketId>) -> Vec<u8> {
    publish_with(topic, None, payload, id)
}

fn publish_with(
    topic: &str,
    properties: Option<Properties>,
    payload: &[u8],
    id: Option<PacketId>,
) -> Vec<u8> {
    let message = Message {
        topic: topic.as_bytes(),
        payload,
        qos: id.map_or(QoS::AtMostOnce, |_| QoS::AtLeastOnce),
        retain: false,
        properties,
    };
    let mut out = Buffer::default();
    encode::publish(&mut out, &message.check().unwrap(), id).unwrap();
    out.to_vec()
}

#[test]
fn the_topic_is_terminated_in_place() {
    let longest = "é".repeat(MAX_STRING / 2) + "!";
    for topic in ["t", "a/b", "/", "\u{feff}", &longest] {
        for id in [None, Some(FIRST)] {
            for payload in [&b""[..], b"payload", b"\0"] {
                let mut bytes = publish(topic, payload, id);
                let buffer = bytes.as_ptr_range();
                let header = header(&bytes, Role::Client, Version::V311)
                    .unwrap()
                    .unwrap();
                let Ok(Packet::Publish(publish)) = decode(&mut bytes, &header, Version::V311)
                else {
                    panic!("{topic:?} is refused");
                };
                assert_eq!((publish.packet_id, publish.payload), (id, payload));
                assert_eq!(publish.topic.as_bytes(), topic.as_bytes());
                assert_eq!(publish.topic.terminated(), format!("{topic}\0").as_bytes());
                assert!(buffer.contains(&publish.topic.terminated().as_ptr()));
                assert_eq!(publish.payload.as_ptr_range().end, buffer.end);
            }
        }
    }
}

#[test]
fn the_packet_identifier_changes_in_place() {
    for length in LENGTHS {
        let payload = vec![0x5a; length - 7];
        let mut bytes = publish("a/b", &payload, Some(FIRST));
        encode::set_packet_id(&mut bytes, SECOND);
        assert!(bytes == publish("a/b", &payload, Some(SECOND)), "{length}");
    }
}

#[test]
fn dup_is_one_bit() {
    for length in LENGTHS {
        let before = publish("a/b", &vec![0; length - 7], Some(FIRST));
        let mut after = before.clone();
        encode::set_dup(&mut after);
        assert_eq!((before[0], after[0]), (0x32, 0x3a));
        assert!(before[1..] == after[1..], "{length}");
    }
}

/// The lengths of lists on either side of each step in the number of length digits.
#[test]
fn properties_lie_between_head_and_payload() {
    for length in [0, 5, 127, 128, 16_383, 16_384] {
        let mut list = PropertyList::default();
        if length > 0 {
            let data = vec![0x5a; length - 3];
            list.bytes(0x09, &data).unwrap();
        }
        let properties = Some(list.get());
        assert_eq!(list.get().len(), length);
        let mut bytes = publish_with("a/b", properties, b"payload", Some(FIRST));
        assert_eq!(encode::topic(&bytes), b"a/b");
        encode::set_packet_id(&mut bytes, SECOND);
        let expected = publish_with("a/b", properties, b"payload", Some(SECOND));
        assert!(bytes == expected, "{length}");
        let header = header(&bytes, Role::Client, Version::V5).unwrap().unwrap();
        let Ok(Packet::Publish(publish)) = decode(&mut bytes, &header, Version::V5) else {
            panic!("{length}");
        };
        assert_eq!(publish.topic.terminated(), b"a/b\0");
        assert_eq!(publish.packet_id, Some(SECOND));
        assert_eq!(publish.properties, list.get());
        assert_eq!(publish.payload, b"payload");
    }
}
/// A PUBLISH of MQTT 5 with these properties, which the encoder would refuse with an empty topic.
fn extended(topic: &str, properties: &[u8], payload: &[u8], id: Option<PacketId>) -> Vec<u8> {
    let mut body = (topic.len() as u16).to_be_bytes().to_vec();
    body.extend(topic.as_bytes());
    body.extend(id.iter().flat_map(|id| id.get().to_be_bytes()));
    body.extend(var_int(properties.len()).iter());
    body.extend(properties);
    body.extend(payload);
    let first = if id.is_some() { 0x32 } else { 0x30 };
    [&[first], &var_int(body.len())[..], &body].concat()
}

fn read(bytes: &mut [u8]) -> Result<Publish<'_>, Malformed> {
    let header = header(bytes, Role::Client, Version::V5)?.expect("a whole header");
    match decode(bytes, &header, Version::V5)? {
        Packet::Publish(publish) => Ok(publish),
        other => panic!("{other:?}"),
    }
}

/// Properties in any order: the whole list, the list without what is for the client alone, and the alias.
fn random_properties(rng: &mut StdRng) -> (PropertyList, PropertyList, Option<u16>) {
    let (mut all, mut kept, mut alias) = (PropertyList::default(), PropertyList::default(), None);
    for _ in 0..rng.random_range(0..12) {
        match rng.random_range(0..6) {
            0 if alias.is_none() => {
                let number = rng.random_range(1..=u16::MAX);
                alias = Some(number);
                all.number(property::TOPIC_ALIAS, number.into());
            }
            0..3 => {
                let bits = rng.random_range(1..=28);
                let number = rng.random_range(1..1 << bits);
                all.number(property::SUBSCRIPTION_ID, number);
            }
            _ => {
                let value = vec![b'v'; rng.random_range(0..40)];
                let id = property::USER_PROPERTY;
                let pair = [&[id, 0, 1, b'n', 0, value.len() as u8], &value[..]].concat();
                let pair = Properties::check(&pair, property::Place::Delivery).unwrap();
                all.append(pair);
                kept.append(pair);
            }
        }
    }
    (all, kept, alias)
}

#[test]
fn what_is_for_the_client_alone_is_taken_out_of_the_properties() {
    let mut rng = StdRng::seed_from_u64(5);
    for _ in 0..5_000 {
        let (all, kept, alias) = random_properties(&mut rng);
        let topic = match alias {
            Some(_) if rng.random() => "",
            _ => "a/topic",
        };
        let payload = vec![0x23; rng.random_range(0..20)];
        let id = rng.random::<bool>().then_some(FIRST);
        let mut bytes = extended(topic, all.get().as_bytes(), &payload, id);
        let publish = read(&mut bytes).unwrap();
        assert_eq!(publish.topic.terminated(), format!("{topic}\0").as_bytes());
        assert_eq!(publish.topic_alias.map(|alias| alias.get()), alias);
        assert_eq!(publish.properties, kept.get());
        assert_eq!((publish.packet_id, publish.payload), (id, &payload[..]));
    }
}

#[test]
fn properties_may_be_published_without_what_is_for_the_client_alone() {
    let mut rng = StdRng::seed_from_u64(6);
    for _ in 0..500 {
        let (all, ..) = random_properties(&mut rng);
        let all = all.get().as_bytes();
        let mut bytes = extended("a/topic", all, b"", None);
        let received = read(&mut bytes).unwrap().properties;
        let list = received.as_bytes();
        assert_eq!(
            Properties::check(list, property::Place::Publish),
            Ok(received)
        );
        let whole = Properties::check(all, property::Place::Delivery).unwrap();
        if whole.number(property::SUBSCRIPTION_ID).is_some() {
            assert!(Properties::check(all, property::Place::Publish).is_err());
        }
    }
}

#[test]
fn a_publish_states_its_topic_once() {
    for (topic, properties, reason) in [
        // Neither topic nor alias.
        ("", &[][..], 0x82),
        ("", &[0x0b, 1], 0x82),
        // Alias 0, two of them, and a half.
        ("t", &[0x23, 0, 0], 0x94),
        ("", &[0x23, 0, 0], 0x94),
        ("t", &[0x23, 0, 1, 0x23, 0, 1], 0x82),
        ("t", &[0x23, 0], 0x81),
        // A subscription identifier is not 0.
        ("t", &[0x0b, 0], 0x82),
        ("t", &[0x0b, 0x80], 0x81),
    ] {
        let mut bytes = extended(topic, properties, b"", None);
        let refused = read(&mut bytes).map_err(|malformed| malformed.reason);
        assert_eq!(refused, Err(reason), "{topic:?} {properties:02x?}");
    }
}

/// Bytes at which a property begins, ends or changes its meaning.
const EDGES: [u8; 9] = [0, 1, 2, 0x0b, 0x23, 0x26, 0x7f, 0x80, 0xff];

#[test]
fn damaged_properties_harm_nothing() {
    let mut rng = StdRng::seed_from_u64(7);
    let mut read_some = 0;
    for _ in 0..30_000 {
        let (all, ..) = random_properties(&mut rng);
        let mut bytes = extended("t", all.get().as_bytes(), b"payload", None);
        for _ in 0..rng.random_range(1..4) {
            // From the length of the properties on.
            let behind = b"payload".len() + all.get().len() + 1;
            let at = rng.random_range(bytes.len() - behind..bytes.len());
            bytes[at] = *EDGES.choose(&mut rng).unwrap();
        }
        let result = catch_unwind(|| {
            let mut bytes = bytes.clone();
            read(&mut bytes).is_ok_and(|publish| {
                let ids = [property::TOPIC_ALIAS, property::SUBSCRIPTION_ID];
                assert!(ids.iter().all(|&id| publish.properties.find(id).is_none()));
                true
            })
        });
        read_some += usize::from(result.unwrap_or_else(|_| panic!("{bytes:02x?}")));
    }
    assert!(read_some > 3_000, "only {read_some} packets were read");
}
