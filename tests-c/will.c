/* The broker publishes the will of a client that ends without DISCONNECT: freed, reinitialised or
 * connected again. It does not publish that of a client that disconnects, even if it reconnects at
 * once. */
#include <stdio.h>
#include <string.h>

#include "broker.h"
#include "loops.h"
#include "record.h"

/* The first connection ends in its own callback, in which the next one begins. */
static void connect_twice(pmqtt_client *client, void *userdata, const pmqtt_connected *event)
{
    record *seen = userdata;

    CHECK_INT(event->rc, 0);
    if (tally_get(&seen->connects) == 0) {
        CHECK_OK(pmqtt_disconnect(client));
        CHECK_OK(pmqtt_will_clear(client));
        CHECK_OK(pmqtt_reconnect(client));
    }
    tally_add(&seen->connects);
}

struct heir {
    record record;
    char text[64];
    int qos;
};

static void on_message(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    struct heir *self = userdata;

    (void)client;
    CHECK_TEXT(event->topic, "will");
    CHECK(event->payload_len < sizeof self->text);
    memcpy(self->text, event->payload, event->payload_len);
    self->text[event->payload_len] = '\0';
    self->qos = event->qos;
    tally_add(&self->record.messages);
}

/* A connected client with a will. */
static pmqtt_client *testator(loop *loop, record *seen, const char *will, int qos)
{
    pmqtt_client *client = recorded_client(NULL, seen);

    CHECK_OK(pmqtt_will_set(client, "will", will, strlen(will), qos, false));
    CHECK_OK(pmqtt_connect(client, BROKER_HOST, broker_port(), 60, NULL));
    loop_add(loop, client);
    RUN_UNTIL(loop, tally_get(&seen->connects) == 1);
    return client;
}

static void expect(loop *loop, struct heir *seen, const char *will, int qos)
{
    int messages = tally_get(&seen->record.messages);

    RUN_UNTIL(loop, tally_get(&seen->record.messages) > messages);
    CHECK_TEXT(seen->text, will);
    CHECK_INT(seen->qos, qos);
}

int main(void)
{
    struct heir heir;
    record seen[6];
    pmqtt_client *client, *listener;
    loop loop, others;

    watchdog(120);
    broker_start();
    memset(&heir, 0, sizeof heir);
    memset(seen, 0, sizeof seen);
    loop_begin(&loop, &STEP_LOOP);
    listener = recorded_client(NULL, &heir.record);
    CHECK_OK(pmqtt_on_message_set(listener, on_message));
    loop_add(&loop, listener);
    CHECK_OK(pmqtt_connect(listener, BROKER_HOST, broker_port(), 60, NULL));
    RUN_UNTIL(&loop, tally_get(&heir.record.connects) == 1);
    CHECK_OK(pmqtt_subscribe(listener, "will", 2, NULL));
    RUN_UNTIL(&loop, tally_get(&heir.record.subscribed) == 1);

    step("freed");
    loop_begin(&others, &STEP_LOOP);
    client = testator(&others, &seen[0], "freed", 0);
    loop_end(&others);
    client_free(client);
    expect(&loop, &heir, "freed", 0);

    step("reinitialised");
    loop_begin(&others, &STEP_LOOP);
    client = testator(&others, &seen[1], "reinitialised", 1);
    CHECK_OK(pmqtt_reinitialise(client, NULL, true, NULL));
    expect(&loop, &heir, "reinitialised", 1);
    loop_end(&others);
    client_free(client);

    step("connected anew, with another will");
    loop_begin(&others, &STEP_LOOP);
    client = testator(&others, &seen[2], "before", 2);
    CHECK_OK(pmqtt_will_set(client, "will", "after", 5, 2, false));
    CHECK_OK(pmqtt_reconnect(client));
    RUN_UNTIL(&others, tally_get(&seen[2].connects) == 2);
    CHECK_INT(tally_get(&seen[2].disconnects), 1);
    CHECK_RC(tally_get(&seen[2].disconnect_rc), PMQTT_ERR_SUCCESS);
    expect(&loop, &heir, "before", 2);
    loop_end(&others);
    client_free(client);
    expect(&loop, &heir, "after", 2);

    /* The will of the fourth client shows that none of these three was published. */
    step("disconnected, and cleared");
    loop_begin(&others, &STEP_LOOP);
    client = testator(&others, &seen[3], "disconnected", 1);
    CHECK_OK(pmqtt_disconnect(client));
    RUN_UNTIL(&others, tally_get(&seen[3].disconnects) == 1);
    CHECK_OK(pmqtt_will_clear(client));
    CHECK_OK(pmqtt_reconnect(client));
    RUN_UNTIL(&others, tally_get(&seen[3].connects) == 2);
    loop_end(&others);
    client_free(client);

    step("disconnected, and connected at once");
    loop_begin(&others, &STEP_LOOP);
    client = recorded_client(NULL, &seen[4]);
    CHECK_OK(pmqtt_on_connect_set(client, connect_twice));
    CHECK_OK(pmqtt_will_set(client, "will", "replaced", 8, 1, false));
    CHECK_OK(pmqtt_connect_async(client, BROKER_HOST, broker_port(), 60, NULL));
    loop_add(&others, client);
    RUN_UNTIL(&others, tally_get(&seen[4].connects) == 2);
    CHECK_INT(tally_get(&seen[4].disconnects), 1);
    loop_end(&others);
    client_free(client);

    loop_begin(&others, &STEP_LOOP);
    client = testator(&others, &seen[5], "last", 1);
    loop_end(&others);
    client_free(client);
    expect(&loop, &heir, "last", 1);
    CHECK_INT(tally_get(&heir.record.messages), 5);
    loop_end(&loop);
    client_free(listener);
    return 0;
}
