/* One descriptor for a client's whole life: it reports messages, publishes from another thread, and
 * the reconnect after the broker's death, for two clients in one loop. */
#include <pthread.h>
#include <string.h>

#include "broker.h"
#include "loops.h"
#include "record.h"

enum { CLIENTS = 2, MESSAGES = 300 };

static void *publish(void *client)
{
    int i;

    for (i = 0; i < MESSAGES; i++)
        CHECK_OK(pmqtt_publish(client, "event/fd", "payload", 7, i % 3, false, NULL));
    return NULL;
}

/* Each thread publishes to both clients, while this thread runs the loop. */
static void exchange(loop *loop, record seen[CLIENTS])
{
    pthread_t threads[CLIENTS];
    int messages[CLIENTS], published[CLIENTS], subscribed[CLIENTS];
    int i;

    for (i = 0; i < CLIENTS; i++) {
        messages[i] = tally_get(&seen[i].messages);
        published[i] = tally_get(&seen[i].published);
        subscribed[i] = tally_get(&seen[i].subscribed);
        CHECK_OK(pmqtt_subscribe(loop->clients[i].client, "event/fd", 2, NULL));
        RUN_UNTIL(loop, tally_get(&seen[i].subscribed) == subscribed[i] + 1);
    }
    for (i = 0; i < CLIENTS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, publish, loop->clients[i].client), 0);
    for (i = 0; i < CLIENTS; i++) {
        RUN_UNTIL(loop, tally_get(&seen[i].published) == published[i] + MESSAGES);
        RUN_UNTIL(loop, tally_get(&seen[i].messages) == messages[i] + CLIENTS * MESSAGES);
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    }
}

static void live_on(const loop_kind *kind)
{
    record seen[CLIENTS];
    int fds[CLIENTS];
    loop loop;
    int i;

    step("%s", kind->name);
    memset(seen, 0, sizeof seen);
    loop_begin(&loop, kind);
    for (i = 0; i < CLIENTS; i++) {
        pmqtt_client *client = recorded_client(NULL, &seen[i]);

        fds[i] = pmqtt_event_fd(client);
        CHECK(fds[i] >= 0);
        loop_add(&loop, client);
        CHECK_OK(pmqtt_reconnect_delay_set(client, 1, 1));
        CHECK_OK((i == 0 ? pmqtt_connect : pmqtt_connect_async)(client, BROKER_HOST, broker_port(), 60, NULL));
        RUN_UNTIL(&loop, tally_get(&seen[i].connects) == 1);
    }
    exchange(&loop, seen);

    broker_kill();
    for (i = 0; i < CLIENTS; i++) {
        RUN_UNTIL(&loop, tally_get(&seen[i].disconnects) == 1);
        CHECK_RC(tally_get(&seen[i].disconnect_rc), PMQTT_ERR_CONN_LOST);
        RUN_UNTIL(&loop, tally_get(&seen[i].connect_fails) > 0);
    }
    broker_start();
    for (i = 0; i < CLIENTS; i++) {
        RUN_UNTIL(&loop, tally_get(&seen[i].connects) == 2);
        CHECK_INT(pmqtt_event_fd(loop.clients[i].client), fds[i]);
    }
    exchange(&loop, seen);

    for (i = 0; i < CLIENTS; i++) {
        CHECK_OK(pmqtt_disconnect(loop.clients[i].client));
        RUN_UNTIL(&loop, tally_get(&seen[i].disconnects) == 2);
        CHECK_RC(pmqtt_process(loop.clients[i].client), PMQTT_ERR_NO_CONN);
    }
    loop_end(&loop);
    for (i = 0; i < CLIENTS; i++)
        client_free(loop.clients[i].client);
}

int main(void)
{
    watchdog(240);
    broker_start();
    live_on(&EVENT_POLL_LOOP);
    live_on(&EVENT_EPOLL_LOOP);
    return 0;
}
