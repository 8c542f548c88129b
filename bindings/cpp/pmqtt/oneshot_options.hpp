/// @file
/// Options of one-shots.
#ifndef PMQTT_ONESHOT_OPTIONS_HPP
#define PMQTT_ONESHOT_OPTIONS_HPP

#include <pmqtt.h>

#include <optional>
#include <string>
#include <string_view>

#include "base.hpp"
#include "bytes.hpp"
#include "client.hpp"
#include "error.hpp"
#include "publication.hpp"
#include "settings.hpp"
#include "text.hpp"

namespace pmqtt {

/// How a one-shot uses TLS (`pmqtt_tls_options`).
///
/// By default the broker's certificate must lead to an authority of the system's store, and be for the host.
/// An empty text stands for NULL in C.
struct tls_options {
    std::string ca_certs;                    ///< A PEM file of authorities to trust; empty: the system's store.
    std::string certfile;                    ///< A PEM file with the client's certificate; empty: none.
    std::string keyfile;                     ///< A PEM file with its private key; empty: `certfile` has it.
    std::string ciphers;                     ///< Cipher names of OpenSSL; empty: its choice.
    std::string server_name;                 ///< The name that the certificate must be for; empty: the host.
    tls_version version = tls_version::best; ///< The only version to use, or the best.
    bool insecure = false;                   ///< The client accepts a valid certificate for any name.
    bool no_verify = false;                  ///< The client accepts any certificate, so anybody can listen.
};

/// How a one-shot connects (`pmqtt_oneshot_options`).
///
/// By default it connects to the broker of this host, without TLS. A time of 0 is the default.
struct oneshot_options {
    std::string hostname;                ///< Name or address; empty: localhost.
    int port = 0;                        ///< 0: 1883, or 8883 with TLS.
    std::string client_id;               ///< Empty: a random one, which requires that `durable` is false.
    seconds keepalive{0};                ///< The keep alive interval; 0: 60 s.
    std::optional<publication> will;     ///< Published if the connection ends without a DISCONNECT.
    std::optional<std::string> username; ///< The user name; none: no password either.
    std::optional<std::string> password; ///< The password, without a NUL inside.
    std::optional<tls_options> tls;      ///< The TLS options; none: no TLS.
    protocol version = protocol::v311;   ///< The version of MQTT.
    milliseconds timeout{0};             ///< The longest time that the call may take; 0: 30 s.
    bool durable = false;                ///< The broker keeps the session.
    std::string *error = nullptr;        ///< The description of a failure; an exception has it too.
};

namespace detail {

/// The C structures of `oneshot_options`. They point into the C++ structure.
class raw_options {
public:
    explicit raw_options(const oneshot_options &from) : error_(from.error)
    {
        raw_.struct_size = sizeof raw_;
        raw_.hostname = optional(from.hostname);
        raw_.port = from.port;
        raw_.client_id = optional(from.client_id);
        raw_.keepalive = number(from.keepalive);
        if (from.will) {
            will_.emplace(*from.will);
            valid_ = valid_ && will_->is_valid();
            raw_.will = will_->data();
        }
        raw_.username = from.username ? take(*from.username) : nullptr;
        raw_.password = from.password ? take(*from.password) : nullptr;
        if (from.tls)
            take(*from.tls);
        raw_.protocol = static_cast<int>(from.version);
        raw_.timeout_ms = number(from.timeout);
        raw_.durable = from.durable;
        raw_.error = words_;
        raw_.error_size = sizeof words_;
    }

    raw_options(const raw_options &) = delete;
    raw_options &operator=(const raw_options &) = delete;

    /// Makes the call, if no text has a NUL inside, and reports the result to `ec`.
    template <class Texts, class Function> void call(const char *what, or_throw ec, const Texts &texts, Function function)
    {
        std::string("a text has a NUL inside").copy(words_, sizeof words_ - 1);
        const bool is_valid = valid_ && texts.is_valid();
        const int rc = is_valid ? function(&raw_) : PMQTT_ERR_INVAL;
        if (rc != PMQTT_ERR_SUCCESS && error_)
            *error_ = words_;
        ec(rc, [&] { return what + (": " + std::string(words_)); });
    }

private:
    const char *take(const std::string &from)
    {
        valid_ = valid_ && is_whole(from);
        return from.c_str();
    }

    const char *optional(const std::string &from) { return from.empty() ? nullptr : take(from); }

    void take(const tls_options &from)
    {
        tls_.struct_size = sizeof tls_;
        tls_.ca_certs = optional(from.ca_certs);
        tls_.certfile = optional(from.certfile);
        tls_.keyfile = optional(from.keyfile);
        tls_.ciphers = optional(from.ciphers);
        tls_.server_name = optional(from.server_name);
        tls_.tls_version = static_cast<int>(from.version);
        tls_.insecure = from.insecure;
        tls_.no_verify = from.no_verify;
        raw_.tls = &tls_;
    }

    pmqtt_oneshot_options raw_{};
    pmqtt_tls_options tls_{};
    std::optional<raw_publications> will_;
    std::string *error_;
    bool valid_ = true;
    char words_[512] = "";
};

} // namespace detail
} // namespace pmqtt

#endif
