/* Ten thousand messages through the broker to a second client: none is lost, none comes twice, each
 * is unchanged and in order. */
#include <stdio.h>
#include <string.h>

#include "broker.h"
#include "loops.h"
#include "record.h"

enum {
    MESSAGES = 10000,
    PAYLOAD = 100,
    /* The most messages that are published and not received yet. */
    AHEAD = 1000
};

struct receiver {
    record record;
    int qos;
};

/* Writes the number, and bytes that depend on it. */
static void write_payload(char payload[PAYLOAD], int number)
{
    int i;

    for (i = snprintf(payload, PAYLOAD, "%d", number) + 1; i < PAYLOAD; i++)
        payload[i] = (char)(number + i);
}

static void on_message(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    struct receiver *self = userdata;
    char expected[PAYLOAD];

    (void)client;
    write_payload(expected, tally_get(&self->record.messages));
    CHECK_TEXT(event->topic, "throughput");
    CHECK_INT(event->payload_len, PAYLOAD);
    CHECK_TEXT(event->payload, expected);
    CHECK_INT(memcmp(event->payload, expected, PAYLOAD), 0);
    CHECK_INT(event->qos, self->qos);
    CHECK(!event->retain && !event->dup);
    tally_add(&self->record.messages);
}

static void publish_all(loop *loop, pmqtt_client *client, record *sent, record *received)
{
    char payload[PAYLOAD];
    int number;
    int qos = tally_get(&sent->granted_qos);

    for (number = 0; number < MESSAGES; number++) {
        if (number % AHEAD == 0)
            RUN_UNTIL(loop, tally_get(&received->messages) > number - AHEAD);
        write_payload(payload, number);
        CHECK_OK(pmqtt_publish(client, "throughput", payload, PAYLOAD, qos, false, NULL));
    }
    RUN_UNTIL(loop, tally_get(&sent->published) == MESSAGES && tally_get(&received->messages) == MESSAGES);
}

static void send_through(const loop_kind *kind, int qos)
{
    record sent = {0};
    struct receiver received;
    pmqtt_client *sender, *receiver;
    loop loop;

    step("%s: %d messages at QoS %d", kind->name, MESSAGES, qos);
    memset(&received, 0, sizeof received);
    received.qos = qos;
    receiver = recorded_client(NULL, &received.record);
    CHECK_OK(pmqtt_user_data_set(receiver, &received));
    CHECK_OK(pmqtt_on_message_set(receiver, on_message));
    sender = recorded_client(NULL, &sent);
    loop_begin(&loop, kind);
    loop_add(&loop, receiver);
    loop_add(&loop, sender);
    CHECK_OK(pmqtt_connect(receiver, BROKER_HOST, broker_port(), 60, NULL));
    CHECK_OK(pmqtt_connect(sender, BROKER_HOST, broker_port(), 60, NULL));
    RUN_UNTIL(&loop, tally_get(&received.record.connects) == 1 && tally_get(&sent.connects) == 1);
    CHECK_OK(pmqtt_subscribe(receiver, "throughput", qos, NULL));
    RUN_UNTIL(&loop, tally_get(&received.record.subscribed) == 1);
    tally_set(&sent.granted_qos, qos);

    publish_all(&loop, sender, &sent, &received.record);
    CHECK_RC(tally_get(&sent.publish_rc), PMQTT_ERR_SUCCESS);
    CHECK_INT(client_stats(sender).messages_out, MESSAGES);
    CHECK_INT(client_stats(receiver).messages_in, MESSAGES);
    CHECK_INT(tally_get(&sent.disconnects) + tally_get(&received.record.disconnects), 0);
    loop_end(&loop);
    client_free(sender);
    client_free(receiver);
}

int main(void)
{
    static const loop_kind *const kinds[] = {&STEP_LOOP,  &POLL_LOOP,        &INTEREST_LOOP,
                                             &EVENT_POLL_LOOP, &EVENT_EPOLL_LOOP, &THREAD_LOOP};
    unsigned i;
    int qos;

    watchdog(240);
    broker_start();
    for (i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        for (qos = 0; qos <= 2; qos++)
            send_through(kinds[i], qos);
    }
    return 0;
}
