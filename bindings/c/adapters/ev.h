/* Runs pmqtt clients in a libev loop. Link with libev. docs/event-loops.md has the rules of all adapters. */
#ifndef PMQTT_ADAPTERS_EV_H
#define PMQTT_ADAPTERS_EV_H

#include <ev.h>
#include <pmqtt.h>
#include <stdlib.h>

static inline void pmqtt_ev_on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop, (void)events;
    /* A callback can detach: do not use the watcher afterwards. */
    pmqtt_process((pmqtt_client *)watcher->data);
}

/**
 * Attaches a client to a loop, which runs it from then on. Call it in the thread of the loop; callback-safe.
 *
 * @param client  The client; not NULL.
 * @param loop    The loop; not NULL. The watcher keeps the loop running as any active
 *                watcher does; `ev_unref` changes that.
 * @param out     Receives the watcher, for `pmqtt_ev_detach`; written only on success. The
 *                adapter uses its `data`.
 *
 * @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL; `PMQTT_ERR_NOMEM`;
 * `PMQTT_ERR_ERRNO`: the descriptor cannot be created (`pmqtt_last_error`).
 */
static inline int pmqtt_ev_attach(pmqtt_client *client, struct ev_loop *loop, ev_io **out)
{
    int fd = pmqtt_event_fd(client);
    ev_io *watcher;

    if (fd < 0)
        return client ? PMQTT_ERR_ERRNO : PMQTT_ERR_INVAL;
    watcher = (ev_io *)malloc(sizeof *watcher);
    if (!watcher)
        return PMQTT_ERR_NOMEM;
    ev_io_init(watcher, pmqtt_ev_on_readable, fd, EV_READ);
    watcher->data = client;
    ev_io_start(loop, watcher);
    *out = watcher;
    return PMQTT_ERR_SUCCESS;
}

/**
 * Detaches a client from its loop. Call it before the client is freed; callback-safe.
 *
 * @param watcher  From `pmqtt_ev_attach`; not NULL. It is invalid after the call.
 * @param loop     The loop that it is attached to.
 */
static inline void pmqtt_ev_detach(ev_io *watcher, struct ev_loop *loop)
{
    ev_io_stop(loop, watcher);
    free(watcher);
}

#endif
