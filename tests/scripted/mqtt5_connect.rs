//! What only CONNECT of MQTT 5 can say, and what the broker agrees to.

use std::ffi::CStr;
use std::ptr::{null, null_mut};

use pmqtt::codec::{Packet, property};
use pmqtt::ffi::{
    self, ConnectOptions, Negotiated, PMQTT_CLEAN_START_ALWAYS, PMQTT_CLEAN_START_DEFAULT,
    PMQTT_CLEAN_START_FIRST, PMQTT_CLEAN_START_NEVER, PMQTT_ERR_INVAL, PMQTT_ERR_NO_CONN,
    PMQTT_ERR_NOT_FOUND, PMQTT_ERR_NOT_SUPPORTED, PropertyPair,
};

use crate::support::mqtt5::{ACCEPTED, accepted_with, connack, connected5};
use crate::support::{
    Broker, CONNACK, Client, Drive, Event, Handle, Peer, c, connected, each_drive,
    reconnect_when_lost,
};

const DEFAULTS: ConnectOptions = ConnectOptions {
    struct_size: size_of::<ConnectOptions>(),
    clean_start: 0,
    session_expiry_s: 0,
    receive_maximum: 0,
    topic_alias_send: 0,
    topic_alias_receive: 0,
    request_response_information: false,
    no_problem_information: false,
    client_id_by_broker: false,
    user_properties: null(),
    user_property_count: 0,
};

/// CONNECT of a client with the id "c" and the defaults: it takes 16 topic aliases.
const CONNECT: &[u8] = b"\x10\x11\0\x04MQTT\x05\x02\0\x3c\x03\x22\0\x10\0\x01c";

fn set(client: Handle, options: &ConnectOptions) -> i32 {
    // SAFETY: the client lives, and so does what the options refer to.
    unsafe { ffi::pmqtt_connect_options_set(client.0, options) }
}

fn set_defaults(client: Handle) -> i32 {
    // SAFETY: the client lives.
    unsafe { ffi::pmqtt_connect_options_set(client.0, null()) }
}

#[test]
fn each_option_is_in_each_connect() {
    each_drive(|drive| {
        let (client, broker) = (Client::mqtt5("c"), Broker::new());
        let (name, value) = (c("site"), c("north"));
        let pair = PropertyPair {
            name: name.as_ptr(),
            value: value.as_ptr(),
        };
        let options = ConnectOptions {
            clean_start: PMQTT_CLEAN_START_NEVER,
            session_expiry_s: 100,
            receive_maximum: 7,
            topic_alias_receive: 5,
            request_response_information: true,
            no_problem_information: true,
            user_properties: &pair,
            user_property_count: 1,
            ..DEFAULTS
        };
        assert_eq!(set(*client, &options), 0);
        drop((name, value));
        reconnect_when_lost(&client);
        client.connect_async(&broker);
        client.run(drive);
        let properties =
            b"\x11\0\0\0\x64\x21\0\x07\x22\0\x05\x19\x01\x17\0\x26\0\x04site\0\x05north";
        let connect = [
            b"\x10\x2b\0\x04MQTT\x05\0\0\x3c\x1d" as &[u8],
            properties,
            b"\0\x01c",
        ]
        .concat();
        for _ in 0..3 {
            broker.welcome(&connect, ACCEPTED);
        }
    });
}

#[test]
fn options_take_effect_with_the_next_connection_and_null_is_the_defaults() {
    let (client, broker) = (Client::mqtt5("c"), Broker::new());
    reconnect_when_lost(&client);
    client.connect_async(&broker);
    client.run(Drive::Thread);
    let peer = broker.welcome(CONNECT, ACCEPTED);
    let none = ConnectOptions {
        topic_alias_receive: -1,
        topic_alias_send: -1,
        ..DEFAULTS
    };
    assert_eq!(set(*client, &none), 0);
    drop(peer);
    let plain = b"\x10\x0e\0\x04MQTT\x05\x02\0\x3c\0\0\x01c";
    let peer = broker.welcome(plain, ACCEPTED);
    assert_eq!(set_defaults(*client), 0);
    drop(peer);
    broker.welcome(CONNECT, ACCEPTED);
}

/// Whether CONNECT asks for a clean start, and for how long the broker keeps the session.
fn session_of(peer: &mut Peer) -> (bool, u32) {
    peer.read(|packet| match packet {
        Packet::Connect(connect) => {
            let expiry = connect.properties.number(property::SESSION_EXPIRY);
            (connect.clean_session, expiry.unwrap_or(0))
        }
        other => panic!("{other}"),
    })
}

/// `starts`: of three connections, of which the broker refuses the first one.
fn sessions(clean_session: bool, options: &ConnectOptions, starts: [bool; 3], expiry: u32) {
    let client = Client::create("c", clean_session, ffi::PMQTT_PROTOCOL_V5);
    let broker = Broker::new();
    assert_eq!(set(*client, options), 0);
    reconnect_when_lost(&client);
    client.connect_async(&broker);
    client.run(Drive::Thread);
    let answers = [connack(false, 0x88, b""), ACCEPTED.into(), ACCEPTED.into()];
    for (start, answer) in starts.into_iter().zip(answers) {
        let mut peer = broker.accept();
        let asked = session_of(&mut peer);
        assert_eq!(asked, (start, expiry), "{}", options.clean_start);
        peer.send(&answer);
    }
}

