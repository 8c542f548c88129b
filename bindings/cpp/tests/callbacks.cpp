// The events of callbacks, with a real broker, and how callbacks are set, replaced and moved.
#include <poll.h>

#include <future>
#include <memory>
#include <utility>
#include <vector>

#include "support.hpp"

static void every_event()
{
    step("each callback is told what happened");
    pmqtt::client client("every", true);
    std::vector<std::string> log;
    int writable = 0;
    std::uint64_t done = 0, granted = 0, ended = 0, settled = 0;
    std::string got;
    std::error_code lost = pmqtt::errc::busy;
    bool failed = false;

    client.on_log([&](auto &, const pmqtt::log_line &line) {
        CHECK(line.level == pmqtt::log_level::info || line.level == pmqtt::log_level::debug ||
              line.level == pmqtt::log_level::notice || line.level == pmqtt::log_level::warning ||
              line.level == pmqtt::log_level::err);
        log.emplace_back(line.text);
    });
    client.on_connect_fail([&](auto &, const pmqtt::connect_failed &event) {
        CHECK_ERROR(event.error, pmqtt::errc::os_error);
        failed = true;
    });
    client.connect_async(BROKER_HOST, 1);
    std::error_code ec;
    DO_UNTIL(failed, client.loop(10ms, ec));
    CHECK(!log.empty());
    client.on_log({});

    connect_now(client);
    client.on_subscribe([&](auto &, const pmqtt::subscribed &event) {
        CHECK_NONE(event.error);
        CHECK_INT(event.granted_qos.size(), 2);
        CHECK(event.granted_qos[0] == std::byte{2} && event.granted_qos[1] == std::byte{0});
        granted = event.mid;
    });
    const auto subscribed = client.subscribe_multiple({{"every/event", 2}, {"every/other", 0}});
    LOOP_UNTIL(client, granted);
    CHECK_INT(granted, subscribed);

    client.on_message([&](pmqtt::client_ref &self, const pmqtt::message &message) {
        CHECK(self.native_handle() == client.native_handle());
        CHECK(message.topic == "every/event");
        CHECK_INT(message.qos, 2);
        CHECK(!message.retain && !message.dup && message.mid > 0);
        got = message.payload.text();
    });
    client.on_publish([&](auto &, const pmqtt::published &event) {
        CHECK_NONE(event.error);
        done = event.mid;
    });
    const auto published = client.publish("every/event", std::string("a\0b", 3), 2);
    LOOP_UNTIL(client, done && !got.empty());
    CHECK_INT(done, published);
    CHECK(got == std::string("a\0b", 3));

    client.on_writable([&](auto &, const pmqtt::writable &event) {
        CHECK_INT(event.messages, 0);
        writable++;
    });
    client.max_queued_messages_set(1);
    client.publish("every/queue", "1", 1);
    CHECK_ERROR(thrown_by([&] { client.publish("every/queue", "2", 1); }), pmqtt::errc::queue_size);
    LOOP_UNTIL(client, writable);

    client.on_drained([&](auto &, const pmqtt::drained &event) {
        CHECK_INT(client.stats().unsettled, 0);
        settled = event.last_mid;
    });
    const auto last = client.publish("every/last", "x", 1);
    LOOP_UNTIL(client, settled);
    CHECK_INT(settled, last);
    client.on_drained({});

    client.on_unsubscribe([&](auto &, const pmqtt::unsubscribed &event) {
        CHECK_NONE(event.error);
        ended = event.mid;
    });
    const auto first = client.unsubscribe("every/event");
    LOOP_UNTIL(client, ended == first);
    const auto second = client.unsubscribe_multiple({"every/event", "every/other"});
    LOOP_UNTIL(client, ended == second);

    CHECK(client.stats().connected);
    CHECK_INT(client.stats().connections, 1);
    client.on_disconnect([&](auto &, const pmqtt::disconnected &event) { lost = event.error; });
    client.disconnect();
    LOOP_UNTIL(client, lost != pmqtt::errc::busy);
    CHECK_NONE(lost);
}

