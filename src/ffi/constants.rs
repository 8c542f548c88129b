//! Numbers that C programs know by name.

use std::ffi::c_int;

/// MQTT 3.1, for `pmqtt_client_new`.
///
/// @ingroup api_client
pub const PMQTT_PROTOCOL_V31: c_int = 3;
/// MQTT 3.1.1, for `pmqtt_client_new`; the default.
///
/// @ingroup api_client
pub const PMQTT_PROTOCOL_V311: c_int = 4;
/// MQTT 5, for `pmqtt_client_new`.
///
/// @ingroup api_client
pub const PMQTT_PROTOCOL_V5: c_int = 5;
/// MQTT 5, or MQTT 3.1.1 where the broker does not speak MQTT 5, for `pmqtt_client_new`.
///
/// - The broker refuses the version: the client connects with MQTT 3.1.1 at once, and so for each
///   later connection, until `pmqtt_reinitialise`.
/// - The broker closes the connection without CONNACK: the client connects with MQTT 3.1.1 at once.
///   The next connection begins with MQTT 5 again.
///
/// No callback reports the first connection, except `on_log`. `pmqtt_negotiated` has the version of
/// the present connection. On a connection of MQTT 3.1.1:
/// - Messages and requests go without the properties and options that only MQTT 5 has.
/// - `pmqtt_ack_with` acknowledges a message whatever its reason is, since MQTT 3.1.1 has no
///   refusal.
/// - `pmqtt_disconnect_with` sends DISCONNECT with reason 0 only. With another one, it closes the
///   connection, and the broker publishes the will.
///
/// A client with an authentication method (`pmqtt_auth_set`) speaks MQTT 5 only.
///
/// @ingroup api_client
pub const PMQTT_PROTOCOL_BEST: c_int = 255;

/// As `clean_session` says, for `pmqtt_connect_options`; the default. true: a new session on each
/// connection. false: the session of earlier connections, if the broker has it.
///
/// @ingroup api_connect
pub const PMQTT_CLEAN_START_DEFAULT: c_int = 0;
/// A new session on each connection, for `pmqtt_connect_options`.
///
/// @ingroup api_connect
pub const PMQTT_CLEAN_START_ALWAYS: c_int = 1;
/// A new session until the broker has accepted a connection, for `pmqtt_connect_options`.
///
/// @ingroup api_connect
pub const PMQTT_CLEAN_START_FIRST: c_int = 2;
/// The session of earlier connections, if the broker has it, for `pmqtt_connect_options`.
///
/// @ingroup api_connect
pub const PMQTT_CLEAN_START_NEVER: c_int = 3;

/// A full queue refuses new messages, for `pmqtt_queue_options`; the default.
///
/// @ingroup api_options
pub const PMQTT_WHEN_FULL_REFUSE: c_int = 0;
/// A full queue drops the messages that have waited longest, for `pmqtt_queue_options`.
///
/// @ingroup api_options
pub const PMQTT_WHEN_FULL_DROP_OLDEST: c_int = 1;
/// A full queue drops waiting messages of QoS 0, for `pmqtt_queue_options`.
///
/// @ingroup api_options
pub const PMQTT_WHEN_FULL_DROP_QOS0: c_int = 2;

/// The broker sends retained messages, for `pmqtt_subscription`; the default.
///
/// @ingroup api_subscribe
pub const PMQTT_RETAIN_ALWAYS: c_int = 0;
/// The broker sends retained messages if there was no such subscription, for `pmqtt_subscription`.
///
/// @ingroup api_subscribe
pub const PMQTT_RETAIN_IF_NEW: c_int = 1;
/// The broker sends no retained messages, for `pmqtt_subscription`.
///
/// @ingroup api_subscribe
pub const PMQTT_RETAIN_NEVER: c_int = 2;

