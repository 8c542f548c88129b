//! The reason codes of MQTT 5 (table 2-6), and which of them a packet may have.

use super::property::Place;

pub const SUCCESS: u8 = 0x00;
/// DISCONNECT after which the broker publishes the will.
pub const WITH_WILL: u8 = 0x04;
pub const NO_SUBSCRIBERS: u8 = 0x10;
pub const CONTINUE_AUTHENTICATION: u8 = 0x18;
pub const REAUTHENTICATE: u8 = 0x19;
pub const UNSPECIFIED: u8 = 0x80;
pub const MALFORMED: u8 = 0x81;
pub const PROTOCOL_ERROR: u8 = 0x82;
pub const IMPLEMENTATION: u8 = 0x83;
pub const VERSION: u8 = 0x84;
pub const TOPIC_INVALID: u8 = 0x90;
pub const ID_NOT_FOUND: u8 = 0x92;
pub const RECEIVE_MAXIMUM: u8 = 0x93;
pub const ALIAS_INVALID: u8 = 0x94;
pub const TOO_LARGE: u8 = 0x95;
pub const RETAIN_NOT_SUPPORTED: u8 = 0x9a;
pub const QOS_NOT_SUPPORTED: u8 = 0x9b;
/// The client is to use another server, for now.
pub const ANOTHER_SERVER: u8 = 0x9c;
/// The client is to use another server from now on.
pub const MOVED: u8 = 0x9d;
pub const SHARED_NOT_SUPPORTED: u8 = 0x9e;
pub const WILDCARDS_NOT_SUPPORTED: u8 = 0xa2;

/// The lowest reason code of a failure.
pub const FAILURE: u8 = 0x80;

/// Whether a packet may have a reason code.
pub fn is_allowed(reason: u8, place: Place) -> bool {
    match place {
        Place::ConnAck => matches!(
            reason,
            0x00 | 0x80..=0x8a | 0x8c | 0x90 | 0x95 | 0x97 | 0x99..=0x9d | 0x9f
        ),
        Place::SubAck => matches!(
            reason,
            0x00..=0x02 | 0x80 | 0x83 | 0x87 | 0x8f | 0x91 | 0x97 | 0x9e | 0xa1 | 0xa2
        ),
        Place::UnsubAck => matches!(reason, 0x00 | 0x11 | 0x80 | 0x83 | 0x87 | 0x8f | 0x91),
        Place::Disconnect => matches!(
            reason,
            0x00 | 0x04 | 0x80..=0x83 | 0x90 | 0x93..=0x99
        ),
        Place::Dismissal => matches!(
            reason,
            0x00 | 0x80..=0x83 | 0x87 | 0x89 | 0x8b..=0x90 | 0x93..=0xa2
        ),
        Place::Auth => matches!(reason, SUCCESS | CONTINUE_AUTHENTICATION | REAUTHENTICATE),
        _ => false,
    }
}

/// Whether PUBACK or PUBREC may have a reason code.
pub fn is_allowed_in_answer(reason: u8) -> bool {
    matches!(
        reason,
        0x00 | 0x10 | 0x80 | 0x83 | 0x87 | 0x90 | 0x91 | 0x97 | 0x99
    )
}

/// Whether PUBREL or PUBCOMP may have a reason code.
pub fn is_allowed_in_release(reason: u8) -> bool {
    matches!(reason, SUCCESS | ID_NOT_FOUND)
}

/// The reason code for the return code in a CONNACK of MQTT 3 (table 3.1).
pub fn of_return_code(return_code: u8) -> u8 {
    match return_code {
        0 => SUCCESS,
        1 => VERSION,
        2 => 0x85,
        3 => 0x88,
        4 => 0x86,
        5 => 0x87,
        _ => UNSPECIFIED,
    }
}
