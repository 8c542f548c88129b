//! CONNECT and CONNACK of MQTT 5: what the client asks for, and what the answer means for its session.

mod support;

use pmqtt::codec::Ack::PubRec;
use pmqtt::codec::{Properties, QoS, property, reason};
use pmqtt::session::{CleanStart, Credentials, Failure, GivenUp, Options, Outcome, Will};
use support::extended::{self, accept, connected, open_with, reason_of, set_connect_options};
use support::peer::{self, Peer, connack_with};

const ALWAYS: u32 = u32::MAX;

/// The clean start and the session expiry of the next CONNECT.
fn asked(peer: &mut Peer) -> (bool, Option<u32>) {
    let mut asked = (false, None);
    peer.session.close();
    open_with(peer, |connect| {
        let expiry = connect.properties.number(property::SESSION_EXPIRY);
        asked = (connect.clean_session, expiry);
    });
    asked
}

#[test]
fn clean_session_means_clean_start_and_no_expiry() {
    let mut clean = extended::peer(|options| options.clean_session = true);
    assert_eq!(asked(&mut clean), (true, None));
    let mut durable = extended::peer(|_| {});
    assert_eq!(asked(&mut durable), (false, Some(ALWAYS)));
    set_connect_options(&mut durable, |options| options.session_expiry = Some(60));
    assert_eq!(asked(&mut durable), (false, Some(60)));
    set_connect_options(&mut durable, |options| options.session_expiry = Some(0));
    assert_eq!(asked(&mut durable), (false, None));
}

#[test]
fn clean_start_is_as_the_program_wants_it() {
    let mut peer = extended::peer(|options| options.clean_session = true);
    let expiry = Some(9);
    for (clean_start, expected) in [
        (CleanStart::Always, [true, true, true]),
        (CleanStart::First, [true, true, false]),
        (CleanStart::Never, [false, false, false]),
        (CleanStart::Default, [true, true, true]),
    ] {
        let mut peer = Peer::new(|options| *options = peer.session.options().clone());
        set_connect_options(&mut peer, |options| {
            options.clean_start = clean_start;
            options.session_expiry = expiry;
        });
        // The first connection is never accepted.
        assert_eq!(asked(&mut peer), (expected[0], expiry));
        assert_eq!(asked(&mut peer), (expected[1], expiry));
        accept(&mut peer, false, &[]);
        assert_eq!(asked(&mut peer), (expected[2], expiry));
    }
    assert_eq!(asked(&mut peer), (true, None));
}

#[test]
fn connect_says_what_the_options_say_and_no_defaults() {
    let mut peer = extended::peer(|options| options.clean_session = true);
    set_connect_options(&mut peer, |options| options.aliases_in = 0);
    open_with(&mut peer, |connect| assert!(connect.properties.is_empty()));
    peer.session.close();
    peer.configure(|options| {
        options.max_packet_size = 5000;
        options.keep_alive = 7;
    });
    let of_user = extended::text(property::AUTH_METHOD, "m");
    set_connect_options(&mut peer, |options| {
        options.receive_maximum = 3;
        options.aliases_in = 5;
        options.request_response = true;
        options.request_problem = false;
        options.properties = of_user.clone();
    });
    open_with(&mut peer, |connect| {
        assert_eq!((connect.client_id, connect.keep_alive), ("client", 7));
        let mut expected = extended::numbers(&[
            (property::RECEIVE_MAXIMUM, 3),
            (property::MAXIMUM_PACKET_SIZE, 5000),
            (property::TOPIC_ALIAS_MAXIMUM, 5),
            (property::REQUEST_RESPONSE, 1),
            (property::REQUEST_PROBLEM, 0),
        ]);
        expected.append(of_user.get());
        assert_eq!(connect.properties, expected.get());
    });
}

#[test]
fn will_and_credentials_are_in_connect() {
    let with = |change: fn(&mut Options)| {
        let mut peer = extended::peer(change);
        let mut found = (None, None, None);
        open_with(&mut peer, |connect| {
            let will = connect.will.map(|will| {
                let delay = will.properties.map(|it| it.number(property::WILL_DELAY));
                (will.qos, will.retain, delay.flatten())
            });
            let name = connect.username.map(String::from);
            found = (will, name, connect.password.map(<[u8]>::to_vec));
        });
        found
    };
    assert_eq!(with(|_| {}), (None, None, None));
    let all = with(|options| {
        options.will = Some(Box::new(Will {
            topic: b"w".to_vec(),
            payload: b"gone".to_vec(),
            qos: QoS::ExactlyOnce,
            retain: true,
            properties: extended::numbers(&[(property::WILL_DELAY, 4)]),
        }));
        options.credentials = Some(Box::new(Credentials {
            username: "me".into(),
            password: None,
        }));
    });
    assert_eq!(all.0, Some((QoS::ExactlyOnce, true, Some(4))));
    assert_eq!((all.1.as_deref(), all.2), (Some("me"), None));
}

