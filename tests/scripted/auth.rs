//! Enhanced authentication of MQTT 5, with a method of the program.

use std::ffi::c_int;
use std::ptr::null;
use std::thread;
use std::time::{Duration, Instant};

use pmqtt::client::events::PropertyView;
use pmqtt::codec::PacketId;
use pmqtt::ffi::{
    self, PMQTT_AUTH_CHALLENGE, PMQTT_AUTH_DONE, PMQTT_AUTH_START, PMQTT_ERR_AUTH, PMQTT_ERR_BUSY,
    PMQTT_ERR_INVAL, PMQTT_ERR_NO_CONN, PMQTT_ERR_NOT_SUPPORTED, PMQTT_ERR_PROTOCOL,
    PMQTT_ERR_TIMEOUT,
};

use crate::support::broker5::{auth, connack, puback};
use crate::support::{
    Broker, Client, Drive, Event, Handle, Peer, c, connected, each_drive, each_of, on_auth,
};

const CONTINUE: u8 = 0x18;
const SUCCESS: u8 = 0;
const START: Event = Event::Auth {
    step: PMQTT_AUTH_START,
    reason: -1,
    data: vec![],
};

fn challenge(data: &[u8]) -> Event {
    Event::Auth {
        step: PMQTT_AUTH_CHALLENGE,
        reason: CONTINUE.into(),
        data: data.into(),
    }
}

fn done(data: &[u8]) -> Event {
    Event::Auth {
        step: PMQTT_AUTH_DONE,
        reason: SUCCESS.into(),
        data: data.into(),
    }
}

fn set_auth(client: Handle, method: Option<&str>) -> c_int {
    let method = method.map(c);
    let pointer = method.as_ref().map_or(null(), |method| method.as_ptr());
    // SAFETY: the client lives, and the method is NULL or a string.
    unsafe { ffi::pmqtt_auth_set(client.0, pointer, Some(on_auth)) }
}

fn answer(client: Handle, data: &[u8]) -> c_int {
    // SAFETY: the client lives, and the data has this length.
    unsafe { ffi::pmqtt_auth_answer(client.0, data.as_ptr().cast(), data.len(), null()) }
}

fn fail(client: Handle, reason: c_int) -> c_int {
    // SAFETY: the client lives.
    unsafe { ffi::pmqtt_auth_fail(client.0, reason) }
}

fn reauthenticate(client: Handle) -> c_int {
    // SAFETY: the client lives.
    unsafe { ffi::pmqtt_reauthenticate(client.0) }
}

/// A client of MQTT 5 with the method "M", which connects, and its broker.
fn connecting(drive: Drive, prepare: impl FnOnce(&Client)) -> (Client, Broker) {
    let client = Client::create("c", true, ffi::PMQTT_PROTOCOL_V5);
    let broker = Broker::new();
    assert_eq!(set_auth(*client, Some("M")), 0);
    client.set_reconnect_delay(30, 30);
    prepare(&client);
    client.connect_async(&broker);
    client.run(drive);
    (client, broker)
}

/// Answers each step in its callback: "first", then the challenge again.
fn answer_at_once(client: &Client) {
    client.hook(|client, event| match event {
        Event::Auth { step, data, .. } if *step == PMQTT_AUTH_CHALLENGE => {
            assert_eq!(answer(client, data), 0);
        }
        Event::Auth { step, .. } if *step == PMQTT_AUTH_START => {
            assert_eq!(answer(client, b"first"), 0);
        }
        _ => {}
    });
}

/// A client that the broker has accepted after START.
fn accepted(drive: Drive) -> (Client, Peer, Broker) {
    let (client, broker) = connecting(drive, answer_at_once);
    let mut peer = broker.accept();
    assert_eq!(peer.next_packet(), "CONNECT M first");
    peer.send(&connack(0, Some("M"), b""));
    assert_eq!(client.next(), START);
    assert_eq!(client.next(), done(b""));
    assert_eq!(client.next(), Event::CONNECTED);
    (client, peer, broker)
}

#[test]
fn each_step_is_answered_in_its_callback() {
    each_drive(|drive| {
        let (client, broker) = connecting(drive, answer_at_once);
        let mut peer = broker.accept();
        assert_eq!(peer.next_packet(), "CONNECT M first");
        for data in ["one", "two"] {
            peer.send(&auth(CONTINUE, Some("M"), data.as_bytes()));
            assert_eq!(peer.next_packet(), format!("AUTH 0x18 M {data}"));
        }
        peer.send(&connack(0, Some("M"), b"proof"));
        let expected = [
            START,
            challenge(b"one"),
            challenge(b"two"),
            done(b"proof"),
            Event::CONNECTED,
        ];
        assert_eq!(expected, [(); 5].map(|()| client.next()));
        assert_eq!(client.disconnect(), 0);
        assert_eq!(peer.next_packet(), "DISCONNECT 0x00");
    });
}

