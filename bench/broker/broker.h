/* The work that the broker serves, and what it has seen. */
#ifndef BROKER_H
#define BROKER_H

#include "wire.h"
#include "work.h"

struct order {
    enum work_kind kind;
    struct section section; /* of each PUBLISH */
    int qos;
    uint32_t count; /* messages for each client, or connections */
    size_t size;
    uint32_t clients;
    uint32_t connections; /* until the work is done */
};

struct order order_parse(int argc, char **argv, SSL_CTX **tls);

static inline bool order_floods(const struct order *order)
{
    return order->kind == WORK_RECEIVE || order->kind == WORK_ECHO;
}

enum { STREAMS_MAX = 20000 };

struct tally {
    const struct order *order;
    uint32_t connects;
    uint32_t disconnects;
    uint64_t messages;
    uint32_t *next; /* for each stream, the number of its next message */
    uint64_t begin_ns;
    uint64_t echo_began_ns;
    uint32_t *echoes_ns;
    uint32_t echo_count;
};

void tally_begin(struct tally *tally, const struct order *order);
void tally_connect(struct tally *tally);
void tally_message(struct tally *tally, struct payload_number got);
void tally_echo_begins(struct tally *tally);
void tally_echo_ends(struct tally *tally);

/* Prints what was seen, as JSON, and ends the program if that is not the work. */
void tally_end(struct tally *tally);

#endif
