/* pmqtt in a GLib main context, and so in GTK. Link with glib-2.0; the rules of all adapters are in
 * docs/event-loops.md. */
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
 * Has a main context run a client. In its thread only; callback-safe.
 *
 * @param client   The client; not NULL.
 * @param context  NULL: the default one.
 * @param out      Where the source is put, for `pmqtt_glib_detach`; written only on success.
 *
 * @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL; `PMQTT_ERR_ERRNO`: there is no
 * descriptor (`pmqtt_last_error`).
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
 * Takes a client out of its context. Before the client is freed; callback-safe.
 *
 * @param source  From `pmqtt_glib_attach`; not NULL, and gone afterwards.
 */
static inline void pmqtt_glib_detach(GSource *source)
{
    g_source_destroy(source);
    g_source_unref(source);
}

#endif
