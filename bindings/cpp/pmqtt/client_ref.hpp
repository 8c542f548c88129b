/// @file
/// The class `client_ref`, the base of `client`, with all functions of a client.
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

/// A snapshot of a client's statistics (`pmqtt_statistics`).
using statistics = ::pmqtt_statistics;

/// A topic filter, and the maximum QoS at which the broker sends its messages.
struct subscription {
    std::string_view filter; ///< With the wildcards + and # as section 4.7 of MQTT 3.1.1 allows them.
    int qos = 0;             ///< 0, 1 or 2.
};

/// A reference to a client. Each callback gets one.
///
/// A program may copy and keep a reference. It stays valid when the `client` is moved. When the destructor of
/// the `client` has begun, only callbacks that still run may use the reference: the destructor waits for them.
/// In a callback that has itself destroyed the client, the functions give `errc::inval`.
///
/// Each function is `pmqtt_<name>` of `pmqtt.h`, which describes its errors. Each may be called in any thread
/// and in any callback. `or_throw` describes how a function reports a failure.
class client_ref : public client_callbacks {
public:
    /// Refers to the same client.
    client_ref(const client_ref &) noexcept = default;
    /// Cannot be assigned, like a reference of C++.
    client_ref &operator=(const client_ref &) = delete;

    /// @name Connecting
    /// @{

    /// Connects, and waits until TCP and TLS are connected, at most for the connect timeout.
    ///
    /// Port 0: 1883, or 8883 with TLS.
    void connect(std::string_view host, int port = 0, seconds keepalive = seconds(60),
                 std::string_view bind_address = {}, or_throw ec = {})
    {
        call("connect", ec, pmqtt_connect, text(host), port, detail::number(keepalive), text(bind_address));
    }

    /// Asks the client to connect, and returns at once.
    void connect_async(std::string_view host, int port = 0, seconds keepalive = seconds(60),
                       std::string_view bind_address = {}, or_throw ec = {})
    {
        call("connect_async", ec, pmqtt_connect_async, text(host), port, detail::number(keepalive), text(bind_address));
    }

    /// Finds a broker by the SRV records of a domain, and connects to it as `connect` does.
    void connect_srv(std::string_view domain = {}, seconds keepalive = seconds(60),
                     std::string_view bind_address = {}, or_throw ec = {})
    {
        call("connect_srv", ec, pmqtt_connect_srv, text(domain), detail::number(keepalive), text(bind_address));
    }

    /// Asks the client to find a broker by SRV records and to connect to it, and returns at once.
    void connect_srv_async(std::string_view domain = {}, seconds keepalive = seconds(60),
                           std::string_view bind_address = {}, or_throw ec = {})
    {
        call("connect_srv_async", ec, pmqtt_connect_srv_async, text(domain), detail::number(keepalive),
             text(bind_address));
    }

    /// Reconnects to the same broker, blocking or not as the last connect did.
    void reconnect(or_throw ec = {}) { call("reconnect", ec, pmqtt_reconnect); }

    /// Ends the connection with a DISCONNECT. Loop calls carry this out; this call never blocks.
    void disconnect(or_throw ec = {}) { call("disconnect", ec, pmqtt_disconnect); }

    /// Resets the client to the state of a new one, and removes its callbacks.
    void reinitialise(std::string_view client_id = {}, bool clean_session = true, or_throw ec = {})
    {
        const auto self = state_;
        const auto reset = [&](pmqtt_client *client, const char *id) {
            auto former = self ? self->all() : detail::callback_table();
            const int rc = pmqtt_reinitialise(client, id, clean_session, self.get());
            if (rc == PMQTT_ERR_SUCCESS)
                self->forget(std::move(former)); // keeps the callbacks that a handler's end has set meanwhile
            return rc;
        };
        call("reinitialise", ec, reset, text(client_id));
    }
    /// @}

    /// @name Loops, which run the callbacks and throw the exceptions of callbacks
    /// @{

