// Many threads use one client: they make requests, replace callbacks, and move the client meanwhile.
#include <atomic>
#include <set>
#include <mutex>
#include <thread>
#include <vector>

#include "support.hpp"

enum { THREADS = 4, MESSAGES = 500 };

template <class Work> static std::vector<std::thread> begin(Work work)
{
    std::vector<std::thread> threads;
    for (int number = 0; number < THREADS; number++)
        threads.emplace_back(work, number);
    return threads;
}

static void join(std::vector<std::thread> &threads)
{
    for (std::thread &thread : threads)
        thread.join();
}

static void publish_from_all()
{
    step("each message of each thread has its outcome, and comes back");
    pmqtt::client client;
    std::mutex mutex;
    std::set<std::uint64_t> sent, done;
    std::atomic<int> received{0};
    connect_and_subscribe(client, "threads");
    client.on_message([&](auto &, auto &) { received++; });
    client.on_publish([&](auto &, const pmqtt::published &event) {
        const std::lock_guard<std::mutex> lock(mutex);
        CHECK(done.insert(event.mid).second);
    });
    client.loop_start();
    auto threads = begin([&](int number) {
        for (int i = 0; i < MESSAGES; i++) {
            const auto mid = client.publish("threads", std::to_string(i), number % 3);
            const std::lock_guard<std::mutex> lock(mutex);
            CHECK(sent.insert(mid).second);
        }
    });
    join(threads);
    CHECK_INT(client.drain(60s), 0);
    WAIT_UNTIL(received == THREADS * MESSAGES);
    client.loop_stop();
    CHECK(sent == done);
}

static void replace_callbacks()
{
    step("callbacks are set and cleared while messages come");
    pmqtt::client client;
    std::atomic<int> received{0};
    std::atomic<bool> stop{false};
    connect_and_subscribe(client, "threads/replace");
    client.on_message([&](pmqtt::client_ref &self, const pmqtt::message &message) {
        received++;
        self.publish(message.topic, "x");
    });
    client.loop_start();
    client.publish("threads/replace", "x");
    auto threads = begin([&](int number) {
        const std::string filter = "threads/other/" + std::to_string(number);
        while (!stop) {
            client.on_log([text = std::string(100, 'x')](auto &, auto &) { CHECK_INT(text.size(), 100); });
            client.message_callback_add(filter, [text = std::string(100, 'x')](auto &, auto &) {});
            client.on_publish([text = std::string(100, 'x')](auto &, auto &) { CHECK_INT(text.size(), 100); });
            client.message_callback_remove(filter);
            client.on_log({});
            client.on_publish({});
        }
    });
    WAIT_UNTIL(received > 300);
    stop = true;
    join(threads);

    step("what was set last holds, whoever set it");
    std::atomic<int> published{0};
    for (int round = 0; round < 200; round++) {
        auto setters = begin([&](int number) {
            client.on_publish(number % 2 ? pmqtt::handler<pmqtt::published>() : [](auto &, auto &) {});
        });
        join(setters);
    }
    client.on_publish([&](auto &, auto &) { published++; });
    client.publish("elsewhere", "x", 1);
    WAIT_UNTIL(published > 0);
    client.loop_stop();
}

static void move_under_load()
{
    step("a client is moved while its loop thread and its callbacks run");
    pmqtt::client client;
    std::atomic<int> received{0};
    connect_and_subscribe(client, "threads/move");
    client.on_message([&](pmqtt::client_ref &self, const pmqtt::message &message) {
        received++;
        self.publish(message.topic, message.payload);
    });
    client.loop_start();
    client.publish("threads/move", "x");
    for (int round = 0; round < 100; round++) {
        const int before = received;
        pmqtt::client elsewhere(std::move(client));
        WAIT_UNTIL(received > before);
        client = std::move(elsewhere);
    }
    client.loop_stop();
}

int main()
{
    watchdog(240);
    broker_start();
    publish_from_all();
    replace_callbacks();
    move_under_load();
    return 0;
}
