/* A program that passes each structure that begins with struct_size to the library. sizes.sh compiles it with the
 * headers of other versions:
 *
 *   ADDED  each structure has one more field at its tail, `added`
  *   BELOW  each structure lacks a field of its first version
 */
#include <arpa/inet.h>
#include <pmqtt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define CHECK(condition) \
    ((condition) ? (void)0 : (fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition), exit(1)))

/* A structure with only its size set, and a check that the library refuses one with an unknown field set. */
#define SIZED(type) {.struct_size = sizeof(type)}
#ifdef ADDED
#define CHECK_ADDED(structure, call) \
    ((structure).added = 1, CHECK((call) == PMQTT_ERR_NOT_SUPPORTED), (structure).added = 0)
#else
#define CHECK_ADDED(structure, call) (void)0
#endif

#ifdef BELOW
#define TAKEN(number) PMQTT_ERR_INVAL
#else
#define TAKEN(number) number
#endif

/* A port on which no process listens: a correct call returns PMQTT_ERR_ERRNO. */
static int closed_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(fd, (struct sockaddr *)&address, length) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&address, &length) == 0);
    return ntohs(address.sin_port);
}

static pmqtt_oneshot_options to_nobody(void)
{
    pmqtt_oneshot_options options = SIZED(pmqtt_oneshot_options);

    options.hostname = "127.0.0.1";
    options.port = closed_port();
    return options;
}

static void check_options(void)
{
    pmqtt_oneshot_options options = to_nobody();

    CHECK(pmqtt_publish_multiple(NULL, 0, &options) == TAKEN(PMQTT_ERR_ERRNO));
    CHECK_ADDED(options, pmqtt_publish_multiple(NULL, 0, &options));
}

static void check_tls(void)
{
    pmqtt_oneshot_options options = to_nobody();
    pmqtt_tls_options tls = SIZED(pmqtt_tls_options);

    options.tls = &tls;
    CHECK(pmqtt_publish_multiple(NULL, 0, &options) == TAKEN(PMQTT_ERR_ERRNO));
    CHECK_ADDED(tls, pmqtt_publish_multiple(NULL, 0, &options));
}

static void check_will(void)
{
    pmqtt_oneshot_options options = to_nobody();
    pmqtt_publication will = SIZED(pmqtt_publication);

    will.topic = "a";
    options.will = &will;
    CHECK(pmqtt_publish_multiple(NULL, 0, &options) == TAKEN(PMQTT_ERR_ERRNO));
    CHECK_ADDED(will, pmqtt_publish_multiple(NULL, 0, &options));
}

static void check_array(void)
{
    pmqtt_oneshot_options options = to_nobody();
    pmqtt_publication messages[3] = {SIZED(pmqtt_publication), SIZED(pmqtt_publication), SIZED(pmqtt_publication)};

    messages[0].topic = messages[1].topic = messages[2].topic = "a";
    CHECK(pmqtt_publish_multiple(messages, 3, &options) == TAKEN(PMQTT_ERR_ERRNO));
    CHECK_ADDED(messages[2], pmqtt_publish_multiple(messages, 3, &options));
#ifndef BELOW
    {
        char words[200] = "";

        options.error = words;
        options.error_size = sizeof words;
        messages[2].topic = "#";
        CHECK(pmqtt_publish_multiple(messages, 3, &options) == PMQTT_ERR_INVAL);
        CHECK(strstr(words, "it is message 2"));
        messages[1].struct_size += sizeof(size_t);
        CHECK(pmqtt_publish_multiple(messages, 3, &options) == PMQTT_ERR_INVAL);
        CHECK(strstr(words, "differs from the first one's; it is message 1"));
    }
#endif
}

