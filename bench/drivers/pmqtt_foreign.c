/* pmqtt in a program's own epoll loop, which keeps registrations. */
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

#include "pmqtt_work.h"

enum { EVENTS = 256 };

static int epoll;

/* No client has an earlier deadline; -1: there is none. */
static int64_t deadline_ms = -1;

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void note_deadline(int timeout_ms)
{
    int64_t deadline = now_ms() + timeout_ms;

    if (timeout_ms >= 0 && (deadline_ms < 0 || deadline < deadline_ms))
        deadline_ms = deadline;
}

static void on_interest(pmqtt_client *handle, void *userdata, const pmqtt_interest *event)
{
    struct epoll_event wanted = {.events = (event->read ? EPOLLIN : 0u) | (event->write ? EPOLLOUT : 0u),
                                 .data.ptr = handle};

    (void)userdata;
    if (event->closing)
        epoll_ctl(epoll, EPOLL_CTL_DEL, event->fd, NULL);
    else if (event->fd >= 0 && epoll_ctl(epoll, EPOLL_CTL_MOD, event->fd, &wanted) != 0)
        epoll_ctl(epoll, EPOLL_CTL_ADD, event->fd, &wanted);
    note_deadline(event->timeout_ms);
}

static int wait_ms(void)
{
    int64_t left = deadline_ms - now_ms();

    return deadline_ms < 0 ? -1 : left > 0 ? (int)left : 0;
}

static void run_deadlines(struct client *clients)
{
    uint32_t i;

    deadline_ms = -1;
    for (i = 0; i < work.clients; i++) {
        pmqtt_loop_misc(clients[i].handle);
        note_deadline(pmqtt_next_timeout_ms(clients[i].handle));
    }
}

static void turn(struct client *clients)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(epoll, events, EVENTS, wait_ms());
    int i;

    for (i = 0; i < count; i++) {
        if (events[i].events & ~(uint32_t)EPOLLOUT)
            pmqtt_loop_read(events[i].data.ptr);
        if (events[i].events & EPOLLOUT)
            pmqtt_loop_write(events[i].data.ptr);
    }
    if (count == 0)
        run_deadlines(clients);
}

int main(int argc, char **argv)
{
    struct client *clients;
    uint32_t i;

    work = work_parse(argc, argv);
    clients = clients_new();
    epoll = epoll_create1(EPOLL_CLOEXEC);
    for (i = 0; i < work.clients; i++) {
        pmqtt_on_interest_set(clients[i].handle, on_interest);
        client_connect(&clients[i]);
    }
    while (clients_left > 0)
        turn(clients);
    clients_free(clients);
    return EXIT_SUCCESS;
}
