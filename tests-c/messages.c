/* What on_message gets: topic, payload, flags, the current user data, and retained messages of the
 * broker. */
#include <stdlib.h>
#include <string.h>

#include "broker.h"
#include "loops.h"
#include "record.h"

/* The next message that is expected, copied from what is sent. */
struct expected {
    record record;
    const char *topic;
    const char *payload;
    size_t payload_len;
    int qos;
    bool retain;
};

static void on_message(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    const struct expected *self = userdata;

    CHECK(pmqtt_user_data(client) == userdata);
    CHECK_TEXT(event->topic, self->topic);
    CHECK_INT(event->topic_len, strlen(self->topic));
    CHECK_INT(event->payload_len, self->payload_len);
    CHECK(event->payload != NULL);
    CHECK_INT(memcmp(event->payload, self->payload, self->payload_len), 0);
    CHECK_INT(event->qos, self->qos);
    CHECK_INT(event->retain, self->retain);
    CHECK(!event->dup);
    CHECK_INT(event->mid == 0, event->qos == 0);
    tally_add(&((struct expected *)userdata)->record.messages);
}

static void send(loop *loop, struct expected *self, const char *topic, const char *payload, size_t len, int qos)
{
    int messages = tally_get(&self->record.messages);

    self->topic = topic;
    self->payload = payload;
    self->payload_len = len;
    self->qos = qos;
    CHECK_OK(pmqtt_publish(loop->clients[0].client, topic, payload, len, qos, false, NULL));
    RUN_UNTIL(loop, tally_get(&self->record.messages) == messages + 1);
}

static void send_different_payloads(loop *loop, struct expected *seen)
{
    const size_t large = 3000001;
    char *bytes = malloc(large);
    size_t i;
    int qos;

    CHECK(bytes != NULL);
    for (i = 0; i < large; i++)
        bytes[i] = (char)(i * 7 + i / 256);
    for (qos = 0; qos <= 2; qos++) {
        step("payloads of different lengths at QoS %d", qos);
        send(loop, seen, "m/empty", "", 0, qos);
        send(loop, seen, "m/a NUL in it", "a\0b", 3, qos);
        send(loop, seen, "m/\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", "text", 4, qos);
        send(loop, seen, "m//", bytes, 127, qos);
        send(loop, seen, "m/large", bytes, large, qos);
    }
    free(bytes);
}

/* The next callback gets the other user data. */
static void change_user_data(loop *loop, struct expected *seen)
{
    pmqtt_client *client = loop->clients[0].client;
    struct expected other;

    step("other user data");
    memset(&other, 0, sizeof other);
    CHECK_OK(pmqtt_user_data_set(client, &other));
    CHECK(pmqtt_user_data(client) == &other);
    send(loop, &other, "m/other", "x", 1, 1);
    CHECK_OK(pmqtt_user_data_set(client, seen));
    send(loop, seen, "m/again", "x", 1, 1);
    CHECK_INT(tally_get(&other.record.messages), 1);
}

/* A later subscriber gets it with the flag, and a present one without. */
static void retain(loop *loop, struct expected *seen)
{
    pmqtt_client *client = loop->clients[0].client;
    int messages = tally_get(&seen->record.messages);

    step("retained messages");
    seen->topic = "m/retained";
    seen->payload = "kept";
    seen->payload_len = 4;
    seen->qos = 1;
    CHECK_OK(pmqtt_publish(client, "m/retained", "kept", 4, 1, true, NULL));
    RUN_UNTIL(loop, tally_get(&seen->record.messages) == messages + 1);
    seen->retain = true;
    CHECK_OK(pmqtt_subscribe(client, "m/retained", 1, NULL));
    RUN_UNTIL(loop, tally_get(&seen->record.messages) == messages + 2);

    /* An empty message removes it. */
    seen->retain = false;
    seen->payload_len = 0;
    CHECK_OK(pmqtt_publish(client, "m/retained", NULL, 0, 1, true, NULL));
    RUN_UNTIL(loop, tally_get(&seen->record.messages) >= messages + 3);
}

static void run_in(const loop_kind *kind)
{
    struct expected seen;
    pmqtt_client *client;
    loop loop;

    step("%s", kind->name);
    memset(&seen, 0, sizeof seen);
    client = recorded_client(NULL, &seen.record);
    CHECK_OK(pmqtt_on_message_set(client, on_message));
    loop_begin(&loop, kind);
    loop_add(&loop, client);
    CHECK_OK(pmqtt_connect(client, BROKER_HOST, broker_port(), 60, NULL));
    RUN_UNTIL(&loop, tally_get(&seen.record.connects) == 1);
    CHECK_OK(pmqtt_subscribe(client, "m/#", 2, NULL));
    RUN_UNTIL(&loop, tally_get(&seen.record.subscribed) == 1);

    send_different_payloads(&loop, &seen);
    change_user_data(&loop, &seen);
    retain(&loop, &seen);
    loop_end(&loop);
    client_free(client);
}

int main(void)
{
    static const loop_kind *const kinds[] = {&STEP_LOOP, &POLL_LOOP, &INTEREST_LOOP, &EVENT_EPOLL_LOOP, &THREAD_LOOP};
    unsigned i;

    watchdog(120);
    broker_start();
    for (i = 0; i < sizeof kinds / sizeof *kinds; i++)
        run_in(kinds[i]);
    return 0;
}
