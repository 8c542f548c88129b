/* Two clients in a loop around poll. */
#include <pmqtt/adapters/poll.h>

#include "scenario.h"

static pmqtt_poll loop;

static void leave(int i)
{
    pmqtt_poll_detach(clients[i], &loop);
}

int main(int argc, char **argv)
{
    struct pollfd fds[CLIENTS]; /* and those of the program */
    int i;

    scenario_begin(argc, argv, leave);
    for (i = 0; i < CLIENTS; i++)
        must(pmqtt_poll_attach(clients[i], &loop));
    while (loop.count > 0) {
        nfds_t count = pmqtt_poll_prepare(&loop, fds);

        if (poll(fds, count, -1) > 0)
            pmqtt_poll_dispatch(&loop, fds, count);
    }
    return scenario_end();
}
