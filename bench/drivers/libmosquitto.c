/* libmosquitto in a program's own epoll loop. It writes each packet as soon as it is published, and
 * is fastest if that happens outside its callbacks. Nagle's algorithm is on, as is its default. */
#include <mosquitto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "work.h"

enum { EVENTS = 256, MISC_MS = 1000 };

struct client {
    struct mosquitto *handle;
    uint32_t number;
    uint32_t published;
    uint32_t settled;
    uint32_t received;
    uint32_t connects;
    bool writes; /* what the client is registered for */
};

static struct work work;
static uint32_t clients_left;
static char *payload;
static int epoll;

static void check_rc(int rc, const char *what)
{
    if (rc != MOSQ_ERR_SUCCESS)
        die("%s: %s", what, mosquitto_strerror(rc));
}

static void finish(struct client *client)
{
    check_rc(mosquitto_disconnect(client->handle), "mosquitto_disconnect");
}

static void on_connect(struct mosquitto *handle, void *userdata, int rc)
{
    struct client *client = userdata;

    check_rc(rc, "CONNACK");
    client->connects++;
    if (work_subscribes(&work))
        check_rc(mosquitto_subscribe(handle, NULL, TOPIC, work.qos), "mosquitto_subscribe");
    else if (work.kind == WORK_CONNECT)
        finish(client);
}

static void on_publish(struct mosquitto *handle, void *userdata, int mid)
{
    struct client *client = userdata;

    (void)handle, (void)mid;
    client->settled++;
    if (work.kind == WORK_PUBLISH && client->settled == work.count)
        finish(client);
}

static void on_message(struct mosquitto *handle, void *userdata, const struct mosquitto_message *message)
{
    struct client *client = userdata;

    if (strcmp(message->topic, TOPIC) != 0)
        die("another topic: %s", message->topic);
    if (!work_receive(&work, &client->received, message->payload, (size_t)message->payloadlen, message->qos))
        finish(client);
    else if (work.kind == WORK_ECHO)
        check_rc(mosquitto_publish(handle, NULL, TOPIC, message->payloadlen, message->payload, 0, false),
                 "mosquitto_publish");
}

static void watch(struct client *client, int operation)
{
    struct epoll_event wanted = {.events = EPOLLIN | (client->writes ? (uint32_t)EPOLLOUT : 0), .data.ptr = client};

    epoll_ctl(epoll, operation, mosquitto_socket(client->handle), &wanted);
}

static void watch_writes(struct client *client)
{
    if (mosquitto_socket(client->handle) < 0 || client->writes == mosquitto_want_write(client->handle))
        return;
    client->writes = !client->writes;
    watch(client, EPOLL_CTL_MOD);
}

static void publish_window(struct client *client)
{
    while (client->connects > 0 && client->published < work.count &&
           client->published - client->settled < work.window) {
        payload_put(payload, work.size, client->number, client->published++);
        check_rc(mosquitto_publish(client->handle, NULL, TOPIC, (int)work.size, payload, work.qos, false),
                 "mosquitto_publish");
    }
}

/* The connection ends with the socket: epoll has already removed it. */
static void end(struct client *client)
{
    if (work.kind != WORK_CONNECT || client->connects == work.count) {
        clients_left--;
        return;
    }
    check_rc(mosquitto_reconnect(client->handle), "mosquitto_reconnect");
    client->writes = false;
    watch(client, EPOLL_CTL_ADD);
}

static void serve(struct client *client, uint32_t events)
{
    if (events & ~(uint32_t)EPOLLOUT)
        mosquitto_loop_read(client->handle, 1);
    if (events & EPOLLOUT)
        mosquitto_loop_write(client->handle, 1);
    if (work_publishes(&work))
        publish_window(client);
    if (mosquitto_socket(client->handle) < 0)
        end(client);
    watch_writes(client);
}

static void turn(struct client *clients)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(epoll, events, EVENTS, MISC_MS);
    uint32_t k;
    int i;

    for (i = 0; i < count; i++)
        serve(events[i].data.ptr, events[i].events);
    for (k = 0; count == 0 && k < work.clients; k++)
        mosquitto_loop_misc(clients[k].handle);
}

static void begin(struct client *client, uint32_t number)
{
    client->number = number;
    client->handle = mosquitto_new(NULL, true, client);
    mosquitto_connect_callback_set(client->handle, on_connect);
    mosquitto_publish_callback_set(client->handle, on_publish);
    mosquitto_message_callback_set(client->handle, on_message);
    if (work.ca)
        check_rc(mosquitto_tls_set(client->handle, work.ca, NULL, NULL, NULL, NULL), "mosquitto_tls_set");
    check_rc(mosquitto_connect(client->handle, "127.0.0.1", work.port, 60), "mosquitto_connect");
    watch(client, EPOLL_CTL_ADD);
}

int main(int argc, char **argv)
{
    struct client *clients;
    uint32_t i;

    work = work_parse(argc, argv);
    clients = calloc(work.clients, sizeof *clients);
    clients_left = work.clients;
    payload = malloc(work.size);
    memset(payload, 'x', work.size);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    mosquitto_lib_init();
    for (i = 0; i < work.clients; i++)
        begin(&clients[i], i);
    while (clients_left > 0)
        turn(clients);
    for (i = 0; i < work.clients; i++)
        mosquitto_destroy(clients[i].handle);
    mosquitto_lib_cleanup();
    return EXIT_SUCCESS;
}
