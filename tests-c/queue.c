/* Queue options: each message has one outcome, and the remaining messages arrive in their order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker.h"
#include "loops.h"
#include "record.h"

enum { MESSAGES = 20000, TOPICS = 100, MOST = 50 };

struct queue {
    record record;
    tally dropped;
    /* The outcome of each mid, plus 1; 0: none yet. */
    int outcome[MESSAGES + 10];
    long last;
};

static void on_publish(pmqtt_client *client, void *userdata, const pmqtt_published *event)
{
    struct queue *self = userdata;

    (void)client;
    CHECK(event->mid < MESSAGES + 10);
    CHECK_INT(self->outcome[event->mid], 0);
    self->outcome[event->mid] = event->rc + 1;
    if (event->rc == PMQTT_ERR_DROPPED)
        tally_add(&self->dropped);
    tally_add(&self->record.published);
}

/* Requests made in on_connect go out before the queued messages. */
static void on_connect(pmqtt_client *client, void *userdata, const pmqtt_connected *event)
{
    struct queue *self = userdata;

    CHECK_INT(event->rc, 0);
    CHECK_OK(pmqtt_subscribe(client, "queue/#", 2, NULL));
    tally_add(&self->record.connects);
}

static void on_message(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    struct queue *self = userdata;
    char text[20] = "";
    long number;

    (void)client;
    CHECK(event->payload_len < sizeof text);
    memcpy(text, event->payload, event->payload_len);
    number = atol(text);
    CHECK(number > self->last);
    self->last = number;
    tally_add(&self->record.messages);
}

static struct queue *queue_new(void)
{
    struct queue *self = calloc(1, sizeof *self);

    CHECK(self != NULL);
    return self;
}

static pmqtt_client *queue_client(struct queue *self, pmqtt_queue_options options)
{
    pmqtt_client *client = recorded_client(NULL, &self->record);

    options.struct_size = sizeof options;
    CHECK_OK(pmqtt_queue_options_set(client, &options));
    CHECK_OK(pmqtt_on_publish_set(client, on_publish));
    CHECK_OK(pmqtt_on_connect_set(client, on_connect));
    CHECK_OK(pmqtt_on_message_set(client, on_message));
    return client;
}

/* Publishes a message whose payload and mid are its number. */
static void publish(pmqtt_client *client, long number, int topics, int qos, int expected_rc)
{
    char topic[30], payload[20];
    uint64_t mid;

    snprintf(topic, sizeof topic, "queue/%ld", number % topics);
    snprintf(payload, sizeof payload, "%ld", number);
    CHECK_RC(pmqtt_publish(client, topic, payload, strlen(payload), qos, false, &mid), expected_rc);
    CHECK_INT(mid, number);
}

static void flood(const loop_kind *kind, pmqtt_queue_options options, int left)
{
    struct queue *self = queue_new();
    pmqtt_client *client = queue_client(self, options);
    loop loop;
    long number;

    step("%s: %d messages, %d of them left", kind->name, MESSAGES, left);
    if (options.when_full)
        CHECK_OK(pmqtt_max_queued_messages_set(client, left));
    for (number = 1; number <= MESSAGES; number++)
        publish(client, number, TOPICS, 1, PMQTT_ERR_NO_CONN);
    CHECK_INT(client_stats(client).queued_messages, left);
    CHECK_INT(client_stats(client).messages_dropped, MESSAGES - left);
    CHECK(client_stats(client).queued_bytes < 200000);

    loop_begin(&loop, kind);
    loop_add(&loop, client);
    CHECK_OK(pmqtt_connect(client, BROKER_HOST, broker_port(), 60, NULL));
    RUN_UNTIL(&loop, tally_get(&self->record.messages) == left);
    RUN_UNTIL(&loop, tally_get(&self->record.published) == MESSAGES);
    CHECK_INT(tally_get(&self->dropped), MESSAGES - left);
    for (number = 1; number <= MESSAGES; number++)
        CHECK_INT(self->outcome[number] - 1, number <= MESSAGES - left ? PMQTT_ERR_DROPPED : PMQTT_ERR_SUCCESS);
    loop_end(&loop);
    client_free(client);
    free(self);
}

