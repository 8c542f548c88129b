//! The identifiers of properties that C programs know by name.

use std::ffi::c_int;

/// A number, 1: the payload is UTF-8; in PUBLISH and the will.
///
/// @ingroup api_properties
pub const PMQTT_PROP_PAYLOAD_FORMAT_INDICATOR: c_int = 0x01;
/// A number, in seconds; in PUBLISH and the will.
///
/// @ingroup api_properties
pub const PMQTT_PROP_MESSAGE_EXPIRY_INTERVAL: c_int = 0x02;
/// A text; in PUBLISH and the will.
///
/// @ingroup api_properties
pub const PMQTT_PROP_CONTENT_TYPE: c_int = 0x03;
/// A text, a topic without wildcards; in PUBLISH and the will.
///
/// @ingroup api_properties
pub const PMQTT_PROP_RESPONSE_TOPIC: c_int = 0x08;
/// Binary data; in PUBLISH and the will.
///
/// @ingroup api_properties
pub const PMQTT_PROP_CORRELATION_DATA: c_int = 0x09;
/// A number, 1 to 268,435,455; in PUBLISH and SUBSCRIBE. Lists of events never have it, and lists
/// of the program must not.
///
/// @ingroup api_properties
pub const PMQTT_PROP_SUBSCRIPTION_IDENTIFIER: c_int = 0x0b;
/// A number, in seconds; in CONNECT, CONNACK and DISCONNECT.
///
/// @ingroup api_properties
pub const PMQTT_PROP_SESSION_EXPIRY_INTERVAL: c_int = 0x11;
/// A text; in CONNACK.
///
/// @ingroup api_properties
pub const PMQTT_PROP_ASSIGNED_CLIENT_IDENTIFIER: c_int = 0x12;
/// A number, in seconds, at most 65,535; in CONNACK.
///
/// @ingroup api_properties
pub const PMQTT_PROP_SERVER_KEEP_ALIVE: c_int = 0x13;
/// A text; in CONNECT, CONNACK and AUTH.
///
/// @ingroup api_properties
pub const PMQTT_PROP_AUTHENTICATION_METHOD: c_int = 0x15;
/// Binary data; in CONNECT, CONNACK and AUTH.
///
/// @ingroup api_properties
pub const PMQTT_PROP_AUTHENTICATION_DATA: c_int = 0x16;
/// A number, 0 or 1; in CONNECT.
///
/// @ingroup api_properties
pub const PMQTT_PROP_REQUEST_PROBLEM_INFORMATION: c_int = 0x17;
/// A number, in seconds; in the will.
///
/// @ingroup api_properties
pub const PMQTT_PROP_WILL_DELAY_INTERVAL: c_int = 0x18;
/// A number, 0 or 1; in CONNECT.
///
/// @ingroup api_properties
pub const PMQTT_PROP_REQUEST_RESPONSE_INFORMATION: c_int = 0x19;
/// A text; in CONNACK.
///
/// @ingroup api_properties
pub const PMQTT_PROP_RESPONSE_INFORMATION: c_int = 0x1a;
/// A text; in CONNACK, and in DISCONNECT of the broker.
///
/// @ingroup api_properties
pub const PMQTT_PROP_SERVER_REFERENCE: c_int = 0x1c;
/// A text; in each packet with a reason code.
///
/// @ingroup api_properties
pub const PMQTT_PROP_REASON_STRING: c_int = 0x1f;
/// A number, 1 to 65,535; in CONNECT and CONNACK.
///
/// @ingroup api_properties
pub const PMQTT_PROP_RECEIVE_MAXIMUM: c_int = 0x21;
/// A number, at most 65,535; in CONNECT and CONNACK.
///
/// @ingroup api_properties
pub const PMQTT_PROP_TOPIC_ALIAS_MAXIMUM: c_int = 0x22;
/// A number, 1 to 65,535; in PUBLISH. Lists of events never have it, and lists of the program must
/// not.
///
/// @ingroup api_properties
pub const PMQTT_PROP_TOPIC_ALIAS: c_int = 0x23;
/// A number, 0 or 1; in CONNACK.
///
/// @ingroup api_properties
pub const PMQTT_PROP_MAXIMUM_QOS: c_int = 0x24;
/// A number, 0 or 1; in CONNACK.
///
/// @ingroup api_properties
pub const PMQTT_PROP_RETAIN_AVAILABLE: c_int = 0x25;
/// A pair of texts, any number of times; in each packet with properties.
///
/// @ingroup api_properties
pub const PMQTT_PROP_USER_PROPERTY: c_int = 0x26;
/// A number, in bytes, not 0; in CONNECT and CONNACK.
///
/// @ingroup api_properties
pub const PMQTT_PROP_MAXIMUM_PACKET_SIZE: c_int = 0x27;
/// A number, 0 or 1; in CONNACK.
///
/// @ingroup api_properties
pub const PMQTT_PROP_WILDCARD_SUBSCRIPTION_AVAILABLE: c_int = 0x28;
/// A number, 0 or 1; in CONNACK.
///
/// @ingroup api_properties
pub const PMQTT_PROP_SUBSCRIPTION_IDENTIFIER_AVAILABLE: c_int = 0x29;
/// A number, 0 or 1; in CONNACK.
///
/// @ingroup api_properties
pub const PMQTT_PROP_SHARED_SUBSCRIPTION_AVAILABLE: c_int = 0x2a;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::property;

    #[test]
    fn the_identifiers_are_those_of_the_codec() {
        let pairs = [
            (
                PMQTT_PROP_PAYLOAD_FORMAT_INDICATOR,
                property::PAYLOAD_FORMAT,
            ),
            (PMQTT_PROP_MESSAGE_EXPIRY_INTERVAL, property::MESSAGE_EXPIRY),
            (PMQTT_PROP_CONTENT_TYPE, property::CONTENT_TYPE),
            (PMQTT_PROP_RESPONSE_TOPIC, property::RESPONSE_TOPIC),
            (PMQTT_PROP_CORRELATION_DATA, property::CORRELATION_DATA),
            (
                PMQTT_PROP_SUBSCRIPTION_IDENTIFIER,
                property::SUBSCRIPTION_ID,
            ),
            (PMQTT_PROP_SESSION_EXPIRY_INTERVAL, property::SESSION_EXPIRY),
            (
                PMQTT_PROP_ASSIGNED_CLIENT_IDENTIFIER,
                property::ASSIGNED_CLIENT_ID,
            ),
            (PMQTT_PROP_SERVER_KEEP_ALIVE, property::SERVER_KEEP_ALIVE),
            (PMQTT_PROP_AUTHENTICATION_METHOD, property::AUTH_METHOD),
            (PMQTT_PROP_AUTHENTICATION_DATA, property::AUTH_DATA),
            (
                PMQTT_PROP_REQUEST_PROBLEM_INFORMATION,
                property::REQUEST_PROBLEM,
            ),
            (PMQTT_PROP_WILL_DELAY_INTERVAL, property::WILL_DELAY),
            (
                PMQTT_PROP_REQUEST_RESPONSE_INFORMATION,
                property::REQUEST_RESPONSE,
            ),
            (PMQTT_PROP_RESPONSE_INFORMATION, property::RESPONSE_INFO),
            (PMQTT_PROP_SERVER_REFERENCE, property::SERVER_REFERENCE),
            (PMQTT_PROP_REASON_STRING, property::REASON_STRING),
            (PMQTT_PROP_RECEIVE_MAXIMUM, property::RECEIVE_MAXIMUM),
            (
                PMQTT_PROP_TOPIC_ALIAS_MAXIMUM,
                property::TOPIC_ALIAS_MAXIMUM,
            ),
            (PMQTT_PROP_TOPIC_ALIAS, property::TOPIC_ALIAS),
            (PMQTT_PROP_MAXIMUM_QOS, property::MAXIMUM_QOS),
            (PMQTT_PROP_RETAIN_AVAILABLE, property::RETAIN_AVAILABLE),
            (PMQTT_PROP_USER_PROPERTY, property::USER_PROPERTY),
            (
                PMQTT_PROP_MAXIMUM_PACKET_SIZE,
                property::MAXIMUM_PACKET_SIZE,
            ),
            (
                PMQTT_PROP_WILDCARD_SUBSCRIPTION_AVAILABLE,
                property::WILDCARD_AVAILABLE,
            ),
            (
                PMQTT_PROP_SUBSCRIPTION_IDENTIFIER_AVAILABLE,
                property::SUBSCRIPTION_IDS_AVAILABLE,
            ),
            (
                PMQTT_PROP_SHARED_SUBSCRIPTION_AVAILABLE,
                property::SHARED_AVAILABLE,
            ),
        ];
        let all = (0..=u8::MAX).filter(|&id| property::property(id).is_some());
        assert_eq!(pairs.len(), all.count());
        for (number, id) in pairs {
            assert_eq!(number, c_int::from(id));
        }
    }
}
