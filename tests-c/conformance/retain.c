/* Retained messages. */
#include <string.h>

#include "endpoint.h"
#include "suite.h"

static void retain(endpoint *sender, const char *at, const char *text, int qos)
{
    endpoint_publish(sender, at, text, strlen(text), qos, true);
    endpoint_settle(sender);
}

static void expect_retained(endpoint *receiver, const char *at, const char *text, int qos)
{
    const message *message = endpoint_take(receiver);

    CHECK_TEXT(message->topic, at);
    CHECK_TEXT(message->payload, text);
    CHECK_INT(message->qos, qos);
    CHECK(message->retain);
}

/* A new subscriber gets the last one, with the flag [MQTT311-3.3.1-5] [MQTT311-3.3.1-6]
 * [MQTT311-3.3.1-8]. */
static void retain_set(void)
{
    const char *at = topic("t");
    endpoint *sender = endpoint_new("a", CLEAN), *receiver = endpoint_new("b", CLEAN);
    int qos;

    endpoint_connect(sender);
    endpoint_connect(receiver);
    for (qos = 1; qos <= 2; qos++) {
        step("QoS %d", qos);
        retain(sender, at, "old", qos);
        retain(sender, at, "new", qos);
        endpoint_subscribe(receiver, at, qos);
        expect_retained(receiver, at, "new", qos);
        endpoint_unsubscribe(receiver, at);
    }
}

/* QoS 0 is not acknowledged: the answer to a later request shows that the broker has the message. */
static void retain_qos0(void)
{
    const char *at = topic("t");
    endpoint *sender = endpoint_new("a", CLEAN), *receiver = endpoint_new("b", CLEAN);

    endpoint_connect(sender);
    endpoint_connect(receiver);
    retain(sender, at, "text", 0);
    endpoint_subscribe(sender, topic("other"), 0);
    endpoint_subscribe(receiver, at, 2);
    expect_retained(receiver, at, "text", 0);
}

/* A subscription that was there before gets it as any other message [MQTT311-3.3.1-9]. */
static void retain_flag_of_live_message(void)
{
    const char *at = topic("t");
    endpoint *sender = endpoint_new("a", CLEAN), *receiver = endpoint_new("b", CLEAN);

    endpoint_connect(sender);
    endpoint_connect(receiver);
    endpoint_subscribe(receiver, at, 1);
    retain(sender, at, "live", 1);
    endpoint_expect(receiver, at, "live", 1);
}

/* An empty one clears it and is passed on, but is not kept [MQTT311-3.3.1-10] [MQTT311-3.3.1-11]. */
static void retain_clear(void)
{
    const char *at = topic("t");
    endpoint *sender = endpoint_new("a", CLEAN), *before = endpoint_new("b", CLEAN), *after = endpoint_new("c", CLEAN);

    endpoint_connect(sender);
    endpoint_connect(before);
    endpoint_connect(after);
    retain(sender, at, "text", 1);
    endpoint_subscribe(before, at, 1);
    expect_retained(before, at, "text", 1);
    step("the empty message is passed on");
    retain(sender, at, "", 1);
    endpoint_expect(before, at, "", 1);
    step("nothing is kept");
    endpoint_subscribe(after, at, 1);
    endpoint_say(sender, at, "live", 1);
    endpoint_expect(after, at, "live", 1);
}

/* A message without the flag does not replace the retained one [MQTT311-3.3.1-12]. */
static void retain_survives_others(void)
{
    const char *at = topic("t");
    endpoint *sender = endpoint_new("a", CLEAN), *receiver = endpoint_new("b", CLEAN);

    endpoint_connect(sender);
    endpoint_connect(receiver);
    retain(sender, at, "retained", 1);
    endpoint_say(sender, at, "live", 1);
    endpoint_settle(sender);
    endpoint_subscribe(receiver, at, 1);
    expect_retained(receiver, at, "retained", 1);
}

/* The same subscription again gets the retained message again [MQTT311-3.8.4-3]. */
static void retain_again(void)
{
    const char *at = topic("t");
    endpoint *sender = endpoint_new("a", CLEAN), *receiver = endpoint_new("b", CLEAN);

    endpoint_connect(sender);
    endpoint_connect(receiver);
    retain(sender, at, "text", 1);
    endpoint_subscribe(receiver, at, 1);
    expect_retained(receiver, at, "text", 1);
    step("the second SUBSCRIBE");
    endpoint_subscribe(receiver, at, 1);
    expect_retained(receiver, at, "text", 1);
}

/* One for each topic that a wildcard matches, in any order. */
static void retain_wildcard(void)
{
    endpoint *sender = endpoint_new("a", CLEAN), *receiver = endpoint_new("b", CLEAN);
    const message *first, *second;

    endpoint_connect(sender);
    endpoint_connect(receiver);
    retain(sender, topic("x/1"), "1", 1);
    retain(sender, topic("x/2"), "2", 1);
    retain(sender, topic("y/1"), "other", 1);
    endpoint_subscribe(receiver, topic("x/+"), 1);
    first = endpoint_take(receiver);
    CHECK(first->retain);
    CHECK(strcmp(first->topic, topic("x/1")) == 0 || strcmp(first->topic, topic("x/2")) == 0);
    second = endpoint_take(receiver);
    CHECK(second->retain);
    CHECK(strcmp(second->topic, topic("x/1")) == 0 || strcmp(second->topic, topic("x/2")) == 0);
    CHECK(strcmp(first->topic, second->topic) != 0);
}

/* The broker keeps it when its sender is gone, with or without a session. */
static void retain_outlives_sender(void)
{
    const char *at = topic("t");
    endpoint *sender = endpoint_new("a", CLEAN), *receiver = endpoint_new("b", CLEAN);

    endpoint_connect(sender);
    retain(sender, at, "text", 1);
    endpoint_disconnect(sender);
    endpoint_connect(receiver);
    endpoint_subscribe(receiver, at, 1);
    expect_retained(receiver, at, "text", 1);
}

const test_case RETAIN_CASES[] = {
    {"retain_set", retain_set, 0},
    {"retain_qos0", retain_qos0, 0},
    {"retain_flag_of_live_message", retain_flag_of_live_message, 0},
    {"retain_clear", retain_clear, 0},
    {"retain_survives_others", retain_survives_others, 0},
    {"retain_again", retain_again, 0},
    {"retain_wildcard", retain_wildcard, 0},
    {"retain_outlives_sender", retain_outlives_sender, 0},
    {NULL, NULL, 0},
};
