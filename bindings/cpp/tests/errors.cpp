// How calls fail, without a broker: by an exception or by a std::error_code. Checks that each function is covered.
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "support.hpp"

extern "C" {
#include "ports.h"
}

static void both_forms()
{
    step("a failure is an exception with words, or a code");
    pmqtt::client client;
    std::error_code ec = pmqtt::errc::busy;
    client.connect(BROKER_HOST, NO_PORT, 60s, {}, ec);
    CHECK_ERROR(ec, pmqtt::errc::os_error);
    CHECK(client.last_error().find("Connection refused") != std::string::npos);
    CHECK(words_of([&] { client.connect(BROKER_HOST, NO_PORT); }).find("Connection refused") != std::string::npos);
    CHECK(words_of([&] { client.connect(BROKER_HOST, NO_PORT); }).find("connect: ") == 0);

    step("success sets a code to none");
    client.max_queued_messages_set(5, ec);
    CHECK_NONE(ec);
    CHECK(!ec);

    step("words of any length");
    client.connect_srv(std::string(200, 'a') + "." + std::string(200, 'b'), 60s, {}, ec);
    CHECK(ec);
    client.connect_srv_async("no domain..", 60s, {}, ec);
    CHECK_ERROR(ec, pmqtt::errc::inval);
    CHECK(client.last_error().size() > 0 && client.last_error().find('\0') == std::string::npos);
}

static void creation()
{
    step("a client that cannot be created");
    std::error_code ec;
    CHECK_ERROR(thrown_by([] { pmqtt::client("", false); }), pmqtt::errc::inval);
    CHECK_ERROR(thrown_by([] { pmqtt::client("x", true, static_cast<pmqtt::protocol>(99)); }), pmqtt::errc::inval);
    pmqtt::client none("\xff", true, pmqtt::protocol::v311, ec);
    CHECK_ERROR(ec, pmqtt::errc::inval);
    CHECK(none.native_handle() == nullptr);
    CHECK_ERROR(thrown_by([&] { none.disconnect(); }), pmqtt::errc::inval);
}

static void settings()
{
    step("settings that are out of range, and what does not fit an int");
    pmqtt::client client;
    const std::error_code inval = pmqtt::errc::inval;
    CHECK_ERROR(thrown_by([&] { client.max_inflight_messages_set(65536); }), inval);
    CHECK_ERROR(thrown_by([&] { client.max_queued_messages_set(-1); }), inval);
    CHECK_ERROR(thrown_by([&] { client.queue_options_set({static_cast<pmqtt::when_full>(3)}); }), inval);
    CHECK_ERROR(thrown_by([&] { client.max_packet_size_set(4); }), inval);
    CHECK_ERROR(thrown_by([&] { client.message_retry_set(-1s); }), inval);
    CHECK_ERROR(thrown_by([&] { client.connect_timeout_set(0ms); }), inval);
    CHECK_ERROR(thrown_by([&] { client.reconnect_delay_set(2s, 1s); }), inval);
    CHECK_ERROR(thrown_by([&] { client.connect_async("h", 1883, std::chrono::seconds::max()); }), inval);
    CHECK_ERROR(thrown_by([&] { client.loop(std::chrono::milliseconds::min()); }), inval);
    CHECK_ERROR(thrown_by([&] { client.will_set("a/+", "x"); }), inval);
    CHECK_ERROR(thrown_by([&] { client.will_set("a", std::string(70000, 'x')); }), pmqtt::errc::payload_size);
    CHECK_NONE(thrown_by([&] {
        client.max_inflight_messages_set(0);
        client.max_queued_messages_set(10);
        client.max_queued_bytes_set(1000);
        client.max_packet_size_set(1000);
        client.message_retry_set(std::chrono::hours(1));
        client.connect_timeout_set(5s);
        client.reconnect_delay_set(1s, std::chrono::minutes(2));
        client.username_pw_set("somebody", "secret");
        client.username_pw_set({});
        client.manual_ack_set(true);
        client.will_set("a", "x", 1, true);
        client.will_clear();
    }));
}

