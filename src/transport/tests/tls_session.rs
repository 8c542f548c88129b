//! Resuming TLS sessions, with an OpenSSL server.

use super::tls_server::{context, unverified};
use super::*;
use openssl::ssl::{Ssl, SslContext};

#[test]
fn a_session_is_offered_to_the_name_that_gave_it_alone() {
    let (listener, address) = listen("127.0.0.1:0");
    let server = thread::spawn(move || [(); 4].map(|()| serve(&listener)));
    let tls = unverified();
    for host in ["localhost", "localhost", "127.0.0.1", "127.0.0.1"] {
        talk(&Endpoint {
            tls: Some(tls.clone()),
            ..endpoint(host, address.port())
        });
    }
    assert_eq!(server.join().unwrap(), [false, true, false, true]);
}

/// Connects, and reads until the end, as the session arrives together with the data.
fn talk(endpoint: &Endpoint) {
    let mut transport = open(endpoint).unwrap();
    loop {
        match transport.read(&mut [0; 16]) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                ready(&transport, false);
            }
        }
    }
    transport.finish();
}

/// Serves one connection, and tells whether it resumed a session.
fn serve(listener: &TcpListener) -> bool {
    thread_local!(static CONTEXT: SslContext = context());
    let ssl = CONTEXT.with(|context| Ssl::new(context)).unwrap();
    let mut stream = ssl.accept(listener.accept().unwrap().0).unwrap();
    stream.write_all(b"x").unwrap();
    stream.shutdown().unwrap();
    let _ = stream.read(&mut [0]);
    stream.ssl().session_reused()
}
