/* A broker in a thread of the test.  It follows the rules, and breaks them when it is told to. */
#ifndef PUPPET_H
#define PUPPET_H

#include <stdbool.h>

#include "tally.h"

#define PUPPET_HOST "127.0.0.1"

/* It records when the first message with this topic arrived. */
#define PUPPET_ANSWER "answer"

typedef struct puppet {
    int port;
    /* What it has received, on all connections together. */
    tally connects, subscribes, publishes, pings, disconnects;
    /* In milliseconds since puppet_begin; 0: no answer so far. */
    tally answered_at, longest_silence;
    struct puppet_inside *inside;
} puppet;

void puppet_begin(puppet *);
/* Closes all connections. */
void puppet_end(puppet *);

int puppet_now(const puppet *);

/* Sends this many messages of QoS 0 to each client that has got CONNACK by now. */
void puppet_send(puppet *, int messages);

/* Sends messages without end to each client that has got CONNACK, now and later. */
void puppet_flood(puppet *, int qos);

/* The same after DISCONNECT, to which it does not close. */
void puppet_flood_goodbyes(puppet *);

/* Stops reading from clients that have got CONNACK. */
void puppet_stop_reading(puppet *);

/* Closes all open connections. */
void puppet_drop(puppet *);

#endif
