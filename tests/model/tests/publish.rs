//! What is published is written, by whichever thread is there, and no thread sleeps before that.

use std::sync::Arc;

use pmqtt_model::client::Client;
use pmqtt_model::codec::QoS;
use pmqtt_model::program;
use pmqtt_model::run::check;
use pmqtt_model::world::{self, World, broker};

const MESSAGES: usize = 4;

/// Two threads that publish two messages each.
fn begin_publishers(client: &Arc<Client>, qos: QoS) -> [u32; 2] {
    [(); 2].map(|()| {
        program::spawn(client, move |client| {
            for _ in 0..2 {
                program::publish(client, qos).expect("it is taken");
            }
        })
    })
}

fn is_told(world: &World) -> bool {
    world.program.published() == MESSAGES
}

/// `run` alone makes every outcome known, and no time passes meanwhile.
fn all_is_told(client: Arc<Client>, qos: QoS, run: impl FnOnce(&Arc<Client>)) {
    let start = world::now();
    let publishers = begin_publishers(&client, qos);
    run(&client);
    publishers.into_iter().for_each(world::join);
    assert_eq!(
        world::look(|world| world.broker.seen[broker::PUBLISH]),
        MESSAGES
    );
    assert_eq!(
        world::now(),
        start,
        "somebody slept while there was something to do"
    );
    program::free(&client);
}

/// Two threads publish, and no loop runs: all is written when both have returned.
fn all_is_written(client: Arc<Client>) {
    let publishers = begin_publishers(&client, QoS::AtMostOnce);
    publishers.into_iter().for_each(world::join);
    world::wait_until(|world| world.broker.seen[broker::PUBLISH] == MESSAGES);
    program::free(&client);
}

#[test]
fn without_a_loop_one_publisher_writes_for_the_other() {
    check(|| all_is_written(program::connected()));
}

/// The log callbacks run after the first thread has written, while the other one publishes.
#[test]
fn without_a_loop_one_publisher_writes_for_the_other_while_it_logs() {
    check(|| {
        let client = program::connected();
        program::set_log(&client);
        all_is_written(client);
    });
}

#[test]
fn steps_of_a_loop_tell_all() {
    check(|| {
        all_is_told(program::connected(), QoS::AtLeastOnce, |client| {
            while !world::look(is_told) {
                program::run_once(client).expect("a step");
            }
        });
    });
}

#[test]
fn the_loop_thread_tells_all() {
    check(|| {
        all_is_told(program::connected(), QoS::AtLeastOnce, |client| {
            program::start(client).expect("a thread");
            world::wait_until(is_told);
            program::stop(client).expect("its end");
        });
    });
}

#[test]
fn the_loop_thread_tells_all_though_the_socket_takes_little() {
    check(|| {
        world::change(|world| world.broker.room = Some(25));
        all_is_told(program::connected(), QoS::AtMostOnce, |client| {
            program::start(client).expect("a thread");
            world::wait_until(is_told);
            world::wait_until(|world| world.broker.seen[broker::PUBLISH] == MESSAGES);
            program::stop(client).expect("its end");
        });
    });
}

#[test]
fn a_loop_by_event_descriptor_tells_all() {
    check(|| {
        all_is_told(program::connected(), QoS::AtLeastOnce, |client| {
            program::event_loop(client, is_told);
        });
    });
}

#[test]
fn a_loop_by_on_interest_tells_all() {
    check(|| {
        let client = program::connected();
        program::set_interest(&client);
        all_is_told(client, QoS::AtLeastOnce, |client| {
            program::foreign_loop(client, is_told);
        });
    });
}

/// The broker closes the connection between messages: what it has not acknowledged is sent again.
#[test]
fn the_loop_thread_tells_all_though_the_connection_is_lost() {
    check(|| {
        let client = program::connected();
        world::change(|world| world.broker.closes_after = Some(3));
        program::start(&client).expect("a thread");
        for _ in 0..2 {
            program::spawn(&client, |client| {
                // Without a connection the messages are queued, and the call returns that.
                program::publish(client, QoS::AtLeastOnce);
                program::publish(client, QoS::AtLeastOnce);
            });
        }
        world::wait_until(is_told);
        program::stop(&client).expect("its end");
        program::free(&client);
    });
}
