//! The MQTT state machine. Pure: time comes in as an argument (since an origin that the
//! caller keeps), packets come in decoded, bytes go out to a buffer.
//!
//! A session outlives its connections: `open` begins one, `close` ends it. The next connection
//! continues the handshakes that were not settled.

mod allowance;
mod answers;
mod arrivals;
mod at_most_once;
mod auth;
mod chunks;
mod connection;
mod early;
mod early_requests;
mod exchange;
mod expiry;
mod extended;
mod fall_back;
mod final_bytes;
mod gather;
mod give_up;
mod id_map;
mod incoming;
mod keep_alive;
mod limits;
pub mod outbound_aliases;
mod outgoing;
mod output;
mod packet_ids;
mod packets;
mod receive;
mod refused;
mod request;
mod resubscribe;
mod resume;
mod retry;
mod ruled;
mod send;
mod sent;
mod slot;
mod subscriptions;
mod superseded;
mod unfit;
mod waiting;

use std::collections::VecDeque;
use std::ffi::{CStr, CString};
use std::time::Duration;

use crate::codec::{
    Acknowledgement, Auth, ConnAck, Disconnect, PropertyList, Publish, QoS, SubAck, UnsubAck,
    Version,
};
use crate::time::Moment;
use extended::Extended;
use final_bytes::FinalBytes;
use incoming::Incoming;
use keep_alive::KeepAlive;
use outgoing::Outgoing;
use output::Output;
use packet_ids::PacketIds;
use retry::Retry;
use zeroize::Zeroizing;

pub use auth::AuthError;
pub use extended::{CleanStart, ConnectOptions, FOREVER, Negotiated};
pub use gather::Gather;
pub use give_up::Cancel;
pub use outgoing::Unanswered;
pub use request::{PublishError, RequestError};
pub use sent::Sent;
pub use waiting::{GivenUp, QueueOptions, WhenFull};

/// The options of a session. Fields that CONNECT carries take effect with the next `open`, the
/// others at once.
#[derive(Clone, Debug)]
pub struct Options {
    pub version: Version,
    /// A session of MQTT 5 goes on with MQTT 3.1.1, where the broker does not speak MQTT 5.
    pub falls_back: bool,
    pub client_id: CString,
    pub clean_session: bool,
    /// Seconds; 0 turns the mechanism off.
    pub keep_alive: u16,
    pub will: Option<Box<Will>>,
    pub credentials: Option<Box<Credentials>>,
    /// How long the broker may take to answer CONNECT, or to take DISCONNECT.
    pub handshake_timeout_ms: u32,
    /// Messages of QoS 1 and 2 in flight at once; 0: as many as there are identifiers.
    pub max_inflight: u16,
    /// Messages of QoS 1 and 2 that are not settled; 0: any number.
    pub max_queued_messages: usize,
    /// Bytes of messages that are not settled or not written; 0: any number.
    pub max_queued_bytes: usize,
    /// How long to wait for an answer before PINGREQ, and after PINGRESP before the packet is sent
    /// again; 0: never again on the same connection.
    pub retry_ms: u32,
    /// The application acknowledges what it receives.
    pub manual_ack: bool,
    /// Bytes of the largest packet that is received.
    pub max_packet_size: u32,
    /// The application's acknowledgements go out at once, not in the order of arrival.
    pub ack_at_once: bool,
}

#[derive(Clone, Debug)]
pub struct Will {
    pub topic: Vec<u8>,
    pub payload: Vec<u8>,
    pub qos: QoS,
    pub retain: bool,
    /// Empty before MQTT 5.
    pub properties: PropertyList,
}

/// Before MQTT 5, there is no password without a user name [MQTT311-3.1.2-22].
#[derive(Clone, Debug)]
pub struct Credentials {
    pub username: String,
    pub password: Option<Zeroizing<Vec<u8>>>,
}

