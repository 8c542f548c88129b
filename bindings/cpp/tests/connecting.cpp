// Connections of MQTT 5: what a client asks for, what the broker agrees to, and the reasons for which they end.
#include <optional>
#include <string>

#include "support.hpp"

extern "C" {
#include "peer.h"
}

using pmqtt::reason_code;

static void options()
{
    step("what the client asks for, and what then applies");
    pmqtt::client client({}, true, pmqtt::protocol::v5);
    pmqtt::connect_options options;
    options.clean_start = pmqtt::clean_start::first;
    options.session_expiry = 60s;
    options.receive_maximum = 10;
    options.topic_alias_receive = -1;
    options.client_id_by_broker = true;
    options.request_response_information = true;
    options.user_properties = {{"site", "north"}};
    client.connect_options_set(options);
    CHECK_ERROR(thrown_by([&] { client.negotiated_get(); }), pmqtt::errc::no_conn);
    CHECK_ERROR(thrown_by([&] { client.negotiated_text(pmqtt::property_id::server_reference); }),
                pmqtt::errc::no_conn);

    int connects = 0;
    bool session_present = true;
    client.on_connect([&](pmqtt::client_ref &self, const pmqtt::connected &event) {
        CHECK(event.rc == 0 && event.reason == reason_code::success);
        CHECK(connects > 0 || !event.properties.empty());
        session_present = event.session_present;
        CHECK(self.negotiated_get().version == pmqtt::protocol::v5);
        connects++;
    });
    client.connect(BROKER_HOST, broker_port(), 30s);
    LOOP_UNTIL(client, connects == 1);
    CHECK(!session_present);
    const pmqtt::negotiated with = client.negotiated_get();
    CHECK(with.session_expiry == 60s && with.keep_alive == 30s);
    CHECK(with.maximum_qos == 2 && with.receive_maximum > 0 && with.maximum_packet_size > 0);
    CHECK(with.retain_available && with.wildcard_available && with.shared_available);
    CHECK(with.subscription_identifiers_available);
    CHECK(client.negotiated_text(pmqtt::property_id::response_information) == std::nullopt);
    CHECK_ERROR(thrown_by([&] { client.negotiated_text(pmqtt::property_id::content_type); }), pmqtt::errc::inval);
    CHECK(client.client_id().substr(0, 6) != "pmqtt-"); // the broker's

    step("the session is there again");
    client.reconnect();
    LOOP_UNTIL(client, connects == 2);
    CHECK(session_present);

    step("the defaults again, and a session without limit");
    client.connect_options_set({});
    client.reconnect();
    LOOP_UNTIL(client, connects == 3);
    CHECK(!session_present && client.negotiated_get().session_expiry == 0s);
    options = {};
    options.session_expiry = std::chrono::seconds::max();
    client.connect_options_set(options);
    client.reconnect();
    LOOP_UNTIL(client, connects == 4);
    CHECK(client.negotiated_get().session_expiry == std::chrono::seconds::max());

    step("options that are no good");
    const auto fails_with = [&](auto change) {
        pmqtt::connect_options wrong;
        change(wrong);
        return thrown_by([&] { client.connect_options_set(wrong); });
    };
    const std::error_code inval = pmqtt::errc::inval;
    CHECK_ERROR(fails_with([](auto &wrong) { wrong.clean_start = static_cast<pmqtt::clean_start>(4); }), inval);
    CHECK_ERROR(fails_with([](auto &wrong) { wrong.receive_maximum = 65536; }), inval);
    CHECK_ERROR(fails_with([](auto &wrong) { wrong.topic_alias_send = -2; }), inval);
    CHECK_ERROR(fails_with([](auto &wrong) { wrong.user_properties = {{std::string_view("a\0", 2), "b"}}; }), inval);

    step("MQTT 3 has figures too");
    pmqtt::client old;
    connect_now(old);
    CHECK(old.negotiated_get().version == pmqtt::protocol::v311);
}

static std::optional<pmqtt::disconnected> end_of(pmqtt::client &client)
{
    std::optional<pmqtt::disconnected> end;
    std::error_code ec;
    client.on_disconnect([&](auto &, const pmqtt::disconnected &event) { end = event; });
    DO_UNTIL(end, client.loop(10ms, ec));
    return end;
}

