/* Says hello to itself through a broker, in a loop of its own that waits in poll:
 *   shared [HOST [PORT]] */
#include <poll.h>
#include <pmqtt.h>
#include <stdio.h>
#include <stdlib.h>

enum { LIMIT_MS = 10000 };

static void on_connect(pmqtt_client *client, void *userdata, const pmqtt_connected *event)
{
    (void)userdata;
    if (event->rc == 0) {
        pmqtt_subscribe(client, "greetings/pkg_config", 1, NULL);
        pmqtt_publish(client, "greetings/pkg_config", "hello", 5, 1, false, NULL);
    }
}

static void on_message(pmqtt_client *client, void *heard, const pmqtt_message *event)
{
    (void)client;
    printf("%s: %.*s\n", event->topic, (int)event->payload_len, (const char *)event->payload);
    *(bool *)heard = true;
}

int main(int argc, char **argv)
{
    const char *host = argc > 1 ? argv[1] : "localhost";
    int port = argc > 2 ? atoi(argv[2]) : 1883;
    bool heard = false;
    pmqtt_client *client;

    if (pmqtt_client_new(&client, NULL, true, &heard, 0) != PMQTT_ERR_SUCCESS)
        return EXIT_FAILURE;
    pmqtt_on_connect_set(client, on_connect);
    pmqtt_on_message_set(client, on_message);
    pmqtt_connect_async(client, host, port, 60, NULL);

    /* One descriptor for the client's whole life. The program can poll others beside it. */
    struct pollfd fds[] = {{.fd = pmqtt_event_fd(client), .events = POLLIN}};
    while (!heard && pmqtt_process(client) == PMQTT_ERR_SUCCESS && !heard)
        if (poll(fds, 1, LIMIT_MS) <= 0)
            break;

    if (!heard) {
        char why[200];
        pmqtt_last_error(client, why, sizeof why);
        fprintf(stderr, "no greeting came: %s\n", why);
    }
    pmqtt_disconnect(client);
    pmqtt_client_free(client);
    return heard ? EXIT_SUCCESS : EXIT_FAILURE;
}
