//! How much memory a broker can make a client use. docs/memory.md has the bounds.

mod counting;

use std::ffi::{CStr, c_void};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use counting::{begin, held, peak, set_largest};
use pmqtt::client::Handle;
use pmqtt::client::events::{Disconnected, MessageEvent};
use pmqtt::ffi;

const LIMIT: Duration = Duration::from_secs(60);
const MIB: usize = 1024 * 1024;
const CONNACK: &[u8] = b"\x20\x02\0\0";

/// The largest packet of MQTT, a PUBLISH, and its beginning.
const LARGEST: usize = 268_435_460;
const LARGEST_HEADER: &[u8] = b"\x30\xff\xff\xff\x7f\0\x01t";

/// The counts are those of all threads, so one test runs at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What callbacks were told.
#[derive(Default)]
struct Told {
    messages: AtomicUsize,
    payload: AtomicUsize,
    ended: AtomicI32,
}

struct Client {
    raw: *mut Handle,
    told: Box<Told>,
}

impl Client {
    /// Connects to a broker that decides what follows CONNACK.
    fn connected(broker: impl FnOnce(TcpStream) + Send + 'static) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port().into();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut connect = [0; 64];
            let count = stream.read(&mut connect).expect("CONNECT");
            assert!(count > 0, "the client closes");
            stream.write_all(CONNACK).expect("the client reads");
            broker(stream);
        });
        let told = Box::<Told>::default();
        let mut raw = ptr::null_mut();
        let userdata = ptr::from_ref(&*told).cast_mut().cast();
        // SAFETY: the arguments are what the header asks for.
        unsafe {
            let rc = ffi::pmqtt_client_new(&mut raw, ptr::null(), true, userdata, 0);
            assert_eq!(rc, 0);
            ffi::pmqtt_on_message_set(raw, Some(on_message));
            ffi::pmqtt_on_disconnect_set(raw, Some(on_disconnect));
            let host = c"127.0.0.1".as_ptr();
            assert_eq!(ffi::pmqtt_connect(raw, host, port, 60, ptr::null()), 0);
        }
        Client { raw, told }
    }

    fn run_until(&self, mut done: impl FnMut() -> bool) {
        let begin = Instant::now();
        while !done() {
            assert!(begin.elapsed() < LIMIT, "it takes too long");
            // SAFETY: the client is live.
            unsafe { ffi::pmqtt_loop(self.raw, 10) };
        }
    }

    fn bytes_in(&self) -> usize {
        // SAFETY: the client is live, and a structure of numbers may be all zero.
        unsafe {
            let mut figures: pmqtt::ffi::Statistics = std::mem::zeroed();
            figures.struct_size = size_of_val(&figures);
            assert_eq!(ffi::pmqtt_stats(self.raw, &mut figures), 0);
            figures.bytes_in as usize
        }
    }

    fn last_error(&self) -> String {
        let mut text = [0_u8; 256];
        // SAFETY: the client is live, and the buffer has that size.
        unsafe { ffi::pmqtt_last_error(self.raw, text.as_mut_ptr().cast(), text.len()) };
        let text = CStr::from_bytes_until_nul(&text).expect("an end");
        text.to_str().expect("UTF-8").to_owned()
    }

    fn ended(&self) -> i32 {
        self.told.ended.load(SeqCst)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // SAFETY: nothing else uses it.
        unsafe { ffi::pmqtt_client_free(self.raw) };
    }
}

extern "C" fn on_message(_: *mut Handle, told: *mut c_void, event: *const MessageEvent) {
    // SAFETY: both live through the callback.
    let (told, event) = unsafe { (&*told.cast::<Told>(), &*event) };
    told.payload.store(event.payload_len, SeqCst);
    told.messages.fetch_add(1, SeqCst);
}

extern "C" fn on_disconnect(_: *mut Handle, told: *mut c_void, event: *const Disconnected) {
    // SAFETY: both live through the callback.
    let (told, event) = unsafe { (&*told.cast::<Told>(), &*event) };
    told.ended.store(event.rc, SeqCst);
}

