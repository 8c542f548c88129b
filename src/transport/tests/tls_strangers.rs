//! Peers that end the handshake, and the errors that describe them.

use super::tls_server::unverified;
use super::*;

#[test]
fn a_peer_without_tls_is_suspected() {
    const HINT: &str = "this port does not seem to speak TLS";
    for said in [
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
    ] {
        assert_eq!(
            failure_with(said.as_bytes(), false),
            format!("tls: 127.0.0.1: wrong version number; {HINT}")
        );
    }
    // CONNACK is shorter than the header of a record.
    for said in [&b""[..], b"\x20\x02\x00\x01"] {
        assert_eq!(
            failure_with(said, false),
            format!("tls: 127.0.0.1: the broker closed the connection; {HINT}")
        );
    }
    assert_eq!(
        failure_with(b"", true),
        format!("tls: 127.0.0.1: Connection reset by peer (os error 104); {HINT}")
    );
}

#[test]
fn alerts_are_named() {
    for (number, name) in [
        (40, "handshake failure"),
        (49, "access denied"),
        (80, "internal error"),
        (112, "unrecognized name"),
        (116, "certificate required"),
        (200, "200"),
    ] {
        let record = [21, 3, 3, 0, 2, 2, number];
        assert_eq!(
            failure_with(&record, false),
            format!("tls: 127.0.0.1: the broker refuses: alert {name}")
        );
    }
}

/// The failure when the peer reads the ClientHello, answers `said`, and closes or resets.
fn failure_with(said: &[u8], resets: bool) -> String {
    let (listener, address) = listen("127.0.0.1:0");
    let said = said.to_vec();
    let peer = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        stream.write_all(&said).unwrap();
        if resets {
            let none = Some(Duration::ZERO);
            Socket::from(stream).set_linger(none).unwrap();
        }
    });
    let error = failure(open(&Endpoint {
        tls: Some(unverified()),
        ..endpoint("127.0.0.1", address.port())
    }));
    peer.join().unwrap();
    assert_eq!(error.stage, Stage::Tls);
    error.to_string()
}