    /// Runs one step, and waits at most for `timeout` (-1 ms: one second). It does not reconnect.
    void loop(milliseconds timeout = milliseconds(-1), or_throw ec = {})
    {
        run("loop", ec, frame::kind::loop_call, pmqtt_loop, detail::number(timeout));
    }

    /// Runs the client and reconnects, until the program disconnects. Blocks until then.
    void loop_forever(bool retry_first_connection = false, or_throw ec = {})
    {
        run("loop_forever", ec, frame::kind::endless_call, pmqtt_loop_forever, retry_first_connection);
    }

    /// Starts a thread that runs the client, and reconnects.
    void loop_start(or_throw ec = {}) { call("loop_start", ec, pmqtt_loop_start); }

    /// Stops the thread of `loop_start`, and throws the exception that a callback threw in it.
    ///
    /// It blocks at most for a second, plus the time of a callback that runs. In a callback of that thread it
    /// returns at once, and throws nothing.
    void loop_stop(or_throw ec = {}) { run("loop_stop", ec, frame::kind::loop_call, pmqtt_loop_stop); }

    /// Reads, runs callbacks, and writes. A foreign loop calls this when the socket is readable.
    void loop_read(or_throw ec = {}) { run("loop_read", ec, frame::kind::loop_call, pmqtt_loop_read); }

    /// Writes. A foreign loop calls this when the socket is writable.
    void loop_write(or_throw ec = {}) { run("loop_write", ec, frame::kind::loop_call, pmqtt_loop_write); }

    /// Does the work that has a deadline. A foreign loop calls this when the time of `next_timeout_ms` has passed.
    void loop_misc(or_throw ec = {}) { run("loop_misc", ec, frame::kind::loop_call, pmqtt_loop_misc); }

    /// Does all that is due when `event_fd` is readable, and reconnects. Never blocks.
    void process(or_throw ec = {}) { run("process", ec, frame::kind::loop_call, pmqtt_process); }

    /// Waits until all messages and requests are settled, at most for `timeout`.
    ///
    /// It returns the number of messages and requests that are not settled: 0 on success.
    std::size_t drain(milliseconds timeout, or_throw ec = {})
    {
        std::size_t left = 0;
        run("drain", ec, frame::kind::loop_call, pmqtt_drain, detail::number(timeout), &left);
        return left;
    }

    /// Returns a descriptor that is readable whenever `process` has something to do.
    ///
    /// It stays the same for the client's whole life, and the library owns it. -1: it could not be created.
    int event_fd(or_throw ec = {})
    {
        const auto self = state_;
        const int fd = pmqtt_event_fd(native_handle());
        ec(fd >= 0 ? PMQTT_ERR_SUCCESS : self ? PMQTT_ERR_ERRNO : PMQTT_ERR_INVAL,
           [&] { return words("event_fd", self); });
        return fd;
    }

    /// Returns the descriptor that a foreign loop watches, which the library owns; -1: none.
    int socket() const noexcept { return pmqtt_socket(native_handle()); }
    /// Tells a foreign loop whether to watch the descriptor for reading.
    bool want_read() const noexcept { return pmqtt_want_read(native_handle()); }
    /// Tells a foreign loop whether to watch the descriptor for writing.
    bool want_write() const noexcept { return pmqtt_want_write(native_handle()); }

    /// Returns the milliseconds until a foreign loop must call `loop_misc`; -1: never.
    int next_timeout_ms() const noexcept { return pmqtt_next_timeout_ms(native_handle()); }
    /// @}

