// Two clients in one io_context: one asks a question each second, and the other one answers it. After
// three answers, both disconnect:
//   asio [HOST [PORT]]
#include <pmqtt/asio.hpp>
#include <pmqtt/pmqtt.hpp>

#ifdef PMQTT_ASIO_BOOST
#include <boost/asio.hpp>
namespace asio = boost::asio;
#else
#include <asio.hpp>
#endif

#include <chrono>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <string>

static void subscribe_on_connect(pmqtt::client &client, const std::string &topic)
{
    client.on_connect([topic](pmqtt::client_ref &self, const pmqtt::connected &event) {
        if (event.rc == 0)
            self.subscribe(topic, 1);
    });
}

int main(int argc, char **argv)
try {
    const std::string host = argc > 1 ? argv[1] : "localhost";
    const int port = argc > 2 ? std::atoi(argv[2]) : 1883;
    asio::io_context io;
    asio::steady_timer timer(io);
    int asked = 0, answered = 0;

    pmqtt::client asker, answerer;
    pmqtt::asio_driver asker_driver(io, asker), answerer_driver(io, answerer);

    subscribe_on_connect(answerer, "question");
    answerer.on_message([](pmqtt::client_ref &self, const pmqtt::message &question) {
        self.publish("answer", "to " + std::string(question.payload.text()), 1);
    });

    std::function<void()> ask = [&] {
        asker.publish("question", std::to_string(++asked), 1);
        timer.expires_after(std::chrono::seconds(1));
        timer.async_wait([&](auto error) {
            if (!error)
                ask();
        });
    };
    subscribe_on_connect(asker, "answer");
    asker.on_subscribe([&](auto &, auto &) { ask(); });
    asker.on_message([&](auto &, const pmqtt::message &answer) {
        std::cout << answer.payload.text() << std::endl;
        if (++answered < 3)
            return;
        timer.cancel();
        asker.disconnect();
        answerer.disconnect();
    });
    asker.on_disconnect([&](auto &, auto &) { asker_driver.stop(); }); // lets io.run() return
    answerer.on_disconnect([&](auto &, auto &) { answerer_driver.stop(); });

    answerer.connect_async(host, port);
    answerer.on_subscribe([&](auto &, auto &) { asker.connect_async(host, port); });
    io.run();
} catch (const std::exception &error) {
    std::cerr << error.what() << '\n';
    return EXIT_FAILURE;
}
