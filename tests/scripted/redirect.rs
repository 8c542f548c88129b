//! Brokers that send the client to another server.

use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use pmqtt::ffi::{
    self, PMQTT_ERR_CONN_LOST, PMQTT_ERR_CONN_REFUSED, PMQTT_ERR_INVAL, PMQTT_ERR_NO_CONN,
    PMQTT_ERR_NOT_FOUND,
};

use crate::support::mqtt5::{ACCEPTED, connack};
use crate::support::{
    Broker, Client, Drive, Event, Handle, Peer, Refusing, each_drive, on_redirect,
};

const ANOTHER: u8 = 0x9c;
const MOVED: u8 = 0x9d;
const NEVER: i32 = 3600;
const MOMENT: Duration = Duration::from_millis(200);

fn follow(client: Handle) -> i32 {
    // SAFETY: the client lives.
    unsafe { ffi::pmqtt_redirect_follow(client.0) }
}

/// A client that reports redirects, and follows them in this way. It does not reconnect by itself.
fn client(mut on_redirected: impl FnMut(Handle) + Send + 'static) -> Client {
    let client = Client::mqtt5("c");
    client.set_reconnect_delay(NEVER, NEVER);
    // SAFETY: the client lives.
    unsafe { ffi::pmqtt_on_redirect_set(client.0, Some(on_redirect)) };
    client.hook(move |client, event| {
        if matches!(event, Event::Redirect { .. }) {
            on_redirected(client);
        }
    });
    client
}

fn following() -> Client {
    client(|client| assert_eq!(follow(client), 0))
}

fn to(broker: &Broker) -> String {
    format!("127.0.0.1:{}", broker.port())
}

fn server_reference(reference: &str) -> Vec<u8> {
    let length = u8::try_from(reference.len()).expect("a short reference");
    [&[0x1c, 0, length], reference.as_bytes()].concat()
}

/// The broker refuses the next connection with a reference.
fn refuse(broker: &Broker, reason: u8, reference: &str) {
    let refusal = connack(false, reason, &server_reference(reference));
    broker.welcome_any(&refusal).expect_end();
}

/// The broker ends a connection with a reference.
fn dismiss(mut peer: Peer, reason: u8, reference: &str) {
    let properties = server_reference(reference);
    let length = properties.len() as u8;
    peer.send(&[&[0xe0, 2 + length, reason, length], &properties[..]].concat());
    peer.expect_end();
}

fn redirect(reason: u8, broker: &Broker, hops: i32) -> Event {
    Event::Redirect {
        reason: reason.into(),
        reference: to(broker),
        server: Some(("127.0.0.1".to_owned(), broker.port())),
        hops,
    }
}

fn start(client: &Client, broker: &Broker, drive: Drive) {
    client.connect_async(broker);
    client.run(drive);
}

const LOST: Event = Event::Disconnected {
    rc: PMQTT_ERR_CONN_LOST,
};

#[test]
fn a_refused_connection_is_made_elsewhere_at_once() {
    for reason in [ANOTHER, MOVED] {
        each_drive(|drive| {
            let (client, first, second) = (following(), Broker::new(), Broker::new());
            assert_eq!(client.connect_to("127.0.0.1", first.port(), 60), 0);
            let mid = client.subscribe(&[("s", 1)]);
            client.run(drive);
            refuse(&first, reason, &to(&second));
            let mut peer = second.welcome_any(ACCEPTED);
            assert_eq!(client.next(), redirect(reason, &second, 0));
            assert_eq!(client.next(), Event::CONNECTED);
            // What waited for CONNACK has waited for this one.
            peer.expect(b"\x82\x07\0\x01\0\0\x01s\x01");
            assert_eq!((mid, client.stats().connections), (1, 1));
            assert_eq!(client.told(), None);
        });
    }
}

#[test]
fn an_ended_connection_is_made_elsewhere_at_once() {
    each_drive(|drive| {
        let (client, first, second) = (following(), Broker::new(), Broker::new());
        start(&client, &first, drive);
        dismiss(first.welcome_any(ACCEPTED), ANOTHER, &to(&second));
        second.welcome_any(ACCEPTED);
        assert_eq!(client.next(), Event::CONNECTED);
        assert_eq!(client.next(), redirect(ANOTHER, &second, 0));
        assert_eq!(client.next(), LOST);
        assert_eq!(client.next(), Event::CONNECTED);
    });
}

/// 0x9C holds until an attempt fails, and 0x9D for good.
#[test]
fn another_server_is_left_when_it_fails_and_a_moved_one_is_not() {
    for reason in [ANOTHER, MOVED] {
        each_drive(|drive| {
            let (client, first, second) = (following(), Broker::new(), Broker::new());
            start(&client, &first, drive);
            refuse(&first, reason, &to(&second));
            drop(second.welcome_any(ACCEPTED));
            assert_eq!(client.next(), redirect(reason, &second, 0));
            assert_eq!(client.next(), Event::CONNECTED);
            assert_eq!(client.next(), LOST);
            // A connection that was accepted is no failed attempt.
            assert_eq!(client.reconnect(), 0);
            second.welcome_any(&connack(false, 0x88, b"")).expect_end();
            assert!(matches!(client.next(), Event::Connected { rc: 0x88, .. }));
            assert!(matches!(client.next(), Event::Disconnected { .. }));
            assert_eq!(client.reconnect(), 0);
            match reason {
                MOVED => second.welcome_any(ACCEPTED),
                _ => first.welcome_any(ACCEPTED),
            };
            assert_eq!(client.next(), Event::CONNECTED);
        });
    }
}

