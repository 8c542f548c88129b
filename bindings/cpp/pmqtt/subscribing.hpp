/// @file
/// The class `client_subscribing`, a base of `client_ref`, with subscriptions and acknowledgements.
#ifndef PMQTT_SUBSCRIBING_HPP
#define PMQTT_SUBSCRIBING_HPP

#include <pmqtt.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "error.hpp"
#include "events.hpp"
#include "properties.hpp"
#include "publishing.hpp"
#include "reason.hpp"
#include "state.hpp"
#include "text.hpp"

namespace pmqtt {

/// When the broker sends retained messages because of a subscription (MQTT 5).
enum class retain_handling {
    always = PMQTT_RETAIN_ALWAYS, ///< With each SUBSCRIBE.
    if_new = PMQTT_RETAIN_IF_NEW, ///< If there was no such subscription.
    never = PMQTT_RETAIN_NEVER,   ///< Never.
};

/// A subscription to a topic filter (`pmqtt_subscription`).
struct subscription {
    std::string_view filter; ///< With the wildcards + and # as section 4.7 of MQTT 3.1.1 allows them.
    int qos = 0;             ///< The maximum QoS at which the broker sends the messages: 0, 1 or 2.
    handler<message> callback{};      ///< The callback for messages that match the filter; empty: none.
    bool no_local = false;            ///< The broker does not send what this client publishes (MQTT 5).
    bool retain_as_published = false; ///< Messages keep the retain flag of their publisher (MQTT 5).
    pmqtt::retain_handling retain_handling = pmqtt::retain_handling::always; ///< When to send retained messages.
};

/// Subscriptions, and acknowledgements of received messages. No function blocks.
class client_subscribing : public client_publishing {
public:
    /// Subscribes to a topic filter, and returns the number of the request for `on_subscribe`.
    std::uint64_t subscribe(std::string_view filter, int qos = 0, or_throw ec = {})
    {
        std::uint64_t mid = 0;
        call("subscribe", ec, pmqtt_subscribe, text(filter), qos, &mid);
        return mid;
    }

    /// Subscribes to a topic filter, with a callback for its messages in place of `on_message`.
    ///
    /// The callback is that of `message_callback_add`. It ends when the program unsubscribes, or sets another callback
    /// for the filter. An empty callback gives `errc::inval`.
    std::uint64_t subscribe(std::string_view filter, int qos, handler<message> callback, or_throw ec = {})
    {
        std::vector<subscription> one(callback ? 1 : 0); // no subscription at all gives errc::inval
        if (callback)
            one[0] = {filter, qos, std::move(callback)};
        return subscribe_with("subscribe", one, {}, ec);
    }

    /// Subscribes to several topic filters with one packet: `subscribe_multiple({{"a/#", 1}, {"b", 0}})`.
    ///
    /// Each subscription may have options and a callback.
    std::uint64_t subscribe_multiple(std::vector<subscription> subscriptions, or_throw ec = {})
    {
        return subscribe_with("subscribe_multiple", subscriptions, {}, ec);
    }

    /// Subscribes to several topic filters, with properties of SUBSCRIBE (MQTT 5).
    std::uint64_t subscribe_multiple(std::vector<subscription> subscriptions, const properties &list, or_throw ec = {})
    {
        return subscribe_with("subscribe_multiple", subscriptions, list, ec);
    }

    /// Ends the subscription to a topic filter, and returns the number of the request for `on_unsubscribe`.
    ///
    /// The callback that a subscription has set for the filter ends too.
    std::uint64_t unsubscribe(std::string_view filter, or_throw ec = {})
    {
        std::uint64_t mid = 0;
        call("unsubscribe", ec, pmqtt_unsubscribe, text(filter), &mid);
        return mid;
    }

    /// Ends the subscriptions to several topic filters with one packet.
    std::uint64_t unsubscribe_multiple(const std::vector<std::string_view> &filters, or_throw ec = {})
    {
        return unsubscribe_multiple(filters, {}, ec);
    }

    /// Ends the subscriptions to several topic filters, with properties of UNSUBSCRIBE (MQTT 5).
    std::uint64_t unsubscribe_multiple(const std::vector<std::string_view> &filters, const properties &list,
                                       or_throw ec = {})
    {
        std::uint64_t mid = 0;
        detail::texts names(filters);
        const auto send = [&](pmqtt_client *client, const detail::texts &) {
            return pmqtt_unsubscribe_with(client, names.data(), names.size(), &list.raw(), &mid);
        };
        call("unsubscribe_multiple", ec, send, names);
        return mid;
    }

    /// Acknowledges a message, if `manual_ack_set` leaves this to the program.
    void ack(std::uint64_t mid, int qos, or_throw ec = {}) { call("ack", ec, pmqtt_ack, mid, qos); }

    /// Acknowledges a message with a reason, or refuses it if the reason is a failure (MQTT 5).
    void ack(std::uint64_t mid, int qos, reason_code reason, const properties &list = {}, or_throw ec = {})
    {
        call("ack", ec, pmqtt_ack_with, mid, qos, static_cast<int>(reason), list);
    }

protected:
    using client_publishing::client_publishing;

private:
    std::uint64_t subscribe_with(const char *what, std::vector<subscription> &subscriptions, const properties &list,
                                 or_throw ec)
    {
        std::uint64_t mid = 0;
        detail::texts filters(subscriptions.size());
        std::vector<std::unique_ptr<detail::filter_callback>> callbacks;
        std::vector<pmqtt_subscription> all;
        for (subscription &each : subscriptions) {
            filters.add(each.filter);
            callbacks.push_back(each.callback ? filter_callback(std::move(each.callback)) : nullptr);
        }
        for (std::size_t index = 0; index < subscriptions.size(); index++)
            all.push_back(raw(subscriptions[index], filters[index], callbacks[index].get()));
        const auto send = [&](pmqtt_client *client, const detail::texts &) {
            const int rc = pmqtt_subscribe_with(client, all.data(), all.size(), &list.raw(), &mid);
            if (rc == PMQTT_ERR_SUCCESS)
                for (auto &each : callbacks) // the library owns them; another thread may have ended them already
                    static_cast<void>(each.release());
            return rc;
        };
        call(what, ec, send, filters);
        return mid;
    }

    static pmqtt_subscription raw(const subscription &from, const char *filter, detail::filter_callback *callback)
    {
        pmqtt_subscription to{};
        to.struct_size = sizeof to;
        to.filter = filter;
        to.qos = from.qos;
        to.retain_handling = static_cast<int>(from.retain_handling);
        to.no_local = from.no_local;
        to.retain_as_published = from.retain_as_published;
        if (callback) {
            to.callback = &filter_trampoline;
            to.userdata = callback;
            to.release = &filter_release;
        }
        return to;
    }
};

} // namespace pmqtt

#endif
