/* Ports of this machine where things go wrong. */
#ifndef PORTS_H
#define PORTS_H

/* Nobody listens there. */
#define NO_PORT 1

/* Who connects here is in the system's queue, and nobody ever takes it out. */
int accepting_port(void);

/* The queue is full: what comes for this port is dropped. */
int dropping_port(void);

#endif
