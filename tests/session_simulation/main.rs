//! A random simulation of a session and a model broker over a bad network. The session is called as
//! the driver of the client calls it. A failure names its seed; `PMQTT_SEED=17` runs it again.

mod account;
mod connection;
mod driver;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use account::{Account, Asked, check_delivery};
use connection::Connection;
use driver::Closing;
use pmqtt::codec::{Message, Properties, PropertyList, QoS, Version, property, reason};
use pmqtt::session::{
    Cancel, CleanStart, ConnectOptions, Gather, Options, Phase, QueueOptions, Sent, Session,
    WhenFull,
};
use pmqtt::time::Moment;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use support::broker::Broker;

const SEEDS: u64 = 1200;
/// How many messages are published in each direction before the network becomes reliable.
const MESSAGES: usize = 40;
/// The application refuses messages with this reason.
const REFUSAL: u8 = 0x83;

#[test]
fn whatever_happens_every_promise_is_kept() {
    let seeds = match std::env::var("PMQTT_SEED") {
        Ok(seed) => vec![seed.parse().expect("PMQTT_SEED is a number")],
        Err(_) => (0..SEEDS).collect(),
    };
    for seed in seeds {
        let _named = NameOnPanic(seed);
        let mut world = World::new(seed);
        while world.account.published.len() < MESSAGES || world.promised.len() < MESSAGES {
            world.step();
            world.disturb();
        }
        world.settle();
        world.check();
        world.check_idle();
    }
}

struct NameOnPanic(u64);

impl Drop for NameOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("again: PMQTT_SEED={}", self.0);
        }
    }
}

struct World {
    rng: StdRng,
    now: Moment,
    session: Session,
    account: Account,
    broker: Broker,
    /// The connection of the driver, also after the program has replaced it.
    connection: Option<Connection>,
    closing: Option<Closing>,
    /// The program has replaced the connection, and the driver has not noticed that.
    superseded: bool,
    /// The acknowledgements of messages that were being delivered during the replacement.
    late: Vec<String>,
    /// When the next connection is made, if there is none.
    next_at: Moment,
    /// The sockets take nothing until then.
    full_until: Moment,
    /// No more disturbances: everything comes to its end.
    calm: bool,
    /// The broker has sent DISCONNECT.
    is_dismissed: bool,
    /// Acknowledgements that the application owes: mid, QoS and number of the message.
    owed: Vec<(u64, QoS, u64)>,
    /// Messages that the application has refused. The broker sends one again if it has not heard of that.
    refused: BTreeSet<u64>,
    last_number: u64,
    last_in_flight: usize,
    /// The messages that the broker has accepted, and those of them that the session has delivered.
    /// For
    /// the other direction, `account` and `broker` have them.
    promised: Vec<(QoS, u64)>,
    received: Vec<(QoS, u64)>,
}

impl World {
    fn new(seed: u64) -> World {
        let mut rng = StdRng::seed_from_u64(seed);
        let options = random_options(&mut rng);
        let version = options.version;
        let mut session = Session::new(options);
        session.set_queue_options(random_queue_options(&mut rng));
        if version.rules().is_extended {
            session.set_connect_options(random_connect_options(&mut rng));
        }
        World {
            broker: Broker::new(version, seed),
            session,
            account: Account::default(),
            rng,
            now: Moment::origin() + Duration::from_secs(1),
            connection: None,
            closing: None,
            superseded: false,
            late: Vec::new(),
            next_at: Moment::origin(),
            full_until: Moment::origin(),
            calm: false,
            is_dismissed: false,
            owed: Vec::new(),
            refused: BTreeSet::new(),
            last_number: 0,
            last_in_flight: 0,
            promised: Vec::new(),
            received: Vec::new(),
        }
    }

    /// A moment passes: both sides do all their work.
    fn step(&mut self) {
        let moment = self.millis(20);
        self.now = self.now + moment;
        self.run_broker();
        self.pass();
        self.check_window();
    }

