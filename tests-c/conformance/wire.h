/* A relay between one client and the broker.  It counts and tapes the packets, and can lose them. */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>

#include "tape.h"

/* Types of packets, as in their first byte. */
enum { CONNECT = 1, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, PINGREQ = 12, PINGRESP, DISCONNECT };

typedef struct wire wire;

/* It lives until the process ends. `name` is for the tape. */
wire *wire_new(const char *name, const char *host, int port);

/* The client connects to this port of 127.0.0.1. */
int wire_port(const wire *);

/* From the next connection on, this is the port of the broker. */
void wire_turn_to(wire *, int port);

/* On the connection of now, or on the next one if there is none, packets of this type are lost. After
 * the first of them, the end of the connection does not get through either. */
void wire_lose(wire *, enum way, int type);

/* Ends the connection to both, without a DISCONNECT. */
void wire_cut(wire *);

/* True until the broker has closed the connection, or knows that it has ended. */
bool wire_is_open(wire *);

/* How many packets of a type came so far, including those that were lost. */
int wire_count(wire *, enum way, int type);

/* How many bytes the packets of a type had so far. */
size_t wire_bytes(wire *, enum way, int type);

/* Copies the last packet of a type. Returns its length; 0: none came. */
size_t wire_last(wire *, enum way, int type, unsigned char *bytes, size_t size);

#endif