static void filters()
{
    step("filters: each that matches, in order, or else on_message");
    pmqtt::client client;
    std::string calls;
    connect_and_subscribe(client, "filters/#");
    const auto send = [&](const char *topic) {
        calls.clear();
        client.publish(topic, "x", 1);
        LOOP_UNTIL(client, !calls.empty());
        return calls;
    };
    client.message_callback_add("filters/+", [&](auto &, auto &) { calls += "+"; });
    client.message_callback_add("filters/a", [&](auto &, auto &) { calls += "a"; });
    CHECK_TEXT(send("filters/a").c_str(), "+a"); // though there is no on_message
    client.on_message([&](auto &, auto &) { calls += "m"; });
    CHECK_TEXT(send("filters/b").c_str(), "+");
    CHECK_TEXT(send("filters/b/c").c_str(), "m");

    step("a filter that a callback removes or adds is gone or there at once");
    client.message_callback_add("filters/+", [&](pmqtt::client_ref &self, auto &) {
        calls += "1";
        self.message_callback_remove("filters/a");
        self.message_callback_add("filters/#", [&](auto &, auto &) { calls += "#"; });
    });
    CHECK_TEXT(send("filters/a").c_str(), "1#");

    step("without callbacks nothing is called");
    client.message_callback_remove("filters/+");
    client.message_callback_remove("filters/#");
    CHECK_TEXT(send("filters/a").c_str(), "m");
    client.on_message({});
    const auto before = client.stats().messages_in;
    client.message_callback_add("filters/end", [&](auto &, auto &) { calls = "end"; });
    calls.clear();
    client.publish("filters/a", "x", 1);
    client.publish("filters/end", "x", 1);
    LOOP_UNTIL(client, !calls.empty());
    CHECK_TEXT(calls.c_str(), "end");
    CHECK_INT(client.stats().messages_in, before + 2);
}

// Notes its destruction: a running function must not be destroyed.
struct guest {
    explicit guest(bool &gone) : gone_(&gone) {}
    ~guest() { *gone_ = true; }
    bool *gone_;
};

static void replaced_while_it_runs()
{
    step("a callback that replaces itself goes on to its end");
    pmqtt::client client;
    connect_and_subscribe(client, "replace");
    bool gone = false, ran = false, second = false;
    client.on_message([&, held = std::make_shared<guest>(gone)](pmqtt::client_ref &self, auto &) {
        self.on_message([&](auto &, auto &) { second = true; });
        CHECK(!gone);
        ran = held != nullptr;
    });
    client.publish("replace", "x", 1);
    LOOP_UNTIL(client, ran);
    CHECK(gone);
    client.publish("replace", "x", 1);
    LOOP_UNTIL(client, second);

    step("so does one of a filter that removes itself, or replaces itself");
    for (const bool replaces : {false, true}) {
        gone = ran = false;
        auto act = [&, held = std::make_shared<guest>(gone)](pmqtt::client_ref &self, auto &) {
            if (replaces)
                self.message_callback_add("replace", [](auto &, auto &) {});
            else
                self.message_callback_remove("replace");
            CHECK(!gone);
            ran = held != nullptr;
        };
        client.message_callback_add("replace", std::move(act));
        client.publish("replace", "x", 1);
        LOOP_UNTIL(client, ran);
        CHECK(gone);
    }

    step("so does one that reinitialises the client, which forgets the callbacks");
    bool other_gone = false, filter_gone = false;
    client.message_callback_add("other", [held = std::make_shared<guest>(filter_gone)](auto &, auto &) {});
    client.message_callback_remove("replace");
    gone = ran = false;
    client.on_publish([held = std::make_shared<guest>(other_gone)](auto &, auto &) {});
    client.on_message([&, held = std::make_shared<guest>(gone)](pmqtt::client_ref &self, auto &) {
        self.reinitialise("another");
        CHECK(!gone && other_gone && filter_gone);
        ran = held != nullptr;
    });
    client.publish("replace", "x", 1);
    std::error_code ec; // there is no connection afterwards
    DO_UNTIL(ran, client.loop(10ms, ec));
    CHECK(gone);
    CHECK(client.client_id() == "another");
    second = false;
    connect_and_subscribe(client, "replace");
    client.on_message([&](auto &, auto &) { second = true; });
    client.publish("replace", "x", 1);
    LOOP_UNTIL(client, second);

    step("what is set while reinitialise destroys a callback stays");
    int lines = 0;
    const auto set_log = [&, self = pmqtt::client_ref(client)](guest *last) mutable {
        delete last;
        self.on_log([&](auto &, auto &) { lines++; });
    };
    client.message_callback_add("held", [held = std::shared_ptr<guest>(new guest(gone), set_log)](auto &, auto &) {});
    client.reinitialise();
    connect_now(client);
    CHECK(lines > 0);
}

static void moved_with_callbacks()
{
    step("a client is moved, in a callback too; its callbacks go with it");
    pmqtt::client client;
    connect_and_subscribe(client, "move");
    auto elsewhere = std::make_unique<pmqtt::client>();
    int messages = 0;
    client.on_message([&](pmqtt::client_ref &self, auto &) {
        if (++messages == 1) {
            *elsewhere = std::move(client);
            self.publish("move", "again", 1);
        }
    });
    client.publish("move", "x", 1);
    LOOP_UNTIL(client.native_handle() ? client : *elsewhere, messages == 2);
    CHECK(client.native_handle() == nullptr);
}

