//! The transport's deadlines hold in every loop.

use std::ffi::c_void;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use pmqtt::client::events::ConnectFailed;
use pmqtt::client::{Code, Handle};

use crate::support::{PATIENCE, Silence, client, local, userdata};

extern "C" fn failed(_: *mut Handle, sender: *mut c_void, event: *const ConnectFailed) {
    // SAFETY: the event lives through the callback.
    let rc = unsafe { (*event).rc };
    let _ = userdata::<Sender<i32>>(sender).send(rc);
}

#[test]
fn the_loop_thread_gives_up_a_broker_that_does_not_answer() {
    let silence = Silence::new();
    let (sender, receiver) = channel();
    let client = client(&sender);
    client.set_callbacks(|callbacks| callbacks.connect_fail = Some(failed));
    let timeout = Duration::from_millis(100);
    client.set_connect_timeout(timeout).expect("a timeout");
    client.start_thread().expect("a thread");
    client
        .connect_async(&local(silence.port))
        .expect("connect_async");
    let rc = receiver.recv_timeout(PATIENCE);
    client.free();
    assert_eq!(rc, Ok(Code::Timeout as i32));
}