static void check_statistics(void)
{
    struct {
        pmqtt_statistics figures;
        unsigned char behind[4096];
    } out;
    pmqtt_client *client;
    size_t i;

    CHECK(pmqtt_client_new(&client, "abi", true, NULL, PMQTT_PROTOCOL_V311) == PMQTT_ERR_SUCCESS);
    memset(&out, 0x5a, sizeof out);
    out.figures.struct_size = sizeof out.figures;
    CHECK(pmqtt_stats(client, &out.figures) == TAKEN(PMQTT_ERR_SUCCESS));
    CHECK(out.figures.struct_size == sizeof out.figures);
    for (i = 0; i < sizeof out.behind; i++)
        CHECK(out.behind[i] == 0x5a);
#ifdef ADDED
    CHECK(out.figures.added == 0);
#endif
#ifndef BELOW
    CHECK(out.figures.ping_round_trip_us == 0);
#endif
    pmqtt_client_free(client);
}

/* The last field of pmqtt_queue_options stands in the padding, so the structure without it is no smaller. */
static void check_queue(void)
{
    pmqtt_queue_options options = SIZED(pmqtt_queue_options);
    pmqtt_client *client;

    CHECK(pmqtt_client_new(&client, "abi", true, NULL, PMQTT_PROTOCOL_V311) == PMQTT_ERR_SUCCESS);
    CHECK(pmqtt_queue_options_set(client, &options) == PMQTT_ERR_SUCCESS);
    CHECK_ADDED(options, pmqtt_queue_options_set(client, &options));
    options.struct_size = sizeof(size_t);
    CHECK(pmqtt_queue_options_set(client, &options) == PMQTT_ERR_INVAL);
    pmqtt_client_free(client);
}

static void ignore(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    (void)client;
    (void)userdata;
    (void)event;
}

static void check_handler(void)
{
    pmqtt_message_handler handler = SIZED(pmqtt_message_handler);
    pmqtt_client *client;

    CHECK(pmqtt_client_new(&client, "abi", true, NULL, PMQTT_PROTOCOL_V311) == PMQTT_ERR_SUCCESS);
    handler.filter = "a";
    handler.callback = ignore;
    CHECK(pmqtt_message_handler_add(client, &handler) == TAKEN(PMQTT_ERR_SUCCESS));
    CHECK_ADDED(handler, pmqtt_message_handler_add(client, &handler));
    pmqtt_client_free(client);
}

/* What the first header of 0.2.0 did not have. */
#ifdef PMQTT_PROTOCOL_V5

/* A pointer and a length are the last fields of pmqtt_connect_options, and flags those of pmqtt_negotiated. */
static void check_connect_options(void)
{
    pmqtt_connect_options options = SIZED(pmqtt_connect_options);
    pmqtt_negotiated negotiated = SIZED(pmqtt_negotiated);
    pmqtt_client *client;

    CHECK(pmqtt_client_new(&client, "abi", true, NULL, PMQTT_PROTOCOL_V5) == PMQTT_ERR_SUCCESS);
    CHECK(pmqtt_connect_options_set(client, &options) == TAKEN(PMQTT_ERR_SUCCESS));
    CHECK_ADDED(options, pmqtt_connect_options_set(client, &options));
    CHECK(pmqtt_negotiated_get(client, &negotiated) == PMQTT_ERR_NO_CONN);
    pmqtt_client_free(client);
}

static void check_subscription(void)
{
    pmqtt_subscription subscription = SIZED(pmqtt_subscription);
    pmqtt_client *client;

    CHECK(pmqtt_client_new(&client, "abi", true, NULL, PMQTT_PROTOCOL_V5) == PMQTT_ERR_SUCCESS);
    subscription.filter = "a";
    CHECK(pmqtt_subscribe_with(client, &subscription, 1, NULL, NULL) == TAKEN(PMQTT_ERR_NO_CONN));
    CHECK_ADDED(subscription, pmqtt_subscribe_with(client, &subscription, 1, NULL, NULL));
    pmqtt_client_free(client);
}

#endif

int main(void)
{
    check_options();
    check_tls();
    check_will();
    check_array();
    check_statistics();
    check_queue();
    check_handler();
#ifdef PMQTT_PROTOCOL_V5
    check_connect_options();
    check_subscription();
#endif
    return 0;
}
