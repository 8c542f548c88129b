/// @file
/// The class `client_settings`, a base of `client_ref`, with the settings of a client.
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
#include "connect_options.hpp"
#include "publication.hpp"

namespace pmqtt {

/// How the client verifies the broker's certificate.
enum class cert_reqs {
    none = PMQTT_CERT_NONE,         ///< The client accepts any certificate, so anybody can listen.
    optional = PMQTT_CERT_OPTIONAL, ///< The same as `required`.
    required = PMQTT_CERT_REQUIRED, ///< The certificate must lead to an authority, and be for the host.
};

/// Who acknowledges messages of QoS 1 and 2, as `pmqtt_manual_ack_set` describes it.
enum class ack_mode {
    automatic = PMQTT_ACK_AUTO,    ///< The library acknowledges each message.
    in_order = PMQTT_ACK_IN_ORDER, ///< The program acknowledges; the client sends the acknowledgements in order.
    at_once = PMQTT_ACK_AT_ONCE,   ///< The program acknowledges; the client sends each acknowledgement at once.
};

/// What the client does with a new message if the queue is full, as `pmqtt_queue_options` describes it.
enum class when_full {
    refuse = PMQTT_WHEN_FULL_REFUSE,           ///< It refuses the message.
    drop_oldest = PMQTT_WHEN_FULL_DROP_OLDEST, ///< It drops the messages that have waited longest.
    drop_qos0 = PMQTT_WHEN_FULL_DROP_QOS0,     ///< It drops waiting messages of QoS 0.
};

/// How the queue treats messages that wait, as `pmqtt_queue_options` describes it.
struct queue_options {
    pmqtt::when_full when_full = pmqtt::when_full::refuse; ///< What happens if the queue is full.
    bool newest_only = false; ///< A message replaces the waiting one of the same topic.
    bool keep_qos0 = false;   ///< Without a connection, QoS 0 waits for the next one.
};

/// Versions of TLS. 1.0 and 1.1 are not secure any more.
enum class tls_version {
    best = 0,              ///< The highest version that both sides support, at least 1.2.
    v1_0 = PMQTT_TLS_V1_0, ///< Only TLS 1.0.
    v1_1 = PMQTT_TLS_V1_1, ///< Only TLS 1.1.
    v1_2 = PMQTT_TLS_V1_2, ///< Only TLS 1.2.
    v1_3 = PMQTT_TLS_V1_3, ///< Only TLS 1.3.
};

/// The settings of a client.
///
/// Each function is `pmqtt_<name>` of `pmqtt.h`, which describes the limits and the errors, and when the setting
/// takes effect. No function blocks, except those of TLS, which read files.
class client_settings : private detail::client_base {
public:
    /// Sets how many messages of QoS 1 and 2 may be in flight; 0: as many as there are packet identifiers.
    void max_inflight_messages_set(int messages, or_throw ec = {})
    {
        call("max_inflight_messages_set", ec, pmqtt_max_inflight_messages_set, messages);
    }

    /// Limits how many messages of QoS 1 and 2 may be without an outcome; 0: no limit.
    void max_queued_messages_set(int messages, or_throw ec = {})
    {
        call("max_queued_messages_set", ec, pmqtt_max_queued_messages_set, messages);
    }

    /// Limits how many bytes may be queued; 0: no limit.
    void max_queued_bytes_set(std::size_t bytes, or_throw ec = {})
    {
        call("max_queued_bytes_set", ec, pmqtt_max_queued_bytes_set, bytes);
    }

    /// Sets how the queue treats messages that wait.
    void queue_options_set(const queue_options &options, or_throw ec = {})
    {
        pmqtt_queue_options raw{};
        raw.struct_size = sizeof raw;
        raw.when_full = static_cast<int>(options.when_full);
        raw.newest_only = options.newest_only;
        raw.keep_qos0 = options.keep_qos0;
        call("queue_options_set", ec, pmqtt_queue_options_set, &raw);
    }

    /// Sets what CONNECT of MQTT 5 says in addition, for each later connection.
    void connect_options_set(const connect_options &options, or_throw ec = {})
    {
        const auto set = [&](pmqtt_client *client, const detail::raw_connect_options &raw) {
            return pmqtt_connect_options_set(client, raw.data());
        };
        call("connect_options_set", ec, set, detail::raw_connect_options(options));
    }

    /// Sets whether the client subscribes again by itself after a reconnect, if the broker has lost the session.
    void resubscribe_set(bool resubscribe, or_throw ec = {})
    {
        call("resubscribe_set", ec, pmqtt_resubscribe_set, resubscribe);
    }

    /// Limits the size of a packet from the broker, header included; 0: only the limit of MQTT itself.
    void max_packet_size_set(std::size_t bytes, or_throw ec = {})
    {
        call("max_packet_size_set", ec, pmqtt_max_packet_size_set, bytes);
    }

    /// Sets how long the broker may take to answer a message; 0: any time.
    ///
    /// After this time, the client sends PINGREQ, to learn whether the broker has read the message. If the broker
    /// has read it, and does not answer for as long again, the client sends the message once more.
    void message_retry_set(seconds time, or_throw ec = {})
    {
        call("message_retry_set", ec, pmqtt_message_retry_set, detail::number(time));
    }

    /// Sets how long an attempt to connect may take.
    void connect_timeout_set(milliseconds timeout, or_throw ec = {})
    {
        call("connect_timeout_set", ec, pmqtt_connect_timeout_set, detail::number(timeout));
    }

