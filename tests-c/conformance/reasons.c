/* Reasons of MQTT 5, in both directions. */
#include <string.h>

#include "endpoint.h"
#include "suite.h"

enum {
    NO_MATCHING_SUBSCRIBERS = 0x10,
    NO_SUBSCRIPTION_EXISTED = 0x11,
    IMPLEMENTATION_SPECIFIC = 0x83,
    NOT_AUTHORISED = 0x87,
    SESSION_TAKEN_OVER = 0x8e,
    QUOTA_EXCEEDED = 0x97,
    DISCONNECT_WITH_WILL = 0x04,
};

static uint64_t say(endpoint *client, const char *at, int qos)
{
    pmqtt_publication text = {PMQTT_PUBLICATION_INIT, .topic = at, .payload = "text", .payload_len = 4, .qos = qos};

    return endpoint_send(client, &text);
}

/* A broker may say so, and the client then reports it (section 3.4.2.1). */
static void no_matching_subscribers(void)
{
    enum { SHORT = 4, REASON = 4 };
    endpoint *client = endpoint_new("a", CLEAN);
    unsigned char puback[100];
    outcome told;

    endpoint_connect(client);
    told = endpoint_outcome(client, say(client, topic("nobody"), 1));
    CHECK_RC(told.rc, PMQTT_ERR_SUCCESS);
    if (wire_last(client->wire, TO_CLIENT, PUBACK, puback, sizeof puback) == SHORT)
        CHECK_INT(told.reason, 0);
    else
        CHECK_INT(told.reason, puback[REASON]);
    CHECK(told.reason == 0 || told.reason == NO_MATCHING_SUBSCRIBERS);
}

/* The broker refuses a message, which is not sent again [MQTT5-4.4.0-2]. */
static void publish_not_authorised(int qos)
{
    endpoint *client = endpoint_new("a", KEPT);
    outcome told;

    endpoint_connect(client);
    told = endpoint_outcome(client, say(client, topic("denied/t"), qos));
    CHECK_RC(told.rc, PMQTT_ERR_REJECTED);
    CHECK_INT(told.reason, NOT_AUTHORISED);
    step("after the reconnect");
    wire_cut(client->wire);
    AWAIT(tally_get(&client->record.disconnects) == 1);
    AWAIT(!wire_is_open(client->wire));
    endpoint_connect(client);
    endpoint_subscribe(client, topic("t"), 1);
    say(client, topic("t"), 1);
    endpoint_expect(client, topic("t"), "text", 1);
    CHECK_INT(wire_count(client->wire, TO_BROKER, PUBLISH), 2);
    CHECK_INT(wire_count(client->wire, TO_BROKER, PUBREL), 0);
}

static void publish_not_authorised_qos1(void)
{
    publish_not_authorised(1);
}

static void publish_not_authorised_qos2(void)
{
    publish_not_authorised(2);
}

/* Only the reasons of CONNACK and DISCONNECT end a connection (section 4.13.2). */
static void connection_outlives_refusal(void)
{
    endpoint *client = endpoint_new("a", CLEAN);

    endpoint_connect(client);
    endpoint_subscribe(client, topic("t"), 1);
    CHECK_RC(endpoint_outcome(client, say(client, topic("denied/t"), 1)).rc, PMQTT_ERR_REJECTED);
    say(client, topic("t"), 1);
    AWAIT(client->received > 0 || tally_get(&client->record.disconnects) > 0);
    CHECK_INT(tally_get(&client->record.disconnects), 0);
}

/* One of three filters is refused [MQTT5-3.9.3-1] [MQTT5-3.9.3-2]. */
static void subscribe_not_authorised(void)
{
    enum { COUNT = 3 };
    pmqtt_subscription subscriptions[COUNT] = {
        {.struct_size = sizeof(pmqtt_subscription), .filter = topic("t"), .qos = 1},
        {.struct_size = sizeof(pmqtt_subscription), .filter = topic("denied/t"), .qos = 1},
        {.struct_size = sizeof(pmqtt_subscription), .filter = topic("u"), .qos = 2},
    };
    endpoint *client = endpoint_new("a", CLEAN);

    endpoint_connect(client);
    CHECK_OK(pmqtt_subscribe_with(client->client, subscriptions, COUNT, NULL, NULL));
    AWAIT(tally_get(&client->record.subscribed) == 1);
    CHECK_INT(client->granted_count, COUNT);
    CHECK_INT(client->granted[0], 1);
    CHECK_INT(client->granted[1], NOT_AUTHORISED);
    CHECK_INT(client->granted[2], 2);
    say(client, topic("t"), 1);
    endpoint_expect(client, topic("t"), "text", 1);
}

/* [MQTT5-3.11.3-1] [MQTT5-3.11.3-2] */
static void unsubscribe_reasons(void)
{
    endpoint *client = endpoint_new("a", CLEAN);

    endpoint_connect(client);
    endpoint_subscribe(client, topic("t"), 1);
    endpoint_unsubscribe(client, topic("t"));
    CHECK_INT(client->unsubscribe_reason, 0);
    endpoint_unsubscribe(client, topic("t"));
    CHECK_INT(client->unsubscribe_reason, NO_SUBSCRIPTION_EXISTED);
}

