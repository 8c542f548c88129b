//! Requests and their responses (section 4.10 of MQTT 5): each request ends once.

use std::ffi::{CString, c_int, c_void};
use std::ptr::{null, null_mut};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use pmqtt::client::events::ResponseEvent;
use pmqtt::codec::{
    Buffer, Message as Sent, Packet, PacketId, PropertyList, QoS, RetainHandling, encode, property,
};
use pmqtt::ffi::{
    self, ConnectOptions, PMQTT_ERR_CANCELLED, PMQTT_ERR_EXPIRED, PMQTT_ERR_INVAL,
    PMQTT_ERR_NO_CONN, PMQTT_ERR_NOT_FOUND, PMQTT_ERR_NOT_SUPPORTED, PMQTT_ERR_REJECTED,
    PMQTT_ERR_TIMEOUT, Publication,
};

use crate::support::mqtt5::{ACCEPTED, accepted_with, connack, connected5};
use crate::support::{
    Broker, Client, Connection, Drive, Event, Handle, LIMIT, Peer, c, connected, each_drive,
    each_of,
};

/// Longer than any test.
const LONG: c_int = 1_000_000;

/// The end of a request: its number, rc, reason and the payload of its response.
type End = (u64, c_int, c_int, Option<Vec<u8>>);

type Hook = Box<dyn FnMut(Handle, &End) + Send>;

/// The userdata of requests: hears of their ends.
struct Ends {
    sender: Sender<End>,
    receiver: Receiver<End>,
    hook: Mutex<Option<Hook>>,
}

impl Ends {
    fn new() -> Box<Ends> {
        let (sender, receiver) = channel();
        let hook = Mutex::default();
        Box::new(Ends {
            sender,
            receiver,
            hook,
        })
    }

    #[track_caller]
    fn next(&self) -> End {
        self.receiver.recv_timeout(LIMIT).expect("an end")
    }

    fn is_empty(&self) -> bool {
        self.receiver.try_recv().is_err()
    }

    fn hook(&self, hook: impl FnMut(Handle, &End) + Send + 'static) {
        *self.hook.lock().unwrap() = Some(Box::new(hook));
    }

    fn userdata(&self) -> *mut c_void {
        (&raw const *self).cast_mut().cast()
    }
}

extern "C" fn on_response(
    client: *mut pmqtt::client::Handle,
    ends: *mut c_void,
    event: *const ResponseEvent,
) {
    // SAFETY: the userdata is an `Ends` of the test, which outlives its client; the event lives through the callback.
    let (ends, event) = unsafe { (&*ends.cast::<Ends>(), &*event) };
    // SAFETY: as above; NULL without a response.
    let payload = unsafe { event.message.as_ref() }.map(|message| {
        // SAFETY: pointer and length match.
        let payload = unsafe {
            std::slice::from_raw_parts(message.payload.cast::<u8>(), message.payload_len)
        };
        payload.to_vec()
    });
    let end = (event.id, event.rc, event.reason, payload);
    let hook = ends.hook.lock().unwrap().take();
    if let Some(mut hook) = hook {
        hook(Handle(client), &end);
        ends.hook.lock().unwrap().get_or_insert(hook);
    }
    ends.sender.send(end).expect("a receiver");
}

fn publication(topic: &CString, qos: c_int) -> Publication {
    Publication {
        struct_size: size_of::<Publication>(),
        topic: topic.as_ptr(),
        qos,
        // SAFETY: all bytes 0 are NULL, 0 and false.
        ..unsafe { std::mem::zeroed() }
    }
}

fn try_request(client: Handle, qos: c_int, timeout_ms: c_int, ends: *mut c_void) -> (c_int, u64) {
    let topic = c("service");
    request_of(client, &publication(&topic, qos), timeout_ms, ends)
}

fn request_of(
    client: Handle,
    publication: &Publication,
    timeout_ms: c_int,
    ends: *mut c_void,
) -> (c_int, u64) {
    let mut id = 0;
    // SAFETY: the client lives, and so do the arguments.
    let rc = unsafe {
        let callback = Some(on_response as _);
        ffi::pmqtt_request(client.0, publication, timeout_ms, callback, ends, &mut id)
    };
    (rc, id)
}

#[track_caller]
fn request(client: Handle, qos: c_int, timeout_ms: c_int, ends: &Ends) -> u64 {
    let (rc, id) = try_request(client, qos, timeout_ms, ends.userdata());
    assert_eq!(rc, 0);
    assert_ne!(id, 0);
    id
}

fn cancel(client: Handle, id: u64) -> c_int {
    // SAFETY: the client lives.
    unsafe { ffi::pmqtt_request_cancel(client.0, id) }
}

/// What a responder knows of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    id: Option<PacketId>,
    topic: Vec<u8>,
    correlation: Vec<u8>,
}

