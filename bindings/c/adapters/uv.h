/**
 * @file
 * Runs clients in a libuv loop. The program links with libuv.
 *
 * docs/event-loops.md has the rules of all adapters.
 */
#ifndef PMQTT_ADAPTERS_UV_H
#define PMQTT_ADAPTERS_UV_H

#include <errno.h>
#include <pmqtt.h>
#include <stdlib.h>
#include <uv.h>

/** Runs the client. The loop calls this function. Not for programs. */
static inline void pmqtt_uv_on_readable(uv_poll_t *handle, int status, int events)
{
    (void)status, (void)events;
    /* A callback may detach the client, so nothing may use the handle afterwards. */
    pmqtt_process((pmqtt_client *)handle->data);
}

/** Frees the handle. The loop calls this function. Not for programs. */
static inline void pmqtt_uv_on_closed(uv_handle_t *handle)
{
    free(handle);
}

/**
 * Removes a client from its loop.
 *
 * The program calls this before it frees the client. Callback-safe.
 *
 * @param handle  From `pmqtt_uv_attach`; not NULL. The program must not use it any more. The loop
 *                closes the handle in its next iteration. The program must run this iteration
 *                before it calls `uv_loop_close`.
 */
static inline void pmqtt_uv_detach(uv_poll_t *handle)
{
    uv_close((uv_handle_t *)handle, pmqtt_uv_on_closed);
}

/**
 * Adds a client to a loop, which runs it from then on.
 *
 * Only in the loop's thread; callback-safe.
 *
 * @param client  The client; not NULL.
 * @param loop    The loop; not NULL. The handle keeps the loop running, as each active handle does
 *                (`uv_unref` changes that).
 * @param out     The handle, for `pmqtt_uv_detach`; written on success only. The adapter uses the
 *                field `data` of the handle, so the program must not change it.
 *
 * @return `PMQTT_ERR_SUCCESS`, or:
 * - `PMQTT_ERR_INVAL`: `client` is NULL.
 * - `PMQTT_ERR_NOMEM`: there is no memory.
 * - `PMQTT_ERR_ERRNO`: there is no descriptor (`pmqtt_last_error`), or libuv refuses it (errno).
 */
static inline int pmqtt_uv_attach(pmqtt_client *client, uv_loop_t *loop, uv_poll_t **out)
{
    int fd = pmqtt_event_fd(client);
    uv_poll_t *handle;
    int error;

    if (fd < 0)
        return client ? PMQTT_ERR_ERRNO : PMQTT_ERR_INVAL;
    handle = (uv_poll_t *)malloc(sizeof *handle);
    if (!handle)
        return PMQTT_ERR_NOMEM;
    error = uv_poll_init(loop, handle, fd);
    if (error) {
        free(handle);
        errno = -error;
        return PMQTT_ERR_ERRNO;
    }
    handle->data = client;
    error = uv_poll_start(handle, UV_READABLE, pmqtt_uv_on_readable);
    if (error) {
        pmqtt_uv_detach(handle);
        errno = -error;
        return PMQTT_ERR_ERRNO;
    }
    *out = handle;
    return PMQTT_ERR_SUCCESS;
}

#endif
