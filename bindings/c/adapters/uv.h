/* Runs pmqtt clients in a libuv loop. Link with libuv. docs/event-loops.md has the rules of all adapters. */
#ifndef PMQTT_ADAPTERS_UV_H
#define PMQTT_ADAPTERS_UV_H

#include <errno.h>
#include <pmqtt.h>
#include <stdlib.h>
#include <uv.h>

static inline void pmqtt_uv_on_readable(uv_poll_t *handle, int status, int events)
{
    (void)status, (void)events;
    /* A callback can detach: do not use the handle afterwards. */
    pmqtt_process((pmqtt_client *)handle->data);
}

static inline void pmqtt_uv_on_closed(uv_handle_t *handle)
{
    free(handle);
}

/**
 * Detaches a client from its loop. Call it before the client is freed; callback-safe.
 *
 * @param handle  From `pmqtt_uv_attach`; not NULL. It is invalid after the call. The loop closes it in
 *                its next turn: run the loop once more before `uv_loop_close`.
 */
static inline void pmqtt_uv_detach(uv_poll_t *handle)
{
    uv_close((uv_handle_t *)handle, pmqtt_uv_on_closed);
}

/**
 * Attaches a client to a loop, which runs it from then on. Call it in the thread of the loop; callback-safe.
 *
 * @param client  The client; not NULL.
 * @param loop    The loop; not NULL. The handle keeps the loop running as any active handle
 *                does; `uv_unref` changes that.
 * @param out     Receives the handle, for `pmqtt_uv_detach`; written only on success. The
 *                adapter uses its `data`.
 *
 * @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL; `PMQTT_ERR_NOMEM`;
 * `PMQTT_ERR_ERRNO`: the descriptor cannot be created (`pmqtt_last_error`), or libuv refuses it (errno).
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
