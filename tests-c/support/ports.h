/* Ports of this machine that cause failures. */
#ifndef PORTS_H
#define PORTS_H

/* Nothing listens there. */
#define NO_PORT 1

/* A connection to this port enters the system's queue, and is never accepted. */
int accepting_port(void);

/* A listener at an address and a port that accepts nothing; the caller closes it. */
int listen_at(const char *address, int port);

/* The queue is full: what arrives for this port is dropped. */
int dropping_port(void);

#endif
