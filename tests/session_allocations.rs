//! Once its buffers have grown, a session allocates nothing for a message.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use pmqtt::codec::{Ack, Buffer, Message, Packet, QoS};
use pmqtt::session::{Outcome, Session};
use pmqtt::time::Moment;
use support::{id, options};

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: all work is the system allocator's, with the arguments unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller keeps to the same contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps to the same contract.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller keeps to the same contract.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

const NOW: Moment = Moment::origin();
const BATCH: u16 = 500;

/// A connected session, and the buffer that it exchanges its output against.
struct Driver(Session, Buffer);

impl Driver {
    fn new() -> Driver {
        let mut options = options();
        options.max_inflight = 0;
        options.retry_ms = 5_000;
        let mut driver = Driver(Session::new(options), Buffer::default());
        driver.0.open(NOW).expect("CONNECT fits");
        let connack = pmqtt::codec::ConnAck {
            session_present: false,
            return_code: 0,
        };
        driver.hears(Packet::ConnAck(connack));
        driver.0.announced(NOW);
        driver
    }

    fn hears(&mut self, packet: Packet) {
        self.0.handle(&packet, NOW).expect("no failure");
    }

    fn write(&mut self) {
        self.0.take_output(&mut self.1);
        self.0.written(self.1.len(), false, NOW);
        self.1.clear();
        while let Some(outcome) = self.0.next_outcome() {
            assert!(matches!(outcome, Outcome::Written { .. }));
        }
    }

    /// Publishes a batch and has it acknowledged: the mids go on from `first`.
    fn publish(&mut self, qos: QoS, payload: &[u8], first: u64) {
        let acks: &[Ack] = match qos {
            QoS::AtMostOnce => &[],
            QoS::AtLeastOnce => &[Ack::PubAck],
            QoS::ExactlyOnce => &[Ack::PubRec, Ack::PubComp],
        };
        let message = Message {
            topic: b"a/topic",
            payload,
            qos,
            retain: false,
        }
        .check()
        .expect("PUBLISH fits");
        for _ in 0..BATCH {
            self.0.publish(&message, || NOW).expect("it is taken");
        }
        self.write();
        for &ack in acks {
            for mid in first..first + BATCH as u64 {
                let own = ((mid - 1) % 65_535) as u16 + 1;
                self.hears(Packet::Ack(ack, id(own)));
            }
            self.write();
        }
    }
}

fn allocations(work: impl FnOnce()) -> usize {
    let before = COUNT.get();
    work();
    COUNT.get() - before
}

#[test]
fn publishing_allocates_nothing() {
    // The last batches exceed what is kept of an output buffer without traffic.
    for size in [0, 100, 2000] {
        for qos in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
            if size == 2000 && qos != QoS::AtMostOnce {
                continue;
            }
            let mut driver = Driver::new();
            let payload = vec![b'x'; size];
            let mut firsts = (0..).map(|batch| batch * BATCH as u64 + 1);
            for first in firsts.by_ref().take(4) {
                driver.publish(qos, &payload, first);
            }
            let count = allocations(|| {
                for first in firsts.take(200) {
                    driver.publish(qos, &payload, first);
                }
            });
            assert_eq!(count, 0, "{qos:?}, {size} bytes");
        }
    }
}

#[test]
fn settling_what_is_received_allocates_nothing() {
    let mut driver = Driver::new();
    let mut batch = || {
        for number in 1..=BATCH {
            driver.0.delivered(id(number), QoS::AtLeastOnce, NOW);
            driver.0.delivered(id(number), QoS::ExactlyOnce, NOW);
            driver.hears(Packet::Ack(Ack::PubRel, id(number)));
        }
        driver.write();
    };
    (0..4).for_each(|_| batch());
    assert_eq!(allocations(|| (0..200).for_each(|_| batch())), 0);
}
