/* The ways to run clients, each as a program would have it, behind one face. */
#ifndef LOOPS_H
#define LOOPS_H

#include <stdbool.h>

#include "wait.h"

enum { LOOP_CLIENTS = 4 };

typedef struct loop loop;

typedef struct loop_kind {
    const char *name;
    /* Lost connections are made again without a word of the program. */
    bool reconnects;
    /* A client is added. */
    void (*add)(loop *, int index);
    /* Waits for at most so many milliseconds, then does what there is to do. */
    void (*turn)(loop *, int timeout_ms);
    /* A client is taken out. */
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
        /* How often and why loop calls said that a connection, or an attempt at one, ended. */
        int ends;
        int last_end;
        /* Of on_interest: what was registered, and when loop_misc is due; -1: none, never. */
        int fd;
        long long deadline;
    } clients[LOOP_CLIENTS];
    int epoll;
    /* How often the wait was over because of a descriptor or a deadline. */
    int wakes;
};

void loop_begin(loop *, const loop_kind *);
void loop_add(loop *, pmqtt_client *);
void loop_turn(loop *);
/* Takes all clients out; they can be freed then, or run in another way. */
void loop_end(loop *);

#define RUN_UNTIL(loop, condition) DO_UNTIL(condition, loop_turn(loop))

#endif
