//! Numbers that C programs know by name.

use std::ffi::c_int;

/// The version of the header that a program was compiled with.
pub const PMQTT_VERSION_MAJOR: c_int = 0;
pub const PMQTT_VERSION_MINOR: c_int = 2;
pub const PMQTT_VERSION_PATCH: c_int = 0;
/// One number of the three: major * 1000000 + minor * 1000 + patch.
pub const PMQTT_VERSION_NUMBER: c_int = 2000;

/// MQTT 3.1, for `pmqtt_client_new`.
pub const PMQTT_PROTOCOL_V31: c_int = 3;
/// MQTT 3.1.1, the default.
pub const PMQTT_PROTOCOL_V311: c_int = 4;

/// What is demanded of the broker's certificate, for `pmqtt_tls_set`.
pub const PMQTT_CERT_NONE: c_int = 0;
pub const PMQTT_CERT_OPTIONAL: c_int = 1;
pub const PMQTT_CERT_REQUIRED: c_int = 2;

/// Versions of TLS, for `pmqtt_tls_set`. 1.0 and 1.1 are not safe any more.
pub const PMQTT_TLS_V1_0: c_int = 10;
pub const PMQTT_TLS_V1_1: c_int = 11;
pub const PMQTT_TLS_V1_2: c_int = 12;
pub const PMQTT_TLS_V1_3: c_int = 13;

/// Nothing to do right now; reserved, and returned by no function of this version.
pub const PMQTT_ERR_AGAIN: c_int = -1;
pub const PMQTT_ERR_SUCCESS: c_int = 0;
/// Out of memory.
pub const PMQTT_ERR_NOMEM: c_int = 1;
/// The broker broke the rules of the protocol.
pub const PMQTT_ERR_PROTOCOL: c_int = 2;
/// An argument is wrong, or the call does not fit the state; nothing was changed.
pub const PMQTT_ERR_INVAL: c_int = 3;
/// There is no connection.
pub const PMQTT_ERR_NO_CONN: c_int = 4;
/// The broker refused the connection.
pub const PMQTT_ERR_CONN_REFUSED: c_int = 5;
/// What was named is not there.
pub const PMQTT_ERR_NOT_FOUND: c_int = 6;
/// The connection was lost.
pub const PMQTT_ERR_CONN_LOST: c_int = 7;
/// TLS failed.
pub const PMQTT_ERR_TLS: c_int = 8;
/// The payload is too large, or a packet from the broker is (`pmqtt_max_packet_size_set`).
pub const PMQTT_ERR_PAYLOAD_SIZE: c_int = 9;
/// Not supported.
pub const PMQTT_ERR_NOT_SUPPORTED: c_int = 10;
/// Authorisation failed.
pub const PMQTT_ERR_AUTH: c_int = 11;
/// Denied by an access control list.
pub const PMQTT_ERR_ACL_DENIED: c_int = 12;
/// An error without a name.
pub const PMQTT_ERR_UNKNOWN: c_int = 13;
/// The operating system reported an error; `pmqtt_last_error` says which.
pub const PMQTT_ERR_ERRNO: c_int = 14;
/// The queue is full.
pub const PMQTT_ERR_QUEUE_SIZE: c_int = 15;
/// The broker did not answer PINGREQ in time, or took none of the acknowledgements that it asked for.
pub const PMQTT_ERR_KEEPALIVE: c_int = 16;
/// Another call is doing this right now.
pub const PMQTT_ERR_BUSY: c_int = 64;
/// The library failed inside; the client refuses further work, and can only be freed.
pub const PMQTT_ERR_PANIC: c_int = 65;
/// It took longer than it may.
pub const PMQTT_ERR_TIMEOUT: c_int = 66;
/// The host name could not be looked up.
pub const PMQTT_ERR_DNS: c_int = 67;
/// The broker took a QoS 2 message and lost the session before the handshake was complete: it is not known
/// whether it has passed the message on.
pub const PMQTT_ERR_IN_DOUBT: c_int = 68;
/// The broker refused it, with a reason. Reserved, and returned by no function of this version.
pub const PMQTT_ERR_REJECTED: c_int = 69;
/// The message expired before it was sent. Reserved, and returned by no function of this version.
pub const PMQTT_ERR_EXPIRED: c_int = 70;
/// The message was dropped from the queue before it was sent, as `pmqtt_queue_options_set` has it.
pub const PMQTT_ERR_DROPPED: c_int = 71;
/// The program cancelled the message, by `pmqtt_cancel` or `pmqtt_queue_clear`.
pub const PMQTT_ERR_CANCELLED: c_int = 72;

/// What becomes of a message that the queue has no room for, in `pmqtt_queue_options`.
pub const PMQTT_WHEN_FULL_REFUSE: c_int = 0;
pub const PMQTT_WHEN_FULL_DROP_OLDEST: c_int = 1;
pub const PMQTT_WHEN_FULL_DROP_QOS0: c_int = 2;

/// Who acknowledges what comes in, for `pmqtt_manual_ack_set`.
pub const PMQTT_ACK_AUTO: c_int = 0;
pub const PMQTT_ACK_IN_ORDER: c_int = 1;
pub const PMQTT_ACK_AT_ONCE: c_int = 2;

/// Levels of log lines.
pub const PMQTT_LOG_INFO: c_int = 1;
pub const PMQTT_LOG_NOTICE: c_int = 2;
pub const PMQTT_LOG_WARNING: c_int = 4;
pub const PMQTT_LOG_ERR: c_int = 8;
/// Each packet, in and out.
pub const PMQTT_LOG_DEBUG: c_int = 16;

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
