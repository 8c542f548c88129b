/* A subscriber that prints messages, until one of them is "bye":  loop_forever [HOST [PORT]] */
#include <pmqtt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_connect(pmqtt_client *client, void *userdata, const pmqtt_connected *event)
{
    if (event->rc == 0) { /* the first time, and after each reconnect */
        pmqtt_subscribe(client, "greetings", 1, NULL);
    } else {
        fprintf(stderr, "%s\n", pmqtt_connack_string(event->rc));
        *(bool *)userdata = true;
        pmqtt_disconnect(client); /* ends loop_forever, which would reconnect */
    }
}

static void on_message(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    (void)userdata;
    printf("%s: %.*s\n", event->topic, (int)event->payload_len, (const char *)event->payload);
    fflush(stdout);
    if (event->payload_len == 3 && memcmp(event->payload, "bye", 3) == 0)
        pmqtt_disconnect(client); /* ends loop_forever */
}

int main(int argc, char **argv)
{
    pmqtt_client *client;
    char why[200];
    bool refused = false;
    if (pmqtt_client_new(&client, NULL, true, &refused, 0) != PMQTT_ERR_SUCCESS)
        return EXIT_FAILURE;
    pmqtt_on_connect_set(client, on_connect);
    pmqtt_on_message_set(client, on_message);
    pmqtt_connect_async(client, argc > 1 ? argv[1] : "localhost", argc > 2 ? atoi(argv[2]) : 1883, 60, NULL);
    int rc = pmqtt_loop_forever(client, false);
    if (rc != PMQTT_ERR_SUCCESS && pmqtt_last_error(client, why, sizeof why) > 0)
        fprintf(stderr, "%s\n", why);
    pmqtt_client_free(client);
    return rc == PMQTT_ERR_SUCCESS && !refused ? EXIT_SUCCESS : EXIT_FAILURE;
}
