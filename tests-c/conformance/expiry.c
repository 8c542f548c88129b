/* The message expiry interval: counted down in the queue of the client and by the broker. */
#include <string.h>

#include "endpoint.h"
#include "suite.h"
#include "wait.h"

static pmqtt_publication lasting(const char *text, uint32_t expiry_s)
{
    pmqtt_publication new = {
        PMQTT_PUBLICATION_INIT, .topic = topic("t"), .payload = text, .payload_len = strlen(text), .qos = 1,
        .expiry_s = expiry_s,
    };

    return new;
}

/* Runs the loop for this time. */
static void pass_ms(long long ms)
{
    long long end = now_ms() + ms;

    AWAIT(now_ms() >= end);
}

/* The expiry interval with which it came; 0: none. */
static uint32_t expiry_of(const message *message)
{
    pmqtt_property property;

    if (!pmqtt_property_find(&message->properties, PMQTT_PROP_MESSAGE_EXPIRY_INTERVAL, &property))
        return 0;
    return property.number;
}

static void expect_rest(endpoint *receiver, const char *text, uint32_t least, uint32_t most)
{
    const message *message = endpoint_take(receiver);

    CHECK_TEXT(message->payload, text);
    step("\"%s\" has %u s left", text, expiry_of(message));
    CHECK(expiry_of(message) >= least && expiry_of(message) <= most);
}

static endpoint *subscriber(const char *name, session session)
{
    endpoint *self = endpoint_new(name, session);

    endpoint_connect(self);
    endpoint_subscribe(self, topic("t"), 1);
    return self;
}

/* Three seconds in the queue of the client. */
static void expiry_in_queue(void)
{
    endpoint *receiver = subscriber("b", CLEAN), *sender = endpoint_new("a", KEPT);
    pmqtt_publication minute = lasting("minute", 60), without = lasting("without", 0);

    endpoint_send(sender, &minute);
    endpoint_send(sender, &without);
    pass_ms(3000);
    endpoint_connect(sender);
    expect_rest(receiver, "minute", 54, 57);
    expect_rest(receiver, "without", 0, 0);
}

/* The broker sends what is left [MQTT5-3.3.2-6]. */
static void expiry_in_broker(void)
{
    endpoint *sender = endpoint_new("a", CLEAN), *receiver = subscriber("b", KEPT);
    pmqtt_publication minute = lasting("minute", 60);

    endpoint_disconnect(receiver);
    endpoint_connect(sender);
    endpoint_send(sender, &minute);
    endpoint_settle(sender);
    pass_ms(3000);
    endpoint_connect(receiver);
    expect_rest(receiver, "minute", 54, 58);
}

/* The broker deletes it [MQTT5-3.3.2-5]. */
static void expired_in_broker(void)
{
    endpoint *sender = endpoint_new("a", CLEAN), *receiver = subscriber("b", KEPT);
    pmqtt_publication second = lasting("second", 1), minute = lasting("minute", 60);

    endpoint_disconnect(receiver);
    endpoint_connect(sender);
    endpoint_send(sender, &second);
    endpoint_send(sender, &minute);
    endpoint_settle(sender);
    pass_ms(4000);
    endpoint_connect(receiver);
    expect_rest(receiver, "minute", 52, 57);
}

/* A gateway that was away for longer than some of its messages last: these have their outcome, and never
 * reach the wire. */
