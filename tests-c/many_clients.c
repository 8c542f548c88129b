/* A thousand clients in one process, on one epoll loop and in one thread. All are connected, each
 * sends messages to the next one, and each gets all its outcomes:
 *   many_clients [HOW_MANY] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "broker.h"
#include "process.h"
#include "wait.h"

enum {
    THOUSAND = 1000,
    ROUNDS = 10,
    /* For each client: socket, timer, wake-up, and the set of the three. The broker has a socket for
     * each. */
    DESCRIPTORS = 4,
    OTHERS = 100
};

typedef struct member {
    pmqtt_client *client;
    char topic[40];
    const char *next_topic;
} member;

static member *members;
static int count, connected, subscribed, confirmed, received, disconnected;
static int epoll;

static void on_connect(pmqtt_client *client, void *userdata, const pmqtt_connected *event)
{
    member *self = userdata;

    CHECK_INT(event->rc, 0);
    CHECK_OK(pmqtt_subscribe(client, self->topic, 1, NULL));
    connected++;
}

static void on_subscribe(pmqtt_client *client, void *userdata, const pmqtt_subscribed *event)
{
    (void)client, (void)userdata;
    CHECK_OK(event->rc);
    CHECK_INT(event->granted_qos[0], 1);
    subscribed++;
}

static void publish(member *self)
{
    CHECK_OK(pmqtt_publish(self->client, self->next_topic, self->topic, strlen(self->topic), 1, false, NULL));
}

static void on_message(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    const member *self = userdata;

    (void)client;
    CHECK_TEXT(event->topic, self->topic);
    received++;
}

static void on_publish(pmqtt_client *client, void *userdata, const pmqtt_published *event)
{
    (void)client, (void)userdata;
    CHECK_OK(event->rc);
    confirmed++;
}

static void on_disconnect(pmqtt_client *client, void *userdata, const pmqtt_disconnected *event)
{
    (void)client, (void)userdata;
    CHECK_OK(event->rc);
    disconnected++;
}

static void turn(void)
{
    struct epoll_event events[64];
    int ready = epoll_wait(epoll, events, 64, 1000);
    int i;

    for (i = 0; i < ready; i++) {
        int rc = pmqtt_process(events[i].data.ptr);

        CHECK(rc == PMQTT_ERR_SUCCESS || rc == PMQTT_ERR_NO_CONN);
    }
}

static void begin(int number)
{
    member *self = &members[number];
    struct epoll_event event;

    snprintf(self->topic, sizeof self->topic, "many/%d", number);
    self->next_topic = members[(number + 1) % count].topic;
    CHECK_OK(pmqtt_client_new(&self->client, NULL, true, self, 0));
    CHECK_OK(pmqtt_on_connect_set(self->client, on_connect));
    CHECK_OK(pmqtt_on_subscribe_set(self->client, on_subscribe));
    CHECK_OK(pmqtt_on_message_set(self->client, on_message));
    CHECK_OK(pmqtt_on_publish_set(self->client, on_publish));
    CHECK_OK(pmqtt_on_disconnect_set(self->client, on_disconnect));
    CHECK_OK(pmqtt_connect_async(self->client, BROKER_HOST, broker_port(), 60, NULL));

    memset(&event, 0, sizeof event);
    event.events = EPOLLIN;
    event.data.ptr = self->client;
    CHECK_INT(epoll_ctl(epoll, EPOLL_CTL_ADD, pmqtt_event_fd(self->client), &event), 0);
}

static void end(member *self)
{
    CHECK_INT(epoll_ctl(epoll, EPOLL_CTL_DEL, pmqtt_event_fd(self->client), NULL), 0);
    pmqtt_client_free(self->client);
}

/* The broker, which this program starts, inherits the limit. */
static void allow_descriptors(void)
{
    const rlim_t needed = (rlim_t)count * DESCRIPTORS + OTHERS;
    struct rlimit limit;

    CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < needed) {
        limit.rlim_cur = needed;
        if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < needed)
            limit.rlim_max = needed; /* root may */
        CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
    }
}

int main(int argc, char **argv)
{
    long before, after;
    int i, round;

    watchdog(120);
    count = argc > 1 ? atoi(argv[1]) : THOUSAND;
    CHECK(count > 0);
    allow_descriptors();
    broker_start();
    members = calloc((size_t)count, sizeof *members);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    CHECK(members && epoll >= 0);
    before = resident_kib();

    step("%d clients connect", count);
    for (i = 0; i < count; i++)
        begin(i);
    DO_UNTIL(subscribed == count, turn());
    CHECK_INT(connected, count);
    WAIT_UNTIL(threads() == 1);

    step("each sends %d messages", ROUNDS);
    for (round = 1; round <= ROUNDS; round++) {
        for (i = 0; i < count; i++)
            publish(&members[i]);
        DO_UNTIL(received == round * count && confirmed == round * count, turn());
    }
    CHECK_INT(connected, count);
    CHECK_INT(disconnected, 0);
    CHECK_INT(threads(), 1);
    after = resident_kib();

    step("all disconnect; %ld KiB of resident memory for each", (after - before + count - 1) / count);
    for (i = 0; i < count; i++)
        CHECK_OK(pmqtt_disconnect(members[i].client));
    DO_UNTIL(disconnected == count, turn());
    for (i = 0; i < count; i++)
        end(&members[i]);
    close(epoll);
    free(members);
    return 0;
}
