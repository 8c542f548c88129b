//! What comes in order goes out in order, and never exceeds the window.

use pmqtt::ffi::PMQTT_ERR_NO_CONN;

use crate::support::{
    Broker, CONNACK, CONNECT, Client, Connection, DISCONNECT, Event, Message, connected,
    connected_with, each_drive, reconnect_when_lost,
};

/// The PUBLISH of QoS 1 with this number as its identifier and its payload.
fn publish(number: u8) -> [u8; 8] {
    [0x32, 6, 0, 1, b't', 0, number, number]
}

fn again(number: u8) -> [u8; 8] {
    let mut packet = publish(number);
    packet[0] |= 0b1000;
    packet
}

fn puback(number: u8) -> [u8; 4] {
    [0x40, 2, 0, number]
}

#[test]
fn messages_of_each_qos_leave_in_the_order_of_publishing() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected_with(drive, |client| client.set_window(0));
        for number in 0..60_u8 {
            client.publish("t", &[number], (number % 3).into());
        }
        for number in 0..60 {
            match number % 3 {
                0 => peer.expect(&[0x30, 4, 0, 1, b't', number]),
                1 => peer.expect(&[0x32, 6, 0, 1, b't', 0, number + 1, number]),
                _ => peer.expect(&[0x34, 6, 0, 1, b't', 0, number + 1, number]),
            }
        }
    });
}

#[test]
fn the_window_holds_back_what_it_has_no_room_for() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected_with(drive, |client| client.set_window(2));
        for number in 1..=5 {
            client.publish("t", &[number], 1);
        }
        peer.expect(&publish(1));
        peer.expect(&publish(2));
        peer.expect_silence();
        assert_eq!(client.stats().in_flight, 2);
        assert_eq!(client.stats().queued_messages, 3);
        peer.send(&puback(2));
        peer.expect(&publish(3));
        peer.expect_silence();
        peer.send(&puback(1));
        peer.expect(&publish(4));
        client.set_window(3);
        peer.expect(&publish(5));
        peer.expect_silence();
    });
}

#[test]
fn the_next_connection_begins_with_what_was_in_flight() {
    each_drive(|drive| {
        let Connection {
            client,
            mut peer,
            broker,
        } = connected_with(drive, |client| {
            client.set_window(3);
            reconnect_when_lost(client);
        });
        for number in 1..=6 {
            client.publish("t", &[number], 1);
        }
        for number in 1..=3 {
            peer.expect(&publish(number));
        }
        peer.send(&puback(2));
        peer.expect(&publish(4));
        drop(peer);
        let mut peer = broker.welcome(CONNECT, CONNACK);
        for number in [1, 3, 4] {
            peer.expect(&again(number));
        }
        peer.expect_silence();
        peer.send(&puback(1));
        peer.expect(&publish(5));
        peer.expect_silence();
    });
}

/// The subscription for the answers comes before the queued messages that are answered.
#[test]
fn what_on_connect_asks_for_goes_before_the_queue() {
    each_drive(|drive| {
        let (client, broker) = (Client::new("c"), Broker::new());
        for number in 1..=2 {
            let (rc, mid) = client.try_publish("t", &[number], 1, false);
            assert_eq!((rc, mid), (PMQTT_ERR_NO_CONN, Some(number.into())));
        }
        client.hook(|client, event| {
            if *event == Event::CONNECTED {
                client.subscribe(&[("s", 0)]);
                client.publish("t", &[4], 1);
                client.publish("t", b"0", 0);
            }
        });
        client.connect_async(&broker);
        client.run(drive);
        let mut peer = broker.welcome(CONNECT, CONNACK);
        peer.expect(b"\x82\x06\0\x03\0\x01s\0");
        peer.expect(b"\x30\x04\0\x01t0");
        for number in [1, 2, 4] {
            peer.expect(&publish(number));
        }
        peer.expect_silence();
    });
}

/// QoS 0, SUBSCRIBE and UNSUBSCRIBE wait for CONNACK alone, and all else for `on_connect` too.
#[test]
fn what_is_asked_for_before_connack_goes_before_what_on_connect_asks_for() {
    each_drive(|drive| {
        let (client, broker) = (Client::new("c"), Broker::new());
        client.hook(|client, event| {
            if *event == Event::CONNECTED {
                client.publish("t", b"on_connect", 0);
                client.subscribe(&[("c", 0)]);
            }
        });
        client.connect_async(&broker);
        client.run(drive);
        let mut peer = broker.accept();
        peer.expect(CONNECT);
        client.publish("t", &[1], 1);
        client.subscribe(&[("b", 0)]);
        client.publish("t", b"before", 0);
        peer.send(CONNACK);
        peer.expect(b"\x82\x06\0\x02\0\x01b\0");
        peer.expect(b"\x30\x09\0\x01tbefore");
        peer.expect(b"\x30\x0d\0\x01ton_connect");
        peer.expect(b"\x82\x06\0\x05\0\x01c\0");
        peer.expect(&publish(1));
        peer.expect_silence();
    });
}

/// A program that only sends its messages, and disconnects as soon as it is connected.
#[test]
fn a_disconnect_in_on_connect_comes_behind_the_queue() {
    each_drive(|drive| {
        let (client, broker) = (Client::new("c"), Broker::new());
        client.try_publish("t", &[1], 1, false);
        client.hook(|client, event| {
            if *event == Event::CONNECTED {
                assert_eq!(client.disconnect(), 0);
            }
        });
        client.connect_async(&broker);
        client.run(drive);
        let mut peer = broker.welcome(CONNECT, CONNACK);
        peer.expect(&publish(1));
        peer.expect(DISCONNECT);
        peer.expect_end();
    });
}

#[test]
fn messages_come_in_and_are_acknowledged_in_order() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected(drive);
        let numbers = 1..=200_u8;
        let packets = numbers.clone().map(publish).collect::<Vec<_>>().concat();
        peer.send(&packets);
        for number in numbers.clone() {
            let message = Message::new(number.into(), "t", &[number], 1);
            assert_eq!(client.next(), Event::Message(message));
        }
        for number in numbers {
            peer.expect(&puback(number));
        }
        peer.expect_silence();
    });
}
