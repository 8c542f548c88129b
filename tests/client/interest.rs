//! `on_interest` is called for each change, and only then.

use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};

use pmqtt::client::Handle;
use pmqtt::client::events::Interest;

use crate::support::{client, local, userdata};

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