/// The library acknowledges each message, for `pmqtt_manual_ack_set`; the default.
///
/// @ingroup api_subscribe
pub const PMQTT_ACK_AUTO: c_int = 0;
/// The program acknowledges messages, and the client sends the acknowledgements in order, for
/// `pmqtt_manual_ack_set`.
///
/// @ingroup api_subscribe
pub const PMQTT_ACK_IN_ORDER: c_int = 1;
/// The program acknowledges messages, and the client sends each acknowledgement at once, for
/// `pmqtt_manual_ack_set`.
///
/// @ingroup api_subscribe
pub const PMQTT_ACK_AT_ONCE: c_int = 2;

/// Log level: stages of connecting, waits before a reconnect, and connections that the program
/// ended.
///
/// @ingroup api_callbacks
pub const PMQTT_LOG_INFO: c_int = 1;
/// Log level: not used by this version.
///
/// @ingroup api_callbacks
pub const PMQTT_LOG_NOTICE: c_int = 2;
/// Log level: something failed or was unexpected, and the client goes on.
///
/// @ingroup api_callbacks
pub const PMQTT_LOG_WARNING: c_int = 4;
/// Log level: why a connection, or an attempt to connect, has failed.
///
/// @ingroup api_callbacks
pub const PMQTT_LOG_ERR: c_int = 8;
/// Log level: each packet, in and out.
///
/// @ingroup api_callbacks
pub const PMQTT_LOG_DEBUG: c_int = 16;

/// For `pmqtt_tls_set`: the client accepts any certificate, so anybody can listen.
///
/// @ingroup api_tls
pub const PMQTT_CERT_NONE: c_int = 0;
/// The same as `PMQTT_CERT_REQUIRED`, as a broker always has a certificate.
///
/// @ingroup api_tls
pub const PMQTT_CERT_OPTIONAL: c_int = 1;
/// For `pmqtt_tls_set`: the broker's certificate must lead to a trusted authority and be for the
/// host.
///
/// @ingroup api_tls
pub const PMQTT_CERT_REQUIRED: c_int = 2;

/// TLS 1.0, for `pmqtt_tls_set`. This version is not secure any more.
///
/// @ingroup api_tls
pub const PMQTT_TLS_V1_0: c_int = 10;
/// TLS 1.1, for `pmqtt_tls_set`. This version is not secure any more.
///
/// @ingroup api_tls
pub const PMQTT_TLS_V1_1: c_int = 11;
/// TLS 1.2, for `pmqtt_tls_set`.
///
/// @ingroup api_tls
pub const PMQTT_TLS_V1_2: c_int = 12;
/// TLS 1.3, for `pmqtt_tls_set`.
///
/// @ingroup api_tls
pub const PMQTT_TLS_V1_3: c_int = 13;

/// Step of an authentication: the program gives its first data, for CONNECT or AUTH 0x19.
///
/// @ingroup api_auth
pub const PMQTT_AUTH_START: c_int = 0;
/// Step of an authentication: the broker asks, and the program answers.
///
/// @ingroup api_auth
pub const PMQTT_AUTH_CHALLENGE: c_int = 1;
/// Step of an authentication: the broker has accepted.
///
/// @ingroup api_auth
pub const PMQTT_AUTH_DONE: c_int = 2;

