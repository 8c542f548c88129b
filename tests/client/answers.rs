//! Calls in a callback while the connection ends.

use std::ffi::c_void;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use pmqtt::client::events::{Connected, Disconnected};
use pmqtt::client::{Client, Code, Handle};

use crate::support::{PATIENCE, client, local, userdata};

const ACCEPTED: [u8; 4] = [0x20, 2, 0, 0];
const NOT_AUTHORISED: [u8; 4] = [0x20, 2, 0, 5];

type Events = Sender<(&'static str, i32)>;

extern "C" fn connected(client: *mut Handle, events: *mut c_void, event: *const Connected) {
    // SAFETY: both live through the callback.
    let (client, rc) = unsafe { (&*client.cast::<Client>(), (*event).rc) };
    let _ = userdata::<Events>(events).send(("connect", rc));
    if rc != 0 {
        client.reconnect().expect("reconnect");
    }
}

extern "C" fn disconnected(_: *mut Handle, events: *mut c_void, event: *const Disconnected) {
    // SAFETY: the event lives through the callback.
    let rc = unsafe { (*event).rc };
    let _ = userdata::<Events>(events).send(("disconnect", rc));
}

/// Answers each connection in turn, and then waits until it ends.
fn broker(answers: [[u8; 4]; 2]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    thread::spawn(move || {
        for answer in answers {
            let Ok((mut stream, _)) = listener.accept() else {
                return;
            };
            thread::spawn(move || {
                let mut bytes = [0; 512];
                let _ = stream.read(&mut bytes);
                let _ = stream.write_all(&answer);
                while matches!(stream.read(&mut bytes), Ok(1..)) {}
            });
        }
    });
    port
}

/// The end of the refused connection must not end its successor.
#[test]
fn a_reconnect_in_on_connect_survives_the_refusal() {
    let (sender, receiver) = channel();
    let client = client(&sender);
    client.set_callbacks(|callbacks| {
        callbacks.connect = Some(connected);
        callbacks.disconnect = Some(disconnected);
    });
    let port = broker([NOT_AUTHORISED, ACCEPTED]);
    client.connect_async(&local(port)).expect("connect_async");
    let expected = [
        ("connect", 5),
        ("disconnect", Code::Success as i32),
        ("connect", 0),
    ];
    for event in expected {
        let told: (&str, i32) = loop {
            match receiver.try_recv() {
                Ok(told) => break told,
                // It does not reconnect by itself: only the callback's call connects.
                Err(_) => client.run_once(PATIENCE).expect("the connection goes on"),
            }
        };
        assert_eq!(told, event);
    }
    client.free();
}
