// A client ends in its own callbacks, in every loop, and while other threads use it.
#include <poll.h>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "support.hpp"

// A client that is destroyed where `act` is called. At the end, the objects that callbacks own must be
// destroyed. The function that destroys the client must not be destroyed before it returns.
struct stage {
    std::unique_ptr<pmqtt::client> client = std::make_unique<pmqtt::client>();
    std::shared_ptr<int> owned = std::make_shared<int>(1);
    std::atomic<bool> done{false};

    void act(const std::shared_ptr<int> &mine)
    {
        client.reset();
        CHECK_INT(*mine, 1);
        done = true;
    }
};

struct place {
    const char *name;
    void (*set)(stage &, std::shared_ptr<int>);
};

// Causes every kind of event: connect, subscribe, publish to itself, disconnect.
static void set_in_motion(pmqtt::client &client)
{
    client.on_connect([](pmqtt::client_ref &self, auto &) { self.subscribe("destroy", 1); });
    client.on_subscribe([](pmqtt::client_ref &self, auto &) { self.publish("destroy", "x", 1); });
    client.on_publish([](pmqtt::client_ref &self, auto &) { self.unsubscribe("destroy"); });
    client.on_unsubscribe([](pmqtt::client_ref &self, auto &) { self.disconnect(); });
    client.connect_async(BROKER_HOST, broker_port());
}

// After this, nothing uses the client's memory, and the reference reports that there is no client.
#define ACT                                                                                                    \
    [&self, mine](pmqtt::client_ref &client, auto &) {                                                         \
        if (!self.client)                                                                                      \
            return;                                                                                            \
        self.act(mine);                                                                                        \
        CHECK_ERROR(thrown_by([&] { client.publish("destroy", "x"); }), pmqtt::errc::inval);                   \
    }

static const place PLACES[] = {
    {"on_connect", [](stage &self, std::shared_ptr<int> mine) { self.client->on_connect(ACT); }},
    {"on_subscribe", [](stage &self, std::shared_ptr<int> mine) { self.client->on_subscribe(ACT); }},
    {"on_message", [](stage &self, std::shared_ptr<int> mine) { self.client->on_message(ACT); }},
    {"a filter",
     [](stage &self, std::shared_ptr<int> mine) {
         self.client->message_callback_add("destroy", ACT);
         self.client->message_callback_add("#", [](auto &, auto &) { check_failed(__FILE__, __LINE__, "called"); });
     }},
    {"on_publish", [](stage &self, std::shared_ptr<int> mine) { self.client->on_publish(ACT); }},
    {"on_unsubscribe", [](stage &self, std::shared_ptr<int> mine) { self.client->on_unsubscribe(ACT); }},
    {"on_disconnect", [](stage &self, std::shared_ptr<int> mine) { self.client->on_disconnect(ACT); }},
    {"on_log", [](stage &self, std::shared_ptr<int> mine) { self.client->on_log(ACT); }},
};

struct way {
    const char *name;
    void (*run)(stage &);
};

static const way WAYS[] = {
    {"loop",
     [](stage &self) {
         std::error_code ec;
         DO_UNTIL(self.done, self.client->loop(10ms, ec));
     }},
    {"loop_forever",
     [](stage &self) {
         std::error_code ec;
         self.client->loop_forever(true, ec);
     }},
    {"loop_start",
     [](stage &self) {
         self.client->loop_start();
         WAIT_UNTIL(self.done);
     }},
    {"process",
     [](stage &self) {
         std::error_code ec;
         pollfd ready = {self.client->event_fd(), POLLIN, 0};
         const auto turn = [&] {
             CHECK(poll(&ready, 1, PATIENCE_MS) == 1);
             self.client->process(ec);
         };
         DO_UNTIL(self.done, turn());
     }},
};

static void in_callbacks()
{
    for (const way &way : WAYS)
        for (const place &place : PLACES) {
            step("destroyed in %s, %s", place.name, way.name);
            stage self;
            set_in_motion(*self.client);
            place.set(self, self.owned);
            way.run(self);
            CHECK(!self.client);
            WAIT_UNTIL(self.owned.use_count() == 1); // a thread may still be about to end
        }
}

static void in_connect_fail()
{
    step("destroyed in on_connect_fail");
    stage self;
    const std::shared_ptr<int> mine = self.owned;
    std::error_code ec;
    self.client->on_connect_fail([&](auto &, auto &) { self.act(mine); });
    self.client->connect_async(BROKER_HOST, 1);
    DO_UNTIL(self.done, self.client->loop(10ms, ec));
}

