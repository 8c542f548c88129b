// The Asio adapter: two clients in one io_context, a broker that goes away and comes back, and every way in
// which a driver ends. Compiled for standalone Asio, and for Boost.Asio.
#include <pmqtt/asio.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <poll.h>

#ifdef PMQTT_ASIO_BOOST
#include <boost/asio.hpp>
namespace asio = boost::asio;
#else
#include <asio.hpp>
#endif

#include "support.hpp"

// Handlers run until a condition holds.
#define RUN_UNTIL(io, condition) DO_UNTIL(condition, (io).run_one_for(10ms))

// A client that subscribes whenever it is connected, and counts.
struct party {
    explicit party(asio::io_context &io, const char *topic) : client(topic, false), driver(std::in_place, io, client)
    {
        client.reconnect_delay_set(1s, 1s);
        client.on_connect([topic](pmqtt::client_ref &self, auto &) { self.subscribe(topic, 1); });
        client.on_subscribe([this](auto &, auto &) { subscribed++; });
        client.on_disconnect([this](auto &, auto &) { lost++; });
        client.on_message([this](auto &, auto &) { received++; });
        client.connect_async(BROKER_HOST, broker_port());
    }

    int subscribed = 0, lost = 0, received = 0;
    pmqtt::client client;
    std::optional<pmqtt::asio_driver> driver;
};

static void two_clients_and_a_restart()
{
    step("two clients talk");
    asio::io_context io;
    party one(io, "asio/one"), two(io, "asio/two");
    RUN_UNTIL(io, one.subscribed == 1 && two.subscribed == 1);
    one.client.publish("asio/two", "x", 1);
    two.client.publish("asio/one", "x", 1);
    RUN_UNTIL(io, one.received == 1 && two.received == 1);

    step("the broker goes away; what is published meanwhile waits, and nothing spins");
    broker_kill();
    RUN_UNTIL(io, one.lost == 1 && two.lost == 1);
    one.client.publish("asio/two", "later", 2);
    two.client.publish("asio/one", "later", 2);
    CHECK(io.run_for(300ms) < 100);

    step("it comes back, and so do they");
    broker_start();
    RUN_UNTIL(io, one.received == 2 && two.received == 2);

    step("what another thread publishes leaves at once");
    std::thread other([&] { one.client.publish("asio/two", "x", 1); });
    RUN_UNTIL(io, two.received == 3);
    other.join();

    step("run returns when the drivers have stopped");
    one.client.on_disconnect([&](auto &, auto &) { one.driver->stop(); });
    two.client.on_disconnect([&](auto &, auto &) { two.driver->stop(); });
    one.client.disconnect();
    two.client.disconnect();
    io.run();
}

static void exceptions()
{
    step("an exception leaves run, and the next run goes on");
    asio::io_context io;
    party self(io, "asio/throw");
    RUN_UNTIL(io, self.subscribed == 1);
    self.client.on_message([&](auto &, auto &) {
        if (++self.received == 1)
            throw std::runtime_error("of a callback");
    });
    self.client.publish("asio/throw", "x", 1);
    bool caught = false;
    DO_UNTIL(caught, caught = words_of([&] { io.run_one_for(10ms); }) == "of a callback");
    self.client.publish("asio/throw", "x", 1);
    RUN_UNTIL(io, self.received == 2);
}

static void ends()
{
    step("destroyed while a handler is queued: it comes later and does nothing");
    asio::io_context io;
    party late(io, "asio/end");
    RUN_UNTIL(io, late.subscribed == 1);
    late.client.publish("asio/end", "x", 1);
    const int fd = late.client.event_fd();
    pollfd ready = {fd, POLLIN, 0};
    CHECK(poll(&ready, 1, PATIENCE_MS) == 1);
    bool met = false;
    asio::post(io, [&] { met = true; }); // Asio looks at its descriptors first, and queues what is ready
    io.run_one();
    CHECK(met);
    late.driver.reset();
    const auto bytes = late.client.stats().bytes_in;
    CHECK(io.run() > 0);
    CHECK_INT(late.client.stats().bytes_in, bytes);
    CHECK(fcntl(fd, F_GETFD) != -1); // the library owns it and still uses it
    LOOP_UNTIL(late.client, late.received == 1);

    step("driver and client are destroyed in a callback");
    auto self = std::make_unique<party>(io, "asio/callback");
    self->client.on_message([&](auto &, auto &) { self.reset(); });
    io.restart();
    RUN_UNTIL(io, self->subscribed == 1);
    self->client.publish("asio/callback", "x", 1);
    io.restart();
    io.run();
    CHECK(!self);

    step("the io_context is destroyed before the driver has waited to its end");
    pmqtt::client client;
    auto short_lived = std::make_unique<asio::io_context>();
    std::optional<pmqtt::asio_driver> driver(std::in_place, *short_lived, client);
    driver.reset();
    short_lived.reset();

    step("a driver is moved, another one takes the client over, and the client is moved");
    asio::io_context other;
    pmqtt::asio_driver first(io, client), second(std::move(first));
    CHECK(!words_of([&] { pmqtt::asio_driver again(io, client); }).empty()); // one at a time
    second.stop();
    second = pmqtt::asio_driver(other.get_executor(), client);
    pmqtt::client elsewhere(std::move(client));
    bool connected = false;
    elsewhere.on_connect([&](auto &, auto &) { connected = true; });
    elsewhere.connect_async(BROKER_HOST, broker_port());
    RUN_UNTIL(other, connected);
    second.stop();
}

static void several_threads()
{
    step("several threads run the io_context, and a strand keeps the client's handlers apart");
    asio::io_context io;
    pmqtt::client client;
    auto strand = asio::make_strand(io);
    std::optional<pmqtt::asio_driver> driver(std::in_place, strand, client);
    std::atomic<int> received{0}, inside{0};
    client.on_connect([](pmqtt::client_ref &self, auto &) { self.subscribe("asio/strand", 1); });
    client.on_subscribe([](pmqtt::client_ref &self, auto &) { self.publish("asio/strand", "x", 1); });
    client.on_message([&](pmqtt::client_ref &self, auto &) {
        CHECK_INT(++inside, 1);
        if (++received < 200)
            self.publish("asio/strand", "x", 1);
        else
            driver->stop();
        --inside;
    });
    client.connect_async(BROKER_HOST, broker_port());
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; i++)
        threads.emplace_back([&] { io.run(); });
    for (std::thread &thread : threads)
        thread.join();
    CHECK_INT(received, 200);
}

int main()
{
    watchdog(120);
    broker_start();
    two_clients_and_a_restart();
    exceptions();
    ends();
    several_threads();
    return 0;
}
