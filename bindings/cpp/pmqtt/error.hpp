/// @file
/// Errors: numbers of the library as `std::error_code`, and how a call tells its own.
#ifndef PMQTT_ERROR_HPP
#define PMQTT_ERROR_HPP

#include <pmqtt.h>

#include <string>
#include <system_error>

namespace pmqtt {

/// The error numbers of the library, `PMQTT_ERR_...`, as the header explains them.
enum class errc {
    again = PMQTT_ERR_AGAIN,
    nomem = PMQTT_ERR_NOMEM,
    protocol = PMQTT_ERR_PROTOCOL,
    inval = PMQTT_ERR_INVAL,
    no_conn = PMQTT_ERR_NO_CONN,
    conn_refused = PMQTT_ERR_CONN_REFUSED,
    not_found = PMQTT_ERR_NOT_FOUND,
    conn_lost = PMQTT_ERR_CONN_LOST,
    tls = PMQTT_ERR_TLS,
    payload_size = PMQTT_ERR_PAYLOAD_SIZE,
    not_supported = PMQTT_ERR_NOT_SUPPORTED,
    auth = PMQTT_ERR_AUTH,
    acl_denied = PMQTT_ERR_ACL_DENIED,
    unknown = PMQTT_ERR_UNKNOWN,
    os_error = PMQTT_ERR_ERRNO, ///< `errno` is a macro.
    queue_size = PMQTT_ERR_QUEUE_SIZE,
    keepalive = PMQTT_ERR_KEEPALIVE,
    busy = PMQTT_ERR_BUSY,
    panic = PMQTT_ERR_PANIC,
    timeout = PMQTT_ERR_TIMEOUT,
    dns = PMQTT_ERR_DNS,
    in_doubt = PMQTT_ERR_IN_DOUBT,
    rejected = PMQTT_ERR_REJECTED,
    expired = PMQTT_ERR_EXPIRED,
    dropped = PMQTT_ERR_DROPPED,
    cancelled = PMQTT_ERR_CANCELLED,
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

/// The category of the library's numbers. Its codes compare to `std::errc` where that has a word for
/// them: `ec == std::errc::timed_out`.
inline const std::error_category &category() noexcept
{
    static const detail::error_category instance;
    return instance;
}

/// What makes `ec = pmqtt::errc::busy` work.
inline std::error_code make_error_code(errc code) noexcept
{
    return {static_cast<int>(code), category()};
}

/// `pmqtt_error_string`: the words for an error number, unknown ones too.
inline const char *error_string(int code) noexcept
{
    return pmqtt_error_string(code);
}

/// `pmqtt_reason_string`: the words for a reason, as MQTT 5 numbers it; -1: the broker gave none.
inline const char *reason_string(int reason) noexcept
{
    return pmqtt_reason_string(reason);
}

/// `pmqtt_connack_string`: the words for the return code of a CONNACK.
inline const char *connack_string(int code) noexcept
{
    return pmqtt_connack_string(code);
}

/// Where a call tells that it has failed. Each function that can fail ends with a parameter of this
/// type: given a `std::error_code`, it sets that, to success too; given nothing, it throws
/// `std::system_error`, whose `what()` has the words of `last_error()`.
///
///     client.connect("broker", 1883, 60s, {}, ec);   // never throws for what the library refuses
///     client.connect("broker");                      // throws std::system_error
class or_throw {
public:
    /// Throws.
    or_throw() noexcept = default;
    /// Tells `code`, which has to live through the call.
    or_throw(std::error_code &code) noexcept : code_(&code) {}

    /// Tells how a call ended; `words` gives a `std::string`, when there is an exception to make.
    template <class Words> void operator()(int rc, Words words) const
    {
        const std::error_code code(rc, category());
        if (code_)
            *code_ = code;
        else if (rc != PMQTT_ERR_SUCCESS)
            throw std::system_error(code, words());
    }

    /// Whether a failure becomes an exception.
    bool throws() const noexcept { return code_ == nullptr; }

private:
    std::error_code *code_ = nullptr;
};

} // namespace pmqtt

namespace std {
/// A `pmqtt::errc` becomes a `std::error_code` by itself.
template <> struct is_error_code_enum<pmqtt::errc> : true_type {};
} // namespace std

#endif
