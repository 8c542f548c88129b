/* What the other side of TLS sees, and what it can do: openssl s_server reports the one and does the
 * other. */
#include <fcntl.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "loops.h"
#include "record.h"
#include "tls_listeners.h"
#include "tls_server.h"

#define NAMED_IDENTITY "-cert named.pem -key named.key "

static int broker_port;

/* s_server's commands, and the bytes that it has to send. */
static int commands;

/* A file with the output of s_server, and with what its client sends. */
static int words;

static bool has_said(const char *text)
{
    static char all[64 * 1024];
    ssize_t length = pread(words, all, sizeof all, 0);
    size_t size = strlen(text);
    ssize_t i;

    for (i = 0; i + (ssize_t)size <= length; i++) {
        if (memcmp(all + i, text, size) == 0)
            return true;
    }
    return false;
}

static void start(const char *options)
{
    int ends[2];

    CHECK_INT(pipe(ends), 0);
    CHECK_INT(fcntl(ends[1], F_SETFD, FD_CLOEXEC), 0);
    commands = ends[1];
    words = open("words", O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    CHECK(words >= 0);
    tls_server_start(options, ends[0], dup(words));
    WAIT_UNTIL(has_said("ACCEPT"));
}

static void stop(void)
{
    tls_server_kill();
    close(commands);
    close(words);
}

static int unread_commands(void)
{
    int count = 0;

    CHECK_INT(ioctl(commands, FIONREAD, &count), 0);
    return count;
}

/* Each read of s_server has at most one command, at its beginning. */
static void tell(const void *bytes, size_t size)
{
    CHECK_INT(write(commands, bytes, size), size);
    WAIT_UNTIL(unread_commands() == 0);
}

static void accept_client(void)
{
    tell("\x20\x02\0\0", 4);
}

typedef struct scene {
    record seen;
    pmqtt_client *client;
    loop loop;
} scene;

static void begin_with(scene *self, const char *id, const loop_kind *kind)
{
    memset(self, 0, sizeof *self);
    self->client = recorded_client(id, &self->seen);
    CHECK_OK(pmqtt_tls_set(self->client, "authority.pem", NULL, NULL, PMQTT_CERT_REQUIRED, 0, NULL));
    CHECK_OK(pmqtt_tls_server_name_set(self->client, "broker.test"));
    loop_begin(&self->loop, kind);
    loop_add(&self->loop, self->client);
}

static void begin(scene *self, const char *id)
{
    begin_with(self, id, &STEP_LOOP);
}

static void end(scene *self)
{
    loop_end(&self->loop);
    client_free(self->client);
}

/* Makes the first connection, or replaces the present one, until CONNECT arrives. */
static void reach(scene *self, bool again)
{
    CHECK_INT(ftruncate(words, 0), 0);
    if (again)
        CHECK_OK(pmqtt_reconnect(self->client));
    else
        CHECK_OK(pmqtt_connect_async(self->client, "127.0.0.1", tls_server_port(), 60, NULL));
    RUN_UNTIL(&self->loop, has_said("MQTT"));
}

static void connect_client(scene *self, bool again)
{
    int before = tally_get(&self->seen.connects);

    reach(self, again);
    accept_client();
    RUN_UNTIL(&self->loop, tally_get(&self->seen.connects) == before + 1);
}

static void names(void)
{
    static const char *const protocols[] = {"first", "mqtt", "x-amzn-mqtt-ca"};
    scene scene;

    step("server name and ALPN");
    /* It reports the requested name only if it has another identity for some other name. */
    start(NAMED_IDENTITY "-servername nobody.test -cert2 named.pem -key2 named.key -alpn x-amzn-mqtt-ca,mqtt");
    begin(&scene, NULL);
    connect_client(&scene, false);
    CHECK(has_said("Hostname in TLS extension: \"broker.test\""));
    CHECK(!has_said("ALPN"));

    CHECK_OK(pmqtt_tls_alpn_set(scene.client, protocols, 3));
    connect_client(&scene, true);
    CHECK(has_said("ALPN protocols advertised by the client: first, mqtt, x-amzn-mqtt-ca"));
    CHECK(has_said("ALPN protocols selected: x-amzn-mqtt-ca"));

    step("an address is no server name");
    CHECK_OK(pmqtt_tls_alpn_set(scene.client, NULL, 0));
    CHECK_OK(pmqtt_tls_insecure_set(scene.client, true));
    CHECK_OK(pmqtt_tls_server_name_set(scene.client, NULL));
    connect_client(&scene, true);
    CHECK(!has_said("Hostname in TLS extension"));
    CHECK(!has_said("ALPN"));
    end(&scene);
    stop();
}

static void sessions(const char *options)
{
    scene scene;

    step("sessions, with %s", options);
    start(options);
    begin(&scene, NULL);
    connect_client(&scene, false);
    CHECK(!has_said("Reused session-id"));
    connect_client(&scene, true);
    CHECK(has_said("Reused session-id"));
    connect_client(&scene, true);
    CHECK(has_said("Reused session-id"));

    step("a session of one whose name was checked is not for one whose name is not");
    CHECK_OK(pmqtt_tls_insecure_set(scene.client, true));
    connect_client(&scene, true);
    CHECK(!has_said("Reused session-id"));
    connect_client(&scene, true);
    CHECK(has_said("Reused session-id"));
    step("and the other way round");
    CHECK_OK(pmqtt_tls_insecure_set(scene.client, false));
    connect_client(&scene, true);
    CHECK(!has_said("Reused session-id"));

    step("a session is not for another name");
    CHECK_OK(pmqtt_tls_set(scene.client, NULL, NULL, NULL, PMQTT_CERT_NONE, 0, NULL));
    connect_client(&scene, true);
    CHECK(!has_said("Reused session-id"));
    CHECK_OK(pmqtt_tls_server_name_set(scene.client, "other.test"));
    connect_client(&scene, true);
    CHECK(!has_said("Reused session-id"));
    end(&scene);
    stop();
}

static void wait_for_end(scene *self, int rc, const char *error)
{
    char text[400];

    RUN_UNTIL(&self->loop, tally_get(&self->seen.disconnects) == 1);
    CHECK_RC(tally_get(&self->seen.disconnect_rc), rc);
    pmqtt_last_error(self->client, text, sizeof text);
    CHECK_TEXT(text, error);
    end(self);
}

static void connect_to_broker(scene *self)
{
    begin(self, "twin");
    CHECK_OK(pmqtt_connect(self->client, "127.0.0.1", broker_port, 60, NULL));
    RUN_UNTIL(&self->loop, tally_get(&self->seen.connects) == 1);
}

static void close_notify(void)
{
    scene first, second;

    step("close_notify, which mosquitto sends when another client takes over");
    connect_to_broker(&first);
    connect_to_broker(&second);
    wait_for_end(&first, PMQTT_ERR_CONN_LOST, "tcp: connection lost: the broker closed it");
    end(&second);
}

static void no_close_notify(void)
{
    scene scene;

    step("no close_notify");
    start(NAMED_IDENTITY);
    begin(&scene, NULL);
    connect_client(&scene, false);
    stop();
    wait_for_end(&scene, PMQTT_ERR_CONN_LOST,
                 "tcp: connection lost: the broker closed it without a TLS close_notify");
}

static void renegotiation(void)
{
    scene scene;

    step("a renegotiation is not granted, which s_server does not put up with");
    start(NAMED_IDENTITY "-tls1_2");
    begin(&scene, NULL);
    connect_client(&scene, false);
    tell("r\n", 2);
    wait_for_end(&scene, PMQTT_ERR_TLS,
                 "tls: connection lost: the broker refuses: alert handshake failure");
    stop();
}

/* A program's own context allows renegotiation. */
static void set_own_context(pmqtt_client *client)
{
    SSL_CTX *own = SSL_CTX_new(TLS_client_method());

    CHECK(own != NULL);
    CHECK_INT(SSL_CTX_set_max_proto_version(own, TLS1_2_VERSION), 1);
    CHECK_OK(pmqtt_tls_context_set(client, own));
    SSL_CTX_free(own);
}

static int bytes_in_socket(const pmqtt_client *client)
{
    int count = 0;

    CHECK_INT(ioctl(pmqtt_socket(client), FIONREAD, &count), 0);
    return count;
}

/* A write has to wait for the broker, although the socket would always take it. */
static void long_renegotiation(const loop_kind *kind)
{
    enum { WATCHED_MS = 300, TURNS = 100 };
    scene scene;
    long long until;
    int turns = 0;

    step("a renegotiation that takes its time, with %s", kind->name);
    start(NAMED_IDENTITY "-tls1_2");
    begin_with(&scene, NULL, kind);
    set_own_context(scene.client);
    connect_client(&scene, false);
    tell("r\n", 2);
    WAIT_UNTIL(bytes_in_socket(scene.client) > 0);
    tls_server_pause();
    RUN_UNTIL(&scene.loop, bytes_in_socket(scene.client) == 0);
    CHECK_OK(pmqtt_publish(scene.client, "held", "held up", 7, 0, false, NULL));
    until = now_ms() + WATCHED_MS;
    while (now_ms() < until) {
        loop_turn(&scene.loop);
        turns++;
    }
    /* A turn takes 20 ms if nothing happens. */
    CHECK(turns < TURNS);
    CHECK(!has_said("held up"));
    tls_server_resume();
    RUN_UNTIL(&scene.loop, has_said("held up"));
    CHECK_INT(tally_get(&scene.seen.disconnects), 0);
    end(&scene);
    stop();
}

static void update_keys(void)
{
    scene scene;

    step("new keys, which both sides have to take");
    start(NAMED_IDENTITY "-tls1_3");
    begin(&scene, NULL);
    reach(&scene, false);
    tell("K\n", 2);
    accept_client();
    RUN_UNTIL(&scene.loop, tally_get(&scene.seen.connects) == 1);
    CHECK_OK(pmqtt_publish(scene.client, "after", "new keys", 8, 0, false, NULL));
    RUN_UNTIL(&scene.loop, has_said("new keys"));
    CHECK_INT(tally_get(&scene.seen.disconnects), 0);
    end(&scene);
    stop();
}

int main(int argc, char **argv)
{
    CHECK_INT(argc, 2);
    broker_port = atoi(argv[1]) + NAMED;
    watchdog(240);
    names();
    sessions(NAMED_IDENTITY "-tls1_3");
    sessions(NAMED_IDENTITY "-tls1_2");
    update_keys();
    close_notify();
    no_close_notify();
    renegotiation();
    long_renegotiation(&STEP_LOOP);
    long_renegotiation(&POLL_LOOP);
    long_renegotiation(&INTEREST_LOOP);
    long_renegotiation(&EVENT_POLL_LOOP);
    long_renegotiation(&EVENT_EPOLL_LOOP);
    return 0;
}
