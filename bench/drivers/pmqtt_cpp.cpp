// pmqtt's C++ wrapper in a program's own epoll loop, through the event descriptor.
#include <pmqtt/pmqtt.hpp>
#include <sys/epoll.h>

#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "work.h"

namespace {

work told;
std::uint32_t clients_left;

// One client, and its progress.
class doer {
public:
    explicit doer(std::uint32_t number) : number_(number), payload_(told.size, 'x')
    {
        client_.on_connect([this](pmqtt::client_ref &, const pmqtt::connected &event) { connected(event.rc); });
        client_.on_publish([this](pmqtt::client_ref &, const pmqtt::published &event) { published(event.error); });
        client_.on_message([this](pmqtt::client_ref &self, const pmqtt::message &event) { received(self, event); });
        client_.on_disconnect([this](pmqtt::client_ref &, const pmqtt::disconnected &event) {
            check(event.error);
            disconnects_++;
            if (told.kind != WORK_CONNECT || disconnects_ == told.count)
                clients_left--;
        });
    }

    int event_fd() { return client_.event_fd(); }
    void connect() { client_.connect_async("127.0.0.1", told.port); }

    // At the end there is no connection.
    void process()
    {
        std::error_code error;
        client_.process(error);
        if (error != pmqtt::errc::no_conn)
            check(error);
    }

private:
    static void check(std::error_code error)
    {
        if (error)
            die("%s", error.message().c_str());
    }

    void connected(int rc)
    {
        if (rc != 0)
            die("refused: %d", rc);
        connects_++;
        if (work_subscribes(&told))
            client_.subscribe(TOPIC, told.qos);
        else if (told.kind == WORK_CONNECT)
            connect_in_turn();
        while (work_publishes(&told) && published_ < told.count && published_ < told.window)
            publish_next();
    }

    // The next connection does not wait until the broker has ended the previous one.
    void connect_in_turn()
    {
        client_.disconnect();
        if (connects_ < told.count)
            client_.reconnect();
    }

    void publish_next()
    {
        payload_put(payload_.data(), payload_.size(), number_, published_++);
        client_.publish(TOPIC, payload_, told.qos);
    }

    void published(std::error_code error)
    {
        check(error);
        if (work_subscribes(&told)) // an echo
            return;
        settled_++;
        if (published_ < told.count)
            publish_next();
        else if (settled_ == told.count && told.kind == WORK_PUBLISH)
            client_.disconnect();
    }

    void received(pmqtt::client_ref &self, const pmqtt::message &event)
    {
        if (event.topic != TOPIC)
            die("another topic");
        if (!work_receive(&told, &received_, event.payload.data(), event.payload.size(), event.qos))
            self.disconnect();
        else if (told.kind == WORK_ECHO)
            self.publish(TOPIC, event.payload);
    }

    pmqtt::client client_;
    std::uint32_t number_;
    std::string payload_;
    std::uint32_t connects_ = 0, disconnects_ = 0, published_ = 0, settled_ = 0, received_ = 0;
};

void run()
{
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    std::vector<std::unique_ptr<doer>> doers;
    std::vector<epoll_event> events(256);

    for (std::uint32_t i = 0; i < told.clients; i++) {
        doers.push_back(std::make_unique<doer>(i));
        epoll_event wanted = {};
        wanted.events = EPOLLIN;
        wanted.data.ptr = doers.back().get();
        epoll_ctl(epoll, EPOLL_CTL_ADD, doers.back()->event_fd(), &wanted);
        doers.back()->connect();
    }
    for (clients_left = told.clients; clients_left > 0;) {
        const int count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < count; i++)
            static_cast<doer *>(events[static_cast<std::size_t>(i)].data.ptr)->process();
    }
}

} // namespace

int main(int argc, char **argv)
try {
    told = work_parse(argc, argv);
    run();
} catch (const std::exception &error) {
    std::cerr << error.what() << '\n';
    return EXIT_FAILURE;
}
