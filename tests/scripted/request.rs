//! Requests and their responses (section 4.10 of MQTT 5): each request ends once.

use std::ffi::c_void;
use std::ptr::{null, null_mut};
use std::thread;
use std::time::Duration;

use pmqtt::client::events::PropertyView;
use pmqtt::codec::PacketId;
use pmqtt::ffi::{
    self, ConnectOptions, PMQTT_ERR_CANCELLED, PMQTT_ERR_DROPPED, PMQTT_ERR_EXPIRED,
    PMQTT_ERR_INVAL, PMQTT_ERR_NO_CONN, PMQTT_ERR_NOT_FOUND, PMQTT_ERR_NOT_SUPPORTED,
    PMQTT_ERR_REJECTED, PMQTT_ERR_TIMEOUT, Publication, QueueOptions,
};

use crate::support::mqtt5::{ACCEPTED, accepted_with, connack, connected5};
use crate::support::requests::{
    Ends, LONG, answered, cancel, ended, on_response, publication, request, request_of, try_request,
};
use crate::support::{
    Broker, CONNACK, CONNECT, Client, Connection, Drive, Event, Handle, c, connected, each_drive,
    each_of,
};

#[test]
fn each_response_reaches_its_request_and_nobody_else() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected5(drive, ACCEPTED);
        let ends = Ends::new();
        assert_eq!(client.add_filter("#"), 0);
        let first = request(*client, 0, LONG, &ends);
        let second = request(*client, 1, LONG, &ends);
        let filter = peer.grant();
        assert!(filter.starts_with("pmqtt/reply/c/"), "{filter}");
        let (one, two) = (peer.asked(), peer.asked());
        assert_eq!(one.topic, filter.as_bytes());
        assert_eq!(two.topic, filter.as_bytes());
        assert_eq!(one.correlation.len(), 16);
        assert_ne!(one.correlation[8..], two.correlation[8..]);
        peer.puback(&two, 0);
        peer.respond(&two, b"b");
        peer.respond(&one, b"a");
        assert_eq!(ends.next(), answered(second, b"b"));
        assert_eq!(ends.next(), answered(first, b"a"));
        // Doubled, from a stranger, and from one that knows the topic only.
        peer.respond(&two, b"b");
        let mut wrong = two.correlation.clone();
        wrong[15] ^= 1;
        peer.deliver(&two.topic, Some(&wrong), b"c", None);
        peer.deliver(&two.topic, None, b"d", None);
        // Of an earlier process of this client.
        peer.deliver(b"pmqtt/reply/c/x", Some(&two.correlation), b"e", None);
        let third = request(*client, 0, LONG, &ends);
        let three = peer.asked();
        peer.respond(&three, b"");
        assert_eq!(ends.next(), answered(third, b""));
        assert_eq!(client.stats().responses_dropped, 4);
        assert_eq!(client.stats().unsettled, 0);
        assert_eq!(client.told(), None);
        assert!(ends.is_empty());
    });
}

#[test]
fn a_request_times_out_and_its_late_response_is_dropped() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected5(drive, ACCEPTED);
        let ends = Ends::new();
        let ids = [300, 100, 200].map(|ms| request(*client, 0, ms, &ends));
        peer.grant();
        let asked = ids.map(|_| peer.asked());
        for index in [1, 2, 0] {
            assert_eq!(ends.next(), ended(ids[index], PMQTT_ERR_TIMEOUT));
        }
        for asked in &asked {
            peer.respond(asked, b"late");
        }
        peer.expect_silence5();
        assert_eq!(client.stats().responses_dropped, 3);
        assert_eq!(cancel(*client, ids[0]), PMQTT_ERR_NOT_FOUND);
        assert!(ends.is_empty());
    });
}

