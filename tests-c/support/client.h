/* The clients of a test. They are recorded, so that a failure can print their last errors. */
#ifndef CLIENT_H
#define CLIENT_H

#include <pmqtt.h>

/* A client of MQTT 3.1.1; without an id its session is clean, otherwise durable. */
pmqtt_client *client_new(const char *id, void *userdata);

/* The same with each choice; `protocol` is a PMQTT_PROTOCOL_ number. */
pmqtt_client *client_new_as(const char *id, bool clean, int protocol, void *userdata);

void client_free(pmqtt_client *client);

/* Call this before the test frees the client itself, for example in a callback. */
void client_forget(pmqtt_client *client);

pmqtt_statistics client_stats(const pmqtt_client *client);

void clients_print_errors(void);

/* How many descriptors this process has, including those of clients. */
int open_descriptors(void);

#endif
