/* Topic filters: which the broker grants, and what they match. */
#include <stdio.h>
#include <string.h>

#include "endpoint.h"
#include "suite.h"

/* One code for each filter, in their order [MQTT311-3.8.4-5]. */
static void granted_qos(void)
{
    static const int QOS[] = {1, 0, 2, 1};
    enum { COUNT = sizeof QOS / sizeof *QOS };
    const char *filters[COUNT] = {topic("one"), topic("two/+"), topic("three/#"), topic("four")};
    endpoint *client = endpoint_new("a", CLEAN);
    int i;

    endpoint_connect(client);
    CHECK_OK(pmqtt_subscribe_multiple(client->client, filters, QOS, COUNT, NULL));
    AWAIT(tally_get(&client->record.subscribed) == 1);
    CHECK_INT(client->granted_count, COUNT);
    for (i = 0; i < COUNT; i++) {
        step("filter %d", i);
        CHECK_INT(client->granted[i], QOS[i]);
    }
}

/* A filter or a topic that the marker does not match: for two filters that match, the broker may send two
 * copies. */
static const char *below(const char *levels)
{
    char text[64];

    snprintf(text, sizeof text, "below/%s", levels);
    return topic(text);
}

/* Whether the filter matches, by the one message or the marker that comes first. */
static void check_match(endpoint *client, const char *filter, const char *levels, bool matches)
{
    const char *marker = topic("marker");

    step("filter %s, topic %s: %s", filter, levels, matches ? "a match" : "no match");
    endpoint_subscribe(client, below(filter), 1);
    endpoint_say(client, below(levels), "text", 1);
    endpoint_say(client, marker, "marker", 1);
    if (matches)
        endpoint_expect(client, below(levels), "text", 1);
    endpoint_expect(client, marker, "marker", 1);
    endpoint_unsubscribe(client, below(filter));
}

/* [MQTT311-4.7.1-3], and the examples of section 4.7.1. */
static void wildcards(void)
{
    endpoint *client = endpoint_new("a", CLEAN);

    endpoint_connect(client);
    endpoint_subscribe(client, topic("marker"), 1);
    check_match(client, "sport/#", "sport/tennis/player1", true);
    check_match(client, "sport/#", "sports", false);
    check_match(client, "sport/+", "sport", false);
    check_match(client, "sport/+", "sport/", true);
    check_match(client, "sport/+", "sport/a/b", false);
    check_match(client, "sport/+/player1", "sport/tennis/player1", true);
    check_match(client, "sport/+/player1", "sport/tennis/player2", false);
    check_match(client, "+/finance", "/finance", true);
    check_match(client, "+", "finance", true);
    check_match(client, "+", "/finance", false);
    check_match(client, "+/+/#", "a", false);
}

/* # matches the parent level too [MQTT311-4.7.1-2]. */
static void wildcard_of_parent_level(void)
{
    endpoint *client = endpoint_new("a", CLEAN);

    endpoint_connect(client);
    endpoint_subscribe(client, topic("marker"), 1);
    check_match(client, "sport/#", "sport", true);
    check_match(client, "+/#", "sport", true);
    check_match(client, "+/+/#", "a/b", true);
}

/* [MQTT311-4.7.3-1] [MQTT311-4.7.3-4]: a topic is compared byte by byte. */
static void exact_filters(void)
{
    endpoint *client = endpoint_new("a", CLEAN);

    endpoint_connect(client);
    endpoint_subscribe(client, topic("marker"), 1);
    check_match(client, "finance", "finance", true);
    check_match(client, "finance", "Finance", false);
    check_match(client, "finance", "/finance", false);
    check_match(client, "finance", "finance/", false);
    check_match(client, "a b", "a b", true);
}

/* [MQTT311-3.10.4-1] [MQTT311-3.10.4-2] [MQTT311-3.10.4-4] */
static void unsubscribe(void)
{
    const char *gone = topic("gone"), *marker = topic("marker");
    endpoint *client = endpoint_new("a", CLEAN);

    endpoint_connect(client);
    endpoint_subscribe(client, gone, 1);
    endpoint_subscribe(client, marker, 1);
    endpoint_say(client, gone, "before", 1);
    endpoint_expect(client, gone, "before", 1);
    endpoint_unsubscribe(client, gone);
    endpoint_say(client, gone, "after", 1);
    endpoint_say(client, marker, "marker", 1);
    endpoint_expect(client, marker, "marker", 1);
}

