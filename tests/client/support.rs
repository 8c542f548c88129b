//! Clients, and peers on the loopback interface that behave as a test requires.

use std::ffi::c_void;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Duration;

use pmqtt::client::{Address, Client, Host, Target, Version};
use socket2::{Domain, Socket, Type};

/// Longer than anything takes that works.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub fn client<T>(userdata: &T) -> Arc<Client> {
    let userdata = std::ptr::from_ref(userdata).cast_mut().cast::<c_void>();
    Client::new(None, true, userdata, Version::V311).expect("a client")
}

/// The value that a callback gets as user data.
pub fn userdata<'a, T>(pointer: *mut c_void) -> &'a T {
    // SAFETY: `client` got a reference, and its owner ends the client before that.
    unsafe { &*pointer.cast::<T>() }
}

pub fn local(port: u16) -> Target<'static> {
    Target {
        address: Address::Host(Host {
            name: "127.0.0.1".into(),
            port,
        }),
        keep_alive: 60,
        bind_address: None,
    }
}

pub fn is_readable(fd: RawFd) -> bool {
    let mut entry = libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one entry, which lives through the call.
    unsafe { libc::poll(&raw mut entry, 1, 0) == 1 }
}

/// A port that neither accepts nor refuses connections: its queue is full.
pub struct Silence {
    pub port: u16,
    _listener: Socket,
    _queued: Vec<TcpStream>,
}

impl Silence {
    pub fn new() -> Silence {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        listener.bind(&any.into()).expect("bind");
        listener.listen(0).expect("listen");
        let address = listener.local_addr().expect("its address").as_socket();
        let address = address.expect("an IP address");
        let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(200));
        Silence {
            port: address.port(),
            _queued: std::iter::from_fn(|| connect().ok()).collect(),
            _listener: listener,
        }
    }
}
