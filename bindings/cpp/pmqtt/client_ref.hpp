/// @file
/// All that can be done with a client: `client_ref`, the base of `client`.
#ifndef PMQTT_CLIENT_REF_HPP
#define PMQTT_CLIENT_REF_HPP

#include <pmqtt.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base.hpp"
#include "bytes.hpp"
#include "callbacks.hpp"
#include "error.hpp"
#include "events.hpp"
#include "publication.hpp"
#include "state.hpp"
#include "text.hpp"

namespace pmqtt {

/// `pmqtt_statistics`, a snapshot of a client's figures.
using statistics = ::pmqtt_statistics;

/// A topic filter, and the highest QoS to receive with.
struct subscription {
    std::string_view filter; ///< Wildcards + and # as section 4.7 has them.
    int qos = 0;             ///< 0, 1 or 2.
};

/// A client that somebody else owns, with all that can be done with it. Callbacks are given one. It may
/// be copied and kept, as a reference may: it stays good when the `client` is moved, and must not be used
/// once that is destroyed, but by a callback that the destructor waits for. In a callback that has itself
/// destroyed the client, it answers `errc::inval`.
///
/// Each function is `pmqtt_<name>` of the header, where its errors stand. Each may be called from any
/// thread and in any callback. Those that can fail do so as `or_throw` says.
class client_ref : public client_callbacks {
public:
    /// The same client once more.
    client_ref(const client_ref &) noexcept = default;
    client_ref &operator=(const client_ref &) = delete; // as with any reference

    /// @name Connecting
    /// @{

    /// Connects, and waits until the transport is open, no longer than the connect timeout.
    /// Port 0: 1883, or 8883 with TLS.
    void connect(std::string_view host, int port = 0, seconds keepalive = seconds(60),
                 std::string_view bind_address = {}, or_throw ec = {})
    {
        call("connect", ec, pmqtt_connect, text(host), port, detail::number(keepalive), text(bind_address));
    }

    /// Tells the client to connect, and returns at once. Nothing of it blocks.
    void connect_async(std::string_view host, int port = 0, seconds keepalive = seconds(60),
                       std::string_view bind_address = {}, or_throw ec = {})
    {
        call("connect_async", ec, pmqtt_connect_async, text(host), port, detail::number(keepalive), text(bind_address));
    }

    /// `connect` to a broker that the SRV records of a domain name.
    void connect_srv(std::string_view domain = {}, seconds keepalive = seconds(60),
                     std::string_view bind_address = {}, or_throw ec = {})
    {
        call("connect_srv", ec, pmqtt_connect_srv, text(domain), detail::number(keepalive), text(bind_address));
    }

    /// `connect_async` to a broker that the SRV records of a domain name.
    void connect_srv_async(std::string_view domain = {}, seconds keepalive = seconds(60),
                           std::string_view bind_address = {}, or_throw ec = {})
    {
        call("connect_srv_async", ec, pmqtt_connect_srv_async, text(domain), detail::number(keepalive),
             text(bind_address));
    }

    /// Connects again, in the way of the last connect.
    void reconnect(or_throw ec = {}) { call("reconnect", ec, pmqtt_reconnect); }

    /// Ends the connection, after what is under way. Loop calls do that; this one never blocks.
    void disconnect(or_throw ec = {}) { call("disconnect", ec, pmqtt_disconnect); }

    /// Makes the client as if it had just been created, callbacks included.
    void reinitialise(std::string_view client_id = {}, bool clean_session = true, or_throw ec = {})
    {
        const auto self = state_;
        const auto reset = [&](pmqtt_client *client, const char *id) {
            const int rc = pmqtt_reinitialise(client, id, clean_session, self.get());
            if (rc == PMQTT_ERR_SUCCESS)
                self->clear();
            return rc;
        };
        call("reinitialise", ec, reset, text(client_id));
    }
    /// @}

    /// @name Loops: they run the callbacks, and throw what those throw.
    /// @{

    /// One step; waits for `timeout` at the most, -1 ms: one second. It does not reconnect.
    void loop(milliseconds timeout = milliseconds(-1), or_throw ec = {})
    {
        run("loop", ec, frame::kind::loop_call, pmqtt_loop, detail::number(timeout));
    }

    /// Runs the client until it is disconnected, and reconnects. Blocks until then.
    void loop_forever(bool retry_first_connection = false, or_throw ec = {})
    {
        run("loop_forever", ec, frame::kind::endless_call, pmqtt_loop_forever, retry_first_connection);
    }

    /// Starts a thread that runs the client, and reconnects.
    void loop_start(or_throw ec = {}) { call("loop_start", ec, pmqtt_loop_start); }

