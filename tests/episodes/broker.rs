//! A broker for one episode. Each connection has a mood, which the seed decides.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use socket2::SockRef;

const STACK: usize = 256 * 1024;

/// How many bytes of a packet the broker examines.
const HEAD: usize = 4096;

/// One message of QoS 1 and one of QoS 2.
const MESSAGES: &[u8] = b"\x32\x06\0\x01t\0\x01x\x34\x06\0\x01t\0\x02x";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    /// Answers each packet, and closes after DISCONNECT.
    Fair,
    ClosesAtOnce,
    /// Reads nothing at first.
    Slow,
    /// Closes instead of answering CONNECT.
    ClosesAtConnect,
    /// Never answers CONNECT, and does not close.
    NeverAnswersConnect,
    Refuses,
    ClosesAfterConnack,
    /// Publishes at once.
    Sends,
    /// Answers CONNECT and nothing else.
    Silent,
    /// Closes some time after DISCONNECT.
    ClosesLate,
    /// Does not close after DISCONNECT.
    NeverCloses,
    /// Does not read after CONNECT, and closes some time later.
    Deaf,
    /// Closes after some packet.
    Fickle,
}

/// The bad moods; those that take long are rare.
const BAD: [Mood; 22] = [
    Mood::ClosesAtOnce,
    Mood::ClosesAtOnce,
    Mood::Slow,
    Mood::Slow,
    Mood::ClosesAtConnect,
    Mood::ClosesAtConnect,
    Mood::NeverAnswersConnect,
    Mood::Refuses,
    Mood::Refuses,
    Mood::ClosesAfterConnack,
    Mood::ClosesAfterConnack,
    Mood::Sends,
    Mood::Sends,
    Mood::Sends,
    Mood::Silent,
    Mood::ClosesLate,
    Mood::ClosesLate,
    Mood::NeverCloses,
    Mood::Deaf,
    Mood::Deaf,
    Mood::Fickle,
    Mood::Fickle,
];

/// Listens until it is dropped, which ends its connections too.
pub struct Broker {
    listener: Arc<TcpListener>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    ended: Mutex<bool>,
    changed: Condvar,
    /// The numbers of the messages that have arrived.
    arrived: Mutex<BTreeSet<u64>>,
    /// The open connections.
    streams: Mutex<BTreeMap<u64, TcpStream>>,
}

impl Broker {
    pub fn new(seed: u64) -> Broker {
        let listener = Arc::new(TcpListener::bind("127.0.0.1:0").expect("a port"));
        let shared = Arc::new(Shared::default());
        let of_thread = (Arc::clone(&listener), Arc::clone(&shared));
        let accept = move || accept(&of_thread.0, &of_thread.1, seed);
        let thread = Builder::new().stack_size(STACK).spawn(accept);
        Broker {
            listener,
            shared,
            thread: Some(thread.expect("a thread")),
        }
    }

    pub fn port(&self) -> i32 {
        let address = self.listener.local_addr().expect("an address");
        address.port().into()
    }

    /// Ends all connections. Returns the numbers of the messages that have arrived.
    pub fn end(self) -> BTreeSet<u64> {
        let shared = Arc::clone(&self.shared);
        drop(self);
        std::mem::take(&mut shared.arrived.lock())
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        *self.shared.ended.lock() = true;
        self.shared.changed.notify_all();
        // Ends `accept`.
        let _ = SockRef::from(&*self.listener).shutdown(Shutdown::Both);
        for stream in self.shared.streams.lock().values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the broker does not panic");
        }
    }
}

impl Shared {
    /// Sleeps; shorter if the episode ends meanwhile.
    fn sleep(&self, milliseconds: u64) {
        let mut ended = self.ended.lock();
        let time = Duration::from_millis(milliseconds);
        self.changed
            .wait_while_for(&mut ended, |ended| !*ended, time);
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut threads = Vec::new();
    while let Ok((stream, _)) = listener.accept() {
        let connection = Connection::new(stream, Arc::clone(shared), random.random());
        if !connection.is_kept() {
            break;
        }
        let thread = Builder::new().stack_size(STACK);
        let thread = thread.spawn(move || connection.serve());
        threads.push(thread.expect("a thread"));
    }
    for thread in threads {
        thread.join().expect("the broker does not panic");
    }
}

struct Connection {
    number: u64,
    stream: TcpStream,
    shared: Arc<Shared>,
    random: StdRng,
    mood: Mood,
}

impl Connection {
    fn new(stream: TcpStream, shared: Arc<Shared>, number: u64) -> Connection {
        let mut random = StdRng::seed_from_u64(number);
        let mood = match random.random_ratio(1, 2) {
            true => Mood::Fair,
            false => *BAD.choose(&mut random).expect("there are some"),
        };
        Connection {
            number,
            stream,
            shared,
            random,
            mood,
        }
    }

