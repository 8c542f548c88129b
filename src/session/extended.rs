//! What a session of MQTT 5 has in addition: the options of CONNECT that only MQTT 5 has, and what the broker
//! has agreed to.

use super::allowance::Allowance;
use std::ffi::{CStr, CString};

use super::exchange::Exchange;
use crate::codec::{Buffer, ConnAck, PacketId, PropertyList, QoS, property};

/// The largest session expiry: the session does not expire (section 3.1.2.11.2).
pub const FOREVER: u32 = u32::MAX;

/// The receive maximum of a peer that states none (sections 3.1.2.11.3 and 3.2.2.3.3).
pub const RECEIVE_MAXIMUM: u16 = u16::MAX;

/// The options of CONNECT that only MQTT 5 has.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    pub clean_start: CleanStart,
    /// Seconds; None: what clean session means.
    pub session_expiry: Option<u32>,
    /// Messages of QoS 1 and 2 that the broker may send without an answer; 0: not stated.
    pub receive_maximum: u16,
    /// The most topic aliases that the client uses, if the broker takes as many.
    pub aliases_out: u16,
    /// The most topic aliases that the broker may use.
    pub aliases_in: u16,
    pub request_response: bool,
    pub request_problem: bool,
    /// The broker chooses the client identifier.
    pub is_id_assigned: bool,
    /// The user properties.
    pub properties: PropertyList,
}

/// Whether CONNECT asks for a new session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CleanStart {
    /// As clean session says.
    Default,
    Always,
    /// Until a connection was accepted.
    First,
    Never,
}

impl Default for ConnectOptions {
    fn default() -> ConnectOptions {
        ConnectOptions {
            clean_start: CleanStart::Default,
            session_expiry: None,
            receive_maximum: 0,
            aliases_out: 0,
            aliases_in: 16,
            request_response: false,
            request_problem: true,
            is_id_assigned: false,
            properties: PropertyList::default(),
        }
    }
}

/// What both sides have agreed to, for one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiated {
    /// Seconds; `FOREVER`: the broker keeps the session.
    pub session_expiry: u32,
    pub receive_maximum: u16,
    /// Bytes of the largest packet that the broker takes.
    pub max_packet_size: u32,
    pub max_qos: QoS,
    pub has_retain: bool,
    pub has_wildcards: bool,
    pub has_subscription_ids: bool,
    pub has_shared: bool,
    /// The most topic aliases that the broker takes.
    pub topic_alias_maximum: u16,
    /// Seconds.
    pub keep_alive: u16,
    pub response_info: Option<Box<str>>,
    pub server_reference: Option<Box<str>>,
}

impl Negotiated {
    /// A broker that states nothing.
    pub fn unstated(keep_alive: u16, session_expiry: u32) -> Negotiated {
        Negotiated {
            session_expiry,
            receive_maximum: RECEIVE_MAXIMUM,
            max_packet_size: u32::MAX,
            max_qos: QoS::ExactlyOnce,
            has_retain: true,
            has_wildcards: true,
            has_subscription_ids: true,
            has_shared: true,
            topic_alias_maximum: 0,
            keep_alive,
            response_info: None,
            server_reference: None,
        }
    }

    /// Takes over what CONNACK states (section 3.2.2.3).
    fn hear(&mut self, connack: &ConnAck) {
        let stated = |id| connack.properties.number(id);
        let flag = |id| stated(id) != Some(0);
        if let Some(seconds) = stated(property::SESSION_EXPIRY) {
            self.session_expiry = seconds;
        }
        if let Some(seconds) = stated(property::SERVER_KEEP_ALIVE) {
            // [MQTT5-3.2.2-21]
            self.keep_alive = seconds as u16;
        }
        self.receive_maximum =
            stated(property::RECEIVE_MAXIMUM).map_or(RECEIVE_MAXIMUM, |maximum| maximum as u16);
        self.max_packet_size = stated(property::MAXIMUM_PACKET_SIZE).unwrap_or(u32::MAX);
        self.max_qos = stated(property::MAXIMUM_QOS)
            .and_then(|qos| QoS::from_bits(qos as u8))
            .unwrap_or(QoS::ExactlyOnce);
        self.has_retain = flag(property::RETAIN_AVAILABLE);
        self.has_wildcards = flag(property::WILDCARD_AVAILABLE);
        self.has_subscription_ids = flag(property::SUBSCRIPTION_IDS_AVAILABLE);
        self.has_shared = flag(property::SHARED_AVAILABLE);
        self.topic_alias_maximum = stated(property::TOPIC_ALIAS_MAXIMUM).unwrap_or(0) as u16;
        let text = |id| connack.properties.text(id).map(Box::from);
        self.response_info = text(property::RESPONSE_INFO);
        self.server_reference = text(property::SERVER_REFERENCE);
    }