    /// A random disturbance.
    fn disturb(&mut self) {
        match self.rng.random_range(0..100) {
            0..30 => self.publish(),
            30..50 => self.promise(),
            50..60 => self.acknowledge(),
            60..64 => self.subscribe(),
            64..67 => self.full_until = self.now + self.millis(300),
            67..70 => self.lose(),
            70..72 => self.disconnect(),
            72..75 => self.configure(),
            75..77 => self.reconnect(),
            78 => self.cancel(),
            79 => {
                self.broker.dismiss();
            }
            77 => {
                let options = random_queue_options(&mut self.rng);
                self.session.set_queue_options(options);
            }
            _ => {}
        }
    }

    /// A callback of the program, which may do anything. Returns true if it did more than publish.
    fn call_back(&mut self) -> bool {
        if self.calm {
            return false;
        }
        match self.rng.random_range(0..100) {
            0..10 => {
                self.publish();
                return false;
            }
            10..12 => self.subscribe(),
            12..14 => self.acknowledge(),
            14..16 => self.configure(),
            16..18 => self.disconnect(),
            18..21 => self.reconnect(),
            _ => return false,
        }
        true
    }

    /// Another thread of the program, during a write to a socket.
    fn interrupt(&mut self) {
        if !self.calm && self.rng.random_ratio(1, 20) {
            self.reconnect();
        }
    }

    /// Replaces the connection, mostly after a disconnect.
    fn reconnect(&mut self) {
        if self.rng.random_ratio(3, 4) {
            self.disconnect();
        }
        self.connect_anew();
    }

    fn disconnect(&mut self) {
        let why = properties(&mut self.rng);
        self.session
            .disconnect_with(reason::SUCCESS, why.get(), self.now);
    }

    fn configure(&mut self) {
        self.check_window();
        let (window, manual_ack) = (self.rng.random_range(0..=4), self.rng.random());
        self.session.configure(self.now, |options| {
            options.max_inflight = window;
            options.manual_ack = manual_ack;
        });
    }

    /// From here on, the network is reliable, and everything comes to its end.
    fn settle(&mut self) {
        self.calm = true;
        for _ in 0..20_000 {
            self.step();
            self.acknowledge();
            if self.is_settled() {
                return;
            }
        }
        panic!("not settled: {:?}", self.session.phase());
    }

    fn is_settled(&self) -> bool {
        let is_quiet = |connection: &Connection| {
            connection.unwritten.is_empty()
                && connection.to_broker.is_empty()
                && connection.to_client.is_empty()
        };
        self.session.phase() == Phase::Connected
            && self.account.is_settled()
            && self.session.unsettled() == 0
            && self.session.in_flight() == 0
            && self.broker.is_settled()
            && self.closing.is_none()
            && self.connection.as_ref().is_some_and(is_quiet)
    }

    /// The connection breaks. A random part of the bytes on their way arrives.
    fn lose(&mut self) {
        if !self.is_present() {
            return;
        }
        if let Some(connection) = &mut self.connection {
            let arrived = connection.to_client.cut(&mut self.rng);
            self.receive(&arrived);
        }
        // A callback may have replaced the connection.
        if self.is_present()
            && let Some(connection) = &mut self.connection
        {
            let arrived = connection.to_broker.cut(&mut self.rng);
            self.broker.receive(&arrived);
            self.end();
        }
    }

