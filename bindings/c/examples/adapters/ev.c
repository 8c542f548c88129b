/* Two clients in a libev loop. */
#include <pmqtt/adapters/ev.h>

#include "scenario.h"

static struct ev_loop *loop;
static ev_io *watchers[CLIENTS];

static void leave(int i)
{
    pmqtt_ev_detach(watchers[i], loop);
}

int main(int argc, char **argv)
{
    int i;

    loop = ev_default_loop(0);
    scenario_begin(argc, argv, leave);
    for (i = 0; i < CLIENTS; i++)
        must(pmqtt_ev_attach(clients[i], loop, &watchers[i]));
    ev_run(loop, 0); /* until no watcher is left */
    ev_loop_destroy(loop);
    return scenario_end();
}
