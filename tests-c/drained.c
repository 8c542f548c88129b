/* on_drained in each loop: it is called once for all messages published before it, after each on_publish. A
 * program that disconnects there loses nothing. */
#include "broker.h"
#include "loops.h"
#include "record.h"

enum { MESSAGES = 100, ROUNDS = 3, MORE = 10 };

struct program {
    record record;
    /* The messages that were published, and those that on_publish has still to publish. */
    tally accepted, more;
    bool leaves;
};

static void publish(pmqtt_client *client, struct program *self, int qos)
{
    CHECK_OK(pmqtt_publish(client, "drained", "x", 1, qos, false, NULL));
    tally_add(&self->accepted);
}

static void on_publish(pmqtt_client *client, void *userdata, const pmqtt_published *event)
{
    struct program *self = userdata;
    int more = tally_get(&self->more);

    CHECK_RC(event->rc, PMQTT_ERR_SUCCESS);
    tally_add(&self->record.published);
    /* The last outcome publishes another message. */
    if (more > 0 && tally_get(&self->record.published) == tally_get(&self->accepted)) {
        tally_set(&self->more, more - 1);
        publish(client, self, more % 3);
    }
}

static void on_drained(pmqtt_client *client, void *userdata, const pmqtt_drained *event)
{
    struct program *self = userdata;

    CHECK_INT(tally_get(&self->record.published), tally_get(&self->accepted));
    CHECK_INT(event->last_mid, tally_get(&self->accepted) + 1); /* plus one SUBSCRIBE */
    CHECK_INT(tally_get(&self->more), 0);
    CHECK_INT(client_stats(client).unsettled, 0);
    if (self->leaves)
        CHECK_OK(pmqtt_disconnect(client));
    tally_add(&self->record.drained);
}

static void drain_and_leave(const loop_kind *kind)
{
    struct program self = {0};
    pmqtt_client *client = recorded_client(NULL, &self.record);
    loop loop;
    int round, i;

    step("%s", kind->name);
    CHECK_OK(pmqtt_on_publish_set(client, on_publish));
    loop_begin(&loop, kind);
    loop_add(&loop, client);
    CHECK_OK(pmqtt_connect(client, BROKER_HOST, broker_port(), 60, NULL));
    RUN_UNTIL(&loop, tally_get(&self.record.connects) == 1);
    CHECK_OK(pmqtt_subscribe(client, "drained", 2, NULL));
    RUN_UNTIL(&loop, tally_get(&self.record.drained) == 1);
    CHECK_INT(tally_get(&self.record.subscribed), 1);

    CHECK_OK(pmqtt_on_drained_set(client, on_drained));
    for (round = 1; round <= ROUNDS; round++) {
        self.leaves = round == ROUNDS;
        /* All messages are published before the broker answers the first one. */
        broker_pause();
        tally_set(&self.more, MORE);
        for (i = 0; i < MESSAGES; i++)
            publish(client, &self, 1 + i % 2);
        broker_resume();
        RUN_UNTIL(&loop, tally_get(&self.record.drained) == 1 + round);
        CHECK_INT(tally_get(&self.record.published), round * (MESSAGES + MORE));
    }
    RUN_UNTIL(&loop, tally_get(&self.record.disconnects) == 1);
    CHECK_RC(tally_get(&self.record.disconnect_rc), PMQTT_ERR_SUCCESS);
    CHECK_INT(tally_get(&self.record.drained), 1 + ROUNDS);
    loop_end(&loop);
    client_free(client);
}

int main(void)
{
    static const loop_kind *const kinds[] = {&STEP_LOOP,       &POLL_LOOP,        &INTEREST_LOOP,
                                             &EVENT_POLL_LOOP, &EVENT_EPOLL_LOOP, &THREAD_LOOP};
    unsigned i;

    watchdog(240);
    broker_start();
    for (i = 0; i < sizeof kinds / sizeof *kinds; i++)
        drain_and_leave(kinds[i]);
    return 0;
}
