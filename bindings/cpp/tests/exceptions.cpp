// Exceptions that leave callbacks: which call throws them, and what goes on afterwards.
#include <poll.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "support.hpp"

struct thrown : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Tells whether a call throws the exception of a callback.
template <class Call> static bool throws(const char *words, Call call)
{
    try {
        call();
    } catch (const thrown &error) {
        CHECK_TEXT(error.what(), words);
        return true;
    }
    return false;
}

static const pmqtt::handler<pmqtt::message> FAULTY = [](auto &, const pmqtt::message &message) {
    throw thrown(std::string(message.payload.text()));
};

static void wait_readable(int fd)
{
    pollfd ready = {fd, POLLIN, 0};
    CHECK(poll(&ready, 1, PATIENCE_MS) == 1);
}

static void from_loop_calls()
{
    pmqtt::client client;
    connect_and_subscribe(client, "exceptions");
    client.on_message(FAULTY);

    step("loop throws it, and the connection stands");
    client.publish("exceptions", "one", 1);
    bool caught = false;
    DO_UNTIL(caught, caught = throws("one", [&] { client.loop(10ms); }));
    CHECK(client.stats().connected);

    step("so does the form with a code");
    client.publish("exceptions", "two", 1);
    std::error_code ec;
    caught = false;
    DO_UNTIL(caught, caught = throws("two", [&] { client.loop(10ms, ec); }));

    step("of several the first; the other callbacks run, and the next exception is thrown as well");
    int messages = 0;
    client.on_message([&](auto &, auto &) {
        messages++;
        throw thrown("of on_message");
    });
    client.on_publish([](auto &, auto &) { throw thrown("of on_publish"); });
    client.publish("exceptions", "x"); // done when it is written, and back only then
    caught = false;
    DO_UNTIL(caught, caught = throws("of on_publish", [&] { client.loop(10ms); }));
    client.on_publish({});
    const auto loop = [&] {
        try {
            client.loop(10ms);
        } catch (const thrown &error) {
            CHECK_TEXT(error.what(), "of on_message");
        }
    };
    DO_UNTIL(messages == 1, loop());
    client.on_message(FAULTY);

    step("loop_read");
    client.publish("exceptions", "four", 1);
    caught = false;
    DO_UNTIL(caught, {
        wait_readable(client.socket());
        caught = throws("four", [&] { client.loop_read(); });
        client.loop_misc();
    });

    step("loop_write");
    client.on_publish([](auto &, auto &) { throw thrown("written"); });
    client.on_interest([](auto &, auto &) {}); // leaves the writing to loop_write
    client.publish("elsewhere", "x");
    CHECK(client.want_write());
    CHECK(throws("written", [&] { client.loop_write(); }));
    client.on_interest({});
    client.on_publish({});

    step("drain");
    client.on_publish([](auto &, auto &) { throw thrown("drained"); });
    client.publish("elsewhere", "x", 1);
    CHECK(throws("drained", [&] { client.drain(60s); }));
    CHECK_INT(client.stats().unsettled, 0);
    client.on_publish({});

    step("process, and loop_misc where the time is over");
    client.on_message(FAULTY);
    wait_readable(client.event_fd());
    client.publish("exceptions", "five", 1);
    caught = false;
    DO_UNTIL(caught, {
        wait_readable(client.event_fd());
        caught = throws("five", [&] { client.process(); });
    });

    step("something that is no std::exception");
    client.on_message([](auto &, auto &) { throw 42; });
    client.publish("exceptions", "x", 1);
    int number = 0;
    DO_UNTIL(number, {
        try {
            client.loop(10ms);
        } catch (int what) {
            number = what;
        }
    });
    CHECK_INT(number, 42);
}

static void from_loop_misc()
{
    step("loop_misc: keep alive is over, and on_disconnect throws");
    pmqtt::client client;
    std::error_code ec;
    bool accepted = false, caught = false;
    client.on_connect([&](auto &, auto &) { accepted = true; });
    client.connect(BROKER_HOST, broker_port(), 1s);
    LOOP_UNTIL(client, accepted);
    client.on_disconnect([](auto &, const pmqtt::disconnected &event) {
        CHECK_ERROR(event.error, pmqtt::errc::keepalive);
        throw thrown("silent");
    });
    broker_pause();
    DO_UNTIL(caught, {
        std::this_thread::sleep_for(10ms);
        caught = throws("silent", [&] { client.loop_misc(ec); });
    });
    broker_resume();
}

