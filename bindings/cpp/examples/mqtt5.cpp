// Publishes a reading with properties of MQTT 5, and prints it when it is back:
//   mqtt5 [HOST [PORT]]
#include <pmqtt/pmqtt.hpp>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <system_error>

static void print(pmqtt::client_ref &self, const pmqtt::message &message)
{
    std::cout << message.topic << ": " << message.payload.text() << '\n';
    for (const pmqtt::property &each : message.properties)
        std::cout << "  " << pmqtt::property_name(each.id) << ": " << each.name << ' ' << each.value << '\n';
    self.disconnect(); // ends loop_forever
}

int main(int argc, char **argv)
try {
    pmqtt::client client({}, true, pmqtt::protocol::v5);
    client.on_connect([](pmqtt::client_ref &self, const pmqtt::connected &event) {
        if (event.reason != pmqtt::reason_code::success)
            throw std::system_error(event.reason, "connect"); // loop_forever throws it again
        self.subscribe("readings/+", 1, print);
    });
    client.on_subscribe([](pmqtt::client_ref &self, const pmqtt::subscribed &) {
        pmqtt::publication reading{"readings/1", "21.5", 1};
        reading.content_type = "text/plain";
        reading.user_properties = {{"site", "north"}, {"unit", "C"}};
        self.publish(reading);
    });
    client.on_publish([](auto &, const pmqtt::published &event) {
        if (event.error == pmqtt::errc::rejected)
            throw std::system_error(event.reason, "publish");
    });
    client.connect(argc > 1 ? argv[1] : "localhost", argc > 2 ? std::atoi(argv[2]) : 1883);
    client.loop_forever();
} catch (const std::exception &error) {
    std::cerr << error.what() << '\n';
    return EXIT_FAILURE;
}