/* [MQTT5-3.1.4-3] */
static void disconnect_of_broker(void)
{
    endpoint *old = endpoint_new("a", CLEAN), *new = endpoint_new("a", CLEAN);

    endpoint_connect(old);
    endpoint_connect(new);
    AWAIT(tally_get(&old->record.disconnects) == 1);
    CHECK(tally_get(&old->record.disconnect_rc) != PMQTT_ERR_SUCCESS);
    CHECK_INT(old->disconnect_reason, SESSION_TAKEN_OVER);
}

/* A DISCONNECT with this reason, of a client with a will of this text. */
static void leave(endpoint *client, int reason, const char *will)
{
    int ends = tally_get(&client->record.disconnects);

    CHECK_OK(pmqtt_will_set(client->client, topic("t"), will, strlen(will), 1, false));
    endpoint_connect(client);
    CHECK_OK(pmqtt_disconnect_with(client->client, reason, NULL));
    AWAIT(tally_get(&client->record.disconnects) > ends);
    CHECK_RC(tally_get(&client->record.disconnect_rc), PMQTT_ERR_SUCCESS);
    AWAIT(!wire_is_open(client->wire));
}

/* 0x04 keeps the will, and 0x00 does not [MQTT5-3.1.2-10] [MQTT5-3.14.4-3]. */
static void disconnect_with_will(void)
{
    endpoint *receiver = endpoint_new("b", CLEAN), *client = endpoint_new("a", CLEAN);

    endpoint_connect(receiver);
    endpoint_subscribe(receiver, topic("t"), 1);
    leave(client, 0, "0x00");
    leave(client, DISCONNECT_WITH_WILL, "0x04");
    endpoint_expect(receiver, topic("t"), "0x04", 1);
}

/* The will is published, unless the reason is 0x00 [MQTT5-3.1.2-8]. */
static void disconnect_with_error(void)
{
    endpoint *receiver = endpoint_new("b", CLEAN), *client = endpoint_new("a", CLEAN);

    endpoint_connect(receiver);
    endpoint_subscribe(receiver, topic("t"), 1);
    leave(client, IMPLEMENTATION_SPECIFIC, "0x83");
    endpoint_expect(receiver, topic("t"), "0x83", 1);
    leave(client, QUOTA_EXCEEDED, "0x97");
    endpoint_expect(receiver, topic("t"), "0x97", 1);
}

/* A receiver that refuses a message does not get it again [MQTT5-4.4.0-2]. */
static void refused_by_receiver(int qos)
{
    static const pmqtt_pair PAIR = {"why", "it does not fit"};
    const char *at = topic("t");
    endpoint *sender = endpoint_new("a", CLEAN), *receiver = endpoint_new("b", KEPT);
    char room[64];
    pmqtt_property_writer writer = PMQTT_PROPERTY_WRITER(room);
    pmqtt_properties why;

    pmqtt_property_add_bytes(&writer, PMQTT_PROP_REASON_STRING, "full", 4);
    pmqtt_property_add_pair(&writer, PAIR.name, PAIR.value);
    CHECK_OK(pmqtt_property_finish(&writer, &why));
    CHECK_OK(pmqtt_manual_ack_set(receiver->client, PMQTT_ACK_IN_ORDER));
    endpoint_connect(receiver);
    endpoint_subscribe(receiver, at, qos);
    endpoint_connect(sender);
    endpoint_say(sender, at, "refused", qos);
    endpoint_expect(receiver, at, "refused", qos);
    CHECK_OK(pmqtt_ack_with(receiver->client, receiver->inbox[0].mid, qos, QUOTA_EXCEEDED, &why));
    AWAIT(wire_count(receiver->wire, TO_BROKER, qos == 1 ? PUBACK : PUBREC) == 1);
    endpoint_say(sender, at, "next", qos);
    endpoint_expect(receiver, at, "next", qos);
    CHECK_OK(pmqtt_ack(receiver->client, receiver->inbox[1].mid, qos));
    step("after the reconnect");
    endpoint_disconnect(receiver);
    endpoint_connect(receiver);
    CHECK(tally_get(&receiver->record.session_present));
    endpoint_say(sender, at, "last", qos);
    endpoint_expect(receiver, at, "last", qos);
}

static void refused_by_receiver_qos1(void)
{
    refused_by_receiver(1);
}

static void refused_by_receiver_qos2(void)
{
    refused_by_receiver(2);
}

const test_case REASON_CASES[] = {
    {"no_matching_subscribers", no_matching_subscribers, PMQTT_PROTOCOL_V5},
    {"publish_not_authorised_qos1", publish_not_authorised_qos1, PMQTT_PROTOCOL_V5},
    {"publish_not_authorised_qos2", publish_not_authorised_qos2, PMQTT_PROTOCOL_V5},
    {"connection_outlives_refusal", connection_outlives_refusal, PMQTT_PROTOCOL_V5},
    {"subscribe_not_authorised", subscribe_not_authorised, PMQTT_PROTOCOL_V5},
    {"unsubscribe_reasons", unsubscribe_reasons, PMQTT_PROTOCOL_V5},
    {"disconnect_of_broker", disconnect_of_broker, PMQTT_PROTOCOL_V5},
    {"disconnect_with_will", disconnect_with_will, 0},
    {"disconnect_with_error", disconnect_with_error, PMQTT_PROTOCOL_V5},
    {"refused_by_receiver_qos1", refused_by_receiver_qos1, PMQTT_PROTOCOL_V5},
    {"refused_by_receiver_qos2", refused_by_receiver_qos2, PMQTT_PROTOCOL_V5},
    {NULL, NULL, 0},
};
