//! When to send PINGREQ, and when to give the peer up (section 3.1.2.10).

use std::time::Duration;

use super::output::Output;
use crate::time::Moment;

#[derive(Default)]
pub struct KeepAlive {
    /// Seconds; 0 when the mechanism is off.
    interval: u16,
    last_in: Moment,
    last_out: Moment,
    /// One that is under way, which is seldom the case.
    ping: Option<Box<Ping>>,
    /// Microseconds; 0 before the first.
    round_trip: u32,
}

struct Ping {
    /// Where PINGREQ ends in the output.
    position: u64,
    queued_at: Moment,
    /// Time only runs for the peer once the request has left.
    written_at: Option<Moment>,
}

impl KeepAlive {
    pub fn start(&mut self, seconds: u16, now: Moment) {
        *self = KeepAlive {
            interval: seconds,
            last_in: now,
            last_out: now,
            ping: None,
            round_trip: self.round_trip,
        };
    }

    pub fn received(&mut self, now: Moment) {
        self.last_in = now;
    }

    pub fn written(&mut self, output: &Output, now: Moment) {
        self.last_out = now;
        if let Some(ping) = &mut self.ping
            && ping.written_at.is_none()
            && output.is_written(ping.position)
        {
            ping.written_at = Some(now);
        }
    }

    /// A PINGREQ that ends at `position` is on its way. The first without an answer counts.
    pub fn ping_sent(&mut self, position: u64, now: Moment) {
        let ping = self.ping.get_or_insert_with(|| {
            Box::new(Ping {
                position,
                queued_at: now,
                written_at: None,
            })
        });
        ping.queued_at = now;
    }

    pub fn pong(&mut self, now: Moment) {
        if let Some(at) = self.ping.take().and_then(|ping| ping.written_at) {
            let micros = now.since(at).as_micros().max(1);
            self.round_trip = micros.try_into().unwrap_or(u32::MAX);
        }
    }

    /// When a PINGREQ is due: either direction was silent for the interval. While an answer
    /// is on its way behind other packets, the peer has to hear from us all the same.
    pub fn ping_due(&self) -> Option<Moment> {
        let silent_since = match &self.ping {
            None => self.last_in.min(self.last_out),
            Some(ping) => ping.queued_at.max(self.last_out),
        };
        Some(silent_since + self.interval()?)
    }

    /// When an answer is overdue. Anything that the peer sends shows that it lives, and a
    /// request that still waits behind other bytes cannot have been answered; then the peer
    /// has to go on taking those.
    pub fn overdue(&self) -> Option<Moment> {
        let ping = self.ping.as_ref()?;
        let asked = ping.written_at.unwrap_or(ping.queued_at.max(self.last_out));
        Some(asked.max(self.last_in) + self.interval()?)
    }

    /// How long the last PINGREQ took to be answered.
    pub fn round_trip(&self) -> Option<Duration> {
        let micros = self.round_trip;
        (micros > 0).then(|| Duration::from_micros(micros.into()))
    }

    pub fn last_out(&self) -> Moment {
        self.last_out
    }

    fn interval(&self) -> Option<Duration> {
        (self.interval > 0).then(|| Duration::from_secs(self.interval.into()))
    }
}
