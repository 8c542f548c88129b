//! The hosts that serve a domain are tried one after the other.

use super::*;
use crate::time::Moment;

fn domain() -> Endpoint {
    Endpoint {
        address: Address::Domain(Some("test.example".into())),
        ..endpoint("", 0)
    }
}

/// The domain is served by `hosts`; each is at 127.0.0.1 unless it is `nowhere`.
fn served_by(hosts: &[Host]) -> Resolver {
    let hosts = hosts.to_vec();
    Resolver::with(
        |host| match &*host.name {
            "nowhere" => Err(io::Error::other("there is no such name")),
            _ => Ok(vec![SocketAddr::from(([127, 0, 0, 1], host.port))]),
        },
        move |_| Ok(hosts.clone()),
    )
}

fn open_domain(hosts: &[Host]) -> Result<Transport, Error> {
    let mut transport = Transport::connect(&domain(), &served_by(hosts), sys::now())?;
    drive(&mut transport).map(|()| transport)
}

/// Advances while time stands still at `now`, until `condition` holds.
fn settle(transport: &mut Transport, now: Moment, condition: impl Fn(&Transport) -> bool) {
    for _ in 0..1000 {
        transport.advance(now).unwrap();
        if condition(transport) {
            return;
        }
        thread::sleep(ms(5));
    }
    panic!("it did not come to that");
}

#[test]
fn the_first_host_that_can_be_connected_to_is_taken() {
    let (_socket, refusing) = refusing();
    let (_listener, good) = listen("127.0.0.1:0");
    let (_other, spare) = listen("127.0.0.1:0");
    let (refused, good, spare) = (refusing.port(), good.port(), spare.port());
    let mut transport = open_domain(&[
        named("nowhere", 1),
        named("refusing", refused),
        named("127.0.0.1", good),
        named("spare", spare),
    ])
    .unwrap();
    let lines = told(&mut transport);
    let stages = [
        format!(
            "dns: _mqtt._tcp.test.example is served by nowhere port 1, refusing port {refused}, \
             127.0.0.1 port {good}, spare port {spare} ("
        ),
        "dns: nowhere port 1: nowhere: there is no such name (".to_owned(),
        format!("dns: refusing is 127.0.0.1:{refused} ("),
        format!("tcp: refusing port {refused}: 127.0.0.1:{refused}: Connection refused"),
        format!("tcp: connected to 127.0.0.1:{good} ("),
    ];
    assert_eq!(lines.len(), stages.len(), "{lines:#?}");
    for (line, stage) in lines.iter().zip(stages) {
        assert!(line.starts_with(&stage), "{line} begins not with {stage}");
        assert!(line.ends_with(" ms)"), "{line}");
    }
}

#[test]
fn every_host_that_failed_is_named_and_the_last_one_gives_the_number() {
    let (_socket, refusing) = refusing();
    let port = refusing.port();
    let error = failure(open_domain(&[
        named("nowhere", 1),
        named("refusing", refusing.port()),
    ]));
    assert_eq!(error.stage, Stage::Tcp);
    assert_eq!(error.os_error, refused().raw_os_error());
    assert_eq!(
        error.to_string(),
        format!(
            "tcp: none of the brokers of test.example can be connected to: \
             nowhere port 1: dns: nowhere: there is no such name; \
             refusing port {port}: tcp: {refusing}: {}",
            refused()
        )
    );
}

#[test]
fn a_silent_host_has_its_share_of_the_time_and_no_more() {
    let ((_a, first), (_b, second)) = (silent(), silent());
    let (_listener, third) = listen("127.0.0.1:0");
    let hosts = [first, second, third].map(|address| named("127.0.0.1", address.port()));
    let (release, receiver) = mpsc::channel::<()>();
    let receiver = Mutex::new(receiver);
    let resolver = Resolver::with(
        |host| panic!("{host} was asked for"),
        move |_| {
            let _ = receiver.lock().unwrap().recv();
            Ok(hosts.to_vec())
        },
    );
    let start = sys::now();
    let mut transport = Transport::connect(&domain(), &resolver, start).unwrap();
    let asked = start + ms(500);
    release.send(()).unwrap();
    settle(&mut transport, asked, |transport| {
        transport.is_in(Stage::Tcp)
    });

    // A third of 4.5 s, then half of 3 s.
    assert_eq!(transport.deadline(), Some(asked + ms(1500)));
    let before = transport.primary(false).unwrap();
    assert!(!transport.advance(asked + ms(1500)).unwrap());
    assert_eq!(transport.deadline(), Some(asked + ms(3000)));
    // What was given up stays open until the loop that watches it has been told.
    assert_ne!(transport.primary(false).unwrap().fd, before.fd);
    transport.close_retired();
    settle(&mut transport, asked + ms(3000), Transport::is_open);
    assert!(has_reached(&mut transport, third));
}

#[test]
fn silence_of_all_is_a_timeout_that_names_each() {
    let ((_a, first), (_b, second)) = (silent(), silent());
    let hosts = [first, second].map(|address| named("127.0.0.1", address.port()));
    let start = sys::now();
    let mut transport = Transport::connect(&domain(), &served_by(&hosts), start).unwrap();
    settle(&mut transport, start, |transport| {
        transport.is_in(Stage::Tcp)
    });
    assert!(!transport.advance(start + ms(2500)).unwrap());
    let error = transport.advance(start + TIMEOUT).unwrap_err();
    assert!(error.timed_out);
    let (one, two) = (first.port(), second.port());
    assert_eq!(
        error.to_string(),
        format!(
            "tcp: none of the brokers of test.example can be connected to: \
             127.0.0.1 port {one}: tcp: no answer from {first} within 2500 ms; \
             127.0.0.1 port {two}: tcp: no answer from {second} within 2500 ms"
        )
    );
}

