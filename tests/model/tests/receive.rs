//! Several messages that arrive together, for which the lock is released once.

use std::sync::Arc;

use pmqtt_model::client::Client;
use pmqtt_model::codec::QoS;
use pmqtt_model::program::{self, What};
use pmqtt_model::run::check;
use pmqtt_model::world::{self, broker};

const MESSAGES: u8 = 3;

/// A connected client that receives messages in its next step.
fn begin() -> Arc<Client> {
    world::change(|world| world.broker.messages = MESSAGES);
    let client = program::client();
    program::connect(&client).expect("a connection");
    client
}

fn is_message(what: What) -> bool {
    matches!(what, What::Message(_))
}

#[test]
fn each_is_told_and_acknowledged_once_while_others_call() {
    check(|| {
        let client = begin();
        let start = world::now();
        let others = [
            program::spawn(&client, |client| {
                program::publish(client, QoS::AtLeastOnce);
                program::publish(client, QoS::AtMostOnce);
            }),
            program::spawn(&client, |client| {
                program::set_callbacks(client);
                program::set_log(client);
            }),
        ];
        program::start(&client).expect("a thread");
        let acknowledged = |world: &world::World| world.broker.seen[broker::PUBACK];
        world::wait_until(move |world| acknowledged(world) == MESSAGES.into());
        others.into_iter().for_each(world::join);
        program::stop(&client).expect("its end");
        assert_eq!(program::count(is_message), MESSAGES.into());
        assert_eq!(world::look(acknowledged), MESSAGES.into());
        assert_eq!(
            world::now(),
            start,
            "somebody slept while there was something to do"
        );
        program::free(&client);
    });
}

#[test]
fn none_is_told_after_the_client_is_freed_in_the_first() {
    check(|| {
        let client = begin();
        let freeing = Arc::downgrade(&client);
        program::set_hook(move |what| {
            let client = freeing.upgrade().expect("a call has it");
            if is_message(what) && !client.is_freed() {
                program::free(&client);
            }
        });
        program::spawn(&client, |client| {
            program::publish(client, QoS::AtLeastOnce);
            let _ = program::drain(client);
        });
        let _ = program::run_forever(&client);
        while !client.is_freed() {
            let _ = program::run_once(&client);
        }
        assert_eq!(program::count(is_message), 1);
    });
}

#[test]
fn each_is_told_again_once_the_connection_is_replaced() {
    check(|| {
        let client = begin();
        let replacer = program::spawn(&client, |client| {
            let _ = program::reconnect(client);
            let _ = program::connect_async(client);
        });
        program::start(&client).expect("a thread");
        world::join(replacer);
        // The messages of the last connection are all acknowledged.
        world::wait_until(|world| world.broker.seen[broker::PUBACK] >= MESSAGES.into());
        program::disconnect(&client).ok();
        program::stop(&client).expect("its end");
        program::free(&client);
    });
}