/// What a packet from the broker means to the application. It is small, since each packet has one.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Nothing: the session has dealt with it.
    None,
    /// Tell the application, then call `announced` if the broker accepted.
    ConnAck(&'a ConnAck<'a>),
    /// CONNACK ends an exchange of AUTH. Tell the application; if it does not refuse, call `authenticated`, and
    /// continue as for `ConnAck`.
    Authenticated(&'a ConnAck<'a>),
    /// AUTH asks for an answer of the application.
    Challenged(&'a Auth<'a>),
    /// AUTH ends an exchange on the open connection. Tell the application; if it does not refuse, call
    /// `reauthenticated`.
    Reauthenticated(&'a Auth<'a>),
    /// The broker ends the connection, for this reason. Tell the application, then close.
    Dismissed(&'a Disconnect<'a>),
    /// Hand it over, then call `delivered` unless the application acknowledges by itself.
    Message {
        publish: &'a Publish<'a>,
        /// The number by which the application acknowledges it; 0 at QoS 0.
        mid: u64,
        manual_ack: bool,
    },
    Published {
        mid: u64,
    },
    /// The same, with a reason other than success, or with properties. From `reason::FAILURE` on, the
    /// broker has refused the message.
    Answered {
        mid: u64,
        answer: &'a Acknowledgement<'a>,
    },
    /// A QoS 2 message was answered with PUBACK, as if it were of QoS 1.
    Downgraded {
        mid: u64,
        /// On this connection.
        is_first: bool,
    },
    /// A QoS 2 message is done, but the broker lost the session while it had the message. It is
    /// unknown whether the broker has passed the message on.
    InDoubt {
        mid: u64,
    },
    Subscribed {
        mid: u64,
        suback: &'a SubAck<'a>,
    },
    Unsubscribed {
        mid: u64,
        unsuback: &'a UnsubAck<'a>,
    },
    /// An answer that nothing waits for; harmless, but worth a line in the log.
    Unexpected(&'static str),
}

/// An end of a request that no packet from the broker reports, or room in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The socket has taken a QoS 0 message.
    Written {
        mid: u64,
    },
    /// A QoS 0 message was lost with the connection.
    Lost {
        mid: u64,
    },
    SubscribeLost {
        mid: u64,
    },
    UnsubscribeLost {
        mid: u64,
    },
    /// Made before CONNACK, and the broker does not take it, for this reason of MQTT 5.
    SubscribeUnfit {
        mid: u64,
        reason: u8,
    },
    UnsubscribeUnfit {
        mid: u64,
        reason: u8,
    },
    /// The client has subscribed again, and filters were refused: `take_refused` has them.
    NotResubscribed,
    /// A message was given up, mostly one that was never sent.
    GivenUp {
        mid: u64,
        why: GivenUp,
    },
    /// There is room in the queue again for the publish that was refused last.
    Writable,
}

/// Why the connection has to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The broker broke the protocol. MQTT 5 has this reason for it.
    Violation(&'static str, u8),
    /// No CONNACK in time.
    NoConnAck,
    /// No AUTH in time, on the open connection.
    NoAuth,
    /// The application did not answer in time in an exchange of AUTH.
    NotAnswered,
    /// The application has refused in an exchange of AUTH. MQTT 5 has this reason for it.
    AuthFailed(u8),
    /// No answer to PINGREQ in time.
    KeepAlive,
    /// The peer took none of the answers to its packets in time.
    NoneTaken,
    /// The peer did not even take DISCONNECT in time.
    NotWritten,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Closed,
    /// CONNECT was sent, or waits for the application's data in an exchange of AUTH.
    Connecting {
        deadline: Moment,
        /// DISCONNECT follows the packets that wait for CONNACK.
        then_disconnect: bool,
    },
    Connected,
    /// DISCONNECT is on its way, and incoming packets are ignored.
    Disconnecting {
        deadline: Moment,
    },
}

pub struct Session {
    options: Options,
    /// The version of the present connection, or of the last one.
    version: Version,
    /// None before MQTT 5.
    extended: Option<Box<Extended>>,
    phase: Phase,
    /// The connection is being reported to the application. Queued messages wait until then.
    announcing: bool,
    /// The broker has answered a QoS 2 message with PUBACK on this connection.
    downgrades: bool,
    /// How many connections were begun, which is also the number of the present one.
    connection: u16,
    last_mid: u64,
    ids: PacketIds,
    output: Output,
    /// The final bytes of a connection that was replaced.
    last: Option<Box<FinalBytes>>,
    outgoing: Outgoing,
    incoming: Incoming,
    /// The application acknowledges, or there is an allowance: messages take the slower way.
    is_watched: bool,
    /// A message was handed over and is not `delivered` yet; a DISCONNECT waits for that.
    delivering: bool,
    keep_alive: KeepAlive,
    retry: Retry,
    /// Too many answers wait for the socket: nothing more is read.
    input_paused: bool,
    /// Rarely needed: most outcomes come with the end of a connection.
    outcomes: Option<Box<Outcomes>>,
}

