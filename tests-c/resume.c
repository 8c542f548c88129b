/* Durable sessions: what was published while the broker was dead, or was not acknowledged when it was
 * killed, still arrives.
 *
 * What mosquitto itself does: it answers before it saves. With autosave_on_changes it writes the
 * database at the end of the turn of its loop in which the change came. So a SIGKILL can lose what it
 * acknowledged in that turn, and the restart can restore a state that is one turn old. A QoS 2
 * handshake that continues from there may deliver a message again, or (after PUBREC) not at all. So
 * exactly once is checked where the broker has nothing of that to remember: for messages of which it
 * had read nothing, and for those that it had certainly saved. */
#include <string.h>

#include "broker.h"
#include "loops.h"
#include "record.h"

enum { MESSAGES = 60 };

/* Counts messages by their number, which is their payload. */
struct inbox {
    record record;
    int count[3][MESSAGES];
    /* The last new number at each QoS. */
    int last[3];
};

static void on_message(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    struct inbox *self = userdata;
    unsigned char number;

    (void)client;
    CHECK_INT(event->payload_len, 1);
    number = *(const unsigned char *)event->payload;
    CHECK(number < MESSAGES);
    CHECK(event->qos == 1 || event->qos == 2);
    tally_add(&self->record.messages);
    if (self->count[event->qos][number]++ == 0) {
        CHECK(number > self->last[event->qos]);
        self->last[event->qos] = number;
    }
}

/* Messages by their number; the sender makes no other requests, so the first mid is message 0. */
struct outbox {
    record record;
    bool settled[MESSAGES];
};

static void on_publish(pmqtt_client *client, void *userdata, const pmqtt_published *event)
{
    struct outbox *self = userdata;

    (void)client;
    CHECK(event->mid >= 1 && event->mid <= MESSAGES);
    CHECK(!self->settled[event->mid - 1]);
    CHECK_RC(event->rc, PMQTT_ERR_SUCCESS);
    self->settled[event->mid - 1] = true;
    tally_add(&self->record.published);
}

static void connect_to(loop *loop, pmqtt_client *client, record *seen)
{
    int connects = tally_get(&seen->connects);

    CHECK_OK(pmqtt_connect(client, BROKER_HOST, broker_port(), 60, NULL));
    RUN_UNTIL(loop, tally_get(&seen->connects) == connects + 1);
}

/* The receiver has a durable session: without a subscriber the broker would drop the messages. */
static void subscribe(loop *loop, pmqtt_client *client, record *seen)
{
    connect_to(loop, client, seen);
    CHECK_OK(pmqtt_subscribe(client, "resume", 2, NULL));
    RUN_UNTIL(loop, tally_get(&seen->subscribed) == 1);
}

/* Odd numbers at QoS 1, even ones at QoS 2. */
static void publish_all(pmqtt_client *client, int expected_rc)
{
    unsigned char number;

    for (number = 0; number < MESSAGES; number++)
        CHECK_RC(pmqtt_publish(client, "resume", &number, 1, number % 2 ? 1 : 2, false, NULL), expected_rc);
}

static bool is_lost(const record *seen)
{
    return tally_get(&seen->disconnects) == 1;
}

/* Two durable clients and the loop that runs them. */
struct stage {
    loop loop;
    pmqtt_client *sender, *receiver;
    struct outbox outbox;
    struct inbox inbox;
};

/* The broker knows both from the beginning, so its saved state contains both. */
static void stage_begin(struct stage *self, const char *sender, const char *receiver)
{
    memset(self, 0, sizeof *self);
    self->inbox.last[1] = self->inbox.last[2] = -1;
    self->receiver = recorded_client(receiver, &self->inbox.record);
    CHECK_OK(pmqtt_user_data_set(self->receiver, &self->inbox));
    CHECK_OK(pmqtt_on_message_set(self->receiver, on_message));
    self->sender = recorded_client(sender, &self->outbox.record);
    CHECK_OK(pmqtt_user_data_set(self->sender, &self->outbox));
    CHECK_OK(pmqtt_on_publish_set(self->sender, on_publish));
    loop_begin(&self->loop, &POLL_LOOP);
    loop_add(&self->loop, self->receiver);
    loop_add(&self->loop, self->sender);
    subscribe(&self->loop, self->receiver, &self->inbox.record);
    connect_to(&self->loop, self->sender, &self->outbox.record);
    broker_save();
}

static void stage_kill_broker(struct stage *self)
{
    broker_kill();
    RUN_UNTIL(&self->loop, is_lost(&self->outbox.record));
    RUN_UNTIL(&self->loop, is_lost(&self->inbox.record));
}

