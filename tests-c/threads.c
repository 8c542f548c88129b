/* The thread of pmqtt_loop_start, and calls from many threads at once. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "broker.h"
#include "record.h"
#include "wait.h"

enum { PUBLISHERS = 4, EACH = 3000, MIDS = PUBLISHERS * EACH };

static void connect_and_wait(pmqtt_client *client, record *seen)
{
    int connects = tally_get(&seen->connects);

    CHECK_OK(pmqtt_connect(client, BROKER_HOST, broker_port(), 60, NULL));
    WAIT_UNTIL(tally_get(&seen->connects) == connects + 1);
}

static void start_before_and_after_connect(void)
{
    record seen[2];
    pmqtt_client *before, *after;

    step("start before connect, and after");
    memset(seen, 0, sizeof seen);
    before = recorded_client(NULL, &seen[0]);
    CHECK_OK(pmqtt_loop_start(before));
    CHECK_RC(pmqtt_loop_start(before), PMQTT_ERR_INVAL);
    CHECK_OK(pmqtt_connect_async(before, BROKER_HOST, broker_port(), 60, NULL));
    WAIT_UNTIL(tally_get(&seen[0].connects) == 1);

    after = recorded_client(NULL, &seen[1]);
    CHECK_OK(pmqtt_connect(after, BROKER_HOST, broker_port(), 60, NULL));
    CHECK_RC(pmqtt_loop_stop(after), PMQTT_ERR_INVAL);
    CHECK_OK(pmqtt_loop_start(after));
    WAIT_UNTIL(tally_get(&seen[1].connects) == 1);
    client_free(before);
    client_free(after);
}

static void other_loops_are_busy(void)
{
    record seen = {0};
    pmqtt_client *client = recorded_client(NULL, &seen);

    step("other loop calls while the thread runs");
    CHECK_OK(pmqtt_loop_start(client));
    connect_and_wait(client, &seen);
    CHECK_RC(pmqtt_loop(client, 0), PMQTT_ERR_BUSY);
    CHECK_RC(pmqtt_loop_read(client), PMQTT_ERR_BUSY);
    CHECK_RC(pmqtt_loop_write(client), PMQTT_ERR_BUSY);
    CHECK_RC(pmqtt_loop_misc(client), PMQTT_ERR_BUSY);
    CHECK_RC(pmqtt_process(client), PMQTT_ERR_BUSY);
    CHECK_RC(pmqtt_loop_forever(client, true), PMQTT_ERR_BUSY);
    client_free(client);
}

static void stop_and_start_again(void)
{
    record seen = {0};
    pmqtt_client *client = recorded_client(NULL, &seen);
    enum { ROUNDS = 50 };
    int round;

    step("stop and start again");
    CHECK_OK(pmqtt_loop_start(client));
    connect_and_wait(client, &seen);
    for (round = 1; round <= ROUNDS; round++) {
        CHECK_OK(pmqtt_publish(client, "threads", "x", 1, 1, false, NULL));
        CHECK_OK(pmqtt_loop_stop(client));
        CHECK_OK(pmqtt_loop_start(client));
        WAIT_UNTIL(tally_get(&seen.published) == round);
    }
    CHECK_INT(tally_get(&seen.connects), 1);
    CHECK_INT(tally_get(&seen.disconnects), 0);

    /* A thread that is told to stop still writes DISCONNECT. */
    CHECK_OK(pmqtt_disconnect(client));
    CHECK_OK(pmqtt_loop_stop(client));
    CHECK_INT(tally_get(&seen.disconnects), 1);
    CHECK_RC(pmqtt_loop(client, 0), PMQTT_ERR_NO_CONN);
    client_free(client);
}

/* More than the socket takes waits for a broker that does not read: the header says a second. */
static void stop_is_bounded(void)
{
    enum { SIZE = 1 << 20, COUNT = 32 };
    char *payload = calloc(1, SIZE);
    record seen = {0};
    pmqtt_client *client = recorded_client(NULL, &seen);
    long long begin;
    int i;

    step("stop with a broker that does not read");
    CHECK(payload != NULL);
    CHECK_OK(pmqtt_loop_start(client));
    connect_and_wait(client, &seen);
    broker_pause();
    for (i = 0; i < COUNT; i++)
        CHECK_OK(pmqtt_publish(client, "threads", payload, SIZE, 0, false, NULL));
    begin = now_ms();
    CHECK_OK(pmqtt_loop_stop(client));
    CHECK(now_ms() - begin < 10000);
    CHECK(client_stats(client).unsettled > 0);

    begin = now_ms();
    CHECK_OK(pmqtt_loop_start(client));
    client_free(client);
    CHECK(now_ms() - begin < 10000);
    free(payload);
    broker_kill();
    broker_start();
}

static void stop_between_attempts(void)
{
    record seen = {0};
    pmqtt_client *client = recorded_client(NULL, &seen);

    step("stop while the next attempt to connect is waited for");
    CHECK_OK(pmqtt_reconnect_delay_set(client, 3600, 3600));
    CHECK_OK(pmqtt_loop_start(client));
    CHECK_OK(pmqtt_connect_async(client, BROKER_HOST, 1, 60, NULL));
    WAIT_UNTIL(tally_get(&seen.connect_fails) == 1);
    CHECK_OK(pmqtt_loop_stop(client));
    client_free(client);
}

static void *disconnect(void *client)
{
    CHECK_OK(pmqtt_disconnect(client));
    return NULL;
}

