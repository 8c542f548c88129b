/**
 * @file
 * Runs clients in the program's own epoll set.
 *
 * docs/event-loops.md has the rules of all adapters.
 */
#ifndef PMQTT_ADAPTERS_EPOLL_H
#define PMQTT_ADAPTERS_EPOLL_H

#include <pmqtt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

/**
 * An epoll set, and the clients in it.
 *
 * The program sets `epoll` to its epoll set, and all other fields to zeros. The structure owns
 * memory only while it has clients.
 */
typedef struct pmqtt_epoll {
    /** The epoll set, which the program creates and closes. */
    int epoll;
    /** The number of clients. */
    int count;
    /** The client of each descriptor; NULL: none. When a client is detached, epoll_wait may have
     *  returned an event of this client already. `pmqtt_epoll_dispatch` then finds NULL here. */
    pmqtt_client **by_fd;
    /** The number of elements of by_fd. */
    int room;
} pmqtt_epoll;

/**
 * Adds a client to an epoll set.
 *
 * Only in the loop's thread; callback-safe.
 *
 * @param client  The client; not NULL.
 * @param loop    The set; not NULL. Each event in the set must have its descriptor in `data.fd`,
 *                also the program's own events. The call does this for the client's event.
 *
 * @return `PMQTT_ERR_SUCCESS`, or:
 * - `PMQTT_ERR_INVAL`: `client` is NULL.
 * - `PMQTT_ERR_NOMEM`: there is no memory.
 * - `PMQTT_ERR_ERRNO`: there is no descriptor (`pmqtt_last_error`), or epoll refuses it (errno).
 */
static inline int pmqtt_epoll_attach(pmqtt_client *client, pmqtt_epoll *loop)
{
    int fd = pmqtt_event_fd(client);
    struct epoll_event event;

    if (fd < 0)
        return client ? PMQTT_ERR_ERRNO : PMQTT_ERR_INVAL;
    memset(&event, 0, sizeof event);
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        return PMQTT_ERR_ERRNO;
    if (fd >= loop->room) {
        size_t old = (size_t)loop->room, room = 2 * (size_t)fd + 1;
        void *by_fd = realloc(loop->by_fd, room * sizeof *loop->by_fd);

        if (!by_fd) {
            epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL);
            return PMQTT_ERR_NOMEM;
        }
        loop->by_fd = (pmqtt_client **)by_fd;
        loop->room = (int)room;
        memset(loop->by_fd + old, 0, (room - old) * sizeof *loop->by_fd);
    }
    loop->by_fd[fd] = client;
    loop->count++;
    return PMQTT_ERR_SUCCESS;
}

/**
 * Removes a client from its epoll set.
 *
 * The program calls this before it frees the client. Callback-safe.
 *
 * @param client  The client, which must be attached; not NULL.
 * @param loop    The set that it was added to.
 */
static inline void pmqtt_epoll_detach(pmqtt_client *client, pmqtt_epoll *loop)
{
    int fd = pmqtt_event_fd(client);

    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL);
    loop->by_fd[fd] = NULL;
    if (--loop->count == 0) {
        free(loop->by_fd);
        loop->by_fd = NULL;
        loop->room = 0;
    }
}

/**
 * Runs the client of an event.
 *
 * @param loop   The set and its clients.
 * @param event  An event that epoll_wait has returned.
 *
 * @return true if the event was for a client; false if it is the program's own.
 */
static inline bool pmqtt_epoll_dispatch(const pmqtt_epoll *loop, const struct epoll_event *event)
{
    int fd = event->data.fd;

    if (fd < 0 || fd >= loop->room || !loop->by_fd[fd])
        return false;
    pmqtt_process(loop->by_fd[fd]);
    return true;
}

#endif