static void expired_while_offline(void)
{
    enum { EACH = 10000, ROOM = 16 };
    static const char *const TEXT = "does not last";
    endpoint *receiver = subscriber("b", CLEAN), *sender = endpoint_new("a", KEPT);
    pmqtt_publication minute = lasting("minute", 60), short_lived = lasting(TEXT, 2), without;
    long long begin = now_ms();
    char text[ROOM];
    int number;

    CHECK_OK(pmqtt_max_queued_messages_set(sender->client, 0));
    endpoint_connect(sender);
    endpoint_cut(sender);
    endpoint_send(sender, &minute);
    for (number = 0; number < EACH; number++) {
        strcpy(text, number_text(number));
        without = lasting(text, 0);
        short_lived.tag = (uint64_t)number + 1;
        endpoint_send(sender, &short_lived);
        endpoint_send(sender, &without);
    }
    step("still away");
    AWAIT(endpoint_count(sender, PMQTT_ERR_EXPIRED) == EACH);
    for (number = 0; number < EACH; number++) {
        CHECK_INT(sender->outcomes[number].rc, PMQTT_ERR_EXPIRED);
        CHECK_INT(sender->outcomes[number].tag, number + 1);
    }
    AWAIT(now_ms() >= begin + 5000);
    step("connected again");
    endpoint_connect(sender);
    expect_rest(receiver, "minute", 50, 55);
    for (number = 0; number < EACH; number++)
        endpoint_expect(receiver, topic("t"), number_text(number), 1);
    AWAIT(client_stats(sender->client).unsettled == 0);
    CHECK_INT(endpoint_count(sender, PMQTT_ERR_SUCCESS), EACH + 1);
    CHECK_INT(sender->outcome_count, 2 * EACH + 1);
    CHECK_INT(wire_count(sender->wire, TO_BROKER, PUBLISH), EACH + 1);
    CHECK_INT(receiver->received, EACH + 1);
}

/* Connected, but behind messages that the broker does not acknowledge. */
static void expired_behind_window(void)
{
    enum { FEW = 100 };
    endpoint *receiver = subscriber("b", CLEAN), *sender = endpoint_new("a", KEPT);
    pmqtt_publication second = lasting("second", 1), without = lasting("without", 0), next = lasting("next", 0);
    uint64_t mid;
    int number;

    CHECK_OK(pmqtt_max_inflight_messages_set(sender->client, 1));
    endpoint_connect(sender);
    wire_lose(sender->wire, TO_CLIENT, PUBACK);
    mid = endpoint_send(sender, &without);
    for (number = 0; number < FEW; number++)
        endpoint_send(sender, &second);
    endpoint_send(sender, &next);
    AWAIT(sender->outcome_count == FEW);
    CHECK_INT(endpoint_count(sender, PMQTT_ERR_EXPIRED), FEW);
    endpoint_cut(sender);
    endpoint_connect(sender);
    CHECK_RC(endpoint_outcome(sender, mid).rc, PMQTT_ERR_SUCCESS);
    endpoint_settle(sender);
    AWAIT(receiver->received >= 2 && strcmp(receiver->inbox[receiver->received - 1].payload, "next") == 0);
    CHECK_INT(wire_count(sender->wire, TO_BROKER, PUBLISH), 3);
}

/* What was sent once is not given up, and sent again [MQTT5-4.3.3-7]. */
static void expiry_in_flight(void)
{
    endpoint *receiver = subscriber("b", CLEAN), *sender = endpoint_new("a", KEPT);
    pmqtt_publication message = lasting("in flight", 2);
    uint64_t mid;

    message.qos = 2;
    endpoint_connect(sender);
    wire_lose(sender->wire, TO_BROKER, PUBLISH);
    mid = endpoint_send(sender, &message);
    AWAIT(wire_count(sender->wire, TO_BROKER, PUBLISH) == 1);
    endpoint_cut(sender);
    pass_ms(3000);
    CHECK_INT(sender->outcome_count, 0);
    endpoint_connect(sender);
    CHECK_RC(endpoint_outcome(sender, mid).rc, PMQTT_ERR_SUCCESS);
    CHECK_INT(wire_count(sender->wire, TO_BROKER, PUBLISH), 2);
    endpoint_say(sender, topic("t"), "next", 1);
    AWAIT(receiver->received > 0 && strcmp(receiver->inbox[receiver->received - 1].payload, "next") == 0);
}

const test_case EXPIRY_CASES[] = {
    {"expiry_in_queue", expiry_in_queue, PMQTT_PROTOCOL_V5},
    {"expiry_in_broker", expiry_in_broker, PMQTT_PROTOCOL_V5},
    {"expired_in_broker", expired_in_broker, PMQTT_PROTOCOL_V5},
    {"expired_while_offline", expired_while_offline, PMQTT_PROTOCOL_V5},
    {"expired_behind_window", expired_behind_window, 0},
    {"expiry_in_flight", expiry_in_flight, PMQTT_PROTOCOL_V5},
    {NULL, NULL, 0},
};
