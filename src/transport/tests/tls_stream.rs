//! Reading and writing through TLS.

use super::tls_server::{context, unverified};
use super::*;
use crate::sys::testing::{self, ask_to_renegotiate};
use crate::transport::tls::Settings;
use openssl::ssl::{Ssl, SslContextBuilder, SslMethod, SslStream, SslVersion};

#[test]
fn what_was_not_taken_may_have_moved_when_it_is_written_again() {
    let (mut transport, mut server) = secured_pair();
    let bytes: Vec<u8> = (0..8 * 1024 * 1024).map(|n| (n % 251) as u8).collect();
    let mut written = 0;
    while let Ok(count) = transport.write(&bytes[written..]) {
        written += count;
    }
    assert!(written < bytes.len());
    let reader = thread::spawn(move || {
        let mut all = Vec::new();
        server.read_to_end(&mut all).unwrap();
        all
    });
    let moved = bytes.clone();
    while written < moved.len() {
        match transport.write(&moved[written..]) {
            Ok(count) => written += count,
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                ready(&transport, true);
            }
        }
    }
    transport.finish();
    assert!(reader.join().unwrap() == bytes);
}

#[test]
fn an_end_without_close_notify_is_told_from_one_with_it() {
    let (mut transport, mut server) = secured_pair();
    server.shutdown().unwrap();
    assert_eq!(read(&mut transport).unwrap(), 0);

    let (mut transport, server) = secured_pair();
    drop(server);
    let error = read(&mut transport).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(
        error.to_string(),
        "the broker closed it without a TLS close_notify"
    );
}

#[test]
fn discarding_is_done_in_steps_of_64_kib() {
    let (mut transport, server) = secured_pair();
    // The bytes are not decrypted, so they may be anything.
    let peer = server.get_ref().try_clone().unwrap();
    assert!(discards(&mut transport, peer, 8 << 20) >= 128);
}

#[test]
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn what_the_peers_tcp_has_not_acknowledged_counts_as_it_goes_over_the_wire() {
    let (mut transport, mut server) = secured_pair();
    let handshake = transport.written().unwrap();
    let count = fill(&mut transport);
    assert!(transport.unacked() > 0);
    assert!(transport.written().unwrap() > handshake + count as u64);
    server.read_exact(&mut vec![0; count]).unwrap();
    wait_until_acked(&transport);
}

#[test]
fn a_write_that_waits_for_a_read_is_watched_as_one() {
    let (mut transport, mut server) = renegotiating_pair();
    assert!(read_once(&mut transport).is_none());
    let error = transport.write(b"x").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    assert_eq!(wanted(&transport, true), (true, false));
    assert!(!transport.read_waits_to_write());
    let server = thread::spawn(move || server.read(&mut [0; 16]).unwrap());
    while transport.write(b"x").is_err() {
        ready(&transport, true);
    }
    assert_eq!(wanted(&transport, true), (true, true));
    assert_eq!(server.join().unwrap(), 1);
}

#[test]
fn a_read_that_waits_for_a_write_is_watched_as_one() {
    let (mut transport, mut server) = renegotiating_pair();
    let filling = testing::fill(transport.primary(false).unwrap().fd);
    assert!(read_once(&mut transport).is_none());
    assert_eq!(wanted(&transport, false), (false, true));
    assert!(transport.read_waits_to_write());
    let server = thread::spawn(move || {
        server.get_mut().read_exact(&mut vec![0; filling]).unwrap();
        server.write_all(b"x").unwrap();
        // Reading the client's part lets the handshake continue.
        let _ = server.read(&mut [0; 16]);
    });
    assert_eq!(read(&mut transport).unwrap(), 1);
    assert_eq!(wanted(&transport, false), (true, false));
    transport.finish();
    server.join().unwrap();
}

#[test]
fn what_is_thrown_away_waits_for_the_peer_alone() {
    let (mut transport, _server) = renegotiating_pair();
    testing::fill(transport.primary(false).unwrap().fd);
    assert!(read_once(&mut transport).is_none());
    transport.finish();
    assert_eq!(wanted(&transport, false), (true, false));
}

/// TLS 1.2 with a context of the program, and a server that has asked for a new handshake.
fn renegotiating_pair() -> (Transport, SslStream<TcpStream>) {
    let mut own = SslContextBuilder::new(SslMethod::tls_client()).unwrap();
    own.set_max_proto_version(Some(SslVersion::TLS1_2)).unwrap();
    let settings = Settings {
        context: Some(own.build()),
        ..Settings::default()
    };
    let (transport, mut server) = secured_pair_with(Tls {
        context: settings.build().unwrap(),
        ..unverified()
    });
    ask_to_renegotiate(&mut server);
    ready(&transport, false);
    (transport, server)
}

/// Whether reading and writing are watched for.
fn wanted(transport: &Transport, want_write: bool) -> (bool, bool) {
    let watch = transport.primary(want_write).unwrap();
    (watch.read, watch.write)
}

/// Reads once; None: nothing had arrived yet.
fn read_once(transport: &mut Transport) -> Option<usize> {
    match transport.read(&mut [0; 16]) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        result => Some(result.unwrap()),
    }
}

fn secured_pair() -> (Transport, SslStream<TcpStream>) {
    secured_pair_with(unverified())
}

fn secured_pair_with(tls: Tls) -> (Transport, SslStream<TcpStream>) {
    let (listener, address) = listen("127.0.0.1:0");
    let server = thread::spawn(move || {
        let ssl = Ssl::new(&context()).unwrap();
        ssl.accept(listener.accept().unwrap().0).unwrap()
    });
    let transport = open(&Endpoint {
        tls: Some(tls),
        ..endpoint("127.0.0.1", address.port())
    });
    (transport.unwrap(), server.join().unwrap())
}

/// Reads, and waits until something has arrived.
fn read(transport: &mut Transport) -> io::Result<usize> {
    loop {
        match transport.read(&mut [0; 16]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready(transport, false),
            result => return result,
        }
    }
}
