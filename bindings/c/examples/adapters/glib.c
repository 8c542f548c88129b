/* Two clients in a GLib main loop. */
#include <pmqtt/adapters/glib.h>

#include "scenario.h"

static GMainLoop *loop;
static GSource *sources[CLIENTS];

static void leave(int i)
{
    pmqtt_glib_detach(sources[i]);
    g_main_loop_quit(loop);
}

int main(int argc, char **argv)
{
    int i;

    loop = g_main_loop_new(NULL, FALSE);
    scenario_begin(argc, argv, leave);
    for (i = 0; i < CLIENTS; i++)
        must(pmqtt_glib_attach(clients[i], NULL, &sources[i]));
    g_main_loop_run(loop);
    g_main_loop_unref(loop);
    return scenario_end();
}