static void tls_settings()
{
    step("TLS settings that are no good");
    pmqtt::client client;
    std::error_code ec;
    CHECK_ERROR(thrown_by([&] { client.tls_set("/nowhere/ca.pem"); }), pmqtt::errc::os_error);
    CHECK(words_of([&] { client.tls_set("/nowhere/ca.pem"); }).find("/nowhere/ca.pem") != std::string::npos);
    client.tls_pem_set("no certificate", {}, {}, pmqtt::cert_reqs::required, pmqtt::tls_version::best, {}, ec);
    CHECK_ERROR(ec, pmqtt::errc::tls);
    CHECK_ERROR(thrown_by([&] { client.tls_set({}, {}, {}, static_cast<pmqtt::cert_reqs>(9)); }), pmqtt::errc::inval);
    CHECK_ERROR(thrown_by([&] {
        client.tls_set({}, {}, {}, pmqtt::cert_reqs::none, pmqtt::tls_version::best, "NO-SUCH-CIPHER");
    }), pmqtt::errc::tls);
    CHECK_ERROR(thrown_by([&] { client.tls_psk_set("", "key"); }), pmqtt::errc::inval);
    CHECK_ERROR(thrown_by([&] { client.tls_psk_set("identity", {}); }), pmqtt::errc::inval);
    CHECK_ERROR(thrown_by([&] { client.tls_alpn_set({std::string(300, 'x')}); }), pmqtt::errc::tls);
    CHECK_NONE(thrown_by([&] {
        client.tls_insecure_set(true);
        client.tls_server_name_set("broker.test");
        client.tls_alpn_set({"mqtt"});
        client.tls_alpn_set({});
        client.tls_context_set(nullptr);
        client.tls_key_password_set([] { return "sesame"; });
        client.tls_key_password_set({});
    }));
}

static void messages()
{
    step("messages without a connection");
    pmqtt::client client;
    std::error_code ec;
    CHECK_ERROR(thrown_by([&] { client.publish("a", "x"); }), pmqtt::errc::no_conn);
    CHECK(client.publish("a", "x", 1) > 0); // it is kept: no exception
    CHECK(client.publish("a", "x", 2, false, ec) > 0);
    CHECK_ERROR(ec, pmqtt::errc::no_conn);
    CHECK_INT(client.stats().queued_messages, 2);
    CHECK_ERROR(thrown_by([&] { client.subscribe("a"); }), pmqtt::errc::no_conn);
    CHECK_ERROR(thrown_by([&] { client.unsubscribe("a"); }), pmqtt::errc::no_conn);
    CHECK_ERROR(thrown_by([&] { client.subscribe_multiple({}); }), pmqtt::errc::inval);
    CHECK_ERROR(thrown_by([&] { client.ack(1, 1); }), pmqtt::errc::not_found);
    CHECK_INT(client.drain(0ms, ec), 2);
    CHECK(ec);

    step("a queue that is full");
    client.max_queued_messages_set(2);
    CHECK_ERROR(thrown_by([&] { client.publish("a", "x", 1); }), pmqtt::errc::queue_size);
    CHECK_ERROR(thrown_by([&] { client.publish_batch({{"a", "x", 1}}); }), pmqtt::errc::queue_size);
    CHECK_ERROR(thrown_by([&] { client.cancel(12345); }), pmqtt::errc::not_found);
    client.queue_clear();
    CHECK_INT(client.stats().messages_cancelled, 2);
    auto taken = client.publish_batch({{"a", "x", 1}, {"b", "y", 2}, {"c", "z", 1}});
    CHECK_INT(taken.accepted, 2);
    client.cancel(taken.first_mid + 1);
    taken = client.publish_batch({{"c", "z", 1}}, ec);
    CHECK_ERROR(ec, pmqtt::errc::no_conn);
    CHECK_INT(taken.accepted, 1);
    client.queue_options_set({pmqtt::when_full::drop_oldest, true, true});
    CHECK(client.publish("a", "x") > 0); // QoS 0 waits too
    CHECK_INT(client.stats().messages_dropped, 1);
    client.loop(0ms); // reports the outcomes

    step("a message that may not wait for long");
    client.queue_clear();
    client.loop(0ms);
    ec.clear();
    client.on_publish([&](auto &, const pmqtt::published &event) { ec = event.error; });
    taken = client.publish_batch({{"a", "x", 1, false, 1s}});
    CHECK(client.next_timeout_ms() <= 1000);
    std::error_code none;
    while (!ec)
        client.loop(20ms, none); // waits for a connection, and there is none
    CHECK_ERROR(ec, pmqtt::errc::expired);
    CHECK_INT(client.stats().messages_expired, 1);

    step("filters and callbacks that are no good");
    CHECK_ERROR(thrown_by([&] { client.message_callback_add("a/#/b", [](auto &, auto &) {}); }), pmqtt::errc::inval);
    CHECK_ERROR(thrown_by([&] { client.message_callback_add("a", {}); }), pmqtt::errc::inval);
    CHECK_ERROR(thrown_by([&] { client.message_callback_remove("a"); }), pmqtt::errc::not_found);
    CHECK_ERROR(thrown_by([&] { pmqtt::topic_matches_sub("a/#/b", "a"); }), pmqtt::errc::inval);

    step("loops of a client that never connected");
    CHECK_ERROR(thrown_by([&] { client.loop(0ms); }), pmqtt::errc::no_conn);
    CHECK_ERROR(thrown_by([&] { client.loop_forever(); }), pmqtt::errc::inval);
    CHECK_ERROR(thrown_by([&] { client.loop_stop(); }), pmqtt::errc::inval);
    CHECK_ERROR(thrown_by([&] { client.loop_read(); }), pmqtt::errc::no_conn);
    CHECK_ERROR(thrown_by([&] { client.loop_write(); }), pmqtt::errc::no_conn);
    CHECK_ERROR(thrown_by([&] { client.loop_misc(); }), pmqtt::errc::no_conn);
    CHECK(client.event_fd() >= 0);
    CHECK_ERROR(thrown_by([&] { client.process(); }), pmqtt::errc::no_conn);
    CHECK_ERROR(thrown_by([&] { client.reconnect(); }), pmqtt::errc::inval);
    CHECK_ERROR(thrown_by([&] { client.disconnect(); }), pmqtt::errc::no_conn);
}