#[test]
fn clean_start_is_for_each_for_the_first_or_for_no_connection() {
    let forever = u32::MAX;
    for (clean_start, starts_clean, starts_kept) in [
        (PMQTT_CLEAN_START_DEFAULT, [true; 3], [false; 3]),
        (PMQTT_CLEAN_START_ALWAYS, [true; 3], [true; 3]),
        (
            PMQTT_CLEAN_START_FIRST,
            [true, true, false],
            [true, true, false],
        ),
        (PMQTT_CLEAN_START_NEVER, [false; 3], [false; 3]),
    ] {
        let options = ConnectOptions {
            clean_start,
            ..DEFAULTS
        };
        sessions(true, &options, starts_clean, 0);
        sessions(false, &options, starts_kept, forever);
        let options = ConnectOptions {
            session_expiry_s: 30,
            ..options
        };
        sessions(true, &options, starts_clean, 30);
        sessions(false, &options, starts_kept, 30);
    }
}

fn client_id(client: Handle) -> &'static CStr {
    // SAFETY: the client lives, and the tests use the text only while it is valid.
    unsafe { CStr::from_ptr(ffi::pmqtt_client_id(client.0)) }
}

/// The client identifier of CONNECT.
fn id_of(peer: &mut Peer) -> String {
    peer.read(|packet| match packet {
        Packet::Connect(connect) => connect.client_id.into(),
        other => panic!("{other}"),
    })
}

#[test]
fn the_brokers_client_id_is_used_again_and_no_pointer_ends() {
    let (client, broker) = (Client::mqtt5("given"), Broker::new());
    let options = ConnectOptions {
        client_id_by_broker: true,
        ..DEFAULTS
    };
    assert_eq!(set(*client, &options), 0);
    reconnect_when_lost(&client);
    let given = client_id(*client);
    assert_eq!(given, c"given");
    client.connect_async(&broker);
    client.run(Drive::Thread);

    let mut peer = broker.accept();
    assert_eq!(id_of(&mut peer), "");
    peer.send(&accepted_with(b"\x12\0\x03own"));
    assert_eq!(client.next(), Event::CONNECTED);
    let own = client_id(*client);
    assert_eq!((given, own), (c"given", c"own"));
    drop(peer);
    assert!(matches!(client.next(), Event::Disconnected { .. }));

    // A broker assigns an identifier only where CONNECT has none.
    let mut peer = broker.accept();
    assert_eq!(id_of(&mut peer), "own");
    peer.send(&accepted_with(b"\x12\0\x05other"));
    assert_eq!(client.next(), Event::CONNECTED);
    assert_eq!(client_id(*client).as_ptr(), own.as_ptr());
    assert_eq!(set_defaults(*client), 0);
    assert_eq!(client_id(*client).as_ptr(), given.as_ptr());
    drop(peer);

    let mut peer = broker.accept();
    assert_eq!(id_of(&mut peer), "given");
    // SAFETY: the client lives.
    let rc = unsafe { ffi::pmqtt_reinitialise(client.0, c"given".as_ptr(), true, null_mut()) };
    assert_eq!(rc, 0);
    assert_eq!(client_id(*client).as_ptr(), given.as_ptr());
    assert_eq!((given, own), (c"given", c"own"));
}

fn negotiated(client: Handle) -> Result<Negotiated, i32> {
    // SAFETY: a structure of numbers may be all zero.
    let mut out: Negotiated = unsafe { std::mem::zeroed() };
    out.struct_size = size_of::<Negotiated>();
    // SAFETY: the client lives, and so does the structure.
    match unsafe { ffi::pmqtt_negotiated_get(client.0, &mut out) } {
        0 => Ok(out),
        rc => Err(rc),
    }
}

/// The return code, and what is in the buffer of `size` bytes.
fn text(client: Handle, id: i32, size: usize) -> (i32, String) {
    let mut buffer = vec![b'-'; size];
    // SAFETY: the client lives, and the buffer has this size.
    let rc = unsafe {
        ffi::pmqtt_negotiated_text(client.0, id, buffer.as_mut_ptr().cast(), buffer.len())
    };
    let text = buffer.split(|byte| *byte == 0).next().unwrap_or_default();
    (rc, String::from_utf8(text.into()).expect("UTF-8"))
}

