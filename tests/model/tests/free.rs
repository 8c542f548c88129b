//! A client is freed while other threads are in any call. Each call returns, and no callback runs once
//! the freeing call has ended.

use std::sync::Arc;

use pmqtt_model::client::Client;
use pmqtt_model::codec::QoS;
use pmqtt_model::program::{self, What};
use pmqtt_model::run::check;
use pmqtt_model::world::{self, sockets::Way};

/// The callback for the first message's outcome frees the client; `run` is the loop that calls it.
fn in_a_callback(
    client: &Arc<Client>,
    run: impl FnOnce(&Arc<Client>) + Send + 'static,
    meanwhile: impl FnOnce(&Client),
) {
    let freeing = Arc::downgrade(client);
    program::set_hook(move |what| {
        let client = freeing.upgrade().expect("a call has it");
        if matches!(what, What::Published(..)) && !client.is_freed() {
            program::free(&client);
        }
    });
    program::publish(client, QoS::AtLeastOnce).expect("it is connected");
    let start = world::now();
    let run = program::spawn(client, run);
    meanwhile(client);
    world::join(run);
    assert_eq!(
        world::now(),
        start,
        "somebody slept though the client was freed"
    );
}

fn run_forever(client: &Arc<Client>) {
    let _ = program::run_forever(client);
}

#[test]
fn in_a_callback_while_another_thread_publishes() {
    check(|| {
        in_a_callback(&program::connected(), run_forever, |client| {
            program::publish(client, QoS::AtLeastOnce);
            program::publish(client, QoS::AtMostOnce);
            let _ = program::disconnect(client);
        });
    });
}

#[test]
fn in_a_callback_while_another_thread_connects() {
    check(|| {
        let client = program::connected();
        let ways = [Way::Unanswered, Way::Opening];
        world::change(|world| world.broker.ways.extend(ways));
        in_a_callback(&client, run_forever, |client| {
            let _ = program::connect(client);
        });
    });
}

#[test]
fn in_a_callback_while_another_thread_connects_twice() {
    check(|| {
        in_a_callback(&program::connected(), run_forever, |client| {
            let _ = program::connect(client);
            let _ = program::connect_async(client);
        });
    });
}

#[test]
fn in_a_callback_while_another_thread_drains() {
    check(|| {
        let step_until_freed = |client: &Arc<Client>| {
            while !client.is_freed() {
                let _ = program::run_once(client);
            }
        };
        in_a_callback(&program::connected(), step_until_freed, |client| {
            let _ = program::drain(client);
            let _ = program::drain(client);
        });
    });
}

#[test]
fn in_a_callback_while_another_thread_stops_the_loop_thread() {
    check(|| {
        let start = |client: &Arc<Client>| {
            let _ = program::start(client);
        };
        in_a_callback(&program::connected(), start, |client| {
            let _ = program::stop(client);
            let _ = program::drain(client);
        });
    });
}

#[test]
fn in_a_callback_while_another_thread_sets_on_interest() {
    check(|| {
        in_a_callback(&program::connected(), run_forever, |client| {
            program::set_interest(client);
            program::publish(client, QoS::AtLeastOnce);
        });
    });
}

#[test]
fn outside_of_callbacks_while_a_loop_runs() {
    check(|| {
        let client = program::connected();
        program::spawn(&client, run_forever);
        program::spawn(&client, |client| {
            program::publish(client, QoS::AtLeastOnce);
            let _ = program::connect(client);
        });
        program::free(&client);
    });
}

#[test]
fn outside_of_callbacks_while_the_loop_thread_runs() {
    check(|| {
        let client = program::connected();
        program::start(&client).expect("a thread");
        program::spawn(&client, |client| {
            program::publish(client, QoS::AtLeastOnce);
            let _ = program::drain(client);
        });
        program::spawn(&client, |client| {
            let _ = program::stop(client);
        });
        program::free(&client);
    });
}