// on_log and on_interest also run in calls that are not loop calls.
static void in_other_calls()
{
    step("destroyed in on_log, in connect, while the loop thread runs");
    stage self;
    const std::thread::id here = std::this_thread::get_id();
    self.client->on_log([&](auto &, auto &) {
        if (self.client && std::this_thread::get_id() == here)
            self.act(self.owned);
    });
    self.client->loop_start();
    std::error_code ec;
    self.client->connect(BROKER_HOST, broker_port(), 60s, {}, ec);
    // The loop thread may have reported all lines.
    self.client.reset();

    step("destroyed in on_interest, in connect");
    stage other;
    bool told_closing = false;
    other.client->on_interest([&](auto &, const pmqtt::interest &event) {
        told_closing |= event.closing;
        if (event.fd >= 0 && !event.closing && other.client)
            other.act(other.owned);
    });
    other.client->connect(BROKER_HOST, broker_port(), 60s, {}, ec);
    CHECK(other.done && told_closing);

    step("replaced in its own callback by another one");
    pmqtt::client client;
    bool replaced = false;
    connect_and_subscribe(client, "destroy");
    client.on_message([&](auto &, auto &) {
        client = pmqtt::client("another");
        replaced = true;
    });
    client.publish("destroy", "x");
    LOOP_UNTIL(client, replaced);
    CHECK(client.client_id() == "another");
}

// A reference to the client in its own callback does not keep the client alive.
static void without_cycles()
{
    step("a callback that keeps a reference to its client does not keep it alive");
    const auto owned = std::make_shared<int>(1);
    {
        pmqtt::client client;
        client.on_message([ref = pmqtt::client_ref(client), owned](auto &, auto &) {});
        client.message_callback_add("a", [ref = pmqtt::client_ref(client), owned](auto &, auto &) {});
        CHECK_INT(owned.use_count(), 3);
    }
    CHECK_INT(owned.use_count(), 1);
}

static void with_what_a_callback_owns()
{
    step("destroyed with the callback of a filter that owns it, when that is removed or replaced");
    for (const bool replaces : {false, true}) {
        auto client = std::make_shared<pmqtt::client>();
        const std::weak_ptr<pmqtt::client> last = client;
        pmqtt::client_ref ref(*client);
        client->loop_start();
        ref.message_callback_add("a", [owner = std::move(client)](auto &, auto &) {});
        CHECK(!last.expired());
        if (replaces)
            ref.message_callback_add("a", [](auto &, auto &) {});
        else
            ref.message_callback_remove("a");
        CHECK(last.expired());
    }
}

static void by_another_thread()
{
    step("destroyed while a callback runs in the loop thread: it is waited for");
    auto client = std::make_unique<pmqtt::client>();
    std::atomic<bool> entered{false}, left{false};
    client->on_connect([&](auto &, auto &) {
        entered = true;
        std::this_thread::sleep_for(20ms);
        left = true;
    });
    client->loop_start();
    client->connect(BROKER_HOST, broker_port());
    WAIT_UNTIL(entered);
    client.reset();
    CHECK(left);

    step("destroyed while another thread is in loop_forever");
    for (int round = 0; round < 20; round++) {
        auto other = std::make_unique<pmqtt::client>();
        std::atomic<int> messages{0};
        other->on_connect([](pmqtt::client_ref &self, auto &) { self.subscribe("destroy/load", 1); });
        other->on_subscribe([](pmqtt::client_ref &self, auto &) { self.publish("destroy/load", "x", 1); });
        other->on_message([&](pmqtt::client_ref &self, const pmqtt::message &message) {
            messages++;
            self.publish(message.topic, message.payload, message.qos);
        });
        other->connect_async(BROKER_HOST, broker_port());
        std::thread runner([&self = *other] {
            std::error_code ec;
            self.loop_forever(true, ec);
        });
        WAIT_UNTIL(messages > round);
        other.reset();
        const int then = messages;
        runner.join();
        CHECK_INT(messages, then);
    }
}

int main()
{
    watchdog(240);
    broker_start();
    in_callbacks();
    in_connect_fail();
    in_other_calls();
    without_cycles();
    with_what_a_callback_owns();
    by_another_thread();
    return 0;
}
