/// @file
/// What a client can be set to: `client_settings`, a base of `client_ref`.
#ifndef PMQTT_SETTINGS_HPP
#define PMQTT_SETTINGS_HPP

#include <pmqtt.h>

#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base.hpp"
#include "bytes.hpp"

namespace pmqtt {

/// What is demanded of the broker's certificate.
enum class cert_reqs { none = PMQTT_CERT_NONE, optional = PMQTT_CERT_OPTIONAL, required = PMQTT_CERT_REQUIRED };

/// Who acknowledges messages of QoS 1 and 2, as `pmqtt_manual_ack_set` explains it.
enum class ack_mode { automatic = PMQTT_ACK_AUTO, in_order = PMQTT_ACK_IN_ORDER, at_once = PMQTT_ACK_AT_ONCE };

/// What becomes of a message that the queue has no room for, as `pmqtt_queue_options` explains it.
enum class when_full {
    refuse = PMQTT_WHEN_FULL_REFUSE,
    drop_oldest = PMQTT_WHEN_FULL_DROP_OLDEST,
    drop_qos0 = PMQTT_WHEN_FULL_DROP_QOS0,
};

/// What becomes of messages that wait, as `pmqtt_queue_options` explains it.
struct queue_options {
    pmqtt::when_full when_full = pmqtt::when_full::refuse;
    bool newest_only = false;
    bool keep_qos0 = false;
};

/// Versions of TLS. 1.0 and 1.1 are not safe any more.
enum class tls_version {
    best = 0, ///< The best that both sides have, 1.2 at least.
    v1_0 = PMQTT_TLS_V1_0,
    v1_1 = PMQTT_TLS_V1_1,
    v1_2 = PMQTT_TLS_V1_2,
    v1_3 = PMQTT_TLS_V1_3,
};

/// The settings of a client. Each is `pmqtt_<name>`, where its limits and errors stand, and its moment:
/// at once, with the next message, or with the next connection. None of them blocks, but for those of TLS,
/// which read files.
class client_settings : private detail::client_base {
public:
    /// How many messages of QoS 1 and 2 may be in flight; 0: as many as there are identifiers.
    void max_inflight_messages_set(int messages, or_throw ec = {})
    {
        call("max_inflight_messages_set", ec, pmqtt_max_inflight_messages_set, messages);
    }

    /// How many messages of QoS 1 and 2 may be unsettled; 0: any number.
    void max_queued_messages_set(int messages, or_throw ec = {})
    {
        call("max_queued_messages_set", ec, pmqtt_max_queued_messages_set, messages);
    }

    /// How many bytes may be queued; 0: any number.
    void max_queued_bytes_set(std::size_t bytes, or_throw ec = {})
    {
        call("max_queued_bytes_set", ec, pmqtt_max_queued_bytes_set, bytes);
    }

    /// What becomes of messages that wait: dropped, replaced or kept.
    void queue_options_set(const queue_options &options, or_throw ec = {})
    {
        pmqtt_queue_options raw{};
        raw.struct_size = sizeof raw;
        raw.when_full = static_cast<int>(options.when_full);
        raw.newest_only = options.newest_only;
        raw.keep_qos0 = options.keep_qos0;
        call("queue_options_set", ec, pmqtt_queue_options_set, &raw);
    }

    /// How large a packet from the broker may be, header included; 0: no limit but MQTT's own.
    void max_packet_size_set(std::size_t bytes, or_throw ec = {})
    {
        call("max_packet_size_set", ec, pmqtt_max_packet_size_set, bytes);
    }

    /// After which time without an answer the broker is asked whether it has read a message. If it has,
    /// and does not answer for as long again, the message is sent once more. 0: never.
    void message_retry_set(seconds time, or_throw ec = {})
    {
        call("message_retry_set", ec, pmqtt_message_retry_set, detail::number(time));
    }

    /// How long an attempt to connect may take.
    void connect_timeout_set(milliseconds timeout, or_throw ec = {})
    {
        call("connect_timeout_set", ec, pmqtt_connect_timeout_set, detail::number(timeout));
    }

    /// How long to wait before connecting again, at first and at the most.
    void reconnect_delay_set(seconds min_delay, seconds max_delay, or_throw ec = {})
    {
        call("reconnect_delay_set", ec, pmqtt_reconnect_delay_set, detail::number(min_delay),
             detail::number(max_delay));
    }

    /// User name and password; `{}` as the user name clears both.
    void username_pw_set(std::string_view username, std::string_view password = {}, or_throw ec = {})
    {
        call("username_pw_set", ec, pmqtt_username_pw_set, text(username), secret_text(password));
    }

    /// Who acknowledges messages of QoS 1 and 2: the library, or the program with `ack`.
    void manual_ack_set(ack_mode mode, or_throw ec = {})
    {
        call("manual_ack_set", ec, pmqtt_manual_ack_set, static_cast<int>(mode));
    }

