#include "loops.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* A turn without work lets the test look at its condition again. */
enum { TURN_MS = 20 };

void loop_begin(loop *self, const loop_kind *kind)
{
    memset(self, 0, sizeof *self);
    self->kind = kind;
    self->epoll = epoll_create1(EPOLL_CLOEXEC);
    CHECK(self->epoll >= 0);
}

void loop_add(loop *self, pmqtt_client *client)
{
    struct loop_client *entry = &self->clients[self->count];

    CHECK(self->count < LOOP_CLIENTS);
    entry->client = client;
    entry->fd = -1;
    entry->deadline = -1;
    if (self->kind->add)
        self->kind->add(self, self->count);
    self->count++;
}

void loop_turn(loop *self)
{
    self->kind->turn(self, TURN_MS);
}

void loop_end(loop *self)
{
    for (; self->count > 0; self->count--) {
        if (self->kind->remove)
            self->kind->remove(self, self->count - 1);
    }
    close(self->epoll);
}

/* Keeps the result of a loop call, which is one of the values that the header names. */
static void note(struct loop_client *entry, int rc)
{
    switch (rc) {
    case PMQTT_ERR_SUCCESS:
    case PMQTT_ERR_NO_CONN:
        break;
    case PMQTT_ERR_CONN_LOST:
    case PMQTT_ERR_CONN_REFUSED:
    case PMQTT_ERR_KEEPALIVE:
    case PMQTT_ERR_PROTOCOL:
    case PMQTT_ERR_TIMEOUT:
    case PMQTT_ERR_DNS:
    case PMQTT_ERR_TLS:
    case PMQTT_ERR_ERRNO:
        entry->ends++;
        entry->last_end = rc;
        break;
    default:
        CHECK_RC(rc, PMQTT_ERR_SUCCESS);
    }
}

static void step_turn(loop *self, int timeout_ms)
{
    int i;

    for (i = 0; i < self->count; i++)
        note(&self->clients[i], pmqtt_loop(self->clients[i].client, timeout_ms / self->count));
}

const loop_kind STEP_LOOP = {"loop", false, NULL, step_turn, NULL};

/* The earlier of two times; -1 is never. */
static int sooner(int a, int b)
{
    return a < 0 ? b : b < 0 ? a : a < b ? a : b;
}

static void poll_turn(loop *self, int timeout_ms)
{
    struct pollfd fds[LOOP_CLIENTS];
    int timeout = timeout_ms;
    int i;

    for (i = 0; i < self->count; i++) {
        pmqtt_client *client = self->clients[i].client;

        fds[i].fd = pmqtt_socket(client);
        fds[i].events = (short)((pmqtt_want_read(client) ? POLLIN : 0) |
                                (pmqtt_want_write(client) ? POLLOUT : 0));
        timeout = sooner(timeout, pmqtt_next_timeout_ms(client));
    }
    self->wakes += poll(fds, (nfds_t)self->count, timeout) > 0 || timeout < timeout_ms;
    for (i = 0; i < self->count; i++) {
        struct loop_client *entry = &self->clients[i];

        if (fds[i].revents & ~POLLOUT)
            note(entry, pmqtt_loop_read(entry->client));
        if (fds[i].revents & POLLOUT)
            note(entry, pmqtt_loop_write(entry->client));
        if (pmqtt_next_timeout_ms(entry->client) == 0)
            note(entry, pmqtt_loop_misc(entry->client));
    }
}

const loop_kind POLL_LOOP = {"foreign loop, poll", false, NULL, poll_turn, NULL};

/* on_interest has no argument except the program's user data, which belongs to the test: the loop is
 * found by its client. */
static loop *interested;

/* The thread that makes the change calls on_interest. */
static pthread_mutex_t interest_lock = PTHREAD_MUTEX_INITIALIZER;

static struct loop_client *find(const pmqtt_client *client, int *index)
{
    for (*index = 0; interested->clients[*index].client != client; ++*index)
        CHECK(*index < LOOP_CLIENTS - 1);
    return &interested->clients[*index];
}

static void control(int operation, int fd, uint32_t events, int index)
{
    struct epoll_event event;

    memset(&event, 0, sizeof event);
    event.events = events;
    event.data.u32 = (uint32_t)index;
    CHECK_INT(epoll_ctl(interested->epoll, operation, fd, &event), 0);
}

static void on_interest(pmqtt_client *client, void *userdata, const pmqtt_interest *interest)
{
    int index;
    struct loop_client *entry = find(client, &index);
    uint32_t events = (interest->read ? (uint32_t)EPOLLIN : 0) | (interest->write ? (uint32_t)EPOLLOUT : 0);

    (void)userdata;
    pthread_mutex_lock(&interest_lock);
    if (interest->closing) {
        CHECK_INT(interest->fd, entry->fd);
        control(EPOLL_CTL_DEL, entry->fd, 0, index);
        entry->fd = -1;
    } else if (interest->fd >= 0) {
        /* A descriptor is reported as closed before another one is reported. */
        CHECK(entry->fd == -1 || entry->fd == interest->fd);
        control(entry->fd == -1 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, interest->fd, events, index);
        entry->fd = interest->fd;
    }
    entry->deadline = interest->timeout_ms < 0 ? -1 : now_ms() + interest->timeout_ms;
    pthread_mutex_unlock(&interest_lock);
}

