/* Publishes the lines that it reads, while a thread of the library runs the client:
 *   loop_start [HOST [PORT]] */
#include <pmqtt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(pmqtt_client *client, const char *what)
{
    char why[200];

    pmqtt_last_error(client, why, sizeof why);
    fprintf(stderr, "%s: %s\n", what, why);
    pmqtt_client_free(client);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    const char *host = argc > 1 ? argv[1] : "localhost";
    int port = argc > 2 ? atoi(argv[2]) : 1883;
    pmqtt_client *client;
    char line[200];
    size_t left = 0;

    if (pmqtt_client_new(&client, NULL, true, NULL, 0) != PMQTT_ERR_SUCCESS)
        return EXIT_FAILURE;
    if (pmqtt_connect(client, host, port, 60, NULL) != PMQTT_ERR_SUCCESS)
        return fail(client, "connect");
    if (pmqtt_loop_start(client) != PMQTT_ERR_SUCCESS)
        return fail(client, "loop_start");

    while (fgets(line, sizeof line, stdin)) {
        int rc = pmqtt_publish(client, "greetings", line, strcspn(line, "\n"), 1, false, NULL);
        /* Without a connection, the message waits for the next one. */
        if (rc != PMQTT_ERR_SUCCESS && rc != PMQTT_ERR_NO_CONN)
            return fail(client, "publish");
    }

    /* Without pmqtt_drain, the end of the program would lose queued messages. */
    if (pmqtt_drain(client, 10000, &left) != PMQTT_ERR_SUCCESS) {
        fprintf(stderr, "%zu messages were not acknowledged\n", left);
        return fail(client, "drain");
    }
    pmqtt_disconnect(client);
    pmqtt_loop_stop(client);
    pmqtt_client_free(client);
    return EXIT_SUCCESS;
}
