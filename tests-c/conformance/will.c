/* The will of a client, which the broker publishes if the client ends without a DISCONNECT. */
#include <string.h>

#include "endpoint.h"
#include "suite.h"

/* The second SUBSCRIBE shows that the first one is done: a will that comes now is no retained message for it. */
static endpoint *heir(const char *at)
{
    endpoint *self = endpoint_new("heir", CLEAN);

    endpoint_connect(self);
    endpoint_subscribe(self, at, 2);
    endpoint_subscribe(self, topic("other"), 0);
    return self;
}

/* A connected client with a will. */
static endpoint *testator(const char *name, const char *at, const char *will, int qos, bool retain, int keep_alive_s)
{
    endpoint *self = endpoint_new(name, CLEAN);

    CHECK_OK(pmqtt_will_set(self->client, at, will, strlen(will), qos, retain));
    endpoint_try(self, keep_alive_s);
    CHECK_INT(tally_get(&self->record.connect_reason), 0);
    return self;
}

/* [MQTT311-3.1.2-8] */
static void will_on_cut(void)
{
    const char *at = topic("t");
    endpoint *receiver = heir(at);
    endpoint *client = testator("a", at, "0", 0, false, KEEP_ALIVE_S);

    step("QoS 0");
    endpoint_cut(client);
    endpoint_expect(receiver, at, "0", 0);

    step("QoS 1");
    CHECK_OK(pmqtt_will_set(client->client, at, "1", 1, 1, false));
    endpoint_connect(client);
    endpoint_cut(client);
    endpoint_expect(receiver, at, "1", 1);

    step("QoS 2");
    CHECK_OK(pmqtt_will_set(client->client, at, "2", 1, 2, false));
    endpoint_connect(client);
    endpoint_cut(client);
    endpoint_expect(receiver, at, "2", 2);
}

/* Zero bytes are a will too (section 3.1.3.3). */
static void will_empty(void)
{
    const char *at = topic("t");
    endpoint *receiver = heir(at);

    step("a will of zero bytes");
    endpoint_cut(testator("a", at, "", 1, false, KEEP_ALIVE_S));
    endpoint_expect(receiver, at, "", 1);
}

/* The second will shows that the first one was not published [MQTT311-3.1.2-10] [MQTT311-3.14.4-3]. */
static void no_will_after_disconnect(void)
{
    const char *at = topic("t");
    endpoint *receiver = heir(at);

    endpoint_disconnect(testator("a", at, "first", 1, false, KEEP_ALIVE_S));
    endpoint_cut(testator("b", at, "second", 1, false, KEEP_ALIVE_S));
    endpoint_expect(receiver, at, "second", 1);
}

/* [MQTT311-3.1.2-17] */
static void will_retained(void)
{
    const char *at = topic("t");
    endpoint *receiver = heir(at), *late = endpoint_new("late", CLEAN);
    const message *message;

    endpoint_cut(testator("a", at, "kept", 1, true, KEEP_ALIVE_S));
    endpoint_expect(receiver, at, "kept", 1);
    step("a later subscriber");
    endpoint_connect(late);
    endpoint_subscribe(late, at, 1);
    message = endpoint_take(late);
    CHECK_TEXT(message->payload, "kept");
    CHECK(message->retain);
}

/* [MQTT311-3.1.2-16] */
static void will_not_retained(void)
{
    const char *at = topic("t");
    endpoint *receiver = heir(at), *late = endpoint_new("late", CLEAN);

    endpoint_cut(testator("a", at, "gone", 1, false, KEEP_ALIVE_S));
    endpoint_expect(receiver, at, "gone", 1);
    endpoint_connect(late);
    endpoint_subscribe(late, at, 1);
    endpoint_say(receiver, at, "live", 1);
    endpoint_expect(late, at, "live", 1);
}

/* The broker disconnects the old client [MQTT311-3.1.4-2], which has sent no DISCONNECT
 * [MQTT311-3.1.2-8]. */
static void will_on_takeover(void)
{
    const char *at = topic("t");
    endpoint *receiver = heir(at), *new = endpoint_new("a", CLEAN);

    testator("a", at, "taken over", 1, false, KEEP_ALIVE_S);
    endpoint_connect(new);
    endpoint_expect(receiver, at, "taken over", 1);
}

/* [MQTT311-3.1.2-24] */
static void will_on_silence(void)
{
    const char *at = topic("t");
    endpoint *receiver = heir(at), *client = testator("a", at, "silent", 1, false, 2);

    wire_lose(client->wire, TO_BROKER, PINGREQ);
    endpoint_expect(receiver, at, "silent", 1);
}

const test_case WILL_CASES[] = {
    {"will_on_cut", will_on_cut, 0},
    {"will_empty", will_empty, 0},
    {"no_will_after_disconnect", no_will_after_disconnect, 0},
    {"will_retained", will_retained, 0},
    {"will_not_retained", will_not_retained, 0},
    {"will_on_takeover", will_on_takeover, 0},
    {"will_on_silence", will_on_silence, 0},
    {NULL, NULL, 0},
};
