//! A PUBLISH in its buffer: decoded without a copy, and changed without being encoded again.

use pmqtt::codec::{
    Buffer, MAX_STRING, Message, Packet, PacketId, Properties, PropertyList, QoS, Role, Version,
    decode, encode, header,
};

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
