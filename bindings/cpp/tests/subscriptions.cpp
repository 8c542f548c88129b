// Subscriptions: their callbacks and options, the broker's answers, and acknowledgements with a reason.
#include <memory>
#include <string>
#include <vector>

#include "support.hpp"

extern "C" {
#include "peer.h"
}

using pmqtt::reason_code;

// A callback that counts, and that tells when it is destroyed.
struct listener {
    pmqtt::handler<pmqtt::message> callback()
    {
        return [this, alive = alive](auto &, const pmqtt::message &message) {
            topics += std::string(message.topic) + ";";
        };
    }

    bool is_released() const { return alive.use_count() == 1; }

    std::string topics;
    std::shared_ptr<int> alive = std::make_shared<int>();
};

static void wait_for_answer(pmqtt::client &client, std::uint64_t mid, std::vector<reason_code> expected)
{
    bool answered = false;
    client.on_subscribe([&](auto &, const pmqtt::subscribed &event) {
        CHECK_INT(event.mid, mid);
        CHECK_NONE(event.error);
        CHECK(event.filters.empty());
        CHECK(std::vector<reason_code>(event.reasons.begin(), event.reasons.end()) == expected);
        CHECK_INT(event.granted_qos.size(), expected.size());
        answered = true;
    });
    LOOP_UNTIL(client, answered);
    client.on_subscribe({});
}

static void callbacks(pmqtt::protocol version)
{
    step("a subscription with a callback of its own, in version %d", static_cast<int>(version));
    pmqtt::client client({}, true, version);
    listener one, two, three;
    std::string others;
    connect_now(client);
    client.on_message([&](auto &, const pmqtt::message &message) { others += std::string(message.topic) + ";"; });
    wait_for_answer(client, client.subscribe("s/one", 1, one.callback()), {reason_code::granted_qos_1});
    wait_for_answer(client,
                    client.subscribe_multiple(
                        {{"s/two", 2, two.callback()}, {"s/other"}, {"s/three", 0, three.callback()}}),
                    {reason_code::granted_qos_2, reason_code::success, reason_code::success});
    for (const char *topic : {"s/one", "s/two", "s/three", "s/other"})
        client.publish(topic, "x", 1);
    LOOP_UNTIL(client, !others.empty());
    CHECK_TEXT((one.topics + two.topics + three.topics + others).c_str(), "s/one;s/two;s/three;s/other;");

    step("it ends with the subscription, with the next callback, with the client, and with itself");
    CHECK(!one.is_released() && !two.is_released() && !three.is_released());
    client.unsubscribe("s/one");
    CHECK(one.is_released());
    client.subscribe_multiple({{"s/two", 1, one.callback()}});
    CHECK(two.is_released() && !one.is_released());
    client.unsubscribe_multiple({"s/two", "s/other"});
    CHECK(one.is_released());
    bool called = false;
    client.subscribe("s/self", 1, [&called, alive = one.alive](pmqtt::client_ref &self, auto &) {
        self.unsubscribe("s/self");
        called = alive.use_count() > 1;
    });
    client.publish("s/self", "x", 1);
    LOOP_UNTIL(client, called);
    CHECK(one.is_released());
    CHECK(!three.is_released());
    client = pmqtt::client();
    CHECK(three.is_released());

    step("what fails keeps nothing, and leaves the callback that is there");
    client.message_callback_add("s/#", three.callback());
    CHECK_ERROR(thrown_by([&] { client.subscribe("s/#", 1, one.callback()); }), pmqtt::errc::no_conn);
    CHECK_ERROR(thrown_by([&] { client.subscribe("s/+/#/", 1, one.callback()); }), pmqtt::errc::inval);
    CHECK_ERROR(thrown_by([&] { client.subscribe("s/#", 1, pmqtt::handler<pmqtt::message>()); }), pmqtt::errc::inval);
    CHECK_ERROR(thrown_by([&] {
        client.subscribe_multiple({{"s/#", 1, one.callback()}, {std::string_view("a\0", 2), 1, two.callback()}});
    }), pmqtt::errc::inval);
    CHECK(one.is_released() && two.is_released() && !three.is_released());
}

