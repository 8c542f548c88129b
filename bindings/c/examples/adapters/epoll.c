/* Two clients in a loop around epoll. */
#include <pmqtt/adapters/epoll.h>
#include <unistd.h>

#include "scenario.h"

static pmqtt_epoll loop;

static void leave(int i)
{
    pmqtt_epoll_detach(clients[i], &loop);
}

int main(int argc, char **argv)
{
    struct epoll_event events[16];
    int i, count;

    loop.epoll = epoll_create1(EPOLL_CLOEXEC);
    scenario_begin(argc, argv, leave);
    for (i = 0; i < CLIENTS; i++)
        must(pmqtt_epoll_attach(clients[i], &loop));
    while (loop.count > 0) {
        count = epoll_wait(loop.epoll, events, 16, -1);
        for (i = 0; i < count; i++)
            pmqtt_epoll_dispatch(&loop, &events[i]); /* false: of the program, or of a freed client */
    }
    close(loop.epoll);
    return scenario_end();
}
