//! The addresses of a host are tried side by side.

use super::*;

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
        // Time stands still, so no attempt can have waited for the delay.
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
    assert_eq!(transport.deadline(), Some(start + ms(300)));

    let newer = PollSet::default().wait(&watches[1..], Some(TIMEOUT));
    assert_eq!(newer.unwrap(), 1);
    assert!(transport.advance(start + ms(260)).unwrap());
    assert!(has_reached(&mut transport, second));
    assert_eq!(retired(&transport), 1);
    transport.close_retired();
    assert!(transport.connecting.is_none());
}

/// A loop that watches one descriptor has to be told before it is closed, and at no other time.
#[test]
fn the_primary_descriptor_changes_only_when_the_one_before_is_retired() {
    let ((_a, first), (_b, second)) = (silent(), silent());
    let (_listener, third) = listen("127.0.0.1:0");
    let start = sys::now();
    let mut transport = connect_to(&[first, second, third], start).unwrap();
    let oldest = transport.primary(false);
    transport.advance(start + ms(250)).unwrap();
    assert_eq!(transport.primary(false), oldest);
    transport.advance(start + ms(500)).unwrap();
    assert_eq!(transport.primary(false), oldest);
    assert_eq!(retired(&transport), 0);

    // The loop does not see the third socket, but its timer fires.
    let look = transport.deadline().unwrap();
    assert!(look <= start + ms(550));
    let mut watches = Vec::new();
    transport.watches(false, &mut watches);
    assert_eq!(watches.first().copied(), oldest);
    let newest = PollSet::default().wait(&watches[2..], Some(TIMEOUT));
    assert_eq!(newest.unwrap(), 1);
    assert!(transport.advance(look).unwrap());
    assert_ne!(transport.primary(false).unwrap().fd, oldest.unwrap().fd);
    assert_eq!(retired(&transport), 2);
}

#[test]
fn the_next_oldest_is_the_primary_once_the_oldest_has_failed() {
    let ((_a, first), (_b, second)) = (refusing(), silent());
    let start = sys::now();
    let mut transport = connect_to(&[first, second], start).unwrap();
    let before = transport.primary(false).unwrap();
    ready(&transport, false);
    transport.advance(start).unwrap();
    assert_eq!(retired(&transport), 1);
    let mut watches = Vec::new();
    transport.watches(false, &mut watches);
    assert_eq!(watches.len(), 1);
    assert_eq!(transport.primary(false), watches.first().copied());
    assert_ne!(watches[0].fd, before.fd);
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
fn a_connection_leaves_from_the_bind_address() {
    let (listener, address) = listen("127.0.0.1:0");
    let mut endpoint = endpoint("127.0.0.1", address.port());
    endpoint.bind = Some("127.0.0.1".parse().unwrap());
    let _transport = open(&endpoint).unwrap();
    let (_peer, from) = listener.accept().unwrap();
    assert_eq!(from.ip().to_string(), "127.0.0.1");

    // TEST-NET-1 is never a local address.
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

/// The three steps in the doc comment of `Transport`, in a loop that keeps registrations.
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
