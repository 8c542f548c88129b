/// @file
/// The class with which the functions of a client call the C functions. Not for programs.
#ifndef PMQTT_BASE_HPP
#define PMQTT_BASE_HPP

#include <pmqtt.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "error.hpp"
#include "properties.hpp"
#include "state.hpp"
#include "text.hpp"

namespace pmqtt {

using std::chrono::milliseconds; ///< A time in milliseconds.
using std::chrono::seconds;      ///< A time in seconds.

namespace detail {

/// The count of a time as an `int` of C. A count that does not fit becomes the nearest `int`.
template <class Duration> int number(Duration time) noexcept
{
    using limits = std::numeric_limits<int>;
    const auto count = time.count();
    return static_cast<int>(std::clamp<decltype(time.count())>(count, limits::min(), limits::max()));
}

/// Whether an argument has texts, which are not valid if there is a NUL inside.
template <class T, class = void> constexpr bool may_be_invalid = false;

template <class T> constexpr bool may_be_invalid<T, std::void_t<decltype(std::declval<const T &>().is_valid())>> = true;

class client_base {
public:
    pmqtt_client *native_handle() const noexcept { return handle_of(state_); }

protected:
    using frame = detail::frame;
    using text = detail::text;
    using secret_text = detail::secret_text;

    explicit client_base(std::shared_ptr<state> state) noexcept : state_(std::move(state)) {}

    /// Calls a C function, which may run `on_log` and `on_interest`. These callbacks may destroy this
    /// object, so the code after the call uses no member.
    template <class Function, class... Arguments>
    void call(const char *what, or_throw ec, Function function, const Arguments &...arguments) const
    {
        const auto self = state_;
        if (!(is_valid(arguments) && ...))
            return refuse(what, ec);
        ec(function(handle_of(self), pass(arguments)...), [&] { return words(what, self); });
    }

    /// Calls a C function that runs callbacks, and throws the exceptions that left them.
    template <class Function, class... Arguments>
    void run(const char *what, or_throw ec, frame::kind kind, Function function, const Arguments &...arguments) const
    {
        const auto self = state_;
        if (!(is_valid(arguments) && ...))
            return refuse(what, ec);
        frame mark(self, kind);
        const int rc = function(handle_of(self), pass(arguments)...);
        mark.rethrow(rc);
        ec(rc, [&] { return words(what, self); });
    }

    static std::string words(const char *what, const std::shared_ptr<state> &self)
    {
        const std::string why = last_error_of(self);
        return why.empty() ? what : what + (": " + why);
    }

    static std::string last_error_of(const std::shared_ptr<state> &self)
    {
        std::string text(256, '\0');
        std::size_t length = pmqtt_last_error(handle_of(self), text.data(), text.size());
        while (length >= text.size()) { // another thread may set a longer text meanwhile
            text.resize(length + 1);
            length = pmqtt_last_error(handle_of(self), text.data(), text.size());
        }
        text.resize(length);
        return text;
    }

    std::shared_ptr<state> state_; // null: moved from

private:
    static pmqtt_client *handle_of(const std::shared_ptr<state> &self) noexcept
    {
        return self ? self->handle.load() : nullptr;
    }

    static void refuse(const char *what, or_throw ec)
    {
        ec(PMQTT_ERR_INVAL, [&] { return std::string(what) + ": a text has a NUL inside"; });
    }

    static const char *pass(const text &argument) noexcept { return argument.c_str(); }
    static const char *pass(const secret_text &argument) noexcept { return argument.c_str(); }
    static const ::pmqtt_properties *pass(const properties &argument) noexcept { return &argument.raw(); }
    template <class T> static const T &pass(const T &argument) noexcept { return argument; }

    template <class T> static bool is_valid(const T &argument) noexcept
    {
        if constexpr (may_be_invalid<T>)
            return argument.is_valid();
        else
            return true;
    }
};

} // namespace detail
} // namespace pmqtt

#endif
