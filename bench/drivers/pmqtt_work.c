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

static void publish_next(struct client *client)
{
    payload_put(payload, work.size, client->number, client->published++);
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

static void on_message(pmqtt_client *handle, void *userdata, const pmqtt_message *event)
{
    struct client *client = userdata;

    if (event->topic_len != sizeof TOPIC - 1 || memcmp(event->topic, TOPIC, sizeof TOPIC - 1) != 0)
        die("another topic: %s", event->topic);
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
    uint32_t i;

    payload = malloc(work.size);
    memset(payload, 'x', work.size);
    clients_left = work.clients;
    for (i = 0; i < work.clients; i++) {
        struct client *client = &clients[i];

        client->number = i;
        check_rc(pmqtt_client_new(&client->handle, NULL, true, client, 0), "pmqtt_client_new");
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
