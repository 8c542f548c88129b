/* Runs pmqtt clients in a GLib main context, also that of GTK. Link with glib-2.0. docs/event-loops.md has the
 * rules of all adapters. */
#ifndef PMQTT_ADAPTERS_GLIB_H
#define PMQTT_ADAPTERS_GLIB_H

#include <glib-unix.h>
#include <pmqtt.h>

static inline gboolean pmqtt_glib_on_readable(gint fd, GIOCondition condition, gpointer client)
{
    (void)fd, (void)condition;
    pmqtt_process((pmqtt_client *)client);
    return G_SOURCE_CONTINUE;
}

/**
 * Attaches a client to a main context, which runs it from then on. Call it in the thread of the context;
 * callback-safe.
 *
 * @param client   The client; not NULL.
 * @param context  The context; NULL: the default one.
 * @param out      Receives the source, for `pmqtt_glib_detach`; written only on success.
 *
 * @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL; `PMQTT_ERR_ERRNO`: the
 * descriptor cannot be created (`pmqtt_last_error`).
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
 * Detaches a client from its context. Call it before the client is freed; callback-safe.
 *
 * @param source  From `pmqtt_glib_attach`; not NULL. It is invalid after the call.
 */
static inline void pmqtt_glib_detach(GSource *source)
{
    g_source_destroy(source);
    g_source_unref(source);
}

#endif
