/* pmqtt in a program's own epoll loop, through the one descriptor that a client has for its whole
 * life. */
#include <stdlib.h>
#include <sys/epoll.h>

#include "pmqtt_work.h"

enum { EVENTS = 256 };

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS];
    struct client *clients;
    uint32_t i;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int count, k;

    work = work_parse(argc, argv);
    clients = clients_new();
    for (i = 0; i < work.clients; i++) {
        struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = clients[i].handle};

        epoll_ctl(epoll, EPOLL_CTL_ADD, pmqtt_event_fd(clients[i].handle), &wanted);
        client_connect(&clients[i]);
    }
    while (clients_left > 0) {
        count = epoll_wait(epoll, events, EVENTS, -1);
        for (k = 0; k < count; k++)
            pmqtt_process(events[k].data.ptr);
    }
    clients_free(clients);
    return EXIT_SUCCESS;
}
