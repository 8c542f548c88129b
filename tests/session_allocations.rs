//! Once its buffers have grown, a session allocates nothing for a message.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use pmqtt::codec::{
    Ack, Acknowledgement, Alias, Message, Packet, PacketId, Publishable, QoS, encode,
};
use pmqtt::session::outbound_aliases::OutboundAliases;
use pmqtt::session::{Gather, Outcome, PublishError, QueueOptions, Session, WhenFull};
use pmqtt::time::Moment;
use support::{id, options};

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<isize> = const { Cell::new(0) };
}

// SAFETY: the system allocator does all the work, with the arguments unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        BYTES.set(BYTES.get() + layout.size() as isize);
        // SAFETY: the caller keeps to the same contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.set(BYTES.get() - layout.size() as isize);
        // SAFETY: the caller keeps to the same contract.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        BYTES.set(BYTES.get() + size as isize - layout.size() as isize);
        // SAFETY: the caller keeps to the same contract.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

const NOW: Moment = Moment::origin();
const BATCH: u16 = 500;

/// A connected session, and the buffer that it swaps with its output.
struct Driver(Session, Gather);

impl Driver {
    fn new() -> Driver {
        let mut options = options();
        options.max_inflight = 0;
        options.retry_ms = 5_000;
        let mut driver = Driver(Session::new(options), Gather::default());
        driver.0.open(NOW).expect("CONNECT fits");
        let connack = pmqtt::codec::ConnAck {
            session_present: false,
            return_code: 0,
            properties: pmqtt::codec::Properties::NONE,
        };
        driver.hears(Packet::ConnAck(connack));
        driver.0.announced(NOW);
        driver
    }

    fn hears(&mut self, packet: Packet) {
        self.0.handle(&packet, NOW).expect("no failure");
    }

    fn write(&mut self) {
        while self.0.has_output() {
            self.0.take_output(&mut self.1);
            self.0.written(self.1.len(), NOW);
            self.1.clear();
        }
        while let Some(outcome) = self.0.next_outcome() {
            assert!(matches!(outcome, Outcome::Written { .. }));
        }
    }

    /// Publishes a batch and acknowledges it: its mids begin at `first`.
    fn publish(&mut self, qos: QoS, payload: &[u8], first: u64, batch: u16) {
        let acks: &[Ack] = match qos {
            QoS::AtMostOnce => &[],
            QoS::AtLeastOnce => &[Ack::PubAck],
            QoS::ExactlyOnce => &[Ack::PubRec, Ack::PubComp],
        };
        let message = message(qos, payload);
        for _ in 0..batch {
            self.0.publish(&message, || NOW).expect("it is taken");
        }
        self.write();
        for &ack in acks {
            for mid in first..first + batch as u64 {
                self.hears(Packet::Ack(Acknowledgement::plain(ack, own_id(mid))));
            }
            self.write();
        }
    }
}

/// What this thread has allocated and not freed.
fn bytes() -> isize {
    BYTES.get()
}

fn message(qos: QoS, payload: &[u8]) -> Publishable<'_> {
    let topic = b"a/topic";
    let message = Message {
        topic,
        payload,
        qos,
        retain: false,
        properties: None,
    };
    message.check().expect("PUBLISH fits")
}

fn own_id(mid: u64) -> PacketId {
    id(((mid - 1) % 65_535) as u16 + 1)
}

fn allocations(work: impl FnOnce()) -> usize {
    let before = COUNT.get();
    work();
    COUNT.get() - before
}

#[test]
fn publishing_allocates_nothing() {
    // The last batches exceed the output buffer that is kept without traffic. Those of 16 KiB are
    // separate chunks; as many of them are kept as are in flight here.
    for (size, batch) in [(0, BATCH), (100, BATCH), (2000, BATCH), (16_384, 10)] {
        for qos in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
            if size == 2000 && qos != QoS::AtMostOnce {
                continue;
            }
            let mut driver = Driver::new();
            let payload = vec![b'x'; size];
            let mut firsts = (0..).map(|number| number * batch as u64 + 1);
            for first in firsts.by_ref().take(4) {
                driver.publish(qos, &payload, first, batch);
            }
            let batches = 100_000 / batch as usize;
            let count = allocations(|| {
                for first in firsts.take(batches.max(2)) {
                    driver.publish(qos, &payload, first, batch);
                }
            });
            assert_eq!(count, 0, "{qos:?}, {batch} of {size} bytes");
        }
    }
}

