//! The program of an episode: random calls, also inside callbacks, and then the end.

use std::ffi::{CStr, c_int};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use super::api::{NO_CONN, SUCCESS};
use super::broker::Broker;
use super::episode::{Episode, depth};
use super::record::{Life, Record};
use super::settings::{Ending, Kind, Settings, slack};

/// A callback makes calls only if at most this many callbacks, itself included, are on the stack.
const DEEPEST: u32 = 3;

/// How long to wait for a callback that makes calls.
const CALLBACKS: Duration = Duration::from_secs(2);

/// How long a connection may take to end after `pmqtt_disconnect`.
const END: Duration = Duration::from_secs(3);

/// The time limit of messages in batches.
const LIMIT: Duration = Duration::from_secs(1);

const LARGE: usize = 3 << 20;

const TOPICS: [&CStr; 3] = [c"t", c"u", c"v"];

#[derive(Clone, Copy)]
enum Act {
    Publish,
    PublishLarge,
    PublishBatch,
    Cancel,
    ClearQueue,
    Subscribe,
    Unsubscribe,
    Disconnect,
    Connect,
    ConnectAsync,
    Reconnect,
    Loop,
    Read,
    Write,
    Misc,
    Process,
    Drain,
    Sleep,
    Reinitialise,
    Start,
    Stop,
}

/// The weight of each call.
const ONE_THREAD: [(Act, u32); 19] = [
    (Act::Publish, 90),
    (Act::PublishLarge, 2),
    (Act::PublishBatch, 8),
    (Act::Cancel, 12),
    (Act::ClearQueue, 3),
    (Act::Subscribe, 10),
    (Act::Unsubscribe, 10),
    (Act::Disconnect, 18),
    (Act::Connect, 9),
    (Act::ConnectAsync, 12),
    (Act::Reconnect, 10),
    (Act::Loop, 24),
    (Act::Read, 10),
    (Act::Write, 18),
    (Act::Misc, 6),
    (Act::Process, 3),
    (Act::Drain, 4),
    (Act::Sleep, 6),
    (Act::Reinitialise, 1),
];

/// The weights for a client with a loop thread.
const LOOP_THREAD: [(Act, u32); 18] = [
    (Act::Publish, 90),
    (Act::PublishLarge, 2),
    (Act::PublishBatch, 8),
    (Act::Cancel, 12),
    (Act::ClearQueue, 3),
    (Act::Subscribe, 10),
    (Act::Unsubscribe, 10),
    (Act::Disconnect, 18),
    (Act::Connect, 9),
    (Act::ConnectAsync, 12),
    (Act::Reconnect, 10),
    (Act::Loop, 4),
    (Act::Process, 1),
    (Act::Drain, 6),
    (Act::Sleep, 10),
    (Act::Reinitialise, 1),
    (Act::Start, 6),
    (Act::Stop, 4),
];

/// Plays an episode from its beginning to its end.
pub fn play(settings: Settings, began: impl FnOnce(&Arc<Episode>)) -> Arc<Episode> {
    let broker = Broker::new(settings.seed);
    let episode = Episode::new(settings, broker.port());
    began(&episode);
    episode.create();
    begin(&episode);
    thread::scope(|scope| {
        if episode.settings.second_thread {
            scope.spawn(|| act_often(&episode));
        }
        act_often(&episode);
        end(&episode);
    });
    episode.record().arrived = broker.end();
    episode
}

pub fn play_in_callback(episode: &Arc<Episode>) {
    if is_to_free(episode) {
        episode.free();
    } else if depth() <= DEEPEST {
        while episode.random(2) == 0 {
            act(episode);
        }
    }
}

/// `on_interest` is called so often that it makes fewer calls.
pub fn play_in_interest(episode: &Arc<Episode>) {
    if episode.random(4) == 0 {
        play_in_callback(episode);
    }
}