/// Messages of QoS 1 and 2 are not copied to the output while this many bytes wait for the
/// socket. The queue keeps each message anyway.
const OUTPUT: usize = 256 * 1024;

type Outcomes = VecDeque<Outcome>;

impl Options {
    pub fn handshake_timeout(&self) -> Duration {
        Duration::from_millis(self.handshake_timeout_ms.into())
    }

    fn retry(&self) -> Duration {
        Duration::from_millis(self.retry_ms.into())
    }
}

impl Session {
    pub fn new(options: Options) -> Session {
        let is_extended = options.version.rules().is_extended;
        Session {
            outgoing: Outgoing::new(options.max_inflight.into()),
            version: options.version,
            extended: is_extended.then(|| Box::new(Extended::new())),
            is_watched: options.manual_ack,
            options,
            phase: Phase::Closed,
            announcing: false,
            downgrades: false,
            connection: 0,
            last_mid: 0,
            ids: PacketIds::default(),
            output: Output::default(),
            last: None,
            incoming: Incoming::default(),
            delivering: false,
            keep_alive: KeepAlive::default(),
            retry: Retry::default(),
            input_paused: false,
            outcomes: None,
        }
    }

    /// A new session in place of this one. It does not reuse the mids of received messages.
    pub fn successor(&self, options: Options) -> Session {
        Session {
            incoming: Incoming::after(&self.incoming),
            ..Session::new(options)
        }
    }

    /// Takes the client identifiers out, when the session ends: the given one, and the broker's choice.
    pub fn take_client_ids(&mut self) -> (CString, Option<CString>) {
        let assigned = self.extended.as_mut().and_then(|it| it.assigned_id.take());
        (std::mem::take(&mut self.options.client_id), assigned)
    }

    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Changes options; window, limits and retry time apply at once.
    pub fn configure(&mut self, now: Moment, change: impl FnOnce(&mut Options)) {
        change(&mut self.options);
        self.apply_options(now);
    }

    /// Whether messages take the slower way.
    fn watch(&mut self) {
        let extended = self.extended.as_ref();
        let has_allowance = extended.is_some_and(|extended| extended.allowance.is_some());
        self.is_watched = self.options.manual_ack || has_allowance;
    }

    fn apply_options(&mut self, now: Moment) {
        self.watch();
        self.outgoing.set_window(self.window());
        self.pump(now);
        if self.phase == Phase::Connected && self.may_resend() {
            self.set_retry_time(now);
        }
        self.announce_room();
    }

    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The number of the present connection, or of the last one.
    pub fn connection(&self) -> u16 {
        self.connection
    }

    /// When bytes were last written; before CONNACK, those of CONNECT.
    pub fn last_written(&self) -> Moment {
        self.keep_alive.last_out()
    }

    /// Whether the peer may send more; the caller asks before each read. All packets of a read are
    /// handled, so answers exceed their bound by at most those to one read.
    pub fn admits_input(&mut self) -> bool {
        self.input_paused |= self.output.answers.are_too_many();
        !self.input_paused
    }

    /// Whether nothing is read until the socket has taken more of the answers.
    pub fn is_input_paused(&self) -> bool {
        self.input_paused
    }

    /// Bytes are ready for the socket.
    pub fn has_output(&self) -> bool {
        self.output.has_ready()
    }

    /// Exchanges the bytes that are ready for the socket for an empty buffer.
    pub fn take_output(&mut self, empty: &mut Gather) {
        self.output.take(empty);
    }

    /// Connected, and nothing is under way in either direction.
    pub fn is_idle(&self) -> bool {
        self.phase == Phase::Connected
            && self.outgoing.unfinished() == 0
            && self.output.unwritten() == 0
            && self.incoming.is_empty()
    }

    pub fn has_outcomes(&self) -> bool {
        self.outcomes.is_some() || self.output.has_written() || self.outgoing.has_given_up()
    }

