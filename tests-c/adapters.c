/* The adapters that are loops of our own, poll and epoll. A callback removes clients from the loop
 * that is walking its list of them. An attach without a client, a second one, and one to no loop are
 * refused. */
#include <pmqtt/adapters/epoll.h>
#include <pmqtt/adapters/poll.h>

#include <errno.h>
#include <unistd.h>

#include "client.h"
#include "wait.h"

/* Nothing listens there, so the first turn of each client calls on_connect_fail. */
#define HOST "127.0.0.1"
enum { NO_PORT = 1, CLIENTS = 3, MORE = 20 };

static pmqtt_poll polled;
static pmqtt_epoll epolled;

static int attach_to_poll(pmqtt_client *client)
{
    return pmqtt_poll_attach(client, &polled);
}

static void detach_from_poll(pmqtt_client *client)
{
    pmqtt_poll_detach(client, &polled);
}

/* Returns how many were ready. */
static int turn_poll(void)
{
    struct pollfd fds[CLIENTS + MORE];
    nfds_t count = pmqtt_poll_prepare(&polled, fds);
    int ready = poll(fds, count, PATIENCE_MS);

    pmqtt_poll_dispatch(&polled, fds, count);
    return ready;
}

static int attach_to_epoll(pmqtt_client *client)
{
    return pmqtt_epoll_attach(client, &epolled);
}

static void detach_from_epoll(pmqtt_client *client)
{
    pmqtt_epoll_detach(client, &epolled);
}

static int turn_epoll(void)
{
    struct epoll_event events[CLIENTS + MORE];
    int ready = epoll_wait(epolled.epoll, events, CLIENTS + MORE, PATIENCE_MS);
    int i;

    for (i = 0; i < ready; i++)
        pmqtt_epoll_dispatch(&epolled, &events[i]);
    return ready;
}

typedef struct adapter {
    const char *name;
    int (*attach)(pmqtt_client *);
    void (*detach)(pmqtt_client *);
    int (*turn)(void);
} adapter;

static const adapter adapters[] = {
    {"poll", attach_to_poll, detach_from_poll, turn_poll},
    {"epoll", attach_to_epoll, detach_from_epoll, turn_epoll},
};

static const adapter *used;
static pmqtt_client *clients[CLIENTS], *more[MORE];
static int failed, adding;

static void join(pmqtt_client *client, pmqtt_on_connect_fail callback)
{
    CHECK_OK(pmqtt_on_connect_fail_set(client, callback));
    CHECK_OK(used->attach(client));
    CHECK_OK(pmqtt_connect_async(client, HOST, NO_PORT, 60, NULL));
}

static void leave(pmqtt_client *client)
{
    used->detach(client);
    client_free(client);
}

static void count_failure(pmqtt_client *client, void *userdata, const pmqtt_connect_failed *event)
{
    (void)client, (void)userdata, (void)event;
    failed++;
}

/* The first callback ends all clients, its own too. */
static void free_all(pmqtt_client *client, void *userdata, const pmqtt_connect_failed *event)
{
    int i;

    count_failure(client, userdata, event);
    for (i = 0; i < CLIENTS; i++)
        leave(clients[i]);
}

/* The first callback ends the others, and may add enough that the list has to grow. */
static void replace_others(pmqtt_client *client, void *userdata, const pmqtt_connect_failed *event)
{
    int i;

    count_failure(client, userdata, event);
    CHECK_OK(pmqtt_on_connect_fail_set(client, count_failure));
    for (i = 0; i < CLIENTS; i++)
        if (clients[i] != client)
            leave(clients[i]);
    clients[0] = client;
    for (i = 0; i < adding; i++) {
        CHECK_OK(pmqtt_client_new(&more[i], NULL, true, NULL, 0));
        join(more[i], count_failure);
    }
}

static void begin(pmqtt_on_connect_fail callback)
{
    int i;

    failed = 0;
    for (i = 0; i < CLIENTS; i++) {
        clients[i] = client_new(NULL, NULL);
        join(clients[i], callback);
    }
}

static void end_in_turn(void)
{
    step("%s: all clients are ready, and the first one frees them", used->name);
    begin(free_all);
    CHECK_INT(used->turn(), CLIENTS);
    CHECK_INT(failed, 1);
}

static void change_in_turn(int number)
{
    int i;

    step("%s: all clients are ready, and the first one frees the others and adds %d", used->name, number);
    adding = number;
    begin(replace_others);
    CHECK_INT(used->turn(), CLIENTS);
    /* A new client may get the descriptor, and so the event, of a freed one, which does no harm. */
    CHECK(failed >= 1 && failed <= (number ? CLIENTS : 1));
    DO_UNTIL(failed >= 1 + number, used->turn());
    leave(clients[0]);
    for (i = 0; i < number; i++) {
        used->detach(more[i]);
        pmqtt_client_free(more[i]);
    }
}

static void refuse(void)
{
    pmqtt_client *client = client_new(NULL, NULL);
    pmqtt_epoll closed = {-1, 0, NULL, 0};

    step("nothing to attach, twice, or to nothing");
    CHECK_RC(pmqtt_poll_attach(NULL, &polled), PMQTT_ERR_INVAL);
    CHECK_RC(pmqtt_epoll_attach(NULL, &epolled), PMQTT_ERR_INVAL);
    CHECK_OK(pmqtt_epoll_attach(client, &epolled));
    CHECK_RC(pmqtt_epoll_attach(client, &epolled), PMQTT_ERR_ERRNO);
    CHECK_INT(errno, EEXIST);
    CHECK_RC(pmqtt_epoll_attach(client, &closed), PMQTT_ERR_ERRNO);
    CHECK_INT(errno, EBADF);
    pmqtt_epoll_detach(client, &epolled);
    client_free(client);
}

static void leave_to_program(void)
{
    struct epoll_event own = {0};

    step("an event of the program's own");
    own.data.fd = STDIN_FILENO;
    CHECK(!pmqtt_epoll_dispatch(&epolled, &own));
    own.data.fd = -1;
    CHECK(!pmqtt_epoll_dispatch(&epolled, &own));
}

int main(void)
{
    unsigned i;

    watchdog(100);
    epolled.epoll = epoll_create1(EPOLL_CLOEXEC);
    for (i = 0; i < sizeof adapters / sizeof *adapters; i++) {
        used = &adapters[i];
        end_in_turn();
        change_in_turn(0);
        change_in_turn(MORE);
    }
    refuse();
    leave_to_program();
    CHECK(polled.count == 0 && polled.clients == NULL);
    CHECK(epolled.count == 0 && epolled.by_fd == NULL);
    close(epolled.epoll);
    return 0;
}