    fn run_broker(&mut self) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        while let Some(bytes) = connection.to_broker.arrived(self.now) {
            self.broker.receive(&bytes);
        }
        if self.broker.is_asked() && self.rng.random_ratio(1, 4) {
            self.broker.accept();
        }
        self.broker.answer(self.calm);
        let output = std::mem::take(&mut self.broker.output).to_vec();
        let delay = Duration::from_millis(self.rng.random_range(0..=50));
        connection.to_client.send(self.now + delay, output);
    }

    /// How many of `all` bytes a socket takes.
    fn room_for(&mut self, all: usize) -> usize {
        match self.now < self.full_until {
            true => 0,
            false if self.rng.random_ratio(1, 3) => self.rng.random_range(0..=all),
            false => all,
        }
    }

    fn publish(&mut self) {
        let (qos, number) = self.next_message();
        let is_extended = self.broker.version.rules().is_extended;
        // Large messages are not copied to the output.
        let filling = if self.rng.random_ratio(1, 16) {
            4100
        } else {
            0
        };
        let mut payload = number.to_be_bytes().to_vec();
        payload.resize(payload.len() + filling, number as u8);
        let topics: [&[u8]; 3] = [b"out", b"out/2", b"out/long"];
        let message = Message {
            topic: pick(&mut self.rng, &topics),
            payload: &payload,
            qos,
            retain: self.rng.random_ratio(1, 8),
            properties: is_extended.then_some(Properties::NONE),
        }
        .check()
        .expect("PUBLISH fits");
        let answer = match self.rng.random_ratio(1, 3) {
            true => {
                let until = self.now + self.millis(400);
                self.account.limit(number, until);
                self.session.publish_until(&message, until, self.now)
            }
            false => self.session.publish(&message, || self.now),
        };
        self.account.publish(qos, number, answer);
    }

    /// The application cancels one of its messages, or all that were never sent.
    fn cancel(&mut self) {
        if self.rng.random_ratio(1, 4) {
            return self.session.clear_queue();
        }
        let messages: Vec<_> = self.account.messages().collect();
        if let Some(&(mid, qos, number)) = messages.choose(&mut self.rng) {
            let cancel = self.session.cancel(mid);
            if cancel == Cancel::Done {
                self.broker.cancelled.insert(number);
                // It cannot be cancelled a second time.
                assert_eq!(self.session.cancel(mid), Cancel::NotFound);
            }
            assert!(cancel != Cancel::Busy || qos == QoS::ExactlyOnce);
        }
    }

    fn promise(&mut self) {
        let (qos, number) = self.next_message();
        if self.broker.publish(qos, number) {
            self.promised.push((qos, number));
        }
    }

    fn next_message(&mut self) -> (QoS, u64) {
        self.last_number += 1;
        let all = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce];
        (pick(&mut self.rng, &all), self.last_number)
    }

    fn subscribe(&mut self) {
        let (asked, mid) = match self.rng.random() {
            true => (
                Asked::Subscribe,
                self.session
                    .subscribe(&[("in", QoS::AtLeastOnce.into())], Properties::NONE),
            ),
            false => (
                Asked::Unsubscribe,
                self.session.unsubscribe(&["in"], Properties::NONE),
            ),
        };
        if let Ok(mid) = mid {
            self.account.asked(mid, asked);
        }
    }

    /// The application acknowledges a random message.
    fn acknowledge(&mut self) {
        if !self.owed.is_empty() {
            let index = self.rng.random_range(0..self.owed.len());
            let (mid, qos, number) = self.owed.swap_remove(index);
            let reason = match self.broker.version.rules().is_extended {
                true => pick(&mut self.rng, &[reason::SUCCESS, reason::SUCCESS, REFUSAL]),
                false => reason::SUCCESS,
            };
            let why = match self.broker.version.rules().is_extended {
                true => properties(&mut self.rng),
                false => PropertyList::default(),
            };
            let session = &mut self.session;
            let is_due = session.acknowledge_manually(mid, qos, reason, why.get(), self.now);
            if is_due && reason >= reason::FAILURE {
                self.refused.insert(number);
            }
        }
    }

    fn check_window(&mut self) {
        let in_flight = self.session.in_flight();
        let window = match self.session.options().max_inflight {
            0 => usize::MAX,
            window => window.into(),
        };
        assert!(in_flight <= window.max(self.last_in_flight));
        assert!(!self.is_present() || self.broker.unanswered() <= in_flight);
        self.last_in_flight = in_flight;
    }

    fn check(&self) {
        let durable = !self.session.options().clean_session;
        let mut taken = self.broker.taken.clone();
        assert!(
            taken
                .iter()
                .all(|(_, number)| !self.account.is_unsent(*number))
        );
        // A cancelled message may have arrived or not.
        taken.retain(|(_, number)| !self.account.has_failed(*number));
        let mut seen = BTreeSet::new();
        taken.retain(|(_, number)| seen.insert(*number) || !self.broker.renewed.contains(number));
        check_delivery(&self.account.due(), &taken, true, durable);
        // The broker loses messages that it could not deliver with its session.
        let is_lost = |number: &u64| self.broker.lost.contains(number);
        let (mut promised, mut received) = (self.promised.clone(), self.received.clone());
        promised.retain(|(_, number)| !is_lost(number));
        let mut seen = BTreeSet::new();
        received.retain(|(_, number)| {
            !is_lost(number) && (seen.insert(*number) || !self.refused.contains(number))
        });
        check_delivery(&promised, &received, true, true);
        assert_eq!(self.session.queued_bytes(), 0);
        assert_eq!((self.session.in_flight(), self.session.queued()), (0, 0));
        assert_eq!(self.session.expired(), self.account.expired);
    }

    /// Only keep alive wakes the session, and it sends only PINGREQ.
    fn check_idle(&mut self) {
        assert_eq!(self.session.expiry_due(), None);
        let negotiated = self.session.negotiated().map(|with| with.keep_alive);
        if negotiated.unwrap_or(self.session.options().keep_alive) == 0 {
            return assert_eq!(self.session.poll_timeout(), None);
        }
        for _ in 0..5 {
            self.now = self.session.poll_timeout().expect("a ping is due");
            self.session
                .handle_timeout(self.now, Sent::default)
                .expect("no failure");
            assert_eq!(self.output(), [0xc0, 0]);
            self.session.written(2, self.now);
            self.receive(&[0xd0, 0]);
        }
    }

    /// Takes the bytes that are ready for the socket.
    fn output(&mut self) -> Vec<u8> {
        let mut output = Gather::default();
        self.session.take_output(&mut output);
        output.to_row().to_vec()
    }

    /// A random time of up to `most` milliseconds.
    fn millis(&mut self, most: u64) -> Duration {
        Duration::from_millis(self.rng.random_range(0..=most))
    }
}