#[test]
fn another_thread_answers_later() {
    const LATER: Duration = Duration::from_millis(200);
    each_drive(|drive| {
        let (client, broker) = connecting(drive, |client| {
            client.hook(|client, event| {
                if let Event::Auth { step, data, .. } = event
                    && *step != PMQTT_AUTH_DONE
                {
                    let data = data.clone();
                    thread::spawn(move || {
                        thread::sleep(LATER);
                        assert_eq!(answer(client, &data), 0);
                    });
                }
            });
        });
        let begin = Instant::now();
        let mut peer = broker.accept();
        assert_eq!(peer.next_packet(), "CONNECT M");
        for data in ["one", "two", "three"] {
            peer.send(&auth(CONTINUE, Some("M"), data.as_bytes()));
            assert_eq!(peer.next_packet(), format!("AUTH 0x18 M {data}"));
        }
        assert!(begin.elapsed() >= 4 * LATER);
        peer.send(&connack(0, Some("M"), b""));
        let events = [(); 6].map(|()| client.next());
        assert_eq!(events[4..], [done(b""), Event::CONNECTED]);
    });
}

#[test]
fn an_answer_that_does_not_come_ends_the_attempt() {
    each_drive(|drive| {
        let (client, broker) = connecting(drive, |client| {
            client.set_connect_timeout(Duration::from_millis(300));
            client.set_reconnect_delay(1, 1);
        });
        let mut peer = broker.accept();
        assert_eq!(client.next(), START);
        let rc = PMQTT_ERR_TIMEOUT;
        assert_eq!(client.next(), Event::ConnectFailed { rc });
        assert!(client.last_error().contains("pmqtt_auth_answer"));
        peer.expect_end();
        if Drive::RECONNECTING.contains(&drive) {
            assert_eq!(client.next(), START);
        }
    });
}

#[test]
fn blocking_connects_leave_the_start_to_the_loop() {
    let (client, broker) = (
        Client::create("c", true, ffi::PMQTT_PROTOCOL_V5),
        Broker::new(),
    );
    assert_eq!(set_auth(*client, Some("M")), 0);
    answer_at_once(&client);
    assert_eq!(client.connect_to("127.0.0.1", broker.port(), 60), 0);
    assert_eq!(client.told(), None);
    client.run(Drive::Foreign);
    let mut peer = broker.accept();
    assert_eq!(peer.next_packet(), "CONNECT M first");
    assert_eq!(client.next(), START);
    // A successor has an exchange of its own.
    assert_eq!(client.reconnect(), 0);
    let mut successor = broker.accept();
    assert_eq!(
        client.next(),
        Event::ConnectFailed {
            rc: PMQTT_ERR_NO_CONN
        }
    );
    assert_eq!(client.next(), START);
    assert_eq!(successor.next_packet(), "CONNECT M first");
    peer.expect_end();
}

#[test]
fn the_program_refuses_at_each_step() {
    let refused = Event::ConnectFailed { rc: PMQTT_ERR_AUTH };
    each_of(&[Drive::Thread, Drive::Foreign, Drive::EventFd], |drive| {
        for (refuse_at, in_thread) in [(0, false), (0, true), (1, false), (1, true), (2, false)] {
            let (client, broker) = connecting(drive, |client| {
                client.hook(move |client, event| match event {
                    Event::Auth { step, .. } if *step != refuse_at => {
                        assert_eq!(answer(client, b"yes"), 0);
                    }
                    Event::Auth { .. } if in_thread => {
                        thread::spawn(move || assert_eq!(fail(client, 0x83), 0));
                    }
                    Event::Auth { .. } => assert_eq!(fail(client, 0x83), 0),
                    _ => {}
                });
            });
            let mut peer = broker.accept();
            if refuse_at > 0 {
                assert_eq!(peer.next_packet(), "CONNECT M yes");
                peer.send(&auth(CONTINUE, Some("M"), b""));
            }
            if refuse_at > 1 {
                assert_eq!(peer.next_packet(), "AUTH 0x18 M yes");
                peer.send(&connack(0, Some("M"), b""));
            }
            if refuse_at > 0 {
                assert_eq!(peer.next_packet(), "DISCONNECT 0x83");
            }
            peer.expect_end();
            let events: Vec<Event> = (0..=refuse_at + 1).map(|_| client.next()).collect();
            assert_eq!(events.last(), Some(&refused));
            assert!(client.last_error().contains("pmqtt_auth_fail"));
            assert_eq!(client.told(), None);
        }
    });
}

