//! What `pmqtt_publish_message` puts into packets of MQTT 5, and what the broker's answers make of it.

use std::ffi::CStr;
use std::ptr;

use pmqtt::client::events::PropertyView;
use pmqtt::codec::{Packet, PacketId, QoS};
use pmqtt::ffi::{
    PMQTT_ERR_CANCELLED, PMQTT_ERR_CONN_LOST, PMQTT_ERR_INVAL, PMQTT_ERR_NO_CONN,
    PMQTT_ERR_NOT_SUPPORTED, PMQTT_ERR_PAYLOAD_SIZE, PMQTT_ERR_REJECTED, PMQTT_PROTOCOL_V5,
    PropertyPair, Publication,
};

use crate::support::mqtt5::{ACCEPTED, accepted_with, connack, connected5};
use crate::support::{Broker, Client, Connection, Event, Outcome, each_drive, reconnect_when_lost};

/// The reasons of MQTT 5.
const NO_SUBSCRIBERS: i32 = 0x10;
const NOT_AUTHORISED: i32 = 0x87;
const TOO_LARGE: i32 = 0x95;
const QUOTA_EXCEEDED: i32 = 0x97;
const RETAIN_NOT_SUPPORTED: i32 = 0x9a;
const QOS_NOT_SUPPORTED: i32 = 0x9b;

/// CONNACK of a broker that takes no QoS 2, no retained message, and no packet above 40 bytes.
const LIMITS: &[u8] = b"\x24\x01\x25\0\x27\0\0\0\x28";

fn message(topic: &'static CStr, payload: &'static [u8], qos: i32) -> Publication {
    Publication {
        struct_size: size_of::<Publication>(),
        topic: topic.as_ptr(),
        payload: payload.as_ptr().cast(),
        payload_len: payload.len(),
        qos,
        // SAFETY: all bytes 0 are NULL, 0 and false.
        ..unsafe { std::mem::zeroed() }
    }
}

fn tagged(tag: u64, message: Publication) -> Publication {
    Publication { tag, ..message }
}

fn outcome(mid: u64, rc: i32, reason: i32, tag: u64) -> Outcome {
    Outcome {
        mid,
        rc,
        reason,
        tag,
    }
}

#[test]
fn each_field_is_a_property() {
    let wire = b"\x02\x01\x02\x03\x04\x01\x01\x03\0\x04text\x08\0\x03r/1\x09\0\x02\0\xff\
                 \x26\0\x01a\0\x011\x26\0\x01b\0\0\x26\0\x01a\0\x012";
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected5(drive, ACCEPTED);
        let pairs = [(c"a", c"1"), (c"b", c""), (c"a", c"2")];
        let pairs = pairs.map(|(name, value)| PropertyPair {
            name: name.as_ptr(),
            value: value.as_ptr(),
        });
        let levels = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce];
        for (qos, id) in levels.into_iter().zip([None, Some(2), Some(3)]) {
            let full = Publication {
                retain: qos == QoS::AtLeastOnce,
                expiry_s: 0x0102_0304,
                content_type: c"text".as_ptr(),
                response_topic: c"r/1".as_ptr(),
                correlation: b"\0\xff".as_ptr().cast(),
                correlation_len: 2,
                payload_is_utf8: true,
                user_properties: pairs.as_ptr(),
                user_property_count: pairs.len(),
                ..message(c"topic", b"payload", qos as i32)
            };
            let mid = qos as u64 + 1;
            assert_eq!(client.publish_message(&full), (0, Some(mid)));
            peer.read(|packet| match packet {
                Packet::Publish(publish) => {
                    assert_eq!(publish.topic.as_bytes(), b"topic");
                    assert_eq!(publish.payload, b"payload");
                    assert_eq!((publish.qos, publish.dup), (qos, false));
                    assert_eq!(publish.retain, full.retain);
                    assert_eq!(publish.packet_id.map(PacketId::get), id);
                    assert_eq!(publish.properties.as_bytes(), wire);
                }
                other => panic!("{other:?}"),
            });
        }
    });
}

