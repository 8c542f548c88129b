/* Runs pmqtt clients in a libevent loop. Link with libevent_core. docs/event-loops.md has the rules of all
 * adapters. */
#ifndef PMQTT_ADAPTERS_LIBEVENT_H
#define PMQTT_ADAPTERS_LIBEVENT_H

#include <event2/event.h>
#include <pmqtt.h>

static inline void pmqtt_libevent_on_readable(evutil_socket_t fd, short events, void *client)
{
    (void)fd, (void)events;
    pmqtt_process((pmqtt_client *)client);
}

/**
 * Attaches a client to a loop, which runs it from then on. Call it in the thread of the loop; callback-safe.
 *
 * @param client  The client; not NULL.
 * @param base    The loop; not NULL. The event keeps the loop running as any pending event does.
 * @param out     Receives the event, for `pmqtt_libevent_detach`; written only on success.
 *
 * @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL; `PMQTT_ERR_NOMEM`;
 * `PMQTT_ERR_ERRNO`: the descriptor cannot be created (`pmqtt_last_error`), or libevent refuses it (errno).
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
 * Detaches a client from its loop. Call it before the client is freed; callback-safe.
 *
 * @param event  From `pmqtt_libevent_attach`; not NULL. It is invalid after the call.
 */
static inline void pmqtt_libevent_detach(struct event *event)
{
    event_free(event);
}

#endif
