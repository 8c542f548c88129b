/* A client of a case, with its wire to the broker and all that it has received.  One loop runs all
 * endpoints of a case, whenever one of them waits. */
#ifndef ENDPOINT_H
#define ENDPOINT_H

#include "loops.h"
#include "record.h"
#include "wire.h"

/* What a broker has to do in this time it never does. */
enum { AWAIT_MS = 15000 };

/* Runs the loop until the condition holds. */
#define AWAIT(condition)                                                   \
    do {                                                                   \
        long long await_end = now_ms() + AWAIT_MS;                         \
        while (!(condition)) {                                             \
            if (now_ms() > await_end)                                      \
                check_failed(__FILE__, __LINE__, "never: %s", #condition); \
            endpoints_run();                                               \
        }                                                                  \
    } while (0)

enum { GRANTED = 8, KEEP_ALIVE_S = 60 };

typedef enum session { CLEAN, KEPT } session;

typedef struct message {
    uint64_t mid;
    char *topic;
    /* With a NUL after it, so that a text is a string. */
    char *payload;
    size_t payload_len;
    int qos;
    bool retain;
    bool dup;
    pmqtt_properties properties;
} message;

/* What on_publish said of a message. */
typedef struct outcome {
    uint64_t mid, tag;
    int rc, reason;
} outcome;

typedef struct endpoint {
    record record;
    pmqtt_client *client;
    wire *wire;
    message *inbox;
    int received, taken, room;
    outcome *outcomes;
    int outcome_count, outcome_room;
    /* Of the last on_disconnect, and of the last UNSUBACK. */
    int disconnect_reason, unsubscribe_reason;
    /* Of the last SUBACK. */
    uint8_t granted[GRANTED];
    size_t granted_count;
} endpoint;

/* A client that is not connected.  Two of the same name have the same client identifier. */
endpoint *endpoint_new(const char *name, session session);

/* What endpoint_new has set, in MQTT 5: the broker sends no topic aliases. */
pmqtt_connect_options endpoint_options(void);

/* The next connection leads to the other broker, the limited one. */
void endpoint_turn_to_limited(endpoint *);

void endpoints_run(void);
void endpoints_free(void);

/* These wait for what the broker answers, and fail if it is no success. */
void endpoint_connect(endpoint *);
void endpoint_disconnect(endpoint *);
void endpoint_subscribe(endpoint *, const char *filter, int qos);
void endpoint_unsubscribe(endpoint *, const char *filter);

/* Waits for CONNACK, whatever it says. */
void endpoint_try(endpoint *, int keep_alive_s);

/* Loses the connection without a DISCONNECT, and waits until the client knows it. */
void endpoint_cut(endpoint *);

/* Does not wait. */
void endpoint_publish(endpoint *, const char *topic, const void *payload, size_t length, int qos, bool retain);
void endpoint_say(endpoint *, const char *topic, const char *text, int qos);

/* The text of a message that has a number, valid until the next call; and its number. */
const char *number_text(int number);
int message_number(const message *);

/* Takes a publication with a mid of its own, and does not wait. */
uint64_t endpoint_send(endpoint *, const pmqtt_publication *);

/* Subscribes with options, and waits for the answer, which has to grant it. */
void endpoint_subscribe_with(endpoint *, const pmqtt_subscription *);

/* Adds a message to the inbox, as on_message does; the user data of a callback is the endpoint. */
void endpoint_keep(endpoint *, const pmqtt_message *);

/* Waits for the outcome of a message. */
outcome endpoint_outcome(endpoint *, uint64_t mid);

/* How many messages have had this outcome. */
int endpoint_count(const endpoint *, int rc);

/* Waits until all that it has published is acknowledged. */
void endpoint_settle(endpoint *);

/* Waits for the next message. */
const message *endpoint_take(endpoint *);

/* The next message has to be this one, and no retained one. */
void endpoint_expect(endpoint *, const char *topic, const char *text, int qos);

#endif