#[test]
fn a_list_is_sent_as_it_is_but_for_its_expiry_which_comes_first() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected5(drive, ACCEPTED);
        let list = b"\x09\0\x01c\x02\0\0\0\x07";
        let list = Publication {
            properties: PropertyView {
                data: list.as_ptr().cast(),
                len: list.len(),
            },
            ..message(c"t", b"p", 0)
        };
        assert_eq!(client.publish_message(&list), (0, Some(1)));
        peer.expect(b"\x30\x0e\0\x01t\x09\x02\0\0\0\x07\x09\0\x01cp");
        // Without properties, there is their length.
        assert_eq!(
            client.publish_message(&message(c"t", b"p", 0)),
            (0, Some(2))
        );
        peer.expect(b"\x30\x05\0\x01t\0p");
    });
}

#[test]
fn what_is_no_text_or_no_topic_is_not_sent() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected5(drive, ACCEPTED);
        let wrong = [
            Publication {
                content_type: c"\xff".as_ptr(),
                ..message(c"t", b"", 1)
            },
            Publication {
                response_topic: c"\xed\xa0\x80".as_ptr(),
                ..message(c"t", b"", 1)
            },
            Publication {
                response_topic: c"a/#".as_ptr(),
                ..message(c"t", b"", 1)
            },
            message(c"t/+", b"", 1),
            message(c"\xff", b"", 1),
        ];
        for message in wrong {
            assert_eq!(client.publish_message(&message), (PMQTT_ERR_INVAL, None));
        }
        peer.expect_silence5();
    });
}

#[test]
fn a_refused_message_is_done_and_never_sent_again() {
    each_drive(|drive| {
        let (client, broker) = (Client::create("c", false, PMQTT_PROTOCOL_V5), Broker::new());
        reconnect_when_lost(&client);
        client.connect_async(&broker);
        client.run(drive);
        let mut peer = broker.welcome_any(ACCEPTED);
        assert_eq!(client.next(), Event::CONNECTED);
        let refusals = [
            (1, b"\x40\x03\0\x01\x97".as_slice(), QUOTA_EXCEEDED),
            (2, b"\x50\x03\0\x02\x87", NOT_AUTHORISED),
        ];
        for (qos, refusal, reason) in refusals {
            let mid = qos as u64;
            let tagged = tagged(10 + mid, message(c"t", b"no", qos));
            assert_eq!(client.publish_message(&tagged), (0, Some(mid)));
            let first = 0x30 + 2 * qos as u8;
            peer.expect(&[first, 8, 0, 1, b't', 0, qos as u8, 0, b'n', b'o']);
            peer.send(refusal);
            let expected = outcome(mid, PMQTT_ERR_REJECTED, reason, 10 + mid);
            assert_eq!(client.next_outcome(), expected);
        }
        // There is no PUBREL.
        peer.expect_silence5();
        let figures = client.stats();
        assert_eq!((figures.messages_rejected, figures.messages_out), (2, 0));
        assert_eq!((figures.in_flight, figures.unsettled), (0, 0));
        // Nor is anything sent again.
        drop(peer);
        let mut peer = broker.welcome_any(&connack(true, 0, b""));
        peer.expect_silence5();
    });
}

#[test]
fn success_may_have_a_reason() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected5(drive, ACCEPTED);
        client.publish("t", b"1", 1);
        peer.expect(b"\x32\x07\0\x01t\0\x01\x001");
        peer.send(b"\x40\x03\0\x01\x10");
        assert_eq!(client.next_outcome(), outcome(1, 0, NO_SUBSCRIBERS, 0));
        assert_eq!(client.stats().messages_out, 1);
        assert_eq!(client.stats().messages_rejected, 0);
    });
}