    /// The next QoS 0 message that the socket has taken, which is the most frequent outcome.
    #[inline(always)]
    pub fn next_written(&mut self) -> Option<u64> {
        let mid = self.output.pop_written();
        // The marks of all written messages are gone, so a refused publish may have room now.
        if mid.is_none() {
            self.announce_room();
        }
        mid
    }

    pub fn next_outcome(&mut self) -> Option<Outcome> {
        if let Some(mid) = self.next_written() {
            return Some(Outcome::Written { mid });
        }
        if let Some((mid, why)) = self.outgoing.next_given_up() {
            return Some(Outcome::GivenUp { mid, why });
        }
        let outcomes = self.outcomes.as_mut()?;
        let outcome = outcomes.pop_front();
        if outcomes.is_empty() {
            self.outcomes = None;
        }
        outcome
    }

    fn add_outcome(&mut self, outcome: Outcome) {
        self.outcomes.get_or_insert_default().push_back(outcome);
    }

    /// Acknowledgements of the application that wait for those of earlier messages.
    pub fn acks_held(&self) -> usize {
        self.incoming.held()
    }

    pub fn in_flight(&self) -> usize {
        self.outgoing.in_flight()
    }

    /// Messages that the broker has not settled, or that the socket has not taken, and requests
    /// without an answer.
    pub fn unsettled(&self) -> usize {
        let last = self.last.as_ref().map_or(0, |last| last.at_most_once());
        let untold = self.outgoing.unfinished() - self.outgoing.cancelled_unanswered();
        untold + self.output.at_most_once() + last + self.ids.requests()
    }

    /// Whether all accepted messages and requests are settled, and all outcomes reported.
    pub fn is_settled(&self) -> bool {
        self.unsettled() == 0 && !self.has_outcomes()
    }

    /// The last mid that was given out.
    pub fn last_mid(&self) -> u64 {
        self.last_mid
    }

