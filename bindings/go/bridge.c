#include "bridge.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "_cgo_export.h"

/* Messages that Go does not have yet. */
enum { ARRIVALS = 128, LARGE_MESSAGE = 4096 };
struct arrivals {
    size_t count, used;
    struct bridge_arrival all[ARRIVALS];
    char bytes[4 * LARGE_MESSAGE];
};

/* Go crashes on an address that is none, which an empty list may have. */
static pmqtt_properties for_go(pmqtt_properties list)
{
    if (list.len == 0)
        list.data = NULL;
    return list;
}

static pmqtt_message message_for_go(const pmqtt_message *event)
{
    pmqtt_message message = *event;
    message.properties = for_go(event->properties);
    if (message.payload_len == 0)
        message.payload = NULL;
    return message;
}

static void on_publish(pmqtt_client *client, void *userdata, const pmqtt_published *event)
{
    struct bridge *bridge = userdata;
    (void)client;
    if (bridge->count == bridge->capacity) {
        size_t capacity = bridge->capacity ? 2 * bridge->capacity : 64;
        pmqtt_published *outcomes = realloc(bridge->outcomes, capacity * sizeof *outcomes);
        if (!outcomes)
            abort(); /* as Go does when there is no memory */
        bridge->outcomes = outcomes;
        bridge->capacity = capacity;
    }
    pmqtt_published *outcome = &bridge->outcomes[bridge->count++];
    *outcome = *event;
    outcome->properties.data = NULL;
    if (event->properties.len > 0) {
        void *list = malloc(event->properties.len);
        if (!list)
            abort();
        outcome->properties.data = memcpy(list, event->properties.data, event->properties.len);
    }
}

/* Passes the messages to Go, before any other event. */
static void flush(struct bridge *bridge)
{
    struct arrivals *arrivals = bridge->arrivals;
    if (arrivals && arrivals->count > 0) {
        goArrived(bridge->handle, arrivals->all, arrivals->count);
        arrivals->count = arrivals->used = 0;
    }
}

static void arrived(struct bridge *bridge, uint64_t route, const pmqtt_message *event)
{
    struct arrivals *arrivals = bridge->arrivals;
    size_t size = event->topic_len + event->payload_len + event->properties.len;
    if (size > LARGE_MESSAGE) {
        struct bridge_arrival large = {message_for_go(event), route};
        flush(bridge);
        goArrived(bridge->handle, &large, 1);
        return;
    }
    if (!arrivals) {
        arrivals = bridge->arrivals = malloc(sizeof *arrivals);
        if (!arrivals)
            abort();
        arrivals->count = arrivals->used = 0;
    }
    if (arrivals->count == ARRIVALS || size > sizeof arrivals->bytes - arrivals->used)
        flush(bridge);
    char *bytes = arrivals->bytes + arrivals->used;
    struct bridge_arrival *last = &arrivals->all[arrivals->count++];
    arrivals->used += size;
    last->route = route;
    last->event = *event;
    last->event.topic = memcpy(bytes, event->topic, event->topic_len);
    bytes += event->topic_len;
    last->event.payload = memcpy(bytes, event->payload, event->payload_len);
    last->event.properties.data = NULL;
    if (event->properties.len > 0)
        last->event.properties.data =
            memcpy(bytes + event->payload_len, event->properties.data, event->properties.len);
}

static void on_message(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    (void)client;
    arrived(userdata, 0, event);
}

/* The userdata of a handler. */
struct bridge_route {
    struct bridge *bridge;
    uint64_t route;
};

static void on_route(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    const struct bridge_route *self = userdata;
    (void)client;
    arrived(self->bridge, self->route, event);
}

/* The handle, for what Go is told of behind all messages that came before. */
static uintptr_t after_messages(void *userdata)
{
    struct bridge *bridge = userdata;
    flush(bridge);
    return bridge->handle;
}

