/* Eclipse Paho C, its asynchronous client, which has its own threads. The next message is published
 * where the last one is known to be settled. Nagle's algorithm is on, as is its default. */
#include <MQTTAsync.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "work.h"

/* It walks through all queued messages for each message, so a larger window is slower. */
enum { WINDOW = 20 };

struct client {
    MQTTAsync handle;
    uint32_t number;
    uint32_t published;
    uint32_t settled;
    uint32_t received;
    uint32_t connects;
};

static struct work work;
static sem_t ended;

static void check_rc(int rc, const char *what)
{
    if (rc != MQTTASYNC_SUCCESS)
        die("%s: %s", what, MQTTAsync_strerror(rc));
}

static void connect_client(struct client *client);

static void on_disconnect(void *context, MQTTAsync_successData *data)
{
    struct client *client = context;

    (void)data;
    if (work.kind == WORK_CONNECT && client->connects < work.count)
        connect_client(client);
    else
        sem_post(&ended);
}

static void on_failure(void *context, MQTTAsync_failureData *data)
{
    (void)context;
    die("a request has failed: %d %s", data->code, data->message ? data->message : "");
}

static void finish(struct client *client)
{
    MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;

    options.context = client;
    options.timeout = 10000;
    options.onSuccess = on_disconnect;
    options.onFailure = on_failure;
    check_rc(MQTTAsync_disconnect(client->handle, &options), "MQTTAsync_disconnect");
}

static void on_publish(void *context, MQTTAsync_successData *data);

static void publish(struct client *client, const void *payload, int qos, MQTTAsync_onSuccess *on_success)
{
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;

    options.context = client;
    options.onSuccess = on_success;
    options.onFailure = on_failure;
    check_rc(MQTTAsync_send(client->handle, TOPIC, (int)work.size, payload, qos, 0, &options), "MQTTAsync_send");
}

static void publish_next(struct client *client)
{
    static char *payload;

    if (!payload) {
        payload = malloc(work.size);
        memset(payload, 'x', work.size);
    }
    payload_put(payload, work.size, client->number, client->published++);
    publish(client, payload, work.qos, on_publish);
}

static void on_publish(void *context, MQTTAsync_successData *data)
{
    struct client *client = context;

    (void)data;
    client->settled++;
    if (client->published < work.count)
        publish_next(client);
    else if (client->settled == work.count && work.kind == WORK_PUBLISH)
        finish(client);
}

static void on_connect(void *context, MQTTAsync_successData *data)
{
    struct client *client = context;

    (void)data;
    client->connects++;
    if (work_subscribes(&work)) {
        MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;

        options.onFailure = on_failure;
        check_rc(MQTTAsync_subscribe(client->handle, TOPIC, work.qos, &options), "MQTTAsync_subscribe");
    } else if (work.kind == WORK_CONNECT) {
        finish(client);
    }
    while (work_publishes(&work) && client->published < work.count && client->published < WINDOW)
        publish_next(client);
}

static int on_message(void *context, char *topic, int topic_len, MQTTAsync_message *message)
{
    struct client *client = context;

    (void)topic_len;
    if (strcmp(topic, TOPIC) != 0)
        die("another topic: %s", topic);
    if (!work_receive(&work, &client->received, message->payload, (size_t)message->payloadlen, message->qos))
        finish(client);
    else if (work.kind == WORK_ECHO)
        publish(client, message->payload, 0, NULL);
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

static void connect_client(struct client *client)
{
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;

    options.cleansession = 1;
    options.maxInflight = WINDOW_QOS_1_2;
    options.context = client;
    options.onSuccess = on_connect;
    options.onFailure = on_failure;
    check_rc(MQTTAsync_connect(client->handle, &options), "MQTTAsync_connect");
}

static void begin(struct client *client, uint32_t number)
{
    char uri[64], id[32];

    client->number = number;
    snprintf(uri, sizeof uri, "tcp://127.0.0.1:%d", work.port);
    snprintf(id, sizeof id, "paho-%u", (unsigned)number);
    check_rc(MQTTAsync_create(&client->handle, uri, id, MQTTCLIENT_PERSISTENCE_NONE, NULL), "MQTTAsync_create");
    check_rc(MQTTAsync_setCallbacks(client->handle, client, NULL, on_message, NULL), "MQTTAsync_setCallbacks");
    connect_client(client);
}

int main(int argc, char **argv)
{
    struct client *clients;
    uint32_t i;

    work = work_parse(argc, argv);
    if (work.ca)
        die("not with TLS");
    clients = calloc(work.clients, sizeof *clients);
    sem_init(&ended, 0, 0);
    for (i = 0; i < work.clients; i++)
        begin(&clients[i], i);
    for (i = 0; i < work.clients; i++)
        sem_wait(&ended);
    for (i = 0; i < work.clients; i++)
        MQTTAsync_destroy(&clients[i].handle);
    return EXIT_SUCCESS;
}
