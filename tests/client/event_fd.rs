//! The event descriptor is readable while there is work for the client, and no longer.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::{PATIENCE, client, is_readable};

#[test]
fn it_is_quiet_once_the_client_is_broken() {
    let client = client(&());
    let fd = client.event_fd().expect("event_fd");
    assert!(is_readable(fd), "the first call is wanted");
    client.set_broken();
    assert!(!is_readable(fd));
    client.free();
}

/// The waiting thread consumes the wake; otherwise it would wake for ever.
#[test]
fn it_is_quiet_while_the_loop_thread_runs_the_client() {
    let client = client(&());
    client.start_thread().expect("a thread");
    sleep(Duration::from_millis(50));
    let fd = client.event_fd().expect("event_fd");
    let start = Instant::now();
    while is_readable(fd) {
        assert!(start.elapsed() < PATIENCE, "nobody consumes the wake");
        sleep(Duration::from_millis(1));
    }
    client.free();
}
