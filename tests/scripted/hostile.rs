//! A broker that breaks the rules, ends in the middle, or does not read.

use std::io::{Read, Write};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use pmqtt::ffi;

use crate::support::{
    Broker, CONNACK, CONNECT, Client, Connection, Drive, Event, LIMIT, Message, Peer, connected,
    connected_with, each_drive,
};

/// What no broker may send at any time.
const MALFORMED: [&[u8]; 31] = [
    // Packet types.
    b"\x00\0",
    b"\xf0\0",
    b"\x10\x0d\0\x04MQTT\x04\x02\0\x3c\0\x01c",
    b"\x82\x06\0\x01\0\x01t\0",
    b"\xa2\x05\0\x01\0\x01t",
    b"\xc0\0",
    b"\xe0\0",
    // Flags.
    b"\x21\x02\0\0",
    b"\x41\x02\0\x01",
    b"\x60\x02\0\x01",
    b"\x36\x05\0\x01t\0\x01",
    b"\x38\x03\0\x01t",
    // Lengths.
    b"\x30\xff\xff\xff\xff",
    b"\x40\xff\xff\xff\x7f",
    b"\xd0\xff\xff\xff\x7f",
    b"\x20\x03\0\0\0",
    b"\x30\x02\0\0",
    b"\x90\x02\0\x01",
    b"\xd0\x01\0",
    // Topics.
    b"\x30\x03\0\0t",
    b"\x30\x03\0\x02t",
    b"\x30\x04\0\x02\xc3\x28",
    b"\x30\x03\0\x01\0",
    b"\x30\x03\0\x01#",
    // Packet identifiers.
    b"\x32\x05\0\x01t\0\0",
    b"\x40\x02\0\0",
    b"\xb0\x02\0\0",
    // Codes and the flags of CONNACK.
    b"\x90\x03\0\x01\x03",
    b"\x20\x02\x02\0",
    b"\x20\x02\0\x06",
    b"\x20\x02\x01\x05",
];

#[test]
fn a_malformed_packet_ends_the_connection() {
    for packet in MALFORMED {
        each_drive(|drive| {
            let mut connection = connected_with(drive, says_what_came);
            connection.peer.send(packet);
            connection.peer.expect_end();
            let rc = ffi::PMQTT_ERR_PROTOCOL;
            assert_eq!(connection.client.next(), Event::Disconnected { rc });
            assert_eq!(connection.client.told(), None);
        });
    }
}

#[test]
fn a_wrong_answer_to_connect_ends_the_attempt() {
    let before_connack: [&[u8]; 3] = [
        b"\x30\x03\0\x01t",
        b"\xd0\0",
        // A session is present, though a clean one was asked for.
        b"\x20\x02\x01\0",
    ];
    for packet in MALFORMED.into_iter().chain(before_connack) {
        each_drive(|drive| {
            let (client, broker) = (Client::new("c"), Broker::new());
            says_what_came(&client);
            client.connect_async(&broker);
            client.run(drive);
            broker.welcome(CONNECT, packet).expect_end();
            let rc = ffi::PMQTT_ERR_PROTOCOL;
            assert_eq!(client.next(), Event::ConnectFailed { rc });
            assert_eq!(client.told(), None);
        });
    }
}

/// Checks the last error after a failed connection or attempt.
fn says_what_came(client: &Client) {
    client.hook(|client, event| {
        if !matches!(event, Event::Connected { .. }) {
            let said = client.last_error();
            assert!(said.starts_with("mqtt: the broker sent "), "{said}");
        }
    });
}

#[test]
fn a_large_packet_that_never_comes_is_waited_for() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected(drive);
        peer.send(b"\x30\xff\xff\xff\x7f\0\x01t");
        wait_for_bytes(&client, CONNACK.len() + 8);
        client.publish("t", b"", 0);
        peer.expect(b"\x30\x03\0\x01t");
        assert_eq!(client.next(), Event::published(1));
        drop(peer);
        let rc = ffi::PMQTT_ERR_CONN_LOST;
        assert_eq!(client.next(), Event::Disconnected { rc });
    });
}

