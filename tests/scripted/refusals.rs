//! Brokers that refuse the client again and again for a reason that stays.

use std::thread;

use pmqtt::ffi::{self, PMQTT_LOG_INFO};

use crate::support::mqtt5::{ACCEPTED, connack};
use crate::support::{Broker, Client, Drive, Event, LIMIT};

const AGAIN: &str = "again and again";

/// The next line that says when the client connects again.
fn next_wait(client: &Client) -> String {
    loop {
        if let Event::Log { text, .. } = client.next()
            && text.starts_with("connecting again")
        {
            return text;
        }
    }
}

/// How the broker refuses the client.
#[derive(Clone, Debug)]
enum Refusal {
    /// CONNACK, of either version.
    ConnAck(Vec<u8>),
    /// DISCONNECT, once it has accepted.
    Disconnect(&'static [u8]),
}

fn refuse(broker: &Broker, refusal: &Refusal) {
    match refusal {
        Refusal::ConnAck(bytes) => broker.welcome_any(bytes).expect_end(),
        Refusal::Disconnect(bytes) => {
            let mut peer = broker.welcome_any(ACCEPTED);
            peer.send(bytes);
            peer.expect_end();
        }
    }
}

fn the_third_one_makes_the_client_wait(client: &Client, refusal: &Refusal) {
    let broker = Broker::new();
    client.set_reconnect_delay(1, 3600);
    // SAFETY: the client lives.
    unsafe { ffi::pmqtt_log_level_set(client.0, PMQTT_LOG_INFO) };
    client.set_log();
    client.connect_async(&broker);
    client.run(Drive::Thread);
    for refusals in 1..=3 {
        refuse(&broker, refusal);
        let text = next_wait(client);
        assert_eq!(text.contains(AGAIN), refusals == 3, "{refusal:?}: {text}");
    }
    // Other credentials may be accepted, so the wait is no longer than without the refusals.
    client.set_credentials(Some("other"), None);
    assert!(broker.is_asked(LIMIT), "{refusal:?}");
    refuse(&broker, refusal);
    let text = next_wait(client);
    assert!(!text.contains(AGAIN), "{refusal:?}: {text}");
}

#[test]
fn the_third_refusal_in_a_row_is_the_last_for_long() {
    thread::scope(|scope| {
        for code in [1, 2, 4, 5] {
            let refusal = Refusal::ConnAck(vec![0x20, 2, 0, code]);
            scope.spawn(move || the_third_one_makes_the_client_wait(&Client::new("c"), &refusal));
        }
        for reason in [0x84, 0x85, 0x86, 0x87, 0x8a, 0x8c, 0x9d] {
            let refusal = Refusal::ConnAck(connack(false, reason, b""));
            scope.spawn(move || the_third_one_makes_the_client_wait(&Client::mqtt5("c"), &refusal));
        }
        let taken_over = Refusal::Disconnect(b"\xe0\x01\x8e");
        scope.spawn(move || the_third_one_makes_the_client_wait(&Client::mqtt5("c"), &taken_over));
    });
}

#[test]
fn a_refusal_that_may_pass_is_none_of_them() {
    thread::scope(|scope| {
        for refusal in [
            Refusal::ConnAck(vec![0x20, 2, 0, 3]),
            Refusal::ConnAck(connack(false, 0x88, b"")),
            Refusal::ConnAck(connack(false, 0x89, b"")),
            Refusal::Disconnect(b"\xe0\x01\x8b"),
        ] {
            scope.spawn(move || {
                let client = match &refusal {
                    Refusal::ConnAck(bytes) if bytes.len() == 4 => Client::new("c"),
                    _ => Client::mqtt5("c"),
                };
                let broker = Broker::new();
                client.set_reconnect_delay(1, 1);
                client.set_log();
                client.connect_async(&broker);
                client.run(Drive::Thread);
                for _ in 0..4 {
                    refuse(&broker, &refusal);
                    assert!(!next_wait(&client).contains(AGAIN), "{refusal:?}");
                }
            });
        }
    });
}
