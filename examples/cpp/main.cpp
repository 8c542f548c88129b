// Says hello to itself through a broker, while a thread of the library runs the client:
//   shared [HOST [PORT]]
#include <pmqtt/pmqtt.hpp>

#include <chrono>
#include <cstdlib>
#include <future>
#include <iostream>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

int main(int argc, char **argv)
try {
    std::promise<std::string> promise;
    auto greeting = promise.get_future();

    pmqtt::client client; // destroyed before the promise, which its callback uses
    client.on_message([&promise](pmqtt::client_ref &self, const pmqtt::message &message) {
        promise.set_value(std::string(message.topic) + ": " + std::string(message.payload.text()));
        self.on_message({}); // one is enough
    });

    // These requests go out, in this order, as soon as the broker has accepted the connection.
    client.connect(argc > 1 ? argv[1] : "localhost", argc > 2 ? std::atoi(argv[2]) : 1883);
    client.subscribe("greetings/cpp", 1);
    client.publish("greetings/cpp", "hello", 1);
    client.loop_start();

    if (greeting.wait_for(10s) != std::future_status::ready)
        throw std::runtime_error("no greeting came");
    std::cout << greeting.get() << '\n';
    client.disconnect();
    client.loop_stop();
} catch (const std::exception &error) {
    std::cerr << error.what() << '\n';
    return EXIT_FAILURE;
}