static void oneshots()
{
    step("one-shots that reach nobody");
    std::string words;
    pmqtt::oneshot_options options;
    options.hostname = BROKER_HOST;
    options.port = NO_PORT;
    options.error = &words;
    std::error_code ec;
    CHECK_ERROR(thrown_by([&] { pmqtt::publish_single("a", "x", 0, false, options); }), pmqtt::errc::os_error);
    CHECK(words.find("Connection refused") != std::string::npos);
    CHECK(words_of([&] { pmqtt::publish_single("a", "x", 0, false, options); }).find(words) != std::string::npos);
    pmqtt::publish_multiple({{"a", "x"}}, options, ec);
    CHECK_ERROR(ec, pmqtt::errc::os_error);
    CHECK(pmqtt::subscribe_simple({"a"}, 0, 1, true, options, ec).empty());
    CHECK_ERROR(ec, pmqtt::errc::os_error);
    CHECK_ERROR(thrown_by([&] { pmqtt::subscribe_simple({"a"}, 0, 1, true, options); }), pmqtt::errc::os_error);
    pmqtt::subscribe_callback([](auto &, auto &) {}, {"a"}, 0, options, ec);
    CHECK_ERROR(ec, pmqtt::errc::os_error);

    step("one-shots with options that are no good");
    CHECK_ERROR(thrown_by([&] { pmqtt::subscribe_callback({}, {"a"}, 0, options); }), pmqtt::errc::inval);
    CHECK_ERROR(thrown_by([&] { pmqtt::publish_multiple({{"a", "x"}, {"+", "x"}}, options); }), pmqtt::errc::inval);
    options.username = std::string("a\0b", 3);
    CHECK_ERROR(thrown_by([&] { pmqtt::publish_single("a", "x", 0, false, options); }), pmqtt::errc::inval);
    CHECK_TEXT(words.c_str(), "a text has a NUL inside");
    options.username = "a";
    options.will = pmqtt::publication{"a/#", "x"};
    CHECK_ERROR(thrown_by([&] { pmqtt::publish_single("a", "x", 0, false, options); }), pmqtt::errc::inval);
    options.will.reset();
    options.tls = pmqtt::tls_options{};
    options.tls->ca_certs = "/nowhere/ca.pem";
    CHECK_ERROR(thrown_by([&] { pmqtt::publish_single("a", "x", 0, false, options); }), pmqtt::errc::os_error);
    CHECK(words.find("/nowhere/ca.pem") != std::string::npos);
}

static std::string read(const std::filesystem::path &path)
{
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

// The C function that sets the user data, as C++ has captures instead, and those that do less than another one.
static const std::set<std::string> NOT_NEEDED = {"pmqtt_user_data_set", "pmqtt_message_callback_add",
                                                 "pmqtt_subscribe_multiple", "pmqtt_unsubscribe_multiple"};

static void coverage()
{
    step("each function of the C header is called by these headers");
    const std::string header = read(PMQTT_HEADER);
    std::string here;
    for (const auto &file : std::filesystem::directory_iterator(PMQTT_HPP_DIR))
        here += read(file.path());
    const std::regex declaration("\n[a-z][^\n(]*[ *](pmqtt_[a-z_]+)\\(");
    int functions = 0;
    for (std::sregex_iterator at(header.begin(), header.end(), declaration), end; at != end; ++at) {
        const std::string name = (*at)[1];
        const bool is_called = std::regex_search(here, std::regex("\\b" + name + "[,()]"));
        if (is_called == (NOT_NEEDED.count(name) > 0))
            check_failed(__FILE__, __LINE__, "%s: %s", name.c_str(), is_called ? "called after all" : "not called");
        functions++;
    }
    CHECK(functions > 60);
}

int main()
{
    watchdog(120);
    both_forms();
    creation();
    settings();
    tls_settings();
    messages();
    oneshots();
    coverage();
    return 0;
}
