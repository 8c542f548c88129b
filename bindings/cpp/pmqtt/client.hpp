/// @file
/// The class `client`, which owns an MQTT client.
#ifndef PMQTT_CLIENT_HPP
#define PMQTT_CLIENT_HPP

#include <pmqtt.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "client_ref.hpp"
#include "connect_options.hpp"
#include "error.hpp"
#include "state.hpp"
#include "text.hpp"

namespace pmqtt {

/// An MQTT client. It can be moved, but not copied.
///
/// Its functions and callbacks are those of `client_ref`. The callbacks stay set when the client is moved.
/// The functions of a client that was moved from give `errc::inval`.
///
///     pmqtt::client client;
///     client.on_connect([](pmqtt::client_ref &self, const pmqtt::connected &event) {
///         if (event.rc == 0)
///             self.subscribe("greetings", 1);
///     });
///     client.connect("broker");
///     client.loop_forever();
class client : public client_ref {
public:
    /// Creates a client (`pmqtt_client_new`).
    ///
    /// If `client_id` is empty, the library generates a random one, which requires a clean session. If
    /// a `std::error_code` reports a failure, all functions of the object give `errc::inval`.
    explicit client(std::string_view client_id = {}, bool clean_session = true, protocol version = protocol::v311,
                    or_throw ec = {})
        : client_ref(std::make_shared<detail::state>())
    {
        pmqtt_client *handle = nullptr;
        const detail::text id(client_id);
        int rc = PMQTT_ERR_INVAL;
        if (id.is_valid())
            rc = pmqtt_client_new(&handle, id.c_str(), clean_session, state_.get(), static_cast<int>(version));
        state_->handle = handle;
        ec(rc, [] { return std::string("client: the id or the protocol is no good"); });
    }

    /// Takes the client over.
    client(client &&other) noexcept : client_ref(std::move(other.state_)) {}

    /// Takes the client of `other` over, and ends the client that this object had.
    client &operator=(client &&other) noexcept
    {
        client fresh(std::move(other));
        state_.swap(fresh.state_); // so that the old client ends now
        return *this;
    }

    /// Frees the client (`pmqtt_client_free`).
    ///
    /// The connection closes without a DISCONNECT, and queued messages are lost. A program that needs
    /// them delivered calls `drain` and `disconnect` first. After the destructor, no callback begins.
    /// The destructor is legal in any callback and in any thread. Outside of callbacks, it waits until no
    /// callback runs.
    ~client() { end(); }

private:
    void end() noexcept
    {
        const auto self = std::move(state_);
        if (!self)
            return;
        // In a callback, `pmqtt_client_free` does not wait for other threads. But the loop thread may be about to
        // run a callback, and owns a share of the state only while the callback runs.
        if (detail::frame::is_in_callback(*self))
            pmqtt_loop_stop(self->handle);
        pmqtt_client_free(self->handle); // a callback that it waits for may still use the client
        self->handle = nullptr;
        self->clear();
    }
};

/// Returns the version of the library that the program runs with (`pmqtt_lib_version`).
inline int lib_version() noexcept
{
    return pmqtt_lib_version();
}

} // namespace pmqtt

#endif
