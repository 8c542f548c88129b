/// @file
/// The class `client_ref`, the base of `client`, with all functions of a client.
#ifndef PMQTT_CLIENT_REF_HPP
#define PMQTT_CLIENT_REF_HPP

#include <pmqtt.h>

#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base.hpp"
#include "callbacks.hpp"
#include "connect_options.hpp"
#include "error.hpp"
#include "events.hpp"
#include "properties.hpp"
#include "reason.hpp"
#include "requests.hpp"
#include "state.hpp"
#include "text.hpp"

namespace pmqtt {

/// A snapshot of a client's statistics (`pmqtt_statistics`).
using statistics = ::pmqtt_statistics;

/// A reference to a client. Each callback gets one.
///
/// A program may copy and keep a reference. It stays valid when the `client` is moved. When the destructor of
/// the `client` has begun, only callbacks that still run may use the reference: the destructor waits for them.
/// In a callback that has itself destroyed the client, the functions give `errc::inval`.
///
/// Each function is `pmqtt_<name>` of `pmqtt.h`, which describes its errors. Each may be called in any thread
/// and in any callback. `or_throw` describes how a function reports a failure.
class client_ref : public client_requests {
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

    /// Follows the redirect that `on_redirect` reports: connects to the host and port of its event.
    void redirect_follow(or_throw ec = {}) { call("redirect_follow", ec, pmqtt_redirect_follow); }

    /// Ends the connection with a DISCONNECT. Loop calls carry this out; this call never blocks.
    void disconnect(or_throw ec = {}) { call("disconnect", ec, pmqtt_disconnect); }

    /// Ends the connection as `disconnect()` does, and tells the broker why (`pmqtt_disconnect_with`).
    ///
    /// After `reason_code::disconnect_with_will`, the broker publishes the will, in every version of MQTT. All else
    /// is of MQTT 5.
    void disconnect(reason_code reason, const properties &list = {}, or_throw ec = {})
    {
        call("disconnect", ec, pmqtt_disconnect_with, static_cast<int>(reason), list);
    }

    /// Resets the client to the state of a new one, and removes its callbacks.
    void reinitialise(std::string_view client_id = {}, bool clean_session = true, or_throw ec = {})
    {
        const auto self = state_;
        const auto reset = [&](pmqtt_client *client, const char *id) {
            auto former = self ? self->all() : detail::callback_table();
            const auto requests = self ? self->requests.accepted() : std::vector<detail::request_callbacks::key>();
            const int rc = pmqtt_reinitialise(client, id, clean_session, self.get());
            if (rc == PMQTT_ERR_SUCCESS) { // keeps the callbacks that a handler's end has set meanwhile
                self->forget(std::move(former));
                self->requests.forget(requests);
            }
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

    /// Returns what applies to the present connection.
    ///
    /// If a `std::error_code` reports a failure, all numbers are 0.
    negotiated negotiated_get(or_throw ec = {}) const
    {
        pmqtt_negotiated raw{};
        raw.struct_size = sizeof raw;
        call("negotiated_get", ec, pmqtt_negotiated_get, &raw);
        return negotiated(raw);
    }

    /// Returns a text that the broker has stated with CONNACK (MQTT 5); `nullopt`: it has not stated this text.
    ///
    /// `id` is `property_id::response_information` or `property_id::server_reference`.
    std::optional<std::string> negotiated_text(property_id id, or_throw ec = {}) const
    {
        std::optional<std::string> said(std::in_place, std::size_t{65536}, '\0'); // enough for each text
        const auto get = [&](pmqtt_client *client) {
            const int rc = pmqtt_negotiated_text(client, static_cast<int>(id), said->data(), said->size());
            if (rc == PMQTT_ERR_SUCCESS)
                said->resize(std::strlen(said->c_str()));
            else
                said.reset();
            return rc == PMQTT_ERR_NOT_FOUND ? PMQTT_ERR_SUCCESS : rc;
        };
        call("negotiated_text", ec, get);
        return said;
    }

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
    using client_requests::native_handle;
    /// @}

protected:
    /// Refers to the client of a state.
    explicit client_ref(std::shared_ptr<detail::state> state) noexcept : client_requests(std::move(state)) {}

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

inline void client_authentication::auth_trampoline(pmqtt_client *, void *userdata, const pmqtt_auth_event *raw) noexcept
{
    client_callbacks::run_callback(static_cast<detail::state *>(userdata)->shared_from_this(), [&](client_ref &self) {
        if (const auto method = self.state_->get<detail::auth_method>())
            method->function(self, auth_event(*raw));
    });
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

inline void client_requests::response_trampoline(pmqtt_client *client, void *userdata,
                                                 const pmqtt_response *raw) noexcept
{
    const auto of = static_cast<detail::state *>(pmqtt_user_data(client))->shared_from_this();
    run_callback(of, [&](client_ref &self) {
        const auto callback = of->requests.take(reinterpret_cast<detail::request_callbacks::key>(userdata));
        if (callback) // empty: another thread has reinitialised the client
            callback(self, response(*raw));
    });
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
