/* Connections that end with messages in flight: the wire loses all packets of one type, and then the
 * connection. Both sides have a session, so the handshakes go on with the next connection. */
#include "endpoint.h"
#include "suite.h"

/* The messages have numbers from 0; the number of the one after them is COUNT.  The window of a broker may be as
 * small as that (receive maximum). */
enum { COUNT = 10 };

static void publish_all(endpoint *sender, const char *at, int qos)
{
    int number;

    for (number = 0; number < COUNT; number++)
        endpoint_say(sender, at, number_text(number), qos);
}

/* Each has come once before the one after them, or at least once if copies are allowed. */
static void check_counts(endpoint *receiver, bool copies)
{
    int times_received[COUNT + 1] = {0}, number;

    while (times_received[COUNT] == 0) {
        number = message_number(endpoint_take(receiver));
        CHECK(number >= 0 && number <= COUNT);
        times_received[number]++;
    }
    for (number = 0; number < COUNT; number++) {
        step("message %d", number);
        if (copies)
            CHECK(times_received[number] >= 1);
        else
            CHECK_INT(times_received[number], 1);
    }
}

/* The connection of the sender ends. */
static void cut_sender(int qos, enum way way, int type)
{
    const char *at = topic("t");
    endpoint *sender = endpoint_new("a", KEPT), *receiver = endpoint_new("b", CLEAN);

    endpoint_connect(receiver);
    endpoint_subscribe(receiver, at, 2);
    endpoint_connect(sender);
    wire_lose(sender->wire, way, type);
    publish_all(sender, at, qos);
    AWAIT(wire_count(sender->wire, way, type) == COUNT);
    endpoint_cut(sender);
    step("after the reconnect");
    endpoint_connect(sender);
    endpoint_settle(sender);
    endpoint_say(sender, at, number_text(COUNT), qos);
    check_counts(receiver, qos == 1);
}

/* [MQTT311-4.3.2-2] */
static void sender_without_puback(void)
{
    cut_sender(1, TO_CLIENT, PUBACK);
}

/* The broker has stored the identifiers, and knows the second PUBLISH of each [MQTT311-4.3.3-2]. */
static void sender_without_pubrec(void)
{
    cut_sender(2, TO_CLIENT, PUBREC);
}

static void sender_without_pubrel(void)
{
    cut_sender(2, TO_BROKER, PUBREL);
}

static void sender_without_pubcomp(void)
{
    cut_sender(2, TO_CLIENT, PUBCOMP);
}

/* Nothing is lost but the connection, after each number of PUBRECs: what the broker has not answered it
 * gets again, and delivers once. */
static void sender_cut_at_each_pubrec(void)
{
    const char *at = topic("t");
    endpoint *sender = endpoint_new("a", KEPT), *receiver = endpoint_new("b", CLEAN);
    int answers, before;

    endpoint_connect(receiver);
    endpoint_subscribe(receiver, at, 2);
    for (answers = 0; answers < COUNT; answers++) {
        endpoint_connect(sender);
        before = wire_count(sender->wire, TO_CLIENT, PUBREC);
        publish_all(sender, at, 2);
        AWAIT(wire_count(sender->wire, TO_CLIENT, PUBREC) >= before + answers);
        endpoint_cut(sender);
        endpoint_connect(sender);
        endpoint_settle(sender);
        endpoint_say(sender, at, number_text(COUNT), 2);
        endpoint_settle(sender);
        endpoint_disconnect(sender);
        check_counts(receiver, false);
    }
}

/* A receiver that is away while the messages for it come. */
static endpoint *receiver_of_messages(endpoint *sender, const char *at, int qos)
{
    endpoint *receiver = endpoint_new("b", KEPT);

    endpoint_connect(receiver);
    endpoint_subscribe(receiver, at, 2);
    endpoint_disconnect(receiver);
    endpoint_connect(sender);
    publish_all(sender, at, qos);
    endpoint_settle(sender);
    return receiver;
}

/* The connection of the receiver ends, at QoS 2.  The broker sends PUBLISH and PUBREL again, with their
 * identifiers [MQTT311-4.4.0-1], until each handshake is complete. */
static void cut_receiver(enum way way, int type)
{
    const char *at = topic("t");
    endpoint *sender = endpoint_new("a", CLEAN), *receiver = receiver_of_messages(sender, at, 2);
    int completed;

    wire_lose(receiver->wire, way, type);
    endpoint_connect(receiver);
    AWAIT(wire_count(receiver->wire, way, type) == COUNT);
    endpoint_cut(receiver);
    completed = wire_count(receiver->wire, TO_BROKER, PUBCOMP);
    step("after the reconnect");
    endpoint_connect(receiver);
    endpoint_say(sender, at, number_text(COUNT), 2);
    AWAIT(wire_count(receiver->wire, TO_BROKER, PUBCOMP) == completed + COUNT + 1);
    check_counts(receiver, false);
}

/* They come again, in order [MQTT311-4.6.0-6] and with DUP [MQTT311-3.3.1-1], until they are
 * acknowledged. */
static void receiver_without_puback(void)
{
    const char *at = topic("t");
    endpoint *sender = endpoint_new("a", CLEAN), *receiver = receiver_of_messages(sender, at, 1);
    const message *message;
    int number, turn;

    wire_lose(receiver->wire, TO_BROKER, PUBACK);
    for (turn = 0; turn < 2; turn++) {
        endpoint_connect(receiver);
        for (number = 0; number < COUNT; number++) {
            step("message %d, %s", number, turn == 0 ? "first" : "again");
            message = endpoint_take(receiver);
            CHECK_INT(message_number(message), number);
            CHECK_INT(message->dup, turn);
        }
        AWAIT(wire_count(receiver->wire, TO_BROKER, PUBACK) == (turn + 1) * COUNT);
        if (turn == 0)
            endpoint_cut(receiver);
        else
            endpoint_disconnect(receiver);
    }
    step("all are acknowledged");
    endpoint_connect(receiver);
    endpoint_say(sender, at, number_text(COUNT), 1);
    CHECK_INT(message_number(endpoint_take(receiver)), COUNT);
}

static void receiver_without_pubrec(void)
{
    cut_receiver(TO_BROKER, PUBREC);
}

static void receiver_without_pubrel(void)
{
    cut_receiver(TO_CLIENT, PUBREL);
}

static void receiver_without_pubcomp(void)
{
    cut_receiver(TO_BROKER, PUBCOMP);
}

const test_case IN_FLIGHT_CASES[] = {
    {"sender_without_puback", sender_without_puback, 0},
    {"sender_without_pubrec", sender_without_pubrec, 0},
    {"sender_without_pubrel", sender_without_pubrel, 0},
    {"sender_without_pubcomp", sender_without_pubcomp, 0},
    {"sender_cut_at_each_pubrec", sender_cut_at_each_pubrec, 0},
    {"receiver_without_puback", receiver_without_puback, 0},
    {"receiver_without_pubrec", receiver_without_pubrec, 0},
    {"receiver_without_pubrel", receiver_without_pubrel, 0},
    {"receiver_without_pubcomp", receiver_without_pubcomp, 0},
    {NULL, NULL, 0},
};
