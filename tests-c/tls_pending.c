/* Bytes that OpenSSL has already taken from the socket wake no poll: each loop has to learn of them
 * in another way. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "loops.h"
#include "record.h"
#include "tls_listeners.h"

/* More than one pass reads. */
enum { MESSAGES = 100 };

static int port;

typedef struct scene {
    record seen;
    pmqtt_client *client, *publisher;
} scene;

static pmqtt_client *connected_client(record *seen)
{
    pmqtt_client *client = recorded_client(NULL, seen);

    CHECK_OK(pmqtt_tls_set(client, "authority.pem", NULL, NULL, PMQTT_CERT_REQUIRED, 0, NULL));
    /* No keep-alive, which would wake a loop that has stalled. */
    CHECK_OK(pmqtt_connect(client, "127.0.0.1", port, 0, NULL));
    DO_UNTIL(tally_get(&seen->connects) == 1, pmqtt_loop(client, 20));
    return client;
}

static int bytes_in_socket(const pmqtt_client *client)
{
    int count = 0;

    CHECK_INT(ioctl(pmqtt_socket(client), FIONREAD, &count), 0);
    return count;
}

/* On return, the socket contains a record for each message. */
static void begin(scene *self)
{
    static record published;
    /* PUBLISH with a topic and a payload of 1 byte each, in a record of TLS 1.3. */
    const int record_size = 6 + 22;
    int i;

    memset(self, 0, sizeof *self);
    memset(&published, 0, sizeof published);
    self->client = connected_client(&self->seen);
    CHECK_OK(pmqtt_subscribe(self->client, "t", 0, NULL));
    DO_UNTIL(tally_get(&self->seen.subscribed) == 1, pmqtt_loop(self->client, 20));
    self->publisher = connected_client(&published);
    for (i = 0; i < MESSAGES; i++)
        CHECK_OK(pmqtt_publish(self->publisher, "t", "x", 1, 0, false, NULL));
    CHECK_OK(pmqtt_drain(self->publisher, PATIENCE_MS, NULL));
    WAIT_UNTIL(bytes_in_socket(self->client) >= MESSAGES * record_size);
}

static void end(scene *self)
{
    client_free(self->client);
    client_free(self->publisher);
}

static bool is_readable(int fd)
{
    struct pollfd entry = {.fd = fd, .events = POLLIN};

    return poll(&entry, 1, 0) == 1;
}

/* Messages wait, and the socket does not show them. */
static void check_that_some_wait(const scene *self)
{
    CHECK(tally_get(&self->seen.messages) < MESSAGES);
    CHECK(!is_readable(pmqtt_socket(self->client)));
}

static void foreign_loop(void)
{
    scene scene;

    step("next_timeout_ms is 0");
    begin(&scene);
    CHECK_OK(pmqtt_loop_read(scene.client));
    check_that_some_wait(&scene);
    do {
        CHECK_INT(pmqtt_next_timeout_ms(scene.client), 0);
        CHECK_OK(pmqtt_loop_misc(scene.client));
    } while (tally_get(&scene.seen.messages) < MESSAGES);
    CHECK_INT(pmqtt_next_timeout_ms(scene.client), -1);
    end(&scene);
}

static void event_fd(void)
{
    scene scene;
    int fd;

    step("event_fd is readable");
    begin(&scene);
    fd = pmqtt_event_fd(scene.client);
    CHECK_OK(pmqtt_process(scene.client));
    check_that_some_wait(&scene);
    do {
        CHECK(is_readable(fd));
        CHECK_OK(pmqtt_process(scene.client));
    } while (tally_get(&scene.seen.messages) < MESSAGES);
    CHECK_OK(pmqtt_process(scene.client));
    CHECK(!is_readable(fd));
    end(&scene);
}

static void any_loop(const loop_kind *kind)
{
    scene scene;
    loop loop;

    step("%s does not stall", kind->name);
    begin(&scene);
    loop_begin(&loop, kind);
    loop_add(&loop, scene.client);
    RUN_UNTIL(&loop, tally_get(&scene.seen.messages) == MESSAGES);
    loop_end(&loop);
    end(&scene);
}

int main(int argc, char **argv)
{
    const loop_kind *const kinds[] = {&STEP_LOOP,       &POLL_LOOP,        &INTEREST_LOOP,
                                      &EVENT_POLL_LOOP, &EVENT_EPOLL_LOOP, &THREAD_LOOP};
    size_t i;

    CHECK_INT(argc, 2);
    port = atoi(argv[1]) + ADDRESSED;
    watchdog(240);
    foreign_loop();
    event_fd();
    for (i = 0; i < sizeof kinds / sizeof *kinds; i++)
        any_loop(kinds[i]);
    return 0;
}
