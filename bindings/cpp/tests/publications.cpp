// Messages of MQTT 5: each field arrives, in each way to publish, and what is refused changes nothing.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "support.hpp"

extern "C" {
#include "peer.h"
}

using pmqtt::reason_code;

// What arrives, as an event is over when its callback returns.
struct received {
    explicit received(const pmqtt::message &from)
        : topic(from.topic), payload(from.payload.text()), qos(from.qos), retain(from.retain),
          properties(from.properties)
    {
    }

    std::string topic, payload;
    int qos;
    bool retain;
    pmqtt::property_list properties;
};

// A connected client of MQTT 5 that subscribes to `filter`, and keeps what comes.
struct party {
    explicit party(const char *filter) : client({}, true, pmqtt::protocol::v5)
    {
        connect_and_subscribe(client, filter);
        client.on_message([this](auto &, const pmqtt::message &message) { messages.emplace_back(message); });
        client.on_publish([this](auto &, const pmqtt::published &event) {
            CHECK_NONE(event.error);
            tags.push_back(event.tag);
        });
    }

    std::vector<received> messages;
    std::vector<std::uint64_t> tags;
    pmqtt::client client;
};

static pmqtt::publication everything(std::string_view topic, int qos)
{
    pmqtt::publication message{topic, "{}", qos};
    message.expiry = 100s;
    message.content_type = "application/json";
    message.response_topic = "answers/1";
    message.correlation = pmqtt::bytes("\0\xff\1", 3);
    message.payload_is_utf8 = true;
    message.user_properties = {{"site", "north"}, {"unit", ""}, {"site", "south"}};
    message.tag = 7 + static_cast<std::uint64_t>(qos);
    return message;
}

static void check_everything(const received &message)
{
    const pmqtt::properties view = message.properties;
    CHECK(message.payload == "{}");
    CHECK(view.content_type() == "application/json" && view.response_topic() == "answers/1");
    CHECK(view.correlation()->text() == std::string_view("\0\xff\1", 3));
    CHECK(view.payload_is_utf8() && view.message_expiry().value() > 0 && view.message_expiry().value() <= 100);
    std::string users;
    for (const pmqtt::property &each : view)
        if (each.id == pmqtt::property_id::user_property)
            users += std::string(each.name) + "=" + std::string(each.value) + ";";
    CHECK_TEXT(users.c_str(), "site=north;unit=;site=south;");
}

static void round_trip()
{
    step("each field arrives, and the tag comes back");
    party self("all/#");
    for (int qos = 0; qos <= 2; qos++) {
        self.messages.clear();
        CHECK(self.client.publish(everything("all/one", qos)) > 0);
        LOOP_UNTIL(self.client, self.messages.size() == 1 && self.tags.size() == static_cast<std::size_t>(qos) + 1);
        CHECK_INT(self.messages[0].qos, qos);
        check_everything(self.messages[0]);
    }
    CHECK(self.tags == (std::vector<std::uint64_t>{7, 8, 9}));

    step("a message is handed on with its properties");
    pmqtt::publication again{"all/again", self.messages[0].payload, 1};
    again.properties = self.messages[0].properties;
    self.client.publish(again);
    LOOP_UNTIL(self.client, self.messages.size() == 2);
    check_everything(self.messages[1]);

    step("a batch, with texts that are not NUL-terminated");
    const std::string texts = "application/jsonall/batchnorth";
    const std::string_view view = texts;
    std::vector<pmqtt::publication> batch(3, everything(view.substr(16, 9), 1));
    batch[1].content_type = {};
    batch[1].user_properties = {{view.substr(25), view.substr(0, 11)}};
    self.messages.clear();
    CHECK_INT(self.client.publish_batch(batch).accepted, 3);
    LOOP_UNTIL(self.client, self.messages.size() == 3);
    check_everything(self.messages[0]);
    CHECK(self.messages[1].topic == "all/batch" && !self.messages[1].properties.view().content_type());
    CHECK(self.messages[1].properties.view().user("north") == "application");
    check_everything(self.messages[2]);

    step("texts of any length, and more properties than fit on the stack");
    const std::map<std::string, std::string> many = [] {
        std::map<std::string, std::string> all;
        for (int index = 0; index < 100; index++)
            all[std::to_string(index) + std::string(300, 'n')] = std::string(65535, 'v');
        return all;
    }();
    pmqtt::publication large{"all/large", "x", 1};
    large.user_properties = pmqtt::user_properties(many.begin(), many.end());
    self.messages.clear();
    self.client.publish(large);
    LOOP_UNTIL(self.client, self.messages.size() == 1);
    auto expected = many.begin();
    for (const pmqtt::property &each : self.messages[0].properties.view()) {
        CHECK(expected != many.end() && each.name == expected->first && each.value == expected->second);
        ++expected;
    }
    CHECK(expected == many.end());

    step("an empty correlation is there, and no correlation is not");
    pmqtt::publication with{"all/with", "", 1};
    with.correlation = "";
    self.messages.clear();
    self.client.publish(with);
    self.client.publish({"all/without", "", 1});
    LOOP_UNTIL(self.client, self.messages.size() == 2);
    CHECK(self.messages[0].properties.view().correlation().value().empty());
    CHECK(self.messages[1].properties.view().empty());
}

