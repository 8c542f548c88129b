//! Both variants keep the same promises: run with and without `--features portable`.

use super::*;
use crate::time::Moment;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

const MOMENT: Duration = Duration::from_millis(30);
const LONG: Duration = Duration::from_secs(5);

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn reading(source: &impl AsRawFd) -> Watch {
    Watch {
        fd: source.as_raw_fd(),
        read: true,
        write: false,
    }
}

fn readable_within(source: &impl AsRawFd, timeout: Duration) -> bool {
    let mut poll = PollSet::default();
    poll.wait(&[reading(source)], Some(timeout)).unwrap() > 0
}

fn event_set() -> EventSet {
    EventSet::new(&Arc::new(Waker::new().unwrap())).unwrap()
}

fn pair() -> (UnixStream, UnixStream) {
    UnixStream::pair().unwrap()
}

#[test]
fn the_clock_goes_on() {
    let before = now();
    thread::sleep(ms(5));
    let passed = now().since(before);
    assert!(passed >= ms(5) && passed < LONG);
}

#[test]
fn many_wakes_are_one_and_drain_forgets_them() {
    let waker = Waker::new().unwrap();
    assert!(!readable_within(&waker, Duration::ZERO));
    for _ in 0..3 {
        waker.wake();
    }
    assert!(readable_within(&waker, Duration::ZERO));
    waker.drain();
    assert!(!readable_within(&waker, Duration::ZERO));
}

#[test]
fn a_wake_never_blocks() {
    let waker = Waker::new().unwrap();
    for _ in 0..200_000 {
        waker.wake();
    }
    assert!(readable_within(&waker, Duration::ZERO));
    waker.drain();
    assert!(!readable_within(&waker, Duration::ZERO));
}

#[test]
fn a_wait_ends_with_its_timeout_and_not_before() {
    let waker = Waker::new().unwrap();
    let start = Instant::now();
    assert!(!readable_within(&waker, ms(20)));
    assert!(start.elapsed() >= ms(20));
}

#[test]
fn a_wait_without_timeout_ends_with_a_wake() {
    let waker = Arc::new(Waker::new().unwrap());
    let other = Arc::clone(&waker);
    let thread = thread::spawn(move || {
        thread::sleep(ms(10));
        other.wake();
    });
    let mut poll = PollSet::default();
    assert_eq!(poll.wait(&[reading(&*waker)], None).unwrap(), 1);
    thread.join().unwrap();
}

#[test]
fn a_hang_up_is_ready_but_not_for_a_watch_that_asks_for_nothing() {
    let (ours, theirs) = pair();
    drop(theirs);
    assert!(readable_within(&ours, Duration::ZERO));
    let idle = Watch {
        read: false,
        ..reading(&ours)
    };
    let ready = PollSet::default().wait(&[idle], Some(Duration::ZERO));
    assert_eq!(ready.unwrap(), 0);
    let mut set = event_set();
    set.update(&[idle], None).unwrap();
    assert!(!readable_within(&set, MOMENT));
}

#[test]
fn a_descriptor_that_is_not_open_is_no_reason_to_wait() {
    let number = pair().0.as_raw_fd() + 1000;
    let watch = Watch {
        fd: number,
        read: true,
        write: false,
    };
    assert_eq!(PollSet::default().wait(&[watch], None).unwrap(), 1);
}

#[test]
fn a_spawned_thread_takes_no_signals_but_its_own_faults() {
    let (sender, receiver) = mpsc::channel();
    let body = Box::new(move || {
        sender.send(testing::takes_signal(libc::SIGTERM)).unwrap();
        sender.send(testing::takes_signal(libc::SIGSEGV)).unwrap();
    });
    let thread = spawn("pmqtt-test", 128 * 1024, body);
    thread.unwrap().join().unwrap();
    assert!(!receiver.recv().unwrap());
    assert!(receiver.recv().unwrap());
    assert!(testing::takes_signal(libc::SIGTERM));
}

#[test]
fn a_wake_makes_the_set_readable_until_it_is_drained() {
    let waker = Arc::new(Waker::new().unwrap());
    let set = EventSet::new(&waker).unwrap();
    assert!(!readable_within(&set, Duration::ZERO));
    for _ in 0..3 {
        waker.wake();
    }
    assert!(readable_within(&set, Duration::ZERO));
    waker.drain();
    assert!(!readable_within(&set, MOMENT));
}

#[test]
fn a_waker_may_outlive_its_set() {
    let waker = Arc::new(Waker::new().unwrap());
    drop(EventSet::new(&waker).unwrap());
    waker.wake();
    assert!(readable_within(&*waker, Duration::ZERO));
}

#[test]
fn a_watched_descriptor_makes_the_set_readable_for_as_long_as_it_is_ready() {
    let mut set = event_set();
    let (mut ours, mut theirs) = pair();
    set.update(&[reading(&ours)], None).unwrap();
    assert!(!readable_within(&set, MOMENT));
    theirs.write_all(b"x").unwrap();
    for _ in 0..3 {
        assert!(readable_within(&set, LONG));
        set.drain();
        set.update(&[reading(&ours)], None).unwrap();
    }
    assert!(readable_within(&set, LONG));
    ours.read_exact(&mut [0]).unwrap();
    set.drain();
    set.update(&[reading(&ours)], None).unwrap();
    settle(&mut set, &[reading(&ours)]);
    assert!(!readable_within(&set, MOMENT));
}

