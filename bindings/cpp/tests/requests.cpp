// Requests and responses of MQTT 5 between two clients, and the ends of requests that get no response.
#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support.hpp"

static pmqtt::client client_of(pmqtt::protocol version)
{
    return pmqtt::client({}, true, version);
}

// A requester and a responder that are connected. Both loops run in this thread.
struct pair_of_clients {
    pmqtt::client requester = client_of(pmqtt::protocol::best);
    pmqtt::client responder = client_of(pmqtt::protocol::v5);

    pair_of_clients()
    {
        connect_now(requester);
        connect_and_subscribe(responder, "service/#");
    }

    template <class Condition> void run_until(Condition condition)
    {
        DO_UNTIL(condition(), (requester.loop(5ms), responder.loop(5ms)));
    }
};

static void responses()
{
    step("a response in the callback, and one after it");
    pair_of_clients both;
    std::vector<pmqtt::property_list> later;
    both.responder.on_message([&](pmqtt::client_ref &self, const pmqtt::message &message) {
        if (message.topic == "service/now")
            self.reply(message, {{}, std::string(message.payload.text()) + "!"});
        else
            later.push_back(pmqtt::reply_address(message));
    });
    const auto alive = std::make_shared<int>();
    std::string log;
    std::uint64_t ended = 0;
    const auto ask = [&](const char *topic) {
        return both.requester.request({topic, "x", 1}, 30s, [&, alive](auto &, const pmqtt::response &event) {
            CHECK_NONE(event.error);
            CHECK(event.reason == pmqtt::reason_code::unsaid);
            log += event.message.value().payload.text();
            ended = event.id;
        });
    };
    std::uint64_t id = ask("service/now");
    CHECK(id > 0);
    CHECK(alive.use_count() == 2);
    both.run_until([&] { return ended != 0; });
    CHECK(ended == id);
    CHECK_TEXT(log.c_str(), "x!");
    CHECK(alive.use_count() == 1);

    ended = 0;
    id = ask("service/later");
    both.run_until([&] { return !later.empty(); });
    CHECK(later[0].view().response_topic() && later[0].view().correlation());
    CHECK(ended == 0);
    both.responder.reply_to(later[0], {{}, "at last", 2});
    both.run_until([&] { return ended != 0; });
    CHECK(ended == id);
    CHECK_TEXT(log.c_str(), "x!at last");
    CHECK(alive.use_count() == 1);

    step("a response that comes twice is counted");
    both.responder.reply_to(later[0], {{}, "again"});
    both.run_until([&] { return both.requester.stats().responses_dropped == 1; });
    CHECK_TEXT(log.c_str(), "x!at last");
}

static void no_responses()
{
    step("a request that nobody answers, and one that is cancelled in the callback of the first");
    pair_of_clients both;
    const auto alive = std::make_shared<int>();
    std::optional<std::error_code> first, second;
    const std::uint64_t other =
        both.requester.request({"service", "x"}, 30s, [&, alive](auto &, const pmqtt::response &event) {
            CHECK(!event.message);
            second = event.error;
        });
    both.requester.request({"service", "x"}, 50ms, [&, alive](pmqtt::client_ref &self, const pmqtt::response &event) {
        CHECK(!event.message);
        first = event.error;
        CHECK_ERROR(thrown_by([&] { self.request_cancel(event.id); }), pmqtt::errc::not_found);
        self.request_cancel(other);
    });
    both.run_until([&] { return second.has_value(); });
    CHECK_ERROR(first.value(), pmqtt::errc::timeout);
    CHECK_ERROR(second.value(), pmqtt::errc::cancelled);
    CHECK_ERROR(thrown_by([&] { both.requester.request_cancel(other); }), pmqtt::errc::not_found);
    CHECK(alive.use_count() == 1);

    step("an exception of the callback comes out of the loop");
    both.requester.request({"service", "x"}, 50ms, [alive](auto &, auto &) { throw std::runtime_error("too late"); });
    bool caught = false;
    DO_UNTIL(caught, caught = words_of([&] { both.requester.loop(10ms); }) == "too late");
    CHECK(alive.use_count() == 1);
}

static void dropped()
{
    step("requests end without a call when the client is reinitialised, moved over or destroyed");
    const auto alive = std::make_shared<int>();
    const auto never = [alive](auto &, auto &) { check_failed(__FILE__, __LINE__, "called"); };
    pmqtt::client client = client_of(pmqtt::protocol::v5);
    connect_now(client);
    client.request({"service", "x"}, 30s, never);
    client.request({"service", "x", 1}, 30s, never);
    CHECK(alive.use_count() == 4);
    client.reinitialise();
    CHECK(alive.use_count() == 2);
    client.request({"service", "x", 1}, 30s, never); // waits for a connection
    CHECK(alive.use_count() == 3);
    client = client_of(pmqtt::protocol::v5);
    CHECK(alive.use_count() == 2);
    {
        pmqtt::client brief = client_of(pmqtt::protocol::v5);
        brief.request({"service", "x", 1}, 30s, never);
    }
    CHECK(alive.use_count() == 2);

    step("a callback destroys its client, which has other requests");
    auto mortal = std::make_unique<pmqtt::client>(client_of(pmqtt::protocol::v5));
    connect_now(*mortal);
    mortal->request({"service", "x", 1}, 30s, never);
    mortal->request({"service", "x", 1}, 50ms, [&, alive](pmqtt::client_ref &self, auto &) {
        mortal.reset();
        CHECK_ERROR(thrown_by([&] { self.request({"service", "x", 1}, 30s, never); }), pmqtt::errc::inval);
        CHECK(alive.use_count() == 3);
    });
    DO_UNTIL(!mortal, mortal->loop(10ms));
    CHECK(alive.use_count() == 2);
}