static void interest_add(loop *self, int index)
{
    interested = self;
    CHECK_OK(pmqtt_on_interest_set(self->clients[index].client, on_interest));
}

static int time_left(const struct loop_client *entry)
{
    long long deadline, rest;

    pthread_mutex_lock(&interest_lock);
    deadline = entry->deadline;
    pthread_mutex_unlock(&interest_lock);
    rest = deadline - now_ms();
    return deadline < 0 ? -1 : rest > 0 ? (int)rest : 0;
}

/* True once for each deadline that has passed. */
static bool take_deadline(struct loop_client *entry)
{
    bool passed;

    pthread_mutex_lock(&interest_lock);
    passed = entry->deadline >= 0 && entry->deadline <= now_ms();
    if (passed)
        entry->deadline = -1;
    pthread_mutex_unlock(&interest_lock);
    return passed;
}

static void interest_turn(loop *self, int timeout_ms)
{
    struct epoll_event events[LOOP_CLIENTS];
    int timeout = timeout_ms;
    int count;
    int i;

    for (i = 0; i < self->count; i++)
        timeout = sooner(timeout, time_left(&self->clients[i]));
    count = epoll_wait(self->epoll, events, LOOP_CLIENTS, timeout);
    self->wakes += count > 0 || timeout < timeout_ms;
    for (i = 0; i < count; i++) {
        struct loop_client *entry = &self->clients[events[i].data.u32];

        if (events[i].events & ~(uint32_t)EPOLLOUT)
            note(entry, pmqtt_loop_read(entry->client));
        if (events[i].events & EPOLLOUT)
            note(entry, pmqtt_loop_write(entry->client));
    }
    for (i = 0; i < self->count; i++) {
        if (take_deadline(&self->clients[i]))
            note(&self->clients[i], pmqtt_loop_misc(self->clients[i].client));
    }
}

static void interest_remove(loop *self, int index)
{
    struct loop_client *entry = &self->clients[index];

    CHECK_OK(pmqtt_on_interest_set(entry->client, NULL));
    if (entry->fd >= 0)
        control(EPOLL_CTL_DEL, entry->fd, 0, index);
}

const loop_kind INTEREST_LOOP = {"foreign loop, epoll", false, interest_add, interest_turn,
                                 interest_remove};

static void process(loop *self, int index)
{
    int rc = pmqtt_process(self->clients[index].client);

    self->wakes++;
    CHECK(rc == PMQTT_ERR_SUCCESS || rc == PMQTT_ERR_NO_CONN);
}

static void event_poll_turn(loop *self, int timeout_ms)
{
    struct pollfd fds[LOOP_CLIENTS];
    int i;

    for (i = 0; i < self->count; i++) {
        fds[i].fd = pmqtt_event_fd(self->clients[i].client);
        fds[i].events = POLLIN;
    }
    if (poll(fds, (nfds_t)self->count, timeout_ms) <= 0)
        return;
    for (i = 0; i < self->count; i++) {
        if (fds[i].revents)
            process(self, i);
    }
}

const loop_kind EVENT_POLL_LOOP = {"event_fd, poll", true, NULL, event_poll_turn, NULL};

static void event_epoll_add(loop *self, int index)
{
    struct epoll_event event;

    memset(&event, 0, sizeof event);
    event.events = EPOLLIN;
    event.data.u32 = (uint32_t)index;
    CHECK_INT(epoll_ctl(self->epoll, EPOLL_CTL_ADD, pmqtt_event_fd(self->clients[index].client), &event), 0);
}

static void event_epoll_turn(loop *self, int timeout_ms)
{
    struct epoll_event events[LOOP_CLIENTS];
    int count = epoll_wait(self->epoll, events, LOOP_CLIENTS, timeout_ms);
    int i;

    for (i = 0; i < count; i++)
        process(self, (int)events[i].data.u32);
}

const loop_kind EVENT_EPOLL_LOOP = {"event_fd, epoll", true, event_epoll_add, event_epoll_turn, NULL};

static void thread_add(loop *self, int index)
{
    CHECK_OK(pmqtt_loop_start(self->clients[index].client));
}

static void thread_turn(loop *self, int timeout_ms)
{
    (void)self;
    (void)timeout_ms;
    sleep_ms(1);
}

static void thread_remove(loop *self, int index)
{
    CHECK_OK(pmqtt_loop_stop(self->clients[index].client));
}

const loop_kind THREAD_LOOP = {"thread", true, thread_add, thread_turn, thread_remove};
