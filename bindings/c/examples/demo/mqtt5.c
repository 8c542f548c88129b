/*
 * What MQTT 5 adds to a message: properties, a reason in the broker's answer, and a time to live.
 *
 * The broker keeps a reading as a retained message, and the client leaves. Another reading expires while there is no
 * connection. Then the client comes back and receives the first one, which has less time to live.
 */
#include "demo.h"

#include <pmqtt.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIME_LIMIT_MS = 10000, SECONDS_TO_LIVE = 60 };

struct talk {
    pmqtt_client *client;
    bool connected, disconnected, settled, received;
    int outcome, reason;
};

static void on_connect(pmqtt_client *client, void *userdata, const pmqtt_connected *event)
{
    struct talk *talk = userdata;

    talk->connected = event->rc == 0;
    if (!talk->connected)
        pmqtt_disconnect(client);
}

static void on_connect_fail(pmqtt_client *client, void *userdata, const pmqtt_connect_failed *event)
{
    struct talk *talk = userdata;

    (void)client, (void)event;
    talk->disconnected = true;
}

static void on_disconnect(pmqtt_client *client, void *userdata, const pmqtt_disconnected *event)
{
    struct talk *talk = userdata;

    (void)client, (void)event;
    talk->connected = false;
    talk->disconnected = true;
}

static void on_publish(pmqtt_client *client, void *userdata, const pmqtt_published *event)
{
    struct talk *talk = userdata;

    (void)client;
    talk->settled = true;
    talk->outcome = event->rc;
    talk->reason = event->reason;
}

static void on_message(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    struct talk *talk = userdata;
    pmqtt_property type, unit, left;

    (void)client;
    if (!pmqtt_property_find(&event->properties, PMQTT_PROP_CONTENT_TYPE, &type) ||
        !pmqtt_property_user(&event->properties, "unit", &unit) ||
        !pmqtt_property_find(&event->properties, PMQTT_PROP_MESSAGE_EXPIRY_INTERVAL, &left))
        fail("the broker has lost properties of the message");
    say("received", "%.*s, with the properties: content type %.*s, unit = %.*s, expires in %" PRIu32 " s",
        (int)event->payload_len, (const char *)event->payload, (int)type.value_len, type.value,
        (int)unit.value_len, unit.value, left.number);
    talk->received = true;
}

static void wait_for(struct talk *talk, const bool *flag, const char *what)
{
    double end = now_ms() + TIME_LIMIT_MS;

    while (!*flag) {
        if (now_ms() > end)
            fail("%s did not come within %d seconds", what, TIME_LIMIT_MS / 1000);
        pmqtt_loop(talk->client, 100);
    }
}

static void must(struct talk *talk, int rc)
{
    char why[160];

    if (rc == PMQTT_ERR_SUCCESS)
        return;
    pmqtt_last_error(talk->client, why, sizeof why);
    fail("%s", why);
}

/* Returns false if the broker refuses MQTT 5. */
static bool connect_to(struct talk *talk, const char *host, int port)
{
    bool is_known = false;
    double end = now_ms() + TIME_LIMIT_MS;

    talk->disconnected = false;
    must(talk, pmqtt_connect(talk->client, host, port, 60, NULL));
    for (; !is_known; is_known = talk->connected || talk->disconnected) {
        if (now_ms() > end)
            fail("no answer to CONNECT came within %d seconds", TIME_LIMIT_MS / 1000);
        pmqtt_loop(talk->client, 100);
    }
    return talk->connected;
}

static void leave(struct talk *talk)
{
    talk->disconnected = false;
    must(talk, pmqtt_disconnect(talk->client));
    wait_for(talk, &talk->disconnected, "the end of the connection");
}

static void publish_reading(struct talk *talk, const char *topic)
{
    pmqtt_pair unit = {"unit", "kPa"};
    pmqtt_publication reading = {PMQTT_PUBLICATION_INIT, .topic = topic, .payload = "101.3", .payload_len = 5,
                                 .qos = 1, .retain = true, .expiry_s = SECONDS_TO_LIVE,
                                 .content_type = "text/plain", .user_properties = &unit,
                                 .user_property_count = 1};

    talk->settled = false;
    must(talk, pmqtt_publish_message(talk->client, &reading, NULL));
    wait_for(talk, &talk->settled, "the broker's answer to the message");
    say("published", "101.3, with the properties: content type text/plain, unit = kPa, expires in %d s",
        SECONDS_TO_LIVE);
    say("reason", "0x%02x in the broker's answer: %s", (unsigned)talk->reason, pmqtt_reason_string(talk->reason));
}

static void let_one_expire(struct talk *talk, const char *topic)
{
    double published_at = now_ms();
    pmqtt_publication reading = {PMQTT_PUBLICATION_INIT, .topic = topic, .payload = "99.0", .payload_len = 4,
                                 .qos = 1, .expiry_s = 1};
    int rc;

    talk->settled = false;
    rc = pmqtt_publish_message(talk->client, &reading, NULL);
    if (rc != PMQTT_ERR_NO_CONN) /* it waits for a connection */
        must(talk, rc);
    wait_for(talk, &talk->settled, "the outcome of the message");
    if (talk->outcome != PMQTT_ERR_EXPIRED)
        fail("the message did not expire: %s", pmqtt_error_string(talk->outcome));
    say("expired", "99.0, which had 1 s and no connection; after %.1f s pmqtt gives it up",
        (now_ms() - published_at) / 1e3);
}

void show_mqtt5(const char *host, int port, const char *id)
{
    struct talk talk = {0};
    char topic[64];

    puts("\n5  Speak MQTT 5: properties, a reason, and an expiry");
    snprintf(topic, sizeof topic, "pmqtt/demo/%s/pressure", id);
    if (pmqtt_client_new(&talk.client, NULL, true, &talk, PMQTT_PROTOCOL_V5) != PMQTT_ERR_SUCCESS)
        fail("no client could be made");
    pmqtt_on_connect_set(talk.client, on_connect);
    pmqtt_on_connect_fail_set(talk.client, on_connect_fail);
    pmqtt_on_disconnect_set(talk.client, on_disconnect);
    pmqtt_on_publish_set(talk.client, on_publish);
    pmqtt_on_message_set(talk.client, on_message);

    if (connect_to(&talk, host, port)) {
        publish_reading(&talk, topic);
        leave(&talk);
        let_one_expire(&talk, topic);
        if (!connect_to(&talk, host, port))
            fail("the broker does not accept the second connection");
        must(&talk, pmqtt_subscribe(talk.client, topic, 1, NULL));
        wait_for(&talk, &talk.received, "the message that the broker keeps");
        must(&talk, pmqtt_unsubscribe(talk.client, topic, NULL));
        must(&talk, pmqtt_publish(talk.client, topic, NULL, 0, 1, true, NULL)); /* the broker forgets it */
        must(&talk, pmqtt_drain(talk.client, TIME_LIMIT_MS, NULL));
        leave(&talk);
    } else {
        say("left out", "this broker does not accept MQTT 5");
    }
    pmqtt_client_free(talk.client);
}
