/**
 * @file
 * Runs clients in the program's own poll.
 *
 * docs/event-loops.md has the rules of all adapters.
 */
#ifndef PMQTT_ADAPTERS_POLL_H
#define PMQTT_ADAPTERS_POLL_H

#include <pmqtt.h>
#include <poll.h>
#include <stdlib.h>

/**
 * The clients of one thread that calls poll.
 *
 * The program sets all fields to zeros. The structure owns memory only while it has clients.
 */
typedef struct pmqtt_poll {
    /** The number of elements that `pmqtt_poll_prepare` needs at most. */
    size_t count;
    /** The number of elements for which `clients` has memory. */
    size_t room;
    /** The clients in the order of the last `pmqtt_poll_prepare`. An element is NULL if its client
     *  was detached since then. */
    pmqtt_client **clients;
} pmqtt_poll;

/**
 * Adds a client.
 *
 * Only in the polling thread; callback-safe.
 *
 * @param client  The client; not NULL.
 * @param loop    The clients of the thread; not NULL.
 *
 * @return `PMQTT_ERR_SUCCESS`, or:
 * - `PMQTT_ERR_INVAL`: `client` is NULL.
 * - `PMQTT_ERR_NOMEM`: there is no memory.
 * - `PMQTT_ERR_ERRNO`: there is no descriptor (`pmqtt_last_error`).
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
 * Removes a client.
 *
 * The program calls this before it frees the client. Callback-safe.
 *
 * @param client  The client.
 * @param loop    The clients that it was added to.
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
 * Writes the descriptors to poll for.
 *
 * The clients need no timeout: their timers make their descriptors readable.
 *
 * @param loop  The clients.
 * @param fds   At least loop->count elements for the descriptors. The program may have elements of
 *              its own before and after them.
 *
 * @return The number of elements that were written.
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
 * Runs the clients that have something to do. The program calls this after poll.
 *
 * @param loop   The clients.
 * @param fds    The elements that `pmqtt_poll_prepare` wrote and that poll filled in.
 * @param count  The number that `pmqtt_poll_prepare` returned.
 */
static inline void pmqtt_poll_dispatch(pmqtt_poll *loop, const struct pollfd *fds, nfds_t count)
{
    nfds_t i;

    /* Callbacks may attach and detach any client. */
    for (i = 0; i < count && i < loop->count; i++) {
        if (fds[i].revents && loop->clients[i])
            pmqtt_process(loop->clients[i]);
    }
}

#endif
