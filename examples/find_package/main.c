/* Says hello to itself through a broker, each step in the callback of the previous one:
 *   shared [HOST [PORT]] */
#include <pmqtt.h>
#include <stdio.h>
#include <stdlib.h>

static void on_connect(pmqtt_client *client, void *userdata, const pmqtt_connected *event)
{
    (void)userdata;
    if (event->rc == 0) {
        pmqtt_subscribe(client, "greetings/find_package", 1, NULL);
    } else {
        fprintf(stderr, "%s\n", pmqtt_connack_string(event->rc));
        pmqtt_disconnect(client); /* without this, loop_forever would reconnect */
    }
}

static void on_subscribe(pmqtt_client *client, void *userdata, const pmqtt_subscribed *event)
{
    (void)userdata;
    if (event->rc == PMQTT_ERR_SUCCESS)
        pmqtt_publish(client, "greetings/find_package", "hello", 5, 1, false, NULL);
}

static void on_message(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    (void)userdata;
    printf("%s: %.*s\n", event->topic, (int)event->payload_len, (const char *)event->payload);
    pmqtt_disconnect(client); /* ends loop_forever */
}

int main(int argc, char **argv)
{
    const char *host = argc > 1 ? argv[1] : "localhost";
    int port = argc > 2 ? atoi(argv[2]) : 1883;
    pmqtt_client *client;

    if (pmqtt_client_new(&client, NULL, true, NULL, 0) != PMQTT_ERR_SUCCESS)
        return EXIT_FAILURE;
    pmqtt_on_connect_set(client, on_connect);
    pmqtt_on_subscribe_set(client, on_subscribe);
    pmqtt_on_message_set(client, on_message);
    pmqtt_connect_async(client, host, port, 60, NULL);

    int rc = pmqtt_loop_forever(client, false);
    if (rc != PMQTT_ERR_SUCCESS) {
        char why[200];
        pmqtt_last_error(client, why, sizeof why);
        fprintf(stderr, "%s\n", why);
    }
    pmqtt_client_free(client);
    return rc == PMQTT_ERR_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
}
