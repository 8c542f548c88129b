/* pmqtt in a libuv loop. Link with libuv; the rules of all adapters are in docs/event-loops.md. */
#ifndef PMQTT_ADAPTERS_UV_H
#define PMQTT_ADAPTERS_UV_H

#include <errno.h>
#include <pmqtt.h>
#include <stdlib.h>
#include <uv.h>

static inline void pmqtt_uv_on_readable(uv_poll_t *handle, int status, int events)
{
    (void)status, (void)events;
    /* Its callbacks may detach, so that the handle is not touched afterwards. */
    pmqtt_process((pmqtt_client *)handle->data);
}

static inline void pmqtt_uv_on_closed(uv_handle_t *handle)
{
    free(handle);
}

/**
 * Takes a client out of its loop. Before the client is freed; callback-safe.
 *
 * @param handle  From `pmqtt_uv_attach`; not NULL. Not to be used any more: the loop closes it in
 *                its next turn, so run that once more before `uv_loop_close`.
 */
static inline void pmqtt_uv_detach(uv_poll_t *handle)
{
    uv_close((uv_handle_t *)handle, pmqtt_uv_on_closed);
}

/**
 * Has a loop run a client. In the loop's thread only; callback-safe.
 *
 * @param client  The client; not NULL.
 * @param loop    The loop; not NULL. As any active handle, the client's keeps it running
 *                (`uv_unref` changes that).
 * @param out     Where the handle is put, for `pmqtt_uv_detach`; written only on success. Its data
 *                is the adapter's.
 *
 * @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL; `PMQTT_ERR_NOMEM`;
 * `PMQTT_ERR_ERRNO`: there is no descriptor (`pmqtt_last_error`), or libuv refuses it (errno).
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
