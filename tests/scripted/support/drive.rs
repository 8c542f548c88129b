//! The ways to run a client.

use std::io::{Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use super::Handle;
use super::client::Recorder;
use super::poll::poll;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drive {
    /// The thread of `pmqtt_loop_start`.
    Thread,
    /// `pmqtt_loop_forever`, in a thread of the test.
    Forever,
    /// `pmqtt_loop`, again and again.
    Step,
    /// `pmqtt_loop_read`, `_write` and `_misc`, in a loop that `on_interest` wakes.
    Foreign,
    /// The same without `on_interest`, in a loop that looks every few milliseconds.
    Poll,
    /// `pmqtt_process`, when the descriptor of `pmqtt_event_fd` is readable.
    EventFd,
}

impl Drive {
    pub const ALL: [Drive; 6] = [
        Drive::Thread,
        Drive::Forever,
        Drive::Step,
        Drive::Foreign,
        Drive::Poll,
        Drive::EventFd,
    ];

    /// The ways that reconnect.
    pub const RECONNECTING: [Drive; 3] = [Drive::Thread, Drive::Forever, Drive::EventFd];
}

/// A client that is being run.
pub struct Running {
    stop: Arc<AtomicBool>,
    waker: UnixStream,
    /// None for the library's own thread.
    thread: Option<JoinHandle<()>>,
    /// `pmqtt_loop_forever` ends when the client is freed, and the others before that.
    ends_before_free: bool,
}

impl Running {
    pub fn start(client: Handle, drive: Drive, recorder: &Recorder) -> Running {
        let (waker, woken) = UnixStream::pair().expect("a pair of sockets");
        woken.set_nonblocking(true).expect("non-blocking");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = {
            let stop = Arc::clone(&stop);
            move || stop.load(Ordering::SeqCst)
        };
        let thread = match drive {
            Drive::Thread => {
                assert_eq!(client.loop_start(), 0);
                None
            }
            Drive::Forever => Some(thread::spawn(move || {
                client.loop_forever(true);
            })),
            Drive::Step => Some(thread::spawn(move || {
                while !stopped() {
                    client.step(50);
                }
            })),
            Drive::Foreign => {
                recorder.set_waker(waker.try_clone().expect("a socket"));
                client.set_interest();
                Some(thread::spawn(move || {
                    foreign_loop(client, woken, -1, stopped)
                }))
            }
            Drive::Poll => Some(thread::spawn(move || {
                foreign_loop(client, woken, 5, stopped);
            })),
            Drive::EventFd => Some(thread::spawn(move || {
                event_loop(client, woken, stopped);
            })),
        };
        Running {
            stop,
            waker,
            thread,
            ends_before_free: drive != Drive::Forever,
        }
    }

    /// Ends the loop, as far as that is possible before the client is freed. Join the returned thread
    /// after that.
    pub fn stop(mut self) -> Option<JoinHandle<()>> {
        self.stop.store(true, Ordering::SeqCst);
        let _ = self.waker.write(&[0]);
        if self.ends_before_free
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
        self.thread
    }
}

/// `most_ms`: the longest wait; -1: without limit.
fn foreign_loop(client: Handle, woken: UnixStream, most_ms: i32, stopped: impl Fn() -> bool) {
    while !stopped() {
        let read = client.want_read().then_some(libc::POLLIN);
        let write = client.want_write().then_some(libc::POLLOUT);
        let events = read.unwrap_or(0) | write.unwrap_or(0);
        let mut entries = [
            entry(woken.as_raw_fd(), libc::POLLIN),
            entry(client.socket(), events),
        ];
        // As unsigned numbers, -1 is the longest wait.
        let timeout = (client.next_timeout_ms() as u32).min(most_ms as u32);
        poll(&mut entries, timeout as i32);
        drain(&woken);
        let ready = entries[1].revents;
        if ready & !libc::POLLOUT != 0 {
            client.loop_read();
        }
        if ready & libc::POLLOUT != 0 {
            client.loop_write();
        }
        if client.next_timeout_ms() == 0 {
            client.loop_misc();
        }
    }
}

fn event_loop(client: Handle, woken: UnixStream, stopped: impl Fn() -> bool) {
    let fd = client.event_fd();
    assert!(fd >= 0);
    while !stopped() {
        let mut entries = [
            entry(woken.as_raw_fd(), libc::POLLIN),
            entry(fd, libc::POLLIN),
        ];
        poll(&mut entries, -1);
        if entries[1].revents != 0 {
            client.process();
        }
    }
}

fn entry(fd: RawFd, events: libc::c_short) -> libc::pollfd {
    libc::pollfd {
        fd,
        events,
        revents: 0,
    }
}

fn drain(mut woken: &UnixStream) {
    let mut bytes = [0; 64];
    while matches!(woken.read(&mut bytes), Ok(1..)) {}
}
