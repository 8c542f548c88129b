//! Reading and writing through TCP without TLS.

use super::*;

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

/// Where the system does not tell, all bytes count as acknowledged.
#[test]
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn what_the_peers_tcp_has_not_acknowledged_is_told() {
    let (mut transport, mut peer) = open_pair();
    assert_eq!(transport.unacked(), 0);
    let count = fill(&mut transport);
    assert!(transport.unacked() > 0);
    assert!(transport.written().is_none());
    peer.read_exact(&mut vec![0; count]).unwrap();
    wait_until_acked(&transport);
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

#[test]
fn discarding_is_done_in_steps_of_64_kib() {
    let (mut transport, peer) = open_pair();
    assert!(discards(&mut transport, peer, 8 << 20) >= 128);
}
