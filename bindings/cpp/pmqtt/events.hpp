/// @file
/// Events of callbacks. What an event points to is valid until the callback returns.
#ifndef PMQTT_EVENTS_HPP
#define PMQTT_EVENTS_HPP

#include <pmqtt.h>

#include <cstdint>
#include <functional>
#include <string_view>
#include <system_error>

#include "bytes.hpp"
#include "error.hpp"

namespace pmqtt {

class client_ref;

/// A callback for one kind of event; an empty one removes the callback.
///
/// The callback gets the client as `client_ref &`. Its parameter may also be `auto &` or a `client_ref` by value.
template <class Event> using handler = std::function<void(client_ref &, const Event &)>;

/// The broker answered CONNECT: `session_present`, `rc` (0: the broker accepted the connection), `reason`.
using connected = ::pmqtt_connected;

/// The queue has room again. `messages` is the number of messages in flight or in the queue, and `bytes` is the
/// number of bytes in the queue.
using writable = ::pmqtt_writable;

/// All messages and requests up to `last_mid` are settled.
using drained = ::pmqtt_drained;

/// What a foreign loop waits for from now on: `fd`, `read`, `write`, `closing`, `timeout_ms`.
using interest = ::pmqtt_interest;

/// An attempt to connect failed before the broker answered CONNECT.
struct connect_failed {
    /// Makes the event of the C structure.
    explicit connect_failed(const ::pmqtt_connect_failed &raw) noexcept : error(raw.rc, category()) {}

    std::error_code error; ///< The reason; `errc::no_conn`: the program gave up or replaced the attempt.
};

/// A connection ended.
struct disconnected {
    /// Makes the event of the C structure.
    explicit disconnected(const ::pmqtt_disconnected &raw) noexcept : error(raw.rc, category()), reason(raw.reason) {}

    std::error_code error; ///< The reason; no error if the program asked for the end.
    int reason;            ///< The broker's MQTT 5 reason code; -1: none.
};

/// A message from the broker.
struct message {
    /// Makes the event of the C structure.
    explicit message(const ::pmqtt_message &raw) noexcept
        : topic(raw.topic, raw.topic_len), payload(raw.payload, raw.payload_len), mid(raw.mid),
          qos(raw.qos), retain(raw.retain), dup(raw.dup)
    {
    }

    std::string_view topic; ///< The topic, with a NUL after it.
    bytes payload;          ///< The payload, not NUL-terminated.
    std::uint64_t mid;      ///< The number for `ack`; 0 at QoS 0.
    int qos;                ///< 0, 1 or 2.
    bool retain;            ///< A retained message, which the broker sent because of a new subscription.
    bool dup;               ///< The broker may have sent it before.
};

/// A message that was published has its outcome.
struct published {
    /// Makes the event of the C structure.
    explicit published(const ::pmqtt_published &raw) noexcept
        : mid(raw.mid), error(raw.rc, category()), reason(raw.reason)
    {
    }

    std::uint64_t mid; ///< The number that `publish` returned.

    /// The outcome; `pmqtt_on_publish_set` has the details.
    ///
    /// - No error: the operating system has the message of QoS 0, or the broker has acknowledged QoS 1 or 2.
    /// - `errc::conn_lost`: the connection ended before QoS 0 was written.
    /// - `errc::in_doubt`: the broker lost the session between PUBREC and PUBCOMP of a message of QoS 2.
    /// - `errc::dropped`: the message made room for another one in the queue.
    /// - `errc::expired`: the message was not sent within its time limit.
    /// - `errc::cancelled`: the program cancelled the message.
    std::error_code error;

    int reason; ///< The broker's MQTT 5 reason code; -1: none.
};

/// The broker answered SUBSCRIBE, or the connection ended before the answer.
struct subscribed {
    /// Makes the event of the C structure.
    explicit subscribed(const ::pmqtt_subscribed &raw) noexcept
        : mid(raw.mid), error(raw.rc, category()), granted_qos(raw.granted_qos, raw.granted_qos_count),
          reason(raw.reason)
    {
    }

    std::uint64_t mid;     ///< The number that `subscribe` returned.
    std::error_code error; ///< `errc::conn_lost` if the connection ended before the answer.
    bytes granted_qos;     ///< The granted QoS of each filter, or 0x80 for a refusal.
    int reason;            ///< The broker's MQTT 5 reason code for the whole request; -1: none.
};

/// The broker answered UNSUBSCRIBE, or the connection ended before the answer.
struct unsubscribed {
    /// Makes the event of the C structure.
    explicit unsubscribed(const ::pmqtt_unsubscribed &raw) noexcept
        : mid(raw.mid), error(raw.rc, category()), reason(raw.reason)
    {
    }

    std::uint64_t mid;     ///< The number that `unsubscribe` returned.
    std::error_code error; ///< `errc::conn_lost` if the connection ended before the answer.
    int reason;            ///< The broker's MQTT 5 reason code; -1: none.
};

/// The level of a log line.
enum class log_level {
    info = PMQTT_LOG_INFO,       ///< Stages of connecting, and connections that ended as asked.
    notice = PMQTT_LOG_NOTICE,   ///< Not used by this version.
    warning = PMQTT_LOG_WARNING, ///< Something failed or was unexpected, and the client goes on.
    err = PMQTT_LOG_ERR,         ///< Why a connection, or an attempt to connect, has failed.
    debug = PMQTT_LOG_DEBUG,     ///< Each packet, in and out.
};

/// A line for the log.
struct log_line {
    /// Makes the event of the C structure.
    explicit log_line(const ::pmqtt_log_line &raw) noexcept
        : level(static_cast<log_level>(raw.level)), text(raw.text)
    {
    }

    log_level level;       ///< The level.
    std::string_view text; ///< The line, with a NUL after it.
};

} // namespace pmqtt

#endif