#[test]
fn a_wrong_method_is_left_with_0x82() {
    let rc = PMQTT_ERR_PROTOCOL;
    each_drive(|drive| {
        for packet in [
            auth(CONTINUE, Some("N"), b""),
            auth(CONTINUE, None, b""),
            connack(0, Some("N"), b""),
            connack(0, None, b""),
        ] {
            let (client, broker) = connecting(drive, answer_at_once);
            let mut peer = broker.accept();
            assert_eq!(peer.next_packet(), "CONNECT M first");
            peer.send(&packet);
            assert_eq!(peer.next_packet(), "DISCONNECT 0x82");
            assert_eq!(peer.next_packet(), "end");
            assert_eq!(client.next(), START);
            assert_eq!(client.next(), Event::ConnectFailed { rc });
        }
        let (client, mut peer, _broker) = accepted(drive);
        peer.send(&auth(CONTINUE, Some("M"), b""));
        assert_eq!(peer.next_packet(), "DISCONNECT 0x82");
        assert_eq!(client.next(), Event::Disconnected { rc });
    });
}

#[test]
fn an_auth_that_nobody_asked_for_is_left_with_0x82() {
    each_of(&[Drive::Thread, Drive::Foreign], |drive| {
        let client = Client::create("c", true, ffi::PMQTT_PROTOCOL_V5);
        let broker = Broker::new();
        client.connect_async(&broker);
        client.run(drive);
        let mut peer = broker.accept();
        assert_eq!(peer.next_packet(), "CONNECT");
        peer.send(&auth(CONTINUE, Some("M"), b""));
        assert_eq!(peer.next_packet(), "DISCONNECT 0x82");
        let rc = PMQTT_ERR_PROTOCOL;
        assert_eq!(client.next(), Event::ConnectFailed { rc });
        assert!(client.last_error().contains("MQTT5-4.12.0-6"));
    });
}

#[test]
fn a_refusing_connack_has_its_reason() {
    let (client, broker) = connecting(Drive::Thread, answer_at_once);
    let mut peer = broker.accept();
    assert_eq!(peer.next_packet(), "CONNECT M first");
    peer.send(&connack(0x8c, None, b""));
    assert_eq!(client.next(), START);
    let refused = Event::Connected {
        session_present: false,
        rc: 0x8c,
    };
    assert_eq!(client.next(), refused);
    assert!(matches!(client.next(), Event::Disconnected { .. }));
    assert!(client.last_error().contains("Bad authentication method."));
}

#[test]
fn authenticating_again_loses_no_message() {
    const MESSAGES: u16 = 1_000;
    each_drive(|drive| {
        let (client, mut peer, _broker) = accepted(drive);
        let handle = *client;
        let publisher = thread::spawn(move || {
            for _ in 0..MESSAGES {
                handle.publish("t", b"load", 1);
            }
        });
        let (mut acknowledged, mut auths) = (0, 0);
        while acknowledged < MESSAGES || auths < 3 {
            if acknowledged == MESSAGES / 4 && auths == 0 {
                assert_eq!(reauthenticate(handle), 0);
                assert_eq!(reauthenticate(handle), PMQTT_ERR_BUSY);
                auths = 1;
            }
            let packet = peer.next_packet();
            match packet.split_once('#') {
                Some((_, id)) => {
                    let id = id.parse().ok().and_then(PacketId::new);
                    peer.send(&puback(id.expect("an id")));
                    acknowledged += 1;
                }
                None if auths == 1 => {
                    assert_eq!(packet, "AUTH 0x19 M first");
                    peer.send(&auth(CONTINUE, Some("M"), b"more"));
                    auths = 2;
                }
                None => {
                    assert_eq!(packet, "AUTH 0x18 M more");
                    peer.send(&auth(SUCCESS, Some("M"), b"ok"));
                    auths = 3;
                }
            }
        }
        publisher.join().expect("published");
        let mut told = Vec::new();
        let mut published = 0;
        while published < MESSAGES || told.len() < 3 {
            match client.next() {
                Event::Published { rc: 0, .. } => published += 1,
                auth => told.push(auth),
            }
        }
        assert_eq!(told, [START, challenge(b"more"), done(b"ok")]);
        assert_eq!(reauthenticate(handle), 0);
    });
}