/* Messages of each QoS wait for the connection, and keep their order. */
static void keep(void)
{
    struct queue *self = queue_new();
    pmqtt_client *client = queue_client(self, (pmqtt_queue_options){.keep_qos0 = true});
    loop loop;
    long number;

    step("each QoS waits for a connection");
    for (number = 1; number <= MOST; number++)
        publish(client, number, 1, number % 3, number % 3 ? PMQTT_ERR_NO_CONN : PMQTT_ERR_SUCCESS);
    loop_begin(&loop, &THREAD_LOOP);
    loop_add(&loop, client);
    CHECK_OK(pmqtt_max_inflight_messages_set(client, 1));
    CHECK_OK(pmqtt_connect(client, BROKER_HOST, broker_port(), 60, NULL));
    RUN_UNTIL(&loop, tally_get(&self->record.published) == MOST);
    RUN_UNTIL(&loop, tally_get(&self->record.messages) == MOST);
    for (number = 1; number <= MOST; number++)
        CHECK_INT(self->outcome[number] - 1, PMQTT_ERR_SUCCESS);
    CHECK_INT(client_stats(client).unsettled, 0);
    CHECK_INT(client_stats(client).messages_out, MOST);
    loop_end(&loop);
    client_free(client);
    free(self);
}

/* A batch is accepted as far as the queue has room. */
static void batches(void)
{
    struct queue *self = queue_new();
    pmqtt_client *client = queue_client(self, (pmqtt_queue_options){.keep_qos0 = false});
    pmqtt_publication messages[MOST];
    char payloads[MOST][20];
    uint64_t first;
    size_t accepted;
    loop loop;
    int number;

    step("batches");
    for (number = 0; number < MOST; number++) {
        snprintf(payloads[number], sizeof *payloads, "%d", number + 1);
        messages[number] = (pmqtt_publication){
            .struct_size = sizeof *messages, .topic = "queue/batch", .payload = payloads[number], .payload_len = strlen(payloads[number]), .qos = 1};
    }
    CHECK_OK(pmqtt_publish_batch(client, NULL, 0, &accepted, &first));
    CHECK_INT(accepted, 0);
    CHECK_OK(pmqtt_max_queued_messages_set(client, MOST / 2));
    CHECK_RC(pmqtt_publish_batch(client, messages, MOST, &accepted, &first), PMQTT_ERR_NO_CONN);
    CHECK_INT(accepted, MOST / 2);
    CHECK_INT(first, 1);
    loop_begin(&loop, &THREAD_LOOP);
    loop_add(&loop, client);
    CHECK_OK(pmqtt_connect(client, BROKER_HOST, broker_port(), 60, NULL));
    RUN_UNTIL(&loop, tally_get(&self->record.messages) == MOST / 2);
    RUN_UNTIL(&loop, client_stats(client).unsettled == 0);
    /* The SUBSCRIBE of on_connect has a mid, too. */
    CHECK_OK(pmqtt_publish_batch(client, messages + accepted, MOST - accepted, &accepted, &first));
    CHECK_INT(accepted, MOST / 2);
    CHECK_INT(first, MOST / 2 + 2);
    RUN_UNTIL(&loop, tally_get(&self->record.messages) == MOST);
    RUN_UNTIL(&loop, tally_get(&self->record.published) == MOST);
    CHECK_INT(self->outcome[first + accepted - 1] - 1, PMQTT_ERR_SUCCESS);
    loop_end(&loop);
    client_free(client);
    free(self);
}

