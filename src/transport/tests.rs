//! Tests on real sockets of the loopback device; where time matters, it is simulated.

mod domain;
mod look_up;
mod race;
mod tcp;
#[cfg(feature = "tls")]
mod tls_server;
#[cfg(feature = "tls")]
mod tls_session;
#[cfg(feature = "tls")]
mod tls_strangers;
#[cfg(feature = "tls")]
mod tls_stream;
mod zone;

use super::*;
use crate::sys::{self, EventSet, PollSet, Waker};
use connect::Attempt;
use socket2::{Domain, Socket, Type};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(5);

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn endpoint(host: &str, port: u16) -> Endpoint {
    Endpoint {
        address: Address::Host(named(host, port)),
        bind: None,
        timeout: TIMEOUT,
        tls: None,
    }
}

fn named(name: &str, port: u16) -> Host {
    Host {
        name: name.into(),
        port,
    }
}

/// A resolver that finds hosts only.
fn resolver(
    addresses: impl Fn(&Host) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
) -> Resolver {
    Resolver::with(addresses, |service| panic!("{service} was asked for"))
}

fn listen(address: &str) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(address).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// An address that refuses connections as long as the socket lives.
fn refusing() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    socket.bind(&any.into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

/// An address that does not answer as long as the sockets live: its queue is full.
fn silent() -> (Vec<Box<dyn std::any::Any>>, SocketAddr) {
    let (listener, address) = refusing();
    listener.listen(0).unwrap();
    let mut sockets: Vec<Box<dyn std::any::Any>> = vec![Box::new(listener)];
    for _ in 0..16 {
        let attempt = Attempt::start(address, None).unwrap();
        thread::sleep(ms(20));
        let connected = attempt.is_connected().unwrap();
        sockets.push(Box::new(attempt.into_socket()));
        if !connected {
            return (sockets, address);
        }
    }
    panic!("the queue is never full");
}

/// A transport to a name that resolves to `addresses`, after the look-up. Nothing is retired.
fn connect_to(addresses: &[SocketAddr], now: Moment) -> Result<Transport, Error> {
    let found = addresses.to_vec();
    let resolver = resolver(move |_| Ok(found.clone()));
    let mut transport = Transport::connect(&endpoint("test.example", 1), &resolver, now)?;
    while transport.is_in(Stage::Dns) {
        thread::sleep(ms(1));
        transport.advance(now)?;
    }
    transport.close_retired();
    Ok(transport)
}

/// Advances in real time; only the watches and the deadline wake it.
fn drive(transport: &mut Transport) -> Result<(), Error> {
    let (mut poll, mut watches) = (PollSet::default(), Vec::new());
    while !transport.advance(sys::now())? {
        watches.clear();
        transport.watches(false, &mut watches);
        let limit = transport.deadline().unwrap().since(sys::now());
        poll.wait(&watches, Some(limit)).unwrap();
    }
    Ok(())
}

fn open(endpoint: &Endpoint) -> Result<Transport, Error> {
    let mut transport = Transport::connect(endpoint, &Resolver::default(), sys::now())?;
    drive(&mut transport).map(|()| transport)
}

impl Transport {
    fn is_in(&self, stage: Stage) -> bool {
        let connecting = self.connecting.as_ref();
        !self.is_open() && connecting.is_some_and(|connecting| connecting.stage() == stage)
    }
}

fn retired(transport: &Transport) -> usize {
    let connecting = transport.connecting.as_ref();
    connecting.map_or(0, |connecting| connecting.retired.count())
}

fn failure(result: Result<Transport, Error>) -> Error {
    result.err().expect("an error was expected")
}

/// What the log says about the transport's stages so far.
fn told(transport: &mut Transport) -> Vec<String> {
    let passed = transport.take_passed_stages();
    passed.iter().map(ToString::to_string).collect()
}

fn has_reached(transport: &mut Transport, address: SocketAddr) -> bool {
    let stage = format!("tcp: connected to {address} (");
    transport.is_open() && told(transport).iter().any(|line| line.starts_with(&stage))
}

fn open_pair() -> (Transport, TcpStream) {
    let (listener, address) = listen("127.0.0.1:0");
    let transport = open(&endpoint("127.0.0.1", address.port())).unwrap();
    (transport, listener.accept().unwrap().0)
}

/// Waits until `transport` has something to read (or to write).
fn ready(transport: &Transport, want_write: bool) {
    let watch = transport.primary(want_write).unwrap();
    let ready = PollSet::default().wait(&[watch], Some(TIMEOUT)).unwrap();
    assert_eq!(ready, 1);
}

/// Writes until the socket takes no more, and returns how many bytes it took.
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn fill(transport: &mut Transport) -> usize {
    let mut written = 0;
    while let Ok(count) = transport.write(&[7; 64 * 1024]) {
        written += count;
    }
    written
}

/// Waits until the peer's TCP has acknowledged all bytes that the socket took.
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn wait_until_acked(transport: &Transport) {
    let begin = std::time::Instant::now();
    while transport.unacked() > 0 {
        assert!(begin.elapsed() < Duration::from_secs(30));
        thread::sleep(ms(1));
    }
}

/// How many calls it takes to discard `count` bytes that `peer` sends before it ends its side.
fn discards(transport: &mut Transport, mut peer: TcpStream, count: usize) -> usize {
    let sender = thread::spawn(move || {
        peer.write_all(&vec![1; count]).unwrap();
        peer.shutdown(std::net::Shutdown::Write).unwrap();
        peer
    });
    let mut calls = 1;
    let mut is_over = transport.finish();
    while !is_over {
        ready(transport, false);
        is_over = transport.discard();
        calls += 1;
    }
    sender.join().unwrap();
    calls
}

fn refused() -> io::Error {
    io::Error::from_raw_os_error(libc::ECONNREFUSED)
}

#[test]
fn all_can_go_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Transport>();
    is_send::<Resolver>();
    is_send::<EventSet>();
}
