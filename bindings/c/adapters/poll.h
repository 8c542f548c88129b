/* pmqtt in a program's own poll. The rules of all adapters are in docs/event-loops.md. */
#ifndef PMQTT_ADAPTERS_POLL_H
#define PMQTT_ADAPTERS_POLL_H

#include <pmqtt.h>
#include <poll.h>
#include <stdlib.h>

/**
 * The clients that one thread polls for. It begins with zeros, and holds no memory while it has no
 * clients.
 */
typedef struct pmqtt_poll {
    /** How many elements `pmqtt_poll_prepare` needs at the most. */
    size_t count;
    /** How many there is memory for. */
    size_t room;
    /** In the order of the last `pmqtt_poll_prepare`; NULL where one was detached since. */
    pmqtt_client **clients;
} pmqtt_poll;

/**
 * Adds a client. In the polling thread only; callback-safe.
 *
 * @param client  The client; not NULL.
 * @param loop    Where it is added; not NULL.
 *
 * @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL; `PMQTT_ERR_NOMEM`;
 * `PMQTT_ERR_ERRNO`: there is no descriptor (`pmqtt_last_error`).
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
 * Takes a client out. Before the client is freed; callback-safe.
 *
 * @param client  The client.
 * @param loop    Where it was added.
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
 * Says what to poll for. Needs no timeout: a client's timers make its descriptor readable.
 *
 * @param loop  The clients.
 * @param fds   Where the descriptors are put: loop->count elements, in an array that may have others
 *              of the program's.
 *
 * @return How many elements were written.
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
 * Runs the clients that have something to do, after poll.
 *
 * @param loop   The clients.
 * @param fds    What `pmqtt_poll_prepare` has written and poll has filled in.
 * @param count  What `pmqtt_poll_prepare` has returned.
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
