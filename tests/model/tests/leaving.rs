//! The ends of the loop thread and of `drain`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pmqtt_model::client::{Client, Code};
use pmqtt_model::codec::QoS;
use pmqtt_model::program::{self, LONG, What, disconnect, drain, publish, start, stop};
use pmqtt_model::run::check;
use pmqtt_model::world::{self, broker, sockets::Way};
use shuttle::sync::Mutex;
use shuttle::thread;

/// `leave` ends everything, and must not wait for time to pass.
fn at_once(leave: impl FnOnce(&Arc<Client>)) {
    let client = program::connected();
    let begin = world::now();
    leave(&client);
    assert_eq!(
        world::now(),
        begin,
        "somebody slept while there was something to do"
    );
    program::free(&client);
}

fn is_told_once(mid: u64) -> bool {
    program::count(|what| matches!(what, What::Published(told, _) if told == mid)) == 1
}

#[test]
fn all_that_was_taken_is_told_and_disconnect_is_written() {
    check(|| {
        at_once(|client| {
            let taken = Arc::new(Mutex::new(Vec::new()));
            let also_taken = Arc::clone(&taken);
            let publisher = program::spawn(client, move |client| {
                for _ in 0..2 {
                    let mid = publish(client, QoS::AtMostOnce);
                    also_taken.lock().unwrap().extend(mid);
                }
            });
            start(client).expect("a thread");
            let mid = publish(client, QoS::AtMostOnce).expect("it is connected");
            disconnect(client).expect("it is connected");
            stop(client).expect("its end");
            assert_eq!(program::count(|what| what == What::Disconnected(0)), 1);
            world::wait_until(|world| world.broker.seen[broker::DISCONNECT] == 1);
            world::join(publisher);
            let mut taken = taken.lock().unwrap();
            taken.push(mid);
            assert!(taken.iter().copied().all(is_told_once));
            let seen = world::look(|world| world.broker.seen[broker::PUBLISH]);
            assert_eq!(seen, taken.len());
        });
    });
}

/// Some attempts are given up, and one succeeds.
#[test]
fn the_loop_thread_ends_whatever_it_is_connecting_to() {
    check(|| {
        let ways = [Way::Opening, Way::Unanswered, Way::Refused, Way::Open];
        world::change(|world| world.broker.ways.extend(ways));
        let client = program::client();
        let connector = program::spawn(&client, |client| {
            for _ in 0..3 {
                let _ = program::connect_async(client);
                publish(client, QoS::AtLeastOnce);
            }
        });
        start(&client).expect("a thread");
        let _ = disconnect(&client);
        stop(&client).expect("its end");
        world::join(connector);
        program::free(&client);
    });
}

#[test]
fn drain_ends_with_the_right_answer_while_the_loop_thread_is_stopped() {
    check(|| {
        at_once(|client| {
            start(client).expect("a thread");
            let mid = publish(client, QoS::AtLeastOnce).expect("it is connected");
            let stopper = program::spawn(client, |client| {
                stop(client).expect("its end");
            });
            drain(client).expect("all is settled");
            world::join(stopper);
            // The callback of the loop thread may end after drain does.
            assert!(is_told_once(mid));
        });
    });
}

#[test]
fn drain_ends_when_there_is_no_connection_any_more() {
    check(|| {
        let client = program::connected();
        start(&client).expect("a thread");
        let leaver = program::spawn(&client, |client| {
            disconnect(client).expect("it is connected");
        });
        publish(&client, QoS::AtLeastOnce);
        let (result, left) = client.drain(LONG);
        match result {
            Ok(()) => assert_eq!(left, 0),
            Err(error) => assert!(error.code == Code::NoConn && left == 1),
        }
        world::join(leaver);
        stop(&client).expect("its end");
        program::free(&client);
    });
}

#[test]
fn drain_after_loop_start_runs_no_callback() {
    check(|| {
        at_once(|client| {
            let before = world::look(|world| world.program.heard.len());
            publish(client, QoS::AtLeastOnce).expect("it is connected");
            start(client).expect("a thread");
            drain(client).expect("all is settled");
            let me = thread::current().id();
            let here = world::look(|world| {
                let heard = world.program.heard[before..].iter();
                heard.filter(|heard| heard.thread == me).count()
            });
            assert_eq!(here, 0);
            stop(client).expect("its end");
        });
    });
}

#[test]
fn no_loop_call_gets_in_before_the_loop_thread() {
    check(|| {
        at_once(|client| {
            start(client).expect("a thread");
            let busy = program::run_once(client).map_err(|error| error.code);
            assert_eq!(busy, Err(Code::Busy));
            stop(client).expect("its end");
        });
    });
}

/// A loop call that began before the loop thread may be in a callback for any time.
#[test]
fn loop_stop_does_not_wait_for_another_loop_call() {
    check(|| {
        at_once(|client| {
            let stopped = Arc::new(AtomicBool::new(false));
            let waiting = Arc::clone(&stopped);
            let looper = program::spawn(client, move |client| {
                let looper = thread::current().id();
                program::set_hook(move |_| {
                    if thread::current().id() == looper {
                        let stopped = Arc::clone(&waiting);
                        world::wait_until(move |_| stopped.load(Ordering::Relaxed));
                    }
                });
                let _ = program::run_once(client);
            });
            publish(client, QoS::AtLeastOnce).expect("it is connected");
            start(client).expect("a thread");
            stop(client).expect("its end");
            world::change(|_| stopped.store(true, Ordering::Relaxed));
            publish(client, QoS::AtLeastOnce).expect("it is connected");
            world::join(looper);
        });
    });
}

#[test]
fn two_drains_and_a_step_share_the_client() {
    check(|| {
        let client = program::connected();
        publish(&client, QoS::AtLeastOnce).expect("it is connected");
        let drains = [(); 2].map(|()| {
            program::spawn(&client, |client| {
                drain(client).expect("all is settled");
            })
        });
        publish(&client, QoS::AtLeastOnce).expect("it is connected");
        let _ = program::run_once(&client);
        drain(&client).expect("all is settled");
        drains.into_iter().for_each(world::join);
        assert_eq!(world::look(|world| world.program.published()), 2);
        program::free(&client);
    });
}

/// The deadline may pass at any moment, for each thread that waits.
#[test]
fn drain_ends_with_the_right_answer_when_its_time_is_over() {
    check(|| {
        let client = program::connected();
        start(&client).expect("a thread");
        publish(&client, QoS::AtLeastOnce).expect("it is connected");
        program::spawn(&client, |_| {
            for _ in 0..3 {
                world::switch();
                world::pass_time();
            }
        });
        let (result, left) = client.drain(Duration::from_millis(10));
        match result {
            Ok(()) => assert_eq!(left, 0),
            Err(error) => assert!(error.code == Code::Timeout && left == 1),
        }
        stop(&client).expect("its end");
        program::free(&client);
    });
}