pub fn take_message(episode: &Arc<Episode>, mid: u64, qos: c_int) {
    if episode.settings.manual_ack && episode.random(4) > 0 {
        episode.acknowledge(mid, qos);
    }
    play_in_callback(episode);
}

/// Begins a connection, and mostly waits until the broker has accepted it.
fn begin(episode: &Episode) {
    let thread = episode.settings.kind == Kind::LoopThread;
    if thread {
        episode.loop_start();
    }
    let connected = episode.connect(episode.port) == SUCCESS;
    for _ in 0..10 {
        if !connected || thread || episode.record().account().connects > 0 {
            break;
        }
        episode.run_loop(10);
    }
}

fn act_often(episode: &Arc<Episode>) {
    let pause_at = episode.settings.calls / 2;
    for call in 0..episode.settings.calls {
        if episode.settings.queue.expires && call == pause_at {
            thread::sleep(LIMIT + Duration::from_millis(50));
        }
        if episode.record().calm {
            break;
        }
        if episode.settings.kind == Kind::LoopThread {
            // Gives the loop thread a chance to run.
            pause(episode);
        }
        act(episode);
    }
}

fn pause(episode: &Episode) {
    thread::sleep(Duration::from_millis(episode.random(3).into()));
}

fn act(episode: &Arc<Episode>) {
    match choose(episode) {
        Act::Publish => {
            let (topic, qos) = message(episode);
            episode.publish(topic, 0, qos);
        }
        Act::PublishLarge => {
            let qos = episode.random(2) as c_int;
            episode.publish(TOPICS[0], LARGE, qos);
        }
        Act::PublishBatch => {
            let count = 1 + episode.random(4);
            let messages: Vec<_> = (0..count).map(|_| message(episode)).collect();
            episode.publish_batch(&messages);
        }
        Act::Cancel => episode.cancel(),
        Act::ClearQueue => episode.clear_queue(),
        Act::Subscribe => episode.subscribe(),
        Act::Unsubscribe => episode.unsubscribe(),
        Act::Disconnect => episode.disconnect(),
        Act::Connect => {
            episode.connect(port(episode));
        }
        Act::ConnectAsync => episode.connect_async(port(episode)),
        Act::Reconnect => episode.reconnect(),
        Act::Loop => {
            episode.run_loop(episode.random(12) as c_int);
        }
        Act::Read => episode.loop_read(),
        Act::Write => episode.loop_write(),
        Act::Misc => episode.loop_misc(),
        Act::Process => episode.process(),
        Act::Drain => episode.drain(episode.random(12) as c_int),
        Act::Sleep => pause(episode),
        Act::Reinitialise => episode.reinitialise(),
        Act::Start => episode.loop_start(),
        Act::Stop => episode.loop_stop(),
    }
}

/// The topic and the QoS of a message.
fn message(episode: &Episode) -> (&'static CStr, c_int) {
    // Mostly messages of QoS 1 and 2 wait in the queue.
    let acknowledged = if episode.settings.queue.is_set { 3 } else { 1 };
    let qos = match episode.random(6) < acknowledged {
        true => 1 + episode.random(2) as c_int,
        false => 0,
    };
    (TOPICS[episode.random(3) as usize], qos)
}

fn choose(episode: &Episode) -> Act {
    let acts: &[(Act, u32)] = match episode.settings.kind {
        Kind::OneThread => &ONE_THREAD,
        Kind::LoopThread => &LOOP_THREAD,
    };
    let mut lot = episode.random(acts.iter().map(|(_, weight)| weight).sum());
    for &(act, weight) in acts {
        match lot.checked_sub(weight) {
            // Most errors need a connection.
            None if episode.record().account().is_connected() || episode.random(5) > 0 => {
                return act;
            }
            None => return Act::ConnectAsync,
            Some(rest) => lot = rest,
        }
    }
    unreachable!("the lot is less than all weights");
}

