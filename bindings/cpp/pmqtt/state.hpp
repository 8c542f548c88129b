/// @file
/// The state behind a client's handle: its callbacks, and exceptions that wait. Not for programs.
///
/// The client, each call and each running callback own a share of it. The library has it as user data, and
/// begins no callback after `pmqtt_client_free` has returned.
#ifndef PMQTT_STATE_HPP
#define PMQTT_STATE_HPP

#include <pmqtt.h>

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "events.hpp"
#include "text.hpp"

namespace pmqtt::detail {

/// A callback that is set. Whoever calls it shares it, so that it may be replaced meanwhile.
template <class Function> using slot = std::shared_ptr<const Function>;

template <class Function> slot<Function> make_slot(Function function)
{
    return function ? std::make_shared<const Function>(std::move(function)) : nullptr;
}

using password_callback = std::function<std::optional<std::string>()>;

using callback_table = std::tuple<slot<handler<connected>>, slot<handler<connect_failed>>, slot<handler<disconnected>>,
                                  slot<handler<message>>, slot<handler<published>>, slot<handler<subscribed>>,
                                  slot<handler<unsubscribed>>, slot<handler<writable>>, slot<handler<drained>>,
                                  slot<handler<log_line>>, slot<handler<interest>>, slot<password_callback>>;

/// The callback of a topic filter. Numbers count up, and entries are in their order.
struct filter_entry {
    std::string filter;
    std::uint64_t number;
    slot<handler<message>> callback;
};

/// The library has one user data for all filters, so which of them match is found out here, as it does
/// it: each is looked up anew, because the callback before may have added and removed some.
class filters {
public:
    void add(std::string_view filter, slot<handler<message>> &callback)
    {
        for (filter_entry &entry : entries_)
            if (entry.filter == filter)
                return entry.callback.swap(callback);
        entries_.push_back({std::string(filter), ++last_number_, std::move(callback)});
    }

    /// What the filter had; null: it was not there.
    slot<handler<message>> remove(std::string_view filter)
    {
        slot<handler<message>> removed;
        for (auto entry = entries_.begin(); entry != entries_.end(); ++entry)
            if (entry->filter == filter) {
                removed = std::move(entry->callback);
                entries_.erase(entry);
                break;
            }
        return removed;
    }

    /// The first one after number `last` that matches; `last` becomes its number.
    slot<handler<message>> next_match(const char *topic, std::uint64_t &last) const
    {
        for (const filter_entry &entry : entries_) {
            bool matches = false;
            if (entry.number > last &&
                pmqtt_topic_matches_sub(entry.filter.c_str(), topic, &matches) == PMQTT_ERR_SUCCESS && matches) {
                last = entry.number;
                return entry.callback;
            }
        }
        return nullptr;
    }

    bool empty() const noexcept { return entries_.empty(); }

    /// Numbers go on, for a message that is being handed out.
    void swap_entries(std::vector<filter_entry> &entries) noexcept { entries_.swap(entries); }

private:
    std::vector<filter_entry> entries_;
    std::uint64_t last_number_ = 0;
};

class state : public std::enable_shared_from_this<state> {
public:
    /// Null before there is a client, and after its end.
    std::atomic<pmqtt_client *> handle{nullptr};

    template <class Function> slot<Function> get() const
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        return std::get<slot<Function>>(callbacks_);
    }

    /// Sets it, and hands back the one before: its destructor is the program's and must not run under
    /// the lock.
    template <class Function> void swap(slot<Function> &callback)
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        std::get<slot<Function>>(callbacks_).swap(callback);
    }

    /// Whether the library has to call back for this kind of event.
    template <class Event> bool wants() const
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        if constexpr (std::is_same_v<Event, message>)
            if (!filters_.empty())
                return true;
        return std::get<slot<handler<Event>>>(callbacks_) != nullptr;
    }

    void add_filter(std::string_view filter, slot<handler<message>> &callback)
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        filters_.add(filter, callback);
    }

    slot<handler<message>> remove_filter(std::string_view filter)
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        return filters_.remove(filter);
    }

    slot<handler<message>> next_match(const char *topic, std::uint64_t &last) const
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        return filters_.next_match(topic, last);
    }

    /// Forgets all callbacks.
    void clear()
    {
        callback_table old;
        std::vector<filter_entry> entries;
        const std::lock_guard<std::mutex> lock(mutex_); // let go of before the two above
        callbacks_.swap(old);
        filters_.swap_entries(entries);
    }

    /// Keeps an exception until a call takes it; of several the first.
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
    mutable std::mutex mutex_; // guards all below; nothing of the program runs under it
    callback_table callbacks_;
    filters filters_;
    std::exception_ptr thrown_;
};

/// What a thread is in the middle of: a callback of a client, or a call that hands on what leaves one.
class frame {
public:
    /// A loop call also throws what was kept; an endless one has to be ended for it.
    enum class kind { callback, call, loop_call, endless_call };

    frame(std::shared_ptr<state> of, kind what) noexcept : state_(std::move(of)), kind_(what), outer_(innermost_)
    {
        innermost_ = this;
    }

    ~frame() { innermost_ = outer_; }

    frame(const frame &) = delete;
    frame &operator=(const frame &) = delete;

    /// Whether this thread runs a callback of that client.
    static bool is_in_callback(const state &of) noexcept
    {
        return find(of, [](const frame &found) { return found.kind_ == kind::callback; }) != nullptr;
    }

    /// Takes the exception that a callback has thrown: to the call that runs it, and else to the next.
    /// A call that would go on for ever ends, in the one way that the library has for that.
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

    /// Throws what callbacks have thrown, at the end of a call. One that was refused as another runs the
    /// client, or that a callback makes, is not the place for what was kept.
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
