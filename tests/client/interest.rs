//! `on_interest` is called for each change, and only then.

use std::ffi::c_void;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pmqtt::client::events::{Interest, Published};
use pmqtt::client::{Code, Handle, Target, Timed};
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
    };
    let message = message.check().expect("PUBLISH fits");
    Timed { message, limit }
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