/// Nothing to do now. Reserved: no function of this version returns it.
///
/// @ingroup api_diagnosis
pub const PMQTT_ERR_AGAIN: c_int = -1;
/// The call has succeeded.
///
/// @ingroup api_diagnosis
pub const PMQTT_ERR_SUCCESS: c_int = 0;
/// There is no memory.
///
/// @ingroup api_diagnosis
pub const PMQTT_ERR_NOMEM: c_int = 1;
/// The broker has broken the rules of the protocol.
///
/// @ingroup api_diagnosis
pub const PMQTT_ERR_PROTOCOL: c_int = 2;
/// An argument is wrong, or the call does not fit the state. Nothing was changed.
///
/// @ingroup api_diagnosis
pub const PMQTT_ERR_INVAL: c_int = 3;
/// There is no connection.
///
/// @ingroup api_diagnosis
pub const PMQTT_ERR_NO_CONN: c_int = 4;
/// The broker has refused the connection.
///
/// @ingroup api_diagnosis
pub const PMQTT_ERR_CONN_REFUSED: c_int = 5;
/// There is no such message, acknowledgement or handler.
///
/// @ingroup api_diagnosis
pub const PMQTT_ERR_NOT_FOUND: c_int = 6;
/// The connection was lost.
///
/// @ingroup api_diagnosis
pub const PMQTT_ERR_CONN_LOST: c_int = 7;
/// TLS has failed.
///
/// @ingroup api_diagnosis
pub const PMQTT_ERR_TLS: c_int = 8;
/// A message of the program is too large for MQTT, or a packet from the broker is over the limit of
/// `pmqtt_max_packet_size_set`.
///
/// @ingroup api_diagnosis
pub const PMQTT_ERR_PAYLOAD_SIZE: c_int = 9;
/// The library does not support this.
///
/// @ingroup api_diagnosis
pub const PMQTT_ERR_NOT_SUPPORTED: c_int = 10;
/// An enhanced authentication has failed: the program has refused, or the broker's part of SCRAM is
/// wrong.
///
/// @ingroup api_diagnosis
pub const PMQTT_ERR_AUTH: c_int = 11;
/// An access control list denies this.
///
/// @ingroup api_diagnosis
pub const PMQTT_ERR_ACL_DENIED: c_int = 12;
/// An error without a name. Reserved: no function of this version returns it.
///
/// @ingroup api_diagnosis
pub const PMQTT_ERR_UNKNOWN: c_int = 13;
/// The operating system has reported an error, which `pmqtt_last_error` names.
///
/// @ingroup api_diagnosis
pub const PMQTT_ERR_ERRNO: c_int = 14;
/// The queue is full.
///
/// @ingroup api_diagnosis
pub const PMQTT_ERR_QUEUE_SIZE: c_int = 15;
/// The broker has not answered PINGREQ in time, or has not read the acknowledgements of its
/// messages in time.
///
/// @ingroup api_diagnosis
pub const PMQTT_ERR_KEEPALIVE: c_int = 16;
/// Another call works on the client at the moment, or it is too late to cancel a message.
///
/// @ingroup api_diagnosis
pub const PMQTT_ERR_BUSY: c_int = 64;
/// The library has failed internally. The client refuses all further work, and can only be
/// freed.
///
/// @ingroup api_diagnosis
pub const PMQTT_ERR_PANIC: c_int = 65;
/// The timeout has passed.
///
/// @ingroup api_diagnosis
pub const PMQTT_ERR_TIMEOUT: c_int = 66;
/// The host name could not be looked up.
///
/// @ingroup api_diagnosis
pub const PMQTT_ERR_DNS: c_int = 67;
/// The broker took a message of QoS 2, and lost the session before the handshake was complete.
/// It may have delivered the message or not.
///
/// @ingroup api_diagnosis
pub const PMQTT_ERR_IN_DOUBT: c_int = 68;
/// The broker refused the message, or does not take such messages (MQTT 5); `reason` of
/// `pmqtt_published` says why.
///
/// @ingroup api_diagnosis
pub const PMQTT_ERR_REJECTED: c_int = 69;
/// The message was not sent within its time limit, `expiry_s` of `pmqtt_publication`.
///
/// @ingroup api_diagnosis
pub const PMQTT_ERR_EXPIRED: c_int = 70;
/// The queue dropped the message before it was sent (`pmqtt_queue_options_set`).
///
/// @ingroup api_diagnosis
pub const PMQTT_ERR_DROPPED: c_int = 71;
/// The program cancelled the message, with `pmqtt_cancel` or `pmqtt_queue_clear`.
///
/// @ingroup api_diagnosis
pub const PMQTT_ERR_CANCELLED: c_int = 72;