fn random_options(rng: &mut StdRng) -> Options {
    Options {
        version: pick(rng, &[Version::V31, Version::V311, Version::V5]),
        clean_session: rng.random(),
        keep_alive: rng.random_range(0..=2),
        max_inflight: rng.random_range(0..=4),
        max_queued_messages: pick(rng, &[0, 3, 10]),
        max_queued_bytes: pick(rng, &[0, 50, 200]),
        retry_ms: pick(rng, &[0, 60, 500]),
        manual_ack: rng.random(),
        ..support::options()
    }
}

fn random_connect_options(rng: &mut StdRng) -> ConnectOptions {
    let choices = [
        CleanStart::Default,
        CleanStart::First,
        CleanStart::Never,
        CleanStart::Always,
    ];
    ConnectOptions {
        clean_start: pick(rng, &choices),
        session_expiry: pick(rng, &[None, Some(0), Some(100)]),
        receive_maximum: pick(rng, &[0, 1, 3]),
        ..ConnectOptions::default()
    }
}

/// In half of the cases, there are none.
fn properties(rng: &mut StdRng) -> PropertyList {
    let mut list = PropertyList::default();
    if rng.random() {
        list.bytes(property::REASON_STRING, b"because")
            .expect("it fits");
    }
    list
}

/// In half of the cases, the defaults.
fn random_queue_options(rng: &mut StdRng) -> QueueOptions {
    let choices = [WhenFull::Refuse, WhenFull::DropOldest, WhenFull::DropQos0];
    match rng.random() {
        true => QueueOptions::default(),
        false => QueueOptions {
            when_full: pick(rng, &choices),
            newest_only: rng.random(),
            keep_qos0: rng.random(),
        },
    }
}

fn pick<T: Copy>(rng: &mut StdRng, choices: &[T]) -> T {
    *choices.choose(rng).expect("there is a choice")
}
