//! Real sockets on the loopback device; where time matters it is simulated.

mod domain;
mod look_up;
#[cfg(feature = "tls")]
mod tls_server;
#[cfg(feature = "tls")]
mod tls_session;
#[cfg(feature = "tls")]
mod tls_strangers;
#[cfg(feature = "tls")]
mod tls_stream;

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

/// A resolver for hosts alone.
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

/// An address where nobody listens, as long as the socket lives.
fn refusing() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    socket.bind(&any.into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

/// An address that does not answer, as long as the sockets live: its queue is full.
fn silent() -> (Vec<Socket>, SocketAddr) {
    let (listener, address) = refusing();
    listener.listen(0).unwrap();
    let mut sockets = vec![listener];
    for _ in 0..16 {
        let attempt = Attempt::start(address, None).unwrap();
        thread::sleep(ms(20));
        let connected = attempt.is_connected().unwrap();
        sockets.push(attempt.into_socket());
        if !connected {
            return (sockets, address);
        }
    }
    panic!("the queue is never full");
}

/// A transport to a name that stands for `addresses`, which have been found. Nothing is retired.
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

/// Advances in real time, woken by nothing but the watches and the deadline.
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

/// What a log would say of how the transport came to where it is.
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

#[test]
fn bytes_go_both_ways() {
    for host in ["127.0.0.1", "::1"] {
        let Ok(listener) = TcpListener::bind((host, 0)) else {
            continue; // a machine without IPv6
        };
        let address = listener.local_addr().unwrap();
        let mut transport = open(&endpoint(host, address.port())).unwrap();
        let mut peer = listener.accept().unwrap().0;
        assert!(has_reached(&mut transport, address));
        assert!(transport.is_open());
        assert_eq!(transport.deadline(), None);

        let mut buf = [0; 8];
        let nothing = transport.read(&mut buf).unwrap_err();
        assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
        assert_eq!(transport.write(b"ping").unwrap(), 4);
        peer.read_exact(&mut buf[..4]).unwrap();
        assert_eq!(&buf[..4], b"ping");
        peer.write_all(b"pong!").unwrap();
        ready(&transport, false);
        assert_eq!(transport.read(&mut buf).unwrap(), 5);
        drop(peer);
        ready(&transport, false);
        assert_eq!(transport.read(&mut buf).unwrap(), 0);
    }
}

#[test]
fn a_name_is_looked_up_beside_the_caller() {
    let (listener, address) = listen("127.0.0.1:0");
    let resolver = Resolver::default();
    let endpoint = endpoint("localhost", address.port());
    let mut transport = Transport::connect(&endpoint, &resolver, sys::now()).unwrap();
    drive(&mut transport).unwrap();
    assert!(has_reached(&mut transport, address));
    drop(listener);
}

#[test]
fn a_name_that_does_not_exist_is_an_error_of_dns() {
    let error = failure(open(&endpoint("nobody.invalid", 1)));
    assert_eq!(error.stage, Stage::Dns);
    assert!(!error.timed_out);
    let text = error.to_string();
    assert!(text.starts_with("dns: nobody.invalid: "), "{text}");
    assert!(!text.contains("failed to lookup"), "{text}");
}

#[test]
fn a_port_without_listener_is_refused() {
    let (_socket, address) = refusing();
    let error = failure(open(&endpoint("127.0.0.1", address.port())));
    assert_eq!(error.stage, Stage::Tcp);
    assert_eq!(error.os_error, refused().raw_os_error());
    assert_eq!(error.to_string(), format!("tcp: {address}: {}", refused()));
}

#[test]
fn an_address_that_refuses_makes_room_for_the_next_at_once() {
    let (_socket, first) = refusing();
    let (_listener, second) = listen("127.0.0.1:0");
    let start = sys::now();
    let mut transport = connect_to(&[first, second], start).unwrap();
    for _ in 0..200 {
        // Time stands still, so no attempt can have waited for its turn.
        if transport.advance(start).unwrap() {
            break;
        }
        thread::sleep(ms(5));
    }
    assert!(has_reached(&mut transport, second));
}

#[test]
fn every_address_that_failed_is_named() {
    let ((_one, first), (_two, second)) = (refusing(), refusing());
    let error = connect_to(&[first, second], sys::now()).and_then(|mut transport| {
        drive(&mut transport)?;
        Ok(transport)
    });
    let reason = refused();
    assert_eq!(
        failure(error).to_string(),
        format!("tcp: {first}: {reason}; {second}: {reason}")
    );
}

#[test]
fn an_address_that_is_silent_is_overtaken_after_a_quarter_of_a_second() {
    let (_sockets, first) = silent();
    let (_listener, second) = listen("127.0.0.1:0");
    let start = sys::now();
    let mut transport = connect_to(&[first, second], start).unwrap();
    let mut watches = Vec::new();
    transport.watches(false, &mut watches);
    assert_eq!(watches.len(), 1);
    assert_eq!(transport.deadline(), Some(start + ms(250)));

    assert!(!transport.advance(start + ms(249)).unwrap());
    assert_eq!(retired(&transport), 0);
    transport.advance(start + ms(250)).unwrap();
    watches.clear();
    transport.watches(false, &mut watches);
    assert_eq!(watches.len(), 2);
    assert_eq!(transport.primary(false), watches.last().copied());
    assert_eq!(transport.deadline(), Some(start + ms(300)));

    ready(&transport, false);
    assert!(transport.advance(start + ms(260)).unwrap());
    assert!(has_reached(&mut transport, second));
    assert_eq!(retired(&transport), 1);
    transport.close_retired();
    assert!(transport.connecting.is_none());
}

#[test]
fn silence_ends_with_the_timeout() {
    let ((_a, first), (_b, second), (_c, refusing)) = (silent(), silent(), refusing());
    let start = sys::now();
    let mut transport = connect_to(&[first, refusing, second], start).unwrap();
    transport.advance(start + ms(250)).unwrap();
    thread::sleep(ms(50));
    transport.advance(start + ms(300)).unwrap();
    let almost = start + TIMEOUT - ms(1);
    assert!(!transport.advance(almost).unwrap());
    assert_eq!(transport.deadline(), Some(start + TIMEOUT));
    let error = transport.advance(start + TIMEOUT).unwrap_err();
    assert!(error.timed_out);
    let reason = refused();
    assert_eq!(
        error.to_string(),
        format!("tcp: no answer from {first}, {second} (and {refusing}: {reason}) within 5000 ms")
    );
}

#[test]
fn dns_that_is_silent_ends_with_the_timeout_too() {
    let (_sender, receiver) = mpsc::channel::<()>();
    let receiver = Mutex::new(receiver);
    let resolver = resolver(move |_| {
        let _ = receiver.lock().unwrap().recv();
        Ok(Vec::new())
    });
    let start = sys::now();
    let endpoint = endpoint("silent.example", 1);
    let mut transport = Transport::connect(&endpoint, &resolver, start).unwrap();
    assert!(transport.is_in(Stage::Dns));
    assert_eq!(transport.deadline(), Some(start + TIMEOUT));
    assert_eq!(
        transport.write(b"x").unwrap_err().kind(),
        io::ErrorKind::NotConnected
    );
    assert!(!transport.advance(start + ms(4999)).unwrap());
    let error = transport.advance(start + TIMEOUT).unwrap_err();
    assert!(error.timed_out);
    assert_eq!(
        error.to_string(),
        "dns: no answer from silent.example within 5000 ms"
    );
}

#[test]
fn a_name_without_address_is_an_error() {
    let error = failure(connect_to(&[], sys::now()));
    assert_eq!(
        error.to_string(),
        "dns: test.example: the name has no address"
    );
}

#[test]
fn a_connection_leaves_from_the_bind_address() {
    let (listener, address) = listen("127.0.0.1:0");
    let mut endpoint = endpoint("127.0.0.1", address.port());
    endpoint.bind = Some("127.0.0.1".parse().unwrap());
    let _transport = open(&endpoint).unwrap();
    let (_peer, from) = listener.accept().unwrap();
    assert_eq!(Some(from.ip()), endpoint.bind);

    // TEST-NET-1 is nobody's own address.
    endpoint.bind = Some("192.0.2.1".parse().unwrap());
    let error = failure(open(&endpoint));
    let reason = io::Error::from_raw_os_error(libc::EADDRNOTAVAIL);
    assert_eq!(
        error.to_string(),
        format!("tcp: {address} from 192.0.2.1: {reason}")
    );

    endpoint.bind = Some("::1".parse().unwrap());
    let error = failure(open(&endpoint));
    assert_eq!(
        error.to_string(),
        "tcp: 127.0.0.1: no IPv6 address for bind address ::1"
    );
}

#[test]
fn a_write_to_a_peer_that_is_gone_is_an_error_and_no_signal() {
    sys::testing::let_sigpipe_kill();
    let (mut transport, peer) = open_pair();
    drop(peer);
    let error = (0..100).find_map(|_| {
        thread::sleep(ms(5));
        transport.write(b"anybody?").err()
    });
    let gone = [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset];
    assert!(gone.contains(&error.unwrap().kind()));
    let again = transport.write(b"anybody?").unwrap_err();
    assert_eq!(again.kind(), io::ErrorKind::BrokenPipe);
    transport.finish();
}

#[test]
fn a_write_takes_what_fits_and_the_watch_tells_of_room() {
    let (mut transport, mut peer) = open_pair();
    let bytes = [7; 64 * 1024];
    let mut written = 0;
    let error = loop {
        match transport.write(&bytes) {
            Ok(count) => written += count,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    let watch = transport.primary(true).unwrap();
    assert!(watch.read && watch.write);
    let full = PollSet::default().wait(&[watch], Some(Duration::ZERO));
    assert_eq!(full.unwrap(), 0);
    let reader = thread::spawn(move || {
        peer.read_exact(&mut vec![0; written]).unwrap();
        peer
    });
    ready(&transport, true);
    assert!(transport.write(&bytes).unwrap() > 0);
    reader.join().unwrap();
}

#[test]
fn finish_lets_the_last_bytes_arrive_though_others_were_not_read() {
    let (mut transport, mut peer) = open_pair();
    peer.write_all(&[1; 30_000]).unwrap();
    ready(&transport, false);
    thread::sleep(ms(20));
    transport.write(b"goodbye").unwrap();
    transport.finish();
    drop(transport);
    let mut last = Vec::new();
    peer.read_to_end(&mut last).unwrap();
    assert_eq!(last, b"goodbye");
    // A reset would have left an error behind.
    assert!(peer.take_error().unwrap().is_none());
}

#[test]
fn finish_ends_though_a_peer_sends_without_end() {
    let (mut transport, mut peer) = open_pair();
    let sender = thread::spawn(move || while peer.write_all(&[1; 4096]).is_ok() {});
    ready(&transport, false);
    transport.finish();
    drop(transport);
    sender.join().unwrap();
}

/// The round that the doc comment of `Transport` prescribes, in a loop that keeps registrations.
#[test]
fn an_event_set_sees_a_connection_through() {
    let (_sockets, first) = silent();
    let (_listener, second) = listen("127.0.0.1:0");
    let found = vec![first, second];
    let resolver = resolver(move |_| Ok(found.clone()));
    let mut set = EventSet::new(&Arc::new(Waker::new().unwrap())).unwrap();
    let endpoint = endpoint("test.example", 1);
    let mut transport = Transport::connect(&endpoint, &resolver, sys::now()).unwrap();
    let (mut poll, mut watches) = (PollSet::default(), Vec::new());
    let only = Watch {
        fd: set.as_raw_fd(),
        read: true,
        write: false,
    };
    let mut rounds = 0;
    while !transport.is_open() {
        rounds += 1;
        watches.clear();
        transport.watches(false, &mut watches);
        set.update(&watches, transport.deadline()).unwrap();
        transport.close_retired();
        assert_eq!(poll.wait(&[only], Some(TIMEOUT)).unwrap(), 1);
        set.drain();
        transport.advance(sys::now()).unwrap();
    }
    assert!(has_reached(&mut transport, second));
    assert!(rounds < 12, "{rounds} rounds is a busy loop");
}
