#include "endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

static loop stage;
static endpoint *endpoints[LOOP_CLIENTS];

static char *copy(const void *bytes, size_t length)
{
    char *new = malloc(length + 1);

    CHECK(new != NULL);
    memcpy(new, bytes, length);
    new[length] = '\0';
    return new;
}

static void on_message(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    endpoint *self = userdata;
    message *new;

    (void)client;
    if (self->received == self->room) {
        self->room = self->room == 0 ? 64 : self->room * 2;
        self->inbox = realloc(self->inbox, (size_t)self->room * sizeof *self->inbox);
        CHECK(self->inbox != NULL);
    }
    new = &self->inbox[self->received++];
    new->topic = copy(event->topic, event->topic_len);
    new->payload = copy(event->payload, event->payload_len);
    new->payload_len = event->payload_len;
    new->qos = event->qos;
    new->retain = event->retain;
    new->dup = event->dup;
}

static void on_subscribe(pmqtt_client *client, void *userdata, const pmqtt_subscribed *event)
{
    endpoint *self = userdata;

    (void)client;
    CHECK_RC(event->rc, PMQTT_ERR_SUCCESS);
    CHECK(event->granted_qos_count <= GRANTED);
    memcpy(self->granted, event->granted_qos, event->granted_qos_count);
    self->granted_count = event->granted_qos_count;
    tally_add(&self->record.subscribed);
}

endpoint *endpoint_new(const char *name, session session)
{
    endpoint *self = calloc(1, sizeof *self);

    CHECK(self != NULL);
    if (stage.count == 0)
        loop_begin(&stage, &POLL_LOOP);
    endpoints[stage.count] = self;
    self->wire = wire_new(name, suite_host(), suite_port());
    self->client = client_new_as(client_id(name), session == CLEAN, protocol(), self);
    record_events(self->client);
    CHECK_OK(pmqtt_on_message_set(self->client, on_message));
    CHECK_OK(pmqtt_on_subscribe_set(self->client, on_subscribe));
    loop_add(&stage, self->client);
    return self;
}

void endpoints_run(void)
{
    loop_turn(&stage);
}

static void free_inbox(endpoint *self)
{
    int i;

    for (i = 0; i < self->received; i++) {
        free(self->inbox[i].topic);
        free(self->inbox[i].payload);
    }
    free(self->inbox);
}

void endpoints_free(void)
{
    int i, count = stage.count;

    loop_end(&stage);
    for (i = 0; i < count; i++) {
        client_free(endpoints[i]->client);
        free_inbox(endpoints[i]);
        free(endpoints[i]);
    }
}

void endpoint_try(endpoint *self, int keep_alive_s)
{
    int answers = tally_get(&self->record.connects) + tally_get(&self->record.refusals);

    CHECK_OK(pmqtt_connect(self->client, "127.0.0.1", wire_port(self->wire), keep_alive_s, NULL));
    AWAIT(tally_get(&self->record.connects) + tally_get(&self->record.refusals) > answers ||
          tally_get(&self->record.connect_fails) > 0);
    if (tally_get(&self->record.connect_fails) > 0)
        check_failed(__FILE__, __LINE__, "the connection ended before CONNACK");
}

void endpoint_connect(endpoint *self)
{
    endpoint_try(self, KEEP_ALIVE_S);
    CHECK_INT(tally_get(&self->record.connect_reason), 0);
}

void endpoint_disconnect(endpoint *self)
{
    int ends = tally_get(&self->record.disconnects);

    CHECK_OK(pmqtt_disconnect(self->client));
    AWAIT(tally_get(&self->record.disconnects) > ends);
    CHECK_RC(tally_get(&self->record.disconnect_rc), PMQTT_ERR_SUCCESS);
    AWAIT(!wire_is_open(self->wire));
}

void endpoint_cut(endpoint *self)
{
    int ends = tally_get(&self->record.disconnects);

    wire_cut(self->wire);
    AWAIT(tally_get(&self->record.disconnects) > ends);
    AWAIT(!wire_is_open(self->wire));
}

void endpoint_subscribe(endpoint *self, const char *filter, int qos)
{
    int answers = tally_get(&self->record.subscribed);

    CHECK_OK(pmqtt_subscribe(self->client, filter, qos, NULL));
    AWAIT(tally_get(&self->record.subscribed) > answers);
    CHECK_INT(self->granted_count, 1);
    CHECK_INT(self->granted[0], qos);
}

void endpoint_unsubscribe(endpoint *self, const char *filter)
{
    int answers = tally_get(&self->record.unsubscribed);

    CHECK_OK(pmqtt_unsubscribe(self->client, filter, NULL));
    AWAIT(tally_get(&self->record.unsubscribed) > answers);
}

void endpoint_publish(endpoint *self, const char *topic, const void *payload, size_t length, int qos, bool retain)
{
    CHECK_OK(pmqtt_publish(self->client, topic, payload, length, qos, retain, NULL));
}

void endpoint_say(endpoint *self, const char *topic, const char *text, int qos)
{
    endpoint_publish(self, topic, text, strlen(text), qos, false);
}

const char *number_text(int number)
{
    static char text[16];

    snprintf(text, sizeof text, "%d", number);
    return text;
}

int message_number(const message *message)
{
    int number;

    CHECK_INT(sscanf(message->payload, "%d", &number), 1);
    return number;
}

void endpoint_settle(endpoint *self)
{
    int ends = tally_get(&self->record.disconnects);

    AWAIT(client_stats(self->client).unsettled == 0 || tally_get(&self->record.disconnects) > ends);
    if (tally_get(&self->record.disconnects) > ends)
        check_failed(__FILE__, __LINE__, "the connection ended before all was acknowledged");
    if (tally_get(&self->record.published) > 0)
        CHECK_RC(tally_get(&self->record.publish_rc), PMQTT_ERR_SUCCESS);
}

const message *endpoint_take(endpoint *self)
{
    AWAIT(self->received > self->taken);
    return &self->inbox[self->taken++];
}

void endpoint_expect(endpoint *self, const char *topic, const char *text, int qos)
{
    const message *message = endpoint_take(self);

    CHECK_TEXT(message->topic, topic);
    CHECK_TEXT(message->payload, text);
    CHECK_INT(message->payload_len, strlen(text));
    CHECK_INT(message->qos, qos);
    CHECK(!message->retain);
}
