//! When to send PINGREQ, and when the peer is lost (section 3.1.2.10).
//!
//! The peer has one interval to answer. It begins when the peer's TCP has PINGREQ; on a slow link,
//! this may be long after the socket took it. Until then, each byte that the peer's TCP
//! acknowledges is a sign of life. After that, only bytes from the peer are. So the client detects
//! a peer that has stopped although its kernel goes on. It does not take a slow link for a dead
//! one.

use std::time::Duration;

use super::output::Output;
use super::sent::Sent;
use crate::time::Moment;

/// While PINGREQ waits behind other bytes, the client checks their progress this many times in an
/// interval.
const LOOKS: u32 = 4;
/// How long a peer may take nothing while it is not read, if there is no keep alive interval.
const STALLED: Duration = Duration::from_secs(60);

#[derive(Default)]
pub struct KeepAlive {
    /// Seconds; 0: no keep alive.
    interval: u16,
    /// How many PINGREQ of this connection have no answer.
    unanswered: u16,
    last_in: Moment,
    last_out: Moment,
    /// The PINGREQ that is under way, which is seldom the case.
    ping: Option<Box<Ping>>,
    /// Microseconds; 0 before the first PINGRESP.
    round_trip: u32,
}

struct Ping {
    /// The end of PINGREQ in the output.
    position: u64,
    queued_at: Moment,
    /// The round trip begins when the socket has PINGREQ.
    written_at: Option<Moment>,
    place: Place,
}

/// Where PINGREQ is.
enum Place {
    /// Behind bytes that the peer's TCP has not acknowledged.
    Behind(Look),
    /// With the peer's TCP, since this moment at the latest.
    Arrived(Moment),
}

/// The progress of the bytes before PINGREQ, as seen last.
struct Look {
    at: Moment,
    acked: u64,
    /// When `acked` last grew.
    progress_at: Moment,
    /// PINGREQ has arrived when this many bytes are acknowledged. None until the socket has it.
    end: Option<u64>,
}

impl KeepAlive {
    pub fn start(&mut self, seconds: u16, now: Moment) {
        *self = KeepAlive {
            interval: seconds,
            unanswered: 0,
            last_in: now,
            last_out: now,
            ping: None,
            round_trip: self.round_trip,
        };
    }

    /// The broker has chosen another interval.
    pub fn set_interval(&mut self, seconds: u16) {
        self.interval = seconds;
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
            if let Place::Arrived(at) = &mut ping.place {
                *at = now;
            }
        }
    }

    /// PINGREQ is the last packet in the output. `alone`: the peer has all bytes before it. The
    /// first PINGREQ without an answer counts.
    pub fn ping_sent(&mut self, output: &Output, alone: bool, sent: Sent, now: Moment) {
        self.unanswered = self.unanswered.saturating_add(1);
        let ping = self.ping.get_or_insert_with(|| {
            Box::new(Ping {
                position: output.position(),
                queued_at: now,
                written_at: None,
                place: match alone {
                    true => Place::Arrived(now),
                    false => Place::Behind(Look {
                        at: now,
                        acked: way(output, sent).1,
                        progress_at: now,
                        end: None,
                    }),
                },
            })
        });
        ping.queued_at = now;
    }

    /// Returns false if there was no PINGREQ without an answer.
    pub fn pong(&mut self, now: Moment) -> bool {
        if let Some(at) = self.ping.take().and_then(|ping| ping.written_at) {
            let micros = now.since(at).as_micros().max(1);
            self.round_trip = micros.try_into().unwrap_or(u32::MAX);
        }
        let was_asked = self.unanswered > 0;
        self.unanswered = self.unanswered.saturating_sub(1);
        was_asked
    }

    /// How many PINGRESP are missing until the last PINGREQ is answered.
    pub fn unanswered(&self) -> u16 {
        self.unanswered
    }

    /// When PINGREQ is due: either direction was silent for the interval. While an answer is on its
    /// way behind other packets, the peer still needs to hear from the client.
    pub fn ping_due(&self) -> Option<Moment> {
        let silent_since = match &self.ping {
            None => self.last_in.min(self.last_out),
            Some(ping) => ping.queued_at.max(self.last_out),
        };
        Some(silent_since + self.interval()?)
    }

    /// When to call `is_lost`.
    pub fn look_due(&self) -> Option<Moment> {
        let (interval, ping) = (self.interval()?, self.ping.as_ref()?);
        let verdict = ping.last_sign().max(self.last_in) + interval;
        Some(match &ping.place {
            Place::Behind(look) => verdict.min(look.at + interval / LOOKS),
            Place::Arrived(_) => verdict,
        })
    }

    /// Whether the peer has shown no sign of life for the interval, although PINGREQ asked for one.
    /// Anything that it sends is a sign.
    pub fn is_lost(&mut self, output: &Output, sent: Sent, now: Moment) -> bool {
        let interval = self.interval();
        let (Some(interval), Some(ping)) = (interval, &mut self.ping) else {
            return false;
        };
        ping.look(output, sent, interval / LOOKS, now);
        now >= ping.last_sign().max(self.last_in) + interval
    }

    /// When a peer that is not read, because it takes no answers, has taken nothing for too long.
    pub fn stalled(&self) -> Moment {
        self.last_in.max(self.last_out) + self.interval().unwrap_or(STALLED)
    }

    /// The time from the last PINGREQ to its answer.
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

impl Ping {
    /// The peer's last sign of life, apart from the bytes that it sends.
    fn last_sign(&self) -> Moment {
        match &self.place {
            Place::Behind(look) => look.progress_at,
            Place::Arrived(at) => *at,
        }
    }

    /// Checks the progress of the bytes before PINGREQ. `pause`: the time between two checks.
    fn look(&mut self, output: &Output, sent: Sent, pause: Duration, now: Moment) {
        let Place::Behind(look) = &mut self.place else {
            return;
        };
        let (written, acked) = way(output, sent);
        if look.end.is_none() && output.is_written(self.position) {
            look.end = Some(written);
        }
        if look.end.is_some_and(|end| acked >= end) {
            // PINGREQ had not arrived at the last check. A late check must not cost the peer its
            // time.
            self.place = Place::Arrived(look.at.max(now - pause));
            return;
        }
        if acked > look.acked {
            look.acked = acked;
            look.progress_at = now;
        }
        look.at = now;
    }
}

/// How many bytes the socket has taken, and how many the peer's TCP has acknowledged.
fn way(output: &Output, sent: Sent) -> (u64, u64) {
    let own = output.position() - output.unwritten() as u64;
    let written = sent.written.unwrap_or(own);
    (written, written.saturating_sub(sent.unacked))
}
