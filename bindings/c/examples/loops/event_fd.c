/* A chat: it publishes the lines that are typed, and prints messages. One thread waits in poll for the
 * keyboard and for pmqtt:
 *   event_fd [HOST [PORT]] */
#define _POSIX_C_SOURCE 200809L

#include <poll.h>
#include <pmqtt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void on_connect(pmqtt_client *client, void *userdata, const pmqtt_connected *event)
{
    if (event->rc == 0) {
        pmqtt_subscribe(client, "greetings", 1, NULL);
    } else {
        fprintf(stderr, "%s\n", pmqtt_connack_string(event->rc));
        *(bool *)userdata = true;
        pmqtt_disconnect(client); /* without this, pmqtt_process would reconnect */
    }
}

static void on_message(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    (void)client, (void)userdata;
    printf("%s: %.*s\n", event->topic, (int)event->payload_len, (const char *)event->payload);
    fflush(stdout);
}

/* Publishes a line. At the end of the input, DISCONNECT goes out after all published messages. */
static bool read_keyboard(pmqtt_client *client)
{
    char line[200];
    ssize_t length = read(STDIN_FILENO, line, sizeof line);

    if (length <= 0) {
        pmqtt_disconnect(client);
        return false;
    }
    pmqtt_publish(client, "greetings", line, (size_t)length - (line[length - 1] == '\n'), 1, false, NULL);
    return true;
}

int main(int argc, char **argv)
{
    const char *host = argc > 1 ? argv[1] : "localhost";
    int port = argc > 2 ? atoi(argv[2]) : 1883;
    pmqtt_client *client;
    bool refused = false;

    if (pmqtt_client_new(&client, NULL, true, &refused, 0) != PMQTT_ERR_SUCCESS)
        return EXIT_FAILURE;
    pmqtt_on_connect_set(client, on_connect);
    pmqtt_on_message_set(client, on_message);
    pmqtt_connect_async(client, host, port, 60, NULL);

    struct pollfd fds[] = {
        {.fd = pmqtt_event_fd(client), .events = POLLIN},
        {.fd = STDIN_FILENO, .events = POLLIN},
    };
    /* pmqtt_process reconnects; only pmqtt_disconnect ends this loop. */
    while (pmqtt_process(client) == PMQTT_ERR_SUCCESS && poll(fds, 2, -1) > 0)
        if (fds[1].revents && !read_keyboard(client))
            fds[1].fd = -1; /* poll ignores it from now on */

    pmqtt_client_free(client);
    return refused ? EXIT_FAILURE : EXIT_SUCCESS;
}
