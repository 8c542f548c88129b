//! Messages that arrive in one read, and callbacks that change how the next ones are handled.

use pmqtt::ffi;

use crate::support::{
    CONNACK, CONNECT, Client, Connection, DISCONNECT, Event, Handle, Message, connected,
    connected_with, each_drive,
};

fn told(mid: u64, qos: i32) -> Event {
    Event::Message(Message::new(mid, "t", b"", qos))
}

/// Three messages of QoS 1, for one read.
const THREE: &[u8] = b"\x32\x05\0\x01t\0\x01\x32\x05\0\x01t\0\x02\x32\x05\0\x01t\0\x03";

/// Calls `then` in the callback of the message with this identifier.
fn in_message(mid: u64, then: impl Fn(Handle) + Copy + Send + 'static) -> impl Fn(&Client) {
    move |client| {
        client.hook(move |client, event| {
            if matches!(event, Event::Message(message) if message.mid == mid) {
                then(client);
            }
        });
    }
}

#[test]
fn all_are_told_and_answered_in_their_order() {
    each_drive(|drive| {
        let mut connection = connected(drive);
        let (mut packets, mut answers) = (Vec::new(), Vec::new());
        for id in 1..=200 {
            packets.extend_from_slice(&[0x32, 5, 0, 1, b't', 0, id]);
            answers.extend_from_slice(&[0x40, 2, 0, id]);
        }
        connection.peer.send(&packets);
        connection.peer.expect(&answers);
        for id in 1..=200 {
            assert_eq!(connection.client.next(), told(id, 1));
        }
        assert_eq!(connection.client.stats().messages_in, 200);
        connection.peer.expect_silence();
    });
}

#[test]
fn messages_of_each_qos_keep_their_order() {
    each_drive(|drive| {
        let mut connection = connected(drive);
        let packets: [&[u8]; 6] = [
            b"\x30\x03\0\x01t",
            b"\x32\x05\0\x01t\0\x01",
            b"\x34\x05\0\x01t\0\x02",
            b"\x32\x05\0\x01t\0\x03",
            b"\x62\x02\0\x02",
            b"\x30\x03\0\x01t",
        ];
        connection.peer.send(&packets.concat());
        let answers = b"\x40\x02\0\x01\x50\x02\0\x02\x40\x02\0\x03\x70\x02\0\x02";
        connection.peer.expect(answers);
        for (mid, qos) in [(0, 0), (1, 1), (2, 2), (3, 1), (0, 0)] {
            assert_eq!(connection.client.next(), told(mid, qos));
        }
    });
}

#[test]
fn disconnect_comes_after_the_answers_and_before_the_next_message() {
    each_drive(|drive| {
        let leave = |client: Handle| assert_eq!(client.disconnect(), 0);
        let Connection {
            client, mut peer, ..
        } = connected_with(drive, in_message(2, leave));
        peer.send(THREE);
        peer.expect(b"\x40\x02\0\x01\x40\x02\0\x02");
        peer.expect(DISCONNECT);
        peer.expect_end();
        assert_eq!(client.next(), told(1, 1));
        assert_eq!(client.next(), told(2, 1));
        assert_eq!(client.next(), Event::Disconnected { rc: 0 });
        assert_eq!(client.told(), None);
    });
}

#[test]
fn a_callback_that_is_taken_away_is_not_called_for_the_next_message() {
    each_drive(|drive| {
        let stop = |client: Handle| client.forget_messages();
        let Connection {
            client, mut peer, ..
        } = connected_with(drive, in_message(2, stop));
        peer.send(THREE);
        peer.expect(b"\x40\x02\0\x01\x40\x02\0\x02\x40\x02\0\x03");
        assert_eq!(client.next(), told(1, 1));
        assert_eq!(client.next(), told(2, 1));
        assert_eq!(client.told(), None);
        assert_eq!(client.stats().messages_in, 3);
    });
}

#[test]
fn acknowledging_by_hand_begins_with_the_next_message() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected_with(drive, in_message(1, |client| client.set_manual_ack(true)));
        peer.send(THREE);
        peer.expect(b"\x40\x02\0\x01");
        peer.expect_silence();
        assert_eq!(client.next(), told(1, 1));
        let mids = [client.next_mid(), client.next_mid()];
        assert_eq!(client.ack(mids[1], 1), 0);
        peer.expect_silence();
        assert_eq!(client.stats().acks_held, 1);
        assert_eq!(client.ack(mids[0], 1), 0);
        peer.expect(b"\x40\x02\0\x02\x40\x02\0\x03");
    });
}

#[test]
fn each_callback_sees_how_many_came() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected_with(drive, |client| {
            client.hook(|client, event| {
                if let Event::Message(message) = event {
                    assert_eq!(client.stats().messages_in, message.mid);
                }
            });
        });
        peer.send(THREE);
        for mid in 1..=3 {
            assert_eq!(client.next(), told(mid, 1));
        }
    });
}

#[test]
fn the_rest_goes_with_a_connection_that_is_replaced() {
    each_drive(|drive| {
        let Connection {
            client,
            mut peer,
            broker,
        } = connected_with(
            drive,
            in_message(2, |client| assert_eq!(client.reconnect(), 0)),
        );
        peer.send(THREE);
        let mut next = broker.welcome(CONNECT, CONNACK);
        next.expect_silence();
        assert_eq!(client.next(), told(1, 1));
        assert_eq!(client.next(), told(2, 1));
        assert_eq!(client.next(), Event::Disconnected { rc: 0 });
        assert_eq!(client.next(), Event::CONNECTED);
        assert_eq!(client.told(), None);
    });
}

#[test]
fn what_came_before_a_packet_that_is_wrong_is_told() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected(drive);
        peer.send(&[THREE, b"\x36\x05\0\x01t\0\x04"].concat());
        for mid in 1..=3 {
            assert_eq!(client.next(), told(mid, 1));
        }
        let rc = ffi::PMQTT_ERR_PROTOCOL;
        assert_eq!(client.next(), Event::Disconnected { rc });
    });
}
