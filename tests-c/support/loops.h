/* The ways in which programs run clients, with one interface. */
#ifndef LOOPS_H
#define LOOPS_H

#include <stdbool.h>

#include "wait.h"

enum { LOOP_CLIENTS = 4 };

typedef struct loop loop;

typedef struct loop_kind {
    const char *name;
    /* Lost connections are made again without a call of the program. */
    bool reconnects;
    /* Adds a client. */
    void (*add)(loop *, int index);
    /* Waits for at most this many milliseconds, then does what is due. */
    void (*turn)(loop *, int timeout_ms);
    /* Removes a client. */
    void (*remove)(loop *, int index);
} loop_kind;

extern const loop_kind STEP_LOOP;           /* pmqtt_loop */
extern const loop_kind POLL_LOOP;           /* pmqtt_socket, want_read, want_write, in poll */
extern const loop_kind INTEREST_LOOP;       /* on_interest keeps registrations with epoll */
extern const loop_kind EVENT_POLL_LOOP;     /* pmqtt_event_fd, in poll */
extern const loop_kind EVENT_EPOLL_LOOP;    /* pmqtt_event_fd, in epoll */
extern const loop_kind THREAD_LOOP;         /* pmqtt_loop_start */

struct loop {
    const loop_kind *kind;
    int count;
    struct loop_client {
        pmqtt_client *client;
        /* How often loop calls returned that a connection or an attempt has ended, and why. */
        int ends;
        int last_end;
        /* From on_interest: what is registered, and when loop_misc is due; -1: nothing, never. */
        int fd;
        long long deadline;
    } clients[LOOP_CLIENTS];
    int epoll;
    /* How often a descriptor or a deadline ended the wait. */
    int wakes;
};

void loop_begin(loop *, const loop_kind *);
void loop_add(loop *, pmqtt_client *);
void loop_turn(loop *);
/* Removes all clients; then they can be freed, or run in another way. */
void loop_end(loop *);

#define RUN_UNTIL(loop, condition) DO_UNTIL(condition, loop_turn(loop))

#endif