static void on_connect_disconnect_elsewhere(pmqtt_client *client, void *userdata, const pmqtt_connected *event)
{
    pthread_t thread;

    (void)userdata;
    CHECK_INT(event->rc, 0);
    CHECK_INT(pthread_create(&thread, NULL, disconnect, client), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
}

static void disconnect_from_another_thread(void)
{
    record seen = {0};
    pmqtt_client *client = recorded_client(NULL, &seen);
    pthread_t thread;

    step("disconnect from another thread: loop_start");
    CHECK_OK(pmqtt_loop_start(client));
    connect_and_wait(client, &seen);
    CHECK_INT(pthread_create(&thread, NULL, disconnect, client), 0);
    WAIT_UNTIL(tally_get(&seen.disconnects) == 1);
    CHECK_RC(tally_get(&seen.disconnect_rc), PMQTT_ERR_SUCCESS);
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK_OK(pmqtt_loop_stop(client));

    step("disconnect from another thread: loop_forever");
    CHECK_OK(pmqtt_on_connect_set(client, on_connect_disconnect_elsewhere));
    CHECK_OK(pmqtt_connect(client, BROKER_HOST, broker_port(), 60, NULL));
    CHECK_OK(pmqtt_loop_forever(client, false));
    CHECK_INT(tally_get(&seen.disconnects), 2);
    client_free(client);
}

/* Several threads publish with one client, whose broker dies meanwhile. */
struct publishers {
    record record;
    pmqtt_client *client;
    /* By mid: its QoS, whether it must have an outcome, how many it had, and the last one. */
    tally qos[MIDS + 1], promised[MIDS + 1], outcomes[MIDS + 1], results[MIDS + 1];
};

static void on_publish(pmqtt_client *client, void *userdata, const pmqtt_published *event)
{
    struct publishers *self = userdata;

    (void)client;
    CHECK(event->mid >= 1 && event->mid <= MIDS);
    tally_set(&self->results[event->mid], event->rc);
    tally_add(&self->outcomes[event->mid]);
    tally_add(&self->record.published);
}

/* Without a connection, QoS 0 is dropped, and QoS 1 and 2 are queued. */
static void *publish_many(void *argument)
{
    struct publishers *self = argument;
    int i;

    for (i = 0; i < EACH; i++) {
        uint64_t mid = 0;
        int qos = i % 3;
        int rc = pmqtt_publish(self->client, "threads", "payload", 7, qos, false, &mid);

        CHECK(rc == PMQTT_ERR_SUCCESS || rc == PMQTT_ERR_NO_CONN);
        CHECK(mid >= 1 && mid <= MIDS);
        tally_set(&self->qos[mid], qos);
        CHECK(rc == PMQTT_ERR_SUCCESS || qos > 0 || tally_get(&self->outcomes[mid]) == 0);
        if (rc == PMQTT_ERR_SUCCESS || qos > 0)
            CHECK_INT(tally_add(&self->promised[mid]), 1);
    }
    return NULL;
}

/* QoS 0 may be lost, and the outcome of QoS 2 is unknown if the broker took it before it died. */
static void check_outcomes(const struct publishers *self)
{
    static const int failure[] = {PMQTT_ERR_CONN_LOST, PMQTT_ERR_SUCCESS, PMQTT_ERR_IN_DOUBT};
    int mid;

    for (mid = 1; mid <= MIDS; mid++) {
        CHECK_INT(tally_get(&self->outcomes[mid]), tally_get(&self->promised[mid]));
        if (tally_get(&self->results[mid]) != PMQTT_ERR_SUCCESS)
            CHECK_RC(tally_get(&self->results[mid]), failure[tally_get(&self->qos[mid])]);
    }
}

static void publish_from_many_threads(void)
{
    static struct publishers self;
    pthread_t threads[PUBLISHERS];
    size_t left = 1;
    int i, rc;

    step("publish from %d threads while the broker dies", PUBLISHERS);
    self.client = recorded_client(NULL, &self.record);
    CHECK_OK(pmqtt_user_data_set(self.client, &self));
    CHECK_OK(pmqtt_on_publish_set(self.client, on_publish));
    CHECK_OK(pmqtt_reconnect_delay_set(self.client, 1, 1));
    CHECK_OK(pmqtt_loop_start(self.client));
    connect_and_wait(self.client, &self.record);
    for (i = 0; i < PUBLISHERS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, publish_many, &self), 0);

    WAIT_UNTIL(tally_get(&self.record.published) > MIDS / 10);
    broker_kill();
    broker_start();
    WAIT_UNTIL(tally_get(&self.record.connects) == 2);
    for (i = 0; i < PUBLISHERS; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    /* Messages in doubt may have been reported before. */
    rc = pmqtt_drain(self.client, PATIENCE_MS, &left);
    CHECK(rc == PMQTT_ERR_SUCCESS || rc == PMQTT_ERR_IN_DOUBT);
    CHECK_INT(left, 0);
    /* drain says that the broker has settled all; loop_stop says that the callbacks have returned. */
    CHECK_OK(pmqtt_loop_stop(self.client));
    check_outcomes(&self);
    client_free(self.client);
}

int main(void)
{
    watchdog(240);
    broker_start();
    start_before_and_after_connect();
    other_loops_are_busy();
    stop_and_start_again();
    stop_between_attempts();
    disconnect_from_another_thread();
    publish_from_many_threads();
    stop_is_bounded();
    return 0;
}