    /// Stops that thread, and throws what callbacks in it have thrown. Blocks for a second at the most,
    /// and for a callback that runs. In a callback of that thread it returns at once, and throws nothing.
    void loop_stop(or_throw ec = {}) { run("loop_stop", ec, frame::kind::loop_call, pmqtt_loop_stop); }

    /// For a foreign loop: the socket is readable.
    void loop_read(or_throw ec = {}) { run("loop_read", ec, frame::kind::loop_call, pmqtt_loop_read); }

    /// For a foreign loop: the socket is writable.
    void loop_write(or_throw ec = {}) { run("loop_write", ec, frame::kind::loop_call, pmqtt_loop_write); }

    /// For a foreign loop: the time of `next_timeout_ms` is over.
    void loop_misc(or_throw ec = {}) { run("loop_misc", ec, frame::kind::loop_call, pmqtt_loop_misc); }

    /// Does all that there is to do, when `event_fd` is readable, and reconnects. Never blocks.
    void process(or_throw ec = {}) { run("process", ec, frame::kind::loop_call, pmqtt_process); }

    /// Waits until all that was published is settled, for `timeout` at the most, and returns how many
    /// messages are not: 0 on success.
    std::size_t drain(milliseconds timeout, or_throw ec = {})
    {
        std::size_t left = 0;
        run("drain", ec, frame::kind::loop_call, pmqtt_drain, detail::number(timeout), &left);
        return left;
    }

    /// One descriptor for the client's whole life, which the library owns; it is readable whenever
    /// `process` has something to do. -1: it could not be made.
    int event_fd(or_throw ec = {})
    {
        const auto self = state_;
        const int fd = pmqtt_event_fd(native_handle());
        ec(fd >= 0 ? PMQTT_ERR_SUCCESS : self ? PMQTT_ERR_ERRNO : PMQTT_ERR_INVAL,
           [&] { return words("event_fd", self); });
        return fd;
    }

    /// For a foreign loop: the descriptor to watch, which the library owns; -1: none.
    int socket() const noexcept { return pmqtt_socket(native_handle()); }
    /// For a foreign loop: whether to wait until it is readable.
    bool want_read() const noexcept { return pmqtt_want_read(native_handle()); }
    /// For a foreign loop: whether to wait until it is writable.
    bool want_write() const noexcept { return pmqtt_want_write(native_handle()); }

    /// For a foreign loop: milliseconds until `loop_misc` is due; -1: never.
    int next_timeout_ms() const noexcept { return pmqtt_next_timeout_ms(native_handle()); }
    /// @}

    /// @name Messages: none of these blocks.
    /// @{

    /// Publishes a message, and returns its number, which `on_publish` tells when it is done.
    ///
    /// Without a connection QoS 0 is dropped, and that is `errc::no_conn`. QoS 1 and 2 are kept, and sent
    /// with the next connection: no exception is thrown for it; a `std::error_code` is `errc::no_conn` all
    /// the same, and the number is returned.
    std::uint64_t publish(std::string_view topic, bytes payload, int qos = 0, bool retain = false, or_throw ec = {})
    {
        std::uint64_t mid = 0;
        const auto send = [&](pmqtt_client *client, const char *name) {
            const int rc = pmqtt_publish(client, name, payload.data(), payload.size(), qos, retain, &mid);
            const bool is_kept = rc == PMQTT_ERR_NO_CONN && qos > 0;
            return is_kept && ec.throws() ? PMQTT_ERR_SUCCESS : rc;
        };
        call("publish", ec, send, text(topic));
        return mid;
    }

    /// How much of a batch was taken, from its first message on, and the number of that; the next has the next one.
    struct batch {
        std::size_t accepted;
        std::uint64_t first_mid;
    };

    /// Publishes messages in a row. Where the queue has no room for all, the first ones are taken. An exception is
    /// thrown only if none is. A `std::error_code` is `errc::queue_size` in both cases. It is `errc::no_conn` as
    /// `publish` has it, which throws nothing here.
    batch publish_batch(const std::vector<publication> &publications, or_throw ec = {})
    {
        batch taken{0, 0};
        detail::texts topics(publications.size());
        for (const publication &each : publications)
            topics.add(each.topic);
        std::vector<pmqtt_publication> all;
        for (std::size_t index = 0; index < publications.size(); index++)
            all.push_back(detail::raw(publications[index], topics[index]));
        const auto send = [&](pmqtt_client *client, const detail::texts &) {
            const int rc =
                pmqtt_publish_batch(client, all.data(), all.size(), &taken.accepted, &taken.first_mid);
            return taken.accepted > 0 && ec.throws() ? PMQTT_ERR_SUCCESS : rc;
        };
        call("publish_batch", ec, send, topics);
        return taken;
    }

    /// Subscribes to a topic filter, and returns the request's number for `on_subscribe`.
    std::uint64_t subscribe(std::string_view filter, int qos = 0, or_throw ec = {})
    {
        std::uint64_t mid = 0;
        call("subscribe", ec, pmqtt_subscribe, text(filter), qos, &mid);
        return mid;
    }

