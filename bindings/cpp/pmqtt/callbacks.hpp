/// @file
/// The class `client_callbacks`, a base of `client_ref`, with the callbacks of a client.
#ifndef PMQTT_CALLBACKS_HPP
#define PMQTT_CALLBACKS_HPP

#include <pmqtt.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "authentication.hpp"
#include "error.hpp"
#include "events.hpp"
#include "state.hpp"
#include "text.hpp"

namespace pmqtt {

/// The callbacks of a client. Each function replaces a callback; an empty callback removes it. No function blocks.
///
/// **Callbacks** run in loop calls, one at a time, as `pmqtt.h` says. They may do anything: replace
/// themselves, move the client, or destroy it. A callback that is replaced while it runs is destroyed when it
/// has returned.
///
/// **Exceptions** that leave a callback never pass through C.
/// - `loop`, `loop_read`, `loop_write`, `loop_misc`, `process` and `drain` throw the exception of a callback
///   when they return, even if they were given a `std::error_code`. If several callbacks throw in one call, the
///   call throws the first exception. The library has then done what follows a callback, such as acknowledging a
///   message. The connection stays open, and the next call continues.
/// - `loop_forever` disconnects, as `disconnect()` does, and then throws the exception.
/// - The thread of `loop_start` keeps the exception and goes on, because other code uses the client's connection.
///   `loop_stop` throws the exception. If a loop call in another thread, such as `drain`, ends first, that call
///   throws the exception instead, unless it gives `errc::busy`. If there are several exceptions, the first is
///   kept. A program that must know at once catches the exception in the callback.
/// - `on_log` and `on_interest` may run in other calls, such as `publish`. Their exceptions are kept too.
/// - `tls_set` and `tls_pem_set` throw the exception of the password callback.
/// - An exception that is kept when the client is destroyed is dropped.
class client_callbacks : public client_authentication {
public:
    /// Sets the callback for CONNACK: the broker accepted or refused the connection.
    void on_connect(handler<connected> callback, or_throw ec = {})
    {
        set("on_connect", callback, pmqtt_on_connect_set, ec);
    }

    /// Sets the callback for an attempt to connect that failed before CONNACK.
    void on_connect_fail(handler<connect_failed> callback, or_throw ec = {})
    {
        set("on_connect_fail", callback, pmqtt_on_connect_fail_set, ec);
    }

    /// Sets the callback for the end of a connection.
    void on_disconnect(handler<disconnected> callback, or_throw ec = {})
    {
        set("on_disconnect", callback, pmqtt_on_disconnect_set, ec);
    }

    /// Sets the callback for a broker that sends the client to another server (MQTT 5). `redirect_follow` goes there.
    void on_redirect(handler<redirect> callback, or_throw ec = {})
    {
        set("on_redirect", callback, pmqtt_on_redirect_set, ec);
    }

    /// Sets the callback for messages that no filter of `message_callback_add` matches.
    void on_message(handler<message> callback, or_throw ec = {})
    {
        set("on_message", callback, pmqtt_on_message_set, ec);
    }

    /// Sets the callback for the outcome of each publish.
    void on_publish(handler<published> callback, or_throw ec = {})
    {
        set("on_publish", callback, pmqtt_on_publish_set, ec);
    }

    /// Sets the callback for the answer to SUBSCRIBE.
    void on_subscribe(handler<subscribed> callback, or_throw ec = {})
    {
        set("on_subscribe", callback, pmqtt_on_subscribe_set, ec);
    }

    /// Sets the callback for the answer to UNSUBSCRIBE.
    void on_unsubscribe(handler<unsubscribed> callback, or_throw ec = {})
    {
        set("on_unsubscribe", callback, pmqtt_on_unsubscribe_set, ec);
    }

    /// Sets the callback that reports room in the queue after `publish` has failed with `errc::queue_size`.
    void on_writable(handler<writable> callback, or_throw ec = {})
    {
        set("on_writable", callback, pmqtt_on_writable_set, ec);
    }

    /// Sets the callback for the moment when all messages and requests are settled. `drain` waits for the same.
    void on_drained(handler<drained> callback, or_throw ec = {})
    {
        set("on_drained", callback, pmqtt_on_drained_set, ec);
    }

