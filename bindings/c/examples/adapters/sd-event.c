/* Two clients in an sd-event loop. */
#include <pmqtt/adapters/sd-event.h>
#include <stdlib.h>

#include "scenario.h"

static sd_event *event;
static sd_event_source *sources[CLIENTS];

static void leave(int i)
{
    pmqtt_sd_event_detach(sources[i]);
    sd_event_exit(event, 0);
}

int main(int argc, char **argv)
{
    int i;

    if (sd_event_default(&event) < 0)
        return EXIT_FAILURE;
    scenario_begin(argc, argv, leave);
    for (i = 0; i < CLIENTS; i++)
        must(pmqtt_sd_event_attach(clients[i], event, &sources[i]));
    sd_event_loop(event);
    sd_event_unref(event);
    return scenario_end();
}
