/* The program acknowledges received messages when it wants to. Until then the broker keeps them, and
 * sends them again on the next connection. */
#include <string.h>

#include "broker.h"
#include "loops.h"
#include "record.h"

struct inbox {
    record record;
    uint64_t mid[3];
    int count[3];
    bool dup[3];
};

static void on_message(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    struct inbox *self = userdata;

    (void)client;
    self->mid[event->qos] = event->mid;
    self->dup[event->qos] = event->dup;
    self->count[event->qos]++;
    tally_add(&self->record.messages);
}

static void connect_again(loop *loop, record *seen)
{
    int connects = tally_get(&seen->connects);

    CHECK_OK(pmqtt_connect(loop->clients[0].client, BROKER_HOST, broker_port(), 60, NULL));
    RUN_UNTIL(loop, tally_get(&seen->connects) == connects + 1);
}

/* Returns when the broker has handled all that was written before. */
static void round_trip(loop *loop, record *seen)
{
    int unsubscribed = tally_get(&seen->unsubscribed);

    CHECK_OK(pmqtt_unsubscribe(loop->clients[0].client, "none", NULL));
    RUN_UNTIL(loop, tally_get(&seen->unsubscribed) == unsubscribed + 1);
}

int main(void)
{
    struct inbox seen;
    pmqtt_client *client;
    loop loop;
    int qos;

    watchdog(120);
    broker_start();
    memset(&seen, 0, sizeof seen);
    client = recorded_client("manual", &seen.record);
    CHECK_OK(pmqtt_on_message_set(client, on_message));
    CHECK_OK(pmqtt_manual_ack_set(client, true));
    loop_begin(&loop, &POLL_LOOP);
    loop_add(&loop, client);
    connect_again(&loop, &seen.record);
    CHECK_OK(pmqtt_subscribe(client, "manual", 2, NULL));
    RUN_UNTIL(&loop, tally_get(&seen.record.subscribed) == 1);

    step("three messages, none acknowledged");
    for (qos = 0; qos <= 2; qos++)
        CHECK_OK(pmqtt_publish(client, "manual", "x", 1, qos, false, NULL));
    RUN_UNTIL(&loop, tally_get(&seen.record.messages) == 3);
    RUN_UNTIL(&loop, tally_get(&seen.record.published) == 3);
    CHECK_INT(seen.mid[0], 0);
    CHECK_RC(pmqtt_ack(client, seen.mid[1], 2), PMQTT_ERR_NOT_FOUND);
    CHECK_RC(pmqtt_ack(client, seen.mid[2], 1), PMQTT_ERR_NOT_FOUND);
    CHECK_RC(pmqtt_ack(client, seen.mid[1], 3), PMQTT_ERR_INVAL);
    round_trip(&loop, &seen.record);

    /* A QoS 1 message is new again, and cannot be acknowledged meanwhile; a QoS 2 message is known,
     * and still can. */
    step("the next connection");
    CHECK_OK(pmqtt_disconnect(client));
    RUN_UNTIL(&loop, tally_get(&seen.record.disconnects) == 1);
    CHECK_RC(pmqtt_ack(client, seen.mid[1], 1), PMQTT_ERR_NOT_FOUND);
    connect_again(&loop, &seen.record);
    CHECK(tally_get(&seen.record.session_present));
    RUN_UNTIL(&loop, seen.count[1] == 2);
    CHECK(seen.dup[1]);
    round_trip(&loop, &seen.record);
    CHECK_INT(seen.count[0], 1);
    CHECK_INT(seen.count[2], 1);

    step("acknowledged");
    CHECK_OK(pmqtt_ack(client, seen.mid[1], 1));
    CHECK_OK(pmqtt_ack(client, seen.mid[2], 2));
    CHECK_RC(pmqtt_ack(client, seen.mid[1], 1), PMQTT_ERR_NOT_FOUND);
    CHECK_RC(pmqtt_ack(client, seen.mid[2], 2), PMQTT_ERR_NOT_FOUND);
    round_trip(&loop, &seen.record);

    /* The broker has forgotten them: another connection brings none. */
    connect_again(&loop, &seen.record);
    round_trip(&loop, &seen.record);
    CHECK_INT(tally_get(&seen.record.messages), 4);

    step("in any order, and at once");
    CHECK_INT(client_stats(client).acks_held, 0);
    CHECK_RC(pmqtt_manual_ack_set(client, 3), PMQTT_ERR_INVAL);
    CHECK_RC(pmqtt_manual_ack_set(client, -1), PMQTT_ERR_INVAL);
    CHECK_OK(pmqtt_manual_ack_set(client, PMQTT_ACK_AT_ONCE));

    step("by the library again");
    CHECK_OK(pmqtt_manual_ack_set(client, false));
    for (qos = 1; qos <= 2; qos++)
        CHECK_OK(pmqtt_publish(client, "manual", "x", 1, qos, false, NULL));
    RUN_UNTIL(&loop, tally_get(&seen.record.messages) == 6);
    CHECK_RC(pmqtt_ack(client, seen.mid[1], 1), PMQTT_ERR_NOT_FOUND);
    loop_end(&loop);
    client_free(client);
    return 0;
}
