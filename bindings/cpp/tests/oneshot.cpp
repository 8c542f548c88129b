// One-shots with a real broker.
#include <stdexcept>
#include <vector>

#include "support.hpp"

static pmqtt::oneshot_options to_broker()
{
    pmqtt::oneshot_options options;
    options.hostname = BROKER_HOST;
    options.port = broker_port();
    return options;
}

static void publish_and_receive()
{
    step("what one publishes, stored, the other one receives");
    pmqtt::publish_single("oneshot/a", "single", 1, true, to_broker());
    pmqtt::publish_multiple({{"oneshot/b", "first", 1, true}, {"oneshot/c", std::string(1000, 'x'), 2, true}},
                            to_broker());
    const pmqtt::messages received = pmqtt::subscribe_simple({"oneshot/a", "oneshot/b", "oneshot/c"}, 2, 3, true, to_broker());
    CHECK_INT(received.size(), 3);
    std::size_t bytes = 0;
    for (const pmqtt::message &message : received) {
        CHECK(message.topic.substr(0, 8) == "oneshot/" && message.retain);
        bytes += message.payload.size();
    }
    CHECK_INT(bytes, 6 + 5 + 1000);
    CHECK(received[0].topic == "oneshot/a" && received[0].payload.text() == "single");
}

static void partial()
{
    step("what came before a failure is not lost, in either form");
    auto options = to_broker();
    options.timeout = 500ms;
    std::error_code ec;
    CHECK_INT(pmqtt::subscribe_simple({"oneshot/+"}, 1, 4, true, options, ec).size(), 3);
    CHECK_ERROR(ec, pmqtt::errc::timeout);
    bool caught = false;
    try {
        pmqtt::subscribe_simple({"oneshot/+"}, 1, 4, true, options);
    } catch (const pmqtt::incomplete &error) {
        CHECK_ERROR(error.code(), pmqtt::errc::timeout);
        CHECK_INT(error.received().size(), 3);
        caught = true;
    }
    CHECK(caught);
}

static void callback()
{
    step("a callback receives, answers, and ends it");
    std::vector<std::string> topics;
    std::optional<pmqtt::client_ref> kept;
    pmqtt::subscribe_callback(
        [&](pmqtt::client_ref &self, const pmqtt::message &message) {
            topics.emplace_back(message.topic);
            kept.emplace(self);
            if (topics.size() == 3)
                self.publish("oneshot/d", "answer", 1);
            if (message.topic == "oneshot/d")
                self.disconnect();
        },
        {"oneshot/+"}, 1, to_broker());
    CHECK_INT(topics.size(), 4);
    CHECK_TEXT(topics[3].c_str(), "oneshot/d");
    CHECK_ERROR(thrown_by([&] { kept->publish("a", "x"); }), pmqtt::errc::inval);

    step("a callback that sets another one");
    bool second = false;
    pmqtt::subscribe_callback(
        [&](pmqtt::client_ref &self, auto &) {
            self.on_message([&](pmqtt::client_ref &again, auto &) {
                second = true;
                again.disconnect();
            });
        },
        {"oneshot/+"}, 1, to_broker());
    CHECK(second);

    step("an exception ends it");
    std::error_code ec;
    CHECK_TEXT(words_of([&] {
        pmqtt::subscribe_callback([](auto &, auto &) { throw std::runtime_error("enough"); }, {"oneshot/+"}, 1,
                                  to_broker(), ec);
    }).c_str(), "enough");
}

static void options()
{
    step("a durable session, a will, a user name");
    auto options = to_broker();
    options.client_id = "oneshot-durable";
    options.durable = true;
    options.keepalive = 30s;
    options.username = "somebody";
    options.password = "secret";
    options.will = pmqtt::publication{std::string_view("oneshot/will/x", 12), "gone", 1, true};
    options.timeout = 100ms;
    std::error_code ec;
    pmqtt::subscribe_simple({"oneshot/later"}, 1, 1, true, options, ec);
    CHECK_ERROR(ec, pmqtt::errc::timeout);
    pmqtt::publish_single("oneshot/later", "kept", 1, false, to_broker());
    options.timeout = 30s;
    const pmqtt::messages kept = pmqtt::subscribe_simple({"oneshot/later"}, 1, 1, true, options);
    CHECK(kept[0].payload.text() == "kept");
}

int main()
{
    watchdog(120);
    broker_start();
    publish_and_receive();
    partial();
    callback();
    options();
    return 0;
}
