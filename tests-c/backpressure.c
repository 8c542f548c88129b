/* A full queue refuses, on_writable is called once when there is room again, and nothing that was
 * accepted is lost. This holds by number of messages and by bytes, at each QoS, in each loop. */
#include "broker.h"
#include "loops.h"
#include "record.h"

enum { SIZE = 100000, MOST_MESSAGES = 30, MOST_BYTES = 20 * SIZE };

static char payload[SIZE];

/* Publishes until the queue is full, and returns how many messages it took. */
static int fill(pmqtt_client *client, int qos)
{
    const uint64_t untouched = 12345;
    uint64_t mid = untouched;
    int accepted = 0;
    int rc;

    while ((rc = pmqtt_publish(client, "pressure", payload, SIZE, qos, false, &mid)) == PMQTT_ERR_SUCCESS) {
        mid = untouched;
        accepted++;
    }
    CHECK_RC(rc, PMQTT_ERR_QUEUE_SIZE);
    CHECK_INT(mid, untouched);
    return accepted;
}

/* No message has its outcome before its acknowledgement. Bytes go to the socket at any time, and make
 * room. */
static void check_still_full(pmqtt_client *client, int qos, const record *seen, int round)
{
    CHECK_RC(pmqtt_publish(client, "pressure", payload, SIZE, qos, false, NULL), PMQTT_ERR_QUEUE_SIZE);
    CHECK_INT(tally_get(&seen->writable), round - 1);
}

/* The broker takes nothing for a while, several times. */
static void fill_and_go_on(const loop_kind *kind, int qos, bool by_bytes)
{
    record seen = {0};
    pmqtt_client *client = recorded_client(NULL, &seen);
    loop loop;
    int accepted = 0, round;

    step("%s: QoS %d, by %s", kind->name, qos, by_bytes ? "bytes" : "messages");
    CHECK_OK(pmqtt_message_retry_set(client, 0));
    if (by_bytes)
        CHECK_OK(pmqtt_max_queued_bytes_set(client, MOST_BYTES));
    else
        CHECK_OK(pmqtt_max_queued_messages_set(client, MOST_MESSAGES));
    loop_begin(&loop, kind);
    loop_add(&loop, client);
    CHECK_OK(pmqtt_connect(client, BROKER_HOST, broker_port(), 60, NULL));
    RUN_UNTIL(&loop, tally_get(&seen.connects) == 1);

    for (round = 1; round <= 3; round++) {
        broker_pause();
        accepted += fill(client, qos);
        /* A message in the window is kept, and a copy of it may wait for the socket. */
        CHECK(client_stats(client).queued_bytes <= 2 * MOST_BYTES || !by_bytes);
        if (!by_bytes)
            check_still_full(client, qos, &seen, round);
        broker_resume();
        RUN_UNTIL(&loop, tally_get(&seen.published) == accepted);
        RUN_UNTIL(&loop, tally_get(&seen.writable) == round);
        CHECK_INT(client_stats(client).unsettled, 0);
        CHECK_INT(client_stats(client).queued_bytes, 0);
    }
    CHECK_RC(tally_get(&seen.publish_rc), PMQTT_ERR_SUCCESS);
    CHECK_INT(client_stats(client).messages_out, accepted);
    CHECK(accepted >= 3 * (by_bytes ? MOST_BYTES / SIZE / 2 - 1 : MOST_MESSAGES));
    loop_end(&loop);
    client_free(client);
}

int main(void)
{
    static const loop_kind *const kinds[] = {&STEP_LOOP, &POLL_LOOP, &INTEREST_LOOP, &EVENT_EPOLL_LOOP, &THREAD_LOOP};
    unsigned i;
    int qos;

    watchdog(240);
    broker_start();
    for (i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        for (qos = 0; qos <= 2; qos++)
            fill_and_go_on(kinds[i], qos, true);
        for (qos = 1; qos <= 2; qos++)
            fill_and_go_on(kinds[i], qos, false);
    }
    return 0;
}