    /// @name Messages, without blocking
    /// @{

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
            const int rc = pmqtt_publish(client, name, payload.data(), payload.size(), qos, retain, &mid);
            const bool is_kept = rc == PMQTT_ERR_NO_CONN && qos > 0;
            return is_kept && ec.throws() ? PMQTT_ERR_SUCCESS : rc;
        };
        call("publish", ec, send, text(topic));
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

    /// Subscribes to a topic filter, and returns the number of the request for `on_subscribe`.
    std::uint64_t subscribe(std::string_view filter, int qos = 0, or_throw ec = {})
    {
        std::uint64_t mid = 0;
        call("subscribe", ec, pmqtt_subscribe, text(filter), qos, &mid);
        return mid;
    }

    /// Subscribes to several topic filters with one packet: `subscribe_multiple({{"a/#", 1}, {"b", 0}})`.
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

    /// Ends the subscription to a topic filter, and returns the number of the request for `on_unsubscribe`.
    std::uint64_t unsubscribe(std::string_view filter, or_throw ec = {})
    {
        std::uint64_t mid = 0;
        call("unsubscribe", ec, pmqtt_unsubscribe, text(filter), &mid);
        return mid;
    }

    /// Ends the subscriptions to several topic filters with one packet.
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

    /// Cancels a message that is not settled. Its outcome is `errc::cancelled`.
    void cancel(std::uint64_t mid, or_throw ec = {}) { call("cancel", ec, pmqtt_cancel, mid); }

    /// Cancels all messages that were never sent.
    void queue_clear(or_throw ec = {}) { call("queue_clear", ec, pmqtt_queue_clear); }

    /// Acknowledges a message, if `manual_ack_set` leaves this to the program.
    void ack(std::uint64_t mid, int qos, or_throw ec = {}) { call("ack", ec, pmqtt_ack, mid, qos); }
    /// @}

    /// @name State
    /// @{

    /// Tells whether the client is connected: the broker has accepted the connection, and nothing has ended it.
    bool is_connected() const noexcept { return pmqtt_is_connected(native_handle()); }

    /// Returns the client identifier, given or generated; empty if there is no client.
    ///
    /// The view is valid until the client is freed, or until two later calls of `reinitialise` have changed
    /// the identifier.
    std::string_view client_id() const noexcept
    {
        const char *id = pmqtt_client_id(native_handle());
        return id ? id : "";
    }

    /// Returns a description of the last failure; empty if nothing has failed.
    std::string last_error() const { return last_error_of(state_); }

    /// Takes a snapshot of the client's statistics.
    statistics stats(or_throw ec = {}) const
    {
        statistics figures{};
        figures.struct_size = sizeof figures;
        call("stats", ec, pmqtt_stats, &figures);
        return figures;
    }

    /// Returns the C handle for calls of `pmqtt.h`; null if there is none.
    ///
    /// The C++ classes use the user data and the callbacks of this handle. The program must not change them.
    using client_callbacks::native_handle;
    /// @}

protected:
    /// Refers to the client of a state.
    explicit client_ref(std::shared_ptr<detail::state> state) noexcept : client_callbacks(std::move(state)) {}

private:
    friend class client_callbacks;

    template <class Event> void deliver(const Event &event)
    {
        if (const auto callback = state_->get<handler<Event>>())
            (*callback)(*this, event);
    }
};

template <class Body>
void client_callbacks::run_callback(std::shared_ptr<detail::state> of, Body body) noexcept
{
    client_ref self(std::move(of));
    const frame mark(self.state_, frame::kind::callback);
    try {
        body(self);
    } catch (...) {
        frame::caught(*self.state_);
    }
}

template <class Event, class Raw>
void client_callbacks::trampoline(pmqtt_client *, void *userdata, const Raw *raw) noexcept
{
    run_callback(static_cast<detail::state *>(userdata)->shared_from_this(),
                 [&](client_ref &self) { self.deliver(Event(*raw)); });
}

inline void client_callbacks::filter_trampoline(pmqtt_client *, void *userdata, const pmqtt_message *raw) noexcept
{
    const auto &mine = *static_cast<const detail::filter_callback *>(userdata);
    run_callback(mine.of.lock(), [&](client_ref &self) { mine.function(self, message(*raw)); });
}

/// Tells whether a topic filter matches a topic (`pmqtt_topic_matches_sub`).
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