/// Sends `count` bytes of the largest packet, and waits for the end.
fn send_of_largest(count: usize) -> impl FnOnce(TcpStream) + Send {
    move |mut stream| {
        let piece = [b'x'; 64 * 1024];
        let mut left = count - LARGEST_HEADER.len();
        let _ = stream.write_all(LARGEST_HEADER);
        while left > 0 {
            let size = left.min(piece.len());
            if stream.write_all(&piece[..size]).is_err() {
                return;
            }
            left -= size;
        }
        let _ = stream.read(&mut [0; 16]);
    }
}

#[test]
fn the_largest_packet_takes_its_size_and_gives_it_back() {
    let _alone = alone();
    let client = Client::connected(send_of_largest(LARGEST));
    let before = begin();
    client.run_until(|| client.told.messages.load(SeqCst) == 1);
    assert_eq!(
        client.told.payload.load(SeqCst),
        LARGEST - LARGEST_HEADER.len()
    );
    let (peak, held) = (peak() - before, held().saturating_sub(before));
    println!("256 MiB: peak {peak}, then {held}");
    assert!(peak <= LARGEST + LARGEST / 5, "{peak}");
    assert!(held <= MIB, "{held}");
}

#[test]
fn what_is_announced_takes_no_more_than_twice_what_came() {
    let _alone = alone();
    let client = Client::connected(send_of_largest(MIB));
    let before = begin();
    client.run_until(|| client.bytes_in() >= MIB + CONNACK.len());
    let peak = peak() - before;
    println!("1 MiB of 256 MiB: peak {peak}");
    assert!(peak <= 2 * MIB + 2 * MIB / 5, "{peak}");
}

#[test]
fn without_memory_for_a_packet_the_connection_ends() {
    let _alone = alone();
    let client = Client::connected(send_of_largest(LARGEST));
    set_largest(50 * MIB);
    client.run_until(|| client.ended() != 0);
    set_largest(usize::MAX);
    assert_eq!(client.ended(), ffi::PMQTT_ERR_NOMEM);
    let said = client.last_error();
    assert!(said.contains("no memory"), "{said}");
}

#[test]
fn a_packet_above_the_limit_takes_nothing() {
    let _alone = alone();
    let client = Client::connected(send_of_largest(LARGEST));
    // SAFETY: the client is live.
    let rc = unsafe { ffi::pmqtt_max_packet_size_set(client.raw, MIB) };
    assert_eq!(rc, 0);
    let before = begin();
    client.run_until(|| client.ended() != 0);
    assert_eq!(client.ended(), ffi::PMQTT_ERR_PAYLOAD_SIZE);
    let (said, peak) = (client.last_error(), peak() - before);
    assert!(
        said.contains("268435460") && said.contains("1048576"),
        "{said}"
    );
    assert!(peak <= MIB / 4, "{peak}");
}

#[test]
fn answers_that_are_not_taken_are_bounded() {
    let _alone = alone();
    for (name, packet) in [
        ("PUBREL", &b"\x62\x02\0\x01"[..]),
        ("PUBREC", b"\x50\x02\0\x01"),
        ("PUBLISH of QoS 1", b"\x32\x05\0\x01t\0\x01"),
        ("PUBLISH of QoS 2", b"\x34\x05\0\x01t\0\x01"),
    ] {
        let client = Client::connected(move |mut stream| {
            let chunk = packet.repeat(10_000);
            while stream.write_all(&chunk).is_ok() {}
        });
        let before = begin();
        // Sends until the client has read nothing for a second.
        let (mut seen, mut since) = (0, Instant::now());
        client.run_until(|| {
            let now = client.bytes_in();
            if now != seen {
                (seen, since) = (now, Instant::now());
            }
            since.elapsed() > Duration::from_secs(1)
        });
        let peak = peak() - before;
        println!("flood of {name}: {seen} bytes are read, peak {peak}");
        assert!(peak <= 2 * MIB + 2 * MIB / 5, "{name}: {peak}");
    }
}
