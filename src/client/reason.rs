//! The broker's reasons, in the numbers of MQTT 5 for every version (table 2-6 of MQTT 5).

use std::ffi::CStr;

use crate::codec::{Properties, property};

/// The broker gave no reason.
pub const UNSAID: i32 = -1;

/// The reason for the return code in a CONNACK of MQTT 3 (table 3.1).
pub fn connack_reason(return_code: i32) -> i32 {
    match return_code {
        0 => 0,
        1 => 0x84,
        2 => 0x85,
        3 => 0x88,
        4 => 0x86,
        5 => 0x87,
        _ => 0x80,
    }
}

/// Whether a broker that ends a connection for a reason will do so again: nothing changes by itself in the version,
/// the identifier, the credentials, the rights or the place of the client, nor in what else uses its identifier.
pub fn is_for_good(reason: i32) -> bool {
    matches!(
        reason,
        0x84 | 0x85 | 0x86 | 0x87 | 0x8a | 0x8c | 0x8e | 0x9d
    )
}

/// The text of a reason, also of an unknown one.
pub fn reason_string(reason: i32) -> &'static CStr {
    match reason {
        UNSAID => c"The broker gave no reason.",
        0x00 => c"Success.",
        0x01 => c"Granted QoS 1.",
        0x02 => c"Granted QoS 2.",
        0x04 => c"Disconnect with will message.",
        0x10 => c"No matching subscribers.",
        0x11 => c"No subscription existed.",
        0x18 => c"Continue authentication.",
        0x19 => c"Re-authenticate.",
        0x80 => c"Unspecified error.",
        0x81 => c"Malformed packet.",
        0x82 => c"Protocol error.",
        0x83 => c"Implementation specific error.",
        0x84 => c"Unsupported protocol version.",
        0x85 => c"Client identifier not valid.",
        0x86 => c"Bad user name or password.",
        0x87 => c"Not authorised.",
        0x88 => c"Server unavailable.",
        0x89 => c"Server busy.",
        0x8a => c"Banned.",
        0x8b => c"Server shutting down.",
        0x8c => c"Bad authentication method.",
        0x8d => c"Keep alive timeout.",
        0x8e => c"Session taken over.",
        0x8f => c"Topic filter invalid.",
        0x90 => c"Topic name invalid.",
        0x91 => c"Packet identifier in use.",
        0x92 => c"Packet identifier not found.",
        0x93 => c"Receive maximum exceeded.",
        0x94 => c"Topic alias invalid.",
        0x95 => c"Packet too large.",
        0x96 => c"Message rate too high.",
        0x97 => c"Quota exceeded.",
        0x98 => c"Administrative action.",
        0x99 => c"Payload format invalid.",
        0x9a => c"Retain not supported.",
        0x9b => c"QoS not supported.",
        0x9c => c"Use another server.",
        0x9d => c"Server moved.",
        0x9e => c"Shared subscriptions not supported.",
        0x9f => c"Connection rate exceeded.",
        0xa0 => c"Maximum connect time.",
        0xa1 => c"Subscription identifiers not supported.",
        0xa2 => c"Wildcard subscriptions not supported.",
        _ => c"A reason that pmqtt does not know.",
    }
}

/// A reason in words: the number, the text of the specification, and that of the broker.
pub fn reason_words(reason: u8, properties: Properties) -> String {
    let text = reason_string(reason.into()).to_string_lossy();
    let mut words = format!("{reason:#04x}: {text}");
    if let Some(own) = properties.text(property::REASON_STRING) {
        words += &format!(" The broker says: {own}");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_for_good_are_known_in_each_version() {
        let older = (0..=6).filter(|code| is_for_good(connack_reason(*code)));
        assert_eq!(older.collect::<Vec<_>>(), [1, 2, 4, 5]);
        for reason in [UNSAID, 0x00, 0x80, 0x88, 0x89, 0x8b, 0x97, 0x98, 0x9c, 0x9f] {
            assert!(!is_for_good(reason), "{reason:#x}");
        }
    }

    #[test]
    fn each_refusal_of_mqtt_3_has_its_words() {
        let words = [0, 1, 2, 3, 4, 5, 6].map(|code| reason_string(connack_reason(code)));
        let expected = [
            c"Success.",
            c"Unsupported protocol version.",
            c"Client identifier not valid.",
            c"Server unavailable.",
            c"Bad user name or password.",
            c"Not authorised.",
            c"Unspecified error.",
        ];
        assert_eq!(words, expected);
        let unknown = reason_string(0xff);
        assert_ne!(reason_string(UNSAID), unknown);
        let known = (0..0x100).filter(|&reason| reason_string(reason) != unknown);
        assert_eq!(known.count(), 43);
    }
}
