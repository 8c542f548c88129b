//! The publisher's connection is cut again and again, and the broker forgets the publisher each time.
//! The subscriber is never cut: each message that was reported as a success has arrived.
//!
//! `PMQTT_CUTS` is the number of cuts, and `PMQTT_CUT_MS` the time for each.

#[path = "../oneshot/mosquitto.rs"]
#[allow(dead_code)]
mod mosquitto;
mod relay;

use std::collections::{HashMap, HashSet};
use std::env;
use std::ffi::c_void;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use pmqtt::client::events::{Connected, MessageEvent, Published, Subscribed};
use pmqtt::client::{Address, Client, Code, Handle, Host, Target, Version};
use pmqtt::codec::{Message, QoS};

use mosquitto::Mosquitto;
use relay::Relay;

/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(60);

/// The most messages that wait for their outcome.
const LOAD: usize = 500;

#[derive(Default)]
struct Seen {
    connected: Mutex<bool>,
    granted: Mutex<bool>,
    outcomes: Mutex<HashMap<u64, i32>>,
    arrived: Mutex<HashSet<u64>>,
}

impl Seen {
    /// It outlives a failing test, as its clients do.
    fn new() -> &'static Seen {
        Box::leak(Box::default())
    }
}

#[test]
fn what_is_told_as_a_success_has_arrived() {
    let (cuts, each) = (number("PMQTT_CUTS", 5), number("PMQTT_CUT_MS", 1000));
    let broker = Mosquitto::start();
    let (from, to) = (Seen::new(), Seen::new());
    let subscriber = subscriber(to, broker.port);
    let relay = Relay::to(broker.port);
    let publisher = publisher(from, relay.port);

    let mut sent = HashMap::new();
    for _ in 0..cuts {
        let until = Instant::now() + Duration::from_millis(each);
        while Instant::now() < until {
            publish_some(&publisher, from, &mut sent);
            sleep(Duration::from_millis(1));
        }
        relay.cut();
    }
    wait_for("an outcome of each", || {
        from.outcomes.lock().unwrap().len() == sent.len()
    });
    let outcomes = std::mem::take(&mut *from.outcomes.lock().unwrap());
    let are = |code: Code| outcomes.iter().filter(move |(_, rc)| **rc == code as i32);
    let missing = || -> Vec<_> {
        let arrived = to.arrived.lock().unwrap();
        let successes = are(Code::Success).map(|(mid, _)| (sent[mid], *mid));
        successes
            .filter(|(_, mid)| !arrived.contains(mid))
            .collect()
    };
    let begin = Instant::now();
    while !missing().is_empty() && begin.elapsed() < PATIENCE / 3 {
        sleep(Duration::from_millis(10));
    }
    let (successes, doubts) = (are(Code::Success).count(), are(Code::InDoubt).count());
    println!("{cuts} cuts, {successes} successes, {doubts} in doubt");
    assert_eq!(missing(), [], "told as a success, and lost");
    assert_eq!(successes + doubts, sent.len());
    assert!(are(Code::InDoubt).all(|(mid, _)| sent[mid] == 2));
    publisher.free();
    subscriber.free();
}

/// Messages of QoS 1 and 2 in turn, each with its mid as the payload.
fn publish_some(client: &Client, seen: &Seen, sent: &mut HashMap<u64, u8>) {
    while sent.len() < seen.outcomes.lock().unwrap().len() + LOAD {
        let mid = sent.len() as u64 + 1;
        let qos = (mid % 2 + 1) as u8;
        let message = Message {
            topic: b"t",
            payload: &mid.to_be_bytes(),
            qos: QoS::from_bits(qos).expect("a QoS"),
            retain: false,
            properties: None,
        };
        let mut given = 0;
        let result = client.publish(message, &mut given);
        assert!(result.is_ok() || given > 0, "it is taken");
        assert_eq!(given, mid);
        sent.insert(mid, qos);
    }
}

fn publisher(seen: &'static Seen, port: u16) -> Arc<Client> {
    let client = client(seen);
    client
        .set_reconnect_delay(Duration::from_millis(1), Duration::from_millis(50))
        .expect("a delay");
    client.set_callbacks(|callbacks| callbacks.publish = Some(published));
    start(&client, port);
    client
}

fn subscriber(seen: &'static Seen, port: u16) -> Arc<Client> {
    let client = client(seen);
    client.set_callbacks(|callbacks| {
        callbacks.connect = Some(connected);
        callbacks.subscribe = Some(subscribed);
        callbacks.message = Some(arrived);
    });
    start(&client, port);
    wait_for("a connection", || *seen.connected.lock().unwrap());
    client
        .subscribe(&[("t", QoS::ExactlyOnce.into())])
        .expect("subscribe");
    wait_for("a subscription", || *seen.granted.lock().unwrap());
    client
}

fn client(seen: &'static Seen) -> Arc<Client> {
    let userdata = std::ptr::from_ref(seen).cast_mut().cast::<c_void>();
    Client::new(None, true, userdata, Version::V311).expect("a client")
}

fn start(client: &Arc<Client>, port: u16) {
    let host = Host {
        name: "127.0.0.1".into(),
        port,
    };
    let target = Target {
        address: Address::Host(host),
        keep_alive: 60,
        bind_address: None,
    };
    client.connect_async(&target).expect("connect_async");
    client.start_thread().expect("loop_start");
}

extern "C" fn connected(_: *mut Handle, seen: *mut c_void, _: *const Connected) {
    *to(seen).connected.lock().unwrap() = true;
}

extern "C" fn subscribed(_: *mut Handle, seen: *mut c_void, _: *const Subscribed) {
    *to(seen).granted.lock().unwrap() = true;
}

extern "C" fn published(_: *mut Handle, seen: *mut c_void, event: *const Published) {
    // SAFETY: the event lives through the callback.
    let (mid, rc) = unsafe { ((*event).mid, (*event).rc) };
    let before = to(seen).outcomes.lock().unwrap().insert(mid, rc);
    assert_eq!(before, None, "one outcome for each");
}

extern "C" fn arrived(_: *mut Handle, seen: *mut c_void, event: *const MessageEvent) {
    // SAFETY: the event lives through the callback, and the payload is as long as it says.
    let payload = unsafe {
        let event = &*event;
        std::slice::from_raw_parts(event.payload.cast::<u8>(), event.payload_len)
    };
    let mid = u64::from_be_bytes(payload.try_into().expect("eight bytes"));
    to(seen).arrived.lock().unwrap().insert(mid);
}

fn to(seen: *mut c_void) -> &'static Seen {
    // SAFETY: `client` got a reference that never ends.
    unsafe { &*seen.cast::<Seen>() }
}

fn wait_for(what: &str, mut is_there: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_there() {
        assert!(begin.elapsed() < PATIENCE, "{what} is missing");
        sleep(Duration::from_millis(5));
    }
}

fn number(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |value| value.parse().expect("a number"))
}