static void from_loop_forever()
{
    step("loop_forever disconnects, and throws");
    pmqtt::client client;
    bool ended = false;
    client.on_connect([](pmqtt::client_ref &self, auto &) { self.subscribe("exceptions/forever", 1); });
    client.on_subscribe([](pmqtt::client_ref &self, auto &) { self.publish("exceptions/forever", "six", 1); });
    client.on_message(FAULTY);
    client.on_disconnect([&](auto &, const pmqtt::disconnected &event) {
        CHECK_NONE(event.error);
        ended = true;
    });
    client.connect(BROKER_HOST, broker_port());
    CHECK(throws("six", [&] { client.loop_forever(); }));
    CHECK(ended);

    step("where nothing can be connected, it throws too");
    client.on_connect_fail([](auto &, auto &) { throw thrown("nobody there"); });
    client.connect_async(BROKER_HOST, 1);
    CHECK(throws("nobody there", [&] { client.loop_forever(true); }));

    step("and works again afterwards");
    client.on_message([](pmqtt::client_ref &self, auto &) { self.disconnect(); });
    client.connect(BROKER_HOST, broker_port());
    client.loop_forever();
}

static void from_the_loop_thread()
{
    step("the loop thread goes on, and loop_stop throws the first");
    pmqtt::client client;
    std::atomic<int> messages{0};
    connect_and_subscribe(client, "exceptions/thread");
    client.on_message([&](auto &, const pmqtt::message &message) {
        messages++;
        throw thrown(std::string(message.payload.text()));
    });
    client.loop_start();
    client.publish("exceptions/thread", "seven", 1);
    client.publish("exceptions/thread", "eight", 1);
    WAIT_UNTIL(messages == 2);
    std::error_code ec;
    client.loop(0ms, ec); // another call runs the client, so this one must not throw
    CHECK_ERROR(ec, pmqtt::errc::busy);
    CHECK(throws("seven", [&] { client.loop_stop(); }));
    CHECK_ERROR(thrown_by([&] { client.loop_stop(); }), pmqtt::errc::inval);

    step("or drain does, in the thread that waits");
    client.loop_start();
    client.publish("exceptions/thread", "nine", 1);
    WAIT_UNTIL(messages == 3);
    CHECK(throws("nine", [&] { client.drain(60s); }));
    client.loop_stop();

    step("loop_stop in a callback throws nothing there");
    client.on_message([&](pmqtt::client_ref &self, auto &) {
        self.loop_stop();
        messages++;
        throw thrown("stopped");
    });
    client.loop_start();
    client.publish("exceptions/thread", "x", 1);
    WAIT_UNTIL(messages == 4);
    bool caught = false;
    DO_UNTIL(caught, caught = throws("stopped", [&] { client.loop(10ms, ec); }));

    step("one that nobody asks for is dropped with the client");
    client.on_message(FAULTY);
    client.loop_start();
    client.on_publish([&](auto &, auto &) { messages++; });
    client.publish("exceptions/thread", "x", 2);
    WAIT_UNTIL(messages == 5);
}

static void from_other_calls()
{
    step("what on_log throws in a call that is no loop call is kept for the next that is");
    pmqtt::client client;
    client.on_log([](auto &, auto &) { throw thrown("a line"); });
    client.connect(BROKER_HOST, broker_port());
    client.on_log({});
    CHECK(throws("a line", [&] { client.loop(10ms); }));

    step("a call in a callback throws there what its own callbacks throw");
    pmqtt::client nested;
    bool seen = false;
    connect_and_subscribe(nested, "exceptions/nested");
    nested.on_message([&](pmqtt::client_ref &self, auto &) {
        std::error_code ec;
        self.drain(0ms, ec);
        CHECK_ERROR(ec, pmqtt::errc::busy);
        pmqtt::client inner;
        inner.connect_async(BROKER_HOST, 1);
        inner.on_connect_fail([](auto &, auto &) { throw thrown("inner"); });
        DO_UNTIL(seen, seen = throws("inner", [&] { inner.loop(10ms, ec); }));
    });
    nested.publish("exceptions/nested", "x", 1);
    LOOP_UNTIL(nested, seen);
}

int main()
{
    watchdog(240);
    broker_start();
    from_loop_calls();
    from_loop_misc();
    from_loop_forever();
    from_the_loop_thread();
    from_other_calls();
    return 0;
}
