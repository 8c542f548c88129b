/// @file
/// The callbacks of requests that wait for their responses. Not for programs.
#ifndef PMQTT_REQUEST_CALLBACKS_HPP
#define PMQTT_REQUEST_CALLBACKS_HPP

#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "events.hpp"

namespace pmqtt::detail {

/// The callbacks by key. The library has the key as user data, and not a pointer: another thread may reinitialise the
/// client just before the library calls back, and nothing reports that the library has dropped a request.
class request_callbacks {
public:
    using key = std::uintptr_t;

    /// Keeps a callback before the library gets the request, because the response may come first.
    key add(handler<response> callback)
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        while (callbacks_.count(++last_) > 0) // a key of 32 bits may still be in use
            ;
        callbacks_.emplace(last_, entry{std::move(callback), false});
        return last_;
    }

    /// Notes that the library has taken the request.
    void accept(key which)
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        const auto found = callbacks_.find(which);
        if (found != callbacks_.end())
            found->second.is_accepted = true;
    }

    /// Hands a callback over; empty if there is none any more. The caller destroys it, because its destructor is code
    /// of the program, and must not run under the lock.
    handler<response> take(key which)
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        auto found = callbacks_.extract(which);
        return found ? std::move(found.mapped().function) : handler<response>();
    }

    /// The requests that the library has taken, and has not ended.
    ///
    /// A request that another thread is making is not among them. If the client is reinitialised at that moment, nobody
    /// knows whether the library still has this request, and its callback may stay until the client ends.
    std::vector<key> accepted() const
    {
        std::vector<key> keys;
        const std::lock_guard<std::mutex> lock(mutex_);
        for (const auto &[which, each] : callbacks_)
            if (each.is_accepted)
                keys.push_back(which);
        return keys;
    }

    /// Destroys these callbacks.
    void forget(const std::vector<key> &those)
    {
        for (const key which : those)
            take(which);
    }

    /// Destroys all callbacks.
    void clear()
    {
        std::unordered_map<key, entry> old;
        const std::lock_guard<std::mutex> lock(mutex_); // released before `old` is destroyed
        callbacks_.swap(old);
    }

private:
    struct entry {
        handler<response> function;
        bool is_accepted;
    };

    mutable std::mutex mutex_; // guards all members below; no code of the program runs under it
    std::unordered_map<key, entry> callbacks_;
    key last_ = 0;
};

} // namespace pmqtt::detail

#endif
