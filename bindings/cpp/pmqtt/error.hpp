/// @file
/// Error numbers of the library as `std::error_code`, and how calls report failures.
#ifndef PMQTT_ERROR_HPP
#define PMQTT_ERROR_HPP

#include <pmqtt.h>

#include <string>
#include <system_error>

namespace pmqtt {

/// The error numbers of the library, as `pmqtt.h` describes them.
enum class errc {
    again = PMQTT_ERR_AGAIN,                ///< Reserved.
    nomem = PMQTT_ERR_NOMEM,                ///< There is no memory.
    protocol = PMQTT_ERR_PROTOCOL,          ///< The broker has broken the rules of the protocol.
    inval = PMQTT_ERR_INVAL,                ///< An argument is wrong, or the call does not fit the state.
    no_conn = PMQTT_ERR_NO_CONN,            ///< There is no connection.
    conn_refused = PMQTT_ERR_CONN_REFUSED,  ///< The broker has refused the connection.
    not_found = PMQTT_ERR_NOT_FOUND,        ///< The named thing does not exist.
    conn_lost = PMQTT_ERR_CONN_LOST,        ///< The connection was lost.
    tls = PMQTT_ERR_TLS,                    ///< TLS has failed.
    payload_size = PMQTT_ERR_PAYLOAD_SIZE,  ///< A payload or a packet is too large.
    not_supported = PMQTT_ERR_NOT_SUPPORTED,///< The library does not support this.
    auth = PMQTT_ERR_AUTH,                  ///< An enhanced authentication has failed.
    acl_denied = PMQTT_ERR_ACL_DENIED,      ///< An access control list denies this.
    unknown = PMQTT_ERR_UNKNOWN,            ///< An error without a name.
    os_error = PMQTT_ERR_ERRNO,             ///< The operating system has reported an error. (`errno` is a macro.)
    queue_size = PMQTT_ERR_QUEUE_SIZE,      ///< The queue is full.
    keepalive = PMQTT_ERR_KEEPALIVE,        ///< The broker has not answered in time.
    busy = PMQTT_ERR_BUSY,                  ///< Another call is doing this at the moment.
    panic = PMQTT_ERR_PANIC,                ///< The library has failed internally.
    timeout = PMQTT_ERR_TIMEOUT,            ///< The timeout has passed.
    dns = PMQTT_ERR_DNS,                    ///< The host name could not be looked up.
    in_doubt = PMQTT_ERR_IN_DOUBT,          ///< Nobody knows whether a message of QoS 2 was delivered.
    rejected = PMQTT_ERR_REJECTED,          ///< The broker refused the message (MQTT 5).
    expired = PMQTT_ERR_EXPIRED,            ///< The message was not sent within its time limit.
    dropped = PMQTT_ERR_DROPPED,            ///< The queue dropped the message.
    cancelled = PMQTT_ERR_CANCELLED,        ///< The program cancelled the message.
};

namespace detail {

class error_category final : public std::error_category {
public:
    const char *name() const noexcept override { return "pmqtt"; }

    std::string message(int code) const override { return pmqtt_error_string(code); }

    std::error_condition default_error_condition(int code) const noexcept override
    {
        switch (static_cast<errc>(code)) {
        case errc::again: return std::errc::resource_unavailable_try_again;
        case errc::nomem: return std::errc::not_enough_memory;
        case errc::protocol: return std::errc::protocol_error;
        case errc::inval: return std::errc::invalid_argument;
        case errc::no_conn: return std::errc::not_connected;
        case errc::conn_refused: return std::errc::connection_refused;
        case errc::conn_lost: return std::errc::connection_reset;
        case errc::payload_size: return std::errc::message_size;
        case errc::not_supported: return std::errc::not_supported;
        case errc::acl_denied: return std::errc::permission_denied;
        case errc::queue_size: return std::errc::no_buffer_space;
        case errc::busy: return std::errc::device_or_resource_busy;
        case errc::timeout: return std::errc::timed_out;
        case errc::cancelled: return std::errc::operation_canceled;
        default: return {code, *this};
        }
    }
};

} // namespace detail

/// Returns the category of the library's error numbers.
///
/// Its codes are equal to the codes of `std::errc` with the same meaning: `ec == std::errc::timed_out`.
inline const std::error_category &category() noexcept
{
    static const detail::error_category instance;
    return instance;
}

/// Makes an error code, so that `ec = pmqtt::errc::busy` works.
inline std::error_code make_error_code(errc code) noexcept
{
    return {static_cast<int>(code), category()};
}

/// Returns the description of an error number (`pmqtt_error_string`).
inline const char *error_string(int code) noexcept
{
    return pmqtt_error_string(code);
}

/// Returns the description of a CONNACK return code (`pmqtt_connack_string`).
inline const char *connack_string(int code) noexcept
{
    return pmqtt_connack_string(code);
}

/// How a call reports a failure: by `std::error_code` or by exception.
///
/// The last parameter of each function that can fail has this type.
/// - Given a `std::error_code`, the function sets it, on success too.
/// - Given nothing, it throws `std::system_error`. The text of `what()` contains `last_error()`.
///
///     client.connect("broker", 1883, 60s, {}, ec);   // a failure is in ec
///     client.connect("broker");                      // throws std::system_error
class or_throw {
public:
    /// Reports failures by exception.
    or_throw() noexcept = default;
    /// Reports failures in `code`, which must exist until the call returns.
    or_throw(std::error_code &code) noexcept : code_(&code) {}

    /// Reports the result of a call. `words` returns the text of the exception, a `std::string`.
    template <class Words> void operator()(int rc, Words words) const
    {
        const std::error_code code(rc, category());
        if (code_)
            *code_ = code;
        else if (rc != PMQTT_ERR_SUCCESS)
            throw std::system_error(code, words());
    }

    /// Tells whether a failure becomes an exception.
    bool throws() const noexcept { return code_ == nullptr; }

private:
    std::error_code *code_ = nullptr;
};

} // namespace pmqtt

namespace std {
/// Lets a `pmqtt::errc` convert to `std::error_code`.
template <> struct is_error_code_enum<pmqtt::errc> : true_type {};
} // namespace std

#endif
