/// @file
/// Reason codes of MQTT 5, and as `std::error_code`.
#ifndef PMQTT_REASON_HPP
#define PMQTT_REASON_HPP

#include <pmqtt.h>

#include <string>
#include <system_error>

namespace pmqtt {

/// The reason codes of MQTT 5 (table 2-6).
///
/// `reason` of an event is one of them in every version of MQTT, or `unsaid`. Compare it with these names:
///
///     if (event.reason == pmqtt::reason_code::not_authorised) ...
///
/// A reason converts to `std::error_code`, and so fits into `std::system_error`. Reasons under 0x80 are no
/// failures: they become the error code 0.
enum class reason_code {
    unsaid = -1,                                  ///< The broker gave no reason.
    success = 0x00,                               ///< Success, or QoS 0 is granted.
    granted_qos_1 = 0x01,                         ///< QoS 1 is granted.
    granted_qos_2 = 0x02,                         ///< QoS 2 is granted.
    disconnect_with_will = 0x04,                  ///< A DISCONNECT after which the broker publishes the will.
    no_matching_subscribers = 0x10,               ///< The broker has the message, and nobody subscribes to it.
    no_subscription_existed = 0x11,               ///< There was no such subscription to end.
    continue_authentication = 0x18,               ///< The authentication goes on.
    re_authenticate = 0x19,                       ///< An authentication begins on an open connection.
    unspecified_error = 0x80,                     ///< An error without another code; each refusal of SUBACK in MQTT 3.
    malformed_packet = 0x81,                      ///< A packet is not as the specification says.
    protocol_error = 0x82,                        ///< A packet is not allowed at this moment.
    implementation_specific_error = 0x83,         ///< A valid packet that the receiver does not accept.
    unsupported_protocol_version = 0x84,          ///< The broker does not speak this version of MQTT.
    client_identifier_not_valid = 0x85,           ///< The broker does not accept the client identifier.
    bad_user_name_or_password = 0x86,             ///< The user name or the password is wrong.
    not_authorised = 0x87,                        ///< The client must not do this.
    server_unavailable = 0x88,                    ///< The broker is not available.
    server_busy = 0x89,                           ///< The broker is busy; try again later.
    banned = 0x8a,                                ///< The client is banned.
    server_shutting_down = 0x8b,                  ///< The broker ends.
    bad_authentication_method = 0x8c,             ///< The broker does not support the method, or expects another one.
    keep_alive_timeout = 0x8d,                    ///< The broker has received nothing for too long.
    session_taken_over = 0x8e,                    ///< Another connection has the same client identifier.
    topic_filter_invalid = 0x8f,                  ///< The broker does not accept this topic filter.
    topic_name_invalid = 0x90,                    ///< The receiver does not accept this topic.
    packet_identifier_in_use = 0x91,              ///< The packet identifier is in use.
    packet_identifier_not_found = 0x92,           ///< There is no such packet identifier.
    receive_maximum_exceeded = 0x93,              ///< More messages than the receive maximum allows.
    topic_alias_invalid = 0x94,                   ///< There is no such topic alias.
    packet_too_large = 0x95,                      ///< The packet is larger than the receiver accepts.
    message_rate_too_high = 0x96,                 ///< Too many messages in too short a time.
    quota_exceeded = 0x97,                        ///< A quota is used up.
    administrative_action = 0x98,                 ///< An administrator has ended the connection.
    payload_format_invalid = 0x99,                ///< The payload is not what the message says.
    retain_not_supported = 0x9a,                  ///< The broker has no retained messages.
    qos_not_supported = 0x9b,                     ///< The broker does not take this QoS.
    use_another_server = 0x9c,                    ///< Use another broker for now.
    server_moved = 0x9d,                          ///< Use another broker from now on.
    shared_subscriptions_not_supported = 0x9e,    ///< The broker has no shared subscriptions.
    connection_rate_exceeded = 0x9f,              ///< Too many connections in too short a time.
    maximum_connect_time = 0xa0,                  ///< The connection has lasted as long as it may.
    subscription_identifiers_not_supported = 0xa1,///< The broker has no subscription identifiers.
    wildcard_subscriptions_not_supported = 0xa2,  ///< The broker has no wildcards in topic filters.
};

/// Returns the description of an MQTT 5 reason code (`pmqtt_reason_string`).
inline const char *reason_string(reason_code reason) noexcept
{
    return pmqtt_reason_string(static_cast<int>(reason));
}

namespace detail {

class reason_category final : public std::error_category {
public:
    const char *name() const noexcept override { return "mqtt5"; }

    std::string message(int code) const override { return pmqtt_reason_string(code); }

    std::error_condition default_error_condition(int code) const noexcept override
    {
        switch (static_cast<reason_code>(code)) {
        case reason_code::malformed_packet:
        case reason_code::protocol_error: return std::errc::protocol_error;
        case reason_code::unsupported_protocol_version: return std::errc::protocol_not_supported;
        case reason_code::bad_user_name_or_password:
        case reason_code::not_authorised:
        case reason_code::banned: return std::errc::permission_denied;
        case reason_code::server_busy: return std::errc::device_or_resource_busy;
        case reason_code::keep_alive_timeout: return std::errc::timed_out;
        case reason_code::packet_too_large: return std::errc::message_size;
        case reason_code::retain_not_supported:
        case reason_code::qos_not_supported:
        case reason_code::shared_subscriptions_not_supported:
        case reason_code::subscription_identifiers_not_supported:
        case reason_code::wildcard_subscriptions_not_supported: return std::errc::not_supported;
        default: return {code, *this};
        }
    }
};

} // namespace detail

/// Returns the category of reason codes.
///
/// Its codes are equal to the codes of `std::errc` with the same meaning: `ec == std::errc::permission_denied`.
inline const std::error_category &reason_category() noexcept
{
    static const detail::reason_category instance;
    return instance;
}

/// Makes an error code of a reason: 0 if the reason is under 0x80, as that is no failure.
inline std::error_code make_error_code(reason_code reason) noexcept
{
    const int code = static_cast<int>(reason);
    return {code < 0x80 ? 0 : code, reason_category()};
}

} // namespace pmqtt

namespace std {
/// Lets a `pmqtt::reason_code` convert to `std::error_code`.
template <> struct is_error_code_enum<pmqtt::reason_code> : true_type {};
} // namespace std

#endif