#[test]
fn a_cancelled_request_ends_once() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected5(drive, ACCEPTED);
        let ends = Ends::new();
        let id = request(*client, 1, LONG, &ends);
        peer.grant();
        let asked = peer.asked();
        assert_eq!(cancel(*client, id), 0);
        assert_eq!(cancel(*client, id), PMQTT_ERR_NOT_FOUND);
        assert_eq!(ends.next(), ended(id, PMQTT_ERR_CANCELLED));
        peer.puback(&asked, 0);
        peer.respond(&asked, b"late");
        peer.expect_silence5();
        assert_eq!(client.stats().responses_dropped, 1);
        assert_eq!(client.stats().unsettled, 0);
        assert_eq!(client.told(), None);
        assert!(ends.is_empty());
    });
}

#[test]
fn a_refused_subscription_ends_all_and_is_tried_again() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected5(drive, ACCEPTED);
        let ends = Ends::new();
        let ids = [0, 1].map(|qos| request(*client, qos, LONG, &ends));
        let filter = peer.answer_subscribe(0x87);
        for id in ids {
            assert_eq!(ends.next(), (id, PMQTT_ERR_REJECTED, 0x87, None));
        }
        let asked = [peer.asked(), peer.asked()];
        peer.puback(&asked[1], 0);
        let id = request(*client, 0, LONG, &ends);
        assert_eq!(peer.grant(), filter);
        let asked = peer.asked();
        peer.respond(&asked, b"x");
        assert_eq!(ends.next(), answered(id, b"x"));
        assert_eq!(client.told(), None);
    });
}

#[test]
fn a_refused_message_ends_its_request() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected5(drive, ACCEPTED);
        let ends = Ends::new();
        let (refused, unheard) = (
            request(*client, 1, LONG, &ends),
            request(*client, 1, LONG, &ends),
        );
        peer.grant();
        let (one, two) = (peer.asked(), peer.asked());
        peer.puback(&two, 0x10);
        peer.puback(&one, 0x87);
        assert_eq!(ends.next(), (refused, PMQTT_ERR_REJECTED, 0x87, None));
        peer.respond(&two, b"x");
        assert_eq!(ends.next(), answered(unheard, b"x"));
        assert_eq!(client.told(), None);
    });
}

#[test]
fn a_request_outlives_its_connection() {
    each_of(&Drive::RECONNECTING, |drive| {
        let Connection {
            client,
            mut peer,
            broker,
        } = connected5(drive, ACCEPTED);
        let ends = Ends::new();
        let lost = request(*client, 0, 1500, &ends);
        let kept = request(*client, 1, LONG, &ends);
        let filter = peer.grant();
        peer.asked();
        let before = peer.asked();
        drop(peer);
        assert!(matches!(client.next(), Event::Disconnected { .. }));
        // The session is lost: SUBSCRIBE comes before the message.
        let mut peer = broker.welcome_any(ACCEPTED);
        assert_eq!(client.next(), Event::CONNECTED);
        assert_eq!(peer.grant(), filter);
        let again = peer.asked();
        assert_eq!(again.correlation, before.correlation);
        peer.puback(&again, 0);
        peer.respond(&again, b"x");
        assert_eq!(ends.next(), answered(kept, b"x"));
        assert_eq!(ends.next(), ended(lost, PMQTT_ERR_TIMEOUT));
        drop(peer);
        assert!(matches!(client.next(), Event::Disconnected { .. }));
        // Nothing waits: no SUBSCRIBE, until there is a request.
        let mut peer = broker.welcome_any(ACCEPTED);
        assert_eq!(client.next(), Event::CONNECTED);
        peer.expect_silence5();
        let id = request(*client, 0, LONG, &ends);
        assert_eq!(peer.grant(), filter);
        let asked = peer.asked();
        peer.respond(&asked, b"y");
        assert_eq!(ends.next(), answered(id, b"y"));
        assert_eq!(client.told(), None);
    });
}

