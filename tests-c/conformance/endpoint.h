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
    char *topic;
    /* With a NUL after it, so that a text is a string. */
    char *payload;
    size_t payload_len;
    int qos;
    bool retain;
    bool dup;
} message;

typedef struct endpoint {
    record record;
    pmqtt_client *client;
    wire *wire;
    message *inbox;
    int received, taken, room;
    /* Of the last SUBACK. */
    uint8_t granted[GRANTED];
    size_t granted_count;
} endpoint;

/* A client that is not connected.  Two of the same name have the same client identifier. */
endpoint *endpoint_new(const char *name, session session);

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

/* Waits until all that it has published is acknowledged. */
void endpoint_settle(endpoint *);

/* Waits for the next message. */
const message *endpoint_take(endpoint *);

/* The next message has to be this one, and no retained one. */
void endpoint_expect(endpoint *, const char *topic, const char *text, int qos);

#endif
