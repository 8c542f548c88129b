//! The work (see drivers/work.h), done with rumqttc's asynchronous client. One thread runs all, and the
//! same task polls and publishes, so that nothing is passed between tasks. Nagle's algorithm is on, as
//! is its default.

use std::env;
use std::time::Duration;

use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Outgoing, Packet, Publish, QoS};

const TOPIC: &str = "bench/topic";

#[derive(Clone)]
struct Work {
    kind: String,
    qos: QoS,
    count: usize,
    size: usize,
    port: u16,
    clients: usize,
    window: usize,
}

fn main() {
    let work = Work::from_arguments();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let tasks = tokio::task::LocalSet::new();
    let clients: Vec<_> = (0..work.clients)
        .map(|number| tasks.spawn_local(run(work.clone(), number)))
        .collect();
    tasks.block_on(&runtime, async {
        for client in clients {
            client.await.unwrap();
        }
    });
}

impl Work {
    fn from_arguments() -> Self {
        let arguments: Vec<String> = env::args().collect();
        let number = |i: usize| {
            arguments
                .get(i)
                .map_or(1, |text| text.parse::<usize>().unwrap())
        };
        Self {
            kind: arguments[1].clone(),
            qos: rumqttc::qos(number(2) as u8).unwrap(),
            count: number(3),
            size: number(4),
            port: number(5) as u16,
            clients: number(6),
            window: if number(2) == 0 {
                (128_000 / number(4)).max(4)
            } else {
                20
            },
        }
    }

    fn publishes(&self) -> bool {
        self.kind == "publish" || self.kind == "idle"
    }

    fn connect(&self, number: usize) -> (AsyncClient, EventLoop) {
        let mut options = MqttOptions::new(format!("rumqttc-{number}"), "127.0.0.1", self.port);
        options.set_keep_alive(Duration::from_secs(60));
        options.set_inflight(20);
        options.set_max_packet_size(1 << 20, 1 << 20);
        AsyncClient::new(options, self.window)
    }
}

async fn run(work: Work, number: usize) {
    if work.kind == "connect" {
        for _ in 0..work.count {
            connect_and_disconnect(&work).await;
        }
        return;
    }
    let (client, mut events) = work.connect(number);
    let mut doer = Doer {
        work,
        client,
        number,
        published: 0,
        settled: 0,
        received: 0,
    };
    while let Ok(event) = events.poll().await {
        doer.handle(event);
    }
    assert!(doer.is_done(), "the connection has ended");
}

async fn connect_and_disconnect(work: &Work) {
    let (client, mut events) = work.connect(0);
    loop {
        match events.poll().await.expect("the connection has ended") {
            Event::Incoming(Packet::ConnAck(_)) => client.try_disconnect().unwrap(),
            Event::Outgoing(Outgoing::Disconnect) => return,
            _ => {}
        }
    }
}

struct Doer {
    work: Work,
    client: AsyncClient,
    number: usize,
    published: usize,
    settled: usize,
    received: usize,
}

impl Doer {
    fn is_done(&self) -> bool {
        self.settled == self.work.count || self.received == self.work.count
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Incoming(Packet::ConnAck(_)) if self.work.publishes() => self.publish_window(),
            Event::Incoming(Packet::ConnAck(_)) => {
                self.client.try_subscribe(TOPIC, self.work.qos).unwrap()
            }
            Event::Incoming(Packet::PubAck(_) | Packet::PubComp(_)) => self.settle(),
            Event::Outgoing(Outgoing::Publish(_))
                if self.work.publishes() && self.work.qos == QoS::AtMostOnce =>
            {
                self.settle();
            }
            Event::Incoming(Packet::Publish(message)) => self.receive(message),
            _ => {}
        }
    }

    fn publish_window(&mut self) {
        while self.published < self.work.count && self.published - self.settled < self.work.window {
            let payload = self.payload();
            self.client
                .try_publish(TOPIC, self.work.qos, false, payload)
                .unwrap();
            self.published += 1;
        }
    }

    fn payload(&self) -> Vec<u8> {
        let mut payload = vec![b'x'; self.work.size];
        payload[..4].copy_from_slice(&(self.number as u32).to_le_bytes());
        payload[4..8].copy_from_slice(&(self.published as u32).to_le_bytes());
        payload.copy_within(..8, self.work.size - 8);
        payload
    }

    fn settle(&mut self) {
        self.settled += 1;
        self.publish_window();
        if self.settled == self.work.count && self.work.kind == "publish" {
            self.client.try_disconnect().unwrap();
        }
    }

    fn receive(&mut self, message: Publish) {
        let last = self.received == self.work.count;
        let payload = &message.payload;
        let good = message.topic == TOPIC
            && message.qos == if last { QoS::AtMostOnce } else { self.work.qos }
            && payload.len() == self.work.size
            && payload[4..8] == (self.received as u32).to_le_bytes()
            && payload[..8] == payload[self.work.size - 8..];
        assert!(
            good,
            "message {} is not the one that was sent",
            self.received
        );
        if last {
            self.client.try_disconnect().unwrap();
            return;
        }
        self.received += 1;
        if self.work.kind == "echo" {
            self.client
                .try_publish(TOPIC, QoS::AtMostOnce, false, message.payload.to_vec())
                .unwrap();
        }
    }
}
