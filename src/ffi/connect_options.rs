//! What only CONNECT of MQTT 5 can say.

use std::ffi::c_int;

use super::constants::{
    PMQTT_CLEAN_START_ALWAYS, PMQTT_CLEAN_START_DEFAULT, PMQTT_CLEAN_START_FIRST,
    PMQTT_CLEAN_START_NEVER,
};
use super::extras::Extras;
use super::properties::PropertyPair;
use super::property_room::Room;
use super::{number, run, sized};
use crate::client::{self, CleanStart, Error, Handle, Result};
use crate::codec::{Place, PropertyList};

/// What a client of MQTT 5 asks the broker for when it connects. All fields except `struct_size`
/// may be 0, the default.
///
/// @ingroup api_connect
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ConnectOptions {
    /// `sizeof(pmqtt_connect_options)`.
    pub struct_size: usize,
    /// Whether the broker discards the session of earlier connections.
    /// - `PMQTT_CLEAN_START_DEFAULT` (0): as `clean_session` of `pmqtt_client_new` says.
    /// - `PMQTT_CLEAN_START_ALWAYS`: on each connection.
    /// - `PMQTT_CLEAN_START_FIRST`: on each connection until the broker has accepted one of this
    ///   client, and then never.
    /// - `PMQTT_CLEAN_START_NEVER`: never.
    pub clean_start: c_int,
    /// How many seconds the broker keeps the session after the connection has ended; `UINT32_MAX`:
    /// without limit. 0: not at all if `clean_session` of `pmqtt_client_new` is true, or else
    /// without limit.
    pub session_expiry_s: u32,
    /// How many messages of QoS 1 and 2 the broker may send without an acknowledgement, at most
    /// 65,535; 0: 65,535. If the broker sends more, the connection ends with `PMQTT_ERR_PROTOCOL`.
    pub receive_maximum: c_int,
    /// How many topic aliases the client uses, if the broker accepts as many; at most 65,535. This
    /// version uses at most 256. 0: the default, which is none in this version. -1: none.
    pub topic_alias_send: c_int,
    /// How many topic aliases the broker may use, at most 65,535. 0: the default, which is 16 in
    /// this version. -1: none. An event always has the full topic. Each alias may take 64 KiB of
    /// memory.
    pub topic_alias_receive: c_int,
    /// true: the broker may send response information (`pmqtt_negotiated_text`).
    pub request_response_information: bool,
    /// true: the broker sends no reason string and no user properties, except with messages,
    /// CONNACK and DISCONNECT.
    pub no_problem_information: bool,
    /// true: the broker chooses the client identifier. The client keeps the identifier for its
    /// later connections, and `pmqtt_client_id` returns it.
    pub client_id_by_broker: bool,
    /// `user_property_count` user properties of CONNECT, copied; NULL if the count is 0.
    pub user_properties: *const PropertyPair,
    /// The number of user properties; may be 0.
    pub user_property_count: usize,
}

/// Sets what CONNECT of MQTT 5 says, in addition to what other functions set.
///
/// The setting takes effect with the next connection, and stays in effect for each later one.
///
/// A session that outlives its connection needs two things:
/// - a `session_expiry_s`, so that the broker keeps the session,
/// - a connect without clean start, so that the broker does not discard it.
///
/// A client with `clean_session` false has both. The first connection of a process may find a
/// session of an earlier process: `PMQTT_CLEAN_START_FIRST` discards that one.
///
/// @param client   The client; not NULL.
/// @param options  Copied; NULL: the defaults.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_INVAL`: `client` is NULL, or no version has this `struct_size`. Or a field is wrong:
///   `clean_start` is none of the four constants, a number is out of its range, or a user property
///   is NULL, not UTF-8 or too long.
/// - `PMQTT_ERR_NOT_SUPPORTED`: the client does not speak MQTT 5, or a field is set that only a
///   later version of the library knows.
///
/// Thread-safe; callback-safe; never blocks. [MQTT5-3.1]
///
/// @ingroup api_connect
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_connect_options_set(
    client: *mut Handle,
    options: *const ConnectOptions,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            client.set_connect_options(match options.is_null() {
                true => Default::default(),
                false => sized::read(options, WHAT)?.checked()?,
            })
        })
    }
}

const WHAT: &str = "connect_options_set";

/// The largest value of the numbers of two bytes.
const MOST: c_int = 65_535;

impl ConnectOptions {
    /// # Safety
    /// The user properties are what the header says of them, and live through the call.
    unsafe fn checked(self) -> Result<client::ConnectOptions> {
        let clean_start = match self.clean_start {
            PMQTT_CLEAN_START_DEFAULT => CleanStart::Default,
            PMQTT_CLEAN_START_ALWAYS => CleanStart::Always,
            PMQTT_CLEAN_START_FIRST => CleanStart::First,
            PMQTT_CLEAN_START_NEVER => CleanStart::Never,
            other => {
                let text = format!("{WHAT}: there is no clean_start {other}");
                return Err(Error::inval(text));
            }
        };
        let receive_maximum = number(
            self.receive_maximum,
            MOST,
            &format!("{WHAT}: receive_maximum"),
        )?;
        let default = client::ConnectOptions::default();
        let mut room = Room::new();
        let user = Extras {
            user_properties: self.user_properties,
            user_property_count: self.user_property_count,
            ..Extras::none()
        };
        // SAFETY: the caller's promise is the same.
        let properties = unsafe { user.encode(&mut room, Place::Connect, WHAT) }?;
        Ok(client::ConnectOptions {
            clean_start,
            session_expiry: (self.session_expiry_s > 0).then_some(self.session_expiry_s),
            receive_maximum: receive_maximum as u16,
            aliases_out: aliases(
                self.topic_alias_send,
                default.aliases_out,
                "topic_alias_send",
            )?,
            aliases_in: aliases(
                self.topic_alias_receive,
                default.aliases_in,
                "topic_alias_receive",
            )?,
            request_response: self.request_response_information,
            request_problem: !self.no_problem_information,
            is_id_assigned: self.client_id_by_broker,
            properties: PropertyList::of(properties),
        })
    }
}

fn aliases(value: c_int, default: u16, what: &str) -> Result<u16> {
    match value {
        0 => Ok(default),
        -1 => Ok(0),
        1..=MOST => Ok(value as u16),
        _ => Err(Error::inval(format!(
            "{WHAT}: {what} {value} is not between -1 and {MOST}"
        ))),
    }
}