#[test]
fn a_refused_authentication_ends_the_connection() {
    each_drive(|drive| {
        // The program refuses.
        let (client, mut peer, _broker) = accepted(drive);
        assert_eq!(fail(*client, 0x80), PMQTT_ERR_INVAL);
        client.hook(|client, event| {
            if event == &START {
                assert_eq!(answer(client, b"again"), 0);
                assert_eq!(fail(client, 0x80), 0);
            }
        });
        assert_eq!(reauthenticate(*client), 0);
        assert_eq!(client.next(), START);
        assert_eq!(client.next(), Event::Disconnected { rc: PMQTT_ERR_AUTH });
        // The connection may end before AUTH is written, but not without DISCONNECT.
        let packets = [peer.next_packet(), peer.next_packet()];
        assert!(
            packets.iter().any(|packet| packet == "DISCONNECT 0x80"),
            "{packets:?}"
        );

        // The broker does not answer.
        let (client, mut peer, _broker) = accepted(drive);
        client.set_connect_timeout(Duration::from_millis(300));
        assert_eq!(reauthenticate(*client), 0);
        assert_eq!(peer.next_packet(), "AUTH 0x19 M first");
        assert_eq!(client.next(), START);
        let rc = PMQTT_ERR_TIMEOUT;
        assert_eq!(client.next(), Event::Disconnected { rc });
        assert_eq!(peer.next_packet(), "DISCONNECT 0x80");
    });
}

#[test]
fn calls_out_of_turn_change_nothing() {
    let client = Client::create("c", true, ffi::PMQTT_PROTOCOL_V5);
    assert_eq!(reauthenticate(*client), PMQTT_ERR_NO_CONN);
    assert_eq!(answer(*client, b""), PMQTT_ERR_NO_CONN);
    let (client, mut peer, _broker) = accepted(Drive::Thread);
    assert_eq!(answer(*client, b"nobody asked"), PMQTT_ERR_INVAL);
    assert_eq!(client.disconnect(), 0);
    assert_eq!(peer.next_packet(), "DISCONNECT 0x00");
    assert!(matches!(answer(*client, b""), PMQTT_ERR_NO_CONN));

    let older = connected(Drive::Thread);
    assert_eq!(set_auth(*older.client, Some("M")), PMQTT_ERR_NOT_SUPPORTED);
    assert_eq!(reauthenticate(*older.client), PMQTT_ERR_NOT_SUPPORTED);
}

#[test]
fn properties_of_an_answer_go_into_its_packet() {
    let pair = b"\x26\0\x01k\0\x01v";
    let (client, broker) = connecting(Drive::Thread, |client| {
        client.hook(|client, event| {
            let reason_string = b"\x1f\0\x02ab";
            let lists: &[&[u8]] = match event {
                // The first list is refused, since CONNECT has no reason string.
                Event::Auth { step: 0, .. } => &[reason_string, pair],
                Event::Auth { step: 1, .. } => &[reason_string],
                _ => return,
            };
            let codes = lists.iter().map(|list| {
                let list = PropertyView {
                    data: list.as_ptr().cast(),
                    len: list.len(),
                };
                // SAFETY: the client lives, and the list has this length.
                unsafe { ffi::pmqtt_auth_answer(client.0, null(), 0, &list) }
            });
            let codes: Vec<c_int> = codes.collect();
            assert!(codes == [PMQTT_ERR_INVAL, 0] || codes == [0], "{codes:?}");
        });
    });
    let mut peer = broker.accept();
    let connect = peer.next_bytes();
    assert!(connect.windows(pair.len()).any(|part| part == pair));
    peer.send(&auth(CONTINUE, Some("M"), b""));
    assert_eq!(
        peer.next_bytes(),
        b"\xf0\x0b\x18\x09\x15\0\x01M\x1f\0\x02ab"
    );
    drop(client);
}

#[test]
fn a_method_that_is_taken_away_ends_what_runs() {
    let (client, broker) = connecting(Drive::Thread, |client| {
        answer_at_once(client);
        client.set_reconnect_delay(1, 1);
    });
    let mut peer = broker.accept();
    assert_eq!(peer.next_packet(), "CONNECT M first");
    assert_eq!(set_auth(*client, None), 0);
    peer.send(&connack(0, Some("M"), b"proof"));
    assert_eq!(client.next(), START);
    assert_eq!(client.next(), Event::ConnectFailed { rc: PMQTT_ERR_AUTH });
    assert_eq!(peer.next_packet(), "DISCONNECT 0x80");
    // The next connection has no exchange.
    assert_eq!(broker.accept().next_packet(), "CONNECT");
}

#[test]
fn the_callback_may_replace_the_connection() {
    each_of(&[Drive::Thread, Drive::Step, Drive::EventFd], |drive| {
        let (client, broker) = connecting(drive, |client| {
            let mut is_first = true;
            client.hook(move |client, event| {
                if event == &START {
                    match std::mem::take(&mut is_first) {
                        true => assert_eq!(client.reconnect(), 0),
                        false => assert_eq!(answer(client, b"first"), 0),
                    }
                }
            });
        });
        let mut first = broker.accept();
        first.expect_end();
        assert_eq!(broker.accept().next_packet(), "CONNECT M first");
        assert_eq!(client.next(), START);
        assert_eq!(
            client.next(),
            Event::ConnectFailed {
                rc: PMQTT_ERR_NO_CONN
            }
        );
        assert_eq!(client.next(), START);
    });
}
