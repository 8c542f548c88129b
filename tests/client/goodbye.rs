//! A connection that waits for the broker to close it costs nothing.

use std::ffi::c_void;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pmqtt::client::events::{Disconnected, MessageEvent};
use pmqtt::client::{Client, Handle};

use crate::support::{PATIENCE, client, is_readable, local, userdata};

const ACCEPTED: [u8; 4] = [0x20, 2, 0, 0];
const MESSAGE: [u8; 6] = [0x30, 4, 0, 1, b't', b'x'];

#[derive(Default)]
struct Seen {
    messages: AtomicUsize,
    ended: AtomicBool,
}

/// The callback is so slow that each pass ends after it. The first messages show that.
extern "C" fn disconnect(client: *mut Handle, seen: *mut c_void, _: *const MessageEvent) {
    thread::sleep(Duration::from_millis(10));
    if userdata::<Seen>(seen)
        .messages
        .fetch_add(1, Ordering::Relaxed)
        == 5
    {
        // SAFETY: the client lives through the callback.
        let client = unsafe { &*client.cast::<Client>() };
        client.disconnect().expect("there is a connection");
    }
}

extern "C" fn disconnected(_: *mut Handle, seen: *mut c_void, _: *const Disconnected) {
    userdata::<Seen>(seen).ended.store(true, Ordering::Relaxed);
}

/// Sends many messages after CONNECT, and then waits for the end.
fn broker() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut bytes = [0; 512];
        let _ = stream.read(&mut bytes);
        let _ = stream.write_all(&ACCEPTED);
        let _ = stream.write_all(&MESSAGE.repeat(500));
        // It does not close its side.
        thread::sleep(PATIENCE);
    });
    port
}

#[test]
fn what_was_not_handed_out_wakes_nobody() {
    let seen = Seen::default();
    let client = client(&seen);
    client.set_callbacks(|callbacks| {
        callbacks.message = Some(disconnect);
        callbacks.disconnect = Some(disconnected);
    });
    let fd = client.event_fd().expect("event_fd");
    client
        .connect_async(&local(broker()))
        .expect("connect_async");
    let (start, mut steps) = (Instant::now(), 0);
    while !seen.ended.load(Ordering::Relaxed) {
        assert!(start.elapsed() < PATIENCE, "it ends");
        if is_readable(fd) {
            steps += 1;
            let _ = client.process();
        }
        thread::sleep(Duration::from_millis(1));
    }
    assert!(steps < 50, "{steps} steps for one connection");
    client.free();
}
