// Brokers of MQTT 5 that send the client to another server.
#include <optional>
#include <string>

#include "support.hpp"

extern "C" {
#include "peer.h"
}

// Refuses each connection, and refers to another server.
class referrer {
public:
    explicit referrer(const std::string &reference)
    {
        const auto length = static_cast<char>(reference.size());
        const std::string bytes = std::string{'\x20', static_cast<char>(length + 6), 0, '\x9c'} +
                                  std::string{static_cast<char>(length + 3), '\x1c', 0, length} + reference;
        const script refusal = {{{bytes.data(), bytes.size()}}, false};
        peer_start(&peer_, &refusal);
    }

    ~referrer() { peer_stop(&peer_); }

    int port() const { return peer_.port; }

private:
    peer peer_;
};

static void followed()
{
    step("the client goes to the other server, and no other callback reports the first one");
    broker_start();
    referrer first(std::string(BROKER_HOST) + ":" + std::to_string(broker_port()));
    pmqtt::client client({}, true, pmqtt::protocol::v5);
    std::string log;
    client.on_redirect([&](pmqtt::client_ref &self, const pmqtt::redirect &event) {
        CHECK(event.reason == pmqtt::reason_code::use_another_server);
        CHECK(event.host && *event.host == BROKER_HOST);
        CHECK(event.reference == std::string(*event.host) + ":" + std::to_string(event.port));
        CHECK_INT(event.port, broker_port());
        CHECK_INT(event.hops, 0);
        log += "redirect;";
        self.redirect_follow();
    });
    client.on_connect([&](auto &, const pmqtt::connected &event) {
        CHECK(event.reason == pmqtt::reason_code::success);
        log += "connected;";
    });
    client.connect(BROKER_HOST, first.port());
    LOOP_UNTIL(client, client.is_connected());
    CHECK_TEXT(log.c_str(), "redirect;connected;");
    CHECK_ERROR(thrown_by([&] { client.redirect_follow(); }), pmqtt::errc::not_found);
}

static void refused()
{
    step("a reference that the library cannot read");
    referrer first("?");
    pmqtt::client client({}, true, pmqtt::protocol::v5);
    std::optional<pmqtt::reason_code> reason;
    std::error_code ec;
    bool is_told = false;
    client.on_redirect([&](pmqtt::client_ref &self, const pmqtt::redirect &event) {
        CHECK(event.reference == "?" && !event.host && event.port == 0);
        CHECK_ERROR(thrown_by([&] { self.redirect_follow(); }), pmqtt::errc::inval);
        is_told = true;
    });
    client.on_connect([&](auto &, const pmqtt::connected &event) { reason = event.reason; });
    client.connect(BROKER_HOST, first.port());
    DO_UNTIL(reason, client.loop(10ms, ec));
    CHECK(is_told && *reason == pmqtt::reason_code::use_another_server);

    step("no callback any more");
    is_told = false;
    reason.reset();
    client.on_redirect({});
    client.connect(BROKER_HOST, first.port());
    DO_UNTIL(reason, client.loop(10ms, ec));
    CHECK(!is_told);
}

int main()
{
    watchdog(120);
    followed();
    refused();
    return 0;
}
