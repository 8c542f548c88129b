//! A session against a model broker over a bad network, by chance. `PMQTT_SEED=17` runs one
//! seed again, which a failure names.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pmqtt::codec::{self, Buffer, Message, PacketId, QoS, Role, Version};
use pmqtt::session::{Event, Options, Outcome, Phase, PublishError, Session};
use pmqtt::time::Moment;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use support::broker::{self, Broker};
use support::pipe::Pipe;

const SEEDS: u64 = 800;
/// What is tried in each direction before the network becomes reliable.
const MESSAGES: usize = 40;

#[test]
fn whatever_happens_every_promise_is_kept() {
    let seeds = match std::env::var("PMQTT_SEED") {
        Ok(seed) => vec![seed.parse().expect("PMQTT_SEED is a number")],
        Err(_) => (0..SEEDS).collect(),
    };
    for seed in seeds {
        let _named = NameOnPanic(seed);
        let mut world = World::new(seed);
        while world.published.len() < MESSAGES || world.promised.len() < MESSAGES {
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

/// What a mid was given out for.
#[derive(Debug, PartialEq)]
enum Asked {
    Publish(QoS, u64),
    Subscribe,
    Unsubscribe,
}

struct World {
    rng: StdRng,
    now: Moment,
    session: Session,
    broker: Broker,
    /// When a lost connection is made again; None while there is one.
    down_until: Option<Moment>,
    /// The socket takes nothing until then.
    full_until: Moment,
    /// Taken from the session, and not written yet.
    unwritten: Vec<u8>,
    to_broker: Pipe,
    to_client: Pipe,
    input: Vec<u8>,
    /// Acknowledgements that the application owes.
    owed: Vec<(PacketId, QoS)>,
    pending: BTreeMap<u64, Asked>,
    last_number: u64,
    last_in_flight: usize,
    refused: bool,
    /// What the session has taken; what the broker took over, the broker knows.
    published: Vec<(QoS, u64)>,
    /// What the broker has taken, and what the session has handed over of it.
    promised: Vec<(QoS, u64)>,
    received: Vec<(QoS, u64)>,
}

impl World {
    fn new(seed: u64) -> World {
        let mut rng = StdRng::seed_from_u64(seed);
        let options = random_options(&mut rng);
        World {
            broker: Broker::new(options.version),
            session: Session::new(options),
            rng,
            now: Moment::origin() + Duration::from_secs(1),
            down_until: Some(Moment::origin()),
            full_until: Moment::origin(),
            unwritten: Vec::new(),
            to_broker: Pipe::default(),
            to_client: Pipe::default(),
            input: Vec::new(),
            owed: Vec::new(),
            pending: BTreeMap::new(),
            last_number: 0,
            last_in_flight: 0,
            refused: false,
            published: Vec::new(),
            promised: Vec::new(),
            received: Vec::new(),
        }
    }

    /// A moment passes: both sides do what they can.
    fn step(&mut self) {
        let moment = self.millis(20);
        self.now = self.now + moment;
        if self.down_until.is_some_and(|until| self.now >= until) {
            self.open();
        }
        if self.down_until.is_none() {
            self.run_broker();
            self.run_client();
        }
        self.check_window();
    }

    /// Something happens that nobody can foresee.
    fn disturb(&mut self) {
        match self.rng.random_range(0..100) {
            0..30 => self.publish(),
            30..50 => self.promise(),
            50..60 => self.acknowledge(),
            60..64 => self.subscribe(),
            64..67 => self.full_until = self.now + self.millis(300),
            67..70 => self.lose(),
            70..72 => {
                self.session.disconnect(self.now);
            }
            72..75 => {
                let window = self.rng.random_range(0..=4);
                self.session
                    .configure(self.now, |options| options.max_inflight = window);
            }
            _ => {}
        }
    }

    /// The network is reliable from here on, and all comes to its end.
    fn settle(&mut self) {
        for _ in 0..20_000 {
            self.step();
            self.acknowledge();
            if self.is_settled() {
                return;
            }
        }
        panic!("not settled: {:?} {:?}", self.session.phase(), self.pending);
    }

    fn is_settled(&self) -> bool {
        self.session.phase() == Phase::Connected
            && self.pending.is_empty()
            && self.session.unsettled() == 0
            && self.broker.is_settled()
            && self.unwritten.is_empty()
            && self.to_broker.is_empty()
            && self.to_client.is_empty()
    }

    fn open(&mut self) {
        self.down_until = None;
        self.broker.connection_began();
        self.session.open(self.now).expect("CONNECT fits");
    }

    /// The connection ends, and nobody knows how much of what was under way arrived.
    fn lose(&mut self) {
        if self.down_until.is_none() {
            let arrived = self.to_broker.cut(&mut self.rng);
            self.broker.receive(&arrived);
            let arrived = self.to_client.cut(&mut self.rng);
            self.client_receives(&arrived);
        }
        // Unless that has ended the connection by itself.
        if self.down_until.is_none() {
            self.end();
        }
    }

    fn end(&mut self) {
        self.session.close();
        self.broker.connection_ended();
        for pipe in [&mut self.to_broker, &mut self.to_client] {
            *pipe = Pipe::default();
        }
        self.unwritten.clear();
        self.input.clear();
        self.drain_outcomes();
        self.down_until = Some(self.now + self.millis(100));
    }

    fn run_broker(&mut self) {
        while let Some(bytes) = self.to_broker.arrived(self.now) {
            self.broker.receive(&bytes);
        }
        if self.broker.is_asked() && self.rng.random_ratio(1, 4) {
            self.broker.accept();
        }
        let output = std::mem::take(&mut self.broker.output).to_vec();
        let arrival = self.now + self.millis(50);
        self.to_client.send(arrival, output);
    }

    /// As a driver does it: read, then write, then look at the clock.
    fn run_client(&mut self) {
        while let Some(bytes) = self.to_client.arrived(self.now) {
            self.client_receives(&bytes);
        }
        if self.down_until.is_some() {
            return;
        }
        self.write();
        self.session
            .handle_timeout(self.now)
            .expect("the peer is well");
        self.write();
        self.drain_outcomes();
        if self.session.is_finished() {
            let rest = self.to_broker.all();
            self.broker.receive(&rest);
            self.end();
        }
    }

    fn write(&mut self) {
        if self.unwritten.is_empty() {
            self.unwritten = self.output();
        }
        let all = self.unwritten.len();
        if all == 0 {
            return;
        }
        let count = match self.now < self.full_until {
            true => 0,
            false if self.rng.random_ratio(1, 3) => self.rng.random_range(0..=all),
            false => all,
        };
        let arrival = self.now + self.millis(50);
        let bytes = self.unwritten.drain(..count).collect();
        self.to_broker.send(arrival, bytes);
        self.session.written(count, count < all, self.now);
    }

    fn client_receives(&mut self, bytes: &[u8]) {
        self.session.received(self.now);
        self.input.extend_from_slice(bytes);
        while self.down_until.is_none()
            && let Some(header) = codec::header(&self.input, Role::Client, self.broker.version)
                .expect("a well-formed header")
            && header.end <= self.input.len()
        {
            let mut packet: Vec<u8> = self.input.drain(..header.end).collect();
            let packet = codec::decode(&mut packet, &header, self.broker.version);
            let packet = packet.expect("well-formed");
            let event = self.session.handle(&packet, self.now);
            self.on_event(event.expect("no failure"));
        }
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Message {
                publish,
                manual_ack,
            } => {
                let number = broker::number(publish);
                self.received.push((publish.qos, number));
                match publish.packet_id {
                    None => {}
                    Some(id) if manual_ack => self.owed.push((id, publish.qos)),
                    Some(_) if self.rng.random_ratio(1, 50) => self.end(),
                    Some(id) => self.session.delivered(id, publish.qos, self.now),
                }
            }
            Event::Published { mid } => match self.pending.remove(&mid) {
                Some(Asked::Publish(QoS::AtLeastOnce | QoS::ExactlyOnce, number)) => {
                    self.broker.settled(number);
                }
                other => panic!("published {mid}: {other:?}"),
            },
            Event::Subscribed { mid, granted } => {
                assert_eq!(granted, [1]);
                self.finish(mid, Asked::Subscribe);
            }
            Event::Unsubscribed { mid } => self.finish(mid, Asked::Unsubscribe),
            Event::ConnAck(_) => self.session.announced(self.now),
            Event::None | Event::Unexpected(_) => {}
        }
    }

    fn drain_outcomes(&mut self) {
        while let Some(outcome) = self.session.next_outcome() {
            match outcome {
                Outcome::Written { mid } | Outcome::Lost { mid } => {
                    let asked = self.pending.remove(&mid);
                    let expected = matches!(asked, Some(Asked::Publish(QoS::AtMostOnce, _)));
                    assert!(expected, "{outcome:?}: {asked:?}");
                }
                Outcome::SubscribeLost { mid } => self.finish(mid, Asked::Subscribe),
                Outcome::UnsubscribeLost { mid } => self.finish(mid, Asked::Unsubscribe),
                Outcome::Writable => assert!(std::mem::take(&mut self.refused)),
            }
        }
    }

    fn finish(&mut self, mid: u64, expected: Asked) {
        assert_eq!(self.pending.remove(&mid), Some(expected));
    }

    fn publish(&mut self) {
        let (qos, number) = self.next_message();
        let payload = number.to_be_bytes();
        let message = Message {
            topic: b"out",
            payload: &payload,
            qos,
            retain: false,
        }
        .check()
        .expect("PUBLISH fits");
        let mid = match self.session.publish(&message, || self.now) {
            Err(PublishError::QueueFull) => return self.refused = true,
            Err(PublishError::NotConnected { .. }) if qos == QoS::AtMostOnce => return,
            Ok(mid) | Err(PublishError::NotConnected { mid }) => mid,
        };
        self.published.push((qos, number));
        let known = self.pending.insert(mid, Asked::Publish(qos, number));
        assert_eq!(known, None);
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
                self.session.subscribe(&[("in", QoS::AtLeastOnce)]),
            ),
            false => (Asked::Unsubscribe, self.session.unsubscribe(&["in"])),
        };
        if let Ok(mid) = mid {
            assert_eq!(self.pending.insert(mid, asked), None);
        }
    }

    /// The application acknowledges something, in whichever order.
    fn acknowledge(&mut self) {
        if !self.owed.is_empty() {
            let index = self.rng.random_range(0..self.owed.len());
            let (id, qos) = self.owed.swap_remove(index);
            self.session.acknowledge_manually(id, qos, self.now);
        }
    }

    fn check_window(&mut self) {
        let in_flight = self.session.in_flight();
        let window = match self.session.options().max_inflight {
            0 => usize::MAX,
            window => window,
        };
        assert!(in_flight <= window.max(self.last_in_flight));
        assert!(self.broker.unanswered() <= in_flight);
        self.last_in_flight = in_flight;
    }

    fn check(&self) {
        let durable = !self.session.options().clean_session;
        check_delivery(&self.published, &self.broker.taken, true, durable);
        // With a clean session the broker forgets what it could not deliver.
        check_delivery(&self.promised, &self.received, durable, true);
        assert_eq!(self.session.queued_bytes(), 0);
        assert_eq!((self.session.in_flight(), self.session.queued()), (0, 0));
    }

    /// Nothing wakes the session but keep alive, which sends nothing but PINGREQ.
    fn check_idle(&mut self) {
        if self.session.options().keep_alive == 0 {
            return assert_eq!(self.session.poll_timeout(), None);
        }
        for _ in 0..5 {
            self.now = self.session.poll_timeout().expect("a ping is due");
            self.session.handle_timeout(self.now).expect("no failure");
            assert_eq!(self.output(), [0xc0, 0]);
            self.session.written(2, false, self.now);
            self.client_receives(&[0xd0, 0]);
        }
    }

    /// What the session has for the socket.
    fn output(&mut self) -> Vec<u8> {
        let mut output = Buffer::default();
        self.session.take_output(&mut output);
        output.to_vec()
    }

    /// Up to `most` milliseconds.
    fn millis(&mut self, most: u64) -> Duration {
        Duration::from_millis(self.rng.random_range(0..=most))
    }
}