    /// Subscribes to several with one packet: `subscribe_multiple({{"a/#", 1}, {"b", 0}})`.
    std::uint64_t subscribe_multiple(const std::vector<subscription> &subscriptions, or_throw ec = {})
    {
        std::uint64_t mid = 0;
        detail::texts filters(subscriptions.size());
        std::vector<int> qos;
        for (const subscription &each : subscriptions) {
            filters.add(each.filter);
            qos.push_back(each.qos);
        }
        const auto send = [&](pmqtt_client *client, const detail::texts &) {
            return pmqtt_subscribe_multiple(client, filters.data(), qos.data(), filters.size(), &mid);
        };
        call("subscribe_multiple", ec, send, filters);
        return mid;
    }

    /// Ends the subscription to a topic filter, and returns the request's number for `on_unsubscribe`.
    std::uint64_t unsubscribe(std::string_view filter, or_throw ec = {})
    {
        std::uint64_t mid = 0;
        call("unsubscribe", ec, pmqtt_unsubscribe, text(filter), &mid);
        return mid;
    }

    /// Ends several with one packet.
    std::uint64_t unsubscribe_multiple(const std::vector<std::string_view> &filters, or_throw ec = {})
    {
        std::uint64_t mid = 0;
        detail::texts names(filters);
        const auto send = [&](pmqtt_client *client, const detail::texts &) {
            return pmqtt_unsubscribe_multiple(client, names.data(), names.size(), &mid);
        };
        call("unsubscribe_multiple", ec, send, names);
        return mid;
    }

    /// Cancels a message that is not settled; its outcome is `errc::cancelled`.
    void cancel(std::uint64_t mid, or_throw ec = {}) { call("cancel", ec, pmqtt_cancel, mid); }

    /// Cancels all that was never sent.
    void queue_clear(or_throw ec = {}) { call("queue_clear", ec, pmqtt_queue_clear); }

    /// Acknowledges a message, after `manual_ack_set`.
    void ack(std::uint64_t mid, int qos, or_throw ec = {}) { call("ack", ec, pmqtt_ack, mid, qos); }
    /// @}

    /// @name Looking at it
    /// @{

    /// Whether the broker has accepted the connection, which has not ended since, nor been asked to.
    bool is_connected() const noexcept { return pmqtt_is_connected(native_handle()); }

    /// The client id, the generated one too; empty when there is no client. Valid until the client is
    /// freed, or `reinitialise` has given it another id for the second time from now on.
    std::string_view client_id() const noexcept
    {
        const char *id = pmqtt_client_id(native_handle());
        return id ? id : "";
    }

    /// What failed last, in words; empty when nothing has.
    std::string last_error() const { return last_error_of(state_); }

    /// A snapshot of the client's figures.
    statistics stats(or_throw ec = {}) const
    {
        statistics figures{};
        figures.struct_size = sizeof figures;
        call("stats", ec, pmqtt_stats, &figures);
        return figures;
    }

    /// The client as C knows it, for calls of `pmqtt.h`; null when there is none. User data and callbacks
    /// are this library's: leave them alone.
    using client_callbacks::native_handle;
    /// @}

protected:
    explicit client_ref(std::shared_ptr<detail::state> state) noexcept : client_callbacks(std::move(state)) {}

private:
    friend class client_callbacks;

    template <class Event> void deliver(const Event &event)
    {
        if (const auto callback = state_->get<handler<Event>>())
            (*callback)(*this, event);
    }

    void deliver(const message &event)
    {
        std::uint64_t last = 0;
        while (const auto callback = state_->next_match(event.topic.data(), last))
            (*callback)(*this, event);
        if (last == 0)
            deliver<message>(event);
    }
};

template <class Event, class Raw>
void client_callbacks::trampoline(pmqtt_client *, void *userdata, const Raw *raw) noexcept
{
    client_ref self(static_cast<detail::state *>(userdata)->shared_from_this());
    const frame mark(self.state_, frame::kind::callback);
    try {
        self.deliver(Event(*raw));
    } catch (...) {
        frame::caught(*self.state_);
    }
}

/// `pmqtt_topic_matches_sub`: whether a topic matches a filter.
inline bool topic_matches_sub(std::string_view filter, std::string_view topic, or_throw ec = {})
{
    bool matches = false;
    const detail::text sub(filter), name(topic);
    const bool valid = sub.is_valid() && name.is_valid();
    ec(valid ? pmqtt_topic_matches_sub(sub.c_str(), name.c_str(), &matches) : PMQTT_ERR_INVAL,
       [] { return std::string("topic_matches_sub"); });
    return matches;
}

} // namespace pmqtt

#endif
