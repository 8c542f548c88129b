//! Clients, and peers on the loopback interface that behave as a test wants it.

use std::ffi::c_void;
use std::sync::Arc;

use pmqtt::client::{Client, Target, Version};

pub fn client<T>(userdata: &T) -> Arc<Client> {
    let userdata = std::ptr::from_ref(userdata).cast_mut().cast::<c_void>();
    Client::new(None, true, userdata, Version::V311).expect("a client")
}

/// What a callback was given as user data.
pub fn userdata<'a, T>(pointer: *mut c_void) -> &'a T {
    // SAFETY: `client` was given a reference, and its owner ends the client before that.
    unsafe { &*pointer.cast::<T>() }
}

pub fn local(port: u16) -> Target<'static> {
    Target {
        host: "127.0.0.1",
        port,
        keep_alive: 60,
        bind_address: None,
    }
}
