/* Two clients in a libevent loop. */
#include <pmqtt/adapters/libevent.h>

#include "scenario.h"

static struct event *events[CLIENTS];

static void leave(int i)
{
    pmqtt_libevent_detach(events[i]);
}

int main(int argc, char **argv)
{
    struct event_base *base = event_base_new();
    int i;

    scenario_begin(argc, argv, leave);
    for (i = 0; i < CLIENTS; i++)
        must(pmqtt_libevent_attach(clients[i], base, &events[i]));
    event_base_dispatch(base); /* until no event is left */
    event_base_free(base);
    return scenario_end();
}