#[test]
fn hosts_whose_time_is_gone_are_not_tried() {
    let (_sockets, first) = silent();
    let (_listener, second) = listen("127.0.0.1:0");
    let hosts = [first, second].map(|address| named("127.0.0.1", address.port()));
    let start = sys::now();
    let mut transport = Transport::connect(&domain(), &served_by(&hosts), start).unwrap();
    settle(&mut transport, start, |transport| {
        transport.is_in(Stage::Tcp)
    });
    let error = transport.advance(start + TIMEOUT).unwrap_err();
    assert!(error.timed_out);
    assert!(!error.message.contains(&second.to_string()), "{error}");
}

#[test]
fn the_look_up_of_a_domain_is_bounded_too() {
    let (_sender, receiver) = mpsc::channel::<()>();
    let receiver = Mutex::new(receiver);
    let resolver = Resolver::with(
        |host| panic!("{host} was asked for"),
        move |_| {
            let _ = receiver.lock().unwrap().recv();
            Ok(Vec::new())
        },
    );
    let start = sys::now();
    let mut transport = Transport::connect(&domain(), &resolver, start).unwrap();
    assert!(transport.is_in(Stage::Dns));
    assert_eq!(transport.deadline(), Some(start + TIMEOUT));
    assert!(!transport.advance(start + ms(4999)).unwrap());
    let error = transport.advance(start + TIMEOUT).unwrap_err();
    assert!(error.timed_out);
    assert_eq!(
        error.to_string(),
        "dns: no answer from _mqtt._tcp.test.example within 5000 ms"
    );
}

#[test]
fn a_domain_that_cannot_be_looked_up_is_an_error_with_its_reason() {
    let failing = |kind| {
        let resolver = Resolver::with(
            |host| panic!("{host} was asked for"),
            move |_| Err(io::Error::new(kind, "the name has no SRV record")),
        );
        let local = Endpoint {
            address: Address::Domain(None),
            ..domain()
        };
        let transport = Transport::connect(&local, &resolver, sys::now());
        failure(transport.and_then(|mut transport| {
            drive(&mut transport)?;
            Ok(transport)
        }))
    };
    let error = failing(io::ErrorKind::Other);
    assert_eq!(
        error.to_string(),
        "dns: _mqtt._tcp of the local domain: the name has no SRV record"
    );
    assert!(!error.invalid && !error.timed_out);
    assert!(failing(io::ErrorKind::InvalidInput).invalid);
}

#[cfg(feature = "tls")]
#[test]
fn a_host_whose_handshake_fails_makes_room_for_the_next() {
    use dns::Service;

    let listeners = [listen("127.0.0.1:0"), listen("127.0.0.1:0")];
    let hosts = [
        named("first", listeners[0].1.port()),
        named("second", listeners[1].1.port()),
    ];
    let secure = Endpoint {
        tls: Some(tls_server::unverified()),
        ..domain()
    };
    let resolver = Resolver::with(
        |host| Ok(vec![SocketAddr::from(([127, 0, 0, 1], host.port))]),
        move |service| {
            let asked_for = Service {
                secure: true,
                domain: Some("test.example".into()),
            };
            assert_eq!(*service, asked_for);
            Ok(hosts.to_vec())
        },
    );
    // They read a ClientHello, which contains the host's name.
    let brokers = listeners.map(|(listener, _)| {
        thread::spawn(move || {
            let mut hello = [0; 2048];
            let mut peer = listener.accept().unwrap().0;
            let count = peer.read(&mut hello).unwrap();
            peer.write_all(b"plain text").unwrap();
            String::from_utf8_lossy(&hello[..count]).into_owned()
        })
    });
    let mut transport = Transport::connect(&secure, &resolver, sys::now()).unwrap();
    let error = drive(&mut transport).unwrap_err();
    assert_eq!(error.stage, Stage::Tls);
    for (name, broker) in ["first", "second"].into_iter().zip(brokers) {
        assert!(broker.join().unwrap().contains(name));
        let reason = format!("tls: {name}: wrong version number");
        assert!(error.message.contains(&reason), "{error}");
    }
}

#[cfg(feature = "tls")]
#[test]
fn a_socket_outlives_the_advance_in_which_its_handshake_cannot_begin() {
    let (_listener, first) = listen("127.0.0.1:0");
    let (_sockets, second) = silent();
    // Too long for a server name.
    let long = "x".repeat(300);
    let secure = Endpoint {
        tls: Some(tls_server::unverified()),
        ..domain()
    };
    let hosts = [
        named(&long, first.port()),
        named("127.0.0.1", second.port()),
    ];
    let start = sys::now();
    let mut transport = Transport::connect(&secure, &served_by(&hosts), start).unwrap();
    settle(&mut transport, start, |transport| {
        transport.is_in(Stage::Tcp)
    });
    let watched = transport.primary(false).unwrap();
    transport.close_retired();
    ready(&transport, false);
    transport.advance(start).unwrap();
    let lines = told(&mut transport);
    assert!(lines.last().unwrap().starts_with("tls: xxx"), "{lines:?}");
    // The socket, and the step that it belonged to.
    assert_eq!(retired(&transport), 2);
    settle(&mut transport, start, |transport| {
        transport.is_in(Stage::Tcp)
    });
    assert_ne!(transport.primary(false).unwrap().fd, watched.fd);
}