    /// Sets how long to wait before a reconnect, at first and at most.
    void reconnect_delay_set(seconds min_delay, seconds max_delay, or_throw ec = {})
    {
        call("reconnect_delay_set", ec, pmqtt_reconnect_delay_set, detail::number(min_delay),
             detail::number(max_delay));
    }

    /// Sets the user name and the password; `{}` as the user name removes both.
    void username_pw_set(std::string_view username, std::string_view password = {}, or_throw ec = {})
    {
        call("username_pw_set", ec, pmqtt_username_pw_set, text(username), secret_text(password));
    }

    /// Sets who acknowledges messages of QoS 1 and 2: the library, or the program with `ack`.
    void manual_ack_set(ack_mode mode, or_throw ec = {})
    {
        call("manual_ack_set", ec, pmqtt_manual_ack_set, static_cast<int>(mode));
    }

    /// Sets `ack_mode::in_order` if `manual` is true, and `ack_mode::automatic` otherwise.
    void manual_ack_set(bool manual, or_throw ec = {}) { call("manual_ack_set", ec, pmqtt_manual_ack_set, manual); }

    /// Sets the message that the broker publishes if the connection ends without a DISCONNECT.
    void will_set(std::string_view topic, bytes payload, int qos = 0, bool retain = false, or_throw ec = {})
    {
        const auto set = [&](pmqtt_client *client, const char *name) {
            return pmqtt_will_set(client, name, payload.data(), payload.size(), qos, retain);
        };
        call("will_set", ec, set, text(topic));
    }

    /// Sets the will with all fields of a `publication`, and with a delay (`pmqtt_will_with`).
    ///
    /// After the end of the connection, the broker waits for the delay (MQTT 5). A negative delay counts as 1 second.
    void will_set(const publication &will, seconds delay = seconds(0), or_throw ec = {})
    {
        const auto set = [&](pmqtt_client *client, const detail::raw_publications &raw) {
            return pmqtt_will_with(client, raw.data(), detail::expiry_s(delay));
        };
        call("will_set", ec, set, detail::raw_publications(will));
    }

    /// Removes the will.
    void will_clear(or_throw ec = {}) { call("will_clear", ec, pmqtt_will_clear); }

    /// Secures connections with TLS. The files are PEM.
    ///
    /// A parameter may be `{}`:
    /// - `ca_certs`: the system's store.
    /// - `certfile`: no client certificate.
    /// - `keyfile`: the key is in `certfile`.
    /// - `ciphers`: the ciphers that OpenSSL chooses.
    void tls_set(std::string_view ca_certs = {}, std::string_view certfile = {}, std::string_view keyfile = {},
                 cert_reqs reqs = cert_reqs::required, tls_version version = tls_version::best,
                 std::string_view ciphers = {}, or_throw ec = {})
    {
        run("tls_set", ec, frame::kind::call, pmqtt_tls_set, text(ca_certs), text(certfile), text(keyfile),
            static_cast<int>(reqs), static_cast<int>(version), text(ciphers));
    }

    /// Secures connections with TLS as `tls_set` does, with certificates and key from memory.
    void tls_pem_set(std::string_view ca_certs = {}, std::string_view cert = {}, std::string_view key = {},
                     cert_reqs reqs = cert_reqs::required, tls_version version = tls_version::best,
                     std::string_view ciphers = {}, or_throw ec = {})
    {
        run("tls_pem_set", ec, frame::kind::call, pmqtt_tls_pem_set, text(ca_certs), text(cert),
            secret_text(key), static_cast<int>(reqs), static_cast<int>(version), text(ciphers));
    }

    /// Sets the callback that returns the password of an encrypted private key, for a later `tls_set`.
    ///
    /// `nullopt`: there is no password. An empty function removes the callback.
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

    /// Turns off the check of the name: if `insecure`, the client accepts a valid certificate for any name.
    void tls_insecure_set(bool insecure, or_throw ec = {})
    {
        call("tls_insecure_set", ec, pmqtt_tls_insecure_set, insecure);
    }

    /// Sets the name of the broker, for SNI and the check of its certificate; `{}`: the name of the host.
    void tls_server_name_set(std::string_view name, or_throw ec = {})
    {
        call("tls_server_name_set", ec, pmqtt_tls_server_name_set, text(name));
    }

    /// Sets the protocols that the client offers by ALPN, the preferred one first.
    void tls_alpn_set(const std::vector<std::string_view> &protocols, or_throw ec = {})
    {
        detail::texts names(protocols);
        const auto set = [&](pmqtt_client *client, const detail::texts &) {
            return pmqtt_tls_alpn_set(client, names.data(), names.size());
        };
        call("tls_alpn_set", ec, set, names);
    }

    /// Secures connections with a pre-shared key.
    void tls_psk_set(std::string_view identity, bytes key, or_throw ec = {})
    {
        const auto set = [&](pmqtt_client *client, const char *name) {
            return pmqtt_tls_psk_set(client, name, key.data(), key.size());
        };
        call("tls_psk_set", ec, set, text(identity));
    }

    /// Secures connections with an `SSL_CTX *` of the program. Null: the settings of the other functions apply again.
    void tls_context_set(void *ssl_ctx, or_throw ec = {})
    {
        call("tls_context_set", ec, pmqtt_tls_context_set, ssl_ctx);
    }

protected:
    using client_base::client_base;
    using client_base::frame;
    using client_base::text;
    using client_base::secret_text;
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
