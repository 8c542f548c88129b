//! Messages with a time limit, where callbacks take longer than that.

use std::thread;
use std::time::Duration;

use pmqtt::ffi;

use crate::support::{
    Broker, CONNACK, CONNECT, Client, Connection, Event, connected_with, each_drive,
};

/// How long a callback takes, and the limit that is over then, in seconds.
const SLOW: Duration = Duration::from_millis(1200);
const LIMIT: u32 = 1;

fn expired(mid: u64) -> Event {
    let rc = ffi::PMQTT_ERR_EXPIRED;
    Event::Published { mid, rc }
}

#[test]
fn on_connect_may_take_the_time_of_a_message() {
    each_drive(|drive| {
        let (client, broker) = (Client::new("c"), Broker::new());
        client.hook(|_, event| {
            if *event == Event::CONNECTED {
                thread::sleep(SLOW);
            }
        });
        client.connect_async(&broker);
        client.publish_for(LIMIT, "t", b"1");
        client.run(drive);
        let mut peer = broker.welcome(CONNECT, CONNACK);
        assert_eq!(client.next(), Event::CONNECTED);
        assert_eq!(client.next(), expired(1));
        peer.expect_silence();
    });
}

#[test]
fn on_publish_may_take_the_time_of_a_message() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected_with(drive, |client| client.set_window(2));
        client.hook(|_, event| {
            if *event == Event::published(1) {
                thread::sleep(SLOW);
            }
        });
        for payload in [b"1", b"2", b"3"] {
            client.publish("t", payload, 1);
        }
        client.publish_for(LIMIT, "t", b"4");
        peer.expect(b"\x32\x06\0\x01t\0\x011\x32\x06\0\x01t\0\x022");
        peer.send(b"\x40\x02\0\x01\x40\x02\0\x02");
        assert_eq!(client.next(), Event::published(1));
        let told = [client.next(), client.next()];
        assert!(told.contains(&Event::published(2)), "{told:?}");
        assert!(told.contains(&expired(4)), "{told:?}");
        peer.expect(b"\x32\x06\0\x01t\0\x033");
        peer.expect_silence();
    });
}

/// Also for a message without a limit, and while the oldest one is in front of their places.
#[test]
fn what_expires_makes_all_of_its_room() {
    const SIZE: usize = 43;
    let client = Client::new("c");
    client.set_max_queued_bytes(7000);
    let payload = [b'x'; SIZE];
    let publish = || client.try_publish("t", &payload, 1, false).0;
    assert_eq!(publish(), ffi::PMQTT_ERR_NO_CONN);
    for _ in 0..50 {
        client.publish_for(LIMIT, "t", &payload);
    }
    thread::sleep(SLOW);
    client.step(0);
    for mid in 2..=51 {
        assert_eq!(client.told(), Some(expired(mid)));
    }
    for _ in 0..50 {
        assert_eq!(publish(), ffi::PMQTT_ERR_NO_CONN);
    }
}