static void on_connect(pmqtt_client *client, void *userdata, const pmqtt_connected *event)
{
    (void)client;
    goConnected(after_messages(userdata), event->rc, event->reason, event->session_present,
                for_go(event->properties));
}

static void on_connect_fail(pmqtt_client *client, void *userdata, const pmqtt_connect_failed *event)
{
    (void)client;
    goConnectFailed(after_messages(userdata), event->rc);
}

static void on_disconnect(pmqtt_client *client, void *userdata, const pmqtt_disconnected *event)
{
    (void)client;
    goDisconnected(after_messages(userdata), event->rc, event->reason, for_go(event->properties));
}

static void on_subscribe(pmqtt_client *client, void *userdata, const pmqtt_subscribed *event)
{
    (void)client;
    int code = event->granted_qos_count > 0 ? event->granted_qos[0] : 0;
    goAnswered(after_messages(userdata), event->mid, event->rc, code, event->reason, for_go(event->properties));
}

static void on_unsubscribe(pmqtt_client *client, void *userdata, const pmqtt_unsubscribed *event)
{
    (void)client;
    int code = event->reasons_count > 0 ? event->reasons[0] : 0;
    goAnswered(after_messages(userdata), event->mid, event->rc, code, event->reason, for_go(event->properties));
}

static void on_auth(pmqtt_client *client, void *userdata, const pmqtt_auth_event *event)
{
    (void)client;
    goAuth(after_messages(userdata), event->step, event->data_len > 0 ? (void *)event->data : NULL, event->data_len);
}

static void on_redirect(pmqtt_client *client, void *userdata, const pmqtt_redirect *event)
{
    if (goRedirect(after_messages(userdata), (pmqtt_redirect *)event))
        pmqtt_redirect_follow(client); /* if it cannot, the connection ends as without this callback */
}

/* A response has no order with messages: handlers get those in another goroutine. */
static void on_response(pmqtt_client *client, void *userdata, const pmqtt_response *event)
{
    struct bridge *bridge = userdata;
    pmqtt_message response;
    (void)client;
    if (event->message)
        response = message_for_go(event->message);
    goResponded(bridge->handle, event->id, event->rc, event->reason, event->message ? &response : NULL);
}

static void on_writable(pmqtt_client *client, void *userdata, const pmqtt_writable *event)
{
    (void)client;
    (void)event;
    goWritable(after_messages(userdata));
}

static void on_drained(pmqtt_client *client, void *userdata, const pmqtt_drained *event)
{
    (void)client;
    (void)event;
    goDrained(after_messages(userdata));
}

static void on_log(pmqtt_client *client, void *userdata, const pmqtt_log_line *event)
{
    (void)client;
    goLog(((struct bridge *)userdata)->handle, event->level, (char *)event->text);
}

static int key_password(pmqtt_client *client, void *userdata, char *buf, size_t size)
{
    const char *password = ((struct bridge *)userdata)->key_password;
    size_t len = password ? strlen(password) : 0;
    (void)client;
    if (!password || len > size)
        return -1;
    memcpy(buf, password, len);
    return (int)len;
}

struct bridge *bridge_new(uintptr_t handle)
{
    struct bridge *bridge = calloc(1, sizeof *bridge);
    if (!bridge)
        abort();
    bridge->handle = handle;
    bridge->event_fd = -1;
    return bridge;
}

void bridge_free(struct bridge *bridge)
{
    pmqtt_client_free(bridge->client);
    free(bridge->outcomes);
    free(bridge);
}

