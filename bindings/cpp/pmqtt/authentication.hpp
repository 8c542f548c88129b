/// @file
/// The class `client_authentication`, a base of `client_ref`, with the enhanced authentication of MQTT 5.
#ifndef PMQTT_AUTHENTICATION_HPP
#define PMQTT_AUTHENTICATION_HPP

#include <pmqtt.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "bytes.hpp"
#include "error.hpp"
#include "events.hpp"
#include "properties.hpp"
#include "reason.hpp"
#include "settings.hpp"
#include "state.hpp"

namespace pmqtt {

/// The enhanced authentication of a client of MQTT 5. No function blocks.
///
///     client.auth_set("TOKEN", [](pmqtt::client_ref &self, const pmqtt::auth_event &event) {
///         if (event.step != pmqtt::auth_step::done)
///             self.auth_answer(token());
///     });
///
/// If an exception leaves the callback before it has answered, the authentication waits for an answer until the
/// connect timeout has passed.
class client_authentication : public client_settings {
public:
    /// Sets the authentication method, and the callback that answers. `{}` as the method removes both.
    ///
    /// The method takes effect with the next connection, and the callback at once.
    void auth_set(std::string_view method, handler<auth_event> callback = {}, or_throw ec = {})
    {
        const auto set = [&](pmqtt_client *client, const char *name) {
            detail::slot<detail::auth_method> fresh;
            if (name && callback)
                fresh = std::make_shared<const detail::auth_method>(
                    detail::auth_method{std::string(method), std::move(callback)});
            else if (name)
                return PMQTT_ERR_INVAL;
            return set_method(client, std::move(fresh));
        };
        call("auth_set", ec, set, text(method));
    }

    /// Has the library authenticate with SCRAM-SHA-256, from the next connection on; `{}` as the user: it does not.
    void auth_scram_set(std::string_view user, std::string_view password = {}, or_throw ec = {})
    {
        call("auth_scram_set", ec, pmqtt_auth_scram_set, text(user), secret_text(password));
    }

    /// Answers the latest `auth_step::start` or `auth_step::challenge`, in the callback or later.
    void auth_answer(bytes data, const properties &list = {}, or_throw ec = {})
    {
        call("auth_answer", ec, pmqtt_auth_answer, static_cast<const void *>(data.data()), data.size(), list);
    }

    /// Refuses in an authentication, and so ends the connection.
    ///
    /// `reason` is `unspecified_error` or `implementation_specific_error`.
    void auth_fail(reason_code reason = reason_code::unspecified_error, or_throw ec = {})
    {
        call("auth_fail", ec, pmqtt_auth_fail, static_cast<int>(reason));
    }

    /// Authenticates again on the open connection.
    void reauthenticate(or_throw ec = {}) { call("reauthenticate", ec, pmqtt_reauthenticate); }

protected:
    using client_settings::client_settings;

private:
    /// The callback that the library calls, with the state as user data.
    static void auth_trampoline(pmqtt_client *, void *userdata, const pmqtt_auth_event *raw) noexcept;

    /// Sets the method in the library. Another thread may set another method meanwhile, so the function looks
    /// again after the library's setter.
    int set_method(pmqtt_client *client, detail::slot<detail::auth_method> fresh)
    {
        const auto self = state_;
        if (!self)
            return PMQTT_ERR_INVAL;
        auto former = fresh;
        self->swap(former);
        detail::slot<detail::auth_method> wanted;
        int rc;
        do {
            wanted = self->get<detail::auth_method>();
            rc = pmqtt_auth_set(client, wanted ? wanted->name.c_str() : nullptr, wanted ? auth_trampoline : nullptr);
        } while (rc == PMQTT_ERR_SUCCESS && wanted != self->get<detail::auth_method>());
        if (rc != PMQTT_ERR_SUCCESS && wanted == fresh)
            self->swap(former);
        return rc;
    }
};

} // namespace pmqtt

#endif
