#include "pmqtt_work.h"

#include <stdlib.h>
#include <string.h>

struct work work;
uint32_t clients_left;

static char *payload;

void check_rc(int rc, const char *what)
{
    if (rc != PMQTT_ERR_SUCCESS)
        die("%s: %s", what, pmqtt_error_string(rc));
}

static void finish(struct client *client)
{
    client->done = true;
    check_rc(pmqtt_disconnect(client->handle), "pmqtt_disconnect");
}

/* The next connection does not wait until the broker has ended the previous one. */
static void connect_in_turn(struct client *client)
{
    finish(client);
    if (client->connects < work.count)
        check_rc(pmqtt_reconnect(client->handle), "pmqtt_reconnect");
}

static void publish_with_properties(struct client *client)
{
    static const pmqtt_pair user[] = {{SITE, SITE_VALUE}, {UNIT, UNIT_VALUE}};
    pmqtt_publication publication = {PMQTT_PUBLICATION_INIT,
                                     .topic = TOPIC,
                                     .payload = payload,
                                     .payload_len = work.size,
                                     .qos = work.qos,
                                     .content_type = CONTENT_TYPE,
                                     .user_properties = user,
                                     .user_property_count = 2};

    check_rc(pmqtt_publish_message(client->handle, &publication, NULL), "pmqtt_publish_message");
}

static void publish_next(struct client *client)
{
    payload_put(payload, work.size, client->number, client->published++);
    if (work.form == FORM_5_PROPERTIES)
        publish_with_properties(client);
    else
        check_rc(pmqtt_publish(client->handle, TOPIC, payload, work.size, work.qos, false, NULL), "pmqtt_publish");
}

static void on_connect(pmqtt_client *handle, void *userdata, const pmqtt_connected *event)
{
    struct client *client = userdata;

    check_rc(event->rc, "CONNACK");
    client->connects++;
    if (work_subscribes(&work)) {
        check_rc(pmqtt_subscribe(handle, TOPIC, work.qos, NULL), "pmqtt_subscribe");
    } else if (work_publishes(&work)) {
        while (client->published < work.count && client->published < work.window)
            publish_next(client);
    } else {
        connect_in_turn(client);
    }
}

static void on_publish(pmqtt_client *handle, void *userdata, const pmqtt_published *event)
{
    struct client *client = userdata;

    (void)handle;
    check_rc(event->rc, "a publish");
    if (work_subscribes(&work)) /* an echo */
        return;
    client->settled++;
    if (client->published < work.count)
        publish_next(client);
    else if (client->settled == work.count && work.kind != WORK_IDLE)
        finish(client);
}

static bool is_text(const char *text, size_t len, const char *expected)
{
    return len == strlen(expected) && memcmp(text, expected, len) == 0;
}

/* Reads all properties, as a program does that uses them. */
static void check_properties(const pmqtt_properties *properties)
{
    pmqtt_property property;
    size_t position = 0;
    int count = 0;

    while (pmqtt_property_next(properties, &position, &property)) {
        const char *expected = property.id == PMQTT_PROP_CONTENT_TYPE ? CONTENT_TYPE
                               : is_text(property.name, property.name_len, SITE) ? SITE_VALUE
                                                                                 : UNIT_VALUE;

        if (!is_text(property.value, property.value_len, expected))
            die("a property has another value");
        count++;
    }
    if (count != PROPERTIES)
        die("%d properties instead of %d", count, PROPERTIES);
}

static void on_message(pmqtt_client *handle, void *userdata, const pmqtt_message *event)
{
    struct client *client = userdata;

    if (event->topic_len != sizeof TOPIC - 1 || memcmp(event->topic, TOPIC, sizeof TOPIC - 1) != 0)
        die("another topic: %s", event->topic);
    if (work.form == FORM_5_PROPERTIES)
        check_properties(&event->properties);
    if (!work_receive(&work, &client->received, event->payload, event->payload_len, event->qos))
        finish(client);
    else if (work.kind == WORK_ECHO)
        check_rc(pmqtt_publish(handle, TOPIC, event->payload, event->payload_len, 0, false, NULL), "pmqtt_publish");
}

static void on_disconnect(pmqtt_client *handle, void *userdata, const pmqtt_disconnected *event)
{
    struct client *client = userdata;

    (void)handle;
    check_rc(event->rc, "the connection has ended");
    client->disconnects++;
    if (work.kind != WORK_CONNECT || client->disconnects == work.count)
        clients_left--;
}

static void on_connect_fail(pmqtt_client *handle, void *userdata, const pmqtt_connect_failed *event)
{
    char why[200];

    (void)userdata, (void)event;
    pmqtt_last_error(handle, why, sizeof why);
    die("%s", why);
}

struct client *clients_new(void)
{
    struct client *clients = calloc(work.clients, sizeof *clients);
    int protocol = work.form == FORM_311 ? PMQTT_PROTOCOL_V311 : PMQTT_PROTOCOL_V5;
    uint32_t i;

    payload = malloc(work.size);
    memset(payload, 'x', work.size);
    clients_left = work.clients;
    for (i = 0; i < work.clients; i++) {
        struct client *client = &clients[i];

        client->number = i;
        check_rc(pmqtt_client_new(&client->handle, NULL, true, client, protocol), "pmqtt_client_new");
        pmqtt_on_connect_set(client->handle, on_connect);
        pmqtt_on_connect_fail_set(client->handle, on_connect_fail);
        pmqtt_on_disconnect_set(client->handle, on_disconnect);
        pmqtt_on_publish_set(client->handle, on_publish);
        pmqtt_on_message_set(client->handle, on_message);
        if (work.ca)
            check_rc(pmqtt_tls_set(client->handle, work.ca, NULL, NULL, PMQTT_CERT_REQUIRED, 0, NULL), "pmqtt_tls_set");
    }
    return clients;
}

void client_connect(struct client *client)
{
    check_rc(pmqtt_connect_async(client->handle, "127.0.0.1", work.port, 60, NULL), "pmqtt_connect_async");
}

void clients_free(struct client *clients)
{
    uint32_t i;

    for (i = 0; i < work.clients; i++)
        pmqtt_client_free(clients[i].handle);
    free(clients);
    free(payload);
}
