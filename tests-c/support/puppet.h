/* A broker in a thread of the test.  It answers as a broker should, and does wrong when it is told to. */
#ifndef PUPPET_H
#define PUPPET_H

#include <stdbool.h>

#include "tally.h"

#define PUPPET_HOST "127.0.0.1"

/* It notes when the first message with this topic came. */
#define PUPPET_ANSWER "answer"

typedef struct puppet {
    int port;
    /* What it has seen, of all connections together. */
    tally connects, subscribes, publishes, pings, disconnects;
    /* In milliseconds since puppet_begin; the answer 0 while none has come. */
    tally answered_at, longest_silence;
    struct puppet_inside *inside;
} puppet;

void puppet_begin(puppet *);
/* Closes all connections. */
void puppet_end(puppet *);

int puppet_now(const puppet *);

/* Sends so many messages of QoS 0, to each client that has got CONNACK by now. */
void puppet_send(puppet *, int messages);

/* Sends messages without end to each client that has got CONNACK, now and later. */
void puppet_flood(puppet *, int qos);

/* The same from DISCONNECT on, which it does not answer by closing. */
void puppet_flood_goodbyes(puppet *);

/* Reads nothing any more from clients that have got CONNACK. */
void puppet_stop_reading(puppet *);

/* Closes the connections that there are. */
void puppet_drop(puppet *);

#endif
