/* Messages from one client to another, with nothing in the way. */
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "suite.h"

enum { LARGE = 100000, ORDERED = 300, BATCH = 2000 };

static void exchange(endpoint *sender, endpoint *receiver, int qos, size_t length)
{
    const char *at = topic("t");
    unsigned char *payload = malloc(length + 1);
    const message *message;
    size_t i;

    step("%zu bytes", length);
    CHECK(payload != NULL);
    for (i = 0; i < length; i++)
        payload[i] = (unsigned char)(i * 7);
    endpoint_publish(sender, at, payload, length, qos, false);
    message = endpoint_take(receiver);
    CHECK_TEXT(message->topic, at);
    CHECK_INT(message->qos, qos);
    CHECK_INT(message->payload_len, length);
    CHECK(memcmp(message->payload, payload, length) == 0);
    CHECK(!message->retain);
    CHECK(!message->dup);
    free(payload);
}

static void payloads(int qos)
{
    endpoint *sender = endpoint_new("a", CLEAN), *receiver = endpoint_new("b", CLEAN);

    endpoint_connect(sender);
    endpoint_connect(receiver);
    endpoint_subscribe(receiver, topic("t"), 2);
    exchange(sender, receiver, qos, 0);
    exchange(sender, receiver, qos, 5);
    exchange(sender, receiver, qos, LARGE);
    endpoint_settle(sender);
    CHECK_INT(receiver->received, 3);
}

static void payloads_qos0(void)
{
    payloads(0);
}

static void payloads_qos1(void)
{
    payloads(1);
}

static void payloads_qos2(void)
{
    payloads(2);
}

/* The lower QoS of message and subscription [MQTT311-3.8.4-6]. */
static void qos_of_subscription(void)
{
    static const char *const FILTERS[] = {"qos0", "qos1", "qos2"};
    endpoint *sender = endpoint_new("a", CLEAN), *receiver = endpoint_new("b", CLEAN);
    int granted, published;

    endpoint_connect(sender);
    endpoint_connect(receiver);
    for (granted = 0; granted <= 2; granted++) {
        const char *at = topic(FILTERS[granted]);

        endpoint_subscribe(receiver, at, granted);
        for (published = 0; published <= 2; published++) {
            step("QoS %d to a subscription of QoS %d", published, granted);
            endpoint_say(sender, at, "text", published);
            endpoint_expect(receiver, at, "text", published < granted ? published : granted);
        }
    }
}

/* Topics that brokers must not change [MQTT311-4.7.3-4], of one to four bytes a character. */
static void topic_texts(void)
{
    static const char *const LEVELS[] = {
        "a b", " ", "//", "/", "a//b", "UPPER/upper", "\xc3\xbc", "\xe6\x97\xa5\xe6\x9c\xac", "\xf0\x9f\x98\x80", "$a",
    };
    endpoint *sender = endpoint_new("a", CLEAN), *receiver = endpoint_new("b", CLEAN);
    size_t i;

    endpoint_connect(sender);
    endpoint_connect(receiver);
    endpoint_subscribe(receiver, topic("#"), 1);
    for (i = 0; i < sizeof LEVELS / sizeof *LEVELS; i++) {
        const char *at = topic(LEVELS[i]);

        step("topic %s", at);
        endpoint_say(sender, at, "text", 1);
        endpoint_expect(receiver, at, "text", 1);
    }
}

/* The broker sends a client its own messages too. */
static void own_messages(void)
{
    const char *at = topic("t");
    endpoint *client = endpoint_new("a", CLEAN);

    endpoint_connect(client);
    endpoint_subscribe(client, at, 2);
    endpoint_say(client, at, "mine", 2);
    endpoint_expect(client, at, "mine", 2);
}

/* Each message comes once, and in order [MQTT311-4.6.0-6]. */
static void send_in_order(int qos, int count)
{
    const char *at = topic("t");
    endpoint *sender = endpoint_new("a", CLEAN), *receiver = endpoint_new("b", CLEAN);
    int number;

    endpoint_connect(sender);
    endpoint_connect(receiver);
    endpoint_subscribe(receiver, at, 2);
    for (number = 0; number < count; number++)
        endpoint_say(sender, at, number_text(number), qos);
    endpoint_settle(sender);
    for (number = 0; number < count; number++) {
        step("message %d of %d", number, count);
        endpoint_expect(receiver, at, number_text(number), qos);
    }
    CHECK_INT(receiver->received, count);
}

static void order_qos0(void)
{
    send_in_order(0, ORDERED);
}

static void order_qos1(void)
{
    send_in_order(1, ORDERED);
}

static void batch_qos2(void)
{
    send_in_order(2, BATCH);
}

const test_case MESSAGE_CASES[] = {
    {"payloads_qos0", payloads_qos0, 0},
    {"payloads_qos1", payloads_qos1, 0},
    {"payloads_qos2", payloads_qos2, 0},
    {"qos_of_subscription", qos_of_subscription, 0},
    {"topic_texts", topic_texts, 0},
    {"own_messages", own_messages, 0},
    {"order_qos0", order_qos0, 0},
    {"order_qos1", order_qos1, 0},
    {"batch_qos2", batch_qos2, 0},
    {NULL, NULL, 0},
};