    /// The oldest message that was sent on this connection and has no answer.
    pub fn oldest_unanswered(&self) -> Option<Unanswered<'_>> {
        self.outgoing.oldest_unanswered()
    }

    /// Whether the broker has taken a QoS 2 message whose handshake is not finished.
    pub fn has_released(&self) -> bool {
        self.outgoing.has_released()
    }

    /// Whether accepted packets or DISCONNECT are still to be written. Messages that wait for room
    /// in the window do not count: that room depends on the broker.
    pub fn has_unwritten(&self) -> bool {
        match self.phase {
            Phase::Closed => false,
            Phase::Disconnecting { .. } => true,
            Phase::Connected => {
                self.output.unwritten() > 0 || self.may_send() && self.outgoing.may_send()
            }
            Phase::Connecting {
                then_disconnect, ..
            } => {
                let waits = self.ids.requests() > 0 || self.queued() > 0;
                then_disconnect || self.output.unwritten() > 0 || waits
            }
        }
    }

    /// Messages that wait for room in the window or for a connection.
    pub fn queued(&self) -> usize {
        self.outgoing.unfinished() - self.outgoing.in_flight()
    }

    /// The bytes of messages that are not settled, and the bytes that the socket has not taken.
    #[inline(always)]
    pub fn queued_bytes(&self) -> usize {
        self.outgoing.bytes() + self.output.bytes()
    }

    /// Whether a long queue has become short: at least `least` bytes of it were freed since the
    /// last true answer.
    pub fn take_freed(&mut self, least: usize) -> bool {
        self.outgoing.take_freed(least)
    }

    /// Gives back unused memory.
    pub fn trim(&mut self) {
        self.ids.trim();
        self.output.trim();
        self.outgoing.trim();
        self.incoming.trim();
        if !self.awaits_answer() {
            self.retry.reset();
        }
    }

    pub fn ping_round_trip(&self) -> Option<Duration> {
        self.keep_alive.round_trip()
    }

    /// The version of the connection.
    #[inline(always)]
    pub fn version(&self) -> Version {
        self.version
    }

    /// How many messages may be in flight at once. [MQTT5-3.3.4-7]
    fn window(&self) -> usize {
        let own = self.options.max_inflight;
        let maximum = self.negotiated().map(|with| with.receive_maximum);
        match maximum {
            Some(maximum) if own == 0 || maximum < own => maximum.into(),
            _ => own.into(),
        }
    }

    /// Whether a packet without an answer is sent again on this connection.
    fn resends(&self) -> bool {
        self.options.retry_ms > 0 && self.may_resend()
    }

    /// Not in a session of MQTT 5, on a connection of any version: its messages may keep their time limit in place
    /// of the time at which they were sent.
    fn may_resend(&self) -> bool {
        self.version.rules().may_resend && self.extended.is_none()
    }

    /// What an acknowledgement says that has no reason code: success in MQTT 5 (section 3.4.2.1), nothing before.
    #[inline(always)]
    pub fn plain_reason(&self) -> i32 {
        match self.version {
            Version::V5 => 0,
            Version::V31 | Version::V311 => -1,
        }
    }

    /// Counts a message that the broker has refused, or does not take.
    pub fn count_rejected(&mut self) {
        if let Some(extended) = &mut self.extended {
            extended.rejected += 1;
        }
    }

    /// How many messages the broker has refused, or did not take.
    pub fn rejected(&self) -> u64 {
        self.extended
            .as_ref()
            .map_or(0, |extended| extended.rejected)
    }

    /// What both sides have agreed to; None before MQTT 5.
    pub fn negotiated(&self) -> Option<&Negotiated> {
        let is_extended = self.version.rules().is_extended;
        let extended = self.extended.as_ref().filter(|_| is_extended)?;
        Some(&extended.negotiated)
    }

    /// The most topic aliases that the broker may use on this connection.
    #[inline(always)]
    pub fn alias_maximum(&self) -> u16 {
        self.extended.as_ref().map_or(0, |it| it.aliases_in)
    }

    /// Whether the next CONNACK may bring response information or a client identifier for the first time.
    pub fn awaits_names(&self) -> bool {
        let extended = self.extended.as_ref();
        self.phase != Phase::Connected && extended.is_some_and(|it| it.awaits_names())
    }

    /// What both sides have agreed to, as far as the version can say it.
    pub fn agreed(&self) -> Negotiated {
        let expiry = if self.was_clean() { 0 } else { FOREVER };
        match self.negotiated() {
            Some(negotiated) => negotiated.clone(),
            None => Negotiated {
                has_subscription_ids: false,
                ..Negotiated::unstated(self.options.keep_alive, expiry)
            },
        }
    }

    /// The client identifier: the broker's choice, if the broker chooses and has chosen, or else the given one.
    pub fn client_id(&self) -> &CStr {
        let assigned = self.extended.as_ref().and_then(|it| it.assigned_id());
        let assigned = assigned.filter(|id| !id.is_empty());
        assigned.unwrap_or(&self.options.client_id)
    }

    /// Changes the options that only MQTT 5 has. They take effect with the next `open`. Returns false before
    /// MQTT 5.
    pub fn set_connect_options(&mut self, options: ConnectOptions) -> bool {
        match &mut self.extended {
            Some(extended) => {
                extended.options = options;
                true
            }
            None => false,
        }
    }

    /// Sends as many messages as the window allows.
    #[inline(always)]
    fn pump(&mut self, now: Moment) {
        if self.may_send() && self.outgoing.may_send() {
            self.send_waiting(OUTPUT, now);
        }
    }

    /// Whether messages of QoS 1 and 2 may go out.
    #[inline(always)]
    fn may_send(&self) -> bool {
        self.phase == Phase::Connected && !self.announcing
    }

    fn send_waiting(&mut self, most: usize, now: Moment) {
        let version = self.version();
        let (ids, output) = (&mut self.ids, &mut self.output);
        if self.outgoing.pump(ids, output, most, version, now) {
            self.arm_retry(now);
        }
    }

    /// Whether any packet waits for an answer, and would be sent again.
    fn awaits_answer(&self) -> bool {
        self.outgoing.in_flight() > 0 || !self.incoming.is_empty()
    }

    /// A packet was sent that needs an answer.
    #[inline(always)]
    fn arm_retry(&mut self, now: Moment) {
        if self.retry.due().is_none() && self.phase == Phase::Connected && self.resends() {
            self.retry.arm(self.options.retry(), now);
        }
    }
}
