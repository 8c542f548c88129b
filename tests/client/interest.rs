//! `on_interest` is called for each change, and only then.

use std::ffi::c_void;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pmqtt::client::events::{Connected, Interest, Published};
use pmqtt::client::{Client, Code, Handle, Target, Timed};
use pmqtt::codec::{Message, QoS};

use crate::support::{PATIENCE, client, local, userdata};

extern "C" fn count(_: *mut Handle, calls: *mut c_void, _: *const Interest) {
    let calls = userdata::<AtomicUsize>(calls).fetch_add(1, Ordering::Relaxed);
    assert!(calls < 100, "it is called without end");
}

/// A deadline that has passed stays so until a loop call: it is reported only once.
#[test]
fn a_connection_that_is_due_is_told_once() {
    let calls = AtomicUsize::new(0);
    let client = client(&calls);
    client.set_interest(Some(count));
    assert_eq!(calls.load(Ordering::Relaxed), 1, "what holds now");
    client.connect_async(&local(1)).expect("connect_async");
    assert_eq!(calls.load(Ordering::Relaxed), 2, "it is time to connect");
    client.free();
}

#[derive(Default)]
struct Seen {
    /// What the last event told a loop to wait for.
    last: Mutex<Option<Interest>>,
    closed: AtomicBool,
    expired: AtomicBool,
}

extern "C" fn note(_: *mut Handle, seen: *mut c_void, event: *const Interest) {
    let seen = userdata::<Seen>(seen);
    // SAFETY: the event lives through the callback.
    let event = unsafe { *event };
    seen.closed.fetch_or(event.closing, Ordering::Relaxed);
    *seen.last.lock().expect("no panic") = Some(event);
}

extern "C" fn published(_: *mut Handle, seen: *mut c_void, event: *const Published) {
    // SAFETY: the event lives through the callback.
    let expired = unsafe { (*event).rc } == Code::Expired as i32;
    let seen = userdata::<Seen>(seen);
    seen.expired.fetch_or(expired, Ordering::Relaxed);
}

/// Accepts a connection, and ends it after a while.
fn broker() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let _ = stream.read(&mut [0; 512]);
        let _ = stream.write_all(&[0x20, 2, 0, 0]);
        thread::sleep(Duration::from_millis(200));
    });
    port
}

fn message(limit: Option<Duration>) -> Timed<'static> {
    let message = Message {
        topic: b"t",
        payload: b"",
        qos: QoS::AtLeastOnce,
        retain: false,
        properties: None,
    };
    Timed::new(message, limit, 0).expect("PUBLISH fits")
}

/// A loop that knows nothing but the last event: its timer runs through `closing`. The time limit of a
/// message is later than the time of the last event before that.
#[test]
fn a_loop_that_sets_its_timer_from_each_event_misses_no_time() {
    let seen = Seen::default();
    let client = client(&seen);
    client.set_callbacks(|callbacks| callbacks.publish = Some(published));
    client.set_max_inflight(1);
    client.set_interest(Some(note));
    let target = Target {
        keep_alive: 1,
        ..local(broker())
    };
    client.connect(&target).expect("connect");
    let messages = [message(None), message(Some(Duration::from_secs(2)))];
    let (taken, _, _) = client.publish_batch(&messages);
    assert_eq!(taken, 2);
    let start = Instant::now();
    while !seen.expired.load(Ordering::Relaxed) {
        assert!(start.elapsed() < PATIENCE, "it expires");
        let event = seen.last.lock().expect("no panic").take();
        let event = event.expect("an event since the last wait");
        let mut entry = libc::pollfd {
            fd: event.fd,
            events: if event.read { libc::POLLIN } else { 0 }
                | if event.write { libc::POLLOUT } else { 0 },
            revents: 0,
        };
        if event.closing {
            entry.fd = -1;
        }
        assert!(entry.fd >= 0 || event.timeout_ms >= 0, "it waits for ever");
        // SAFETY: one entry, which lives through the call.
        let ready = unsafe { libc::poll(&raw mut entry, 1, event.timeout_ms) };
        let mut after = event;
        let _ = match ready {
            0 => {
                after.timeout_ms = -1;
                client.time_out()
            }
            _ => client.step(entry.revents & libc::POLLOUT == 0),
        };
        // The same holds as before unless an event has come.
        seen.last.lock().expect("no panic").get_or_insert(after);
    }
    assert!(seen.closed.load(Ordering::Relaxed));
    client.free();
}

/// Two brokers, and whether the callback has gone from the first to the second.
struct Move {
    second: u16,
    is_connected: AtomicBool,
    is_moved: AtomicBool,
}

extern "C" fn connected(client: *mut Handle, state: *mut c_void, _: *const Connected) {
    let state = userdata::<Move>(state);
    state.is_connected.store(true, Ordering::Relaxed);
    // SAFETY: the client lives through the callback.
    let client = unsafe { &*client.cast::<Client>() };
    // Its answer is due before PINGREQ, so the loop call reports an earlier time at its end.
    let (taken, _, _) = client.publish_batch(&[message(None)]);
    assert_eq!(taken, 1);
}

extern "C" fn move_on(client: *mut Handle, state: *mut c_void, _: *const Interest) {
    let state = userdata::<Move>(state);
    if state.is_connected.load(Ordering::Relaxed) && !state.is_moved.swap(true, Ordering::Relaxed) {
        // SAFETY: the client lives through the callback.
        let client = unsafe { &*client.cast::<Client>() };
        client.connect(&local(state.second)).expect("connect");
    }
}

/// Accepts a connection, and returns the kinds of the packets that come: each in one read.
fn listener(packets: usize) -> (u16, thread::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let peer = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let mut kinds = Vec::new();
        let mut bytes = [0; 512];
        while kinds.len() < packets && stream.read(&mut bytes).is_ok_and(|count| count > 0) {
            kinds.push(bytes[0]);
            let _ = stream.write_all(&[0x20, 2, 0, 0]);
        }
        kinds
    });
    (port, peer)
}

/// At the end of a loop call, the callback replaces the connection.
#[test]
fn a_connection_made_in_the_callback_gets_its_own_connect() {
    let ((first, one), (second, two)) = (listener(9), listener(1));
    let state = Move {
        second,
        is_connected: AtomicBool::new(false),
        is_moved: AtomicBool::new(false),
    };
    let client = client(&state);
    client.set_callbacks(|callbacks| callbacks.connect = Some(connected));
    client.set_interest(Some(move_on));
    client.connect(&local(first)).expect("connect");
    let start = Instant::now();
    while !two.is_finished() {
        assert!(start.elapsed() < PATIENCE / 2, "CONNECT is lost");
        if client.wants_write() {
            let _ = client.step(false);
        }
        let _ = client.step(true);
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(two.join().expect("no panic"), [0x10]);
    client.free();
    let first = one.join().expect("no panic");
    assert_eq!(first.iter().filter(|kind| **kind == 0x10).count(), 1);
}
