//! What transports wait for while DNS has not answered, and which of them the answer wakes.

use super::*;

/// A resolver that finds `address` after a message; each look-up takes one message.
fn hanging(address: SocketAddr) -> (Resolver, mpsc::Sender<()>) {
    let (release, receiver) = mpsc::channel::<()>();
    let receiver = Mutex::new(receiver);
    let resolver = resolver(move |_| {
        let _ = receiver.lock().unwrap().recv();
        Ok(vec![address])
    });
    (resolver, release)
}

fn begin(resolver: &Resolver) -> Transport {
    let endpoint = endpoint("test.example", 1);
    let transport = Transport::connect(&endpoint, resolver, sys::now()).unwrap();
    assert!(transport.is_in(Stage::Dns));
    transport
}

#[test]
fn a_superseded_connect_does_not_take_the_wake_of_its_successor() {
    let (_listener, address) = listen("127.0.0.1:0");
    let (resolver, release) = hanging(address);
    let mut first = begin(&resolver);
    let mut second = begin(&resolver);
    release.send(()).unwrap();
    ready(&first, false);
    first.advance(sys::now()).unwrap();
    assert!(!first.is_in(Stage::Dns));

    ready(&second, false);
    second.advance(sys::now()).unwrap();
    assert!(!second.is_in(Stage::Dns));
    drop(first);
    drive(&mut second).unwrap();
    assert!(has_reached(&mut second, address));
}

#[test]
fn a_look_up_s_descriptor_outlives_the_advance_that_ends_it() {
    let (_sockets, address) = silent();
    let (resolver, release) = hanging(address);
    let mut transport = begin(&resolver);
    let watched = transport.primary(false).unwrap();
    release.send(()).unwrap();
    ready(&transport, false);
    transport.advance(sys::now()).unwrap();
    assert!(transport.is_in(Stage::Tcp));
    assert_eq!(retired(&transport), 1);
    assert_ne!(transport.primary(false).unwrap().fd, watched.fd);
    transport.close_retired();
    assert_eq!(retired(&transport), 0);
}

#[test]
fn a_domain_s_look_up_outlives_the_advance_that_ends_it() {
    let (_sockets, address) = silent();
    let hosts = [named("127.0.0.1", address.port())];
    let resolver = Resolver::with(
        |host| panic!("{host} was asked for"),
        move |_| Ok(hosts.to_vec()),
    );
    let domain = Endpoint {
        address: Address::Domain(Some("test.example".into())),
        ..endpoint("", 0)
    };
    let mut transport = Transport::connect(&domain, &resolver, sys::now()).unwrap();
    if transport.is_in(Stage::Dns) {
        ready(&transport, false);
        transport.advance(sys::now()).unwrap();
    }
    assert!(transport.is_in(Stage::Tcp));
    assert_eq!(retired(&transport), 1);
}

#[test]
fn a_look_up_that_has_timed_out_is_kept_until_the_transport_is_dropped() {
    let (_listener, address) = listen("127.0.0.1:0");
    let (resolver, release) = hanging(address);
    let mut transport = begin(&resolver);
    let watched = transport.primary(false);
    let error = transport.advance(sys::now() + TIMEOUT).unwrap_err();
    assert!(error.timed_out);
    assert_eq!(transport.primary(false), watched);
    release.send(()).unwrap();
    ready(&transport, false);
}

#[test]
fn a_host_s_look_up_that_has_timed_out_is_retired_for_the_next_host() {
    let (_sockets, address) = silent();
    let (_release, receiver) = mpsc::channel::<()>();
    let receiver = Mutex::new(receiver);
    let hosts = [named("silent", 1), named("127.0.0.1", address.port())];
    let resolver = Resolver::with(
        move |_| {
            let _ = receiver.lock().unwrap().recv();
            Ok(Vec::new())
        },
        move |_| Ok(hosts.to_vec()),
    );
    let domain = Endpoint {
        address: Address::Domain(Some("test.example".into())),
        ..endpoint("", 0)
    };
    let start = sys::now();
    let mut transport = Transport::connect(&domain, &resolver, start).unwrap();
    let name_is_asked_for = |transport: &Transport| {
        transport.is_in(Stage::Dns) && transport.deadline() == Some(start + TIMEOUT / 2)
    };
    while !name_is_asked_for(&transport) {
        ready(&transport, false);
        transport.advance(start).unwrap();
    }
    transport.close_retired();
    let watched = transport.primary(false).unwrap();
    transport.advance(start + TIMEOUT / 2).unwrap();
    assert!(transport.is_in(Stage::Tcp));
    assert_eq!(retired(&transport), 1);
    assert_ne!(transport.primary(false).unwrap().fd, watched.fd);
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
