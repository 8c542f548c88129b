/* The work, done with pmqtt's C API and its callbacks. The loops, which differ, are in pmqtt_*.c. */
#ifndef PMQTT_WORK_H
#define PMQTT_WORK_H

#include <pmqtt.h>

#include "work.h"

struct client {
    pmqtt_client *handle;
    uint32_t number; /* of this client: the stream of its payloads */
    uint32_t published;
    uint32_t settled;
    uint32_t received;
    uint32_t connects;
    uint32_t disconnects;
    bool done;
};

extern struct work work;

/* How many clients have not finished. */
extern uint32_t clients_left;

/* Ends the program if a call fails. */
void check_rc(int rc, const char *what);

/* The clients of the work, with all callbacks set. */
struct client *clients_new(void);

/* Makes a client connect, which begins its work. */
void client_connect(struct client *client);

void clients_free(struct client *clients);

#endif
