/// @file
/// The state behind a client's handle: its callbacks, and exceptions that wait. Not for programs.
///
/// The client, each call and each running callback own a share of the state. The library has the state as user
/// data, and begins no callback after `pmqtt_client_free` has returned.
#ifndef PMQTT_STATE_HPP
#define PMQTT_STATE_HPP

#include <pmqtt.h>

#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "events.hpp"
#include "request_callbacks.hpp"

namespace pmqtt::detail {

/// A callback that is set. A thread that calls it owns a share, so the callback may be replaced meanwhile.
template <class Function> using slot = std::shared_ptr<const Function>;

template <class Function> slot<Function> make_slot(Function function)
{
    return function ? std::make_shared<const Function>(std::move(function)) : nullptr;
}

using password_callback = std::function<std::optional<std::string>()>;

/// A method of enhanced authentication, and the callback that answers.
struct auth_method {
    std::string name;
    handler<auth_event> function;
};

using callback_table = std::tuple<slot<handler<connected>>, slot<handler<connect_failed>>, slot<handler<disconnected>>,
                                  slot<handler<message>>, slot<handler<published>>, slot<handler<subscribed>>,
                                  slot<handler<unsubscribed>>, slot<handler<writable>>, slot<handler<drained>>,
                                  slot<handler<log_line>>, slot<handler<interest>>, slot<handler<redirect>>,
                                  slot<password_callback>, slot<auth_method>>;

class state : public std::enable_shared_from_this<state> {
public:
    /// Null before there is a client, and after its end.
    std::atomic<pmqtt_client *> handle{nullptr};

    request_callbacks requests;

    template <class Function> slot<Function> get() const
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        return std::get<slot<Function>>(callbacks_);
    }

    /// Sets a callback, and hands back the previous one in `callback`. The caller destroys it, because its
    /// destructor is code of the program, and must not run under the lock.
    template <class Function> void swap(slot<Function> &callback)
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        std::get<slot<Function>>(callbacks_).swap(callback);
    }

    /// Tells whether there is a callback for this kind of event.
    template <class Event> bool wants() const
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        return std::get<slot<handler<Event>>>(callbacks_) != nullptr;
    }

    /// Removes all callbacks, except those of filters.
    void clear()
    {
        requests.clear();
        callback_table old;
        const std::lock_guard<std::mutex> lock(mutex_); // released before `old` is destroyed
        callbacks_.swap(old);
    }

    /// All callbacks but those of filters and requests.
    callback_table all() const
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        return callbacks_;
    }

    /// Removes each of these callbacks, unless another one has replaced it since.
    template <class... Slots> void forget(std::tuple<Slots...> those)
    {
        const std::lock_guard<std::mutex> lock(mutex_); // released before `those` is destroyed
        const auto forget_one = [](auto &present, auto &that) {
            if (present == that)
                present.reset(); // `that` still owns it
        };
        (forget_one(std::get<Slots>(callbacks_), std::get<Slots>(those)), ...);
    }

    /// Keeps an exception until a call takes it. If there are several, it keeps the first.
    void keep(std::exception_ptr exception)
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (!thrown_)
            thrown_ = std::move(exception);
    }

    std::exception_ptr take_exception()
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        return std::exchange(thrown_, nullptr);
    }

private:
    mutable std::mutex mutex_; // guards all members below; no code of the program runs under it
    callback_table callbacks_;
    std::exception_ptr thrown_;
};

/// The callback of a filter. The library owns it from the time when it is added until it is released.
struct filter_callback {
    std::weak_ptr<state> of;
    handler<message> function;
};

/// A mark on the stack of a thread. It shows that the thread runs a callback of a client, or a call that throws
/// the exceptions of callbacks.
class frame {
public:
    /// - `callback`: runs code of the program.
    /// - `call`: throws the exceptions of the callbacks that it runs.
    /// - `loop_call`: also throws a kept exception.
    /// - `endless_call`: a loop call that `pmqtt_disconnect` must end before it can throw.
    enum class kind { callback, call, loop_call, endless_call };

    frame(std::shared_ptr<state> of, kind what) noexcept : state_(std::move(of)), kind_(what), outer_(innermost_)
    {
        innermost_ = this;
    }

    ~frame() { innermost_ = outer_; }

    frame(const frame &) = delete;
    frame &operator=(const frame &) = delete;

    /// Tells whether this thread runs a callback of that client.
    static bool is_in_callback(const state &of) noexcept
    {
        return find(of, [](const frame &found) { return found.kind_ == kind::callback; }) != nullptr;
    }

    /// Handles the exception that has left a callback. The call that runs the callback throws it later. If
    /// that call is an `endless_call`, this function ends it with `pmqtt_disconnect`. If no such call runs the
    /// callback, the client keeps the exception for a later call.
    static void caught(state &of)
    {
        frame *call = find(of, [](const frame &found) { return found.kind_ != kind::callback; });
        if (!call)
            return of.keep(std::current_exception());
        if (!call->thrown_)
            call->thrown_ = std::current_exception();
        if (call->kind_ == kind::endless_call)
            pmqtt_disconnect(of.handle);
    }

    /// Throws the exception of a callback, at the end of a call. If there is none, it throws a kept exception, except
    /// in these cases:
    /// - The kind is `call`.
    /// - The call was refused, because another call runs the client.
    /// - A callback makes the call.
    void rethrow(int rc)
    {
        if (!thrown_ && state_ && kind_ != kind::call && rc != PMQTT_ERR_BUSY && !is_in_callback(*state_))
            thrown_ = state_->take_exception();
        if (thrown_)
            std::rethrow_exception(std::exchange(thrown_, nullptr));
    }

private:
    template <class Condition> static frame *find(const state &of, Condition condition) noexcept
    {
        frame *found = innermost_;
        while (found && !(found->state_.get() == &of && condition(*found)))
            found = found->outer_;
        return found;
    }

    const std::shared_ptr<state> state_;
    const kind kind_;
    frame *const outer_;
    std::exception_ptr thrown_;

    static inline thread_local frame *innermost_ = nullptr;
};

} // namespace pmqtt::detail

#endif
