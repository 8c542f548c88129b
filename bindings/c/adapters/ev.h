/**
 * @file
 * Runs clients in a libev loop. The program links with libev.
 *
 * docs/event-loops.md has the rules of all adapters.
 */
#ifndef PMQTT_ADAPTERS_EV_H
#define PMQTT_ADAPTERS_EV_H

#include <ev.h>
#include <pmqtt.h>
#include <stdlib.h>

/** Runs the client. The loop calls this function. Not for programs. */
static inline void pmqtt_ev_on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop, (void)events;
    /* A callback may detach the client, so nothing may use the watcher afterwards. */
    pmqtt_process((pmqtt_client *)watcher->data);
}

/**
 * Adds a client to a loop, which runs it from then on.
 *
 * Only in the loop's thread; callback-safe.
 *
 * @param client  The client; not NULL.
 * @param loop    The loop; not NULL. The watcher keeps the loop running, as each active watcher
 *                does (`ev_unref` changes that).
 * @param out     The watcher, for `pmqtt_ev_detach`; written on success only. The adapter uses the
 *                field `data` of the watcher, so the program must not change it.
 *
 * @return `PMQTT_ERR_SUCCESS`, or:
 * - `PMQTT_ERR_INVAL`: `client` is NULL.
 * - `PMQTT_ERR_NOMEM`: there is no memory.
 * - `PMQTT_ERR_ERRNO`: there is no descriptor (`pmqtt_last_error`).
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
 * Removes a client from its loop.
 *
 * The program calls this before it frees the client. Callback-safe.
 *
 * @param watcher  From `pmqtt_ev_attach`; not NULL. The call frees it.
 * @param loop     The loop that the client was added to.
 */
static inline void pmqtt_ev_detach(ev_io *watcher, struct ev_loop *loop)
{
    ev_io_stop(loop, watcher);
    free(watcher);
}

#endif
