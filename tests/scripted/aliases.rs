//! Topic aliases of the broker (section 3.3.2.3.4 of MQTT 5).

use crate::support::{
    Broker, Client, Drive, Event, Message, Peer, each_drive, reconnect_when_lost,
};

/// The properties of CONNECT are a topic alias maximum of 16.
const CONNECT: &[u8] = b"\x10\x11\0\x04MQTT\x05\x02\0\x3c\x03\x22\0\x10\0\x01c";
const CONNACK: &[u8] = b"\x20\x03\0\0\0";

fn connected(drive: Drive) -> (Client, Peer, Broker) {
    let (client, broker) = (Client::create("c", true, 5), Broker::new());
    reconnect_when_lost(&client);
    client.connect_async(&broker);
    client.run(drive);
    let peer = broker.welcome(CONNECT, CONNACK);
    assert_eq!(client.next(), Event::CONNECTED);
    (client, peer, broker)
}

fn told(mid: u64, topic: &str, payload: &[u8], qos: i32) -> Event {
    Event::Message(Message::new(mid, topic, payload, qos))
}

#[test]
fn an_alias_stands_for_its_topic_at_each_qos() {
    each_drive(|drive| {
        let (client, mut peer, _broker) = connected(drive);
        // Alias 1 is set at QoS 0, and alias 16 at QoS 2.
        peer.send(b"\x30\x0a\0\x03a/b\x03\x23\0\x01x");
        assert_eq!(client.next(), told(0, "a/b", b"x", 0));
        peer.send(b"\x34\x0c\0\x03c/d\0\x09\x03\x23\0\x10y");
        peer.expect(b"\x50\x02\0\x09");
        assert_eq!(client.next(), told(9, "c/d", b"y", 2));
        peer.send(b"\x30\x07\0\0\x03\x23\0\x10p\x32\x09\0\0\0\x07\x03\x23\0\x01q");
        assert_eq!(client.next(), told(0, "c/d", b"p", 0));
        assert_eq!(client.next(), told(7, "a/b", b"q", 1));
        peer.expect(b"\x40\x02\0\x07");
        peer.send(b"\x34\x09\0\0\0\x0a\x03\x23\0\x01z");
        peer.expect(b"\x50\x02\0\x0a");
        assert_eq!(client.next(), told(10, "a/b", b"z", 2));
        // Alias 1 stands for another topic from now on.
        peer.send(b"\x30\x0a\0\x03e/f\x03\x23\0\x01x\x30\x07\0\0\x03\x23\0\x01y");
        assert_eq!(client.next(), told(0, "e/f", b"x", 0));
        assert_eq!(client.next(), told(0, "e/f", b"y", 0));
    });
}

#[test]
fn an_alias_ends_with_its_connection() {
    each_drive(|drive| {
        let (client, mut peer, broker) = connected(drive);
        peer.send(b"\x30\x0a\0\x03a/b\x03\x23\0\x01x");
        assert_eq!(client.next(), told(0, "a/b", b"x", 0));
        drop(peer);
        assert!(matches!(client.next(), Event::Disconnected { .. }));
        let mut peer = broker.welcome(CONNECT, CONNACK);
        assert_eq!(client.next(), Event::CONNECTED);
        peer.send(b"\x30\x07\0\0\x03\x23\0\x01y");
        peer.expect(b"\xe0\x01\x82");
        peer.expect_end();
        assert!(matches!(client.next(), Event::Disconnected { .. }));
    });
}

#[test]
fn an_alias_above_the_maximum_is_refused() {
    each_drive(|drive| {
        let (client, mut peer, _broker) = connected(drive);
        peer.send(b"\x30\x0a\0\x03a/b\x03\x23\0\x11x");
        peer.expect(b"\xe0\x01\x94");
        peer.expect_end();
        assert!(matches!(client.next(), Event::Disconnected { .. }));
    });
}
