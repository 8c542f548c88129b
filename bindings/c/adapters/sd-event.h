/**
 * @file
 * Runs clients in an sd-event loop. The program links with libsystemd, 243 or newer.
 *
 * docs/event-loops.md has the rules of all adapters.
 */
#ifndef PMQTT_ADAPTERS_SD_EVENT_H
#define PMQTT_ADAPTERS_SD_EVENT_H

#include <errno.h>
#include <pmqtt.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>

/** Runs the client. The loop calls this function. Not for programs. */
static inline int pmqtt_sd_event_on_readable(sd_event_source *source, int fd, uint32_t events, void *client)
{
    (void)source, (void)fd, (void)events;
    pmqtt_process((pmqtt_client *)client);
    return 0;
}

/**
 * Adds a client to a loop, which runs it from then on.
 *
 * Only in the loop's thread; callback-safe.
 *
 * @param client  The client; not NULL.
 * @param event   The loop; not NULL.
 * @param out     The source, for `pmqtt_sd_event_detach`; written on success only.
 *
 * @return `PMQTT_ERR_SUCCESS`, or:
 * - `PMQTT_ERR_INVAL`: `client` is NULL.
 * - `PMQTT_ERR_ERRNO`: there is no descriptor (`pmqtt_last_error`), or sd-event refuses it
 *   (errno).
 */
static inline int pmqtt_sd_event_attach(pmqtt_client *client, sd_event *event, sd_event_source **out)
{
    int fd = pmqtt_event_fd(client);
    sd_event_source *source;
    int error;

    if (fd < 0)
        return client ? PMQTT_ERR_ERRNO : PMQTT_ERR_INVAL;
    error = sd_event_add_io(event, &source, fd, EPOLLIN, pmqtt_sd_event_on_readable, client);
    if (error < 0) {
        errno = -error;
        return PMQTT_ERR_ERRNO;
    }
    sd_event_source_set_description(source, "pmqtt"); /* only for sd-event's log, so a failure does not matter */
    *out = source;
    return PMQTT_ERR_SUCCESS;
}

/**
 * Removes a client from its loop.
 *
 * The program calls this before it frees the client. Callback-safe.
 *
 * @param source  From `pmqtt_sd_event_attach`; not NULL. The call frees it.
 */
static inline void pmqtt_sd_event_detach(sd_event_source *source)
{
    sd_event_source_disable_unref(source);
}

#endif
