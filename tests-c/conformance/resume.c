/* Handshakes of QoS 2 that a new connection resumes, or that end with the session. */
#include <string.h>

#include "endpoint.h"
#include "suite.h"

enum { COUNT = 10, DUP = 0x08 };

/* With or without a connection. */
static void publish(endpoint *sender, int from, int to)
{
    for (; from < to; from++) {
        pmqtt_publication new = {
            PMQTT_PUBLICATION_INIT, .topic = topic("t"), .payload = number_text(from),
            .payload_len = strlen(number_text(from)), .qos = 2,
        };

        endpoint_send(sender, &new);
    }
}

static endpoint *subscriber(void)
{
    endpoint *self = endpoint_new("b", CLEAN);

    endpoint_connect(self);
    endpoint_subscribe(self, topic("t"), 2);
    return self;
}

static void expect_numbers(endpoint *receiver, int from, int to)
{
    for (; from < to; from++) {
        step("message %d", from);
        endpoint_expect(receiver, topic("t"), number_text(from), 2);
    }
}

/* A clean start with the client's identifier. */
static void lose_session(void)
{
    endpoint *other = endpoint_new("a", CLEAN);

    endpoint_connect(other);
    endpoint_disconnect(other);
}

/* PUBRELs go first, and all of them, whatever the window has room for. */
static void resume_with_pubrels(void)
{
    endpoint *receiver = subscriber(), *sender = endpoint_new("a", KEPT);

    CHECK_OK(pmqtt_max_inflight_messages_set(sender->client, COUNT));
    endpoint_connect(sender);
    wire_lose(sender->wire, TO_BROKER, PUBREL);
    publish(sender, 0, COUNT);
    AWAIT(wire_count(sender->wire, TO_BROKER, PUBREL) == COUNT);
    endpoint_cut(sender);
    publish(sender, COUNT, 3 * COUNT);
    step("after the reconnect");
    endpoint_connect(sender);
    CHECK(tally_get(&sender->record.session_present));
    endpoint_settle(sender);
    CHECK_INT(endpoint_count(sender, PMQTT_ERR_SUCCESS), 3 * COUNT);
    /* More of them if the broker sends PUBRECs again. */
    CHECK(wire_count(sender->wire, TO_BROKER, PUBREL) >= 4 * COUNT);
    CHECK_INT(wire_count(sender->wire, TO_BROKER, PUBLISH), 3 * COUNT);
    expect_numbers(receiver, 0, 3 * COUNT);
}

/* What was answered with PUBREC is in doubt at once, and its PUBREL is not sent [MQTT5-3.2.2-5]. */
static void session_lost_after_pubrec(void)
{
    endpoint *receiver = subscriber(), *sender = endpoint_new("a", KEPT);
    int i;

    endpoint_connect(sender);
    wire_lose(sender->wire, TO_BROKER, PUBREL);
    publish(sender, 0, COUNT);
    AWAIT(wire_count(sender->wire, TO_BROKER, PUBREL) == COUNT);
    endpoint_cut(sender);
    lose_session();
    step("after the reconnect");
    endpoint_connect(sender);
    CHECK(!tally_get(&sender->record.session_present));
    AWAIT(sender->outcome_count == COUNT);
    for (i = 0; i < COUNT; i++)
        CHECK_RC(sender->outcomes[i].rc, PMQTT_ERR_IN_DOUBT);
    CHECK_INT(wire_count(sender->wire, TO_BROKER, PUBREL), COUNT);
    publish(sender, COUNT, 2 * COUNT);
    AWAIT(endpoint_count(sender, PMQTT_ERR_SUCCESS) == COUNT);
    /* These brokers pass a message on upon PUBLISH or upon PUBREL. */
    while (receiver->taken == 0 || message_number(&receiver->inbox[receiver->taken - 1]) != 2 * COUNT - 1)
        endpoint_take(receiver);
    CHECK(receiver->taken == COUNT || receiver->taken == 2 * COUNT);
}

/* What was not answered is published as new [MQTT5-3.2.2-5]. */
static void session_lost_before_pubrec(void)
{
    endpoint *receiver = subscriber(), *sender = endpoint_new("a", KEPT);
    unsigned char packet[100];

    endpoint_connect(sender);
    wire_lose(sender->wire, TO_BROKER, PUBLISH);
    publish(sender, 0, COUNT);
    AWAIT(wire_count(sender->wire, TO_BROKER, PUBLISH) == COUNT);
    endpoint_cut(sender);
    lose_session();
    step("after the reconnect");
    endpoint_connect(sender);
    endpoint_settle(sender);
    CHECK_INT(endpoint_count(sender, PMQTT_ERR_SUCCESS), COUNT);
    CHECK(wire_last(sender->wire, TO_BROKER, PUBLISH, packet, sizeof packet) > 0);
    CHECK_INT(packet[0] & DUP, 0);
    expect_numbers(receiver, 0, COUNT);
}

/* The same with the session kept: sent again, with DUP [MQTT5-3.3.1-1] [MQTT5-4.4.0-1]. */
static void resume_before_pubrec(void)
{
    endpoint *receiver = subscriber(), *sender = endpoint_new("a", KEPT);
    unsigned char packet[100];

    endpoint_connect(sender);
    wire_lose(sender->wire, TO_BROKER, PUBLISH);
    publish(sender, 0, COUNT);
    AWAIT(wire_count(sender->wire, TO_BROKER, PUBLISH) == COUNT);
    endpoint_cut(sender);
    step("after the reconnect");
    endpoint_connect(sender);
    endpoint_settle(sender);
    CHECK(wire_last(sender->wire, TO_BROKER, PUBLISH, packet, sizeof packet) > 0);
    CHECK_INT(packet[0] & DUP, DUP);
    expect_numbers(receiver, 0, COUNT);
}

/* Under load, the window of the sender is what it wants, or what the broker accepts if that is less. */
static void flow_control(void)
{
    enum { LOAD = 5000, WINDOW = 65535 };
    endpoint *receiver = subscriber(), *sender = endpoint_new("a", KEPT);

    CHECK_OK(pmqtt_max_inflight_messages_set(sender->client, WINDOW));
    CHECK_OK(pmqtt_max_queued_messages_set(sender->client, 0));
    endpoint_connect(sender);
    publish(sender, 0, LOAD);
    expect_numbers(receiver, 0, LOAD);
    endpoint_settle(sender);
    CHECK_INT(endpoint_count(sender, PMQTT_ERR_SUCCESS), LOAD);
    CHECK_INT(tally_get(&sender->record.disconnects), 0);
    CHECK_INT(tally_get(&receiver->record.disconnects), 0);
}

const test_case RESUME_CASES[] = {
    {"resume_with_pubrels", resume_with_pubrels, PMQTT_PROTOCOL_V5},
    {"resume_before_pubrec", resume_before_pubrec, PMQTT_PROTOCOL_V5},
    {"session_lost_after_pubrec", session_lost_after_pubrec, PMQTT_PROTOCOL_V5},
    {"session_lost_before_pubrec", session_lost_before_pubrec, PMQTT_PROTOCOL_V5},
    {"flow_control", flow_control, PMQTT_PROTOCOL_V5},
    {NULL, NULL, 0},
};
