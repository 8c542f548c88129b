/* What the examples of all adapters do. Two clients in one loop, of which one uses TLS, send each other
 * messages; the broker is killed, and comes back after a while; they do it again, disconnect, and are
 * freed in a callback. Only the loop differs from one program to the next. */
#ifndef SCENARIO_H
#define SCENARIO_H

#include <pmqtt.h>

enum { CLIENTS = 2 };

extern pmqtt_client *clients[CLIENTS];

/* Makes the clients, and has them connect. At the end, in a callback of one of them, `leave` has to take
 * each out of its loop; it is freed next. The arguments are those of the program:
 *   HOST PORT TLS_PORT CA_FILE CONTROL
 * where the command CONTROL kills or starts the broker. */
void scenario_begin(int argc, char **argv, void (*leave)(int index));

/* Ends the program when a call has failed. */
void must(int rc);

/* After the loop: what main returns. */
int scenario_end(void);

#endif
