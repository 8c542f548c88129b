/// @file
/// What a client asks for when it connects, and what then applies: `connect_options` and `negotiated`.
#ifndef PMQTT_CONNECT_OPTIONS_HPP
#define PMQTT_CONNECT_OPTIONS_HPP

#include <pmqtt.h>

#include <chrono>
#include <cstdint>
#include <limits>

#include "publication.hpp"
#include "text.hpp"

namespace pmqtt {

/// Versions of MQTT.
enum class protocol {
    v31 = PMQTT_PROTOCOL_V31,   ///< MQTT 3.1.
    v311 = PMQTT_PROTOCOL_V311, ///< MQTT 3.1.1.
    v5 = PMQTT_PROTOCOL_V5,     ///< MQTT 5.
    best = PMQTT_PROTOCOL_BEST, ///< MQTT 5, or MQTT 3.1.1 where the broker does not speak MQTT 5.
};

/// Whether the broker discards the session of earlier connections.
enum class clean_start {
    automatic = PMQTT_CLEAN_START_DEFAULT, ///< As `clean_session` of the client says.
    always = PMQTT_CLEAN_START_ALWAYS,     ///< On each connection.
    first = PMQTT_CLEAN_START_FIRST,       ///< On each connection until the broker has accepted one.
    never = PMQTT_CLEAN_START_NEVER,       ///< Never.
};

/// What a client of MQTT 5 asks the broker for when it connects (`pmqtt_connect_options`).
///
/// A number of 0 is the default.
struct connect_options {
    pmqtt::clean_start clean_start = pmqtt::clean_start::automatic; ///< Whether the broker discards the session.
    /// How long the broker keeps the session after the connection has ended; `seconds::max()`: without limit. 0: as
    /// `clean_session` of the client says. A negative duration counts as 1 second.
    std::chrono::seconds session_expiry{0};
    int receive_maximum = 0;     ///< How many messages of QoS 1 and 2 the broker may send without acknowledgement.
    int topic_alias_send = 0;    ///< How many topic aliases the client uses; -1: none.
    int topic_alias_receive = 0; ///< How many topic aliases the broker may use; -1: none.
    bool request_response_information = false; ///< The broker may send response information (`negotiated_text`).
    bool no_problem_information = false; ///< No reason strings, except with messages, CONNACK and DISCONNECT.
    bool client_id_by_broker = false;    ///< The broker chooses the client identifier.
    pmqtt::user_properties user_properties{}; ///< The user properties of CONNECT.
};

/// What applies to a connection (`pmqtt_negotiated`).
struct negotiated {
    /// Makes it of the C structure.
    explicit negotiated(const ::pmqtt_negotiated &raw) noexcept
        : version(static_cast<protocol>(raw.version)), session_expiry(time(raw.session_expiry_s)),
          maximum_packet_size(raw.maximum_packet_size), receive_maximum(raw.receive_maximum),
          maximum_qos(raw.maximum_qos), topic_alias_maximum(raw.topic_alias_maximum), keep_alive(raw.keep_alive_s),
          retain_available(raw.retain_available), wildcard_available(raw.wildcard_available),
          subscription_identifiers_available(raw.subscription_identifiers_available),
          shared_available(raw.shared_available)
    {
    }

    protocol version; ///< The version of MQTT.
    /// How long the broker keeps the session after the connection has ended; `seconds::max()`: without limit.
    std::chrono::seconds session_expiry;
    std::uint32_t maximum_packet_size; ///< The largest packet that the broker accepts, in bytes.
    int receive_maximum;     ///< How many messages of QoS 1 and 2 the broker accepts without having acknowledged them.
    int maximum_qos;         ///< The largest QoS of a publish.
    int topic_alias_maximum; ///< How many topic aliases the broker accepts.
    std::chrono::seconds keep_alive;         ///< The keep alive interval; 0: none.
    bool retain_available;                   ///< The broker accepts retained messages.
    bool wildcard_available;                 ///< The broker accepts wildcards in topic filters.
    bool subscription_identifiers_available; ///< The broker accepts subscription identifiers; false in MQTT 3.
    bool shared_available;                   ///< The broker accepts shared subscriptions.

private:
    static std::chrono::seconds time(std::uint32_t count) noexcept
    {
        using limits = std::numeric_limits<std::uint32_t>;
        return count == limits::max() ? std::chrono::seconds::max() : std::chrono::seconds(count);
    }
};

namespace detail {

/// The C structure of `connect_options`, which points into copies of the texts.
class raw_connect_options {
public:
    explicit raw_connect_options(const connect_options &from)
        : texts_(raw_pairs::size_of_texts(from.user_properties)), pairs_(from.user_properties.size())
    {
        raw_.struct_size = sizeof raw_;
        raw_.clean_start = static_cast<int>(from.clean_start);
        raw_.session_expiry_s = expiry_s(from.session_expiry);
        raw_.receive_maximum = from.receive_maximum;
        raw_.topic_alias_send = from.topic_alias_send;
        raw_.topic_alias_receive = from.topic_alias_receive;
        raw_.request_response_information = from.request_response_information;
        raw_.no_problem_information = from.no_problem_information;
        raw_.client_id_by_broker = from.client_id_by_broker;
        raw_.user_properties = pairs_.add(from.user_properties, texts_);
        raw_.user_property_count = from.user_properties.size();
    }

    const pmqtt_connect_options *data() const noexcept { return &raw_; }
    bool is_valid() const noexcept { return texts_.is_valid(); }

private:
    text_pool texts_;
    raw_pairs pairs_;
    pmqtt_connect_options raw_{};
};

} // namespace detail
} // namespace pmqtt

#endif
