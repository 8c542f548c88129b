/* Ports of this machine where things go wrong. */
#ifndef PORTS_H
#define PORTS_H

/* Nobody listens there. */
#define NO_PORT 1

/* Who connects here is in the system's queue, and nobody ever takes it out. */
int accepting_port(void);

/* A listener at an address and a port, which takes nothing out of its queue; the caller closes it. */
int listen_at(const char *address, int port);

/* The queue is full: what comes for this port is dropped. */
int dropping_port(void);

#endif
