#include "scene.h"

#include <poll.h>
#include <string.h>

#include "broker.h"
#include "wait.h"

const char *const CALLBACK_NAMES[CALLBACKS] = {
    "on_connect",     "on_connect_fail", "on_disconnect", "on_message", "a filter's on_message",
    "on_publish",     "on_subscribe",    "on_unsubscribe", "on_writable", "on_drained",
    "on_log",         "on_interest",     "on_interest (closing)",
};

static bool is_open(const scene *self)
{
    return tally_get(&self->begun) == 0;
}

static void meet(scene *self, callback here)
{
    if (self->where == here && tally_add(&self->begun) == 1) {
        self->act(self);
        tally_set(&self->acted, 1);
    }
}

/* The second message finds no room; there is room as soon as the broker has the first. */
static void fill_queue(pmqtt_client *client)
{
    CHECK_OK(pmqtt_max_queued_messages_set(client, 1));
    CHECK_OK(pmqtt_publish(client, "scene", "x", 1, 1, false, NULL));
    CHECK_RC(pmqtt_publish(client, "scene", "x", 1, 1, false, NULL), PMQTT_ERR_QUEUE_SIZE);
}

static void on_connect(pmqtt_client *client, void *userdata, const pmqtt_connected *event)
{
    scene *self = userdata;

    CHECK_INT(event->rc, 0);
    meet(self, IN_CONNECT);
    if (!is_open(self))
        return;
    self->connected = true;
    switch (self->where) {
    case IN_DISCONNECT:
        CHECK_OK(pmqtt_disconnect(client));
        break;
    case IN_PUBLISH:
        CHECK_OK(pmqtt_publish(client, "scene", "x", 1, 1, false, NULL));
        break;
    case IN_WRITABLE:
        fill_queue(client);
        break;
    default:
        CHECK_OK(pmqtt_subscribe(client, "scene/#", 1, NULL));
    }
}

static void on_subscribe(pmqtt_client *client, void *userdata, const pmqtt_subscribed *event)
{
    scene *self = userdata;

    (void)event;
    meet(self, IN_SUBSCRIBE);
    if (!is_open(self))
        return;
    if (self->where == IN_UNSUBSCRIBE)
        CHECK_OK(pmqtt_unsubscribe(client, "scene/#", NULL));
    if (self->where == IN_INTEREST_CLOSING)
        CHECK_OK(pmqtt_disconnect(client));
    if (self->where == IN_MESSAGE)
        CHECK_OK(pmqtt_publish(client, "scene/other", "x", 1, 1, false, NULL));
    if (self->where == IN_FILTER_MESSAGE)
        CHECK_OK(pmqtt_publish(client, SCENE_FILTER, "x", 1, 1, false, NULL));
}

static void on_connect_fail(pmqtt_client *client, void *userdata, const pmqtt_connect_failed *event)
{
    (void)client;
    CHECK(event->rc != 0);
    meet(userdata, IN_CONNECT_FAIL);
}

static void on_disconnect(pmqtt_client *client, void *userdata, const pmqtt_disconnected *event)
{
    (void)client;
    (void)event;
    meet(userdata, IN_DISCONNECT);
}

static void on_message(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    (void)client;
    CHECK_INT(event->payload_len, 1);
    meet(userdata, IN_MESSAGE);
    /* The callback's calls must not have changed its arguments. */
    CHECK_TEXT(event->topic, "scene/other");
    CHECK_INT(*(const char *)event->payload, 'x');
}

static void on_filter_message(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    (void)client;
    CHECK_INT(event->payload_len, 1);
    meet(userdata, IN_FILTER_MESSAGE);
    CHECK_TEXT(event->topic, SCENE_FILTER);
    CHECK_INT(*(const char *)event->payload, 'x');
}

static void on_publish(pmqtt_client *client, void *userdata, const pmqtt_published *event)
{
    (void)client;
    (void)event;
    meet(userdata, IN_PUBLISH);
}

static void on_unsubscribe(pmqtt_client *client, void *userdata, const pmqtt_unsubscribed *event)
{
    (void)client;
    (void)event;
    meet(userdata, IN_UNSUBSCRIBE);
}

static void on_writable(pmqtt_client *client, void *userdata, const pmqtt_writable *event)
{
    (void)client;
    (void)event;
    meet(userdata, IN_WRITABLE);
}