static void disconnects()
{
    step("the will comes after a disconnect with it, and not after a success, in each version");
    pmqtt::client heir;
    std::string wills;
    connect_and_subscribe(heir, "end/#");
    heir.on_message([&](auto &, const pmqtt::message &message) { wills += message.payload.text(); });
    for (const auto version : {pmqtt::protocol::v311, pmqtt::protocol::v5}) {
        wills.clear();
        for (const auto reason : {reason_code::success, reason_code::disconnect_with_will}) {
            pmqtt::client client({}, true, version);
            client.will_set({"end/will", reason == reason_code::success ? "s" : "w"});
            connect_now(client);
            client.disconnect(reason);
            CHECK_NONE(end_of(client)->error);
        }
        LOOP_UNTIL(heir, !wills.empty());
        CHECK_TEXT(wills.c_str(), "w");
    }

    step("properties of DISCONNECT");
    pmqtt::client client({}, true, pmqtt::protocol::v5);
    connect_now(client);
    pmqtt::property_list why;
    why.add(pmqtt::property_id::reason_string, "done").add("site", "north");
    std::error_code ec;
    client.disconnect(reason_code::banned, why, ec); // not for a client
    CHECK_ERROR(ec, pmqtt::errc::inval);
    client.disconnect(reason_code::unspecified_error, why);
    CHECK_NONE(end_of(client)->error);

    step("MQTT 3 has no other reasons");
    pmqtt::client old;
    connect_now(old);
    CHECK_ERROR(thrown_by([&] { old.disconnect(reason_code::unspecified_error); }), pmqtt::errc::not_supported);
    CHECK_ERROR(thrown_by([&] { old.disconnect(reason_code::success, why); }), pmqtt::errc::not_supported);
}

static void ends_by_the_broker()
{
    step("the broker says why it ends a connection");
    const script moved = {{ANSWER("\x20\x03\0\0\0"), ANSWER("\xe0\x0c\x9d\x0a\x1c\0\7b:18830")}, true};
    peer broker;
    peer_start(&broker, &moved);
    pmqtt::client client({}, true, pmqtt::protocol::v5);
    bool told = false;
    client.on_connect([](pmqtt::client_ref &self, auto &) { self.publish("a", "x", 1); });
    client.on_disconnect([&](auto &, const pmqtt::disconnected &event) {
        CHECK_ERROR(event.error, pmqtt::errc::conn_lost);
        CHECK(event.reason == reason_code::server_moved);
        CHECK(event.properties.server_reference() == "b:18830");
        told = true;
    });
    std::error_code ec;
    client.connect(BROKER_HOST, broker.port);
    DO_UNTIL(told, client.loop(10ms, ec));
    peer_stop(&broker);

    step("a refused connection, in each version");
    const script refusals[] = {{{REFUSAL}, true}, {{ANSWER("\x20\x0a\0\x87\7\x1f\0\4late")}, true}};
    for (const auto version : {pmqtt::protocol::v311, pmqtt::protocol::v5}) {
        const bool is_v5 = version == pmqtt::protocol::v5;
        peer_start(&broker, &refusals[is_v5]);
        pmqtt::client refused({}, true, version);
        told = false;
        refused.on_connect([&](auto &, const pmqtt::connected &event) {
            CHECK_INT(event.rc, is_v5 ? 0x87 : 5);
            CHECK(event.reason == reason_code::not_authorised);
            CHECK(event.properties.reason_string() == (is_v5 ? std::optional<std::string_view>("late") : std::nullopt));
            told = true;
        });
        refused.connect(BROKER_HOST, broker.port);
        DO_UNTIL(told, refused.loop(10ms, ec));
        peer_stop(&broker);
    }
}

static void texts_of_connack()
{
    step("a text that the broker states");
    const script stated = {{ANSWER("\x20\x09\0\0\6\x1a\0\3r/1")}, false};
    peer broker;
    peer_start(&broker, &stated);
    pmqtt::client client({}, true, pmqtt::protocol::v5);
    bool accepted = false;
    client.on_connect([&](auto &, const pmqtt::connected &event) {
        CHECK(event.properties.response_information() == "r/1");
        accepted = true;
    });
    pmqtt::connect_options options;
    options.request_response_information = true;
    client.connect_options_set(options);
    client.connect(BROKER_HOST, broker.port);
    LOOP_UNTIL(client, accepted);
    CHECK(client.negotiated_text(pmqtt::property_id::response_information) == "r/1");
    CHECK(client.negotiated_text(pmqtt::property_id::server_reference) == std::nullopt);
    peer_stop(&broker);
}

int main()
{
    watchdog(120);
    broker_start();
    options();
    disconnects();
    ends_by_the_broker();
    texts_of_connack();
    return 0;
}