    /// Whether the broker takes each message that MQTT can state.
    pub fn takes_all(&self) -> bool {
        self.max_packet_size == u32::MAX && self.max_qos == QoS::ExactlyOnce && self.has_retain
    }
}

pub struct Extended {
    pub options: ConnectOptions,
    pub negotiated: Negotiated,
    /// Requests that wait for CONNACK.
    pub early: Vec<(PacketId, Buffer)>,
    /// What the last CONNECT asked for.
    pub clean_start: bool,
    /// The topic alias maximum that it states.
    pub aliases_in: u16,
    /// Seconds, as the last CONNECT stated them.
    pub stated_expiry: u32,
    /// What the broker may still send; None: any number of messages without an answer.
    pub allowance: Option<Allowance>,
    /// How many messages the broker has refused, or did not take.
    pub rejected: u64,
    /// A connection was accepted since the session began.
    pub was_accepted: bool,
    /// The client identifier that the broker has chosen. It stays, because C may have its address.
    pub assigned_id: Option<CString>,
    /// Enhanced authentication.
    pub exchange: Exchange,
    /// The broker has said that it does not speak MQTT 5.
    pub is_refused: bool,
    /// An attempt is between two of its connections (`go_on`).
    pub goes_on: bool,
    /// The next connection of the attempt is of MQTT 3.1.1.
    pub falls_back: bool,
}

impl Extended {
    pub fn new() -> Extended {
        Extended {
            options: ConnectOptions::default(),
            negotiated: Negotiated::unstated(0, 0),
            early: Vec::new(),
            clean_start: true,
            aliases_in: 0,
            stated_expiry: 0,
            allowance: None,
            rejected: 0,
            was_accepted: false,
            assigned_id: None,
            exchange: Exchange::default(),
            is_refused: false,
            goes_on: false,
            falls_back: false,
        }
    }

    /// The client identifier of the next CONNECT, if the broker chooses or has chosen it.
    pub fn assigned_id(&self) -> Option<&CStr> {
        let is_assigned = self.options.is_id_assigned;
        is_assigned.then(|| self.assigned_id.as_deref().unwrap_or_default())
    }

    /// Whether the program has asked for names that no broker has given yet.
    pub fn awaits_names(&self) -> bool {
        let options = &self.options;
        !self.was_accepted && options.request_response
            || options.is_id_assigned && self.assigned_id.is_none()
    }

    /// Whether the next CONNECT asks for a new session.
    pub fn wants_clean_start(&self, clean_session: bool) -> bool {
        match self.options.clean_start {
            CleanStart::Default => clean_session,
            CleanStart::Always => true,
            CleanStart::First => !self.was_accepted,
            CleanStart::Never => false,
        }
    }

    /// The seconds for which the broker is asked to keep the session.
    pub fn session_expiry(&self, clean_session: bool) -> u32 {
        let default = if clean_session { 0 } else { FOREVER };
        self.options.session_expiry.unwrap_or(default)
    }

    /// The properties of CONNECT. `max_packet_size`: of the packets that the client takes.
    pub fn connect_properties(
        &mut self,
        clean_session: bool,
        max_packet_size: u32,
    ) -> PropertyList {
        self.aliases_in = self.options.aliases_in;
        let options = &self.options;
        let mut list = PropertyList::default();
        let mut put = |id, value: u32, default: u32| {
            if value != default {
                list.number(id, value);
            }
        };
        put(
            property::SESSION_EXPIRY,
            self.session_expiry(clean_session),
            0,
        );
        put(property::RECEIVE_MAXIMUM, options.receive_maximum.into(), 0);
        put(property::MAXIMUM_PACKET_SIZE, max_packet_size, u32::MAX);
        put(property::TOPIC_ALIAS_MAXIMUM, options.aliases_in.into(), 0);
        put(
            property::REQUEST_RESPONSE,
            options.request_response.into(),
            0,
        );
        put(property::REQUEST_PROBLEM, options.request_problem.into(), 1);
        list.append(options.properties.get());
        list
    }

    /// CONNECT asks for this. Options that change before CONNACK are for the next one.
    pub fn ask(&mut self, keep_alive: u16, clean_session: bool) {
        self.clean_start = self.wants_clean_start(clean_session);
        self.stated_expiry = self.session_expiry(clean_session);
        self.negotiated = Negotiated::unstated(keep_alive, self.stated_expiry);
    }

    /// CONNACK has come.
    pub fn hear(&mut self, connack: &ConnAck) {
        self.negotiated.hear(connack);
        if connack.return_code == 0 {
            self.was_accepted = true;
        }
        if self.options.is_id_assigned
            && self.assigned_id.is_none()
            && let Some(id) = connack.properties.text(property::ASSIGNED_CLIENT_ID)
        {
            self.assigned_id = CString::new(id).ok();
        }
    }
}
