/* Runs pmqtt clients in a loop around epoll. docs/event-loops.md has the rules of all adapters. */
#ifndef PMQTT_ADAPTERS_EPOLL_H
#define PMQTT_ADAPTERS_EPOLL_H

#include <pmqtt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

/**
 * An epoll set and its clients. Set `epoll`, and all other fields to 0. The structure holds no memory while it has no
 * clients.
 */
typedef struct pmqtt_epoll {
    /** The epoll set, which the program creates and closes. */
    int epoll;
    /** The number of clients. */
    int count;
    /** The client of each descriptor, or NULL. An event that epoll_wait has returned before its client was detached
     *  finds NULL here. A pointer in the event would point to freed memory. */
    pmqtt_client **by_fd;
    /** The number of elements of by_fd. */
    int room;
} pmqtt_epoll;

/**
 * Attaches a client to an epoll set. Call it in the thread of the loop; callback-safe.
 *
 * @param client  The client; not NULL.
 * @param loop    The set and its clients; not NULL. All events in the set, also those of the program, must have
 *                their descriptor as data (`data.fd`).
 *
 * @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL; `PMQTT_ERR_NOMEM`;
 * `PMQTT_ERR_ERRNO`: the descriptor cannot be created (`pmqtt_last_error`), or epoll refuses it (errno).
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
 * Detaches a client. Call it before the client is freed; callback-safe.
 *
 * @param client  The attached client; not NULL.
 * @param loop    The set that it is attached to.
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
 * Runs the client that an event belongs to.
 *
 * @param loop   The set and its clients.
 * @param event  An event from epoll_wait.
 *
 * @return true: the event was that of a client. false: it is one of the program.
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
