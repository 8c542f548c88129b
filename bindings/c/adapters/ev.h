/* pmqtt in a libev loop. Link with libev; the rules of all adapters are in docs/event-loops.md. */
#ifndef PMQTT_ADAPTERS_EV_H
#define PMQTT_ADAPTERS_EV_H

#include <ev.h>
#include <pmqtt.h>
#include <stdlib.h>

static inline void pmqtt_ev_on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop, (void)events;
    /* Its callbacks may detach, so that the watcher is not touched afterwards. */
    pmqtt_process((pmqtt_client *)watcher->data);
}

/**
 * Has a loop run a client. In the loop's thread only; callback-safe.
 *
 * @param client  The client; not NULL.
 * @param loop    The loop; not NULL. As any active watcher, the client's keeps it running
 *                (`ev_unref` changes that).
 * @param out     Where the watcher is put, for `pmqtt_ev_detach`; written only on success. Its data
 *                is the adapter's.
 *
 * @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL; `PMQTT_ERR_NOMEM`;
 * `PMQTT_ERR_ERRNO`: there is no descriptor (`pmqtt_last_error`).
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
 * Takes a client out of its loop. Before the client is freed; callback-safe.
 *
 * @param watcher  From `pmqtt_ev_attach`; not NULL, and gone afterwards.
 * @param loop     The loop of that call.
 */
static inline void pmqtt_ev_detach(ev_io *watcher, struct ev_loop *loop)
{
    ev_io_stop(loop, watcher);
    free(watcher);
}

#endif