int bridge_open(struct bridge *bridge, const char *client_id, bool clean_session, int protocol, bool logs,
                bool drains, bool redirects)
{
    int rc = pmqtt_client_new(&bridge->client, client_id, clean_session, bridge, protocol);
    if (rc != PMQTT_ERR_SUCCESS)
        return rc;
    pmqtt_client *client = bridge->client;
    pmqtt_on_publish_set(client, on_publish);
    pmqtt_on_message_set(client, on_message);
    pmqtt_on_connect_set(client, on_connect);
    pmqtt_on_connect_fail_set(client, on_connect_fail);
    pmqtt_on_disconnect_set(client, on_disconnect);
    pmqtt_on_subscribe_set(client, on_subscribe);
    pmqtt_on_unsubscribe_set(client, on_unsubscribe);
    pmqtt_on_writable_set(client, on_writable);
    pmqtt_tls_key_password_set(client, key_password);
    if (logs)
        pmqtt_on_log_set(client, on_log);
    if (drains)
        pmqtt_on_drained_set(client, on_drained);
    if (redirects)
        pmqtt_on_redirect_set(client, on_redirect);

    /* Go closes the descriptor that it polls, and polls only a non-blocking one. */
    int fd = pmqtt_event_fd(client);
    if (fd < 0)
        return PMQTT_ERR_ERRNO;
    bridge->event_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (bridge->event_fd < 0)
        return PMQTT_ERR_ERRNO;
    fcntl(bridge->event_fd, F_SETFL, fcntl(bridge->event_fd, F_GETFL) | O_NONBLOCK);
    return PMQTT_ERR_SUCCESS;
}

int bridge_auth_set(struct bridge *bridge, const char *method)
{
    return pmqtt_auth_set(bridge->client, method, on_auth);
}

struct bridge_request bridge_subscribe(struct bridge *bridge, const pmqtt_subscription *subscription, uint64_t route,
                                       const char *list, size_t len)
{
    struct bridge_request request = {0, 0};
    const pmqtt_properties properties = {list, len};
    pmqtt_subscription wish = *subscription;
    struct bridge_route *self = NULL;
    if (route) {
        self = malloc(sizeof *self);
        if (!self)
            abort();
        *self = (struct bridge_route){bridge, route};
        wish.callback = on_route;
        wish.userdata = self;
        wish.release = free;
    }
    request.rc = pmqtt_subscribe_with(bridge->client, &wish, 1, &properties, &request.mid);
    if (request.rc != PMQTT_ERR_SUCCESS)
        free(self);
    return request;
}

/* Go's poller reports a change only once, and the client may leave work for the next call. So poll again. */
int bridge_process(struct bridge *bridge)
{
    bridge->count = 0;
    int rc = pmqtt_process(bridge->client);
    flush(bridge);
    free(bridge->arrivals);
    bridge->arrivals = NULL;
    if (rc == PMQTT_ERR_PANIC)
        return PMQTT_ERR_PANIC;
    struct pollfd ready = {.fd = bridge->event_fd, .events = POLLIN};
    int count;
    do
        count = poll(&ready, 1, 0);
    while (count < 0 && errno == EINTR);
    return count > 0 ? BRIDGE_MORE : PMQTT_ERR_SUCCESS;
}

struct bridge_request bridge_ask(struct bridge *bridge, struct bridge_message message, const char *head,
                                 const char *payload)
{
    struct bridge_request request = {0, 0};
    const pmqtt_publication publication = bridge_publication(message, head, payload);
    request.rc = pmqtt_request(bridge->client, &publication, INT_MAX, on_response, bridge, &request.mid);
    return request;
}

struct bridge_request bridge_publish_batch(struct bridge *bridge, const struct bridge_message *messages, size_t count,
                                           const char *bytes, size_t *accepted)
{
    struct bridge_request request = {0, 0};
    pmqtt_publication *all = calloc(count, sizeof *all);
    size_t i;

    if (!all)
        abort(); /* as Go does when there is no memory */
    for (i = 0; i < count; i++) {
        const char *payload = bytes + messages[i].topic_size + messages[i].properties_len;
        all[i] = bridge_publication(messages[i], bytes, payload);
        bytes = payload + messages[i].payload_len;
    }
    request.rc = pmqtt_publish_batch(bridge->client, all, count, accepted, &request.mid);
    free(all);
    return request;
}
