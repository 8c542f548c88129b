/* The layer between Go and libpmqtt: callbacks that call Go not at all, or as rarely as possible. */
#ifndef PMQTT_GO_BRIDGE_H
#define PMQTT_GO_BRIDGE_H

#include <pmqtt.h>

/* The userdata of a client. */
struct bridge {
    pmqtt_client *client;
    uintptr_t handle;         /* the cgo.Handle of the Go client */
    int event_fd;             /* a duplicate of the client's, for Go's poller */
    const char *key_password; /* while TLS is being set up */

    /* The outcomes of publishes in the last bridge_process. Go reads all of them at once, and frees the properties. */
    pmqtt_published *outcomes;
    size_t count;
    size_t capacity;

    struct arrivals *arrivals; /* messages of this bridge_process */
};

/* A message, and the route of the filter that it matches; 0: it matches none. */
struct bridge_arrival {
    pmqtt_message event;
    uint64_t route;
};

struct bridge *bridge_new(uintptr_t handle);
void bridge_free(struct bridge *bridge);

/* Creates the client and the descriptor. */
int bridge_open(struct bridge *bridge, const char *client_id, bool clean_session, int protocol, bool logs,
                bool drains, bool redirects);

/* Does all the work that needs no waiting. 1: there is more already, 0: wait for the descriptor; else an error. */
#define BRIDGE_MORE 1
int bridge_process(struct bridge *bridge);

/* The result of a request. */
struct bridge_request {
    int rc;
    uint64_t mid;
};

/* Requests with pointers that cgo need not follow, and without an output to allocate. */

static inline int bridge_ack(struct bridge *bridge, uint64_t mid, int qos, int reason, const char *list, size_t len)
{
    const pmqtt_properties properties = {list, len};
    return pmqtt_ack_with(bridge->client, mid, qos, reason, &properties);
}

/* A message from Go. Its topic, with a NUL, and its properties are in a row. */
struct bridge_message {
    size_t topic_size, properties_len, payload_len;
    int qos;
    bool retain;
    uint32_t expiry_s;
};

static inline pmqtt_publication bridge_publication(struct bridge_message message, const char *head,
                                                   const char *payload)
{
    const pmqtt_publication publication = {PMQTT_PUBLICATION_INIT,
                                           .topic = head,
                                           .payload = payload,
                                           .payload_len = message.payload_len,
                                           .qos = message.qos,
                                           .retain = message.retain,
                                           .expiry_s = message.expiry_s,
                                           .properties = {head + message.topic_size, message.properties_len}};
    return publication;
}

static inline struct bridge_request bridge_publish(struct bridge *bridge, struct bridge_message message,
                                                   const char *head, const char *payload)
{
    struct bridge_request request = {0, 0};
    if (message.expiry_s || message.properties_len) {
        const pmqtt_publication publication = bridge_publication(message, head, payload);
        request.rc = pmqtt_publish_message(bridge->client, &publication, &request.mid);
    } else {
        request.rc = pmqtt_publish(bridge->client, head, payload, message.payload_len, message.qos, message.retain,
                                   &request.mid);
    }
    return request;
}

/* Publishes a request with the longest time limit, since Go's context limits the time. goResponded gets its end. */
struct bridge_request bridge_ask(struct bridge *bridge, struct bridge_message message, const char *head,
                                 const char *payload);

/* The payload of each message follows its properties, and then the next message. */
struct bridge_request bridge_publish_batch(struct bridge *bridge, const struct bridge_message *messages, size_t count,
                                           const char *bytes, size_t *accepted);

static inline int bridge_will(struct bridge *bridge, struct bridge_message message, const char *head,
                              const char *payload, uint32_t delay_s)
{
    const pmqtt_publication will = bridge_publication(message, head, payload);
    return pmqtt_will_with(bridge->client, &will, delay_s);
}

/* Subscribes. goArrived gets the messages of the filter with that route; 0: the call sets no route. */
struct bridge_request bridge_subscribe(struct bridge *bridge, const pmqtt_subscription *subscription, uint64_t route,
                                       const char *list, size_t len);

static inline struct bridge_request bridge_unsubscribe(struct bridge *bridge, const char *filter, const char *list,
                                                       size_t len)
{
    struct bridge_request request = {0, 0};
    const pmqtt_properties properties = {list, len};
    request.rc = pmqtt_unsubscribe_with(bridge->client, &filter, 1, &properties, &request.mid);
    return request;
}

/* goAuth gets the steps of each authentication. */
int bridge_auth_set(struct bridge *bridge, const char *method);

static inline int bridge_auth_answer(struct bridge *bridge, const char *data, size_t len)
{
    return pmqtt_auth_answer(bridge->client, data, len, NULL);
}

static inline int bridge_disconnect(struct bridge *bridge, int reason, const char *list, size_t len)
{
    const pmqtt_properties properties = {list, len};
    return pmqtt_disconnect_with(bridge->client, reason, &properties);
}

#endif
