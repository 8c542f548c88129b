//! Subscriptions with options, callbacks and properties, and what the broker does not take.

use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicUsize, Ordering};

use pmqtt::client::events::{MessageEvent, PropertyView};
use pmqtt::codec::{Packet, RetainHandling, property};
use pmqtt::ffi::{
    self, PMQTT_ERR_INVAL, PMQTT_ERR_NO_CONN, PMQTT_ERR_NOT_FOUND, PMQTT_ERR_NOT_SUPPORTED,
    PMQTT_ERR_PAYLOAD_SIZE, PMQTT_RETAIN_IF_NEW, PMQTT_RETAIN_NEVER, Subscription,
};

use crate::support::mqtt5::{ACCEPTED, accepted_with, connected5};
use crate::support::{
    Broker, CONNACK, CONNECT, Client, Connection, Drive, Event, Handle, Message, Peer, c,
    connected, each_drive,
};

/// What a callback of a subscription counts, and its release.
#[derive(Default)]
struct Counted {
    called: AtomicUsize,
    released: AtomicUsize,
    /// The filter that the callback unsubscribes from; empty: none.
    leaves: CString,
}

impl Counted {
    fn leaving(filter: &str) -> Counted {
        Counted {
            leaves: c(filter),
            ..Counted::default()
        }
    }

    fn counts(&self) -> (usize, usize) {
        let load = |count: &AtomicUsize| count.load(Ordering::SeqCst);
        (load(&self.called), load(&self.released))
    }
}

extern "C" fn on_message(
    client: *mut pmqtt::client::Handle,
    counted: *mut c_void,
    _: *const MessageEvent,
) {
    // SAFETY: the userdata is a `Counted` of the test, which outlives its client.
    let counted = unsafe { &*counted.cast::<Counted>() };
    counted.called.fetch_add(1, Ordering::SeqCst);
    if !counted.leaves.is_empty() {
        assert_eq!(
            unsubscribe_with(Handle(client), &[counted.leaves.to_str().unwrap()], b"").0,
            0
        );
        assert_eq!(counted.counts().1, 0, "it is still in use");
    }
}

extern "C" fn release(counted: *mut c_void) {
    // SAFETY: as above.
    let counted = unsafe { &*counted.cast::<Counted>() };
    counted.released.fetch_add(1, Ordering::SeqCst);
}

/// What a test subscribes to.
#[derive(Clone, Copy, Default)]
struct Asked<'a> {
    filter: &'a str,
    qos: c_int,
    retain_handling: c_int,
    no_local: bool,
    retain_as_published: bool,
    counted: Option<&'a Counted>,
}

fn asked(filter: &str) -> Asked<'_> {
    Asked {
        filter,
        ..Asked::default()
    }
}

