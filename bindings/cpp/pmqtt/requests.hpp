/// @file
/// The class `client_requests`, a base of `client_ref`, with requests and their responses.
#ifndef PMQTT_REQUESTS_HPP
#define PMQTT_REQUESTS_HPP

#include <pmqtt.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base.hpp"
#include "error.hpp"
#include "events.hpp"
#include "properties.hpp"
#include "publication.hpp"
#include "state.hpp"
#include "subscribing.hpp"

namespace pmqtt {

/// Requests to other clients, and responses to their requests (MQTT 5). No function blocks.
///
///     client.request({"time", "UTC"}, 5s, [](auto &, const pmqtt::response &event) {
///         std::cout << (event.message ? event.message->payload.text() : event.error.message()) << '\n';
///     });
class client_requests : public client_subscribing {
public:
    /// Publishes a request, and returns its number. The callback gets the response, or the reason why none comes.
    ///
    /// The callback runs exactly once, and is then destroyed. `reinitialise` and the end of the client destroy it
    /// without a call. After a failure, it is not called either. An empty callback gives `errc::inval`.
    std::uint64_t request(const publication &message, milliseconds timeout, handler<response> callback,
                          or_throw ec = {})
    {
        std::uint64_t id = 0;
        const auto send = [&, self = state_](pmqtt_client *client, const detail::raw_publications &raw) {
            if (!self)
                return PMQTT_ERR_INVAL;
            const auto on_response = callback ? &response_trampoline : nullptr;
            const auto key = self->requests.add(std::move(callback));
            const int rc = pmqtt_request(client, raw.data(), detail::number(timeout), on_response,
                                         reinterpret_cast<void *>(key), &id);
            if (rc == PMQTT_ERR_SUCCESS)
                self->requests.accept(key);
            else
                self->requests.take(key);
            return rc;
        };
        call("request", ec, send, detail::raw_publications(message));
        return id;
    }

    /// Cancels a request that waits for its response. Its callback gets `errc::cancelled`.
    void request_cancel(std::uint64_t id, or_throw ec = {}) { call("request_cancel", ec, pmqtt_request_cancel, id); }

    /// Publishes the response to a request, in the callback that has got the request.
    ///
    /// `topic` and `correlation` of the response must not be set. Without a connection, the rest is as for `publish`.
    void reply(const message &request, const publication &response, or_throw ec = {})
    {
        const auto send = [&](pmqtt_client *client, const detail::raw_publications &raw) {
            const ::pmqtt_message asked = request.raw();
            return result(pmqtt_reply(client, &asked, raw.data()), response.qos, ec);
        };
        call("reply", ec, send, detail::raw_publications(response));
    }

    /// Publishes the response to a request whose address `reply_address` has copied; the rest is as for `reply`.
    void reply_to(const properties &address, const publication &response, or_throw ec = {})
    {
        const auto send = [&](pmqtt_client *client, const detail::raw_publications &raw) {
            return result(pmqtt_reply_to(client, &address.raw(), raw.data()), response.qos, ec);
        };
        call("reply_to", ec, send, detail::raw_publications(response));
    }

protected:
    using client_subscribing::client_subscribing;

private:
    /// The callback that the library calls, with a key of `request_callbacks` as user data.
    static void response_trampoline(pmqtt_client *, void *userdata, const pmqtt_response *raw) noexcept;
};

/// Copies where the response to a request goes, for `reply_to` after the callback has returned
/// (`pmqtt_reply_address`).
///
/// A message without a response topic gives `errc::not_found`. If a `std::error_code` reports a failure, the list is
/// empty.
inline property_list reply_address(const message &request, or_throw ec = {})
{
    const ::pmqtt_message asked = request.raw();
    std::vector<std::byte> room(std::max<std::size_t>(asked.properties.len, 1)); // C refuses a null buffer
    ::pmqtt_properties address{};
    ec(pmqtt_reply_address(&asked, room.data(), room.size(), &address), [] { return std::string("reply_address"); });
    return property_list(properties(address));
}

} // namespace pmqtt

#endif
