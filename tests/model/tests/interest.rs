//! `on_interest` never runs twice at the same time, and reports each descriptor before it is closed. It
//! does not run once the client is freed. `program` and `world` check this in every scenario.

use std::sync::Arc;

use pmqtt_model::client::Client;
use pmqtt_model::codec::QoS;
use pmqtt_model::program::{self, disconnect, step, time_out};
use pmqtt_model::run::check;
use pmqtt_model::world;

/// A client with `on_interest`: two threads publish, and this thread does the rest.
fn with_publishers(rest: impl FnOnce(&Arc<Client>)) {
    let client = program::connected();
    program::set_interest(&client);
    let publishers = [(); 2].map(|()| {
        program::spawn(&client, |client| {
            program::publish(client, QoS::AtLeastOnce);
            program::publish(client, QoS::AtMostOnce);
        })
    });
    rest(&client);
    program::free(&client);
    publishers.into_iter().for_each(world::join);
}

/// A thread that makes a foreign loop's calls.
fn begin_stepper(client: &Arc<Client>) -> u32 {
    program::spawn(client, |client| {
        let _ = step(client);
        let _ = time_out(client);
    })
}

/// What a program does to begin again.
fn begin_anew(client: &Client) {
    program::reinitialise(client).expect("it begins anew");
    program::set_callbacks(client);
    program::set_interest(client);
    let _ = program::connect_async(client);
}

#[test]
fn the_client_is_freed() {
    check(|| with_publishers(|_| ()));
}

#[test]
fn the_client_is_freed_while_a_foreign_loop_runs() {
    check(|| {
        with_publishers(|client| {
            begin_stepper(client);
        });
    });
}

#[test]
fn the_client_begins_anew() {
    check(|| {
        with_publishers(|client| {
            begin_anew(client);
            let _ = time_out(client);
        });
    });
}

#[test]
fn the_connection_is_replaced_and_ended_while_a_foreign_loop_runs() {
    check(|| {
        with_publishers(|client| {
            program::spawn(client, |client| {
                let _ = program::connect_async(client);
                let _ = disconnect(client);
            });
            let _ = step(client);
            let _ = program::reconnect(client);
            let _ = time_out(client);
        });
    });
}

#[test]
fn the_loop_thread_takes_over_and_gives_back() {
    check(|| {
        with_publishers(|client| {
            program::start(client).expect("a thread");
            let _ = program::reconnect(client);
            begin_anew(client);
            program::stop(client).expect("its end");
        });
    });
}