#[test]
fn a_session_keeps_the_subscription() {
    let (client, broker) = (
        Client::create("c", false, ffi::PMQTT_PROTOCOL_V5),
        Broker::new(),
    );
    client.connect_async(&broker);
    client.run(Drive::Thread);
    let mut peer = broker.welcome_any(ACCEPTED);
    assert_eq!(client.next(), Event::CONNECTED);
    let ends = Ends::new();
    let first = request(*client, 1, LONG, &ends);
    peer.grant();
    let asked = peer.asked();
    peer.puback(&asked, 0);
    // Its PUBACK came before this.
    peer.expect_silence5();
    drop(peer);
    assert!(matches!(client.next(), Event::Disconnected { .. }));
    let mut peer = broker.welcome_any(&connack(true, 0, b""));
    client.next();
    let second = request(*client, 0, LONG, &ends);
    let other = peer.asked();
    peer.respond(&asked, b"a");
    peer.respond(&other, b"b");
    assert_eq!(ends.next(), answered(first, b"a"));
    assert_eq!(ends.next(), answered(second, b"b"));
}

#[test]
fn without_a_connection_a_request_waits_or_is_refused() {
    each_of(&Drive::RECONNECTING, |drive| {
        let (client, broker) = (Client::mqtt5("c"), Broker::new());
        let ends = Ends::new();
        let refused = try_request(*client, 0, LONG, ends.userdata());
        assert_eq!(refused, (PMQTT_ERR_NO_CONN, 0));
        let dropped = request(*client, 1, LONG, &ends);
        let kept = request(*client, 1, LONG, &ends);
        assert_eq!(cancel(*client, dropped), 0);
        client.connect_async(&broker);
        client.run(drive);
        assert_eq!(ends.next(), ended(dropped, PMQTT_ERR_CANCELLED));
        let mut peer = broker.accept();
        assert_eq!(peer.packet()[0], 0x10);
        // Before CONNACK, QoS 0 waits too. SUBSCRIBE is the first packet.
        let early = request(*client, 0, LONG, &ends);
        peer.send(ACCEPTED);
        peer.grant();
        let (one, two) = (peer.asked(), peer.asked());
        assert!(one.id.is_none() && two.id.is_some());
        peer.respond(&one, b"early");
        peer.respond(&two, b"kept");
        assert_eq!(ends.next(), answered(early, b"early"));
        assert_eq!(ends.next(), answered(kept, b"kept"));
    });
}

#[test]
fn without_a_connection_a_request_times_out_or_expires() {
    each_of(&[Drive::Step, Drive::Thread, Drive::EventFd], |drive| {
        let client = Client::mqtt5("c");
        let ends = Ends::new();
        let id = request(*client, 1, 50, &ends);
        client.run(drive);
        assert_eq!(ends.next(), ended(id, PMQTT_ERR_TIMEOUT));
        assert_eq!(client.stats().queued_messages, 0);
        let topic = c("service");
        let limited = Publication {
            expiry_s: 1,
            ..publication(&topic, 1)
        };
        let (rc, id) = request_of(*client, &limited, LONG, ends.userdata());
        assert_eq!(rc, 0);
        assert_eq!(ends.next(), ended(id, PMQTT_ERR_EXPIRED));
        let id = request(*client, 1, LONG, &ends);
        client.clear_queue();
        assert_eq!(ends.next(), ended(id, PMQTT_ERR_CANCELLED));
        assert_eq!(client.told(), None);
        assert!(ends.is_empty());
    });
}

#[test]
fn a_message_that_makes_room_ends_its_request() {
    let (client, ends) = (Client::mqtt5("c"), Ends::new());
    let options = QueueOptions {
        struct_size: size_of::<QueueOptions>(),
        when_full: ffi::PMQTT_WHEN_FULL_DROP_OLDEST,
        newest_only: false,
        keep_qos0: false,
    };
    // SAFETY: the client and the options live.
    unsafe {
        assert_eq!(ffi::pmqtt_max_queued_messages_set(client.0, 1), 0);
        assert_eq!(ffi::pmqtt_queue_options_set(client.0, &options), 0);
    }
    let dropped = request(*client, 1, LONG, &ends);
    let kept = request(*client, 1, LONG, &ends);
    client.run(Drive::Thread);
    assert_eq!(ends.next(), ended(dropped, PMQTT_ERR_DROPPED));
    assert_eq!(cancel(*client, kept), 0);
    assert_eq!(ends.next(), ended(kept, PMQTT_ERR_CANCELLED));
    assert_eq!(client.told(), None);
}