#[test]
fn a_server_that_nobody_runs_is_left() {
    let (client, first, nobody) = (following(), Broker::new(), Refusing::new());
    start(&client, &first, Drive::Thread);
    refuse(&first, ANOTHER, &format!("127.0.0.1:{}", nobody.port()));
    assert!(matches!(client.next(), Event::Redirect { .. }));
    assert!(matches!(client.next(), Event::ConnectFailed { .. }));
    assert!(!first.is_asked(MOMENT), "it waits as after each failure");
    assert_eq!(client.reconnect(), 0);
    first.welcome_any(ACCEPTED);
    assert_eq!(client.next(), Event::CONNECTED);
}

#[test]
fn what_the_program_does_not_follow_changes_nothing() {
    each_drive(|drive| {
        let (client, first, second) = (client(|_| {}), Broker::new(), Broker::new());
        start(&client, &first, drive);
        refuse(&first, MOVED, &to(&second));
        assert_eq!(client.next(), redirect(MOVED, &second, 0));
        assert!(matches!(client.next(), Event::Connected { rc: 0x9d, .. }));
        let rc = PMQTT_ERR_CONN_REFUSED;
        assert_eq!(client.next(), Event::Disconnected { rc });
        assert!(client.last_error().contains("0x9d"));
        assert_eq!(client.reconnect(), 0);
        dismiss(first.welcome_any(ACCEPTED), ANOTHER, &to(&second));
        assert_eq!(client.next(), Event::CONNECTED);
        assert_eq!(client.next(), redirect(ANOTHER, &second, 0));
        assert_eq!(client.next(), LOST);
        assert!(!second.is_asked(MOMENT) && !first.is_asked(Duration::ZERO));
        // Only the callback may follow.
        assert_eq!(follow(*client), PMQTT_ERR_NOT_FOUND);
    });
}

#[test]
fn it_may_be_followed_in_the_callback_only() {
    let (other, follows): (Sender<Handle>, _) = channel();
    let (said, answer) = channel();
    let thread = std::thread::spawn(move || {
        for client in follows {
            said.send(follow(client)).expect("a receiver");
        }
    });
    let client = client(move |client| {
        other.send(client).expect("a thread");
        assert_eq!(answer.recv(), Ok(PMQTT_ERR_NOT_FOUND));
    });
    assert_eq!(follow(*client), PMQTT_ERR_NOT_FOUND);
    let (first, second) = (Broker::new(), Broker::new());
    start(&client, &first, Drive::Thread);
    refuse(&first, MOVED, &to(&second));
    assert_eq!(client.next(), redirect(MOVED, &second, 0));
    assert!(matches!(client.next(), Event::Connected { rc: 0x9d, .. }));
    drop(client);
    thread.join().expect("no panic");
}

#[test]
fn a_reference_that_names_no_host_cannot_be_followed() {
    let client = client(|client| assert_eq!(follow(client), PMQTT_ERR_INVAL));
    let broker = Broker::new();
    start(&client, &broker, Drive::Thread);
    let reference = "mqtt://127.0.0.1:1883";
    refuse(&broker, MOVED, reference);
    let expected = Event::Redirect {
        reason: MOVED.into(),
        reference: reference.to_owned(),
        server: None,
        hops: 0,
    };
    assert_eq!(client.next(), expected);
    assert!(matches!(client.next(), Event::Connected { rc: 0x9d, .. }));
    assert!(matches!(client.next(), Event::Disconnected { .. }));
    // Without a reference, or with another reason, there is nothing to follow.
    for refusal in [
        connack(false, MOVED, b""),
        connack(false, 0x88, &server_reference("a")),
    ] {
        assert_eq!(client.reconnect(), 0);
        broker.welcome_any(&refusal).expect_end();
        assert!(matches!(client.next(), Event::Connected { .. }));
        assert!(matches!(client.next(), Event::Disconnected { .. }));
    }
}

#[test]
fn the_first_server_of_the_list_has_a_default_port() {
    for (reference, server) in [
        ("b.example [::1]:5", ("b.example", 1883)),
        ("[2001:db8::1]:5 b", ("2001:db8::1", 5)),
    ] {
        let (client, broker) = (client(|_| {}), Broker::new());
        start(&client, &broker, Drive::Thread);
        refuse(&broker, MOVED, reference);
        let Event::Redirect { server: came, .. } = client.next() else {
            panic!("a redirect");
        };
        assert_eq!(came, Some((server.0.to_owned(), server.1)));
    }
}

