/* Runs pmqtt clients in a loop around poll. docs/event-loops.md has the rules of all adapters. */
#ifndef PMQTT_ADAPTERS_POLL_H
#define PMQTT_ADAPTERS_POLL_H

#include <pmqtt.h>
#include <poll.h>
#include <stdlib.h>

/**
 * The clients that one thread polls for. Set all fields to 0. The structure holds no memory while it has no clients.
 */
typedef struct pmqtt_poll {
    /** The largest number of elements that `pmqtt_poll_prepare` writes. */
    size_t count;
    /** The number of clients that fit into the memory of `clients`. */
    size_t room;
    /** The clients, in the order of the last `pmqtt_poll_prepare`; NULL: the client was detached since. */
    pmqtt_client **clients;
} pmqtt_poll;

/**
 * Attaches a client. Call it in the thread that polls; callback-safe.
 *
 * @param client  The client; not NULL.
 * @param loop    The clients; not NULL.
 *
 * @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL; `PMQTT_ERR_NOMEM`;
 * `PMQTT_ERR_ERRNO`: the descriptor cannot be created (`pmqtt_last_error`).
 */
static inline int pmqtt_poll_attach(pmqtt_client *client, pmqtt_poll *loop)
{
    if (pmqtt_event_fd(client) < 0)
        return client ? PMQTT_ERR_ERRNO : PMQTT_ERR_INVAL;
    if (loop->count == loop->room) {
        size_t room = loop->room ? 2 * loop->room : 4;
        void *clients = realloc(loop->clients, room * sizeof *loop->clients);

        if (!clients)
            return PMQTT_ERR_NOMEM;
        loop->clients = (pmqtt_client **)clients;
        loop->room = room;
    }
    loop->clients[loop->count++] = client;
    return PMQTT_ERR_SUCCESS;
}

/**
 * Detaches a client. Call it before the client is freed; callback-safe.
 *
 * @param client  The client.
 * @param loop    The clients that it is one of.
 */
static inline void pmqtt_poll_detach(const pmqtt_client *client, pmqtt_poll *loop)
{
    size_t left = 0, i;

    for (i = 0; i < loop->count; i++) {
        if (loop->clients[i] == client)
            loop->clients[i] = NULL;
        left += loop->clients[i] != NULL;
    }
    if (left == 0) {
        free(loop->clients);
        loop->clients = NULL;
        loop->count = loop->room = 0;
    }
}

/**
 * Writes the descriptors to poll for. poll needs no timeout: a timer of a client makes its descriptor readable.
 *
 * @param loop  The clients.
 * @param fds   Receives the descriptors: room for loop->count elements. It can be a part of an array with those of the
 *              program.
 *
 * @return The number of elements written.
 */
static inline nfds_t pmqtt_poll_prepare(pmqtt_poll *loop, struct pollfd *fds)
{
    size_t count = 0, i;

    for (i = 0; i < loop->count; i++) {
        if (!loop->clients[i])
            continue;
        fds[count].fd = pmqtt_event_fd(loop->clients[i]);
        fds[count].events = POLLIN;
        fds[count].revents = 0;
        loop->clients[count++] = loop->clients[i];
    }
    loop->count = count;
    return (nfds_t)count;
}

/**
 * Runs the clients that have something to do. Call it after poll.
 *
 * @param loop   The clients.
 * @param fds    The elements that `pmqtt_poll_prepare` has written and poll has filled.
 * @param count  The number that `pmqtt_poll_prepare` has returned.
 */
static inline void pmqtt_poll_dispatch(pmqtt_poll *loop, const struct pollfd *fds, nfds_t count)
{
    nfds_t i;

    /* Callbacks can attach and detach any client. */
    for (i = 0; i < count && i < loop->count; i++) {
        if (fds[i].revents && loop->clients[i])
            pmqtt_process(loop->clients[i]);
    }
}

#endif