/* Cancels messages at each stage: while they wait for a connection, and for an answer. */
static void cancel(const loop_kind *kind)
{
    struct queue *self = queue_new();
    pmqtt_client *client = queue_client(self, (pmqtt_queue_options){.keep_qos0 = true});
    loop loop;
    long number;

    step("%s: messages that nobody wants any more", kind->name);
    for (number = 1; number <= 9; number++)
        publish(client, number, 1, number % 3, number % 3 ? PMQTT_ERR_NO_CONN : PMQTT_ERR_SUCCESS);
    CHECK_OK(pmqtt_cancel(client, 5));
    CHECK_RC(pmqtt_cancel(client, 5), PMQTT_ERR_NOT_FOUND);
    CHECK_OK(pmqtt_queue_clear(client));
    CHECK_INT(client_stats(client).unsettled, 0);
    CHECK_INT(client_stats(client).messages_cancelled, 9);
    publish(client, 10, 1, 1, PMQTT_ERR_NO_CONN);
    loop_begin(&loop, kind);
    loop_add(&loop, client);
    CHECK_OK(pmqtt_connect(client, BROKER_HOST, broker_port(), 60, NULL));
    RUN_UNTIL(&loop, tally_get(&self->record.messages) == 1);
    RUN_UNTIL(&loop, tally_get(&self->record.published) == 10);
    for (number = 1; number <= 10; number++)
        CHECK_INT(self->outcome[number] - 1, number < 10 ? PMQTT_ERR_CANCELLED : PMQTT_ERR_SUCCESS);

    /* The subscription had mid 11. */
    broker_pause();
    publish(client, 12, 1, 1, PMQTT_ERR_SUCCESS);
    publish(client, 13, 1, 2, PMQTT_ERR_SUCCESS);
    RUN_UNTIL(&loop, client_stats(client).in_flight == 2);
    CHECK_OK(pmqtt_cancel(client, 12));
    CHECK_RC(pmqtt_cancel(client, 13), PMQTT_ERR_BUSY);
    RUN_UNTIL(&loop, tally_get(&self->record.published) == 11);
    CHECK_INT(self->outcome[12] - 1, PMQTT_ERR_CANCELLED);
    CHECK_INT(client_stats(client).unsettled, 1);
    broker_resume();
    RUN_UNTIL(&loop, tally_get(&self->record.published) == 12);
    RUN_UNTIL(&loop, client_stats(client).in_flight == 0);
    CHECK_INT(self->outcome[13] - 1, PMQTT_ERR_SUCCESS);
    loop_end(&loop);
    client_free(client);
    free(self);
}

/* Publishes a message that expires after expiry_s seconds; 0: never. Returns its mid. */
static uint64_t publish_for(pmqtt_client *client, int number, int qos, unsigned expiry_s, int expected_rc)
{
    char payload[20];
    pmqtt_publication message = {.struct_size = sizeof message, .topic = "queue/limit", .payload = payload, .qos = qos};
    uint64_t mid;

    snprintf(payload, sizeof payload, "%d", number);
    message.payload_len = strlen(payload);
    message.expiry_s = expiry_s;
    CHECK_RC(pmqtt_publish_batch(client, &message, 1, NULL, &mid), expected_rc);
    return mid;
}