#[test]
fn the_broker_chooses_the_response_topic_where_it_is_asked() {
    let (client, broker) = (Client::mqtt5("c"), Broker::new());
    let ends = Ends::new();
    let options = ConnectOptions {
        struct_size: size_of::<ConnectOptions>(),
        request_response_information: true,
        // SAFETY: numbers, false and NULL.
        ..unsafe { std::mem::zeroed() }
    };
    // SAFETY: the client and the options live.
    let rc = unsafe { ffi::pmqtt_connect_options_set(client.0, &options) };
    assert_eq!(rc, 0);
    let unknown = try_request(*client, 1, LONG, ends.userdata());
    assert_eq!(unknown, (PMQTT_ERR_NO_CONN, 0));
    assert!(client.last_error().contains("response topic is unknown"));
    client.connect_async(&broker);
    client.run(Drive::Thread);
    let mut peer = broker.welcome_any(&accepted_with(b"\x1a\0\x03r/7"));
    assert_eq!(client.next(), Event::CONNECTED);
    let id = request(*client, 0, LONG, &ends);
    let filter = peer.grant();
    assert!(filter.starts_with("r/7/pmqtt/"), "{filter}");
    let asked = peer.asked();
    peer.respond(&asked, b"x");
    assert_eq!(ends.next(), answered(id, b"x"));
    // Messages beside the topic are the program's.
    peer.deliver(b"r/7/own", None, b"y", None);
    assert!(matches!(client.next(), Event::Message(_)));
    drop(peer);
    assert!(matches!(client.next(), Event::Disconnected { .. }));
    let mut peer = broker.welcome_any(&accepted_with(b"\x1a\0\x03r/8"));
    assert_eq!(client.next(), Event::CONNECTED);
    request(*client, 0, LONG, &ends);
    assert!(peer.grant().starts_with("r/8/pmqtt/"));
}

#[test]
fn a_callback_may_request_and_cancel() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected5(drive, ACCEPTED);
        let ends = Ends::new();
        let first = request(*client, 0, LONG, &ends);
        let other = request(*client, 0, LONG, &ends);
        peer.grant();
        let one = peer.asked();
        peer.asked();
        let userdata = ends.userdata() as usize;
        let mut calls = 0;
        ends.hook(move |client, end| {
            calls += 1;
            assert_eq!(cancel(client, end.0), PMQTT_ERR_NOT_FOUND);
            if calls == 1 {
                assert_eq!(cancel(client, other), 0);
                assert_eq!(try_request(client, 0, LONG, userdata as *mut c_void).0, 0);
            }
        });
        peer.respond(&one, b"x");
        assert_eq!(ends.next(), answered(first, b"x"));
        assert_eq!(ends.next(), ended(other, PMQTT_ERR_CANCELLED));
        let third = peer.asked();
        peer.respond(&third, b"y");
        assert_eq!(ends.next().3, Some(b"y".to_vec()));
    });
}

#[test]
fn a_callback_may_reinitialise_and_the_others_are_dropped() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected5(drive, ACCEPTED);
        let ends = Ends::new();
        let ids = [0; 3].map(|qos| request(*client, qos, 200, &ends));
        peer.grant();
        let asked = peer.asked();
        ends.hook(|client, _| client.reinitialise("d"));
        peer.respond(&asked, b"x");
        assert_eq!(ends.next(), answered(ids[0], b"x"));
        assert_eq!(cancel(*client, ids[1]), PMQTT_ERR_NOT_FOUND);
        assert_eq!(client.stats().responses_dropped, 0);
        thread::sleep(Duration::from_millis(300));
        assert!(ends.is_empty());
    });
}