/// A CONNACK, and messages at each QoS, one of them with a remaining length of two bytes.
fn packets() -> (Vec<u8>, Vec<Message>) {
    let long = [b'x'; 200];
    let packets: [&[u8]; 5] = [
        CONNACK,
        b"\x30\x04\0\x01t0",
        b"\x32\x06\0\x01t\0\x011",
        b"\x34\xcd\x01\0\x01t\0\x02",
        &long,
    ];
    let messages = vec![
        Message::new(0, "t", b"0", 0),
        Message::new(1, "t", b"1", 1),
        Message::new(2, "t", &long, 2),
    ];
    (packets.concat(), messages)
}

/// Sends each part after the previous one has been read, and checks that all of it arrives.
fn arrives(drive: Drive, parts: &[&[u8]], messages: &[Message]) {
    let (client, broker) = (Client::new("c"), Broker::new());
    client.connect_async(&broker);
    client.run(drive);
    let mut peer = broker.accept();
    peer.expect(CONNECT);
    let mut sent = 0;
    for part in parts {
        peer.send(part);
        sent += part.len();
        wait_for_bytes(&client, sent);
    }
    peer.expect(b"\x40\x02\0\x01\x50\x02\0\x02");
    assert_eq!(client.next(), Event::CONNECTED);
    for message in messages {
        assert_eq!(client.next(), Event::Message(message.clone()));
    }
    peer.expect_silence();
}

#[test]
fn bytes_may_come_one_by_one() {
    let (bytes, messages) = packets();
    let parts: Vec<&[u8]> = bytes.chunks(1).collect();
    each_drive(|drive| arrives(drive, &parts, &messages));
}

#[test]
fn a_packet_may_be_split_anywhere() {
    let (bytes, messages) = packets();
    each_drive(|drive| {
        for at in 1..bytes.len() {
            let (head, tail) = bytes.split_at(at);
            arrives(drive, &[head, tail], &messages);
        }
    });
}

#[test]
fn a_broker_that_breaks_off_before_connack_ends_the_attempt() {
    let steps: [fn(&mut Peer); 3] = [
        |_| {},
        |peer| peer.expect(CONNECT),
        |peer| {
            peer.expect(CONNECT);
            peer.send(b"\x20\x02\0");
        },
    ];
    for step in steps {
        each_drive(|drive| {
            let (client, broker) = (Client::new("c"), Broker::new());
            client.connect_async(&broker);
            client.run(drive);
            step(&mut broker.accept());
            let rc = ffi::PMQTT_ERR_CONN_LOST;
            assert_eq!(client.next(), Event::ConnectFailed { rc });
            assert_eq!(client.told(), None);
        });
    }
}

#[test]
fn a_broker_that_breaks_off_later_ends_the_connection() {
    let steps: [fn(&Client, &mut Peer); 3] = [
        |_, _| {},
        |_, peer| peer.send(b"\x30\x04\0\x01"),
        |client, peer| {
            client.publish("t", b"", 1);
            peer.expect(b"\x32\x05\0\x01t\0\x01");
        },
    ];
    for step in steps {
        each_drive(|drive| {
            let Connection {
                client, mut peer, ..
            } = connected(drive);
            step(&client, &mut peer);
            drop(peer);
            let rc = ffi::PMQTT_ERR_CONN_LOST;
            assert_eq!(client.next(), Event::Disconnected { rc });
            assert_eq!(client.told(), None);
        });
    }
}

