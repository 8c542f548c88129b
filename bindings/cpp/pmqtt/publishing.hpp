/// @file
/// The class `client_publishing`, a base of `client_ref`, with the functions that publish.
#ifndef PMQTT_PUBLISHING_HPP
#define PMQTT_PUBLISHING_HPP

#include <pmqtt.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "bytes.hpp"
#include "callbacks.hpp"
#include "error.hpp"
#include "publication.hpp"

namespace pmqtt {

/// Publishing. No function blocks.
class client_publishing : public client_callbacks {
public:
    /// Publishes a message, and returns its number. `on_publish` reports the outcome with this number.
    ///
    /// Without a connection:
    /// - The client drops QoS 0, with `errc::no_conn`.
    /// - The client keeps QoS 1 and 2 for the next connection. The function returns the number, and throws no
    ///   exception. It sets a `std::error_code` to `errc::no_conn`.
    std::uint64_t publish(std::string_view topic, bytes payload, int qos = 0, bool retain = false, or_throw ec = {})
    {
        std::uint64_t mid = 0;
        const auto send = [&](pmqtt_client *client, const char *name) {
            return result(pmqtt_publish(client, name, payload.data(), payload.size(), qos, retain, &mid), qos, ec);
        };
        call("publish", ec, send, text(topic));
        return mid;
    }

    /// Publishes a message with all fields of a `publication`; the rest is as above (`pmqtt_publish_message`).
    std::uint64_t publish(const publication &message, or_throw ec = {})
    {
        std::uint64_t mid = 0;
        const auto send = [&](pmqtt_client *client, const detail::raw_publications &raw) {
            return result(pmqtt_publish_message(client, raw.data(), &mid), message.qos, ec);
        };
        call("publish", ec, send, detail::raw_publications(message));
        return mid;
    }

    /// The accepted messages of a batch. Their numbers are consecutive.
    struct batch {
        std::size_t accepted;    ///< The number of messages accepted, from the first on.
        std::uint64_t first_mid; ///< The number of the first message.
    };

    /// Publishes several messages at once.
    ///
    /// If the queue has no room for all, the client accepts the first ones, and the function sets a
    /// `std::error_code` to `errc::queue_size`. Without a connection, the code is `errc::no_conn`, as for
    /// `publish`. The function throws an exception only if the client accepts none.
    batch publish_batch(const std::vector<publication> &publications, or_throw ec = {})
    {
        batch taken{0, 0};
        const auto send = [&](pmqtt_client *client, const detail::raw_publications &all) {
            const int rc = pmqtt_publish_batch(client, all.data(), all.size(), &taken.accepted, &taken.first_mid);
            return taken.accepted > 0 && ec.throws() ? PMQTT_ERR_SUCCESS : rc;
        };
        call("publish_batch", ec, send, detail::raw_publications(publications.data(), publications.size()));
        return taken;
    }

    /// Cancels a message that is not settled. Its outcome is `errc::cancelled`.
    void cancel(std::uint64_t mid, or_throw ec = {}) { call("cancel", ec, pmqtt_cancel, mid); }

    /// Cancels all messages that were never sent.
    void queue_clear(or_throw ec = {}) { call("queue_clear", ec, pmqtt_queue_clear); }

protected:
    using client_callbacks::client_callbacks;

    /// A message that waits for a connection is no exception.
    static int result(int rc, int qos, const or_throw &ec)
    {
        const bool is_kept = rc == PMQTT_ERR_NO_CONN && qos > 0;
        return is_kept && ec.throws() ? PMQTT_ERR_SUCCESS : rc;
    }
};

} // namespace pmqtt

#endif
