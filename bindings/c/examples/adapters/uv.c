/* Two clients in a libuv loop. */
#include <pmqtt/adapters/uv.h>

#include "scenario.h"

static uv_poll_t *handles[CLIENTS];

static void leave(int i)
{
    pmqtt_uv_detach(handles[i]);
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    int i;

    scenario_begin(argc, argv, leave);
    for (i = 0; i < CLIENTS; i++)
        must(pmqtt_uv_attach(clients[i], loop, &handles[i]));
    uv_run(loop, UV_RUN_DEFAULT); /* until no handle is left */
    return uv_loop_close(loop) == 0 ? scenario_end() : EXIT_FAILURE;
}
