//! Resuming TLS sessions, with a server of OpenSSL's.

use super::*;
use crate::transport::tls::Settings;
use openssl::asn1::Asn1Time;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslMethod};
use openssl::x509::{X509, X509Builder};

#[test]
fn a_session_is_offered_to_the_name_that_gave_it_alone() {
    let (listener, address) = listen("127.0.0.1:0");
    let server = thread::spawn(move || [(); 4].map(|()| serve(&listener)));
    let settings = Settings {
        verify: false,
        ..Settings::default()
    };
    let tls = settings.build().unwrap();
    for host in ["localhost", "localhost", "127.0.0.1", "127.0.0.1"] {
        talk(&Endpoint {
            tls: Some(tls.clone()),
            ..endpoint(host, address.port())
        });
    }
    assert_eq!(server.join().unwrap(), [false, true, false, true]);
}

/// Connects, and reads until the end, as the session comes with what is read.
fn talk(endpoint: &Endpoint) {
    let mut transport = open(endpoint).unwrap();
    let (mut poll, mut watches) = (PollSet::default(), Vec::new());
    loop {
        match transport.read(&mut [0; 16]) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
        watches.clear();
        transport.watches(false, &mut watches);
        poll.wait(&watches, Some(TIMEOUT)).unwrap();
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

fn context() -> SslContext {
    let (certificate, key) = identity();
    let mut builder = SslContextBuilder::new(SslMethod::tls_server()).unwrap();
    builder.set_certificate(&certificate).unwrap();
    builder.set_private_key(&key).unwrap();
    builder.set_session_id_context(b"test").unwrap();
    builder.build()
}

fn identity() -> (X509, PKey<Private>) {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let mut builder = X509Builder::new().unwrap();
    builder.set_pubkey(&key).unwrap();
    builder
        .set_not_before(&Asn1Time::days_from_now(0).unwrap())
        .unwrap();
    builder
        .set_not_after(&Asn1Time::days_from_now(1).unwrap())
        .unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    (builder.build(), key)
}