/// The port of the broker, or one that refuses.
fn port(episode: &Episode) -> c_int {
    match episode.random(8) {
        0 => closed_port(),
        _ => episode.port,
    }
}

/// A port that is bound, and on which no process listens.
fn closed_port() -> c_int {
    static PORT: OnceLock<(Socket, u16)> = OnceLock::new();
    let (_, port) = PORT.get_or_init(|| {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(&any.into()).expect("a port");
        let address = socket.local_addr().expect("its address").as_socket();
        (socket, address.expect("an IP address").port())
    });
    c_int::from(*port)
}

fn is_to_free(episode: &Episode) -> bool {
    let record = episode.record();
    match (episode.settings.ending, episode.settings.kind) {
        (Ending::Inside(at), Kind::OneThread) => record.callbacks_begun >= at,
        // No other thread may be about to call the client.
        (Ending::Inside(_), Kind::LoopThread) => {
            record.may_free && record.calling == 0 && depth() == 1
        }
        _ => false,
    }
}

fn end(episode: &Arc<Episode>) {
    match (episode.settings.ending, episode.settings.kind) {
        (Ending::Abrupt, _) => {
            if calm_down(episode, |record| record.calling == 0) {
                episode.free();
            }
        }
        (Ending::Inside(_), Kind::LoopThread) if !hand_over(episode) => end_completely(episode),
        (Ending::Inside(_), Kind::LoopThread) => {
            episode.wait_for(CALLBACKS, |record| record.callbacks == 0);
        }
        _ => end_completely(episode),
    }
}

/// Leaves the end to a callback of the loop thread. Returns false if no callback has freed the
/// client.
fn hand_over(episode: &Episode) -> bool {
    episode.loop_start();
    episode.connect_async(episode.port);
    episode.publish(TOPICS[0], 0, 0);
    episode.record().may_free = true;
    episode.wait_for(Duration::from_millis(30), |record| {
        record.life == Life::FreedInside
    });
    let mut record = episode.record();
    record.may_free = false;
    let is_freed = record.life != Life::Alive;
    drop(record);
    is_freed && episode.wait_for(CALLBACKS, |record| record.life == Life::FreedInside)
}

/// Ends the connection, and waits for all reports.
fn end_completely(episode: &Arc<Episode>) {
    if episode.record().life != Life::Alive {
        return;
    }
    if episode.settings.kind == Kind::LoopThread {
        // Neither order loses a message.
        if episode.random(2) == 0 {
            episode.disconnect();
        }
        episode.loop_stop();
    }
    // A loop thread that one of its callbacks has stopped may still be in that callback.
    let is_quiet = |record: &Record| record.calling == 0 && record.callbacks == 0;
    if !calm_down(episode, is_quiet) {
        return;
    }
    if episode.settings.kind == Kind::LoopThread {
        // A callback may have started it again.
        episode.loop_stop();
    }
    episode.disconnect();
    if !run_until_told(episode) {
        episode.record().wrong("no end after disconnect", "");
    }
    let statistics = episode.statistics();
    episode.record().check_complete(&statistics);
    episode.free();
}

/// Stops all other calls, and waits. Returns false if the client cannot be called afterwards.
fn calm_down(episode: &Episode, condition: fn(&Record) -> bool) -> bool {
    episode.record().calm = true;
    let is_calm = episode.wait_for(CALLBACKS, condition);
    if !is_calm {
        episode
            .record()
            .wrong("a call or a callback does not return", "");
    }
    is_calm && episode.record().life == Life::Alive
}

/// Makes loop calls until some in succession have found no connection.
fn run_until_told(episode: &Episode) -> bool {
    let began = Instant::now();
    let mut quiet = 0;
    while quiet < 3 {
        match episode.run_loop(if quiet == 0 { 20 } else { 0 }) {
            NO_CONN => quiet += 1,
            _ => quiet = 0,
        }
        if began.elapsed() > END * slack() {
            return false;
        }
    }
    true
}