/// The portable helper may have seen the earlier state: one extra report is allowed.
fn settle(set: &mut EventSet, watches: &[Watch]) {
    if readable_within(set, MOMENT) {
        set.drain();
        set.update(watches, None).unwrap();
    }
}

#[test]
fn interest_can_change_and_end() {
    let mut set = event_set();
    let (ours, mut theirs) = pair();
    let writing = Watch {
        write: true,
        ..reading(&ours)
    };
    set.update(&[reading(&ours)], None).unwrap();
    assert!(!readable_within(&set, MOMENT));
    set.update(&[writing], None).unwrap();
    assert!(readable_within(&set, LONG));
    set.drain();
    set.update(&[reading(&ours)], None).unwrap();
    settle(&mut set, &[reading(&ours)]);
    assert!(!readable_within(&set, MOMENT));
    set.update(&[], None).unwrap();
    theirs.write_all(b"x").unwrap();
    assert!(!readable_within(&set, MOMENT));
}

#[test]
fn a_deadline_that_is_past_fires_at_once() {
    let mut set = event_set();
    for past in [Moment::origin(), now() - ms(1), now()] {
        set.update(&[], Some(past)).unwrap();
        assert!(readable_within(&set, LONG));
        set.drain();
        set.update(&[], None).unwrap();
        assert!(!readable_within(&set, MOMENT));
    }
}

#[test]
fn a_deadline_fires_once_and_not_early() {
    let mut set = event_set();
    let at = now() + ms(50);
    set.update(&[], Some(at)).unwrap();
    assert!(readable_within(&set, LONG));
    assert!(now() >= at);
    set.drain();
    assert!(!readable_within(&set, ms(80)));
    set.update(&[], Some(at)).unwrap();
    assert!(readable_within(&set, LONG));
}

#[test]
fn a_deadline_that_moves_later_fires_early_at_most_once() {
    let mut set = event_set();
    let start = now();
    for later in [40, 60, 80, 120] {
        set.update(&[], Some(start + ms(later))).unwrap();
    }
    let mut reports = 0;
    while now() < start + ms(120) {
        assert!(readable_within(&set, LONG));
        reports += 1;
        set.drain();
        set.update(&[], Some(start + ms(120))).unwrap();
    }
    assert!(reports <= 2);
}

#[test]
fn a_deadline_that_moves_earlier_fires_then() {
    let mut set = event_set();
    let start = now();
    set.update(&[], Some(start + LONG)).unwrap();
    thread::sleep(ms(10));
    set.update(&[], Some(start + ms(40))).unwrap();
    assert!(readable_within(&set, ms(2000)));
}

#[test]
fn a_deadline_that_is_dropped_leaves_no_loop_behind() {
    let mut set = event_set();
    set.update(&[], Some(now() + ms(20))).unwrap();
    set.update(&[], None).unwrap();
    let mut reports = 0;
    while readable_within(&set, ms(60)) {
        reports += 1;
        set.drain();
        set.update(&[], None).unwrap();
    }
    assert!(reports <= 1);
}

#[test]
fn a_set_at_rest_reports_nothing_until_it_is_updated() {
    let mut set = event_set();
    let (ours, mut theirs) = pair();
    set.update(&[reading(&ours)], Some(now() + ms(20))).unwrap();
    set.pause();
    theirs.write_all(b"x").unwrap();
    assert!(!readable_within(&set, ms(60)));
    set.update(&[reading(&ours)], None).unwrap();
    assert!(readable_within(&set, LONG));
}

#[test]
fn a_deadline_far_beyond_the_kernels_range_is_never() {
    let mut set = event_set();
    set.update(&[], Some(Moment::at(u64::MAX, 0))).unwrap();
    assert!(!readable_within(&set, MOMENT));
    set.update(&[], Some(now() + ms(10))).unwrap();
    assert!(readable_within(&set, LONG));
}

#[test]
fn a_new_descriptor_with_an_old_number_is_watched() {
    let mut set = event_set();
    let (first, _first_peer) = pair();
    let (second, mut second_peer) = pair();
    let watch = reading(&first);
    set.update(&[watch], None).unwrap();
    thread::sleep(MOMENT);
    set.pause();
    // As close and socket do, without a race with the other tests' descriptors.
    let second = testing::take_over(second, first);
    assert_eq!(second.as_raw_fd(), watch.fd);
    set.update(&[watch], None).unwrap();
    assert!(!readable_within(&set, MOMENT));
    second_peer.write_all(b"x").unwrap();
    assert!(readable_within(&set, LONG));
}

#[test]
fn a_descriptor_that_was_closed_too_early_is_dropped_quietly() {
    let mut set = event_set();
    let (ours, theirs) = pair();
    let watch = reading(&ours);
    set.update(&[watch], None).unwrap();
    drop((ours, theirs));
    set.pause();
    settle(&mut set, &[]);
    assert!(!readable_within(&set, MOMENT));
}

#[test]
fn dropping_the_set_is_prompt() {
    let mut set = event_set();
    let (ours, _theirs) = pair();
    set.update(&[reading(&ours)], Some(now() + LONG)).unwrap();
    thread::sleep(ms(10));
    let start = Instant::now();
    drop(set);
    assert!(start.elapsed() < ms(500));
}
