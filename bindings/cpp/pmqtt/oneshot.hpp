/// @file
/// One-shots: calls that connect, publish or receive, and disconnect.
#ifndef PMQTT_ONESHOT_HPP
#define PMQTT_ONESHOT_HPP

#include <pmqtt.h>

#include <cstddef>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "bytes.hpp"
#include "client_ref.hpp"
#include "error.hpp"
#include "events.hpp"
#include "oneshot_options.hpp"
#include "publication.hpp"
#include "text.hpp"

namespace pmqtt {

/// The messages that `subscribe_simple` has received, in the order in which they came.
///
/// What each of them points to is valid as long as this object lives.
class messages {
public:
    /// @cond an input iterator, as the standard has them
    class iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = message;
        using difference_type = std::ptrdiff_t;
        using pointer = const message *;
        using reference = message;

        iterator(const messages &of, std::size_t index) noexcept : of_(&of), index_(index) {}
        message operator*() const { return (*of_)[index_]; }
        iterator &operator++() noexcept { return ++index_, *this; }
        iterator operator++(int) noexcept { return {*of_, index_++}; }
        bool operator==(const iterator &other) const noexcept { return index_ == other.index_; }
        bool operator!=(const iterator &other) const noexcept { return index_ != other.index_; }

    private:
        const messages *of_;
        std::size_t index_;
    };
    /// @endcond

    /// Makes an empty list.
    messages() noexcept = default;
    /// Takes over the messages of C; null: none.
    explicit messages(pmqtt_messages *raw) noexcept : raw_(raw) {}

    /// Returns the number of messages.
    std::size_t size() const noexcept { return pmqtt_messages_count(raw_.get()); }
    /// Tells whether there are no messages.
    bool empty() const noexcept { return size() == 0; }
    /// Returns one message; `index` must be under `size()`.
    message operator[](std::size_t index) const { return message(*pmqtt_messages_get(raw_.get(), index)); }
    /// Returns the first message.
    iterator begin() const noexcept { return {*this, 0}; }
    /// Returns the place after the last message.
    iterator end() const noexcept { return {*this, size()}; }

private:
    struct free {
        void operator()(pmqtt_messages *raw) const noexcept { pmqtt_messages_free(raw); }
    };
    std::unique_ptr<pmqtt_messages, free> raw_;
};

/// The exception of `subscribe_simple`: fewer messages came than the program asked for.
class incomplete : public std::system_error {
public:
    /// Makes an exception of an error and the messages that came before it.
    incomplete(const std::system_error &error, messages received)
        : std::system_error(error), received_(std::make_shared<const messages>(std::move(received)))
    {
    }

    /// Returns the messages that came before the failure. They were acknowledged, and do not come again.
    const messages &received() const noexcept { return *received_; }

private:
    std::shared_ptr<const messages> received_;
};

/// Publishes one message (`pmqtt_publish_single`). Blocks at most for the timeout of the options.
inline void publish_single(std::string_view topic, bytes payload, int qos = 0, bool retain = false,
                           const oneshot_options &options = {}, or_throw ec = {})
{
    const detail::text name(topic);
    detail::raw_options raw(options);
    raw.call("publish_single", ec, name, [&](const pmqtt_oneshot_options *how) {
        return pmqtt_publish_single(name.c_str(), payload.data(), payload.size(), qos, retain, how);
    });
}

/// Publishes messages over one connection (`pmqtt_publish_multiple`).
///
/// Blocks at most for the timeout of the options.
inline void publish_multiple(const std::vector<publication> &publications, const oneshot_options &options = {},
                             or_throw ec = {})
{
    const detail::raw_publications all(publications.data(), publications.size());
    detail::raw_options raw(options);
    raw.call("publish_multiple", ec, all, [&](const pmqtt_oneshot_options *how) {
        return pmqtt_publish_multiple(all.data(), all.size(), how);
    });
}

/// Receives a number of messages (`pmqtt_subscribe_simple`).
///
/// If `retained` is false, retained messages do not count, and are dropped. With a `std::error_code`, the
/// function returns the messages that came before a failure. Otherwise it throws `incomplete`, which has them.
inline messages subscribe_simple(const std::vector<std::string_view> &filters, int qos = 0, std::size_t count = 1,
                                 bool retained = true, const oneshot_options &options = {}, or_throw ec = {})
{
    detail::texts names(filters);
    detail::raw_options raw(options);
    pmqtt_messages *out = nullptr;
    const auto receive = [&](const pmqtt_oneshot_options *how) {
        return pmqtt_subscribe_simple(names.data(), names.size(), qos, count, retained, how, &out);
    };
    try {
        raw.call("subscribe_simple", ec, names, receive);
    } catch (const std::system_error &error) {
        throw incomplete(error, messages(out));
    }
    return messages(out);
}

namespace detail {

/// The client of `subscribe_callback`, which the library owns.
class follower : public client_ref {
public:
    explicit follower(handler<message> &function) : client_ref(std::make_shared<state>())
    {
        auto callback = make_slot(std::move(function));
        state_->swap(callback);
    }

    ~follower() { state_->clear(); }

    int run(texts &filters, int qos, const pmqtt_oneshot_options *how)
    {
        frame mark(state_, frame::kind::endless_call);
        const bool is_set = state_->wants<message>();
        const int rc = pmqtt_subscribe_callback(is_set ? receive : nullptr, state_.get(), filters.data(),
                                                filters.size(), qos, how);
        state_->handle = nullptr; // references that the program kept must not use it
        mark.rethrow(rc);
        return rc;
    }

private:
    static void receive(pmqtt_client *client, void *userdata, const pmqtt_message *event) noexcept
    {
        static_cast<state *>(userdata)->handle = client;
        trampoline<message>(client, userdata, event);
    }
};

} // namespace detail

/// Receives messages until the callback calls `disconnect` on its client (`pmqtt_subscribe_callback`).
///
/// The client reconnects if the connection is lost. If an exception leaves the callback, the function
/// disconnects, and then throws it. Blocks until disconnected.
inline void subscribe_callback(handler<message> callback, const std::vector<std::string_view> &filters, int qos = 0,
                               const oneshot_options &options = {}, or_throw ec = {})
{
    detail::texts names(filters);
    detail::raw_options raw(options);
    detail::follower follower(callback);
    raw.call("subscribe_callback", ec, names,
             [&](const pmqtt_oneshot_options *how) { return follower.run(names, qos, how); });
}

} // namespace pmqtt

#endif
