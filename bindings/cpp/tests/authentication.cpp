// Enhanced authentication of MQTT 5: the steps, answers from elsewhere, refusals, and SCRAM.
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "support.hpp"

extern "C" {
#include "peer.h"
}

using pmqtt::auth_step;
using pmqtt::reason_code;

#define METHOD "\x15\0\1M"
#define CHALLENGE ANSWER("\xf0\x0c\x18\x0a" METHOD "\x16\0\3who")
#define ACCEPTED ANSWER("\x20\x0c\0\0\x09" METHOD "\x16\0\2ok")
#define AUTHENTICATED ANSWER("\xf0\6\0\4" METHOD)

// Asks who is there, accepts, and asks again whenever the client authenticates again.
static const script CURIOUS = {{CHALLENGE, ACCEPTED, CHALLENGE, AUTHENTICATED}, false};

static pmqtt::client client_of_mqtt5()
{
    return pmqtt::client({}, true, pmqtt::protocol::v5);
}

static void steps()
{
    step("each step is told and answered");
    peer broker;
    peer_start(&broker, &CURIOUS);
    pmqtt::client client = client_of_mqtt5();
    std::string log;
    client.auth_set("M", [&](pmqtt::client_ref &self, const pmqtt::auth_event &event) {
        CHECK(event.method == "M");
        if (event.step == auth_step::start) {
            CHECK(event.reason == reason_code::unsaid && event.data.empty() && event.properties.empty());
            log += "start;";
            self.auth_answer("first");
        } else if (event.step == auth_step::challenge) {
            CHECK(event.reason == reason_code::continue_authentication && !event.properties.empty());
            log += std::string(event.data.text()) + ";";
            pmqtt::property_list list;
            list.add("site", "north");
            self.auth_answer("me", list);
        } else {
            CHECK(event.step == auth_step::done && event.reason == reason_code::success);
            log += "done " + std::string(event.data.text()) + ";";
            CHECK_ERROR(thrown_by([&] { self.auth_answer("more"); }), pmqtt::errc::inval);
        }
    });
    client.on_connect([&](auto &, const pmqtt::connected &event) {
        CHECK(event.reason == reason_code::success);
        log += "connected;";
    });
    client.connect(BROKER_HOST, broker.port);
    LOOP_UNTIL(client, log.find("connected") != std::string::npos);
    CHECK_TEXT(log.c_str(), "start;who;done ok;connected;");

    step("again on the open connection, when the client has moved");
    pmqtt::client moved(std::move(client));
    log.clear();
    moved.reauthenticate();
    CHECK_ERROR(thrown_by([&] { moved.reauthenticate(); }), pmqtt::errc::busy);
    LOOP_UNTIL(moved, log.find("done") != std::string::npos);
    CHECK_TEXT(log.c_str(), "start;who;done ;");
    peer_stop(&broker);
}

static void later()
{
    step("another thread answers later");
    peer broker;
    peer_start(&broker, &CURIOUS);
    pmqtt::client client = client_of_mqtt5();
    int asked = 0;
    bool accepted = false;
    client.auth_set("M", [&](auto &, const pmqtt::auth_event &event) { asked += event.step != auth_step::done; });
    client.on_connect([&](auto &, auto &) { accepted = true; });
    client.connect(BROKER_HOST, broker.port);
    for (int round = 1; round <= 2; round++) {
        LOOP_UNTIL(client, asked == round);
        std::thread([&] { client.auth_answer("x"); }).join();
    }
    LOOP_UNTIL(client, accepted);
    peer_stop(&broker);
}

// The error of an attempt to connect.
static std::error_code failure(pmqtt::client &client, int port)
{
    std::optional<std::error_code> error;
    std::error_code ec;
    client.on_connect_fail([&](auto &, const pmqtt::connect_failed &event) { error = event.error; });
    client.connect_async(BROKER_HOST, port);
    DO_UNTIL(error, client.loop(10ms, ec));
    client.on_connect_fail({});
    return *error;
}

