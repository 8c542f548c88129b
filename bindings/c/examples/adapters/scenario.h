/* The scenario of all adapter examples. Only the loop differs from one program to the next.
 * 1. Two clients in one loop, one of them with TLS, send each other messages.
 * 2. The broker is killed, and restarted after a while.
 * 3. The clients send messages again, disconnect, and are freed in a callback. */
#ifndef SCENARIO_H
#define SCENARIO_H

#include <pmqtt.h>

enum { CLIENTS = 2 };

extern pmqtt_client *clients[CLIENTS];

/* Creates the clients, and begins to connect them. At the end, in a callback of one of them, `leave` must
 * remove each client from its loop; the client is freed next. The arguments are those of the program:
 *   HOST PORT TLS_PORT CA_FILE CONTROL
 * The command CONTROL kills or starts the broker. */
void scenario_begin(int argc, char **argv, void (*leave)(int index));

/* Ends the program when a call has failed. */
void must(int rc);

/* Called after the loop; main returns its result. */
int scenario_end(void);

#endif
