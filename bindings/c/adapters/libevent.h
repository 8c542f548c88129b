/**
 * @file
 * Runs clients in a libevent loop. The program links with libevent_core.
 *
 * docs/event-loops.md has the rules of all adapters.
 */
#ifndef PMQTT_ADAPTERS_LIBEVENT_H
#define PMQTT_ADAPTERS_LIBEVENT_H

#include <event2/event.h>
#include <pmqtt.h>

/** Runs the client. The loop calls this function. Not for programs. */
static inline void pmqtt_libevent_on_readable(evutil_socket_t fd, short events, void *client)
{
    (void)fd, (void)events;
    pmqtt_process((pmqtt_client *)client);
}

/**
 * Adds a client to a loop, which runs it from then on.
 *
 * Only in the loop's thread; callback-safe.
 *
 * @param client  The client; not NULL.
 * @param base    The loop; not NULL. The event keeps the loop running, as each pending event does.
 * @param out     The event, for `pmqtt_libevent_detach`; written on success only.
 *
 * @return `PMQTT_ERR_SUCCESS`, or:
 * - `PMQTT_ERR_INVAL`: `client` is NULL.
 * - `PMQTT_ERR_NOMEM`: there is no memory.
 * - `PMQTT_ERR_ERRNO`: there is no descriptor (`pmqtt_last_error`), or libevent refuses it
 *   (errno).
 */
static inline int pmqtt_libevent_attach(pmqtt_client *client, struct event_base *base, struct event **out)
{
    int fd = pmqtt_event_fd(client);
    struct event *event;

    if (fd < 0)
        return client ? PMQTT_ERR_ERRNO : PMQTT_ERR_INVAL;
    event = event_new(base, fd, EV_READ | EV_PERSIST, pmqtt_libevent_on_readable, client);
    if (!event)
        return PMQTT_ERR_NOMEM;
    if (event_add(event, NULL) != 0) {
        event_free(event);
        return PMQTT_ERR_ERRNO;
    }
    *out = event;
    return PMQTT_ERR_SUCCESS;
}

/**
 * Removes a client from its loop.
 *
 * The program calls this before it frees the client. Callback-safe.
 *
 * @param event  From `pmqtt_libevent_attach`; not NULL. The call frees it.
 */
static inline void pmqtt_libevent_detach(struct event *event)
{
    event_free(event);
}

#endif