impl Peer {
    /// The SUBSCRIBE for responses, which is granted, and its filter.
    #[track_caller]
    fn grant(&mut self) -> String {
        self.answer_subscribe(1)
    }

    #[track_caller]
    fn answer_subscribe(&mut self, code: u8) -> String {
        let (id, filter) = self.read(|packet| match packet {
            Packet::Subscribe(subscribe) => {
                let filters: Vec<_> = subscribe.filters.into_iter().collect();
                let [(filter, wish)] = filters[..] else {
                    panic!("one filter")
                };
                assert_eq!(wish.qos, QoS::AtLeastOnce);
                assert_eq!(wish.retain_handling, RetainHandling::Never);
                assert!(!wish.no_local);
                (subscribe.packet_id.get(), filter.to_string())
            }
            other => panic!("{other}"),
        });
        let [high, low] = id.to_be_bytes();
        self.send(&[0x90, 4, high, low, 0, code]);
        filter
    }

    #[track_caller]
    fn asked(&mut self) -> Asked {
        self.read(|packet| match packet {
            Packet::Publish(publish) => Asked {
                id: publish.packet_id,
                topic: publish
                    .properties
                    .bytes(property::RESPONSE_TOPIC)
                    .expect("a response topic")
                    .to_vec(),
                correlation: publish
                    .properties
                    .bytes(property::CORRELATION_DATA)
                    .expect("correlation data")
                    .to_vec(),
            },
            other => panic!("{other}"),
        })
    }

    fn puback(&mut self, asked: &Asked, reason: u8) {
        let [high, low] = asked.id.expect("QoS 1").get().to_be_bytes();
        self.send(&[0x40, 3, high, low, reason]);
    }

    fn respond(&mut self, asked: &Asked, payload: &[u8]) {
        self.deliver(&asked.topic, Some(&asked.correlation), payload, None);
    }

    fn deliver(&mut self, topic: &[u8], data: Option<&[u8]>, payload: &[u8], id: Option<PacketId>) {
        let mut list = PropertyList::default();
        if let Some(data) = data {
            list.bytes(property::CORRELATION_DATA, data).expect("fits");
        }
        let message = Sent {
            topic,
            payload,
            qos: if id.is_some() {
                QoS::AtLeastOnce
            } else {
                QoS::AtMostOnce
            },
            retain: false,
            properties: Some(list.get()),
        };
        let mut out = Buffer::default();
        encode::publish(&mut out, &message.check().expect("fits"), id).expect("memory");
        self.send(&out);
    }
}

fn answered(id: u64, payload: &[u8]) -> End {
    (id, 0, -1, Some(payload.to_vec()))
}

fn ended(id: u64, rc: c_int) -> End {
    (id, rc, -1, None)
}

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
        std::thread::sleep(std::time::Duration::from_millis(300));
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

/// A request of another client to this one.
fn ask(peer: &mut Peer, topic: Option<&[u8]>, data: Option<&[u8]>) {
    let mut list = PropertyList::default();
    if let Some(topic) = topic {
        list.bytes(property::RESPONSE_TOPIC, topic).expect("fits");
    }
    if let Some(data) = data {
        list.bytes(property::CORRELATION_DATA, data).expect("fits");
    }
    let message = Sent {
        topic: b"service",
        payload: b"?",
        qos: QoS::AtMostOnce,
        retain: false,
        properties: Some(list.get()),
    };
    let mut out = Buffer::default();
    encode::publish(&mut out, &message.check().expect("fits"), None).expect("memory");
    peer.send(&out);
}

#[track_caller]
fn reply(peer: &mut Peer) -> (Vec<u8>, Option<Vec<u8>>, Vec<u8>) {
    peer.read(|packet| match packet {
        Packet::Publish(publish) => (
            publish.topic.as_bytes().to_vec(),
            publish
                .properties
                .bytes(property::CORRELATION_DATA)
                .map(<[u8]>::to_vec),
            publish.payload.to_vec(),
        ),
        other => panic!("{other}"),
    })
}

/// What the callback of a responder returns, and the address that it keeps.
struct Responder {
    results: Mutex<Vec<c_int>>,
    address: Mutex<Vec<u8>>,
}

extern "C" fn on_request(
    client: *mut pmqtt::client::Handle,
    responder: *mut c_void,
    message: *const pmqtt::client::events::MessageEvent,
) {
    // SAFETY: the userdata is a `Responder` of the test, which outlives its client.
    let responder = unsafe { &*responder.cast::<Responder>() };
    let answer = Publication {
        struct_size: size_of::<Publication>(),
        payload: b"!".as_ptr().cast(),
        payload_len: 1,
        // SAFETY: all bytes 0 are NULL, 0 and false.
        ..unsafe { std::mem::zeroed() }
    };
    let mut buf = [0_u8; 64];
    let mut address = pmqtt::client::events::PropertyView {
        data: null(),
        len: 0,
    };
    // SAFETY: the client, the message and the arguments live.
    let results = unsafe {
        let buffer = buf.as_mut_ptr().cast();
        [
            ffi::pmqtt_reply(client, message, &answer),
            ffi::pmqtt_reply_address(message, buffer, buf.len(), &mut address),
            ffi::pmqtt_reply_address(message, buffer, 3, &mut address),
            ffi::pmqtt_reply_address(message, null_mut(), buf.len(), &mut address),
            ffi::pmqtt_reply_address(null(), buffer, buf.len(), &mut address),
            ffi::pmqtt_reply_address(message, buffer, buf.len(), null_mut()),
        ]
    };
    *responder.address.lock().unwrap() = buf[..address.len].to_vec();
    responder.results.lock().unwrap().extend(results);
}

