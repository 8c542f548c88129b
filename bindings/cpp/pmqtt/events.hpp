/// @file
/// Events of callbacks. What an event points to is valid until the callback returns.
#ifndef PMQTT_EVENTS_HPP
#define PMQTT_EVENTS_HPP

#include <pmqtt.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <system_error>

#include "bytes.hpp"
#include "error.hpp"
#include "properties.hpp"
#include "reason.hpp"
#include "sequence.hpp"

namespace pmqtt {

class client_ref;

/// A callback for one kind of event; an empty one removes the callback.
///
/// The callback gets the client as `client_ref &`. Its parameter may also be `auto &` or a `client_ref` by value.
template <class Event> using handler = std::function<void(client_ref &, const Event &)>;

/// The broker's reasons, one for each filter of a request.
using reason_codes = sequence<reason_code, std::uint8_t>;

/// The queue has room again. `messages` is the number of messages in flight or in the queue, and `bytes` is the
/// number of bytes in the queue.
using writable = ::pmqtt_writable;

/// All messages and requests up to `last_mid` are settled.
using drained = ::pmqtt_drained;

/// What a foreign loop waits for from now on: `fd`, `read`, `write`, `closing`, `timeout_ms`.
using interest = ::pmqtt_interest;

/// The broker answered CONNECT.
struct connected {
    /// Makes the event of the C structure.
    explicit connected(const ::pmqtt_connected &raw) noexcept
        : session_present(raw.session_present), rc(raw.rc), reason(static_cast<reason_code>(raw.reason)),
          properties(raw.properties)
    {
    }

    bool session_present; ///< The broker has kept the session of an earlier connection (not in MQTT 3.1).
    /// What CONNACK said; 0: the broker accepted the connection. A refusal: 1 to 5 (`connack_string`), in MQTT 5 the
    /// reason code.
    int rc;
    reason_code reason;           ///< `rc` as a reason code, in every version. `reason_string` describes it.
    pmqtt::properties properties; ///< The properties of CONNACK (MQTT 5).
};

/// An attempt to connect failed before the broker answered CONNECT.
struct connect_failed {
    /// Makes the event of the C structure.
    explicit connect_failed(const ::pmqtt_connect_failed &raw) noexcept : error(raw.rc, category()) {}

    std::error_code error; ///< The reason; `errc::no_conn`: the program gave up or replaced the attempt.
};

/// A connection ended.
struct disconnected {
    /// Makes the event of the C structure.
    explicit disconnected(const ::pmqtt_disconnected &raw) noexcept
        : error(raw.rc, category()), reason(static_cast<reason_code>(raw.reason)), properties(raw.properties)
    {
    }

    std::error_code error;        ///< The reason; no error if the program asked for the end.
    reason_code reason;           ///< The reason of the broker's DISCONNECT (MQTT 5).
    pmqtt::properties properties; ///< The properties of the broker's DISCONNECT (MQTT 5).
};

/// The broker sends the client to another server (MQTT 5). `redirect_follow` goes there.
struct redirect {
    /// Makes the event of the C structure.
    explicit redirect(const ::pmqtt_redirect &raw) noexcept
        : reason(static_cast<reason_code>(raw.reason)), reference(raw.reference), port(raw.port), hops(raw.hops)
    {
        if (raw.host)
            host = raw.host;
    }

    reason_code reason;         ///< `use_another_server`, for now, or `server_moved`.
    std::string_view reference; ///< The server reference of CONNACK or DISCONNECT, with a NUL after it.
    /// The host of the first server in `reference`, with a NUL after it; `nullopt`: the library can't read the
    /// reference, and `redirect_follow` fails.
    std::optional<std::string_view> host;
    int port; ///< The port of this server, or else the default port; 0 if there is no host.
    int hops; ///< How many redirects the client has followed in a row.
};

/// A message from the broker.
struct message {
    /// Makes the event of the C structure.
    explicit message(const ::pmqtt_message &raw) noexcept
        : topic(raw.topic, raw.topic_len), payload(raw.payload, raw.payload_len), mid(raw.mid),
          qos(raw.qos), retain(raw.retain), dup(raw.dup), properties(raw.properties)
    {
    }

    std::string_view topic;       ///< The topic, with a NUL after it.
    bytes payload;                ///< The payload, not NUL-terminated.
    std::uint64_t mid;            ///< The number for `ack`; 0 at QoS 0.
    int qos;                      ///< 0, 1 or 2.
    bool retain;                  ///< A retained message, which the broker sent because of a new subscription.
    bool dup;                     ///< The broker may have sent it before.
    pmqtt::properties properties; ///< The properties of the message (MQTT 5).

    /// Returns the C structure.
    ::pmqtt_message raw() const noexcept
    {
        ::pmqtt_message to{};
        to.mid = mid;
        to.topic = topic.data();
        to.topic_len = topic.size();
        to.payload = payload.data();
        to.payload_len = payload.size();
        to.qos = qos;
        to.retain = retain;
        to.dup = dup;
        to.properties = properties.raw();
        return to;
    }
};

/// A request has ended (MQTT 5).
struct response {
    /// Makes the event of the C structure.
    explicit response(const ::pmqtt_response &raw) noexcept
        : id(raw.id), error(raw.rc, category()), reason(static_cast<reason_code>(raw.reason))
    {
        if (raw.message)
            message.emplace(*raw.message);
    }