impl<'a> Asked<'a> {
    fn counted(self, counted: &'a Counted) -> Asked<'a> {
        Asked {
            counted: Some(counted),
            ..self
        }
    }
}

fn view(properties: &[u8]) -> PropertyView {
    PropertyView {
        data: properties.as_ptr().cast(),
        len: properties.len(),
    }
}

fn subscribe_with(client: Handle, all: &[Asked], properties: &[u8]) -> (c_int, u64) {
    let filters: Vec<CString> = all.iter().map(|asked| c(asked.filter)).collect();
    let all: Vec<Subscription> = all
        .iter()
        .zip(&filters)
        .map(|(asked, filter)| Subscription {
            struct_size: size_of::<Subscription>(),
            filter: filter.as_ptr(),
            qos: asked.qos,
            retain_handling: asked.retain_handling,
            no_local: asked.no_local,
            retain_as_published: asked.retain_as_published,
            callback: asked.counted.map(|_| on_message as _),
            userdata: asked
                .counted
                .map_or(null_mut(), |it| (&raw const *it).cast_mut().cast()),
            release: asked.counted.map(|_| release as _),
        })
        .collect();
    let mut mid = 0;
    // SAFETY: the client lives, and so do the arguments.
    let rc = unsafe {
        ffi::pmqtt_subscribe_with(
            client.0,
            all.as_ptr(),
            all.len(),
            &view(properties),
            &mut mid,
        )
    };
    (rc, mid)
}

fn unsubscribe_with(client: Handle, filters: &[&str], properties: &[u8]) -> (c_int, u64) {
    let texts: Vec<CString> = filters.iter().map(|filter| c(*filter)).collect();
    let filters: Vec<*const c_char> = texts.iter().map(|text| text.as_ptr()).collect();
    let mut mid = 0;
    // SAFETY: the client lives, and so do the arguments.
    let rc = unsafe {
        let properties = view(properties);
        ffi::pmqtt_unsubscribe_with(
            client.0,
            filters.as_ptr(),
            filters.len(),
            &properties,
            &mut mid,
        )
    };
    (rc, mid)
}

const USER: &[u8] = b"\x26\0\x01a\0\x01b";

#[test]
fn options_and_properties_are_on_the_wire() {
    each_drive(|drive| {
        let mut connection = connected5(drive, ACCEPTED);
        let all = [
            asked("a"),
            Asked {
                qos: 2,
                retain_handling: PMQTT_RETAIN_NEVER,
                no_local: true,
                retain_as_published: true,
                ..asked("b/#")
            },
            Asked {
                qos: 1,
                retain_handling: PMQTT_RETAIN_IF_NEW,
                ..asked("$share/g/+")
            },
        ];
        assert_eq!(subscribe_with(*connection.client, &all, USER), (0, 1));
        connection.peer.read(|packet| {
            let Packet::Subscribe(subscribe) = packet else {
                panic!("{packet}");
            };
            assert_eq!(subscribe.properties.as_bytes(), USER);
            let wishes: Vec<_> = subscribe.filters.collect();
            assert_eq!(wishes.len(), 3);
            let (filter, plain) = wishes[0];
            assert_eq!((filter, plain), ("a", pmqtt::codec::QoS::AtMostOnce.into()));
            let (filter, wish) = wishes[1];
            assert_eq!((filter, wish.qos as u8), ("b/#", 2));
            assert!(wish.no_local && wish.retain_as_published);
            assert_eq!(wish.retain_handling, RetainHandling::Never);
            let (filter, wish) = wishes[2];
            assert_eq!((filter, wish.qos as u8), ("$share/g/+", 1));
            assert!(!wish.no_local && !wish.retain_as_published);
            assert_eq!(wish.retain_handling, RetainHandling::IfNew);
        });
        connection.peer.send(b"\x90\x06\0\x01\0\x00\x02\x87");
        let subscribed = Event::Subscribed {
            mid: 1,
            rc: 0,
            granted: vec![0, 2, 0x87],
        };
        assert_eq!(connection.client.next(), subscribed);

        let left = unsubscribe_with(*connection.client, &["a", "b/#"], USER);
        assert_eq!(left, (0, 2));
        connection.peer.read(|packet| {
            let Packet::Unsubscribe(unsubscribe) = packet else {
                panic!("{packet}");
            };
            assert_eq!(unsubscribe.properties.as_bytes(), USER);
            let filters: Vec<_> = unsubscribe.filters.map(|(filter, _)| filter).collect();
            assert_eq!(filters, ["a", "b/#"]);
        });
        connection.peer.send(b"\xb0\x05\0\x02\0\x00\x11");
        let unsubscribed = Event::Unsubscribed { mid: 2, rc: 0 };
        assert_eq!(connection.client.next(), unsubscribed);
    });
}

/// A message of QoS 1 with this topic, and its acknowledgement.
fn deliver(peer: &mut Peer, is_extended: bool, topic: &str) {
    let mut body = vec![0, topic.len() as u8];
    body.extend(topic.bytes());
    body.extend([0, 9]);
    body.extend(is_extended.then_some(0));
    peer.send(&[&[0x32, body.len() as u8], &body[..]].concat());
    peer.expect(b"\x40\x02\0\x09");
}

/// A callback of its own for each of two subscriptions, in any version.
fn callbacks_of_subscriptions(mut connection: Connection) {
    let client = *connection.client;
    let is_extended = client.version() == ffi::PMQTT_PROTOCOL_V5;
    let (first, second, third) = (Counted::default(), Counted::default(), Counted::default());
    let all = [
        asked("a/+").counted(&first),
        asked("a/b").counted(&second),
        asked("c"),
    ];
    assert_eq!(subscribe_with(client, &all, b"").0, 0);
    connection.peer.packet();
    let peer = &mut connection.peer;
    deliver(peer, is_extended, "a/b");
    deliver(peer, is_extended, "a/c");
    deliver(peer, is_extended, "c");
    assert_eq!((first.counts(), second.counts()), ((2, 0), (1, 0)));
    let message = Message::new(0, "c", b"", 1);
    assert_eq!(
        connection.client.next(),
        Event::Message(Message { mid: 9, ..message })
    );

    // A second subscription to the same filter replaces the callback; one without a callback does not.
    assert_eq!(
        subscribe_with(client, &[asked("a/b").counted(&third)], b"").0,
        0
    );
    assert_eq!(second.counts(), (1, 1));
    assert_eq!(subscribe_with(client, &[asked("a/b")], b"").0, 0);
    client.subscribe(&[("a/b", 0)]);
    for _ in 0..3 {
        peer.packet();
    }
    deliver(peer, is_extended, "a/b");
    assert_eq!((first.counts(), third.counts()), ((3, 0), (1, 0)));

    // It ends when the call returns.
    client.unsubscribe(&["a/+", "c"]);
    assert_eq!(first.counts(), (3, 1));
    assert_eq!(unsubscribe_with(client, &["a/b"], b"").0, 0);
    assert_eq!(third.counts(), (1, 1));
    for _ in 0..2 {
        peer.packet();
    }
    deliver(peer, is_extended, "a/b");
    assert!(matches!(connection.client.next(), Event::Message(_)));
    drop(connection.client);
    assert_eq!(
        (first.counts(), second.counts(), third.counts()),
        ((3, 1), (1, 1), (1, 1))
    );
}

#[test]
fn each_subscription_may_have_its_own_callback() {
    each_drive(|drive| callbacks_of_subscriptions(connected5(drive, ACCEPTED)));
}

#[test]
fn callbacks_of_subscriptions_work_before_mqtt_5() {
    each_drive(|drive| callbacks_of_subscriptions(connected(drive)));
}

#[test]
fn a_callback_may_end_its_own_subscription() {
    each_drive(|drive| {
        let counted = Counted::leaving("a");
        let mut connection = connected5(drive, ACCEPTED);
        let client = *connection.client;
        assert_eq!(
            subscribe_with(client, &[asked("a").counted(&counted)], b"").0,
            0
        );
        connection.peer.packet();
        connection.peer.send(b"\x30\x04\0\x01a\0");
        connection.peer.expect(b"\xa2\x06\0\x02\0\0\x01a");
        deliver(&mut connection.peer, true, "a");
        assert!(matches!(connection.client.next(), Event::Message(_)));
        assert_eq!(counted.counts(), (1, 1));
    });
}

#[test]
fn a_handler_of_the_program_stays_when_it_unsubscribes() {
    let mut connection = connected5(Drive::Thread, ACCEPTED);
    let client = *connection.client;
    let counted = Counted::default();
    assert_eq!(
        subscribe_with(client, &[asked("a").counted(&counted)], b"").0,
        0
    );
    assert_eq!(client.add_filter("a"), 0);
    assert_eq!(counted.counts(), (0, 1));
    assert_eq!(unsubscribe_with(client, &["a"], b"").0, 0);
    for _ in 0..2 {
        connection.peer.packet();
    }
    // SAFETY: the client lives.
    let remove = || unsafe { ffi::pmqtt_message_callback_remove(client.0, c"a".as_ptr()) };
    assert_eq!((remove(), remove()), (0, PMQTT_ERR_NOT_FOUND));
}

#[test]
fn what_is_refused_sets_no_callback_and_releases_nothing() {
    let counted = Counted::default();
    let client = Client::mqtt5("c");
    let a = asked("a").counted(&counted);
    let refused = |client: Handle, all: &[Asked], properties: &[u8], rc: c_int, words: &str| {
        assert_eq!(subscribe_with(client, all, properties), (rc, 0));
        let said = client.last_error();
        assert!(said.contains(words), "{said}");
    };
    refused(*client, &[a], b"", PMQTT_ERR_NO_CONN, "no connection");
    refused(
        *client,
        &[],
        b"",
        PMQTT_ERR_INVAL,
        "subscribe_with: there is no topic filter",
    );
    let wrong = Asked { qos: 3, ..a };
    refused(*client, &[a, wrong], b"", PMQTT_ERR_INVAL, "QoS 3");
    let wrong = Asked {
        retain_handling: 3,
        ..a
    };
    refused(
        *client,
        &[a, wrong],
        b"",
        PMQTT_ERR_INVAL,
        "there is no retain_handling 3",
    );
    refused(
        *client,
        &[a, asked("#a")],
        b"",
        PMQTT_ERR_INVAL,
        "subscribe_with: #",
    );
    let shared = Asked {
        no_local: true,
        ..asked("$share/g/a")
    };
    refused(
        *client,
        &[a, shared],
        b"",
        PMQTT_ERR_INVAL,
        "[MQTT5-3.8.3-4]",
    );
    let reason = b"\x1f\0\0";
    refused(*client, &[a], reason, PMQTT_ERR_INVAL, "subscribe_with: ");
    assert_eq!(unsubscribe_with(*client, &["a"], reason).0, PMQTT_ERR_INVAL);
    assert_eq!(unsubscribe_with(*client, &[], b"").0, PMQTT_ERR_INVAL);
    assert!(
        client
            .last_error()
            .contains("unsubscribe_with: there is no topic filter")
    );
    let identifier = b"\x0b\x01";
    refused(
        *client,
        &[a],
        identifier,
        PMQTT_ERR_INVAL,
        "subscription identifier",
    );

    let older = connected(Drive::Thread);
    let client = *older.client;
    for (wrong, properties) in [
        (
            Asked {
                no_local: true,
                ..a
            },
            b"" as &[u8],
        ),
        (
            Asked {
                retain_as_published: true,
                ..a
            },
            b"",
        ),
        (
            Asked {
                retain_handling: 1,
                ..a
            },
            b"",
        ),
        (a, USER),
    ] {
        refused(
            client,
            &[a, wrong],
            properties,
            PMQTT_ERR_NOT_SUPPORTED,
            "PMQTT_PROTOCOL_V5",
        );
    }
    let left = unsubscribe_with(client, &["a"], USER);
    assert_eq!(left, (PMQTT_ERR_NOT_SUPPORTED, 0));
    // SAFETY: the client lives, and so does the structure.
    let rc = unsafe {
        let released = Subscription {
            struct_size: size_of::<Subscription>(),
            filter: c"a".as_ptr(),
            qos: 0,
            retain_handling: 0,
            no_local: false,
            retain_as_published: false,
            callback: None,
            userdata: null_mut(),
            release: Some(release),
        };
        ffi::pmqtt_subscribe_with(client.0, &released, 1, null(), null_mut())
    };
    assert_eq!(rc, PMQTT_ERR_INVAL);
    assert!(client.last_error().contains("release has no callback"));
    let Connection {
        client, mut peer, ..
    } = older;
    peer.expect_silence();
    drop(client);
    assert_eq!(counted.counts(), (0, 0));
}

#[test]
fn what_the_broker_does_not_take_is_refused_at_once() {
    let limits = b"\x28\0\x2a\0\x27\0\0\0\x20";
    let mut connection = connected5(Drive::Thread, &accepted_with(limits));
    let client = *connection.client;
    let counted = Counted::default();
    let refused = |filter: &str, rc: c_int, words: &str| {
        let with = subscribe_with(client, &[asked("a"), asked(filter).counted(&counted)], b"");
        assert_eq!(with, (rc, 0));
        let said = client.last_error();
        assert!(
            said.starts_with("subscribe_with: ") && said.contains(words),
            "{said}"
        );
        assert_eq!(client.try_subscribe(&[("a", 0), (filter, 0)]), (rc, 0));
        let said = client.last_error();
        assert!(
            said.starts_with("subscribe: ") && said.contains(words),
            "{said}"
        );
    };
    refused("+/a", PMQTT_ERR_NOT_SUPPORTED, "no wildcards");
    refused("a/#", PMQTT_ERR_NOT_SUPPORTED, "no wildcards");
    refused(
        "$share/g/a",
        PMQTT_ERR_NOT_SUPPORTED,
        "no shared subscriptions",
    );
    let long = "x".repeat(30);
    refused(&long, PMQTT_ERR_PAYLOAD_SIZE, "maximum packet size");
    let left = unsubscribe_with(client, &[&long], b"");
    assert_eq!(left, (PMQTT_ERR_PAYLOAD_SIZE, 0));
    connection.peer.expect_silence5();
    assert_eq!(counted.counts(), (0, 0));

    // SUBSCRIBE of 32 bytes is accepted, and the next connection may have no limits.
    let longest = &long[..24];
    assert_eq!(subscribe_with(client, &[asked(longest)], b"").0, 0);
    assert_eq!(connection.peer.packet().len(), 32);
    drop(connection.peer);
    assert!(matches!(connection.client.next(), Event::Subscribed { .. }));
    assert!(matches!(
        connection.client.next(),
        Event::Disconnected { .. }
    ));
    let mut peer = connection.broker.welcome_any(ACCEPTED);
    assert_eq!(connection.client.next(), Event::CONNECTED);
    assert_eq!(subscribe_with(client, &[asked("$share/g/#")], b"").0, 0);
    assert_eq!(peer.packet()[0], 0x82);
}

#[test]
fn a_broker_before_mqtt_5_is_asked_for_anything() {
    let mut connection = connected(Drive::Thread);
    let all = [asked("$share/g/#")];
    assert_eq!(subscribe_with(*connection.client, &all, b""), (0, 1));
    connection.peer.expect(b"\x82\x0f\0\x01\0\x0a$share/g/#\0");
    drop(connection.peer);
    connection.broker.welcome(CONNECT, CONNACK);
}

#[test]
fn reasons_and_properties_of_the_answers_are_told() {
    static TOLD: std::sync::Mutex<Vec<(c_int, Vec<u8>)>> = std::sync::Mutex::new(Vec::new());
    extern "C" fn subscribed(
        _: *mut pmqtt::client::Handle,
        _: *mut c_void,
        event: *const pmqtt::client::events::Subscribed,
    ) {
        // SAFETY: the library passes an event that lives through the callback.
        let told = unsafe {
            let data = (*event).properties;
            (
                (*event).reason,
                std::slice::from_raw_parts(data.data.cast(), data.len).to_vec(),
            )
        };
        TOLD.lock().unwrap().push(told);
    }
    let mut connection = connected5(Drive::Thread, ACCEPTED);
    // SAFETY: the client lives.
    unsafe { ffi::pmqtt_on_subscribe_set(connection.client.0, Some(subscribed)) };
    assert_eq!(subscribe_with(*connection.client, &[asked("a")], b"").0, 0);
    connection.peer.packet();
    connection.peer.send(b"\x90\x09\0\x01\x05\x1f\0\x02no\x87");
    connection.peer.expect_silence5();
    let expected = [(0x87, b"\x1f\0\x02no".to_vec())];
    assert_eq!(*TOLD.lock().unwrap(), expected);
    assert_eq!(expected[0].1[0], property::REASON_STRING);
}

#[test]
fn a_request_before_connack_waits_for_what_the_broker_takes() {
    each_drive(|drive| {
        let (client, broker) = (Client::mqtt5("c"), Broker::new());
        client.connect_async(&broker);
        client.run(drive);
        let mut peer = broker.accept();
        peer.packet();
        assert_eq!(subscribe_with(*client, &[asked("#")], b""), (0, 1));
        assert_eq!(subscribe_with(*client, &[asked("a")], b""), (0, 2));
        assert_eq!(unsubscribe_with(*client, &[&"x".repeat(40)], b""), (0, 3));
        peer.send(&accepted_with(b"\x28\0\x27\0\0\0\x20"));
        peer.expect(b"\x82\x07\0\x02\0\0\x01a\0");
        assert_eq!(client.next(), Event::CONNECTED);
        let refused = Event::Subscribed {
            mid: 1,
            rc: ffi::PMQTT_ERR_REJECTED,
            granted: Vec::new(),
        };
        assert_eq!(client.next(), refused);
        let refused = Event::Unsubscribed {
            mid: 3,
            rc: ffi::PMQTT_ERR_REJECTED,
        };
        assert_eq!(client.next(), refused);
        peer.expect_silence5();
    });
}