static void will()
{
    step("a will with properties comes after its delay");
    party heir("will/#");
    for (const bool has_delay : {false, true}) {
        pmqtt::client client({}, true, pmqtt::protocol::v5);
        pmqtt::publication will = everything("will/1", 1);
        will.tag = 0;
        client.will_set(will, has_delay ? 2s : 0s);
        pmqtt::connect_options options;
        options.session_expiry = 60s;
        client.connect_options_set(options);
        connect_now(client);
        heir.messages.clear();
        const auto start = std::chrono::steady_clock::now();
        client = pmqtt::client();
        LOOP_UNTIL(heir.client, heir.messages.size() == 1);
        check_everything(heir.messages[0]);
        CHECK(!has_delay || std::chrono::steady_clock::now() - start > 1s);
    }

    step("in a one-shot, too");
    pmqtt::oneshot_options options;
    options.hostname = BROKER_HOST;
    options.port = broker_port();
    options.version = pmqtt::protocol::v5;
    options.will = everything("will/2", 0);
    options.will->tag = 0;
    pmqtt::publish_multiple({everything("will/3", 1), everything("will/4", 2)}, options);
    heir.messages.clear();
    LOOP_UNTIL(heir.client, heir.messages.size() == 2);
    check_everything(heir.messages[0]);
    check_everything(heir.messages[1]);
}

static void rejected()
{
    step("a broker that refuses a message says why");
    const script quota = {{ANSWER("\x20\x03\0\0\0"), ANSWER("\x40\x0e\0\1\x97\x0a\x1f\0\7no room")}, true};
    peer broker;
    peer_start(&broker, &quota);
    pmqtt::client client({}, true, pmqtt::protocol::v5);
    std::error_code ec;
    bool accepted = false, done = false;
    client.on_connect([&](auto &, auto &) { accepted = true; });
    client.on_publish([&](auto &, const pmqtt::published &event) {
        CHECK_ERROR(event.error, pmqtt::errc::rejected);
        CHECK(event.reason == reason_code::quota_exceeded);
        CHECK(event.properties.reason_string() == "no room");
        CHECK_INT(event.tag, 5);
        done = true;
    });
    client.connect(BROKER_HOST, broker.port);
    LOOP_UNTIL(client, accepted);
    pmqtt::publication message{"a", "x", 1};
    message.tag = 5;
    client.publish(message);
    DO_UNTIL(done, client.loop(10ms, ec));
    CHECK_INT(client.stats().messages_rejected, 1);
    peer_stop(&broker);

    step("a one-shot fails with it");
    std::string words;
    pmqtt::oneshot_options options;
    options.hostname = BROKER_HOST;
    options.port = broker_port();
    options.version = pmqtt::protocol::v5;
    options.error = &words;
    CHECK_ERROR(thrown_by([&] { pmqtt::publish_single("$SYS/no", "x", 1, false, options); }), pmqtt::errc::rejected);
    CHECK(words.find("Not authorised") != std::string::npos);
}

static void refusals()
{
    step("what is wrong is refused");
    const std::error_code inval = pmqtt::errc::inval, not_supported = pmqtt::errc::not_supported;
    const std::string_view cut("a\0b", 3);
    pmqtt::client client({}, true, pmqtt::protocol::v5);
    const auto fails_with = [&](auto change) {
        pmqtt::publication message{"a", "x", 1};
        change(message);
        const std::error_code error = thrown_by([&] { client.publish(message); });
        CHECK_ERROR(thrown_by([&] { client.publish_batch({{"a", "x", 1}, message}); }), error);
        CHECK_ERROR(thrown_by([&] { client.will_set(message); }), error);
        CHECK_INT(client.stats().queued_messages, 0);
        return error;
    };
    CHECK_ERROR(fails_with([](auto &message) { message.topic = {}; }), inval);
    CHECK_ERROR(fails_with([&](auto &message) { message.topic = cut; }), inval);
    CHECK_ERROR(fails_with([&](auto &message) { message.content_type = cut; }), inval);
    CHECK_ERROR(fails_with([&](auto &message) { message.response_topic = cut; }), inval);
    CHECK_ERROR(fails_with([&](auto &message) { message.response_topic = "a/#"; }), inval);
    CHECK_ERROR(fails_with([&](auto &message) { message.user_properties = {{"a", "b"}, {cut, ""}}; }), inval);
    CHECK_ERROR(fails_with([&](auto &message) { message.user_properties = {{"a", cut}}; }), inval);
    pmqtt::property_list twice;
    twice.add(pmqtt::property_id::content_type, "a");
    CHECK_ERROR(fails_with([&](auto &message) {
        message.content_type = "b";
        message.properties = twice;
    }), inval);
    CHECK(client.last_error().find("content type") != std::string::npos);

    step("what only MQTT 5 has");
    client = pmqtt::client();
    CHECK_ERROR(fails_with([](auto &message) { message.content_type = "a"; }), not_supported);
    CHECK_ERROR(fails_with([](auto &message) { message.correlation = ""; }), not_supported);
    CHECK_ERROR(fails_with([](auto &message) { message.user_properties = {{"a", "b"}}; }), not_supported);
    CHECK_ERROR(fails_with([](auto &message) { message.payload_is_utf8 = true; }), not_supported);
    CHECK_ERROR(fails_with([&](auto &message) { message.properties = twice; }), not_supported);
    CHECK_ERROR(thrown_by([&] { client.will_set({"a", "x"}, 1s); }), not_supported);
    CHECK_ERROR(thrown_by([&] { client.connect_options_set({}); }), not_supported);
    client.will_set({"a", "x", 1, true});

    step("a tag in every version");
    std::uint64_t tag = 0;
    client.on_publish([&](auto &, const pmqtt::published &event) {
        CHECK(event.reason == reason_code::unsaid && event.properties.empty());
        tag = event.tag;
    });
    connect_now(client);
    pmqtt::publication message{"a", "x", 1};
    message.tag = UINT64_MAX;
    client.publish(message);
    LOOP_UNTIL(client, tag == UINT64_MAX);
}

int main()
{
    watchdog(120);
    broker_start();
    round_trip();
    will();
    rejected();
    refusals();
    return 0;
}