/* [MQTT311-3.10.4-5] */
static void unsubscribe_unknown(void)
{
    endpoint *client = endpoint_new("a", CLEAN);

    endpoint_connect(client);
    endpoint_unsubscribe(client, topic("unknown"));
}

/* The same filter again replaces the subscription [MQTT311-3.8.4-3]. */
static void replaced_subscription(void)
{
    const char *at = topic("t");
    endpoint *client = endpoint_new("a", CLEAN);

    endpoint_connect(client);
    endpoint_subscribe(client, at, 2);
    endpoint_subscribe(client, at, 0);
    endpoint_say(client, at, "first", 2);
    endpoint_say(client, at, "second", 2);
    endpoint_expect(client, at, "first", 0);
    endpoint_expect(client, at, "second", 0);
}

/* The message comes with the highest QoS of the filters that match [MQTT311-3.3.5-1]. Further copies are
 * allowed, one for each other filter. */
static void overlapping_filters(void)
{
    const char *at = topic("a/b"), *marker = topic("marker");
    endpoint *client = endpoint_new("a", CLEAN);
    const message *message;
    int copies = 0, highest = 0;

    endpoint_connect(client);
    endpoint_subscribe(client, topic("a/+"), 0);
    endpoint_subscribe(client, at, 2);
    endpoint_subscribe(client, topic("a/#"), 1);
    endpoint_subscribe(client, marker, 2);
    endpoint_say(client, at, "text", 2);
    endpoint_settle(client);
    endpoint_say(client, marker, "marker", 2);
    for (;;) {
        message = endpoint_take(client);
        if (strcmp(message->topic, marker) == 0)
            break;
        CHECK_TEXT(message->topic, at);
        copies++;
        highest = message->qos > highest ? message->qos : highest;
    }
    CHECK(copies >= 1 && copies <= 3);
    CHECK_INT(highest, 2);
}

/* The members of a group together get each message once; the broker chooses which one. A plain
 * subscription gets all. MQTT 3 does not define groups, but brokers have them in all versions. */
static void shared_subscription(void)
{
    enum { COUNT = 20 };
    const char *at = topic("t");
    char filter[100];
    endpoint *sender = endpoint_new("a", CLEAN), *plain = endpoint_new("p", CLEAN);
    endpoint *members[2] = {endpoint_new("m1", CLEAN), endpoint_new("m2", CLEAN)};
    int seen[COUNT] = {0}, i, number;

    endpoint_connect(sender);
    endpoint_connect(plain);
    endpoint_subscribe(plain, at, 1);
    snprintf(filter, sizeof filter, "$share/group/%s", at);
    for (i = 0; i < 2; i++) {
        endpoint_connect(members[i]);
        endpoint_subscribe(members[i], filter, 1);
    }
    for (number = 0; number < COUNT; number++)
        endpoint_say(sender, at, number_text(number), 1);
    AWAIT(members[0]->received + members[1]->received >= COUNT);
    for (number = 0; number < COUNT; number++)
        endpoint_expect(plain, at, number_text(number), 1);
    for (i = 0; i < 2; i++) {
        step("member %d of the group", i);
        while (members[i]->taken < members[i]->received) {
            number = message_number(endpoint_take(members[i]));
            CHECK(number >= 0 && number < COUNT);
            CHECK_INT(++seen[number], 1);
        }
    }

    step("one member has left");
    endpoint_disconnect(members[0]);
    endpoint_say(sender, at, "to the other", 1);
    endpoint_expect(members[1], at, "to the other", 1);
}

const test_case SUBSCRIPTION_CASES[] = {
    {"granted_qos", granted_qos, 0},
    {"wildcards", wildcards, 0},
    {"wildcard_of_parent_level", wildcard_of_parent_level, 0},
    {"exact_filters", exact_filters, 0},
    {"unsubscribe", unsubscribe, 0},
    {"unsubscribe_unknown", unsubscribe_unknown, 0},
    {"replaced_subscription", replaced_subscription, 0},
    {"overlapping_filters", overlapping_filters, 0},
    {"shared_subscription", shared_subscription, 0},
    {NULL, NULL, 0},
};