    /// Registers the connection, so that the end of the episode closes it. Returns false if the
    /// episode
    /// has ended.
    fn is_kept(&self) -> bool {
        let _ = self.stream.set_nodelay(true);
        let Ok(stream) = self.stream.try_clone() else {
            return false;
        };
        self.shared.streams.lock().insert(self.number, stream);
        !*self.shared.ended.lock()
    }

    /// Serves the connection, and then closes it. Unread bytes turn the close into a reset.
    fn serve(mut self) {
        self.answer();
        self.shared.streams.lock().remove(&self.number);
    }

    fn answer(&mut self) {
        match self.mood {
            Mood::ClosesAtOnce => return,
            Mood::Slow => self.sleep(20),
            _ => {}
        }
        let Ok(stream) = self.stream.try_clone() else {
            return;
        };
        let mut reader = BufReader::new(stream);
        let mut body = Vec::new();
        while let Some(first) = read_packet(&mut reader, &mut body) {
            if self.handle(first, &body).is_none() {
                return;
            }
        }
    }

    /// Handles a packet. None: the broker closes the connection.
    fn handle(&mut self, first: u8, body: &[u8]) -> Option<()> {
        const CONNECT: u8 = 1;
        const PUBLISH: u8 = 3;
        const DISCONNECT: u8 = 14;
        if first >> 4 == PUBLISH
            && let Some(number) = number(first, body)
        {
            self.shared.arrived.lock().insert(number);
        }
        match first >> 4 {
            CONNECT => self.connect(),
            DISCONNECT => match self.mood {
                Mood::NeverCloses | Mood::Silent => Some(()),
                Mood::ClosesLate => {
                    self.sleep(100);
                    None
                }
                _ => None,
            },
            _ if self.mood == Mood::Silent => Some(()),
            _ if self.mood == Mood::Fickle && self.random.random_ratio(1, 4) => None,
            _ => self.send(&reply(first, body)?),
        }
    }

    fn connect(&mut self) -> Option<()> {
        const CONNACK: &[u8] = b"\x20\x02\0\0";
        match self.mood {
            Mood::ClosesAtConnect => {
                self.sleep(30);
                return None;
            }
            Mood::NeverAnswersConnect => return Some(()),
            Mood::Refuses => {
                self.send(b"\x20\x02\0\x05")?;
                return None;
            }
            _ => self.send(CONNACK)?,
        }
        match self.mood {
            Mood::ClosesAfterConnack => None,
            Mood::Sends => self.send(MESSAGES),
            Mood::Deaf => {
                self.sleep(150);
                None
            }
            _ => Some(()),
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Option<()> {
        self.stream.write_all(bytes).ok()
    }

    fn sleep(&mut self, most: u64) {
        let milliseconds = self.random.random_range(0..most);
        self.shared.sleep(milliseconds);
    }
}

/// The answer to a packet, empty if it needs none. None: the packet is malformed.
fn reply(first: u8, body: &[u8]) -> Option<Vec<u8>> {
    let id_at = |at: usize| Some([*body.get(at)?, *body.get(at + 1)?]);
    let ack = |kind: u8, [high, low]: [u8; 2]| vec![kind, 2, high, low];
    Some(match first & 0xf6 {
        0x32 | 0x34 => {
            let [high, low] = id_at(0)?;
            let topic = usize::from(u16::from_be_bytes([high, low]));
            let kind = if first & 0x02 != 0 { 0x40 } else { 0x50 };
            ack(kind, id_at(2 + topic)?)
        }
        _ => match first >> 4 {
            // PUBREC, PUBREL, SUBSCRIBE, UNSUBSCRIBE, PINGREQ.
            5 => ack(0x62, id_at(0)?),
            6 => ack(0x70, id_at(0)?),
            8 => {
                let [high, low] = id_at(0)?;
                vec![0x90, 3, high, low, 0]
            }
            10 => ack(0xb0, id_at(0)?),
            12 => vec![0xd0, 0],
            _ => Vec::new(),
        },
    })
}

/// The number at the beginning of the payload of a PUBLISH.
fn number(first: u8, body: &[u8]) -> Option<u64> {
    let [high, low] = *body.first_chunk()?;
    let topic = usize::from(u16::from_be_bytes([high, low]));
    let id = if first & 0x06 == 0 { 0 } else { 2 };
    let payload = body.get(2 + topic + id..)?;
    Some(u64::from_be_bytes(*payload.first_chunk()?))
}

/// Returns the first byte of the next packet, and puts the beginning of the rest into `body`.
fn read_packet(reader: &mut impl Read, body: &mut Vec<u8>) -> Option<u8> {
    let mut byte = [0];
    reader.read_exact(&mut byte).ok()?;
    let [first] = byte;
    let mut length = 0_u64;
    for shift in [0, 7, 14, 21] {
        reader.read_exact(&mut byte).ok()?;
        length |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] & 0x80 == 0 {
            break;
        }
    }
    body.clear();
    let head = length.min(HEAD as u64);
    let read = reader.take(head).read_to_end(body).ok()?;
    let rest = std::io::copy(&mut reader.take(length - head), &mut std::io::sink()).ok()?;
    (read as u64 + rest == length).then_some(first)
}
