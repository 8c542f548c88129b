/* pmqtt in a program's own epoll set. The rules of all adapters are in docs/event-loops.md. */
#ifndef PMQTT_ADAPTERS_EPOLL_H
#define PMQTT_ADAPTERS_EPOLL_H

#include <pmqtt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

/**
 * An epoll set, and the clients in it. All but the set begins with zeros; it holds no memory while
 * it has no clients.
 */
typedef struct pmqtt_epoll {
    /** The program's set, which it makes and closes. */
    int epoll;
    /** How many clients there are. */
    int count;
    /** Where a client is found by its descriptor. An event that was fetched before its client was
     *  detached finds none there, where a pointer in the event would lead to what is freed. */
    pmqtt_client **by_fd;
    /** How many elements by_fd has. */
    int room;
} pmqtt_epoll;

/**
 * Adds a client. In the loop's thread only; callback-safe.
 *
 * @param client  The client; not NULL.
 * @param loop    Where it is added; not NULL. The data of all events in its set has to be the
 *                descriptor (`data.fd`), as that of the client's is.
 *
 * @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL; `PMQTT_ERR_NOMEM`;
 * `PMQTT_ERR_ERRNO`: there is no descriptor (`pmqtt_last_error`), or epoll refuses it (errno).
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
 * Takes a client out. Before the client is freed; callback-safe.
 *
 * @param client  The client, which is attached; not NULL.
 * @param loop    Where it was added.
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
 * Runs a client, when the event is one's.
 *
 * @param loop   The set and its clients.
 * @param event  One that epoll_wait has given.
 *
 * @return Whether it was a client's, or else it is the program's.
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