static void refusals()
{
    step("the program refuses");
    peer broker;
    peer_start(&broker, &CURIOUS);
    pmqtt::client client = client_of_mqtt5();
    client.auth_set("M", [&](pmqtt::client_ref &self, const pmqtt::auth_event &event) {
        if (event.step == auth_step::start)
            self.auth_answer({});
        else
            self.auth_fail(reason_code::implementation_specific_error);
    });
    CHECK_ERROR(failure(client, broker.port), pmqtt::errc::auth);
    client.auth_set("M", [&](pmqtt::client_ref &self, auto &) {
        CHECK_ERROR(thrown_by([&] { self.auth_fail(reason_code::banned); }), pmqtt::errc::inval);
        self.auth_fail();
    });
    CHECK_ERROR(failure(client, broker.port), pmqtt::errc::auth);

    step("an exception of the callback comes out of the loop, and the answer is still due");
    bool accepted = false;
    client.auth_set("M", [&](pmqtt::client_ref &self, const pmqtt::auth_event &event) {
        if (event.step == auth_step::start)
            throw std::runtime_error("no token");
        if (event.step == auth_step::challenge)
            self.auth_answer("me");
    });
    client.on_connect([&](auto &, auto &) { accepted = true; });
    client.connect(BROKER_HOST, broker.port);
    bool caught = false;
    DO_UNTIL(caught, caught = words_of([&] { client.loop(10ms); }) == "no token");
    client.auth_answer("first");
    LOOP_UNTIL(client, accepted);
    peer_stop(&broker);

    step("a broker without the method refuses");
    std::optional<reason_code> reason;
    std::error_code ec;
    broker_start();
    client.on_connect([&](auto &, const pmqtt::connected &event) { reason = event.reason; });
    client.auth_set("M", [&](pmqtt::client_ref &self, auto &) { self.auth_answer("first"); });
    client.connect(BROKER_HOST, broker_port());
    DO_UNTIL(reason, client.loop(10ms, ec));
    CHECK(*reason == reason_code::bad_authentication_method);

    step("and SCRAM, too");
    reason.reset();
    client.auth_scram_set("user", "pencil");
    client.connect(BROKER_HOST, broker_port());
    DO_UNTIL(reason, client.loop(10ms, ec));
    CHECK(*reason == reason_code::bad_authentication_method);

    step("without a method, as ever");
    client.auth_scram_set({});
    connect_now(client);
    client.auth_set("M", [](pmqtt::client_ref &self, auto &) { self.auth_answer({}); });
    client.auth_set({});
    connect_now(client);
    CHECK_ERROR(thrown_by([&] { client.reauthenticate(); }), pmqtt::errc::inval);
}

static void scram()
{
    step("SCRAM: a broker that cannot prove what it knows");
    const script liar = {{ANSWER("\x20\x19\0\0\x16\x15\0\x0dSCRAM-SHA-256\x16\0\3v=x")}, false};
    peer broker;
    peer_start(&broker, &liar);
    pmqtt::client client = client_of_mqtt5();
    client.auth_scram_set("user", "pencil");
    CHECK_ERROR(failure(client, broker.port), pmqtt::errc::auth);
    peer_stop(&broker);
}

static void arguments()
{
    step("what is wrong changes nothing");
    const std::error_code inval = pmqtt::errc::inval, not_supported = pmqtt::errc::not_supported;
    const auto ignore = [](auto &, auto &) {};
    const std::string_view cut("a\0b", 3);
    pmqtt::client client = client_of_mqtt5();
    const auto alive = std::make_shared<int>();
    client.auth_set("M", [alive](auto &, auto &) {});
    CHECK_ERROR(thrown_by([&] { client.auth_set("M"); }), inval);
    CHECK_ERROR(thrown_by([&] { client.auth_set("", ignore); }), inval);
    CHECK_ERROR(thrown_by([&] { client.auth_set("\xff", ignore); }), inval);
    CHECK_ERROR(thrown_by([&] { client.auth_set(cut, ignore); }), inval);
    CHECK_ERROR(thrown_by([&] { client.auth_scram_set(cut, "b"); }), inval);
    CHECK_ERROR(thrown_by([&] { client.auth_scram_set("a", cut); }), inval);
    CHECK_ERROR(thrown_by([&] { client.auth_scram_set("a"); }), inval);
    CHECK_ERROR(thrown_by([&] { client.auth_answer("x"); }), pmqtt::errc::no_conn);
    CHECK_ERROR(thrown_by([&] { client.auth_fail(); }), pmqtt::errc::no_conn);
    CHECK_ERROR(thrown_by([&] { client.reauthenticate(); }), pmqtt::errc::no_conn);
    CHECK(alive.use_count() == 2);
    client.auth_set({});
    CHECK(alive.use_count() == 1);

    client.auth_set("M", [alive](auto &, auto &) {});
    client.reinitialise();
    CHECK(alive.use_count() == 1);

    pmqtt::client old, none = std::move(client);
    CHECK_ERROR(thrown_by([&] { client.auth_set("M", ignore); }), inval); // moved from
    CHECK_ERROR(thrown_by([&] { old.auth_set("M", [alive](auto &, auto &) {}); }), not_supported);
    CHECK(alive.use_count() == 1);
    CHECK_ERROR(thrown_by([&] { old.auth_scram_set("a", "b"); }), not_supported);
    CHECK_ERROR(thrown_by([&] { old.reauthenticate(); }), not_supported);
}

static void threads()
{
    step("two threads set methods: the callback is that of the method");
    peer broker;
    peer_start(&broker, &CURIOUS);
    pmqtt::client client = client_of_mqtt5();
    bool asked = false;
    const auto set = [&](const char *name) {
        for (int round = 0; round < 1000; round++)
            client.auth_set(name, [&asked, name](auto &, const pmqtt::auth_event &event) {
                CHECK_TEXT(event.method.data(), name);
                asked = true;
            });
    };
    std::thread one(set, "one"), two(set, "two");
    one.join();
    two.join();
    client.connect(BROKER_HOST, broker.port);
    LOOP_UNTIL(client, asked);
    peer_stop(&broker);
}

int main()
{
    watchdog(120);
    steps();
    later();
    threads();
    scram();
    refusals();
    arguments();
    return 0;
}