static void stage_reconnect(struct stage *self)
{
    connect_to(&self->loop, self->receiver, &self->inbox.record);
    CHECK(tally_get(&self->inbox.record.session_present));
    connect_to(&self->loop, self->sender, &self->outbox.record);
    CHECK(tally_get(&self->outbox.record.session_present));
}

/* The broker answers UNSUBSCRIBE after everything that it still had for the receiver. */
static void check_once(struct stage *self)
{
    int number;

    RUN_UNTIL(&self->loop, tally_get(&self->inbox.record.messages) >= MESSAGES);
    CHECK_OK(pmqtt_unsubscribe(self->receiver, "resume", NULL));
    RUN_UNTIL(&self->loop, tally_get(&self->inbox.record.unsubscribed) == 1);
    for (number = 0; number < MESSAGES; number++) {
        CHECK_INT(self->inbox.count[1][number], number % 2);
        CHECK_INT(self->inbox.count[2][number], 1 - number % 2);
    }
}

static void stage_end(struct stage *self)
{
    loop_end(&self->loop);
    client_free(self->sender);
    client_free(self->receiver);
}

static void publish_to_a_dead_broker(void)
{
    struct stage stage;

    step("published while the broker is dead");
    stage_begin(&stage, "dead-sender", "dead-receiver");
    stage_kill_broker(&stage);
    publish_all(stage.sender, PMQTT_ERR_NO_CONN);
    CHECK_INT(client_stats(stage.sender).queued_messages, MESSAGES);

    broker_start();
    stage_reconnect(&stage);
    RUN_UNTIL(&stage.loop, tally_get(&stage.outbox.record.published) == MESSAGES);
    check_once(&stage);
    stage_end(&stage);
}

/* The window is full of written messages, of which the broker has read none. */
static void kill_before_acknowledgement(void)
{
    struct stage stage;

    step("not acknowledged when the broker is killed");
    stage_begin(&stage, "unread-sender", "unread-receiver");
    broker_pause();
    publish_all(stage.sender, PMQTT_ERR_SUCCESS);
    RUN_UNTIL(&stage.loop, !pmqtt_want_write(stage.sender));
    CHECK_INT(client_stats(stage.sender).in_flight, 20);
    CHECK_INT(client_stats(stage.sender).unsettled, MESSAGES);
    stage_kill_broker(&stage);
    CHECK_INT(tally_get(&stage.outbox.record.published), 0);

    broker_start();
    stage_reconnect(&stage);
    RUN_UNTIL(&stage.loop, tally_get(&stage.outbox.record.published) == MESSAGES);
    check_once(&stage);
    stage_end(&stage);
}

/* The receiver is offline, and the broker has saved all messages when it dies. */
static void kill_after_save(void)
{
    struct stage stage;

    step("kept by the broker for a receiver that is away");
    stage_begin(&stage, "saved-sender", "saved-receiver");
    CHECK_OK(pmqtt_disconnect(stage.receiver));
    RUN_UNTIL(&stage.loop, is_lost(&stage.inbox.record));
    publish_all(stage.sender, PMQTT_ERR_SUCCESS);
    RUN_UNTIL(&stage.loop, tally_get(&stage.outbox.record.published) == MESSAGES);
    broker_save();
    broker_kill();
    RUN_UNTIL(&stage.loop, is_lost(&stage.outbox.record));

    broker_start();
    stage_reconnect(&stage);
    check_once(&stage);
    stage_end(&stage);
}

/* All QoS 1 messages without an answer at the kill have arrived since. */
static bool has_come(const struct inbox *inbox, const bool answered[MESSAGES])
{
    int number;

    for (number = 1; number < MESSAGES; number += 2) {
        if (!answered[number] && inbox->count[1][number] == 0)
            return false;
    }
    return true;
}

/* Each message has one outcome, and QoS 1 messages without an answer arrive at least once. The rest
 * depends on the broker. */
static void kill_in_the_middle(void)
{
    struct stage stage;
    bool answered[MESSAGES];

    step("killed in the middle");
    stage_begin(&stage, "middle-sender", "middle-receiver");
    publish_all(stage.sender, PMQTT_ERR_SUCCESS);
    RUN_UNTIL(&stage.loop, tally_get(&stage.outbox.record.published) >= MESSAGES / 4);
    stage_kill_broker(&stage);
    memcpy(answered, stage.outbox.settled, sizeof answered);

    broker_start();
    stage_reconnect(&stage);
    RUN_UNTIL(&stage.loop, tally_get(&stage.outbox.record.published) == MESSAGES);
    RUN_UNTIL(&stage.loop, has_come(&stage.inbox, answered));
    stage_end(&stage);
}

int main(void)
{
    watchdog(240);
    broker_start();
    publish_to_a_dead_broker();
    kill_before_acknowledgement();
    kill_after_save();
    kill_in_the_middle();
    return 0;
}
