//! SCRAM-SHA-256 by the library, against a broker that computes the server's side.

use std::ffi::c_int;
use std::ptr::null;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use openssl::base64::{decode_block, encode_block};
use openssl::hash::MessageDigest;
use openssl::pkcs5::pbkdf2_hmac;
use openssl::pkey::PKey;
use openssl::sha::sha256;
use openssl::sign::Signer;
use pmqtt::ffi::{self, PMQTT_ERR_AUTH, PMQTT_ERR_BUSY, PMQTT_ERR_INVAL, PMQTT_ERR_TIMEOUT};

use crate::support::broker5::{auth, connack};
use crate::support::{
    Broker, Client, Drive, Event, Handle, LIMIT, Peer, c, each_drive, each_of, on_auth,
};

const METHOD: &str = "SCRAM-SHA-256";
const CONTINUE: u8 = 0x18;
const FEW: usize = 4_096;
/// OpenSSL computes for some ten milliseconds.
const MANY: usize = 200_000;
const MOST: usize = 1_000_000;

fn set_scram(client: Handle, user: &str, password: &str) {
    let (user, password) = (c(user), c(password));
    // SAFETY: the client lives, and both are strings.
    let rc = unsafe { ffi::pmqtt_auth_scram_set(client.0, user.as_ptr(), password.as_ptr()) };
    assert_eq!(rc, 0);
}

fn reauthenticate(client: Handle) -> c_int {
    // SAFETY: the client lives.
    unsafe { ffi::pmqtt_reauthenticate(client.0) }
}

/// A client of MQTT 5 with user name and password, which connects, and its broker.
fn connecting(drive: Drive, prepare: impl FnOnce(&Client)) -> (Client, Broker) {
    let client = Client::create("c", true, ffi::PMQTT_PROTOCOL_V5);
    let broker = Broker::new();
    set_scram(*client, "user,=", "p\u{e4}ssword");
    client.set_reconnect_delay(30, 30);
    // A busy machine computes slowly.
    client.set_connect_timeout(LIMIT);
    prepare(&client);
    client.connect_async(&broker);
    client.run(drive);
    (client, broker)
}

/// The server's side of an exchange, as RFC 5802 section 3 has it.
struct Server {
    first_bare: String,
    first: String,
    salted_password: [u8; 32],
}

impl Server {
    /// The client's first message has come.
    fn new(message: &str, password: &str, iterations: usize) -> Server {
        static NONCES: AtomicU32 = AtomicU32::new(0);
        let first_bare = message.strip_prefix("n,,").expect("no channel binding");
        let (user, nonce) = first_bare.split_once(",r=").expect("a nonce");
        assert_eq!(user, "n=user=2C=3D");
        let nonce = format!("{nonce}server{}", NONCES.fetch_add(1, Ordering::Relaxed));
        let salt = b"salt of the user";
        let mut salted_password = [0; 32];
        if iterations <= MOST {
            let sha256 = MessageDigest::sha256();
            pbkdf2_hmac(
                password.as_bytes(),
                salt,
                iterations,
                sha256,
                &mut salted_password,
            )
            .expect("keys");
        }
        Server {
            first_bare: first_bare.to_owned(),
            first: format!("r={nonce},s={},i={iterations}", encode_block(salt)),
            salted_password,
        }
    }

    /// The client's last message: returns the server's, and whether the client's proof is right.
    fn end(&self, message: &str) -> (String, bool) {
        let (without_proof, proof) = message.split_once(",p=").expect("a proof");
        let signed = format!("{},{},{without_proof}", self.first_bare, self.first);
        let client_key = hmac(&self.salted_password, b"Client Key");
        let signature = hmac(&sha256(&client_key), signed.as_bytes());
        let expected: Vec<u8> = client_key
            .iter()
            .zip(&signature)
            .map(|(a, b)| a ^ b)
            .collect();
        let server_key = hmac(&self.salted_password, b"Server Key");
        let verifier = hmac(&server_key, signed.as_bytes());
        let proof = decode_block(proof).expect("base64");
        (format!("v={}", encode_block(&verifier)), proof == expected)
    }
}

fn hmac(key: &[u8], data: &[u8]) -> Vec<u8> {
    let key = PKey::hmac(key).expect("a key");
    let mut signer = Signer::new(MessageDigest::sha256(), &key).expect("a signer");
    signer.sign_oneshot_to_vec(data).expect("a signature")
}

/// The data of the next packet, which is a CONNECT or an AUTH with this reason.
fn data_of(peer: &mut Peer, packet: &str) -> String {
    let text = peer.next_packet();
    let data = text.strip_prefix(&format!("{packet} {METHOD} "));
    data.unwrap_or_else(|| panic!("{text} is no {packet} of SCRAM"))
        .to_owned()
}

/// Plays the broker up to the server's last message, which it returns.
fn exchange(peer: &mut Peer, packet: &str, iterations: usize) -> String {
    let server = Server::new(&data_of(peer, packet), "p\u{e4}ssword", iterations);
    peer.send(&auth(CONTINUE, Some(METHOD), server.first.as_bytes()));
    let (last, is_right) = server.end(&data_of(peer, "AUTH 0x18"));
    assert!(is_right, "the client's proof is wrong");
    last
}

