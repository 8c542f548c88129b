// Publishes the lines that it reads, while a thread of the library runs the client:
//   loop_start [HOST [PORT]]
#include <pmqtt/pmqtt.hpp>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

int main(int argc, char **argv)
try {
    pmqtt::client client;
    client.connect(argc > 1 ? argv[1] : "localhost", argc > 2 ? std::atoi(argv[2]) : 1883);
    client.loop_start();

    for (std::string line; std::getline(std::cin, line);)
        client.publish("greetings", line, 1); // without a connection, it waits for the next one

    client.drain(10s); // the end of the program would lose queued messages
    client.disconnect();
    client.loop_stop();
} catch (const std::exception &error) {
    std::cerr << error.what() << '\n';
    return EXIT_FAILURE;
}
