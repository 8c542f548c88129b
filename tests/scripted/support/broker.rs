//! The broker's side, byte by byte.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

use super::{LIMIT, PINGREQ, PINGRESP, readable};

/// Listens, and knows nothing of MQTT: each test states what arrives and what is answered.
pub struct Broker {
    listener: TcpListener,
}

impl Broker {
    pub fn new() -> Broker {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        Broker { listener }
    }

    /// A broker whose system buffers little that the broker does not read. The rest stays in the
    /// client's system, as on a slow link.
    pub fn new_narrow() -> Broker {
        let broker = Broker::new();
        let socket = SockRef::from(&broker.listener);
        socket.set_recv_buffer_size(8 * 1024).expect("a buffer");
        socket.set_tcp_mss(1400).expect("a segment size");
        broker
    }

    pub fn port(&self) -> i32 {
        self.listener
            .local_addr()
            .expect("an address")
            .port()
            .into()
    }

    /// The next connection.
    pub fn accept(&self) -> Peer {
        assert!(self.is_asked(LIMIT), "no connection comes");
        let (stream, _) = self.listener.accept().expect("a connection");
        stream.set_read_timeout(Some(LIMIT)).expect("a timeout");
        stream.set_write_timeout(Some(LIMIT)).expect("a timeout");
        stream.set_nodelay(true).expect("no delay");
        Peer { stream }
    }

    /// Whether a connection arrives within that time.
    pub fn is_asked(&self, within: Duration) -> bool {
        readable(self.listener.as_raw_fd(), within)
    }

    /// The next connection; CONNECT has been read and answered.
    pub fn welcome(&self, connect: &[u8], connack: &[u8]) -> Peer {
        let mut peer = self.accept();
        peer.expect(connect);
        peer.send(connack);
        peer
    }
}

/// The broker's end of a connection.
pub struct Peer {
    pub stream: TcpStream,
}

impl Peer {
    /// Expects these bytes next.
    #[track_caller]
    pub fn expect(&mut self, bytes: &[u8]) {
        let mut came = vec![0; bytes.len()];
        let mut count = 0;
        while count < came.len() {
            match self.stream.read(&mut came[count..]) {
                Ok(more @ 1..) => count += more,
                end => {
                    let (came, bytes) = (came[..count].escape_ascii(), bytes.escape_ascii());
                    panic!("after {came} came {end:?}, and not all of {bytes}");
                }
            }
        }
        assert!(
            came == bytes,
            "{} came, and not {}",
            came.escape_ascii(),
            bytes.escape_ascii()
        );
    }

    #[track_caller]
    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the client reads");
    }

    #[track_caller]
    pub fn answer_ping(&mut self) {
        self.expect(PINGREQ);
        self.send(PINGRESP);
    }

    /// Expects that the client has sent nothing more: it answers a packet that has no other effect.
    #[track_caller]
    pub fn expect_silence(&mut self) {
        self.send(b"\x62\x02\xff\xff");
        self.expect(b"\x70\x02\xff\xff");
    }

    /// Expects that the client closes and has sent nothing more.
    #[track_caller]
    pub fn expect_end(&mut self) {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("the client does not close: {error}"),
        }
        assert!(rest.is_empty(), "{} came", rest.escape_ascii());
    }
}

/// A reserved port that refuses connections.
pub struct Refusing {
    socket: Socket,
}

impl Refusing {
    pub fn new() -> Refusing {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let any: SocketAddr = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0).into();
        socket.bind(&any.into()).expect("a port");
        Refusing { socket }
    }

    pub fn address(&self) -> SocketAddr {
        let address = self.socket.local_addr().expect("an address");
        address.as_socket().expect("an internet address")
    }

    pub fn port(&self) -> i32 {
        self.address().port().into()
    }
}

/// A port that does not answer connections: its queue is full.
pub struct Silent {
    listener: Refusing,
    _queue: Vec<Socket>,
}

impl Silent {
    pub fn new() -> Silent {
        let listener = Refusing::new();
        listener.socket.listen(0).expect("a listener");
        let mut queue = Vec::new();
        while !begin_to_connect(&listener, &mut queue) {
            assert!(queue.len() < 64, "the queue is never full");
        }
        Silent {
            listener,
            _queue: queue,
        }
    }

    pub fn port(&self) -> i32 {
        self.listener.port()
    }
}

/// True if nothing has come of it after a time in which anything would.
fn begin_to_connect(listener: &Refusing, queue: &mut Vec<Socket>) -> bool {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_nonblocking(true).expect("non-blocking");
    let _ = socket.connect(&listener.address().into());
    thread::sleep(Duration::from_millis(50));
    let waits = socket.peer_addr().is_err();
    queue.push(socket);
    waits
}