#[test]
fn a_callback_may_free_and_the_others_are_dropped() {
    let mut client = null_mut();
    // SAFETY: the client is created, used and freed, in this order.
    unsafe {
        let protocol = ffi::PMQTT_PROTOCOL_V5;
        let rc = ffi::pmqtt_client_new(&mut client, c"c".as_ptr(), true, null_mut(), protocol);
        assert_eq!(rc, 0);
    }
    let (client, broker, ends) = (Handle(client), Broker::new(), Ends::new());
    let ids = [1; 3].map(|qos| request(client, qos, LONG, &ends));
    assert_eq!(cancel(client, ids[0]), 0);
    assert_eq!(cancel(client, ids[1]), 0);
    ends.hook(|client, _| client.free());
    assert_eq!(client.connect_async_to("127.0.0.1", broker.port(), 60), 0);
    client.step(100);
    assert_eq!(ends.next(), ended(ids[0], PMQTT_ERR_CANCELLED));
    assert!(ends.is_empty());
}

#[test]
fn the_library_acknowledges_responses() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected5(drive, ACCEPTED);
        client.set_manual_ack(true);
        let ends = Ends::new();
        let id = request(*client, 0, LONG, &ends);
        peer.grant();
        let asked = peer.asked();
        let packet = PacketId::new(7);
        peer.deliver(&asked.topic, Some(&asked.correlation), b"x", packet);
        peer.expect(b"\x40\x02\0\x07");
        assert_eq!(ends.next(), answered(id, b"x"));
        // It is acknowledged in its place, also one that is dropped.
        peer.deliver(b"a", None, b"own", PacketId::new(8));
        peer.deliver(
            &asked.topic,
            Some(&asked.correlation),
            b"x",
            PacketId::new(9),
        );
        peer.expect_silence5();
        assert_eq!(client.stats().acks_held, 1);
        assert_eq!(client.ack(client.next_mid(), 1), 0);
        peer.expect(b"\x40\x02\0\x08\x40\x02\0\x09");
        assert_eq!(client.stats().responses_dropped, 1);
    });
}

#[test]
fn a_wrong_request_is_refused_and_changes_nothing() {
    let Connection {
        client, mut peer, ..
    } = connected5(Drive::Thread, ACCEPTED);
    let (topic, bad, ends) = (c("service"), c("a/+"), Ends::new());
    let right = publication(&topic, 0);
    let list = [0x08, 0, 1, b'r'];
    let wrong = [
        Publication {
            response_topic: topic.as_ptr(),
            ..right
        },
        Publication {
            correlation: b"x".as_ptr().cast(),
            correlation_len: 1,
            ..right
        },
        Publication { tag: 1, ..right },
        Publication {
            properties: PropertyView {
                data: list.as_ptr().cast(),
                len: list.len(),
            },
            ..right
        },
        publication(&bad, 0),
        publication(&topic, 3),
    ];
    for publication in &wrong {
        let refused = request_of(*client, publication, LONG, ends.userdata());
        assert_eq!(refused, (PMQTT_ERR_INVAL, 0), "{}", client.last_error());
    }
    for timeout in [0, -1] {
        let refused = request_of(*client, &right, timeout, ends.userdata());
        assert_eq!(refused, (PMQTT_ERR_INVAL, 0));
    }
    // SAFETY: NULL is what is tested.
    unsafe {
        let rc = ffi::pmqtt_request(client.0, &right, 1, None, null_mut(), null_mut());
        assert_eq!(rc, PMQTT_ERR_INVAL);
        let callback = Some(on_response as _);
        let rc = ffi::pmqtt_request(client.0, null(), 1, callback, null_mut(), null_mut());
        assert_eq!(rc, PMQTT_ERR_INVAL);
    }
    assert_eq!(cancel(*client, 1), PMQTT_ERR_NOT_FOUND);
    peer.expect_silence5();

    let older = connected(Drive::Thread).client;
    let refused = request_of(*older, &right, LONG, ends.userdata());
    assert_eq!(refused, (PMQTT_ERR_NOT_SUPPORTED, 0));
    assert!(older.last_error().contains("only MQTT 5"));
    let address = PropertyView {
        data: list.as_ptr().cast(),
        len: list.len(),
    };
    // SAFETY: the client and the arguments live.
    let rc = unsafe { ffi::pmqtt_reply_to(older.0, &address, &right) };
    assert_eq!(rc, PMQTT_ERR_NOT_SUPPORTED);
    assert!(ends.is_empty());
}

