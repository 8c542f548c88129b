//! The call that ends a client or its loop waits for one callback at most.

use std::ffi::{CStr, c_void};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use pmqtt::client::Handle;
use pmqtt::client::events::LogLine;

use crate::support::{PATIENCE, Silence, client, local, userdata};

/// Long enough for another thread to reach the place where it waits.
const MOMENT: Duration = Duration::from_millis(50);

/// Runs `body` in a thread, and waits until it ends.
fn ends(body: impl FnOnce() + Send + 'static) {
    let (done, receiver) = channel();
    thread::spawn(move || {
        body();
        let _ = done.send(());
    });
    receiver.recv_timeout(PATIENCE).expect("it ends");
}

#[test]
fn free_ends_a_loop_call_that_has_nothing_to_do() {
    let client = client(&());
    let looping = Arc::clone(&client);
    let thread = thread::spawn(move || looping.run_once(10 * PATIENCE));
    thread::sleep(MOMENT);
    ends(move || client.free());
    assert!(thread.join().expect("no panic").is_err());
}

struct Gate {
    reached: SyncSender<()>,
    opened: Receiver<()>,
}

extern "C" fn stop_at_the_wait(_: *mut Handle, gate: *mut c_void, line: *const LogLine) {
    // SAFETY: both live through the callback.
    let text = unsafe { CStr::from_ptr((*line).text) };
    if text.to_bytes().starts_with(b"connecting again") {
        let gate = userdata::<Gate>(gate);
        let _ = gate.reached.send(());
        let _ = gate.opened.recv();
    }
}

/// During the last callback before a wait, the loop can notice a stop without a wake for the last time.
#[test]
fn the_loop_thread_stops_also_when_it_is_told_in_a_log_callback() {
    let (reached, at_the_wait) = sync_channel(1);
    let (open, opened) = channel();
    let gate = Gate { reached, opened };
    let client = client(&gate);
    client.set_callbacks(|callbacks| callbacks.set_log(Some(stop_at_the_wait)));
    let delay = 10 * PATIENCE;
    client.set_reconnect_delay(delay, delay).expect("a delay");
    client.connect_async(&local(1)).expect("connect_async");
    client.start_thread().expect("a thread");
    at_the_wait.recv_timeout(PATIENCE).expect("the line");
    let opener = thread::spawn(move || {
        thread::sleep(MOMENT);
        open.send(())
    });
    let stopping = Arc::clone(&client);
    ends(move || stopping.stop_thread().expect("it ran"));
    opener.join().expect("no panic").expect("it waited");
    client.free();
}

/// If no loop call comes, nothing else would close it.
#[test]
fn disconnect_closes_the_socket_of_an_attempt() {
    let silence = Silence::new();
    let client = client(&());
    let target = local(silence.port);
    client.connect_async(&target).expect("connect_async");
    client.run_once(Duration::ZERO).expect("it is under way");
    assert!(client.socket().is_some());
    assert!(client.disconnect().is_err());
    assert_eq!(client.socket(), None);
}
