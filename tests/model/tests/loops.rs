//! One loop takes over from another and completes its requests. No time passes meanwhile: no thread
//! misses a wake.

use std::sync::Arc;

use pmqtt_model::client::Client;
use pmqtt_model::codec::QoS;
use pmqtt_model::program::{self, What, publish};
use pmqtt_model::run::check;
use pmqtt_model::world::{self, World, sockets::Way};

const MESSAGES: usize = 3;

fn is_told(world: &World) -> bool {
    world.program.published() == MESSAGES
}

fn is_connected(world: &World) -> bool {
    world.program.count(|what| what == What::Connected(0)) == 1
}

fn begin_event_loop(client: &Arc<Client>, so: fn(&World) -> bool) -> u32 {
    program::spawn(client, move |client| program::event_loop(client, so))
}

fn begin_foreign_loop(client: &Arc<Client>, so: fn(&World) -> bool) -> u32 {
    program::set_interest(client);
    program::spawn(client, move |client| program::foreign_loop(client, so))
}

type Begin = fn(&Arc<Client>, fn(&World) -> bool) -> u32;

/// Two threads publish. Two waiting loops come and go beside the one that stays.
fn with_loops_that_wait(begin: Begin) {
    let client = program::connected();
    let start = world::now();
    let other = begin(&client, is_told);
    for _ in 1..MESSAGES {
        program::spawn(&client, |client| {
            publish(client, QoS::AtLeastOnce);
        });
    }
    let drains = program::spawn(&client, |client| {
        let _ = program::drain(client);
    });
    publish(&client, QoS::AtLeastOnce);
    let _ = program::start(&client);
    let _ = program::stop(&client);
    world::join(drains);
    world::join(other);
    assert_eq!(
        world::now(),
        start,
        "somebody slept while there was something to do"
    );
    program::free(&client);
}

/// One thread connects, in the background or not, and another runs the loop.
fn with_connect(begin: Begin, connect: fn(&Client)) {
    for way in [Way::Open, Way::Opening] {
        world::change(|world| world.broker.ways.push_back(way));
    }
    let client = program::client();
    let start = world::now();
    let other = begin(&client, is_connected);
    connect(&client);
    world::join(other);
    assert_eq!(
        world::now(),
        start,
        "somebody slept while there was something to do"
    );
    program::free(&client);
}

fn connect(client: &Client) {
    program::connect(client).expect("a connection");
}

fn connect_async(client: &Client) {
    program::connect_async(client).expect("an attempt");
}

fn begin_loop_thread(client: &Arc<Client>, so: fn(&World) -> bool) -> u32 {
    program::spawn(client, move |client| {
        program::start(client).expect("a thread");
        world::wait_until(so);
    })
}

#[test]
fn a_loop_by_event_descriptor_goes_on_after_those_that_wait() {
    check(|| with_loops_that_wait(begin_event_loop));
}

#[test]
fn a_loop_by_on_interest_goes_on_after_those_that_wait() {
    check(|| with_loops_that_wait(begin_foreign_loop));
}

#[test]
fn a_loop_by_event_descriptor_takes_the_connection() {
    check(|| with_connect(begin_event_loop, connect));
    check(|| with_connect(begin_event_loop, connect_async));
}

#[test]
fn a_loop_by_on_interest_takes_the_connection() {
    check(|| with_connect(begin_foreign_loop, connect));
    check(|| with_connect(begin_foreign_loop, connect_async));
}

#[test]
fn the_loop_thread_takes_the_connection() {
    check(|| with_connect(begin_loop_thread, connect));
    check(|| with_connect(begin_loop_thread, connect_async));
}

/// The callback of the first message makes every call that a callback may make.
#[test]
fn a_callback_calls_what_it_likes() {
    check(|| {
        let client = program::connected();
        let start = world::now();
        let called = Arc::downgrade(&client);
        program::set_hook(move |what| {
            let client = called.upgrade().expect("a call has it");
            if matches!(what, What::Published(1, _)) {
                publish(&client, QoS::AtLeastOnce);
                let _ = program::run_once(&client);
                let _ = program::drain(&client);
                let _ = program::stop(&client);
                let _ = program::start(&client);
            }
        });
        program::start(&client).expect("a thread");
        for _ in 1..MESSAGES {
            program::spawn(&client, |client| {
                publish(client, QoS::AtLeastOnce);
            });
        }
        world::wait_until(is_told);
        let _ = program::stop(&client);
        assert_eq!(
            world::now(),
            start,
            "somebody slept while there was something to do"
        );
        program::free(&client);
    });
}

#[test]
fn a_callback_begins_anew_while_others_publish() {
    check(|| {
        let client = program::connected();
        let called = Arc::downgrade(&client);
        program::set_hook(move |what| {
            let client = called.upgrade().expect("a call has it");
            if matches!(what, What::Published(1, _)) {
                program::reinitialise(&client).expect("it begins anew");
                program::set_interest(&client);
                let _ = program::connect_async(&client);
            }
        });
        program::set_interest(&client);
        for _ in 1..MESSAGES {
            program::spawn(&client, |client| {
                publish(client, QoS::AtLeastOnce);
                publish(client, QoS::AtLeastOnce);
            });
        }
        for _ in 0..2 {
            let _ = program::step(&client);
            let _ = program::run_once(&client);
        }
        program::free(&client);
    });
}

#[test]
fn loop_threads_come_and_go() {
    check(|| {
        let client = program::connected();
        let starters = [(); 2].map(|()| {
            program::spawn(&client, |client| {
                for _ in 0..2 {
                    let _ = program::start(client);
                    publish(client, QoS::AtMostOnce);
                    let _ = program::stop(client);
                }
            })
        });
        publish(&client, QoS::AtLeastOnce);
        starters.into_iter().for_each(world::join);
        program::drain(&client).expect("all is settled");
        assert_eq!(world::look(|world| world.program.published()), 5);
        program::free(&client);
    });
}