static void options()
{
    step("options");
    pmqtt::client client({}, true, pmqtt::protocol::v5), other;
    listener one;
    std::string flags;
    connect_now(client);
    connect_now(other);
    other.publish("o/kept", "x", 1, true);
    CHECK_INT(other.drain(60s), 0);
    client.on_message([&](auto &, const pmqtt::message &message) { flags += message.retain ? "r" : "-"; });
    pmqtt::subscription own{"o/own", 1, one.callback()}, kept{"o/kept", 1}, flagged{"o/flag", 1};
    own.no_local = true;
    kept.retain_handling = pmqtt::retain_handling::never;
    flagged.retain_as_published = true;
    pmqtt::property_list users, list;
    users.add("site", "north");
    wait_for_answer(client, client.subscribe_multiple({own, kept, flagged}, users),
                    {reason_code::granted_qos_1, reason_code::granted_qos_1, reason_code::granted_qos_1});
    client.publish("o/own", "x", 1);
    client.publish("o/flag", "x", 1, true);
    LOOP_UNTIL(client, !flags.empty());
    CHECK_TEXT(flags.c_str(), "r");
    CHECK(one.topics.empty());
    kept.retain_handling = pmqtt::retain_handling::always;
    client.subscribe_multiple({kept});
    LOOP_UNTIL(client, flags == "rr");

    step("options that are no good");
    const std::error_code inval = pmqtt::errc::inval, not_supported = pmqtt::errc::not_supported;
    pmqtt::subscription wrong{"$share/g/o", 1};
    wrong.no_local = true;
    CHECK_ERROR(thrown_by([&] { client.subscribe_multiple({wrong}); }), inval);
    wrong = {"o", 1};
    wrong.retain_handling = static_cast<pmqtt::retain_handling>(3);
    CHECK_ERROR(thrown_by([&] { client.subscribe_multiple({wrong}); }), inval);
    list.add(pmqtt::property_id::content_type, "a");
    CHECK_ERROR(thrown_by([&] { client.subscribe_multiple({own}, list); }), inval);
    CHECK_ERROR(thrown_by([&] { client.unsubscribe_multiple({"a"}, list); }), inval);
    CHECK_ERROR(thrown_by([&] { other.subscribe_multiple({own}); }), not_supported);
    CHECK_ERROR(thrown_by([&] { other.unsubscribe_multiple({"a"}, users); }), not_supported);

    step("the broker's reasons for the end of subscriptions");
    std::uint64_t ended = 0;
    client.on_unsubscribe([&](auto &, const pmqtt::unsubscribed &event) {
        CHECK_NONE(event.error);
        CHECK(event.reason == reason_code::success && event.reasons.size() == 2);
        CHECK(event.reasons[0] == reason_code::success && event.reasons[1] == reason_code::no_subscription_existed);
        CHECK(event.properties.empty());
        ended = event.mid;
    });
    const auto mid = client.unsubscribe_multiple({"o/own", "o/none"}, users);
    LOOP_UNTIL(client, ended == mid);
}

static void resubscribing()
{
    step("the client subscribes again by itself");
    pmqtt::client client({}, true, pmqtt::protocol::v5);
    listener one;
    int connects = 0;
    client.resubscribe_set(true);
    client.reconnect_delay_set(1s, 1s);
    connect_now(client);
    wait_for_answer(client, client.subscribe("again/#", 1, one.callback()), {reason_code::granted_qos_1});
    client.on_connect([&](auto &, auto &) { connects++; });
    broker_kill();
    broker_start();
    client.loop_start();
    WAIT_UNTIL(client.is_connected() && client.stats().connections == 2);
    client.publish("again/1", "x", 1);
    WAIT_UNTIL(client.stats().messages_in == 1);
    client.loop_stop();
    CHECK_TEXT(one.topics.c_str(), "again/1;");
    CHECK_INT(connects, 1);

    step("it tells of filters that the broker refuses then");
    // The client counts the packet identifiers of its own requests down from the largest one.
    const script refusal = {{ANSWER("\x20\x03\0\0\0"), ANSWER("\x90\4\xff\xff\0\x87")}, false};
    peer broker;
    std::string refused;
    peer_start(&broker, &refusal);
    client.on_subscribe([&](auto &, const pmqtt::subscribed &event) {
        CHECK(event.mid == 0 && event.reason == reason_code::not_authorised);
        CHECK(event.reasons.size() == 1 && event.filters.size() == 1);
        for (const std::string_view filter : event.filters)
            refused += filter;
    });
    client.connect(BROKER_HOST, broker.port);
    LOOP_UNTIL(client, !refused.empty());
    CHECK_TEXT(refused.c_str(), "again/#");
    peer_stop(&broker);
}

static void acknowledgements()
{
    step("a message that is refused does not come again");
    pmqtt::client client("refusing", false, pmqtt::protocol::v5);
    pmqtt::property_list why;
    std::string got;
    why.add(pmqtt::property_id::reason_string, "no");
    connect_and_subscribe(client, "ack/#");
    client.manual_ack_set(pmqtt::ack_mode::in_order);
    client.on_message([&](pmqtt::client_ref &self, const pmqtt::message &message) {
        got += message.payload.text();
        CHECK_ERROR(thrown_by([&] { self.ack(message.mid, message.qos, reason_code::banned); }), pmqtt::errc::inval);
        if (message.payload.text() == "a")
            self.ack(message.mid, message.qos, reason_code::success);
        else
            self.ack(message.mid, message.qos, reason_code::payload_format_invalid, why);
        CHECK_ERROR(thrown_by([&] { self.ack(message.mid, message.qos, reason_code::success); }),
                    pmqtt::errc::not_found);
    });
    client.publish("ack/1", "a", 1);
    client.publish("ack/2", "b", 2);
    client.publish("ack/1", "c", 1);
    LOOP_UNTIL(client, got.size() == 3 && client.stats().unsettled == 0);
    client.disconnect();
    LOOP_UNTIL(client, !client.is_connected() && client.socket() < 0);
    connect_now(client);
    client.publish("ack/end", "e", 1);
    LOOP_UNTIL(client, got.size() == 4);
    CHECK(got.back() == 'e');

    step("MQTT 3 has no reasons");
    pmqtt::client old;
    CHECK_ERROR(thrown_by([&] { old.ack(1, 1, reason_code::unspecified_error); }), pmqtt::errc::not_supported);
    CHECK_ERROR(thrown_by([&] { old.ack(1, 1, reason_code::success); }), pmqtt::errc::not_found);
}

int main()
{
    watchdog(120);
    broker_start();
    callbacks(pmqtt::protocol::v5);
    callbacks(pmqtt::protocol::v311);
    options();
    resubscribing();
    acknowledgements();
    return 0;
}
