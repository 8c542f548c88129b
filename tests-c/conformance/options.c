/* Subscriptions with options and with callbacks. */
#include <stdio.h>
#include <string.h>

#include "endpoint.h"
#include "suite.h"

static pmqtt_subscription subscription(const char *filter, int qos)
{
    pmqtt_subscription new = {.struct_size = sizeof new, .filter = filter, .qos = qos};

    return new;
}

/* The answer to the SUBSCRIBE shows that the broker has also passed the message on. */
static void retain(endpoint *sender, const char *at, const char *text)
{
    endpoint_publish(sender, at, text, strlen(text), 1, true);
    endpoint_settle(sender);
    endpoint_subscribe(sender, topic("other"), 0);
}

static void expect_flagged(endpoint *receiver, const char *text, bool flag)
{
    const message *message = endpoint_take(receiver);

    CHECK_TEXT(message->payload, text);
    CHECK_INT(message->retain, flag);
}

/* [MQTT5-3.8.3-3] */
static void no_local(void)
{
    pmqtt_subscription others = subscription(topic("t"), 1);
    endpoint *client = endpoint_new("a", CLEAN), *other = endpoint_new("b", CLEAN);

    others.no_local = true;
    endpoint_connect(client);
    endpoint_connect(other);
    endpoint_subscribe_with(client, &others);
    endpoint_say(client, topic("t"), "mine", 1);
    endpoint_settle(client);
    endpoint_say(other, topic("t"), "of another", 1);
    endpoint_expect(client, topic("t"), "of another", 1);
}

/* [MQTT5-3.3.1-12] [MQTT5-3.3.1-13] */
static void retain_as_published(void)
{
    pmqtt_subscription as_published = subscription(topic("t"), 1);
    endpoint *sender = endpoint_new("a", CLEAN), *with = endpoint_new("b", CLEAN), *without = endpoint_new("c", CLEAN);

    as_published.retain_as_published = true;
    endpoint_connect(sender);
    endpoint_connect(with);
    endpoint_connect(without);
    endpoint_subscribe_with(with, &as_published);
    endpoint_subscribe(without, topic("t"), 1);
    retain(sender, topic("t"), "retained");
    endpoint_say(sender, topic("t"), "live", 1);
    step("with the option");
    expect_flagged(with, "retained", true);
    expect_flagged(with, "live", false);
    step("without the option");
    expect_flagged(without, "retained", false);
    expect_flagged(without, "live", false);
}

/* Subscribes twice with this retain handling; after each there come the retained message, if at all, and a live
 * one. [MQTT5-3.3.1-9] [MQTT5-3.3.1-10] [MQTT5-3.3.1-11] */
static void subscribe_twice(int handling, bool first, bool second)
{
    const bool comes[2] = {first, second};
    pmqtt_subscription handled = subscription(topic("t"), 1);
    endpoint *sender = endpoint_new("a", CLEAN), *receiver = endpoint_new("b", CLEAN);
    int turn;

    handled.retain_handling = handling;
    endpoint_connect(sender);
    endpoint_connect(receiver);
    retain(sender, topic("t"), "retained");
    for (turn = 0; turn < 2; turn++) {
        step("SUBSCRIBE %d", turn + 1);
        endpoint_subscribe_with(receiver, &handled);
        if (comes[turn])
            expect_flagged(receiver, "retained", true);
        endpoint_say(sender, topic("t"), "live", 1);
        expect_flagged(receiver, "live", false);
    }
}

static void retain_handling_always(void)
{
    subscribe_twice(PMQTT_RETAIN_ALWAYS, true, true);
}

static void retain_handling_if_new(void)
{
    subscribe_twice(PMQTT_RETAIN_IF_NEW, true, false);
}

static void retain_handling_never(void)
{
    subscribe_twice(PMQTT_RETAIN_NEVER, false, false);
}

/* What the callback of one subscription has received. */
struct heard {
    int count;
    char last[32];
};

static void hear(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    struct heard *heard = userdata;

    (void)client;
    CHECK(event->payload_len < sizeof heard->last);
    memcpy(heard->last, event->payload, event->payload_len);
    heard->last[event->payload_len] = '\0';
    heard->count++;
}

