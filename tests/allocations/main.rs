//! Once its buffers have grown, a client allocates nothing for a message, neither in the thread that
//! publishes nor in the one that runs it. It gives the buffers back when it is idle.

mod broker;
mod client;
mod counting;

use std::ffi::{CStr, CString};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use broker::start_mqtt5;
use client::Client;
use counting::{allocations, bytes, count_this_thread};
use pmqtt::ffi;

const LIMIT: Duration = Duration::from_secs(30);
const BATCH: usize = 50;
const BATCHES: usize = 200;
/// The size of the buffers depends on what arrives together. So they may grow in some of the runs, but
/// an allocation for messages would occur in each.
const RUNS: usize = 10;

/// The limit for one connected, idle client, including its client id and the name of its broker.
const IDLE_BYTES: isize = 1024;

/// The counts are those of all tests, so one test runs at a time.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn an_idle_client_holds_a_kibibyte() {
    let _alone = ALONE.lock();
    count_this_thread();
    let client = Client::new(broker::start(), 1);
    run_until(&client, turn_foreign_loop, &client.told.connects, 1);
    for qos in 0..=2 {
        exchange(
            &client,
            turn_foreign_loop,
            qos,
            &mut (qos as usize * BATCHES * BATCH),
        );
    }
    let begin = Instant::now();
    while client.ping_round_trip_us() == 0 {
        assert!(begin.elapsed() < LIMIT, "no ping was answered");
        turn_foreign_loop(&client);
    }
    // What the thread keeps for its clients stays when a client has been freed.
    let before = bytes();
    drop(client);
    let held = before - bytes() - size_of::<client::Told>() as isize;
    assert!(held <= IDLE_BYTES, "an idle client holds {held} bytes");
}

#[test]
fn beginning_anew_holds_no_more_than_one_former_id() {
    let _alone = ALONE.lock();
    count_this_thread();
    let client = Client::new(broker::start(), 0);
    let mut held = Vec::with_capacity(10);
    for round in 0..100_000 {
        let id = format!("{round:01000}");
        let before = client.id();
        client.reinitialise(&CString::new(id.as_str()).unwrap());
        // SAFETY: the header promises that the previous id is still valid.
        let before = unsafe { CStr::from_ptr(before) };
        let expected = format!("{:01000}", round - 1);
        assert!(round == 0 || before.to_str() == Ok(&expected));
        if round % 10_000 == 9_999 {
            held.push(bytes());
        }
    }
    assert!(held.iter().all(|bytes| *bytes == held[0]), "{held:?}");

    let (last, address) = (
        CString::new(format!("{:01000}", 99_999)).unwrap(),
        client.id(),
    );
    (0..3).for_each(|_| client.reinitialise(&last));
    assert_eq!(client.id(), address);
}

/// A log line for each packet would allocate.
#[test]
fn a_log_of_what_is_no_packet_allocates_nothing_for_a_message() {
    let _alone = ALONE.lock();
    count_this_thread();
    for qos in 0..=2 {
        let client = Client::new(broker::start(), 0);
        // SAFETY: the client is live.
        unsafe {
            assert_eq!(ffi::pmqtt_on_log_set(client.raw, Some(client::on_log)), 0);
            assert_eq!(ffi::pmqtt_log_level_set(client.raw, ffi::PMQTT_LOG_INFO), 0);
        }
        run_until(&client, turn_foreign_loop, &client.told.connects, 1);
        let lines = client.told.lines.load(Ordering::SeqCst);
        assert!(lines > 0, "connecting was not told of");
        let mut sent = 0;
        let settles = (0..RUNS).any(|_| {
            let before = allocations();
            exchange(&client, turn_foreign_loop, qos, &mut sent);
            allocations() == before
        });
        assert!(settles, "QoS {qos}: each run allocates");
        assert_eq!(client.told.lines.load(Ordering::SeqCst), lines);
    }
}

