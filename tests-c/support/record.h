/* Counts a client's callbacks.  A test that needs more sets its own callback. */
#ifndef RECORD_H
#define RECORD_H

#include "client.h"
#include "tally.h"

typedef struct record {
    tally connects, refusals, connect_fails, disconnects;
    tally messages, published, subscribed, unsubscribed, writable, drained;
    /* From the last event of its kind. */
    tally session_present, connect_reason, connect_fail_rc, disconnect_rc, publish_rc, granted_qos, last_mid;
} record;

/* A client whose callbacks count in `into`, which is its user data. */
pmqtt_client *recorded_client(const char *id, record *into);

/* Sets the callbacks of a client whose user data begins with a record. */
void record_events(pmqtt_client *client);

#endif