/* Each callback whose filter matches is called, and on_message only where none is.  A broker may send one copy for
 * each subscription. */
static void subscription_callbacks(void)
{
    enum { COUNT = 3 };
    static const char *const FILTERS[COUNT] = {"a/b", "a/+", "c/#"};
    const char *marker = topic("marker");
    struct heard heard[COUNT] = {{0, ""}, {0, ""}, {0, ""}};
    endpoint *client = endpoint_new("a", KEPT), *sender = endpoint_new("b", CLEAN);
    int i;

    endpoint_connect(client);
    endpoint_connect(sender);
    endpoint_subscribe(client, marker, 1);
    for (i = 0; i < COUNT; i++) {
        pmqtt_subscription with = subscription(topic(FILTERS[i]), 1);

        with.callback = hear;
        with.userdata = &heard[i];
        endpoint_subscribe_with(client, &with);
    }
    for (i = 0; i < 2; i++) {
        step("connection %d", i + 1);
        memset(heard, 0, sizeof heard);
        endpoint_say(sender, topic("a/b"), "both", 1);
        endpoint_say(sender, topic("a/c"), "one", 1);
        endpoint_say(sender, topic("c"), "parent", 1);
        endpoint_say(sender, marker, "marker", 1);
        endpoint_expect(client, marker, "marker", 1);
        CHECK(heard[0].count >= 1 && heard[0].count <= 2);
        CHECK_TEXT(heard[0].last, "both");
        CHECK(heard[1].count >= 2 && heard[1].count <= 3);
        CHECK_TEXT(heard[1].last, "one");
        CHECK_INT(heard[2].count, 1);
        CHECK_TEXT(heard[2].last, "parent");
        endpoint_disconnect(client);
        endpoint_connect(client);
    }

    step("one has ended");
    endpoint_unsubscribe(client, topic("a/+"));
    memset(heard, 0, sizeof heard);
    endpoint_say(sender, topic("a/b"), "the other", 1);
    endpoint_say(sender, marker, "marker", 1);
    endpoint_expect(client, marker, "marker", 1);
    CHECK_INT(heard[0].count, 1);
    CHECK_INT(heard[1].count, 0);
}

/* The callback of a shared subscription gets what its share of the topic's messages is. */
static void shared_callback(void)
{
    enum { MESSAGES = 20 };
    char filter[100];
    struct heard heard = {0, ""};
    endpoint *client = endpoint_new("a", CLEAN), *sender = endpoint_new("b", CLEAN);
    pmqtt_subscription shared;
    int number;

    snprintf(filter, sizeof filter, "$share/group/%s", topic("t/+"));
    shared = subscription(filter, 1);
    shared.callback = hear;
    shared.userdata = &heard;
    endpoint_connect(client);
    endpoint_connect(sender);
    shared.no_local = true;
    CHECK_RC(pmqtt_subscribe_with(client->client, &shared, 1, NULL, NULL), PMQTT_ERR_INVAL);
    shared.no_local = false;
    endpoint_subscribe_with(client, &shared);
    for (number = 0; number < MESSAGES; number++)
        endpoint_say(sender, topic("t/1"), number_text(number), 1);
    AWAIT(heard.count == MESSAGES);
    CHECK_INT(client->received, 0);
}

const test_case OPTION_CASES[] = {
    {"no_local", no_local, PMQTT_PROTOCOL_V5},
    {"retain_as_published", retain_as_published, PMQTT_PROTOCOL_V5},
    {"retain_handling_always", retain_handling_always, PMQTT_PROTOCOL_V5},
    {"retain_handling_if_new", retain_handling_if_new, PMQTT_PROTOCOL_V5},
    {"retain_handling_never", retain_handling_never, PMQTT_PROTOCOL_V5},
    {"subscription_callbacks", subscription_callbacks, 0},
    {"shared_callback", shared_callback, PMQTT_PROTOCOL_V5},
    {NULL, NULL, 0},
};