#[test]
fn a_subscription_that_does_not_fit_is_a_refusal() {
    let (client, broker, ends) = (Client::mqtt5("c"), Broker::new(), Ends::new());
    let early = request(*client, 1, LONG, &ends);
    client.connect_async(&broker);
    client.run(Drive::Thread);
    let mut peer = broker.accept();
    assert_eq!(peer.packet()[0], 0x10);
    let second = request(*client, 0, LONG, &ends);
    // SUBSCRIBE waits for CONNACK, which takes packets of 32 bytes.
    peer.send(&accepted_with(b"\x27\0\0\0\x20"));
    for id in [early, second] {
        assert_eq!(ends.next(), (id, PMQTT_ERR_REJECTED, 0x95, None));
    }
    assert_eq!(client.next(), Event::CONNECTED);
    peer.expect_silence5();
    assert_eq!(client.told(), None);
}

#[test]
fn a_connection_may_end_before_the_subscription_is_granted() {
    each_of(&Drive::RECONNECTING, |drive| {
        let client = Client::create("c", false, ffi::PMQTT_PROTOCOL_V5);
        let broker = Broker::new();
        client.connect_async(&broker);
        client.run(drive);
        let mut peer = broker.welcome_any(ACCEPTED);
        assert_eq!(client.next(), Event::CONNECTED);
        let ends = Ends::new();
        let id = request(*client, 1, LONG, &ends);
        assert_eq!(peer.packet()[0], 0x82);
        drop(peer);
        assert!(matches!(client.next(), Event::Disconnected { .. }));
        let mut peer = broker.welcome_any(&connack(true, 0, b""));
        client.next();
        peer.grant();
        let asked = peer.asked();
        peer.respond(&asked, b"x");
        assert_eq!(ends.next(), answered(id, b"x"));
        assert_eq!(client.told(), None);
    });
}

#[test]
fn subscribing_again_is_left_to_requests() {
    let Connection {
        client,
        mut peer,
        broker,
    } = connected5(Drive::Thread, ACCEPTED);
    // SAFETY: the client lives.
    assert_eq!(unsafe { ffi::pmqtt_resubscribe_set(client.0, true) }, 0);
    let ends = Ends::new();
    let id = request(*client, 0, LONG, &ends);
    peer.grant();
    let asked = peer.asked();
    peer.respond(&asked, b"x");
    assert_eq!(ends.next(), answered(id, b"x"));
    drop(peer);
    assert!(matches!(client.next(), Event::Disconnected { .. }));
    let mut peer = broker.welcome_any(ACCEPTED);
    assert_eq!(client.next(), Event::CONNECTED);
    peer.expect_silence5();
}

#[test]
fn requests_end_where_the_broker_does_not_speak_mqtt_5() {
    each_of(&Drive::RECONNECTING, |drive| {
        let client = Client::create("c", true, ffi::PMQTT_PROTOCOL_BEST);
        let (broker, ends) = (Broker::new(), Ends::new());
        let ids = [0; 2].map(|_| request(*client, 1, LONG, &ends));
        client.connect_async(&broker);
        client.run(drive);
        drop(broker.welcome_any(b"\x20\x02\0\x01"));
        let mut peer = broker.welcome(CONNECT, CONNACK);
        for id in ids {
            assert_eq!(ends.next(), ended(id, PMQTT_ERR_NOT_SUPPORTED));
        }
        assert_eq!(client.next(), Event::CONNECTED);
        let refused = try_request(*client, 1, LONG, ends.userdata());
        assert_eq!(refused, (PMQTT_ERR_NOT_SUPPORTED, 0));
        // Their messages are not sent.
        peer.expect_silence();
        assert_eq!(client.told(), None);
    });
}