#[test]
fn a_reply_goes_where_the_request_says_at_once_or_later() {
    let Connection {
        client, mut peer, ..
    } = connected5(Drive::Thread, ACCEPTED);
    let responder = Box::new(Responder {
        results: Mutex::default(),
        address: Mutex::default(),
    });
    let handler = ffi::MessageHandler {
        struct_size: size_of::<ffi::MessageHandler>(),
        filter: c"service".as_ptr(),
        callback: Some(on_request),
        userdata: (&raw const *responder).cast_mut().cast(),
        release: None,
    };
    // SAFETY: the client and the handler live.
    let rc = unsafe { ffi::pmqtt_message_handler_add(client.0, &handler) };
    assert_eq!(rc, 0);
    let mut check = |topic: Option<&[u8]>, data: Option<&[u8]>, results: [c_int; 6]| {
        ask(&mut peer, topic, data);
        if results[0] == 0 {
            let expected = (
                topic.unwrap().to_vec(),
                data.map(<[u8]>::to_vec),
                b"!".to_vec(),
            );
            assert_eq!(reply(&mut peer), expected);
            assert!(matches!(client.next(), Event::Published { rc: 0, .. }));
        }
        peer.expect_silence5();
        let mut told = responder.results.lock().unwrap();
        assert_eq!(std::mem::take(&mut *told), results);
    };
    let wrong = PMQTT_ERR_INVAL;
    let none = PMQTT_ERR_NOT_FOUND;
    check(None, Some(b"c"), [none, none, none, wrong, wrong, wrong]);
    check(Some(b"r"), None, [0, 0, wrong, wrong, wrong, wrong]);
    check(
        Some(b"r/1"),
        Some(b"\0\xff"),
        [0, 0, wrong, wrong, wrong, wrong],
    );
    check(Some(b"r/1"), Some(b""), [0, 0, wrong, wrong, wrong, wrong]);
    check(
        Some(b"r/1"),
        Some(b"\0\xff"),
        [0, 0, wrong, wrong, wrong, wrong],
    );
    let bytes = responder.address.lock().unwrap().clone();
    assert_eq!(bytes, b"\x08\0\x03r/1\x09\0\x02\0\xff");
    let address = pmqtt::client::events::PropertyView {
        data: bytes.as_ptr().cast(),
        len: bytes.len(),
    };
    let empty = Publication {
        struct_size: size_of::<Publication>(),
        // SAFETY: all bytes 0 are NULL, 0 and false.
        ..unsafe { std::mem::zeroed() }
    };
    let topic = c("own");
    let with_topic = publication(&topic, 0);
    let with_correlation = Publication {
        correlation: b"x".as_ptr().cast(),
        correlation_len: 1,
        ..empty
    };
    let broken = pmqtt::client::events::PropertyView { len: 5, ..address };
    // SAFETY: the client and the arguments live.
    unsafe {
        assert_eq!(ffi::pmqtt_reply_to(client.0, &address, &empty), 0);
        assert_eq!(ffi::pmqtt_reply_to(client.0, &address, &with_topic), wrong);
        assert_eq!(
            ffi::pmqtt_reply_to(client.0, &address, &with_correlation),
            wrong
        );
        assert_eq!(ffi::pmqtt_reply_to(client.0, &address, null()), wrong);
        assert_eq!(ffi::pmqtt_reply_to(client.0, null(), &empty), wrong);
        assert_eq!(ffi::pmqtt_reply_to(client.0, &broken, &empty), wrong);
        assert_eq!(ffi::pmqtt_reply(client.0, null(), &empty), wrong);
    }
    let later = (b"r/1".to_vec(), Some(b"\0\xff".to_vec()), b"".to_vec());
    assert_eq!(reply(&mut peer), later);
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
            properties: pmqtt::client::events::PropertyView {
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
    let address = pmqtt::client::events::PropertyView {
        data: list.as_ptr().cast(),
        len: list.len(),
    };
    // SAFETY: the client and the arguments live.
    let rc = unsafe { ffi::pmqtt_reply_to(older.0, &address, &right) };
    assert_eq!(rc, PMQTT_ERR_NOT_SUPPORTED);
    assert!(ends.is_empty());
}
