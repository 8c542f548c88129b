//! The client under test through its C ABI, and the broker that the test plays by hand.

mod broker;
pub mod broker5;
mod client;
mod drive;
mod event;
mod header;
pub mod mqtt5;
mod poll;
pub mod requests;

use std::thread;
use std::time::Duration;

pub use broker::{Broker, Peer, Refusing, Silent};
pub use client::{Client, Handle, c, words};
pub use drive::Drive;
pub use event::{Event, Message, Outcome, on_auth, on_redirect};
pub use header::functions;
pub use poll::readable;

/// How long anything may take before a test fails: far more than a busy machine needs.
pub const LIMIT: Duration = Duration::from_secs(30);

/// The CONNECT of a `Client::new("c")` with its defaults.
pub const CONNECT: &[u8] = b"\x10\x0d\0\x04MQTT\x04\x02\0\x3c\0\x01c";
/// The CONNECT of a session that outlives its connection.
pub const CONNECT_TO_STAY: &[u8] = b"\x10\x0d\0\x04MQTT\x04\0\0\x3c\0\x01c";
pub const CONNACK: &[u8] = b"\x20\x02\0\0";
pub const SESSION_PRESENT: &[u8] = b"\x20\x02\x01\0";
pub const PINGREQ: &[u8] = b"\xc0\0";
pub const PINGRESP: &[u8] = b"\xd0\0";
pub const DISCONNECT: &[u8] = b"\xe0\0";

/// A client and the broker that it is connected to.
pub struct Connection {
    pub client: Client,
    pub peer: Peer,
    pub broker: Broker,
}

/// A client with the id "c", connected and run in this way.
pub fn connected(drive: Drive) -> Connection {
    connected_with(drive, |_| {})
}

/// The same; `prepare` runs before it connects, and must not change CONNECT.
pub fn connected_with(drive: Drive, prepare: impl FnOnce(&Client)) -> Connection {
    let (client, broker) = (Client::new("c"), Broker::new());
    prepare(&client);
    client.connect_async(&broker);
    client.run(drive);
    let peer = broker.welcome(CONNECT, CONNACK);
    assert_eq!(client.next(), Event::CONNECTED);
    Connection {
        client,
        peer,
        broker,
    }
}

/// Lets the program reconnect in `on_disconnect`, for loops that do not reconnect.
pub fn reconnect_when_lost(client: &Client) {
    client.hook(|client, event| {
        if matches!(event, Event::Disconnected { .. }) {
            assert_eq!(client.reconnect(), 0);
        }
    });
}

/// Tests each way to run a client, at the same time.
pub fn each_drive(test: impl Fn(Drive) + Sync) {
    each_of(&Drive::ALL, test);
}

/// Tests some of the ways to run a client, at the same time, in threads with their names.
pub fn each_of(drives: &[Drive], test: impl Fn(Drive) + Sync) {
    thread::scope(|scope| {
        for &drive in drives {
            let thread = thread::Builder::new().name(format!("{drive:?}"));
            let test = &test;
            thread
                .spawn_scoped(scope, move || test(drive))
                .expect("a thread");
        }
    });
}