#[test]
fn what_the_broker_does_not_take_is_rejected_and_the_connection_goes_on() {
    static LARGE: [u8; 100] = [b'x'; 100];
    each_drive(|drive| {
        let (client, broker) = (Client::mqtt5("c"), Broker::new());
        let retained = Publication {
            retain: true,
            ..message(c"t", b"", 1)
        };
        let queued = [
            message(c"t", &LARGE, 1),
            message(c"t", b"", 2),
            retained,
            message(c"t", b"fits", 1),
        ];
        for (mid, message) in (1..).zip(queued) {
            let answer = client.publish_message(&tagged(mid, message));
            assert_eq!(answer, (PMQTT_ERR_NO_CONN, Some(mid)));
        }
        client.connect_async(&broker);
        client.run(drive);
        let mut peer = broker.welcome_any(&accepted_with(LIMITS));
        assert_eq!(client.next(), Event::CONNECTED);
        peer.expect(b"\x32\x0a\0\x01t\0\x04\0fits");
        let reasons = [TOO_LARGE, QOS_NOT_SUPPORTED, RETAIN_NOT_SUPPORTED];
        for (mid, reason) in (1..).zip(reasons) {
            let expected = outcome(mid, PMQTT_ERR_REJECTED, reason, mid);
            assert_eq!(client.next_outcome(), expected);
        }
        peer.send(b"\x40\x02\0\x04");
        assert_eq!(client.next_outcome(), outcome(4, 0, 0, 4));
        assert_eq!(client.stats().messages_rejected, 3);
        // From now on, the calls themselves fail.
        let codes = queued.map(|message| client.publish_message(&message));
        let none = [
            PMQTT_ERR_PAYLOAD_SIZE,
            PMQTT_ERR_NOT_SUPPORTED,
            PMQTT_ERR_NOT_SUPPORTED,
        ];
        assert_eq!(codes[..3], none.map(|code| (code, None)));
        assert_eq!(codes[3], (0, Some(5)));
        peer.expect(b"\x32\x0a\0\x01t\0\x05\0fits");
        peer.expect_silence5();
    });
}

#[test]
fn a_tag_outlives_the_connection() {
    each_drive(|drive| {
        let (client, broker) = (Client::create("c", false, PMQTT_PROTOCOL_V5), Broker::new());
        reconnect_when_lost(&client);
        client.connect_async(&broker);
        client.run(drive);
        let mut peer = broker.welcome_any(ACCEPTED);
        assert_eq!(client.next(), Event::CONNECTED);
        let full = Publication {
            content_type: c"c".as_ptr(),
            ..message(c"t", b"1", 1)
        };
        client.publish_message(&tagged(u64::MAX, full));
        peer.expect(b"\x32\x0b\0\x01t\0\x01\x04\x03\0\x01c1");
        drop(peer);
        let rc = PMQTT_ERR_CONN_LOST;
        assert_eq!(client.next(), Event::Disconnected { rc });
        let mut peer = broker.welcome_any(&connack(true, 0, b""));
        let session_present = true;
        assert_eq!(
            client.next(),
            Event::Connected {
                session_present,
                rc: 0
            }
        );
        // It is the same message again, with its properties.
        peer.expect(b"\x3a\x0b\0\x01t\0\x01\x04\x03\0\x01c1");
        peer.send(b"\x40\x02\0\x01");
        assert_eq!(client.next_outcome(), outcome(1, 0, 0, u64::MAX));
    });
}

#[test]
fn tags_are_for_each_version() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = crate::support::connected(drive);
        for (mid, qos) in [(1, 0), (2, 1), (3, 2)] {
            let tagged = tagged(100 * mid, message(c"t", b"", qos));
            assert_eq!(client.publish_message(&tagged), (0, Some(mid)));
        }
        assert_eq!(client.next_outcome(), outcome(1, 0, -1, 100));
        assert_eq!(client.publish("t", b"", 0), 4);
        assert_eq!(client.next_outcome(), outcome(4, 0, -1, 0));
        peer.expect(b"\x30\x03\0\x01t\x32\x05\0\x01t\0\x02\x34\x05\0\x01t\0\x03\x30\x03\0\x01t");
        peer.send(b"\x50\x02\0\x03");
        peer.expect(b"\x62\x02\0\x03");
        peer.send(b"\x70\x02\0\x03");
        assert_eq!(client.next_outcome(), outcome(3, 0, -1, 300));
        // SAFETY: the client lives.
        assert_eq!(unsafe { pmqtt::ffi::pmqtt_cancel(client.0, 2) }, 0);
        let cancelled = outcome(2, PMQTT_ERR_CANCELLED, -1, 200);
        assert_eq!(client.next_outcome(), cancelled);
    });
}

/// The structure of an earlier version ends with the expiry.
#[test]
fn an_earlier_publication_has_no_properties() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected5(drive, ACCEPTED);
        let earlier = Publication {
            struct_size: std::mem::offset_of!(Publication, content_type),
            expiry_s: 9,
            content_type: ptr::without_provenance(1),
            tag: 7,
            ..message(c"t", b"", 0)
        };
        assert_eq!(client.publish_message(&earlier), (0, Some(1)));
        peer.expect(b"\x30\x09\0\x01t\x05\x02\0\0\0\x09");
        assert_eq!(client.next_outcome(), outcome(1, 0, -1, 0));
    });
}
