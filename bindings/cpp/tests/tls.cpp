// TLS with a real broker. tls.sh starts it, and begins this program among the certificates:
//   tls PORT
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "support.hpp"

extern "C" {
#include "tls_listeners.h"
}

static int first_port;

// Connects, and waits for what was published to come back.
static void round_trip(pmqtt::client &client, int listener)
{
    bool back = false;
    client.on_connect([](pmqtt::client_ref &self, auto &) { self.subscribe("tls", 1); });
    client.on_subscribe([](pmqtt::client_ref &self, auto &) { self.publish("tls", "x", 1); });
    client.on_message([&](auto &, auto &) { back = true; });
    client.connect(BROKER_HOST, first_port + listener);
    LOOP_UNTIL(client, back);
}

static std::string text_of(const char *path)
{
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

static void with_certificates()
{
    step("an authority from a file, and from memory");
    pmqtt::client client, from_memory;
    client.tls_set("authority.pem");
    round_trip(client, ADDRESSED);
    from_memory.tls_pem_set(text_of("authority.pem"));
    round_trip(from_memory, MODERN);

    step("a certificate for another name, and what is done about it");
    pmqtt::client named;
    named.tls_set("authority.pem");
    CHECK_ERROR(thrown_by([&] { named.connect(BROKER_HOST, first_port + NAMED); }), pmqtt::errc::tls);
    named.tls_server_name_set("broker.test");
    round_trip(named, NAMED);
    pmqtt::client insecure;
    insecure.tls_set("authority.pem");
    insecure.tls_insecure_set(true);
    round_trip(insecure, NAMED);

    step("an authority that is not trusted, or not asked for");
    pmqtt::client unsure;
    unsure.tls_set("stranger.pem");
    CHECK_ERROR(thrown_by([&] { unsure.connect(BROKER_HOST, first_port + ADDRESSED); }), pmqtt::errc::tls);
    unsure.tls_set({}, {}, {}, pmqtt::cert_reqs::none, pmqtt::tls_version::v1_2);
    round_trip(unsure, ADDRESSED);
}

static void with_a_locked_key()
{
    step("a key with a password");
    pmqtt::client client;
    const auto set = [&] { client.tls_set("authority.pem", "client.pem", "locked.key"); };
    CHECK_ERROR(thrown_by(set), pmqtt::errc::tls);
    client.tls_key_password_set([]() -> std::optional<std::string> { return std::nullopt; });
    CHECK_ERROR(thrown_by(set), pmqtt::errc::tls);
    client.tls_key_password_set([] { return std::string(100000, 'x'); });
    CHECK_ERROR(thrown_by(set), pmqtt::errc::tls);
    client.tls_key_password_set([] { return "sesame"; });
    set();
    round_trip(client, DEMANDING);

    step("an exception of who knows the password comes out of tls_set, in both forms");
    std::error_code ec;
    client.tls_key_password_set([]() -> std::optional<std::string> { throw std::runtime_error("forgotten"); });
    CHECK_TEXT(words_of(set).c_str(), "forgotten");
    CHECK_TEXT(words_of([&] {
        client.tls_pem_set({}, text_of("client.pem"), text_of("locked.key"), pmqtt::cert_reqs::required,
                           pmqtt::tls_version::best, {}, ec);
    }).c_str(), "forgotten");

    step("a client that ends while its password is asked for");
    auto ended = std::make_unique<pmqtt::client>();
    ended->tls_key_password_set([&] {
        ended.reset();
        return "sesame";
    });
    ended->tls_set({}, "client.pem", "locked.key", pmqtt::cert_reqs::required, pmqtt::tls_version::best, {}, ec);
    CHECK(!ended);
}

static void with_a_shared_key()
{
    step("a pre-shared key");
    const unsigned char key[] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    pmqtt::client client;
    client.tls_psk_set("somebody", key);
    round_trip(client, PSK);
}

static void oneshots()
{
    step("one-shots");
    pmqtt::oneshot_options options;
    options.hostname = BROKER_HOST;
    options.port = first_port + DEMANDING;
    options.tls = pmqtt::tls_options{};
    options.tls->ca_certs = "authority.pem";
    options.tls->certfile = "client.pem";
    options.tls->keyfile = "client.key";
    pmqtt::publish_single("tls/stored", "x", 1, true, options);
    options.port = first_port + NAMED;
    options.tls->server_name = "broker.test";
    CHECK_INT(pmqtt::subscribe_simple({"tls/stored"}, 1, 1, true, options).size(), 1);
    options.tls->server_name.clear();
    CHECK_ERROR(thrown_by([&] { pmqtt::publish_single("a", "x", 0, false, options); }), pmqtt::errc::tls);
    options.tls->insecure = true;
    pmqtt::publish_single("a", "x", 0, false, options);
}

int main(int argc, char **argv)
{
    CHECK_INT(argc, 2);
    first_port = std::atoi(argv[1]);
    watchdog(120);
    with_certificates();
    with_a_locked_key();
    with_a_shared_key();
    oneshots();
    return 0;
}
