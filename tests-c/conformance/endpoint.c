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
    if (length > 0)
        memcpy(new, bytes, length);
    new[length] = '\0';
    return new;
}

void endpoint_keep(endpoint *self, const pmqtt_message *event)
{
    message *new;

    if (self->received == self->room) {
        self->room = self->room == 0 ? 64 : self->room * 2;
        self->inbox = realloc(self->inbox, (size_t)self->room * sizeof *self->inbox);
        CHECK(self->inbox != NULL);
    }
    new = &self->inbox[self->received++];
    new->mid = event->mid;
    new->topic = copy(event->topic, event->topic_len);
    new->payload = copy(event->payload, event->payload_len);
    new->payload_len = event->payload_len;
    new->qos = event->qos;
    new->retain = event->retain;
    new->dup = event->dup;
    new->properties.data = copy(event->properties.data, event->properties.len);
    new->properties.len = event->properties.len;
}

static void on_message(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    (void)client;
    endpoint_keep(userdata, event);
}

static void on_publish(pmqtt_client *client, void *userdata, const pmqtt_published *event)
{
    endpoint *self = userdata;
    outcome *new;

    (void)client;
    if (self->outcome_count == self->outcome_room) {
        self->outcome_room = self->outcome_room == 0 ? 64 : self->outcome_room * 2;
        self->outcomes = realloc(self->outcomes, (size_t)self->outcome_room * sizeof *self->outcomes);
        CHECK(self->outcomes != NULL);
    }
    new = &self->outcomes[self->outcome_count++];
    new->mid = event->mid;
    new->tag = event->tag;
    new->rc = event->rc;
    new->reason = event->reason;
    tally_set(&self->record.publish_rc, event->rc);
    tally_add(&self->record.published);
}

static void on_disconnect(pmqtt_client *client, void *userdata, const pmqtt_disconnected *event)
{
    endpoint *self = userdata;

    (void)client;
    self->disconnect_reason = event->reason;
    tally_set(&self->record.disconnect_rc, event->rc);
    tally_add(&self->record.disconnects);
}

static void on_unsubscribe(pmqtt_client *client, void *userdata, const pmqtt_unsubscribed *event)
{
    endpoint *self = userdata;

    (void)client;
    self->unsubscribe_reason = event->reason;
    tally_add(&self->record.unsubscribed);
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

pmqtt_connect_options endpoint_options(void)
{
    pmqtt_connect_options options = {.struct_size = sizeof options, .topic_alias_receive = -1};

    return options;
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
    if (protocol() >= PMQTT_PROTOCOL_V5) {
        pmqtt_connect_options options = endpoint_options();

        CHECK_OK(pmqtt_connect_options_set(self->client, &options));
    }
    record_events(self->client);
    CHECK_OK(pmqtt_on_message_set(self->client, on_message));
    CHECK_OK(pmqtt_on_disconnect_set(self->client, on_disconnect));
    CHECK_OK(pmqtt_on_publish_set(self->client, on_publish));
    CHECK_OK(pmqtt_on_subscribe_set(self->client, on_subscribe));
    CHECK_OK(pmqtt_on_unsubscribe_set(self->client, on_unsubscribe));
    loop_add(&stage, self->client);
    return self;
}

void endpoint_turn_to_limited(endpoint *self)
{
    wire_turn_to(self->wire, suite_limited_port());
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
        free((void *)self->inbox[i].properties.data);
    }
    free(self->inbox);
    free(self->outcomes);
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

static void await_grant(endpoint *self, int answers, int qos)
{
    AWAIT(tally_get(&self->record.subscribed) > answers);
    CHECK_INT(self->granted_count, 1);
    CHECK_INT(self->granted[0], qos);
}

void endpoint_subscribe(endpoint *self, const char *filter, int qos)
{
    int answers = tally_get(&self->record.subscribed);

    CHECK_OK(pmqtt_subscribe(self->client, filter, qos, NULL));
    await_grant(self, answers, qos);
}

void endpoint_subscribe_with(endpoint *self, const pmqtt_subscription *subscription)
{
    int answers = tally_get(&self->record.subscribed);

    CHECK_OK(pmqtt_subscribe_with(self->client, subscription, 1, NULL, NULL));
    await_grant(self, answers, subscription->qos);
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

uint64_t endpoint_send(endpoint *self, const pmqtt_publication *publication)
{
    uint64_t mid = 0;
    int rc = pmqtt_publish_message(self->client, publication, &mid);

    if (rc != PMQTT_ERR_NO_CONN)
        CHECK_RC(rc, PMQTT_ERR_SUCCESS);
    CHECK(mid != 0);
    return mid;
}

outcome endpoint_outcome(endpoint *self, uint64_t mid)
{
    int i = 0;

    for (;; i++) {
        AWAIT(self->outcome_count > i);
        if (self->outcomes[i].mid == mid)
            return self->outcomes[i];
    }
}

int endpoint_count(const endpoint *self, int rc)
{
    int i, count = 0;

    for (i = 0; i < self->outcome_count; i++)
        count += self->outcomes[i].rc == rc;
    return count;
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
