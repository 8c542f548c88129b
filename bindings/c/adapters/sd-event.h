/* pmqtt in an sd-event loop. Link with libsystemd (243 or newer); the rules of all adapters are in
 * docs/event-loops.md. */
#ifndef PMQTT_ADAPTERS_SD_EVENT_H
#define PMQTT_ADAPTERS_SD_EVENT_H

#include <errno.h>
#include <pmqtt.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>

static inline int pmqtt_sd_event_on_readable(sd_event_source *source, int fd, uint32_t events, void *client)
{
    (void)source, (void)fd, (void)events;
    pmqtt_process((pmqtt_client *)client);
    return 0;
}

/**
 * Has a loop run a client. In the loop's thread only; callback-safe.
 *
 * @param client  The client; not NULL.
 * @param event   The loop; not NULL.
 * @param out     Where the source is put, for `pmqtt_sd_event_detach`; written only on success.
 *
 * @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL; `PMQTT_ERR_ERRNO`: there is no
 * descriptor (`pmqtt_last_error`), or sd-event refuses it (errno).
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
    sd_event_source_set_description(source, "pmqtt"); /* for its log; no matter when it fails */
    *out = source;
    return PMQTT_ERR_SUCCESS;
}

/**
 * Takes a client out of its loop. Before the client is freed; callback-safe.
 *
 * @param source  From `pmqtt_sd_event_attach`; not NULL, and gone afterwards.
 */
static inline void pmqtt_sd_event_detach(sd_event_source *source)
{
    sd_event_source_disable_unref(source);
}

#endif
