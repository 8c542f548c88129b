/// @file
/// What callbacks are told. What an event points to is valid until the callback returns.
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

/// A callback for one kind of event; one that is empty clears it. It is given the client as
/// `client_ref &`, which may also be taken as `auto &` or by value.
template <class Event> using handler = std::function<void(client_ref &, const Event &)>;

/// The broker answered CONNECT: `session_present`, and `rc`, which is 0 when it has accepted.
using connected = ::pmqtt_connected;

/// There is room in the queue again: `messages` and `bytes` that are in it.
using writable = ::pmqtt_writable;

/// What a foreign loop has to wait for from now on: `fd`, `read`, `write`, `closing`, `timeout_ms`.
using interest = ::pmqtt_interest;

/// An attempt to connect failed before the broker answered CONNECT; `errc::no_conn` where the program gave
/// it up, or replaced it.
struct connect_failed {
    /// As C has it.
    explicit connect_failed(const ::pmqtt_connect_failed &raw) noexcept : error(raw.rc, category()) {}

    std::error_code error; ///< Why.
};

/// A connection ended; without an error when the program asked for it.
struct disconnected {
    /// As C has it.
    explicit disconnected(const ::pmqtt_disconnected &raw) noexcept : error(raw.rc, category()), reason(raw.reason) {}

    std::error_code error; ///< Why.
    int reason;            ///< What the broker said, as MQTT 5 numbers it; -1: nothing.
};

/// A message from the broker.
struct message {
    /// As C has it.
    explicit message(const ::pmqtt_message &raw) noexcept
        : topic(raw.topic, raw.topic_len), payload(raw.payload, raw.payload_len), mid(raw.mid),
          qos(raw.qos), retain(raw.retain), dup(raw.dup)
    {
    }

    std::string_view topic; ///< There is a NUL behind it.
    bytes payload;          ///< Not NUL-terminated.
    std::uint64_t mid;      ///< What `ack` knows it by; 0 at QoS 0.
    int qos;                ///< 0, 1 or 2.
    bool retain;            ///< Out of the broker's store, because of a new subscription.
    bool dup;               ///< The broker may have sent it before.
};

/// A publish is done: QoS 0 is with the operating system, QoS 1 and 2 with the broker; or
/// `errc::conn_lost` for a message of QoS 0 that was not written, or `errc::dropped` for one that left the queue, `errc::in_doubt` for one of QoS 2 that
/// the broker may have lost together with the session.
struct published {
    /// As C has it.
    explicit published(const ::pmqtt_published &raw) noexcept
        : mid(raw.mid), error(raw.rc, category()), reason(raw.reason)
    {
    }

    std::uint64_t mid;     ///< What `publish` has returned.
    std::error_code error; ///< None when it is done.
    int reason;            ///< What the broker said, as MQTT 5 numbers it; -1: nothing.
};

/// The broker answered SUBSCRIBE; or `errc::conn_lost` without an answer.
struct subscribed {
    /// As C has it.
    explicit subscribed(const ::pmqtt_subscribed &raw) noexcept
        : mid(raw.mid), error(raw.rc, category()), granted_qos(raw.granted_qos, raw.granted_qos_count),
          reason(raw.reason)
    {
    }

    std::uint64_t mid;     ///< What `subscribe` has returned.
    std::error_code error; ///< None when it did.
    bytes granted_qos;     ///< For each filter the QoS, or 0x80 for a refusal.
    int reason;            ///< What the broker said of the whole, as MQTT 5 numbers it; -1: nothing.
};

/// The broker answered UNSUBSCRIBE; or `errc::conn_lost` without an answer.
struct unsubscribed {
    /// As C has it.
    explicit unsubscribed(const ::pmqtt_unsubscribed &raw) noexcept
        : mid(raw.mid), error(raw.rc, category()), reason(raw.reason)
    {
    }

    std::uint64_t mid;     ///< What `unsubscribe` has returned.
    std::error_code error; ///< None when it did.
    int reason;            ///< What the broker said, as MQTT 5 numbers it; -1: nothing.
};

/// How much a line for the log matters.
enum class log_level {
    info = PMQTT_LOG_INFO,
    notice = PMQTT_LOG_NOTICE,
    warning = PMQTT_LOG_WARNING,
    err = PMQTT_LOG_ERR,
    debug = PMQTT_LOG_DEBUG, ///< Each packet, in and out.
};

/// A line for the log.
struct log_line {
    /// As C has it.
    explicit log_line(const ::pmqtt_log_line &raw) noexcept
        : level(static_cast<log_level>(raw.level)), text(raw.text)
    {
    }

    log_level level;       ///< What `on_log` may choose by.
    std::string_view text; ///< There is a NUL behind it.
};

} // namespace pmqtt

#endif