#[test]
fn a_broker_that_does_not_read_fills_the_queue() {
    each_drive(|drive| {
        let Connection { client, peer, .. } =
            connected_with(drive, |client| client.set_max_queued_bytes(1 << 20));
        let payload = vec![0; 100_000];
        let full = ffi::PMQTT_ERR_QUEUE_SIZE;
        // The queue stays full once the socket has taken nothing for a while.
        let mut accepted = 0;
        let mut until = Instant::now() + Duration::from_millis(200);
        while Instant::now() < until {
            match client.try_publish("t", &payload, 0, false) {
                (0, _) => {
                    accepted += 1;
                    until = Instant::now() + Duration::from_millis(200);
                }
                refused => assert_eq!(refused, (full, None)),
            }
        }
        let written = read_all(peer);
        let mut events = std::iter::from_fn(|| Some(client.next()));
        assert!(events.any(|event| event == Event::Writable));
        assert_eq!(client.publish("t", b"", 0), accepted + 1);
        assert_eq!(client.drain(LIMIT), (0, 0));
        drop(client);
        let bytes = accepted as usize * (4 + 3 + payload.len()) + 5;
        assert_eq!(written.recv_timeout(LIMIT), Ok(bytes));
    });
}

/// How many bytes arrive until the client closes.
fn read_all(mut peer: Peer) -> mpsc::Receiver<usize> {
    let (sender, count) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        peer.stream.read_to_end(&mut bytes).expect("the end");
        sender.send(bytes.len())
    });
    count
}

fn wait_for_bytes(client: &Client, count: usize) {
    let until = Instant::now() + LIMIT;
    while client.stats().bytes_in < count as u64 {
        assert!(Instant::now() < until, "the client does not read");
        thread::yield_now();
    }
}

/// The limit of waiting answers, and what one read may add to them.
const ANSWERS: u64 = (1024 + 64) * 1024;

#[test]
fn a_broker_that_floods_and_does_not_read_is_not_read() {
    for (packet, answer) in [
        (&b"\x62\x02\0\x01"[..], &b"\x70\x02\0\x01"[..]),
        (b"\x50\x02\0\x01", b"\x62\x02\0\x01"),
    ] {
        each_drive(|drive| {
            let Connection {
                client, mut peer, ..
            } = connected(drive);
            let chunk = packet.repeat(10_000);
            let timeout = Some(Duration::from_secs(1));
            peer.stream.set_write_timeout(timeout).expect("a timeout");
            let mut sent = 0;
            // Sends until the client has read nothing for a second.
            while let Ok(count) = peer.stream.write(&chunk[sent % packet.len()..]) {
                sent += count;
                assert!(sent < 100 << 20, "there is no bound");
            }
            let queued = client.stats().queued_bytes;
            assert!(queued <= ANSWERS, "{queued} bytes of answers");
            // The client continues when the broker reads.
            let part = packet.len() - sent % packet.len();
            let stream = peer.stream.try_clone().expect("a socket");
            let count = sent.div_ceil(packet.len());
            let answers = thread::spawn(move || {
                let mut bytes = vec![0; count * 4];
                { stream }.read_exact(&mut bytes).expect("the answers");
                bytes
            });
            peer.stream
                .set_write_timeout(Some(LIMIT))
                .expect("a timeout");
            peer.send(&packet[packet.len() - part % packet.len()..]);
            let answers = answers.join().expect("they are read");
            assert!(answers.chunks(4).all(|bytes| bytes == answer));
            peer.expect_silence();
        });
    }
}

#[test]
fn a_broker_that_floods_and_takes_nothing_is_given_up() {
    each_drive(|drive| {
        let (client, broker) = (Client::new("c"), Broker::new());
        assert_eq!(client.connect_async_to("127.0.0.1", broker.port(), 1), 0);
        client.hook(|client, event| {
            if matches!(event, Event::Disconnected { .. }) {
                let said = client.last_error();
                assert!(said.contains("took none of the acknowledgements"), "{said}");
            }
        });
        client.run(drive);
        let mut peer = broker.welcome(b"\x10\x0d\0\x04MQTT\x04\x02\0\x01\0\x01c", CONNACK);
        assert_eq!(client.next(), Event::CONNECTED);
        let chunk = b"\x62\x02\0\x01".repeat(100_000);
        while peer.stream.write_all(&chunk).is_ok() {}
        let rc = ffi::PMQTT_ERR_KEEPALIVE;
        assert_eq!(client.next(), Event::Disconnected { rc });
    });
}
