/* The subscriber of loop_forever.c in an existing epoll loop that keeps registrations, as those of libuv
 * and libevent do:
 *   foreign_loop [HOST [PORT]] */
#include <pmqtt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

struct loop {
    int epoll;
    int result; /* of the last call; the loop runs while it is 0 */
    bool ended;
};

/* Updates the registration when pmqtt waits for something else. */
static void on_interest(pmqtt_client *client, void *userdata, const pmqtt_interest *event)
{
    const struct loop *loop = userdata;
    struct epoll_event wanted = {.events = (event->read ? EPOLLIN : 0u) | (event->write ? EPOLLOUT : 0u)};

    (void)client;
    if (wanted.events == 0) /* so it is with closing; epoll reports errors even if no event is wanted */
        epoll_ctl(loop->epoll, EPOLL_CTL_DEL, event->fd, NULL);
    else if (epoll_ctl(loop->epoll, EPOLL_CTL_MOD, event->fd, &wanted) != 0)
        epoll_ctl(loop->epoll, EPOLL_CTL_ADD, event->fd, &wanted);
}

static void on_connect(pmqtt_client *client, void *userdata, const pmqtt_connected *event)
{
    (void)userdata;
    if (event->rc == 0)
        pmqtt_subscribe(client, "greetings", 1, NULL);
}

/* The program decides whether to reconnect: one of its timers could call pmqtt_reconnect. */
static void on_disconnect(pmqtt_client *client, void *userdata, const pmqtt_disconnected *event)
{
    struct loop *loop = userdata;

    (void)client, (void)event;
    loop->ended = true;
}

static void on_message(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    (void)userdata;
    printf("%s: %.*s\n", event->topic, (int)event->payload_len, (const char *)event->payload);
    fflush(stdout);
    if (event->payload_len == 3 && memcmp(event->payload, "bye", 3) == 0)
        pmqtt_disconnect(client);
}

/* One turn of the loop. Each call of pmqtt does all the work that needs no waiting. */
static void turn(struct loop *loop, pmqtt_client *client)
{
    struct epoll_event event;
    int count = epoll_wait(loop->epoll, &event, 1, pmqtt_next_timeout_ms(client));

    if (count == 0)
        loop->result = pmqtt_loop_misc(client);
    else if (count > 0 && event.events & ~(uint32_t)EPOLLOUT) /* pmqtt_loop_read handles errors, too */
        loop->result = pmqtt_loop_read(client);
    else if (count > 0)
        loop->result = pmqtt_loop_write(client);
}

int main(int argc, char **argv)
{
    struct loop loop = {.epoll = epoll_create1(0)};
    pmqtt_client *client;
    char why[200];

    if (loop.epoll < 0 || pmqtt_client_new(&client, NULL, true, &loop, 0) != PMQTT_ERR_SUCCESS)
        return EXIT_FAILURE;
    pmqtt_on_interest_set(client, on_interest);
    pmqtt_on_connect_set(client, on_connect);
    pmqtt_on_disconnect_set(client, on_disconnect);
    pmqtt_on_message_set(client, on_message);
    pmqtt_connect_async(client, argc > 1 ? argv[1] : "localhost", argc > 2 ? atoi(argv[2]) : 1883, 60, NULL);
    while (!loop.ended && loop.result == PMQTT_ERR_SUCCESS)
        turn(&loop, client);
    if (loop.result != PMQTT_ERR_SUCCESS && pmqtt_last_error(client, why, sizeof why) > 0)
        fprintf(stderr, "%s\n", why);
    pmqtt_client_free(client);
    return loop.result == PMQTT_ERR_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
}
