/* Topic aliases, which stand for a topic until the connection ends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "suite.h"

enum { TOPICS = 20, TOPIC_BYTES = 60, PAYLOAD = 32, COUNT = 100000, CONNECTIONS = 10, ALL_ALIASES = 65535 };

static void use_aliases(endpoint *client)
{
    pmqtt_connect_options options = endpoint_options();

    options.topic_alias_send = ALL_ALIASES;
    CHECK_OK(pmqtt_connect_options_set(client->client, &options));
    CHECK_OK(pmqtt_max_queued_messages_set(client->client, 0));
}

static const char *topic_of(int number)
{
    static char levels[TOPIC_BYTES + 1];
    size_t prefix = strlen(topic("")), length = TOPIC_BYTES - prefix;

    snprintf(levels, sizeof levels, "%02d-%0*d", number % TOPICS, (int)length - 3, 0);
    return topic(levels);
}

static void send_numbered(endpoint *sender, int number)
{
    char payload[PAYLOAD + 1];

    snprintf(payload, sizeof payload, "%-*d", PAYLOAD, number);
    endpoint_publish(sender, topic_of(number), payload, PAYLOAD, 1, false);
}

/* Each message has come, with its topic; copies are allowed, since connections were lost. */
static void check_topics(endpoint *receiver)
{
    char *seen = calloc(COUNT, 1);
    int left = COUNT, number;

    CHECK(seen != NULL);
    while (left > 0) {
        const message *message = endpoint_take(receiver);

        number = message_number(message);
        CHECK(number >= 0 && number < COUNT);
        CHECK_TEXT(message->topic, topic_of(number));
        left -= !seen[number];
        seen[number] = 1;
    }
    free(seen);
}

/* 100,000 messages on 20 topics of 60 bytes, over 10 lost connections. */
static void aliases_sent(void)
{
    enum { WITHOUT_ALIAS = 2 + 2 + TOPIC_BYTES + 2 + 1 + PAYLOAD };
    endpoint *sender = endpoint_new("a", KEPT), *receiver = endpoint_new("b", CLEAN);
    size_t bytes, without;
    int number = 0, connection;

    use_aliases(sender);
    endpoint_connect(receiver);
    endpoint_subscribe(receiver, topic("#"), 1);
    for (connection = 1; connection <= CONNECTIONS; connection++) {
        step("connection %d", connection);
        endpoint_connect(sender);
        for (; number < COUNT / CONNECTIONS * connection; number++)
            send_numbered(sender, number);
        AWAIT(sender->outcome_count >= number - COUNT / CONNECTIONS / 2);
        endpoint_cut(sender);
    }
    endpoint_connect(sender);
    AWAIT(sender->outcome_count == COUNT);
    CHECK_INT(endpoint_count(sender, PMQTT_ERR_SUCCESS), COUNT);
    check_topics(receiver);
    bytes = wire_bytes(sender->wire, TO_BROKER, PUBLISH);
    without = (size_t)wire_count(sender->wire, TO_BROKER, PUBLISH) * WITHOUT_ALIAS;
    step("%zu bytes, without aliases %zu", bytes, without);
    CHECK(bytes <= without / 100 * 45);
}

/* The limited broker accepts none [MQTT5-3.2.2-18]. */
static void aliases_refused(void)
{
    enum { WITHOUT_ALIAS = 2 + 2 + TOPIC_BYTES + 2 + 1 + PAYLOAD, FEW = 100 };
    endpoint *sender = endpoint_new("a", KEPT), *receiver = endpoint_new("b", CLEAN);
    pmqtt_negotiated now = {.struct_size = sizeof now};
    int number;

    endpoint_turn_to_limited(sender);
    endpoint_turn_to_limited(receiver);
    use_aliases(sender);
    endpoint_connect(receiver);
    endpoint_subscribe(receiver, topic("#"), 1);
    endpoint_connect(sender);
    CHECK_OK(pmqtt_negotiated_get(sender->client, &now));
    CHECK_INT(now.topic_alias_maximum, 0);
    for (number = 0; number < FEW; number++)
        send_numbered(sender, number);
    for (number = 0; number < FEW; number++)
        CHECK_TEXT(endpoint_take(receiver)->topic, topic_of(number));
    CHECK_INT(wire_bytes(sender->wire, TO_BROKER, PUBLISH), FEW * WITHOUT_ALIAS);
}

/* The client accepts fewer than there are topics. */
static endpoint *receiver_of_aliases(session session)
{
    endpoint *self = endpoint_new("b", session);
    pmqtt_connect_options options = endpoint_options();

    options.topic_alias_receive = TOPICS / 2;
    CHECK_OK(pmqtt_connect_options_set(self->client, &options));
    return self;
}

/* Whatever the broker uses, an event has its topic. */
static void aliases_received(void)
{
    enum { FEW = 200 };
    endpoint *sender = endpoint_new("a", CLEAN), *receiver = receiver_of_aliases(KEPT);
    int number;

    endpoint_connect(sender);
    endpoint_connect(receiver);
    endpoint_subscribe(receiver, topic("#"), 1);
    for (number = 0; number < 2 * FEW; number++) {
        if (number == FEW) {
            step("the second connection");
            endpoint_disconnect(receiver);
            endpoint_connect(receiver);
        }
        send_numbered(sender, number);
        CHECK_TEXT(endpoint_take(receiver)->topic, topic_of(number));
    }
}

/* Messages that came while the client was away. */
static void aliases_of_kept_messages(void)
{
    enum { FEW = 2 * TOPICS };
    endpoint *sender = endpoint_new("a", CLEAN), *receiver = receiver_of_aliases(KEPT);
    int number;

    endpoint_connect(receiver);
    endpoint_subscribe(receiver, topic("#"), 1);
    endpoint_disconnect(receiver);
    endpoint_connect(sender);
    for (number = 0; number < FEW; number++)
        send_numbered(sender, number);
    endpoint_settle(sender);
    endpoint_connect(receiver);
    for (number = 0; number < FEW; number++) {
        const message *message = endpoint_take(receiver);

        CHECK_TEXT(message->topic, topic_of(message_number(message)));
    }
}

/* A message that the broker does not send sets no alias. */
static void aliases_of_large_message(void)
{
    enum { MOST = 1000 };
    static const char LARGE[MOST];
    endpoint *sender = endpoint_new("a", CLEAN), *receiver = receiver_of_aliases(CLEAN);

    CHECK_OK(pmqtt_max_packet_size_set(receiver->client, MOST));
    endpoint_connect(sender);
    endpoint_connect(receiver);
    endpoint_subscribe(receiver, topic("#"), 1);
    endpoint_publish(sender, topic("t"), LARGE, sizeof LARGE, 1, false);
    endpoint_say(sender, topic("t"), "small", 1);
    endpoint_expect(receiver, topic("t"), "small", 1);
}

const test_case ALIAS_CASES[] = {
    {"aliases_sent", aliases_sent, PMQTT_PROTOCOL_V5},
    {"aliases_refused", aliases_refused, PMQTT_PROTOCOL_V5},
    {"aliases_received", aliases_received, PMQTT_PROTOCOL_V5},
    {"aliases_of_kept_messages", aliases_of_kept_messages, PMQTT_PROTOCOL_V5},
    {"aliases_of_large_message", aliases_of_large_message, PMQTT_PROTOCOL_V5},
    {NULL, NULL, 0},
};
