//! A broker that a test plays packet by packet, in a thread.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::call::PATIENCE;

pub const CONNECT: u8 = 0x10;
pub const PUBLISH_QOS_1: u8 = 0x32;
pub const PUBLISH_QOS_2: u8 = 0x34;
pub const PUBACK: u8 = 0x40;
pub const PUBREL: u8 = 0x62;
pub const SUBSCRIBE: u8 = 0x82;
pub const DISCONNECT: u8 = 0xe0;

/// Plays a broker on a port. Join the handle: it panics if an assertion of the script fails.
pub fn play(script: impl FnOnce(&TcpListener) + Send + 'static) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let port = listener.local_addr().expect("its address").port();
    (port, std::thread::spawn(move || script(&listener)))
}

/// One connection, from the broker's side.
pub struct Peer {
    stream: TcpStream,
    /// What follows the fixed header of its CONNECT.
    pub connect: Vec<u8>,
}

impl Peer {
    /// Accepts the next connection, and answers its CONNECT with this code.
    pub fn answer(listener: &TcpListener, code: u8) -> Peer {
        let mut peer = Peer::accept(listener);
        peer.send(&[0x20, 2, 0, code]);
        peer
    }

    /// As `answer` with a CONNACK of MQTT 5, which has these properties.
    pub fn answer5(listener: &TcpListener, properties: &[u8]) -> Peer {
        let mut peer = Peer::accept(listener);
        let length = u8::try_from(properties.len()).expect("short properties");
        peer.send(&[0x20, 3 + length, 0, 0, length]);
        peer.send(properties);
        peer
    }

    /// The next connection, whose CONNECT is accepted after a while.
    pub fn answer_after(listener: &TcpListener, time: Duration) -> Peer {
        let mut peer = Peer::accept(listener);
        std::thread::sleep(time);
        peer.send(&[0x20, 2, 0, 0]);
        peer
    }

    pub fn accept(listener: &TcpListener) -> Peer {
        let (stream, _) = listener.accept().expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let mut peer = Peer {
            stream,
            connect: Vec::new(),
        };
        peer.connect = peer.expect(CONNECT);
        peer
    }

    /// As `answer`; it also answers SUBSCRIBE with `granted`.
    pub fn grant(listener: &TcpListener, granted: u8) -> Peer {
        let mut peer = Peer::answer(listener, 0);
        let subscribe = peer.expect(SUBSCRIBE);
        peer.send(&[0x90, 3, subscribe[0], subscribe[1], granted]);
        peer
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the client reads");
    }

    /// Sends a message of QoS 1 with topic t.
    pub fn send_message(&mut self, id: u8, payload: u8) {
        self.send(&[0x32, 6, 0, 1, b't', 0, id, payload]);
    }

    /// Reads a packet, which begins with `first`, and returns what follows the fixed header.
    pub fn expect(&mut self, first: u8) -> Vec<u8> {
        let mut header = [0; 2];
        self.stream.read_exact(&mut header).expect("a packet");
        assert_eq!(header[0], first, "the type of the packet");
        assert!(header[1] < 128, "a short packet");
        let mut body = vec![0; header[1].into()];
        self.stream.read_exact(&mut body).expect("a whole packet");
        body
    }

    /// False at the end of the connection.
    pub fn read_on(&mut self) -> bool {
        self.stream.read(&mut [0]).is_ok_and(|count| count > 0)
    }

    pub fn expect_end(&mut self) {
        let count = self
            .stream
            .read(&mut [0])
            .expect("the end of the connection");
        assert_eq!(count, 0);
    }
}