/// A full window, and messages that wait behind it: of 100 topics, which change with one in 10
/// messages.
#[test]
fn dropping_allocates_nothing_and_holds_no_memory() {
    const ROUNDS: usize = 20_000;
    for (when_full, newest_only) in [(WhenFull::DropOldest, false), (WhenFull::Refuse, true)] {
        let mut driver = Driver::new();
        driver.0.configure(NOW, |options| {
            options.max_inflight = 20;
            options.max_queued_messages = 120;
        });
        driver.0.set_queue_options(QueueOptions {
            when_full,
            newest_only,
            keep_qos0: false,
        });
        let topics: Vec<String> = (0..100).map(|number| format!("topic/{number}")).collect();
        let payload = [0; 300];
        let mut dropped = 0;
        let mut flood = |rounds: usize| {
            for round in 0..rounds * 10 {
                let number = if round % 10 == 0 { round / 10 % 100 } else { 0 };
                let message = Message {
                    topic: topics[number].as_bytes(),
                    payload: &payload,
                    qos: QoS::AtLeastOnce,
                    retain: false,
                    properties: None,
                };
                let message = message.check().expect("PUBLISH fits");
                driver.0.publish(&message, || NOW).expect("it is taken");
                while driver.0.has_output() {
                    driver.0.take_output(&mut driver.1);
                    driver.0.written(driver.1.len(), NOW);
                    driver.1.clear();
                }
                while let Some(outcome) = driver.0.next_outcome() {
                    assert!(matches!(outcome, Outcome::GivenUp { .. }));
                    dropped += 1;
                }
            }
        };
        flood(ROUNDS);
        let before = bytes();
        assert_eq!(allocations(|| flood(ROUNDS)), 0, "{when_full:?}");
        assert!(bytes() - before < 64 * 1024);
        assert!(dropped > 19 * ROUNDS);
        assert!(driver.0.queued_bytes() < 256 * 1024);
    }
}

/// Messages expire behind a full window and messages without a limit.
#[test]
fn expiring_allocates_nothing_and_holds_no_memory() {
    let mut driver = Driver::new();
    driver.0.configure(NOW, |options| {
        options.max_inflight = 20;
        options.max_queued_messages = 2000;
    });
    let (message, mut now) = (message(QoS::AtLeastOnce, &[0; 300]), NOW);
    for _ in 0..1000 {
        driver.0.publish(&message, || now).expect("it is taken");
    }
    let mut flood = |rounds: usize| {
        for _ in 0..rounds {
            for number in 0..300 {
                let limit = Duration::from_secs(if number % 3 == 0 { 3600 } else { 1 });
                let taken = driver.0.publish_until(&message, now + limit, now);
                taken.expect("it is taken");
            }
            now = now + Duration::from_secs(3600);
            while driver.0.expiry_due().is_some_and(|at| at <= now) {
                driver.0.expire(now);
            }
            while let Some(outcome) = driver.0.next_outcome() {
                assert!(matches!(outcome, Outcome::GivenUp { .. }));
            }
            assert_eq!(driver.0.unsettled(), 1000);
        }
    };
    flood(1000);
    let before = bytes();
    assert_eq!(allocations(|| flood(1000)), 0);
    assert!(bytes() - before < 64 * 1024);
    assert_eq!(driver.0.expired(), 2000 * 300);
}

/// Each acknowledgement makes room for a message, with nearly all identifiers in flight.
#[test]
fn a_wide_window_allocates_nothing() {
    const WINDOW: u16 = 65_000;
    for size in [0, 100, 4000] {
        let mut driver = Driver::new();
        let message = message(QoS::AtLeastOnce, &[0; 4000][..size]);
        for _ in 0..WINDOW {
            driver.0.publish(&message, || NOW).expect("it is taken");
        }
        let mut mids = 1..;
        let mut acknowledge = |count: usize| {
            for mid in mids.by_ref().take(count) {
                driver.hears(Packet::Ack(Acknowledgement::plain(
                    Ack::PubAck,
                    own_id(mid),
                )));
                driver.0.publish(&message, || NOW).expect("it is taken");
                driver.write();
            }
        };
        acknowledge(20_000);
        assert_eq!(allocations(|| acknowledge(65_000)), 0, "{size} bytes");
    }
}

