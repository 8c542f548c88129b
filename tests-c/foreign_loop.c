/* A program's own poll or epoll loop: it survives the broker's death, and reconnects when it wants
 * to, with connect or with connect_async. */
#include <poll.h>
#include <pthread.h>

#include "broker.h"
#include "loops.h"
#include "record.h"

typedef int (*connect_function)(pmqtt_client *, const char *, int, int, const char *);

/* Publishes at each QoS; the client itself receives the messages. */
static void exchange(loop *loop, pmqtt_client *client, record *seen)
{
    int subscribed = tally_get(&seen->subscribed);
    int messages = tally_get(&seen->messages);
    int published = tally_get(&seen->published);
    int qos;

    CHECK_OK(pmqtt_subscribe(client, "foreign/#", 2, NULL));
    RUN_UNTIL(loop, tally_get(&seen->subscribed) == subscribed + 1);
    CHECK_INT(tally_get(&seen->granted_qos), 2);
    for (qos = 0; qos <= 2; qos++)
        CHECK_OK(pmqtt_publish(client, "foreign/topic", "payload", 7, qos, false, NULL));
    RUN_UNTIL(loop, tally_get(&seen->messages) == messages + 3 && tally_get(&seen->published) == published + 3);
}

static void lose_broker(loop *loop, pmqtt_client *client, record *seen)
{
    broker_kill();
    RUN_UNTIL(loop, tally_get(&seen->disconnects) == 1);
    CHECK_RC(tally_get(&seen->disconnect_rc), PMQTT_ERR_CONN_LOST);
    CHECK_INT(loop->clients[0].ends, 1);
    CHECK_RC(loop->clients[0].last_end, PMQTT_ERR_CONN_LOST);
    CHECK_INT(pmqtt_socket(client), -1);
    CHECK(!pmqtt_want_read(client) && !pmqtt_want_write(client));
    CHECK_INT(pmqtt_next_timeout_ms(client), -1);
}

static void fail_to_reconnect(loop *loop, pmqtt_client *client, record *seen, bool blocks)
{
    if (blocks) {
        CHECK_RC(pmqtt_reconnect(client), PMQTT_ERR_ERRNO);
        CHECK_INT(tally_get(&seen->connect_fails), 0);
        return;
    }
    CHECK_OK(pmqtt_reconnect(client));
    RUN_UNTIL(loop, tally_get(&seen->connect_fails) == 1);
    CHECK_RC(tally_get(&seen->connect_fail_rc), PMQTT_ERR_ERRNO);
    CHECK_INT(loop->clients[0].ends, 2);
}

static void live_on(const loop_kind *kind, connect_function connect, bool blocks)
{
    record seen = {0};
    pmqtt_client *client = recorded_client(NULL, &seen);
    loop loop;
    int published;

    step("%s, %s", kind->name, blocks ? "connect" : "connect_async");
    loop_begin(&loop, kind);
    loop_add(&loop, client);
    CHECK_OK(connect(client, BROKER_HOST, broker_port(), 60, NULL));
    RUN_UNTIL(&loop, tally_get(&seen.connects) == 1);
    exchange(&loop, client, &seen);

    lose_broker(&loop, client, &seen);
    published = tally_get(&seen.published);
    CHECK_RC(pmqtt_publish(client, "nobody/listens", "0", 1, 0, false, NULL), PMQTT_ERR_NO_CONN);
    CHECK_RC(pmqtt_publish(client, "nobody/listens", "1", 1, 1, false, NULL), PMQTT_ERR_NO_CONN);
    fail_to_reconnect(&loop, client, &seen, blocks);

    broker_start();
    CHECK_OK(pmqtt_reconnect(client));
    RUN_UNTIL(&loop, tally_get(&seen.connects) == 2);
    RUN_UNTIL(&loop, tally_get(&seen.published) == published + 1);
    exchange(&loop, client, &seen);

    CHECK_OK(pmqtt_disconnect(client));
    RUN_UNTIL(&loop, tally_get(&seen.disconnects) == 2);
    CHECK_RC(tally_get(&seen.disconnect_rc), PMQTT_ERR_SUCCESS);
    CHECK_INT(pmqtt_socket(client), -1);
    loop_end(&loop);
    client_free(client);
}

/* The broker closes the connection when it gets DISCONNECT: that is the requested end. */
static void disconnect_and_come_late(void)
{
    record seen = {0};
    pmqtt_client *client = recorded_client(NULL, &seen);
    struct pollfd closed = {-1, POLLIN, 0};
    loop loop;

    step("a loop that sees the broker's close before its own");
    loop_begin(&loop, &POLL_LOOP);
    loop_add(&loop, client);
    CHECK_OK(pmqtt_connect(client, BROKER_HOST, broker_port(), 60, NULL));
    RUN_UNTIL(&loop, tally_get(&seen.connects) == 1);
    CHECK_OK(pmqtt_disconnect(client));
    closed.fd = pmqtt_socket(client);
    CHECK_INT(poll(&closed, 1, PATIENCE_MS), 1);
    RUN_UNTIL(&loop, tally_get(&seen.disconnects) == 1);
    CHECK_RC(tally_get(&seen.disconnect_rc), PMQTT_ERR_SUCCESS);
    CHECK_INT(loop.clients[0].ends, 0);
    loop_end(&loop);
    client_free(client);
}

enum { PUBLISHERS = 2, EACH = 500 };

static void *publish_many(void *client)
{
    int i;

    for (i = 0; i < EACH; i++)
        CHECK_OK(pmqtt_publish(client, "foreign/topic", "payload", 7, i % 3, false, NULL));
    return NULL;
}

/* Messages from other threads are sent without the loop, which reads the answers. */
static void publish_from_threads(const loop_kind *kind)
{
    record seen = {0};
    pmqtt_client *client = recorded_client(NULL, &seen);
    pthread_t threads[PUBLISHERS];
    loop loop;
    int i;

    step("%s, publishes from other threads", kind->name);
    loop_begin(&loop, kind);
    loop_add(&loop, client);
    CHECK_OK(pmqtt_connect(client, BROKER_HOST, broker_port(), 60, NULL));
    RUN_UNTIL(&loop, tally_get(&seen.connects) == 1);
    CHECK_OK(pmqtt_subscribe(client, "foreign/#", 2, NULL));
    RUN_UNTIL(&loop, tally_get(&seen.subscribed) == 1);
    for (i = 0; i < PUBLISHERS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, publish_many, client), 0);
    RUN_UNTIL(&loop, tally_get(&seen.published) == PUBLISHERS * EACH);
    RUN_UNTIL(&loop, tally_get(&seen.messages) == PUBLISHERS * EACH);
    for (i = 0; i < PUBLISHERS; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    loop_end(&loop);
    client_free(client);
}

int main(void)
{
    watchdog(240);
    broker_start();
    live_on(&POLL_LOOP, pmqtt_connect, true);
    live_on(&POLL_LOOP, pmqtt_connect_async, false);
    live_on(&INTEREST_LOOP, pmqtt_connect, true);
    live_on(&INTEREST_LOOP, pmqtt_connect_async, false);
    disconnect_and_come_late();
    publish_from_threads(&STEP_LOOP);
    publish_from_threads(&POLL_LOOP);
    publish_from_threads(&INTEREST_LOOP);
    return 0;
}
