/* Stores a retained message, and receives it: two calls, each with its own connection.
 *   shared [HOST [PORT]] */
#include <pmqtt.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    char why[200] = "";
    const pmqtt_oneshot_options options = {
        .struct_size = sizeof options,
        .hostname = argc > 1 ? argv[1] : "localhost",
        .port = argc > 2 ? atoi(argv[2]) : 1883,
        .error = why,
        .error_size = sizeof why,
    };
    const char *topic = "greetings/fetch_content";
    pmqtt_messages *messages = NULL;

    int rc = pmqtt_publish_single(topic, "hello", 5, 1, true, &options);
    if (rc == PMQTT_ERR_SUCCESS)
        rc = pmqtt_subscribe_simple(&topic, 1, 1, 1, true, &options, &messages);

    if (rc == PMQTT_ERR_SUCCESS) {
        const pmqtt_message *message = pmqtt_messages_get(messages, 0);
        printf("%s: %.*s\n", message->topic, (int)message->payload_len, (const char *)message->payload);
    } else {
        fprintf(stderr, "%s\n", why);
    }
    pmqtt_messages_free(messages);
    return rc == PMQTT_ERR_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
}