    std::uint64_t id; ///< The number that `request` returned.

    /// How the request ended; `pmqtt_response` has the details.
    ///
    /// - No error: the response is here.
    /// - `errc::timeout`: the time of the request is over.
    /// - `errc::rejected`: the broker refused the request, or the subscription for the responses. `reason` says why.
    /// - `errc::expired`: the message was not sent within its time limit.
    /// - `errc::dropped`: the message made room for another one in the queue.
    /// - `errc::cancelled`: the program cancelled the request.
    /// - `errc::not_supported`: the new connection is of MQTT 3.1.1 (`protocol::best`).
    std::error_code error;

    reason_code reason;                    ///< The broker's reason with `errc::rejected`; otherwise `unsaid`.
    std::optional<pmqtt::message> message; ///< The response; `nullopt` if there is an error.
};

/// A message that was published has its outcome.
struct published {
    /// Makes the event of the C structure.
    explicit published(const ::pmqtt_published &raw) noexcept
        : mid(raw.mid), error(raw.rc, category()), reason(static_cast<reason_code>(raw.reason)),
          properties(raw.properties), tag(raw.tag)
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
    /// - `errc::rejected`: the broker refused the message, or does not take such messages (MQTT 5). `reason` says why,
    ///   and `make_error_code(reason)` is the same as an error code.
    std::error_code error;

    reason_code reason;           ///< The reason of the broker's acknowledgement (MQTT 5).
    pmqtt::properties properties; ///< The properties of the broker's acknowledgement (MQTT 5).
    std::uint64_t tag;            ///< The `tag` of the `publication`; 0: none.
};

/// The broker answered SUBSCRIBE, or the connection ended before the answer.
struct subscribed {
    /// Makes the event of the C structure.
    explicit subscribed(const ::pmqtt_subscribed &raw) noexcept
        : mid(raw.mid), error(raw.rc, category()), granted_qos(raw.granted_qos, raw.granted_qos_count),
          reasons(raw.granted_qos, raw.granted_qos_count), reason(static_cast<reason_code>(raw.reason)),
          properties(raw.properties), filters(raw.filters, raw.filters ? raw.granted_qos_count : 0)
    {
    }

    /// The number that `subscribe` returned; 0: the client has subscribed again by itself (`resubscribe_set`), and
    /// the broker refused `filters`.
    std::uint64_t mid;
    std::error_code error;        ///< `errc::conn_lost` if the connection ended before the answer.
    bytes granted_qos;            ///< The granted QoS of each filter, or a refusal: 0x80 or more.
    reason_codes reasons;         ///< The same as reason codes.
    reason_code reason;           ///< The broker's reason for the first filter (MQTT 5).
    pmqtt::properties properties; ///< The properties of SUBACK (MQTT 5).
    /// The refused filters if `mid` is 0; else empty. Each has a NUL after it.
    sequence<std::string_view, const char *> filters;
};

/// The broker answered UNSUBSCRIBE, or the connection ended before the answer.
struct unsubscribed {
    /// Makes the event of the C structure.
    explicit unsubscribed(const ::pmqtt_unsubscribed &raw) noexcept
        : mid(raw.mid), error(raw.rc, category()), reasons(raw.reasons, raw.reasons_count),
          reason(static_cast<reason_code>(raw.reason)), properties(raw.properties)
    {
    }

    std::uint64_t mid;            ///< The number that `unsubscribe` returned.
    std::error_code error;        ///< `errc::conn_lost` if the connection ended before the answer.
    reason_codes reasons;         ///< The broker's reason for each filter; empty in MQTT 3.
    reason_code reason;           ///< The broker's reason for the first filter (MQTT 5).
    pmqtt::properties properties; ///< The properties of UNSUBACK (MQTT 5).
};

/// The step of an enhanced authentication.
enum class auth_step {
    start = PMQTT_AUTH_START,         ///< The program gives its first data.
    challenge = PMQTT_AUTH_CHALLENGE, ///< The broker asks, and the program answers.
    done = PMQTT_AUTH_DONE,           ///< The broker is content.
};

/// A step of an enhanced authentication, which the program answers with `auth_answer` (MQTT 5).
struct auth_event {
    /// Makes the event of the C structure.
    explicit auth_event(const ::pmqtt_auth_event &raw) noexcept
        : step(static_cast<auth_step>(raw.step)), reason(static_cast<reason_code>(raw.reason)), method(raw.method),
          data(raw.data, raw.data_len), properties(raw.properties)
    {
    }

    auth_step step;               ///< The step.
    reason_code reason;           ///< The reason of the broker's packet; `unsaid` at the start.
    std::string_view method;      ///< The authentication method, with a NUL after it.
    bytes data;                   ///< The broker's authentication data.
    pmqtt::properties properties; ///< The properties of the broker's AUTH or CONNACK, also its method and data.
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
