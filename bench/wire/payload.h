/* What all C programs of the benchmark share: the topic, the properties, and the format of a payload.
 *
 * A payload begins and ends with its number. So a few instructions find each message that is lost,
 * repeated, cut or out of order. Each thread or client that publishes has a number, too. */
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TOPIC "bench/topic"

/* The properties of a message that has some: a content type and two user properties. */
#define CONTENT_TYPE "application/json"
#define SITE "site"
#define SITE_VALUE "north"
#define UNIT "unit"
#define UNIT_VALUE "kPa"
enum { PROPERTIES = 3 };

struct payload_number {
    uint32_t stream;
    uint32_t number;
};

enum { PAYLOAD_MIN = 2 * sizeof(struct payload_number) };

static inline void payload_put(void *payload, size_t size, uint32_t stream, uint32_t number)
{
    struct payload_number value = {stream, number};

    memcpy(payload, &value, sizeof value);
    memcpy((char *)payload + size - sizeof value, &value, sizeof value);
}

/* False if the two ends differ. */
static inline bool payload_get(const void *payload, size_t size, struct payload_number *value)
{
    memcpy(value, payload, sizeof *value);
    return memcmp(value, (const char *)payload + size - sizeof *value, sizeof *value) == 0;
}

#endif