/// Two brokers that send the client to each other.
#[test]
fn no_more_than_five_are_followed_in_a_row() {
    each_drive(|drive| {
        let client = client(|client| {
            let rc = follow(client);
            assert!(rc == 0 || rc == PMQTT_ERR_CONN_REFUSED, "{rc}");
        });
        let brokers = [Broker::new(), Broker::new()];
        start(&client, &brokers[0], drive);
        for _ in 0..2 {
            for hops in 0..=5 {
                let [here, there] = [hops % 2, (hops + 1) % 2].map(|at| &brokers[at as usize]);
                refuse(here, ANOTHER, &to(there));
                assert_eq!(client.next(), redirect(ANOTHER, there, hops));
            }
            assert!(matches!(client.next(), Event::Connected { rc: 0x9c, .. }));
            assert!(matches!(client.next(), Event::Disconnected { .. }));
            assert!(brokers.iter().all(|broker| !broker.is_asked(MOMENT)));
            // The detour has failed, and the row has ended.
            assert_eq!(client.reconnect(), 0);
        }
    });
}

#[test]
fn a_connection_that_lasts_ends_the_row() {
    let (client, broker) = (following(), Broker::new());
    client.set_reconnect_delay(1, 1);
    start(&client, &broker, Drive::Thread);
    refuse(&broker, ANOTHER, &to(&broker));
    assert_eq!(client.next(), redirect(ANOTHER, &broker, 0));
    let short = broker.welcome_any(ACCEPTED);
    assert_eq!(client.next(), Event::CONNECTED);
    dismiss(short, ANOTHER, &to(&broker));
    assert_eq!(client.next(), redirect(ANOTHER, &broker, 1));
    assert_eq!(client.next(), LOST);
    let long = broker.welcome_any(ACCEPTED);
    assert_eq!(client.next(), Event::CONNECTED);
    std::thread::sleep(Duration::from_millis(1100));
    dismiss(long, ANOTHER, &to(&broker));
    assert_eq!(client.next(), redirect(ANOTHER, &broker, 0));
}

#[test]
fn what_the_program_decides_in_the_callback_takes_precedence() {
    for reason in [ANOTHER, MOVED] {
        each_drive(|drive| {
            let (first, second) = (Broker::new(), Broker::new());
            let third = Broker::new();
            let port = third.port();
            let elsewhere = client(move |client| {
                assert_eq!(follow(client), 0);
                assert_eq!(client.connect_async_to("127.0.0.1", port, 60), 0);
            });
            start(&elsewhere, &first, drive);
            refuse(&first, reason, &to(&second));
            third.welcome_any(ACCEPTED);
            assert_eq!(elsewhere.next(), redirect(reason, &second, 0));
            let rc = PMQTT_ERR_NO_CONN;
            assert_eq!(elsewhere.next(), Event::ConnectFailed { rc });
            assert_eq!(elsewhere.next(), Event::CONNECTED);
            assert!(!second.is_asked(Duration::ZERO));

            let ended = || {
                client(|client| {
                    assert_eq!(follow(client), 0);
                    assert_eq!(client.disconnect(), 0);
                })
            };
            let refused = ended();
            start(&refused, &first, drive);
            refuse(&first, reason, &to(&second));
            assert_eq!(refused.next(), redirect(reason, &second, 0));
            assert!(matches!(refused.next(), Event::Connected { .. }));
            assert!(matches!(refused.next(), Event::Disconnected { .. }));

            let ended = ended();
            start(&ended, &first, drive);
            dismiss(first.welcome_any(ACCEPTED), reason, &to(&second));
            assert_eq!(ended.next(), Event::CONNECTED);
            assert_eq!(ended.next(), redirect(reason, &second, 0));
            assert!(matches!(ended.next(), Event::Disconnected { .. }));
            assert!(!second.is_asked(MOMENT) && !first.is_asked(Duration::ZERO));
        });
    }
}

#[test]
fn another_target_of_the_program_ends_it() {
    let (client, first, second) = (following(), Broker::new(), Broker::new());
    start(&client, &first, Drive::Thread);
    refuse(&first, ANOTHER, &to(&second));
    let peer = second.welcome_any(ACCEPTED);
    assert!(matches!(client.next(), Event::Redirect { .. }));
    assert_eq!(client.next(), Event::CONNECTED);
    client.connect_async(&first);
    first.welcome_any(ACCEPTED);
    assert_eq!(client.next(), Event::Disconnected { rc: 0 });
    assert_eq!(client.next(), Event::CONNECTED);
    drop(peer);
}

/// `pmqtt_reconnect` of a blocking connect fails at the other server, and the next one is at the target again.
#[test]
fn a_blocking_reconnect_that_fails_ends_it() {
    let (client, first, second) = (following(), Broker::new(), Broker::new());
    assert_eq!(client.connect_to("127.0.0.1", first.port(), 60), 0);
    client.run(Drive::Step);
    refuse(&first, ANOTHER, &to(&second));
    drop(second.welcome_any(ACCEPTED));
    assert!(matches!(client.next(), Event::Redirect { .. }));
    assert_eq!(client.next(), Event::CONNECTED);
    assert_eq!(client.next(), LOST);
    drop(second);
    assert_ne!(client.reconnect(), 0);
    assert_eq!(client.reconnect(), 0);
    first.welcome_any(ACCEPTED);
}
