/* Clients of tests: those that live are known, so that a failure can tell their last errors. */
#ifndef CLIENT_H
#define CLIENT_H

#include <pmqtt.h>

/* A client of MQTT 3.1.1; without an id it has a clean session, and else a durable one. */
pmqtt_client *client_new(const char *id, void *userdata);

void client_free(pmqtt_client *client);

/* Before the test frees it by itself, in a callback for example. */
void client_forget(pmqtt_client *client);

pmqtt_statistics client_stats(const pmqtt_client *client);

void clients_print_errors(void);

/* How many this process has: those of clients come and go. */
int open_descriptors(void);

#endif