fn random_options(rng: &mut StdRng) -> Options {
    Options {
        version: pick(rng, &[Version::V31, Version::V311]),
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

/// Whether what was sent arrived as its QoS says, and in its order; `all`: nothing of QoS 1
/// and 2 may be missing; `once`: nothing of QoS 2 may be there twice.
fn check_delivery(sent: &[(QoS, u64)], arrived: &[(QoS, u64)], all: bool, once: bool) {
    for qos in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
        let numbers = |list: &[(QoS, u64)]| -> Vec<u64> {
            let of_qos = list.iter().filter(|(other, _)| *other == qos);
            of_qos.map(|&(_, number)| number).collect()
        };
        let (sent, arrived) = (numbers(sent), numbers(arrived));
        let mut seen = BTreeSet::new();
        let first: Vec<u64> = arrived
            .iter()
            .copied()
            .filter(|&it| seen.insert(it))
            .collect();
        assert!(first.is_sorted(), "{qos:?} out of order: {arrived:?}");
        assert!(first.iter().all(|number| sent.contains(number)));
        if all && qos != QoS::AtMostOnce {
            assert_eq!(first, sent, "{qos:?} lost");
        }
        if qos == QoS::AtMostOnce || once && qos == QoS::ExactlyOnce {
            assert_eq!(first, arrived, "{qos:?} twice");
        }
    }
}

fn pick<T: Copy>(rng: &mut StdRng, choices: &[T]) -> T {
    *choices.choose(rng).expect("there is a choice")
}
