/* The command line of a C driver, which is the same for all drivers:
 *
 *   DRIVER WORK QOS COUNT SIZE PORT [CLIENTS [THREADS [CA]]]
 *
 * WORK is one of
 *   publish   publish COUNT messages, as many at once as `window` says, and see each settled
 *   receive   subscribe to TOPIC, and receive and check COUNT messages, and the broker's last one
 *   echo      subscribe to TOPIC, and publish each of COUNT messages back, at QoS 0
 *   idle      publish, and then stay connected until killed
 *   connect   connect and disconnect COUNT times, one after the other
 * and each ends with DISCONNECT. With "/5" behind it, publish and receive speak MQTT 5, and with
 * "/5+", each message has the properties of payload.h. SIZE is that of the payload. CLIENTS clients do it at the same time,
 * in one thread. THREADS threads publish through one client. CA is the certificate of a broker that
 * uses TLS. */
#ifndef WORK_H
#define WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "die.h"
#include "payload.h"

enum work_kind { WORK_PUBLISH, WORK_RECEIVE, WORK_ECHO, WORK_IDLE, WORK_CONNECT };

/* MQTT 3.1.1, or MQTT 5 without or with properties. */
enum work_form { FORM_311, FORM_5, FORM_5_PROPERTIES };

/* How many messages are published and unsettled at any time, except at the end. At QoS 0: as many as
 * a library can usefully gather into one write (of 64 bytes 2,000, of 64 KiB 4). At QoS 1 and 2: what
 * all peers have in flight. */
enum { GATHERED_BYTES = 128000, GATHERED_MIN = 4, WINDOW_QOS_1_2 = 20 };

struct work {
    enum work_kind kind;
    enum work_form form;
    int qos;
    uint32_t count;
    size_t size;
    int port;
    uint32_t clients;
    uint32_t threads;
    const char *ca; /* NULL: no TLS */
    uint32_t window;
};

#ifdef __cplusplus
extern "C" {
#endif
enum work_kind work_parse_kind(const char *name);
enum work_form work_parse_form(const char *name);

struct work work_parse(int argc, char **argv);
#ifdef __cplusplus
}
#endif

/* Whether the work begins with a SUBSCRIBE. */
static inline bool work_subscribes(const struct work *work)
{
    return work->kind == WORK_RECEIVE || work->kind == WORK_ECHO;
}

/* Whether the work publishes. */
static inline bool work_publishes(const struct work *work)
{
    return work->kind == WORK_PUBLISH || work->kind == WORK_IDLE;
}

/* Checks a message, and counts it. False if it is the broker's last message, of QoS 0, which is not
 * counted: all others have been acknowledged. Ends the program if it is not the expected message. */
static inline bool work_receive(const struct work *work, uint32_t *received, const void *payload, size_t len, int qos)
{
    struct payload_number got;
    bool last = *received == work->count;

    if (len != work->size || qos != (last ? 0 : work->qos) || !payload_get(payload, len, &got) ||
        got.number != *received)
        die("message %u is not the one that was sent", (unsigned)*received);
    *received += !last;
    return !last;
}

#endif
