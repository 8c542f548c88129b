/**
 * @file
 * Runs clients in a GLib main context, and so in GTK. The program links with glib-2.0.
 *
 * docs/event-loops.md has the rules of all adapters.
 */
#ifndef PMQTT_ADAPTERS_GLIB_H
#define PMQTT_ADAPTERS_GLIB_H

#include <glib-unix.h>
#include <pmqtt.h>

/** Runs the client. The context calls this function. Not for programs. */
static inline gboolean pmqtt_glib_on_readable(gint fd, GIOCondition condition, gpointer client)
{
    (void)fd, (void)condition;
    pmqtt_process((pmqtt_client *)client);
    return G_SOURCE_CONTINUE;
}

/**
 * Adds a client to a main context, which runs it from then on.
 *
 * Only in the context's thread; callback-safe.
 *
 * @param client   The client; not NULL.
 * @param context  The context; NULL: the default one.
 * @param out      The source, for `pmqtt_glib_detach`; written on success only.
 *
 * @return `PMQTT_ERR_SUCCESS`, or:
 * - `PMQTT_ERR_INVAL`: `client` is NULL.
 * - `PMQTT_ERR_ERRNO`: there is no descriptor (`pmqtt_last_error`).
 */
static inline int pmqtt_glib_attach(pmqtt_client *client, GMainContext *context, GSource **out)
{
    int fd = pmqtt_event_fd(client);
    GSource *source;

    if (fd < 0)
        return client ? PMQTT_ERR_ERRNO : PMQTT_ERR_INVAL;
    source = g_unix_fd_source_new(fd, G_IO_IN);
    g_source_set_name(source, "pmqtt");
    g_source_set_callback(source, (GSourceFunc)(void (*)(void))pmqtt_glib_on_readable, client, NULL);
    g_source_attach(source, context);
    *out = source;
    return PMQTT_ERR_SUCCESS;
}

/**
 * Removes a client from its context.
 *
 * The program calls this before it frees the client. Callback-safe.
 *
 * @param source  From `pmqtt_glib_attach`; not NULL. The call destroys it.
 */
static inline void pmqtt_glib_detach(GSource *source)
{
    g_source_destroy(source);
    g_source_unref(source);
}

#endif