    /// Sets the callback for log lines. It runs in a loop call, or at the end of another call that caused the line.
    void on_log(handler<log_line> callback, or_throw ec = {})
    {
        set("on_log", callback, pmqtt_on_log_set, ec);
    }

    /// Sets the least important level that `on_log` is called for.
    void log_level_set(log_level level, or_throw ec = {})
    {
        call("log_level_set", ec, pmqtt_log_level_set, static_cast<int>(level));
    }

    /// Sets the callback that tells a foreign loop what to wait for.
    ///
    /// It runs at once, and then for each change of what to wait for, in the thread that makes the change.
    void on_interest(handler<interest> callback, or_throw ec = {})
    {
        set("on_interest", callback, pmqtt_on_interest_set, ec);
    }

    /// Adds a callback for messages that match a filter, in place of `on_message`.
    ///
    /// An empty callback gives `errc::inval`.
    void message_callback_add(std::string_view filter, handler<message> callback, or_throw ec = {})
    {
        auto mine = filter_callback(std::move(callback));
        const auto add = [&](pmqtt_client *client, const char *name) {
            pmqtt_message_handler handler{};
            handler.struct_size = sizeof handler;
            handler.filter = name;
            handler.callback = mine->function ? &filter_trampoline : nullptr;
            handler.userdata = mine.get();
            handler.release = &filter_release;
            const int rc = pmqtt_message_handler_add(client, &handler);
            if (rc == PMQTT_ERR_SUCCESS)
                static_cast<void>(mine.release()); // the library owns it; another thread may have removed it already
            return rc;
        };
        call("message_callback_add", ec, add, text(filter));
    }

    /// Removes the callback of a filter.
    void message_callback_remove(std::string_view filter, or_throw ec = {})
    {
        call("message_callback_remove", ec, pmqtt_message_callback_remove, text(filter));
    }

protected:
    using client_authentication::client_authentication;

    /// Runs a function of the program in a callback of the library.
    template <class Body> static void run_callback(std::shared_ptr<detail::state> of, Body body) noexcept;

    /// The callback that the library calls, with the state as user data.
    template <class Event, class Raw>
    static void trampoline(pmqtt_client *, void *userdata, const Raw *raw) noexcept;

    /// The callback of a filter, which `filter_trampoline` calls and `filter_release` destroys.
    std::unique_ptr<detail::filter_callback> filter_callback(handler<message> function) const
    {
        auto mine = std::make_unique<detail::filter_callback>();
        mine->of = state_;
        mine->function = std::move(function);
        return mine;
    }

    /// The callback that the library calls for a filter, with the `filter_callback` as user data.
    static void filter_trampoline(pmqtt_client *, void *userdata, const pmqtt_message *raw) noexcept;

    /// Destroys the callback of a filter. The callback may own an object that destroys the client. Therefore the
    /// function counts as a callback (`frame`).
    static void filter_release(void *userdata) noexcept
    {
        std::unique_ptr<detail::filter_callback> gone(static_cast<detail::filter_callback *>(userdata));
        const frame mark(gone->of.lock(), frame::kind::callback);
        gone.reset();
    }

private:
    friend class client_authentication;

    template <class Event, class Setter>
    void set(const char *what, handler<Event> &function, Setter setter, or_throw ec)
    {
        const auto self = state_;
        auto callback = detail::make_slot(std::move(function));
        if (self)
            self->swap(callback);
        ec(self ? sync<Event>(self, setter) : PMQTT_ERR_INVAL, [&] { return words(what, self); });
    }

    /// Sets the callback in the library if the program has set one, and removes it otherwise. Another thread may
    /// set or remove the program's callback meanwhile, so the function checks again after the library's setter.
    template <class Event, class Raw>
    static int sync(const std::shared_ptr<detail::state> &self,
                    int (*setter)(pmqtt_client *, void (*)(pmqtt_client *, void *, const Raw *)))
    {
        int rc;
        bool wanted;
        do {
            wanted = self->wants<Event>();
            rc = setter(self->handle, wanted ? &trampoline<Event, Raw> : nullptr);
        } while (rc == PMQTT_ERR_SUCCESS && wanted != self->wants<Event>());
        return rc;
    }
};

} // namespace pmqtt

#endif
