//! Two threads connect at the same time, and disconnect meanwhile: each attempt has one outcome.

use std::sync::Arc;

use pmqtt_model::client::{Client, Code};
use pmqtt_model::program::{self, What, connect, connect_async, disconnect, run_once};
use pmqtt_model::run::check;
use pmqtt_model::world::{self, sockets::Way};
use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::Mutex;

const WAYS: [Way; 4] = [Way::Open, Way::Opening, Way::Refused, Way::Unanswered];

/// Each of the next connections may be answered in any way.
fn choose_ways() {
    let ways = [(); 3].map(|()| WAYS[thread_rng().gen_range(0..WAYS.len())]);
    world::note(|| format!("connections go {ways:?}"));
    world::change(|world| world.broker.ways.extend(ways));
}

/// This thread connects and waits. `meanwhile` returns how many attempts it has begun. One callback
/// reports the end of each attempt; a connect that waits returns its own failure.
fn each_has_one_end(
    client: Arc<Client>,
    meanwhile: impl FnOnce(&Client) -> usize + Send + 'static,
) {
    let begun = Arc::new(Mutex::new(program::count(|what| {
        what == What::Connected(0)
    })));
    let also_begun = Arc::clone(&begun);
    let another = program::spawn(&client, move |client| {
        let count = meanwhile(client);
        *also_begun.lock().unwrap() += count;
    });
    let made = connect(&client).is_ok();
    world::join(another);
    // An attempt or connection that is left ends here.
    let _ = disconnect(&client);
    while run_once(&client).map_err(|error| error.code) != Err(Code::NoConn) {}
    let begun = *begun.lock().unwrap() + made as usize;
    // An attempt that no loop call has begun counts as one with the connection that replaces it.
    let merged = made && begun > 1 && program::count(What::is_end) == begun - 1;
    assert!(merged || program::count(What::is_end) == begun);
    program::free(&client);
}

#[test]
fn another_thread_connects_in_the_background() {
    check(|| {
        choose_ways();
        let other = |client: &Client| connect_async(client).is_ok() as usize;
        each_has_one_end(program::client(), other);
    });
}

#[test]
fn another_thread_disconnects() {
    check(|| {
        choose_ways();
        each_has_one_end(program::client(), |client| {
            let _ = disconnect(client);
            0
        });
    });
}

#[test]
fn another_thread_connects_too() {
    check(|| {
        choose_ways();
        let other = |client: &Client| connect(client).is_ok() as usize;
        each_has_one_end(program::client(), other);
    });
}

#[test]
fn another_thread_replaces_the_present_connection_and_runs_it() {
    check(|| {
        let client = program::connected();
        choose_ways();
        each_has_one_end(client, |client| {
            let _ = run_once(client);
            let made = connect_async(client).is_ok();
            let _ = disconnect(client);
            made as usize
        });
    });
}