    /// True: `ack_mode::in_order`.
    void manual_ack_set(bool manual, or_throw ec = {}) { call("manual_ack_set", ec, pmqtt_manual_ack_set, manual); }

    /// What the broker publishes when the connection ends without a DISCONNECT.
    void will_set(std::string_view topic, bytes payload, int qos = 0, bool retain = false, or_throw ec = {})
    {
        const auto set = [&](pmqtt_client *client, const char *name) {
            return pmqtt_will_set(client, name, payload.data(), payload.size(), qos, retain);
        };
        call("will_set", ec, set, text(topic));
    }

    /// Removes the will.
    void will_clear(or_throw ec = {}) { call("will_clear", ec, pmqtt_will_clear); }

    /// Secures connections with TLS: files, PEM; `{}`: the system's store, no certificate of our own, a key
    /// that stands in `certfile`, OpenSSL's choice of ciphers.
    void tls_set(std::string_view ca_certs = {}, std::string_view certfile = {}, std::string_view keyfile = {},
                 cert_reqs reqs = cert_reqs::required, tls_version version = tls_version::best,
                 std::string_view ciphers = {}, or_throw ec = {})
    {
        run("tls_set", ec, frame::kind::call, pmqtt_tls_set, text(ca_certs), text(certfile), text(keyfile),
            static_cast<int>(reqs), static_cast<int>(version), text(ciphers));
    }

    /// `tls_set` with certificates and key from memory, in place of files.
    void tls_pem_set(std::string_view ca_certs = {}, std::string_view cert = {}, std::string_view key = {},
                     cert_reqs reqs = cert_reqs::required, tls_version version = tls_version::best,
                     std::string_view ciphers = {}, or_throw ec = {})
    {
        run("tls_pem_set", ec, frame::kind::call, pmqtt_tls_pem_set, text(ca_certs), text(cert),
            secret_text(key), static_cast<int>(reqs), static_cast<int>(version), text(ciphers));
    }

    /// Who knows the password of an encrypted key, for a later `tls_set`, which calls it; `nullopt`: there
    /// is none. An empty function: nobody.
    void tls_key_password_set(std::function<std::optional<std::string>()> callback, or_throw ec = {})
    {
        auto fresh = detail::make_slot(std::move(callback));
        const auto set = [&](pmqtt_client *client) {
            const int rc = pmqtt_tls_key_password_set(client, password);
            if (rc == PMQTT_ERR_SUCCESS)
                state_->swap(fresh);
            return rc;
        };
        call("tls_key_password_set", ec, set);
    }

    /// true: a good certificate for any name will do.
    void tls_insecure_set(bool insecure, or_throw ec = {})
    {
        call("tls_insecure_set", ec, pmqtt_tls_insecure_set, insecure);
    }

    /// The name that the broker is asked for, and that its certificate has to be for; `{}`: the host's.
    void tls_server_name_set(std::string_view name, or_throw ec = {})
    {
        call("tls_server_name_set", ec, pmqtt_tls_server_name_set, text(name));
    }

    /// The protocols that are offered by ALPN, the best first.
    void tls_alpn_set(const std::vector<std::string_view> &protocols, or_throw ec = {})
    {
        detail::texts names(protocols);
        const auto set = [&](pmqtt_client *client, const detail::texts &) {
            return pmqtt_tls_alpn_set(client, names.data(), names.size());
        };
        call("tls_alpn_set", ec, set, names);
    }

    /// Secures connections with a key that both sides know.
    void tls_psk_set(std::string_view identity, bytes key, or_throw ec = {})
    {
        const auto set = [&](pmqtt_client *client, const char *name) {
            return pmqtt_tls_psk_set(client, name, key.data(), key.size());
        };
        call("tls_psk_set", ec, set, text(identity));
    }

    /// Secures connections with the program's own `SSL_CTX *`; null: no more.
    void tls_context_set(void *ssl_ctx, or_throw ec = {})
    {
        call("tls_context_set", ec, pmqtt_tls_context_set, ssl_ctx);
    }

protected:
    using client_base::client_base;
    using client_base::frame;
    using client_base::text;
    using client_base::call;
    using client_base::run;
    using client_base::words;
    using client_base::last_error_of;
    using client_base::native_handle;
    using client_base::state_;

private:
    static int password(pmqtt_client *, void *userdata, char *buffer, std::size_t size) noexcept
    {
        const auto self = static_cast<detail::state *>(userdata)->shared_from_this();
        const frame mark(self, frame::kind::callback);
        try {
            const auto callback = self->get<detail::password_callback>();
            auto answer = callback ? (*callback)() : std::nullopt;
            if (!answer)
                return -1;
            const bool fits = answer->size() <= size;
            if (fits)
                std::memcpy(buffer, answer->data(), answer->size());
            detail::wipe(answer->data(), answer->size());
            return fits ? static_cast<int>(answer->size()) : -1;
        } catch (...) {
            frame::caught(*self);
            return -1;
        }
    }
};

} // namespace pmqtt

#endif
