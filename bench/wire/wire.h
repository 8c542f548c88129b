/* What the broker and the hand-written client share: the packets of MQTT 3.1.1 and 5 that the work
 * needs, and their stream. */
#ifndef WIRE_H
#define WIRE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>

#include "payload.h"

/* The first bytes of packets. */
enum {
    CONNECT = 0x10,
    CONNACK = 0x20,
    PUBLISH = 0x30,
    PUBACK = 0x40,
    PUBREC = 0x50,
    PUBREL = 0x62,
    PUBCOMP = 0x70,
    SUBSCRIBE = 0x82,
    SUBACK = 0x90,
    PINGREQ = 0xc0,
    PINGRESP = 0xd0,
    DISCONNECT = 0xe0
};

enum { HEADER_MAX = 5, TOPIC_LEN = sizeof TOPIC - 1 };

static inline size_t put_u16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
    return 2;
}

static inline unsigned get_u16(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

static inline size_t put_header(uint8_t *at, unsigned first, size_t length)
{
    size_t used = 0;

    at[used++] = (uint8_t)first;
    for (; length > 0x7f; length >>= 7)
        at[used++] = (uint8_t)(length | 0x80);
    at[used++] = (uint8_t)length;
    return used;
}

/* Packets that consist of an identifier, as all acknowledgements do. */
static inline size_t put_ack(uint8_t *at, unsigned first, unsigned id)
{
    at[0] = (uint8_t)first;
    at[1] = 2;
    put_u16(at + 2, id);
    return 4;
}

/* The properties of a PUBLISH with their length; no bytes in MQTT 3.1.1. */
struct section {
    const uint8_t *bytes;
    size_t len;
};

enum { SECTION_MAX = 64 };

/* PUBLISH up to its payload. */
static inline size_t put_publish_head(uint8_t *at, int qos, unsigned id, struct section section, size_t payload_len)
{
    size_t id_len = qos > 0 ? 2 : 0;
    size_t length = 2 + TOPIC_LEN + id_len + section.len + payload_len;
    size_t used = put_header(at, PUBLISH | (unsigned)qos << 1, length);

    used += put_u16(at + used, TOPIC_LEN);
    memcpy(at + used, TOPIC, TOPIC_LEN);
    used += TOPIC_LEN;
    if (qos > 0)
        used += put_u16(at + used, id);
    if (section.len > 0)
        memcpy(at + used, section.bytes, section.len);
    return used + section.len;
}

struct packet {
    unsigned first;
    const uint8_t *body;
    size_t body_len;
};

/* Reads the packet at the front of the bytes. Returns its length, or 0 while it is incomplete. */
static inline size_t get_packet(const uint8_t *bytes, size_t len, struct packet *packet)
{
    size_t body_len = 0;
    size_t used = 1;

    do {
        if (used == len || used == HEADER_MAX || len == 0)
            return 0;
        body_len |= (size_t)(bytes[used] & 0x7f) << (7 * (used - 1));
    } while (bytes[used++] & 0x80);
    if (len - used < body_len)
        return 0;
    packet->first = bytes[0];
    packet->body = bytes + used;
    packet->body_len = body_len;
    return used + body_len;
}

struct publish {
    int qos;
    unsigned id;
    const uint8_t *payload;
    size_t payload_len;
};

/* False if the work does not contain such a message. */
static inline bool get_publish(const struct packet *packet, struct section section, struct publish *publish)
{
    size_t id_end, head;

    publish->qos = (int)(packet->first >> 1 & 3);
    id_end = 2 + TOPIC_LEN + (publish->qos > 0 ? 2 : 0);
    head = id_end + section.len;
    if (packet->body_len < head || get_u16(packet->body) != TOPIC_LEN ||
        memcmp(packet->body + 2, TOPIC, TOPIC_LEN) != 0)
        return false;
    if (section.len > 0 && memcmp(packet->body + id_end, section.bytes, section.len) != 0)
        return false;
    publish->id = publish->qos > 0 ? get_u16(packet->body + 2 + TOPIC_LEN) : 0;
    publish->payload = packet->body + head;
    publish->payload_len = packet->body_len - head;
    return true;
}

/* A connected, blocking socket; ssl is NULL without TLS. */
struct stream {
    int fd;
    SSL *ssl;
};

/* Reads what is there, at least one byte; 0 at the end of the stream. */
size_t stream_read(const struct stream *stream, void *to, size_t room);

/* Writes all of it. */
void stream_write(const struct stream *stream, const void *from, size_t len);

/* Writes the parts one after the other, in one system call without TLS; it changes them. */
void stream_write_parts(const struct stream *stream, struct iovec *parts, int count);

void stream_close(struct stream *stream);

#endif
