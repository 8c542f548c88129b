/* Says hello to itself through a broker, and calls each step of the client's loop itself:
 *   shared [HOST [PORT]] */
#include <pmqtt.h>
#include <stdio.h>
#include <stdlib.h>

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
    pmqtt_on_message_set(client, on_message);

    /* These requests go out, in this order, as soon as the broker has accepted the connection. */
    int rc = pmqtt_connect(client, host, port, 60, NULL);
    if (rc == PMQTT_ERR_SUCCESS)
        rc = pmqtt_subscribe(client, "greetings/meson", 1, NULL);
    if (rc == PMQTT_ERR_SUCCESS)
        rc = pmqtt_publish(client, "greetings/meson", "hello", 5, 1, false, NULL);
    while (rc == PMQTT_ERR_SUCCESS && !heard)
        rc = pmqtt_loop(client, 1000);

    if (rc != PMQTT_ERR_SUCCESS) {
        char why[200];
        pmqtt_last_error(client, why, sizeof why);
        fprintf(stderr, "%s\n", why);
    }
    pmqtt_disconnect(client);
    pmqtt_client_free(client);
    return rc == PMQTT_ERR_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
}
