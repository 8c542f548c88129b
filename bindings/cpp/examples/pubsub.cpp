// Publishes its arguments to "greetings", and prints messages until all of its own are back:
//   pubsub HOST PORT WORD...
#include <pmqtt/pmqtt.hpp>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

int main(int argc, char **argv)
try {
    const std::string host = argc > 1 ? argv[1] : "localhost";
    const int port = argc > 2 ? std::atoi(argv[2]) : 1883;
    std::vector<std::string> words(argv + (argc > 3 ? 3 : argc), argv + argc);
    if (words.empty())
        words = {"hello", "bye"};

    pmqtt::client client;
    client.on_connect([](pmqtt::client_ref &self, const pmqtt::connected &event) {
        if (event.rc == 0) // here, so that it happens after each reconnect too
            self.subscribe("greetings", 1);
    });
    client.on_subscribe([&words](pmqtt::client_ref &self, const pmqtt::subscribed &) {
        for (const std::string &word : words)
            self.publish("greetings", word, 1);
    });
    std::size_t received = 0;
    client.on_message([&](pmqtt::client_ref &self, const pmqtt::message &message) {
        std::cout << message.topic << ": " << message.payload.text() << std::endl;
        if (++received == words.size())
            self.disconnect(); // ends loop_forever
    });
    client.connect(host, port);
    client.loop_forever();
} catch (const std::exception &error) {
    std::cerr << error.what() << '\n';
    return EXIT_FAILURE;
}