static void on_drained(pmqtt_client *client, void *userdata, const pmqtt_drained *event)
{
    (void)client;
    CHECK(event->last_mid > 0);
    meet(userdata, IN_DRAINED);
}

/* A loop call logs an incoming packet. */
static void on_log(pmqtt_client *client, void *userdata, const pmqtt_log_line *event)
{
    scene *self = userdata;

    (void)client;
    if (self->connected && strncmp(event->text, "received", 8) == 0) {
        meet(self, IN_LOG);
        CHECK(strncmp(event->text, "received", 8) == 0);
    }
}

static void on_interest(pmqtt_client *client, void *userdata, const pmqtt_interest *event)
{
    scene *self = userdata;

    (void)client;
    if (self->connected)
        meet(self, event->closing ? IN_INTEREST_CLOSING : IN_INTEREST);
}

static void set_callbacks(pmqtt_client *client, callback where)
{
    CHECK_OK(pmqtt_on_connect_set(client, on_connect));
    CHECK_OK(pmqtt_on_connect_fail_set(client, on_connect_fail));
    CHECK_OK(pmqtt_on_disconnect_set(client, on_disconnect));
    CHECK_OK(pmqtt_on_message_set(client, on_message));
    CHECK_OK(pmqtt_message_callback_add(client, SCENE_FILTER, on_filter_message));
    CHECK_OK(pmqtt_on_publish_set(client, on_publish));
    CHECK_OK(pmqtt_on_subscribe_set(client, on_subscribe));
    CHECK_OK(pmqtt_on_unsubscribe_set(client, on_unsubscribe));
    CHECK_OK(pmqtt_on_writable_set(client, on_writable));
    CHECK_OK(pmqtt_on_drained_set(client, on_drained));
    if (where == IN_LOG)
        CHECK_OK(pmqtt_on_log_set(client, on_log));
    if (where == IN_INTEREST || where == IN_INTEREST_CLOSING)
        CHECK_OK(pmqtt_on_interest_set(client, on_interest));
}

/* The keep alive is so short that the connected client waits for it next. */
void scene_begin(scene *self, callback where, void (*act)(scene *))
{
    int port = where == IN_CONNECT_FAIL ? SCENE_NO_PORT : broker_port();

    memset(self, 0, sizeof *self);
    self->where = where;
    self->act = act;
    self->client = client_new(NULL, self);
    set_callbacks(self->client, where);
    CHECK_OK(pmqtt_connect_async(self->client, BROKER_HOST, port, 1, NULL));
}

bool scene_is_connected(callback where)
{
    return where != IN_CONNECT_FAIL && where != IN_DISCONNECT && where != IN_INTEREST_CLOSING;
}

static bool is_done(const scene *self)
{
    return tally_get(&self->acted) != 0;
}

static void run_loop(scene *self)
{
    DO_UNTIL(is_done(self), pmqtt_loop(self->client, 100));
}

static void run_forever(scene *self)
{
    pmqtt_loop_forever(self->client, true);
    CHECK(is_done(self));
}

static void run_thread(scene *self)
{
    CHECK_OK(pmqtt_loop_start(self->client));
    WAIT_UNTIL(is_done(self));
}

static void wait_for(int fd)
{
    struct pollfd wait = {fd, POLLIN, 0};

    CHECK(poll(&wait, 1, 10) >= 0);
}

static void read_one(scene *self)
{
    wait_for(pmqtt_socket(self->client));
    pmqtt_loop_read(self->client);
}

static void run_read(scene *self)
{
    DO_UNTIL(is_done(self), read_one(self));
}

static void process_one(scene *self)
{
    wait_for(pmqtt_event_fd(self->client));
    pmqtt_process(self->client);
}

static void run_process(scene *self)
{
    DO_UNTIL(is_done(self), process_one(self));
}

const scene_loop SCENE_RUN[SCENE_LOOPS] = {
    {"loop", run_loop},
    {"loop_forever", run_forever},
    {"loop_start", run_thread},
    {"loop_read", run_read},
    {"process", run_process},
};

bool scene_is_met(callback where, int loop)
{
    bool own = loop == SCENE_FOREVER || loop == SCENE_THREAD;

    /* A call that waits itself reports at its beginning that no other loop has to wait. */
    if (where == IN_INTEREST_CLOSING)
        return !own && loop != SCENE_LOOP;
    return !own || where != IN_INTEREST;
}
