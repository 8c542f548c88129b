//! Unexpected packets: some are answered, some are ignored, some end the connection.

use pmqtt::ffi;

use crate::support::{Connection, Event, Peer, connected, each_drive};

/// What the broker sends while nothing is under way, and the client's answer.
const ANSWERED: [(&[u8], &[u8]); 7] = [
    (b"\x40\x02\0\x07", b""),
    (b"\x50\x02\0\x07", b"\x62\x02\0\x07"),
    (b"\x62\x02\0\x07", b"\x70\x02\0\x07"),
    (b"\x70\x02\0\x07", b""),
    (b"\x90\x03\0\x07\0", b""),
    (b"\xb0\x02\0\x07", b""),
    (b"\xd0\0", b""),
];

#[test]
fn an_answer_to_nothing_changes_nothing() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected(drive);
        for (packet, answer) in ANSWERED {
            peer.send(packet);
            peer.expect(answer);
            peer.expect_silence();
        }
        assert_eq!(client.told(), None);
        assert!(client.stats().connected);
    });
}

/// A wrong answer of the broker to the requests below, and why it is wrong.
const WRONG: [(&[u8], &str); 4] = [
    (b"\x20\x02\0\0", "a second CONNACK"),
    (b"\x50\x02\0\x01", "PUBREC for a QoS 1 message"),
    (b"\x90\x04\0\x03\0\0", "another number of codes"),
    (b"\xc0\0", "PINGREQ"),
];

#[test]
fn a_wrong_answer_ends_the_connection() {
    for (packet, why) in WRONG {
        each_drive(|drive| {
            let Connection {
                client, mut peer, ..
            } = connected(drive);
            client.hook(move |client, event| {
                if matches!(event, Event::Disconnected { .. }) {
                    let said = client.last_error();
                    assert!(said.starts_with("mqtt: the broker sent"), "{said}");
                    assert!(said.contains(why), "{said}");
                }
            });
            client.publish("t", b"", 1);
            client.publish("t", b"", 2);
            client.subscribe(&[("s", 0)]);
            client.unsubscribe(&["u"]);
            expect_requests(&mut peer);
            peer.send(packet);
            peer.expect_end();
            let rc = ffi::PMQTT_ERR_PROTOCOL;
            let ended = Event::Disconnected { rc };
            let mut events = std::iter::from_fn(|| Some(client.next()));
            assert!(events.any(|event| event == ended));
        });
    }
}

fn expect_requests(peer: &mut Peer) {
    peer.expect(b"\x32\x05\0\x01t\0\x01\x34\x05\0\x01t\0\x02");
    peer.expect(b"\x82\x06\0\x03\0\x01s\0\xa2\x05\0\x04\0\x01u");
}

/// RabbitMQ 3 does not support QoS 2, and shows that with each message.
#[test]
fn a_broker_without_qos_2_is_told_of_once_a_connection() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected(drive);
        client.set_log();
        for mid in 1..=3 {
            client.publish("t", b"", 2);
            peer.expect(&[0x34, 5, 0, 1, b't', 0, mid]);
            peer.send(&[0x40, 2, 0, mid]);
        }
        let (mut published, mut warnings) = (Vec::new(), 0);
        while published.len() < 3 {
            match client.next() {
                Event::Published { mid, rc } => published.push((mid, rc)),
                Event::Log { level, text } if level == ffi::PMQTT_LOG_WARNING => {
                    assert!(text.contains("answers QoS 2 with PUBACK"), "{text}");
                    warnings += 1;
                }
                _ => {}
            }
        }
        assert_eq!(published, [(1, 0), (2, 0), (3, 0)]);
        assert_eq!(warnings, 1);
    });
}