fn accept(broker: &Broker) -> Peer {
    let mut peer = broker.accept();
    let last = exchange(&mut peer, "CONNECT", FEW);
    peer.send(&connack(0, Some(METHOD), last.as_bytes()));
    peer
}

#[test]
fn both_sides_prove_that_they_know_the_password() {
    each_drive(|drive| {
        let (client, broker) = connecting(drive, |_| {});
        let mut peer = accept(&broker);
        assert_eq!(client.next(), Event::CONNECTED);
        // Again, on the open connection.
        assert_eq!(reauthenticate(*client), 0);
        assert_eq!(reauthenticate(*client), PMQTT_ERR_BUSY);
        let last = exchange(&mut peer, "AUTH 0x19", FEW);
        client.publish("t", b"flows on", 0);
        assert_eq!(peer.next_packet(), "PUBLISH #0");
        peer.send(&auth(0, Some(METHOD), last.as_bytes()));
        assert!(matches!(client.next(), Event::Published { rc: 0, .. }));
        while reauthenticate(*client) == PMQTT_ERR_BUSY {
            thread::sleep(Duration::from_millis(1));
        }
        exchange(&mut peer, "AUTH 0x19", FEW);
        // The next connection begins with an exchange of its own.
        drop(peer);
        assert!(matches!(client.next(), Event::Disconnected { .. }));
        assert_eq!(client.reconnect(), 0);
        let _peer = accept(&broker);
        assert_eq!(client.next(), Event::CONNECTED);
    });
}

#[test]
fn a_broker_without_the_right_signature_is_left() {
    let wrong = format!("v={}", encode_block(&[7; 32]));
    let rc = PMQTT_ERR_AUTH;
    each_of(&[Drive::Thread, Drive::Foreign, Drive::EventFd], |drive| {
        for last in [&wrong, "", "e=other-error"] {
            let (client, broker) = connecting(drive, |_| {});
            let mut peer = broker.accept();
            exchange(&mut peer, "CONNECT", FEW);
            peer.send(&connack(0, Some(METHOD), last.as_bytes()));
            assert_eq!(peer.next_packet(), "DISCONNECT 0x80");
            assert_eq!(client.next(), Event::ConnectFailed { rc });
            let error = client.last_error();
            assert!(error.starts_with("scram: "), "{error}");
            assert!(
                !error.contains("ssword") && !error.contains(&wrong[2..]),
                "{error}"
            );

            // A broker that asks for no proof has none either.
            let (client, broker) = connecting(drive, |_| {});
            let mut peer = broker.accept();
            data_of(&mut peer, "CONNECT");
            peer.send(&connack(0, Some(METHOD), last.as_bytes()));
            assert_eq!(client.next(), Event::ConnectFailed { rc });
            assert_eq!(client.told(), None);
        }
        let (client, broker) = connecting(drive, |_| {});
        let mut peer = accept(&broker);
        assert_eq!(client.next(), Event::CONNECTED);
        assert_eq!(reauthenticate(*client), 0);
        exchange(&mut peer, "AUTH 0x19", FEW);
        peer.send(&auth(0, Some(METHOD), wrong.as_bytes()));
        assert_eq!(peer.next_packet(), "DISCONNECT 0x80");
        assert_eq!(client.next(), Event::Disconnected { rc });
    });
}

#[test]
fn too_many_iterations_are_refused_at_once() {
    for iterations in [2_000_000_000, MOST + 1, 4_095] {
        let (client, broker) = connecting(Drive::Thread, |_| {});
        let mut peer = broker.accept();
        let server = Server::new(&data_of(&mut peer, "CONNECT"), "", iterations.max(MOST + 1));
        let first = server.first.replace(
            &format!("i={}", iterations.max(MOST + 1)),
            &format!("i={iterations}"),
        );
        let begin = Instant::now();
        peer.send(&auth(CONTINUE, Some(METHOD), first.as_bytes()));
        assert_eq!(client.next(), Event::ConnectFailed { rc: PMQTT_ERR_AUTH });
        assert!(begin.elapsed() < Duration::from_secs(5));
        assert!(client.last_error().contains("iterations"));
        assert_eq!(peer.next_packet(), "DISCONNECT 0x80");
    }
}

#[test]
fn a_client_is_freed_and_replaced_while_its_keys_are_computed() {
    for drive in Drive::ALL {
        let (client, broker) = connecting(drive, |_| {});
        let mut peer = broker.accept();
        let first = data_of(&mut peer, "CONNECT");
        let server = Server::new(&first, "p\u{e4}ssword", FEW);
        let first = server.first.replace("i=4096", "i=200000");
        peer.send(&auth(CONTINUE, Some(METHOD), first.as_bytes()));
        thread::sleep(Duration::from_millis(20));
        // What the old connection computes is not for the new one.
        assert_eq!(client.reconnect(), 0);
        let mut peer = accept(&broker);
        assert!(matches!(client.next(), Event::ConnectFailed { .. }));
        assert_eq!(client.next(), Event::CONNECTED);
        assert_eq!(reauthenticate(*client), 0);
        let server = Server::new(&data_of(&mut peer, "AUTH 0x19"), "", FEW);
        let first = server.first.replace("i=4096", "i=200000");
        peer.send(&auth(CONTINUE, Some(METHOD), first.as_bytes()));
        thread::sleep(Duration::from_millis(20));
        let begin = Instant::now();
        drop(client);
        assert!(begin.elapsed() < Duration::from_secs(5));
        peer.expect_end();
    }
}