#[test]
fn a_message_allocates_nothing() {
    let _alone = ALONE.lock();
    count_this_thread();
    for (name, run) in [
        ("thread", wait_for_thread as fn(&Client)),
        ("foreign loop", turn_foreign_loop),
        ("event_fd", turn_event_loop),
    ] {
        for qos in 0..=2 {
            let client = Client::new(broker::start(), 0);
            if name == "thread" {
                // SAFETY: the client is live.
                assert_eq!(unsafe { ffi::pmqtt_loop_start(client.raw) }, 0);
            }
            run_until(&client, run, &client.told.connects, 1);
            let mut sent = 0;
            let settles = (0..RUNS).any(|_| {
                let before = allocations();
                exchange(&client, run, qos, &mut sent);
                allocations() == before
            });
            assert!(settles, "{name}, QoS {qos}: each run allocates");
        }
    }
}

/// Content type, user properties and a tag.
#[test]
fn a_message_of_mqtt_5_allocates_nothing() {
    let _alone = ALONE.lock();
    count_this_thread();
    for qos in 0..=2 {
        let client = Client::of_mqtt5(start_mqtt5());
        run_until(&client, turn_foreign_loop, &client.told.connects, 1);
        let mut sent = 0;
        let settles = (0..RUNS).any(|_| {
            let before = allocations();
            exchange_by(&client, turn_foreign_loop, &mut sent, || {
                client.publish_described(qos)
            });
            allocations() == before
        });
        assert!(settles, "QoS {qos}: each run allocates");
        assert_eq!(client.told.described.load(Ordering::SeqCst), 2 * sent);
    }
}

/// Publishes batches, one after the other; each message comes back.
fn exchange(client: &Client, run: fn(&Client), qos: i32, sent: &mut usize) {
    exchange_by(client, run, sent, || client.publish(qos));
}

fn exchange_by(client: &Client, run: fn(&Client), sent: &mut usize, publish: impl Fn()) {
    for _ in 0..BATCHES {
        (0..BATCH).for_each(|_| publish());
        *sent += BATCH;
        run_until(client, run, &client.told.published, *sent);
        run_until(client, run, &client.told.messages, *sent);
    }
}

fn run_until(client: &Client, run: fn(&Client), number: &AtomicUsize, goal: usize) {
    let begin = Instant::now();
    while number.load(Ordering::SeqCst) < goal {
        assert!(begin.elapsed() < LIMIT, "{number:?} instead of {goal}");
        run(client);
    }
    assert_eq!(number.load(Ordering::SeqCst), goal);
}

fn wait_for_thread(_: &Client) {
    thread::sleep(Duration::from_micros(100));
}

fn turn_foreign_loop(client: &Client) {
    // SAFETY: the client is live.
    unsafe {
        let read = ffi::pmqtt_want_read(client.raw).then_some(libc::POLLIN);
        let write = ffi::pmqtt_want_write(client.raw).then_some(libc::POLLOUT);
        let events = read.unwrap_or(0) | write.unwrap_or(0);
        let timeout_ms = ffi::pmqtt_next_timeout_ms(client.raw);
        let ready = poll(ffi::pmqtt_socket(client.raw), events, timeout_ms);
        if ready & !libc::POLLOUT != 0 {
            ffi::pmqtt_loop_read(client.raw);
        }
        if ready & libc::POLLOUT != 0 {
            ffi::pmqtt_loop_write(client.raw);
        }
        if ffi::pmqtt_next_timeout_ms(client.raw) == 0 {
            ffi::pmqtt_loop_misc(client.raw);
        }
    }
}

fn turn_event_loop(client: &Client) {
    // SAFETY: the client is live.
    unsafe {
        if poll(ffi::pmqtt_event_fd(client.raw), libc::POLLIN, -1) != 0 {
            ffi::pmqtt_process(client.raw);
        }
    }
}

/// What is ready, after a wait that is long enough for a test to fail.
fn poll(fd: i32, events: libc::c_short, timeout_ms: i32) -> libc::c_short {
    let mut entry = libc::pollfd {
        fd,
        events,
        revents: 0,
    };
    let timeout_ms = if timeout_ms < 0 {
        100
    } else {
        timeout_ms.min(100)
    };
    // SAFETY: the entry is borrowed for the call.
    unsafe { libc::poll(&mut entry, 1, timeout_ms) };
    entry.revents
}