/// Publishes `count` messages of QoS 1 without an answer. Returns the memory of each in addition to its
/// packet.
fn overhead(driver: &mut Driver, count: usize, payload: &[u8]) -> usize {
    let message = message(QoS::AtLeastOnce, payload);
    let before = bytes();
    for _ in 0..count {
        driver.0.publish(&message, || NOW).expect("it is taken");
        driver.write();
    }
    (bytes() - before) as usize / count - encode::publish_len(&message)
}

#[test]
fn a_message_takes_little_beside_its_packet() {
    for count in [1000, 33_000, 65_535] {
        for size in [0, 100, 16_384] {
            let mut driver = Driver::new();
            let overhead = overhead(
                &mut driver,
                count.min(20_000_000 / (size + 1)),
                &vec![0; size],
            );
            let most = if size > 4000 { 176 } else { 120 };
            assert!(overhead <= most, "{count} of {size} bytes: {overhead}");
        }
    }
}

/// The limit is for the memory that is used, whatever the size of messages.
#[test]
fn the_queue_takes_no_more_than_it_may() {
    const MOST: usize = 8 << 20;
    for connected in [false, true] {
        for size in [0, 30, 1000, 5000, 100_000] {
            for qos in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
                if qos == QoS::AtMostOnce && !connected {
                    continue;
                }
                let mut driver = Driver::new();
                driver
                    .0
                    .configure(NOW, |options| options.max_queued_bytes = MOST);
                if !connected {
                    driver.0.close();
                }
                let payload = vec![0; size];
                let message = message(qos, &payload);
                let before = bytes();
                while !matches!(
                    driver.0.publish(&message, || NOW),
                    Err(PublishError::QueueFull)
                ) {}
                let taken = (bytes() - before) as usize;
                assert!(
                    (MOST * 2 / 5..MOST * 6 / 5).contains(&taken),
                    "{qos:?}, {size}: {taken}"
                );
            }
        }
    }
}

/// Memory is returned as messages leave, not only when none is left.
#[test]
fn memory_of_a_long_queue_is_given_back() {
    const COUNT: u64 = 300_000;
    let mut driver = Driver::new();
    let message = message(QoS::AtLeastOnce, &[0; 100]);
    let before = bytes();
    for _ in 0..COUNT {
        driver.0.publish(&message, || NOW).expect("it is taken");
    }
    let most = (bytes() - before) as usize;
    for mid in 1..=COUNT - 1000 {
        driver.write();
        driver.hears(Packet::Ack(Acknowledgement::plain(
            Ack::PubAck,
            own_id(mid),
        )));
    }
    let left = (bytes() - before) as usize;
    assert!(most > 30 << 20 && left < 3 << 20, "{most}, then {left}");
}

#[test]
fn settling_what_is_received_allocates_nothing() {
    let mut driver = Driver::new();
    let mut batch = || {
        for number in 1..=BATCH {
            driver.0.delivered(id(number), QoS::AtLeastOnce, NOW);
            driver.0.delivered(id(number), QoS::ExactlyOnce, NOW);
            driver.hears(Packet::Ack(Acknowledgement::plain(Ack::PubRel, id(number))));
        }
        driver.write();
    };
    (0..4).for_each(|_| batch());
    assert_eq!(allocations(|| (0..200).for_each(|_| batch())), 0);
}

#[test]
fn choosing_topic_aliases_allocates_nothing() {
    let mut aliases = OutboundAliases::new(16);
    let mut choose = |first: usize| {
        let mut uses = 0;
        for at in first..first + 2000 {
            // A few topics that change, and topics that come once.
            for topic in [at / 500 * 10 + at % 10, 1_000_000 + at] {
                let mut name = *b"plant/0000000/temperature";
                let digits = name[6..13].iter_mut().rev();
                digits.fold(topic, |rest, digit| {
                    *digit += (rest % 10) as u8;
                    rest / 10
                });
                uses += usize::from(matches!(aliases.choose(&name), Alias::Use(_)));
            }
        }
        uses
    };
    choose(0);
    let mut uses = 0;
    assert_eq!(allocations(|| uses = choose(2000)), 0);
    assert!(uses > 1000, "only {uses} uses");
}
