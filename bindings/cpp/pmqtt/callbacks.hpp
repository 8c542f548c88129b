/// @file
/// The callbacks of a client: `client_callbacks`, a base of `client_ref`.
#ifndef PMQTT_CALLBACKS_HPP
#define PMQTT_CALLBACKS_HPP

#include <pmqtt.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "error.hpp"
#include "events.hpp"
#include "settings.hpp"
#include "state.hpp"
#include "text.hpp"

namespace pmqtt {

/// What a client calls. Each function replaces the callback before; an empty one clears it. None of them
/// blocks.
///
/// **Callbacks** run in loop calls, as the header says, one at a time, and may do anything: replace
/// themselves, move the client, destroy it. A function that runs is destroyed when it has returned.
///
/// **Exceptions** that leave a callback never pass through C.
/// - The loop call that ran the callback throws it when it returns (`loop`, `loop_read`, `loop_write`,
///   `loop_misc`, `process`, `drain`), in the form with a `std::error_code` too. What the library does
///   after a callback has been done by then: a message is acknowledged, for example. Of several in one
///   call it is the first. The connection stands, and the next call goes on.
/// - `loop_forever` disconnects, as `disconnect()` would, and throws it then.
/// - In the thread of `loop_start` it is kept, and the thread goes on, because others live on its
///   connection; `loop_stop` throws it, or a loop call in another thread that ends before. Of several it
///   is the first. Programs that have to know at once catch in the callback.
/// - `on_log` and `on_interest` may run in other calls, such as `publish`; then it is kept likewise.
/// - `tls_set` and `tls_pem_set` throw what the password callback has thrown.
/// - One that is kept when the client is destroyed is dropped.
class client_callbacks : public client_settings {
public:
    /// The broker has answered CONNECT: accepted, or refused.
    void on_connect(handler<connected> callback, or_throw ec = {})
    {
        set("on_connect", callback, pmqtt_on_connect_set, ec);
    }

    /// An attempt to connect has failed before the broker answered.
    void on_connect_fail(handler<connect_failed> callback, or_throw ec = {})
    {
        set("on_connect_fail", callback, pmqtt_on_connect_fail_set, ec);
    }

    /// A connection has ended.
    void on_disconnect(handler<disconnected> callback, or_throw ec = {})
    {
        set("on_disconnect", callback, pmqtt_on_disconnect_set, ec);
    }

    /// A message has come that no filter of `message_callback_add` matches.
    void on_message(handler<message> callback, or_throw ec = {})
    {
        set("on_message", callback, pmqtt_on_message_set, ec);
    }

    /// A publish is done.
    void on_publish(handler<published> callback, or_throw ec = {})
    {
        set("on_publish", callback, pmqtt_on_publish_set, ec);
    }

    /// The broker has answered SUBSCRIBE.
    void on_subscribe(handler<subscribed> callback, or_throw ec = {})
    {
        set("on_subscribe", callback, pmqtt_on_subscribe_set, ec);
    }

    /// The broker has answered UNSUBSCRIBE.
    void on_unsubscribe(handler<unsubscribed> callback, or_throw ec = {})
    {
        set("on_unsubscribe", callback, pmqtt_on_unsubscribe_set, ec);
    }

    /// There is room in the queue again, after `errc::queue_size`.
    void on_writable(handler<writable> callback, or_throw ec = {})
    {
        set("on_writable", callback, pmqtt_on_writable_set, ec);
    }

    /// Lines that tell what the client does. It runs in whichever thread does that.
    void on_log(handler<log_line> callback, or_throw ec = {})
    {
        set("on_log", callback, pmqtt_on_log_set, ec);
    }

    /// Which lines `on_log` gets: those of a level, and of all that matter more. Others are not made.
    void log_level_set(log_level level, or_throw ec = {})
    {
        call("log_level_set", ec, pmqtt_log_level_set, static_cast<int>(level));
    }

    /// For a foreign loop: what it has to wait for has changed. It runs in whichever thread changes that,
    /// and at once with what holds now.
    void on_interest(handler<interest> callback, or_throw ec = {})
    {
        set("on_interest", callback, pmqtt_on_interest_set, ec);
    }

    /// Sets what is called for messages that match a filter, in place of `on_message`. An empty callback
    /// is `errc::inval`.
    void message_callback_add(std::string_view filter, handler<message> callback, or_throw ec = {})
    {
        auto fresh = detail::make_slot(std::move(callback));
        const detail::text name(filter);
        bool matches = false;
        int rc = PMQTT_ERR_INVAL;
        if (state_ && fresh && name.is_valid()) // the match says whether the filter is well-formed
            rc = pmqtt_topic_matches_sub(name.c_str(), "x", &matches);
        if (rc == PMQTT_ERR_SUCCESS) {
            state_->add_filter(filter, fresh);
            rc = sync<message>(state_, pmqtt_on_message_set);
        }
        ec(rc, [] { return std::string("message_callback_add: the filter or the callback is no good"); });
    }

    /// Removes the callback of a filter.
    void message_callback_remove(std::string_view filter, or_throw ec = {})
    {
        int rc = PMQTT_ERR_INVAL;
        if (state_) {
            const auto removed = state_->remove_filter(filter);
            rc = removed ? sync<message>(state_, pmqtt_on_message_set) : PMQTT_ERR_NOT_FOUND;
        }
        ec(rc, [] { return std::string("message_callback_remove: the filter has no callback"); });
    }

protected:
    using client_settings::client_settings;

    /// What the library calls, with the state as user data.
    template <class Event, class Raw>
    static void trampoline(pmqtt_client *, void *userdata, const Raw *raw) noexcept;

private:
    template <class Event, class Setter>
    void set(const char *what, handler<Event> &function, Setter setter, or_throw ec)
    {
        const auto self = state_;
        auto callback = detail::make_slot(std::move(function));
        if (self)
            self->swap(callback);
        ec(self ? sync<Event>(self, setter) : PMQTT_ERR_INVAL, [&] { return words(what, self); });
    }

    /// Has the library call back if there is a callback. Another thread may change that meanwhile: whoever
    /// tells the library last has looked after it.
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