#[test]
fn a_session_after_clean_start_is_a_protocol_error() {
    for clean_session in [true, false] {
        let mut peer = extended::peer(|options| options.clean_session = clean_session);
        peer.open();
        let packet = connack_with(0, true, Properties::NONE, peer.version());
        match peer.try_hears(packet) {
            Err(failure) if clean_session => {
                assert_eq!(reason_of(failure), reason::PROTOCOL_ERROR);
            }
            other => assert_eq!((clean_session, other), (false, Ok("connack 0".into()))),
        }
    }
}

/// What the program sets after CONNECT is for the next connection.
#[test]
fn the_answer_is_to_the_connect_that_was_sent() {
    let mut peer = extended::peer(|options| options.keep_alive = 10);
    peer.open();
    peer.configure(|options| {
        options.keep_alive = 0;
        options.clean_session = true;
    });
    set_connect_options(&mut peer, |options| {
        options.clean_start = CleanStart::Always
    });
    accept(&mut peer, true, &[]);
    let negotiated = peer.session.negotiated().expect("it is MQTT 5");
    assert_eq!(negotiated.keep_alive, 10);
    assert_eq!(negotiated.session_expiry, ALWAYS);
    let due = peer
        .session
        .poll_timeout()
        .expect("the broker expects PINGREQ");
    assert_eq!(due, peer.now + support::seconds(10));
    assert_eq!(asked(&mut peer), (true, None));
}

#[test]
fn the_broker_may_choose_the_client_identifier() {
    let mut peer = extended::peer(|_| {});
    set_connect_options(&mut peer, |options| options.is_id_assigned = true);
    let ids = |peer: &mut Peer| {
        let mut id = String::new();
        peer.session.close();
        open_with(peer, |connect| id = connect.client_id.into());
        id
    };
    assert_eq!(ids(&mut peer), "");
    peer.accept(
        false,
        extended::text(property::ASSIGNED_CLIENT_ID, "chosen").get(),
    );
    assert_eq!(peer.session.client_id(), c"chosen");
    assert_eq!(ids(&mut peer), "chosen");
    peer.accept(true, Properties::NONE);
    assert_eq!(ids(&mut peer), "chosen");
}

#[test]
fn a_refusal_is_told_and_leaves_the_session_as_it_was() {
    let mut peer = connected(|_| {}, &[]);
    peer.publish(1, "a");
    peer.sent();
    peer.session.close();
    peer.open();
    let refusal = connack_with(0x87, false, Properties::NONE, peer.version());
    assert_eq!(peer.hears(refusal), "connack 135");
    assert!(peer.sent().is_empty());
    assert_eq!(
        peer.session.parting(reason::PROTOCOL_ERROR).map(|_| ()),
        None
    );
    assert_eq!(peer.reconnect(true), ["PUBLISH q1 #1 dup a"]);
}

#[test]
fn connack_comes_first_and_once() {
    let mut peer = extended::peer(|_| {});
    for packet in [
        extended::message(0, 0, "a"),
        extended::disconnect(0x8b, Properties::NONE),
    ] {
        peer.session.close();
        peer.open();
        let failure = peer.try_hears(packet).expect_err("no CONNACK");
        assert_eq!(reason_of(failure), reason::PROTOCOL_ERROR);
    }
    assert!(peer.reconnect(false).is_empty());
    let again = connack_with(0, false, Properties::NONE, peer.version());
    assert_eq!(
        peer.try_hears(again),
        Err(Failure::Violation(
            "a second CONNACK",
            reason::PROTOCOL_ERROR
        ))
    );
}

/// [MQTT5-3.1.2-4]
#[test]
fn clean_start_discards_the_session_of_the_client() {
    let mut peer = connected(|_| {}, &[]);
    for qos in [1, 2, 2] {
        peer.publish(qos, "a");
    }
    peer.hears(peer::ack(PubRec, 3));
    peer.hears(extended::message(2, 9, "in"));
    peer.sent();
    set_connect_options(&mut peer, |options| {
        options.clean_start = CleanStart::Always
    });
    assert_eq!(asked(&mut peer), (true, Some(ALWAYS)));
    let sent = accept(&mut peer, false, &[]);
    assert_eq!(sent, ["PUBLISH q1 #1 a", "PUBLISH q2 #2 a"]);
    let (mid, why) = (3, GivenUp::InDoubt);
    assert_eq!(peer.outcomes(), [Outcome::GivenUp { mid, why }]);
    assert_eq!(
        peer.hears(extended::message(2, 9, "new")),
        "message q2 #9 new"
    );
}