#[test]
fn what_the_broker_states_is_told_while_connected() {
    const RESPONSE: i32 = ffi::PMQTT_PROP_RESPONSE_INFORMATION;
    const REFERENCE: i32 = ffi::PMQTT_PROP_SERVER_REFERENCE;
    let client = Client::mqtt5("c");
    assert_eq!(negotiated(*client).err(), Some(PMQTT_ERR_NO_CONN));
    assert_eq!(
        text(*client, RESPONSE, 3),
        (PMQTT_ERR_NO_CONN, "---".into())
    );
    drop(client);

    let stated = [
        b"\x11\0\0\x01\0\x21\0\x09\x24\x01\x25\0" as &[u8],
        b"\x27\0\0\x02\0\x22\0\x03\x28\0\x29\0\x2a\0\x13\0\x0a\x1a\0\x03a/b",
    ]
    .concat();
    let connection = connected5(Drive::Thread, &accepted_with(&stated));
    let client = *connection.client;
    let with = negotiated(client).expect("a connection");
    assert_eq!(with.version, ffi::PMQTT_PROTOCOL_V5);
    assert_eq!(with.session_expiry_s, 0x100);
    assert_eq!(with.receive_maximum, 9);
    assert_eq!(with.maximum_qos, 1);
    assert_eq!(with.maximum_packet_size, 0x200);
    assert_eq!(with.topic_alias_maximum, 3);
    assert_eq!(with.keep_alive_s, 10);
    assert!(!with.retain_available && !with.wildcard_available && !with.shared_available);
    assert!(!with.subscription_identifiers_available);
    assert_eq!(text(client, RESPONSE, 4), (0, "a/b".into()));
    assert_eq!(text(client, RESPONSE, 3), (PMQTT_ERR_INVAL, "---".into()));
    assert!(client.last_error().contains("needs 4 bytes"));
    assert_eq!(
        text(client, REFERENCE, 3),
        (PMQTT_ERR_NOT_FOUND, "---".into())
    );
    assert_eq!(text(client, 1, 3), (PMQTT_ERR_INVAL, "---".into()));
    drop(connection.peer);
    assert!(matches!(
        connection.client.next(),
        Event::Disconnected { .. }
    ));
    assert_eq!(negotiated(client).err(), Some(PMQTT_ERR_NO_CONN));
}

#[test]
fn a_broker_that_states_nothing_has_no_limits() {
    let kept = Client::create("c", false, ffi::PMQTT_PROTOCOL_V31);
    let broker = Broker::new();
    kept.connect_async(&broker);
    kept.run(Drive::Thread);
    let mut peer = broker.accept();
    peer.expect(b"\x10\x0f\0\x06MQIsdp\x03\0\0\x3c\0\x01c");
    peer.send(CONNACK);
    assert_eq!(kept.next(), Event::CONNECTED);
    let older = connected(Drive::Thread);
    let newer = connected5(Drive::Thread, ACCEPTED);
    for (client, version, expiry) in [
        (*kept, ffi::PMQTT_PROTOCOL_V31, u32::MAX),
        (*older.client, ffi::PMQTT_PROTOCOL_V311, 0),
        (*newer.client, ffi::PMQTT_PROTOCOL_V5, 0),
    ] {
        let with = negotiated(client).expect("a connection");
        assert_eq!((with.version, with.session_expiry_s), (version, expiry));
        assert_eq!((with.receive_maximum, with.maximum_qos), (65_535, 2));
        assert_eq!(
            (with.maximum_packet_size, with.keep_alive_s),
            (268_435_460, 60)
        );
        assert_eq!(with.topic_alias_maximum, 0);
        assert!(with.retain_available && with.wildcard_available && with.shared_available);
        let is_newer = version == ffi::PMQTT_PROTOCOL_V5;
        assert_eq!(with.subscription_identifiers_available, is_newer);
    }
}

#[test]
fn a_wrong_option_changes_nothing() {
    let (client, broker) = (Client::mqtt5("c"), Broker::new());
    let refused = |options: ConnectOptions, words: &str| {
        assert_eq!(set(*client, &options), PMQTT_ERR_INVAL);
        let said = client.last_error();
        assert!(
            said.starts_with("connect_options_set: ") && said.contains(words),
            "{said}"
        );
    };
    let with = |change: fn(&mut ConnectOptions)| {
        let mut options = ConnectOptions {
            session_expiry_s: 5,
            ..DEFAULTS
        };
        change(&mut options);
        options
    };
    refused(with(|it| it.clean_start = 4), "there is no clean_start 4");
    refused(with(|it| it.clean_start = -1), "there is no clean_start -1");
    refused(
        with(|it| it.receive_maximum = -1),
        "receive_maximum -1 is not between",
    );
    refused(
        with(|it| it.receive_maximum = 65_536),
        "receive_maximum 65536",
    );
    refused(
        with(|it| it.topic_alias_send = -2),
        "topic_alias_send -2 is not between -1",
    );
    refused(
        with(|it| it.topic_alias_receive = 65_536),
        "topic_alias_receive 65536",
    );
    refused(
        with(|it| it.user_property_count = 1),
        "user_properties is NULL",
    );
    refused(with(|it| it.struct_size -= 8), "struct_size is too small");
    client.connect_async(&broker);
    client.run(Drive::Thread);
    broker.welcome(CONNECT, ACCEPTED);

    let older = Client::new("c");
    for rc in [set(*older, &DEFAULTS), set_defaults(*older)] {
        assert_eq!(rc, PMQTT_ERR_NOT_SUPPORTED);
    }
    assert!(older.last_error().contains("PMQTT_PROTOCOL_V5"));
}