static void threads()
{
    step("requests of one thread end in another, while a third one reinitialises the client");
    const auto alive = std::make_shared<int>();
    std::atomic<int> ended{0};
    pmqtt::client client = client_of(pmqtt::protocol::v5);
    client.loop_start();
    const auto request = [&] {
        client.request({"service", "x", 1}, 1ms, [&, alive](auto &, const pmqtt::response &event) {
            CHECK_ERROR(event.error, pmqtt::errc::timeout);
            ended++;
        });
    };
    std::thread requester([&] {
        for (int round = 0; round < 2000; round++)
            request();
    });
    std::thread reinitialiser([&] {
        for (int round = 0; round < 200; round++) {
            client.reinitialise();
            std::this_thread::sleep_for(100us);
        }
    });
    requester.join();
    reinitialiser.join();
    const int before = ended;
    request();
    DO_UNTIL(ended > before, std::this_thread::sleep_for(1ms));
    { const pmqtt::client gone = std::move(client); }
    CHECK(alive.use_count() == 1);
}

static void arguments()
{
    step("what is wrong changes nothing, and destroys the callback");
    const auto alive = std::make_shared<int>();
    const auto never = [alive](auto &, auto &) { check_failed(__FILE__, __LINE__, "called"); };
    const std::error_code inval = pmqtt::errc::inval;
    pmqtt::client client = client_of(pmqtt::protocol::v5), old;
    std::error_code ec;
    CHECK_ERROR(thrown_by([&] { client.request({"service", "x", 1}, 1s, {}); }), inval);
    CHECK_ERROR(thrown_by([&] { client.request({"service", "x", 1}, 0ms, never); }), inval);
    CHECK_ERROR(thrown_by([&] { client.request({"service/+", "x", 1}, 1s, never); }), inval);
    CHECK_ERROR(thrown_by([&] { client.request({std::string_view("a\0b", 3), "x", 1}, 1s, never); }), inval);
    CHECK_ERROR(thrown_by([&] { client.request({"service", "x"}, 1s, never); }), pmqtt::errc::no_conn);
    CHECK(client.request({"service", "x"}, 1s, never, ec) == 0);
    CHECK_ERROR(ec, pmqtt::errc::no_conn);
    CHECK_ERROR(thrown_by([&] { old.request({"service", "x", 1}, 1s, never); }), pmqtt::errc::not_supported);
    CHECK_ERROR(thrown_by([&] { client.request_cancel(1); }), pmqtt::errc::not_found);
    CHECK(alive.use_count() == 2);

    step("what is no request has no response");
    const pmqtt::message plain{::pmqtt_message{}};
    CHECK_ERROR(thrown_by([&] { pmqtt::reply_address(plain); }), pmqtt::errc::not_found);
    CHECK(pmqtt::reply_address(plain, ec).view().empty());
    CHECK_ERROR(ec, pmqtt::errc::not_found);
    CHECK_ERROR(thrown_by([&] { client.reply(plain, {{}, "x"}); }), pmqtt::errc::not_found);
    CHECK_ERROR(thrown_by([&] { client.reply_to({}, {{}, "x"}); }), pmqtt::errc::not_found);

    step("a response without a connection, and one with a topic of its own");
    pmqtt::property_list address;
    address.add(pmqtt::property_id::response_topic, "to/me");
    CHECK_ERROR(thrown_by([&] { client.reply_to(address, {{}, "x"}); }), pmqtt::errc::no_conn);
    CHECK_NONE(thrown_by([&] { client.reply_to(address, {{}, "x", 1}); })); // waits for a connection
    CHECK_ERROR(thrown_by([&] { client.reply_to(address, {"to/you", "x", 1}); }), inval);
    CHECK_ERROR(thrown_by([&] { old.reply_to(address, {{}, "x", 1}); }), pmqtt::errc::not_supported);

    const pmqtt::client other = std::move(client);
    CHECK_ERROR(thrown_by([&] { client.request({"service", "x", 1}, 1s, never); }), inval); // moved from
    CHECK(alive.use_count() == 2);
}

int main()
{
    watchdog(120);
    arguments();
    broker_start();
    responses();
    no_responses();
    dropped();
    threads();
    return 0;
}