static void foreign_loop()
{
    step("a foreign loop, with on_interest and without");
    pmqtt::client client;
    int fd = -1, answers = 0;
    bool closing = false;
    client.on_interest([&](auto &, const pmqtt::interest &event) {
        closing = event.closing;
        fd = event.closing ? -1 : event.fd;
    });
    client.on_connect([](pmqtt::client_ref &self, auto &) { self.subscribe("foreign", 1); });
    client.on_subscribe([](pmqtt::client_ref &self, auto &) { self.publish("foreign", "x", 1); });
    client.on_message([&](auto &, auto &) { answers++; });
    client.connect(BROKER_HOST, broker_port());
    CHECK(fd >= 0);
    const auto turn = [&] {
        CHECK_INT(fd, client.socket());
        short events = client.want_read() ? POLLIN : 0;
        if (client.want_write())
            events = static_cast<short>(events | POLLOUT);
        pollfd ready = {fd, events, 0};
        poll(&ready, 1, client.next_timeout_ms());
        if (ready.revents & POLLIN)
            client.loop_read();
        if (ready.revents & POLLOUT)
            client.loop_write();
        client.loop_misc();
    };
    DO_UNTIL(answers == 1, turn());
    pmqtt::client(std::move(client));
    CHECK(closing);
}

static void manual_acknowledgement()
{
    step("the program acknowledges");
    pmqtt::client client("acks", false);
    client.manual_ack_set(true);
    connect_and_subscribe(client, "acks");
    std::uint64_t mid = 0;
    client.on_message([&](auto &, const pmqtt::message &message) { mid = message.mid; });
    client.publish("acks", "x", 1);
    LOOP_UNTIL(client, mid);
    client.ack(mid, 1);
    CHECK_ERROR(thrown_by([&] { client.ack(mid, 1); }), pmqtt::errc::not_found);

    client.manual_ack_set(pmqtt::ack_mode::in_order);
    std::vector<std::uint64_t> mids;
    client.on_message([&](auto &, const pmqtt::message &message) { mids.push_back(message.mid); });
    for (int i = 0; i < 2; i++)
        client.publish("acks", "x", 1);
    LOOP_UNTIL(client, mids.size() == 2);
    client.ack(mids[1], 1);
    CHECK_INT(client.stats().acks_held, 1);
    client.ack(mids[0], 1);
    CHECK_INT(client.stats().acks_held, 0);
}

static void event_descriptor()
{
    step("one descriptor, and drain");
    pmqtt::client client;
    pollfd ready = {client.event_fd(), POLLIN, 0};
    bool connected = false;
    client.on_connect([&](auto &, auto &) { connected = true; });
    client.connect_async(BROKER_HOST, broker_port());
    const auto turn = [&] {
        CHECK(poll(&ready, 1, PATIENCE_MS) == 1);
        client.process();
    };
    DO_UNTIL(connected, turn());
    for (int i = 0; i < 100; i++)
        client.publish("drain", "x", 2);
    CHECK_INT(client.drain(60s), 0);
    CHECK_INT(client.stats().messages_out, 100);
}

// A program that waits for an attempt, for example by a promise, learns how it ended, even if it was given up.
static void every_attempt_ends()
{
    step("attempts that are given up or replaced");
    pmqtt::client client;
    std::vector<std::string> told;
    std::promise<std::error_code> waiting;
    client.on_connect([&](auto &, const pmqtt::connected &event) {
        CHECK_INT(event.rc, 0);
        told.emplace_back("connected");
    });
    client.on_disconnect([&](auto &, const pmqtt::disconnected &event) {
        CHECK_NONE(event.error);
        told.emplace_back("disconnected");
    });
    client.on_connect_fail([&](auto &, const pmqtt::connect_failed &event) {
        told.emplace_back("failed");
        waiting.set_value(event.error); // throws if the attempt is reported twice
    });
    std::error_code ec;
    const auto result = [&] {
        auto future = std::exchange(waiting, {}).get_future();
        return future.get();
    };

    client.connect_async(BROKER_HOST, broker_port());
    CHECK_ERROR(thrown_by([&] { client.disconnect(); }), pmqtt::errc::no_conn);
    DO_UNTIL(!told.empty(), client.loop(10ms, ec));
    CHECK_ERROR(result(), pmqtt::errc::no_conn);

    client.connect(BROKER_HOST, broker_port());
    client.connect_async(BROKER_HOST, broker_port());
    DO_UNTIL(told.size() > 2, client.loop(10ms, ec));
    CHECK_ERROR(result(), pmqtt::errc::no_conn);
    client.disconnect();
    DO_UNTIL(told.size() > 3, client.loop(10ms, ec));
    CHECK(told == std::vector<std::string>({"failed", "failed", "connected", "disconnected"}));
}

static void old_protocol()
{
    step("MQTT 3.1");
    pmqtt::client client("old", true, pmqtt::protocol::v31);
    connect_now(client);
    CHECK(client.stats().connected);
}

int main()
{
    watchdog(240);
    broker_start();
    every_event();
    filters();
    replaced_while_it_runs();
    moved_with_callbacks();
    foreign_loop();
    manual_acknowledgement();
    event_descriptor();
    every_attempt_ends();
    old_protocol();
    return 0;
}