/// The major version of the header that a program was compiled with.
///
/// @ingroup api_diagnosis
pub const PMQTT_VERSION_MAJOR: c_int = 0;
/// The minor version of the header that a program was compiled with.
///
/// @ingroup api_diagnosis
pub const PMQTT_VERSION_MINOR: c_int = 2;
/// The patch version of the header that a program was compiled with.
///
/// @ingroup api_diagnosis
pub const PMQTT_VERSION_PATCH: c_int = 0;
/// The version of the header in one number: major * 1000000 + minor * 1000 + patch.
///
/// @ingroup api_diagnosis
pub const PMQTT_VERSION_NUMBER: c_int = 2000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_package_s() {
        let text = format!("{PMQTT_VERSION_MAJOR}.{PMQTT_VERSION_MINOR}.{PMQTT_VERSION_PATCH}");
        assert_eq!(text, env!("CARGO_PKG_VERSION"));
        let number =
            PMQTT_VERSION_MAJOR * 1_000_000 + PMQTT_VERSION_MINOR * 1000 + PMQTT_VERSION_PATCH;
        assert_eq!(PMQTT_VERSION_NUMBER, number);
    }

    #[test]
    fn the_steps_are_those_of_the_core() {
        use crate::client::events::AuthStep;
        let steps = [AuthStep::Start, AuthStep::Challenge, AuthStep::Done];
        let numbers = [PMQTT_AUTH_START, PMQTT_AUTH_CHALLENGE, PMQTT_AUTH_DONE];
        assert_eq!(steps.map(|step| step as c_int), numbers);
    }

    #[test]
    fn the_numbers_are_those_of_the_core() {
        use crate::client::Code;
        let pairs = [
            (PMQTT_ERR_AGAIN, Code::Again),
            (PMQTT_ERR_SUCCESS, Code::Success),
            (PMQTT_ERR_NOMEM, Code::NoMem),
            (PMQTT_ERR_PROTOCOL, Code::Protocol),
            (PMQTT_ERR_INVAL, Code::Inval),
            (PMQTT_ERR_NO_CONN, Code::NoConn),
            (PMQTT_ERR_CONN_REFUSED, Code::ConnRefused),
            (PMQTT_ERR_NOT_FOUND, Code::NotFound),
            (PMQTT_ERR_CONN_LOST, Code::ConnLost),
            (PMQTT_ERR_TLS, Code::Tls),
            (PMQTT_ERR_PAYLOAD_SIZE, Code::PayloadSize),
            (PMQTT_ERR_NOT_SUPPORTED, Code::NotSupported),
            (PMQTT_ERR_AUTH, Code::Auth),
            (PMQTT_ERR_ACL_DENIED, Code::AclDenied),
            (PMQTT_ERR_UNKNOWN, Code::Unknown),
            (PMQTT_ERR_ERRNO, Code::Errno),
            (PMQTT_ERR_QUEUE_SIZE, Code::QueueSize),
            (PMQTT_ERR_KEEPALIVE, Code::KeepAlive),
            (PMQTT_ERR_BUSY, Code::Busy),
            (PMQTT_ERR_PANIC, Code::Panic),
            (PMQTT_ERR_TIMEOUT, Code::Timeout),
            (PMQTT_ERR_DNS, Code::Dns),
            (PMQTT_ERR_IN_DOUBT, Code::InDoubt),
            (PMQTT_ERR_REJECTED, Code::Rejected),
            (PMQTT_ERR_EXPIRED, Code::Expired),
            (PMQTT_ERR_DROPPED, Code::Dropped),
            (PMQTT_ERR_CANCELLED, Code::Cancelled),
        ];
        for (number, code) in pairs {
            assert_eq!(number, code as c_int);
        }
    }
}