#[test]
fn disconnect_waits_for_the_keys_and_says_goodbye() {
    each_drive(|drive| {
        let (client, broker) = connecting(drive, |_| {});
        let mut peer = broker.accept();
        let server = Server::new(&data_of(&mut peer, "CONNECT"), "p\u{e4}ssword", MANY);
        client.subscribe(&[("a", 0)]);
        peer.send(&auth(CONTINUE, Some(METHOD), server.first.as_bytes()));
        thread::sleep(Duration::from_millis(20));
        assert_eq!(client.disconnect(), 0);
        let (last, is_right) = server.end(&data_of(&mut peer, "AUTH 0x18"));
        assert!(is_right);
        peer.send(&connack(0, Some(METHOD), last.as_bytes()));
        assert!(peer.next_packet().starts_with("SUBSCRIBE"));
        assert_eq!(peer.next_packet(), "DISCONNECT 0x00");
        assert_eq!(peer.next_packet(), "end");
        drop(peer);
        let ends = [(); 3].map(|()| client.next());
        assert!(ends.contains(&Event::Disconnected { rc: 0 }), "{ends:?}");
    });
}

#[test]
fn the_connect_timeout_limits_the_computation() {
    let (client, broker) = connecting(Drive::Foreign, |client| {
        client.set_connect_timeout(Duration::from_millis(30));
    });
    let mut peer = broker.accept();
    let first = data_of(&mut peer, "CONNECT");
    let server = Server::new(&first, "", MOST + 1);
    let first = server.first.replace("i=1000001", "i=1000000");
    peer.send(&auth(CONTINUE, Some(METHOD), first.as_bytes()));
    assert_eq!(
        client.next(),
        Event::ConnectFailed {
            rc: PMQTT_ERR_TIMEOUT
        }
    );
}

#[test]
fn more_clients_than_threads_authenticate_at_the_same_time() {
    const CLIENTS: usize = 12;
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let (client, broker) = connecting(Drive::Thread, |_| {});
                let mut peer = broker.accept();
                let last = exchange(&mut peer, "CONNECT", 100_000);
                peer.send(&connack(0, Some(METHOD), last.as_bytes()));
                assert_eq!(client.next(), Event::CONNECTED);
            });
        }
    });
}

#[test]
fn the_library_answers_for_its_own_method_only() {
    let client = Client::create("c", true, ffi::PMQTT_PROTOCOL_V5);
    let broker = Broker::new();
    // SAFETY: the client lives.
    let rc = unsafe { ffi::pmqtt_auth_set(client.0, c"M".as_ptr(), Some(on_auth)) };
    assert_eq!(rc, 0);
    client.hook(|client, event| {
        if matches!(event, Event::Auth { step: 0, .. }) {
            // SAFETY: the client lives.
            let rc = unsafe { ffi::pmqtt_auth_answer(client.0, null(), 0, null()) };
            assert_eq!(rc, 0);
        }
    });
    client.connect_async(&broker);
    client.run(Drive::Thread);
    let mut peer = broker.accept();
    assert_eq!(peer.next_packet(), "CONNECT M");
    peer.send(&connack(0, Some("M"), b""));
    let [_start, _done, connected] = [(); 3].map(|()| client.next());
    assert_eq!(connected, Event::CONNECTED);
    set_scram(*client, "user,=", "p\u{e4}ssword");
    assert_eq!(reauthenticate(*client), 0);
    assert_eq!(peer.next_packet(), "DISCONNECT 0x80");
    let rc = PMQTT_ERR_AUTH;
    assert_eq!(client.next(), Event::Disconnected { rc });
    assert_eq!(client.reconnect(), 0);
    let _peer = accept(&broker);
    assert_eq!(client.next(), Event::CONNECTED);
}

#[test]
fn the_program_does_not_answer_for_the_library() {
    let (client, broker) = connecting(Drive::Thread, |_| {});
    let mut peer = broker.accept();
    let server = Server::new(&data_of(&mut peer, "CONNECT"), "p\u{e4}ssword", MANY);
    peer.send(&auth(CONTINUE, Some(METHOD), server.first.as_bytes()));
    // SAFETY: the client lives.
    let rc = unsafe { ffi::pmqtt_auth_answer(client.0, b"a".as_ptr().cast(), 1, null()) };
    assert_eq!(rc, PMQTT_ERR_INVAL);
    assert!(client.last_error().contains("the library answers"));
    // SAFETY: the client lives.
    assert_eq!(unsafe { ffi::pmqtt_auth_fail(client.0, 0x80) }, 0);
    assert_eq!(client.next(), Event::ConnectFailed { rc: PMQTT_ERR_AUTH });
}