/* Messages expire while the client waits to reconnect, if the loop does that, and while the window is full. */
static void expire(const loop_kind *kind)
{
    struct queue *self = queue_new();
    pmqtt_client *client = queue_client(self, (pmqtt_queue_options){.keep_qos0 = true});
    long long begun;
    uint64_t late, sent;
    loop loop;
    int number;

    step("%s: messages that are not sent in time", kind->name);
    CHECK_OK(pmqtt_reconnect_delay_set(client, 60, 60));
    CHECK_OK(pmqtt_max_inflight_messages_set(client, 1));
    loop_begin(&loop, kind);
    loop_add(&loop, client);
    CHECK_OK(pmqtt_connect_async(client, BROKER_HOST, 1, 60, NULL));
    RUN_UNTIL(&loop, tally_get(&self->record.connect_fails) == 1);
    CHECK(pmqtt_next_timeout_ms(client) < 0 || pmqtt_next_timeout_ms(client) > 20000);
    begun = now_ms();
    for (number = 1; number <= 6; number++)
        CHECK_INT(publish_for(client, number, number % 3, number % 2, number % 3 ? PMQTT_ERR_NO_CONN : PMQTT_ERR_SUCCESS), number);
    CHECK(pmqtt_next_timeout_ms(client) >= 0 && pmqtt_next_timeout_ms(client) <= 1000);
    RUN_UNTIL(&loop, tally_get(&self->record.published) == 3);
    CHECK(now_ms() - begun >= 1000);
    for (number = 1; number <= 6; number++)
        CHECK_INT(self->outcome[number] - 1, number % 2 ? PMQTT_ERR_EXPIRED : -1);
    CHECK_INT(client_stats(client).messages_expired, 3);
    CHECK_INT(client_stats(client).unsettled, 3);
    CHECK(pmqtt_next_timeout_ms(client) < 0 || pmqtt_next_timeout_ms(client) > 20000);
    CHECK_OK(pmqtt_connect(client, BROKER_HOST, broker_port(), 60, NULL));
    RUN_UNTIL(&loop, tally_get(&self->record.messages) == 3);
    RUN_UNTIL(&loop, tally_get(&self->record.published) == 6);

    broker_pause();
    sent = publish_for(client, 7, 1, 1, PMQTT_ERR_SUCCESS);
    late = publish_for(client, 8, 1, 1, PMQTT_ERR_SUCCESS);
    publish_for(client, 9, 1, 60, PMQTT_ERR_SUCCESS);
    RUN_UNTIL(&loop, tally_get(&self->record.published) == 7);
    CHECK_INT(self->outcome[late] - 1, PMQTT_ERR_EXPIRED);
    broker_resume();
    RUN_UNTIL(&loop, tally_get(&self->record.messages) == 5);
    RUN_UNTIL(&loop, tally_get(&self->record.published) == 9);
    CHECK_INT(self->outcome[sent] - 1, PMQTT_ERR_SUCCESS);
    CHECK_INT(client_stats(client).messages_expired, 4);
    loop_end(&loop);
    client_free(client);
    free(self);
}

/* An expired message is settled. */
static void drain(void)
{
    struct queue *self = queue_new();
    pmqtt_client *client = queue_client(self, (pmqtt_queue_options){.keep_qos0 = false});
    size_t left;
    loop loop;

    step("draining a queue that expires");
    CHECK_OK(pmqtt_reconnect_delay_set(client, 60, 60));
    loop_begin(&loop, &THREAD_LOOP);
    loop_add(&loop, client);
    CHECK_OK(pmqtt_connect_async(client, BROKER_HOST, 1, 60, NULL));
    publish_for(client, 1, 1, 1, PMQTT_ERR_NO_CONN);
    publish_for(client, 2, 2, 2, PMQTT_ERR_NO_CONN);
    CHECK_RC(pmqtt_drain(client, 0, &left), PMQTT_ERR_TIMEOUT);
    CHECK_INT(left, 2);
    CHECK_OK(pmqtt_drain(client, 30000, &left));
    CHECK_INT(tally_get(&self->record.published), 2);
    CHECK_INT(self->outcome[1] - 1, PMQTT_ERR_EXPIRED);
    CHECK_INT(self->outcome[2] - 1, PMQTT_ERR_EXPIRED);
    loop_end(&loop);
    client_free(client);
    free(self);
}

int main(void)
{
    static const loop_kind *const kinds[] = {&STEP_LOOP, &POLL_LOOP, &INTEREST_LOOP, &EVENT_EPOLL_LOOP, &THREAD_LOOP};
    unsigned i;

    watchdog(240);
    broker_start();
    for (i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        cancel(kinds[i]);
        expire(kinds[i]);
        flood(kinds[i], (pmqtt_queue_options){.newest_only = true}, TOPICS);
        flood(kinds[i], (pmqtt_queue_options){.when_full = PMQTT_WHEN_FULL_DROP_OLDEST}, MOST);
    }
    keep();
    batches();
    drain();
    return 0;
}
