//! Reading and writing through TLS.

use super::tls_server::{context, unverified};
use super::*;
use openssl::ssl::{Ssl, SslStream};

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
    // Nobody decrypts it, so it may be anything.
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

fn secured_pair() -> (Transport, SslStream<TcpStream>) {
    let (listener, address) = listen("127.0.0.1:0");
    let server = thread::spawn(move || {
        let ssl = Ssl::new(&context()).unwrap();
        ssl.accept(listener.accept().unwrap().0).unwrap()
    });
    let transport = open(&Endpoint {
        tls: Some(unverified()),
        ..endpoint("127.0.0.1", address.port())
    });
    (transport.unwrap(), server.join().unwrap())
}

/// Reads, and waits for there to be something.
fn read(transport: &mut Transport) -> io::Result<usize> {
    loop {
        match transport.read(&mut [0; 16]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready(transport, false),
            result => return result,
        }
    }
}
