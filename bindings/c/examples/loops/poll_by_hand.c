/* The subscriber of loop_forever.c in a loop of its own, which waits in poll for the socket and the timeout:
 *   poll_by_hand [HOST [PORT]] */
#define _POSIX_C_SOURCE 200809L

#include <poll.h>
#include <pmqtt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_connect(pmqtt_client *client, void *userdata, const pmqtt_connected *event)
{
    (void)userdata;
    if (event->rc == 0)
        pmqtt_subscribe(client, "greetings", 1, NULL);
}

static void on_message(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    (void)userdata;
    printf("%s: %.*s\n", event->topic, (int)event->payload_len, (const char *)event->payload);
    fflush(stdout);
    if (event->payload_len == 3 && memcmp(event->payload, "bye", 3) == 0)
        pmqtt_disconnect(client);
}

/* Runs until there is nothing to wait for, because the program has disconnected, or until a call fails.
 * Another program could call pmqtt_reconnect then, after a pause. */
static int run(pmqtt_client *client)
{
    int rc = PMQTT_ERR_SUCCESS;

    while (rc == PMQTT_ERR_SUCCESS && (pmqtt_socket(client) >= 0 || pmqtt_next_timeout_ms(client) >= 0)) {
        struct pollfd fd = {.fd = pmqtt_socket(client)};

        if (pmqtt_want_read(client))
            fd.events |= POLLIN;
        if (pmqtt_want_write(client))
            fd.events |= POLLOUT;
        if (poll(&fd, 1, pmqtt_next_timeout_ms(client)) == 0)
            rc = pmqtt_loop_misc(client);
        else if (fd.revents & ~POLLOUT) /* pmqtt_loop_read handles errors, too */
            rc = pmqtt_loop_read(client);
        else if (fd.revents)
            rc = pmqtt_loop_write(client);
    }
    return rc;
}

int main(int argc, char **argv)
{
    pmqtt_client *client;
    char why[200];

    if (pmqtt_client_new(&client, NULL, true, NULL, 0) != PMQTT_ERR_SUCCESS)
        return EXIT_FAILURE;
    pmqtt_on_connect_set(client, on_connect);
    pmqtt_on_message_set(client, on_message);
    pmqtt_connect_async(client, argc > 1 ? argv[1] : "localhost", argc > 2 ? atoi(argv[2]) : 1883, 60, NULL);
    int rc = run(client);
    if (rc != PMQTT_ERR_SUCCESS && pmqtt_last_error(client, why, sizeof why) > 0)
        fprintf(stderr, "%s\n", why);
    pmqtt_client_free(client);
    return rc == PMQTT_ERR_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
}
