/* 64 MiB over TLS in a program's own loop: bytes that OpenSSL has already taken from the socket wake
 * no poll, and must not be forgotten. */
#include <stdlib.h>
#include <string.h>

#include "loops.h"
#include "record.h"
#include "tls_listeners.h"

enum {
    PAYLOAD = 16 * 1024,
    MESSAGES = 64 * 1024 * 1024 / PAYLOAD,
    /* The most messages that are published and not received yet. */
    AHEAD = 64
};

static int port;

typedef struct receiver {
    record seen;
    int qos;
    bool has_come[MESSAGES];
} receiver;

static void write_payload(char payload[PAYLOAD], int number)
{
    memset(payload, number % 251, PAYLOAD);
    memcpy(payload, &number, sizeof number);
}

static void on_message(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    receiver *self = userdata;
    char expected[PAYLOAD];
    int number;

    (void)client;
    CHECK_INT(event->payload_len, PAYLOAD);
    memcpy(&number, event->payload, sizeof number);
    write_payload(expected, number);
    CHECK_INT(memcmp(event->payload, expected, PAYLOAD), 0);
    CHECK_INT(event->qos, self->qos);
    /* In any order: mosquitto 2.0 changes the order of messages that wait for room in its window. */
    CHECK(number >= 0 && number < MESSAGES && !self->has_come[number]);
    self->has_come[number] = true;
    tally_add(&self->seen.messages);
}

static pmqtt_client *connected_client(loop *loop, record *seen)
{
    pmqtt_client *client = recorded_client(NULL, seen);

    CHECK_OK(pmqtt_tls_set(client, "authority.pem", NULL, NULL, PMQTT_CERT_REQUIRED, 0, NULL));
    loop_add(loop, client);
    /* No keep-alive, which would wake a loop that has stalled. */
    CHECK_OK(pmqtt_connect(client, "127.0.0.1", port, 0, NULL));
    RUN_UNTIL(loop, tally_get(&seen->connects) == 1);
    return client;
}

static void publish_all(loop *loop, pmqtt_client *client, const record *received, int qos)
{
    char payload[PAYLOAD];
    int number;

    for (number = 0; number < MESSAGES; number++) {
        RUN_UNTIL(loop, tally_get(&received->messages) > number - AHEAD);
        write_payload(payload, number);
        CHECK_OK(pmqtt_publish(client, "bulk", payload, PAYLOAD, qos, false, NULL));
    }
}

static void send_through(int qos)
{
    static receiver to;
    record from = {0};
    pmqtt_client *receiving, *sending;
    loop loop;

    step("%d messages of %d bytes at QoS %d", MESSAGES, PAYLOAD, qos);
    memset(&to, 0, sizeof to);
    to.qos = qos;
    loop_begin(&loop, &POLL_LOOP);
    receiving = connected_client(&loop, &to.seen);
    CHECK_OK(pmqtt_on_message_set(receiving, on_message));
    sending = connected_client(&loop, &from);
    CHECK_OK(pmqtt_subscribe(receiving, "bulk", qos, NULL));
    RUN_UNTIL(&loop, tally_get(&to.seen.subscribed) == 1);

    publish_all(&loop, sending, &to.seen, qos);
    RUN_UNTIL(&loop, tally_get(&from.published) == MESSAGES && tally_get(&to.seen.messages) == MESSAGES);
    CHECK_INT(tally_get(&from.disconnects) + tally_get(&to.seen.disconnects), 0);
    loop_end(&loop);
    client_free(sending);
    client_free(receiving);
}

int main(int argc, char **argv)
{
    int qos;

    CHECK_INT(argc, 2);
    port = atoi(argv[1]) + ADDRESSED;
    watchdog(240);
    for (qos = 0; qos <= 2; qos++)
        send_through(qos);
    return 0;
}
