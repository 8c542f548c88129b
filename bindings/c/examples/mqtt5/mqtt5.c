/*
 * The samples of docs/mqtt5.md, in a program that runs each of them:
 *   mqtt5 HOST PORT
 * The client publishes readings of a sensor to itself. It hands one on, refuses one, and lets one expire.
 */
#include <pmqtt.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NORTH = 1, SOUTH, LATE }; /* tags of messages */

struct seen {
    bool connected, disconnected, subscribed;
    int readings, outcomes;
};

/* ---- Connecting ---- */

static int ask_for_a_session(pmqtt_client *client)
{
    pmqtt_connect_options options = {
        .struct_size = sizeof options,
        .clean_start = PMQTT_CLEAN_START_FIRST, /* this process begins with a new session, and then keeps it */
        .session_expiry_s = 3600,               /* the broker keeps it for an hour without a connection */
        .receive_maximum = 20,                  /* the broker sends 20 messages, and then waits for acknowledgements */
        .topic_alias_send = 16,                 /* 16 topics may go out as a number of 2 bytes */
    };

    return pmqtt_connect_options_set(client, &options);
}

static int set_will(pmqtt_client *client)
{
    pmqtt_publication will = {PMQTT_PUBLICATION_INIT, .topic = "pmqtt/mqtt5/state", .payload = "offline",
                              .payload_len = 7, .qos = 1, .content_type = "text/plain"};

    return pmqtt_will_with(client, &will, 30); /* not if the client is back within 30 seconds */
}

static void on_connect(pmqtt_client *client, void *userdata, const pmqtt_connected *event)
{
    struct seen *seen = userdata;
    pmqtt_negotiated limits = {.struct_size = sizeof limits};

    if (event->rc != 0) {
        fprintf(stderr, "refused: 0x%02x, %s\n", (unsigned)event->reason, pmqtt_reason_string(event->reason));
        return;
    }
    if (pmqtt_negotiated_get(client, &limits) == PMQTT_ERR_SUCCESS)
        printf("connected: the broker takes %" PRIu32 " bytes in a packet, %d messages in flight, QoS up to %d\n",
               limits.maximum_packet_size, limits.receive_maximum, limits.maximum_qos);
    seen->connected = true;
}

static int leave_with_will(pmqtt_client *client)
{
    char room[100];
    pmqtt_property_writer writer = PMQTT_PROPERTY_WRITER(room);
    pmqtt_properties list;
    int rc;

    pmqtt_property_add_number(&writer, PMQTT_PROP_SESSION_EXPIRY_INTERVAL, 0); /* the session ends, too */
    pmqtt_property_add_bytes(&writer, PMQTT_PROP_REASON_STRING, "out of battery", 14);
    rc = pmqtt_property_finish(&writer, &list);
    return rc == PMQTT_ERR_SUCCESS ? pmqtt_disconnect_with(client, 0x04, &list) : rc;
}

static void on_disconnect(pmqtt_client *client, void *userdata, const pmqtt_disconnected *event)
{
    struct seen *seen = userdata;
    pmqtt_property why;

    (void)client;
    printf("disconnected: %s\n", pmqtt_error_string(event->rc));
    if (event->reason >= 0) /* the broker has sent a DISCONNECT, or has refused the connection */
        printf("the broker: 0x%02x, %s\n", (unsigned)event->reason, pmqtt_reason_string(event->reason));
    if (pmqtt_property_find(&event->properties, PMQTT_PROP_REASON_STRING, &why))
        printf("in its own words: %.*s\n", (int)why.value_len, why.value);
    seen->connected = false;
    seen->disconnected = true;
}

/* ---- Publishing ---- */

static int publish_reading(pmqtt_client *client, const char *site, uint64_t tag)
{
    pmqtt_pair user[] = {{"site", site}, {"unit", "kPa"}};
    pmqtt_publication message = {
        PMQTT_PUBLICATION_INIT,
        .topic = "pmqtt/mqtt5/pressure",
        .payload = "{\"p\": 101.3}",
        .payload_len = 12,
        .qos = 1,
        .expiry_s = 60, /* from now on: in our queue, and then in that of the broker */
        .content_type = "application/json",
        .user_properties = user,
        .user_property_count = 2,
        .tag = tag, /* on_publish gives it back */
    };

    return pmqtt_publish_message(client, &message, NULL);
}

static void on_publish(pmqtt_client *client, void *userdata, const pmqtt_published *event)
{
    struct seen *seen = userdata;

    (void)client;
    printf("message %" PRIu64 ": ", event->tag);
    switch (event->rc) {
    case PMQTT_ERR_SUCCESS: /* 0x10: the broker has it, but nobody has subscribed */
        puts(event->reason == 0x10 ? "no subscribers" : "taken by the broker");
        break;
    case PMQTT_ERR_REJECTED: /* the broker will never take it, so do not send it again */
        printf("rejected: 0x%02x, %s\n", (unsigned)event->reason, pmqtt_reason_string(event->reason));
        break;
    default: /* expired, dropped, cancelled, in doubt */
        puts(pmqtt_error_string(event->rc));
    }
    seen->outcomes++;
}

static int publish_for_a_second(pmqtt_client *client)
{
    pmqtt_publication message = {PMQTT_PUBLICATION_INIT, .topic = "pmqtt/mqtt5/pressure", .payload = "late",
                                 .payload_len = 4, .qos = 1, .expiry_s = 1, .tag = LATE};

    return pmqtt_publish_message(client, &message, NULL); /* PMQTT_ERR_NO_CONN: it waits for a connection */
}

/* ---- Receiving ---- */

static void print_properties(const pmqtt_properties *list)
{
    pmqtt_property property;
    size_t position = 0;

    while (pmqtt_property_next(list, &position, &property)) {
        printf("    %s: ", pmqtt_property_name(property.id));
        if (property.name)
            printf("%.*s = ", (int)property.name_len, property.name);
        if (property.value)
            printf("%.*s\n", (int)property.value_len, property.value);
        else
            printf("%" PRIu32 "\n", property.number);
    }
}

static int hand_on(pmqtt_client *client, const pmqtt_message *event, const char *topic)
{
    pmqtt_pair stamp[] = {{"via", "gateway 7"}};
    pmqtt_publication message = {PMQTT_PUBLICATION_INIT, .topic = topic, .payload = event->payload,
                                 .payload_len = event->payload_len, .qos = event->qos,
                                 .user_properties = stamp, .user_property_count = 1, /* one more */
                                 .properties = event->properties};                   /* as they came */

    return pmqtt_publish_message(client, &message, NULL);
}

static void refuse(pmqtt_client *client, const pmqtt_message *event)
{
    char room[100];
    pmqtt_property_writer writer = PMQTT_PROPERTY_WRITER(room);
    pmqtt_properties list = {NULL, 0};

    pmqtt_property_add_bytes(&writer, PMQTT_PROP_REASON_STRING, "only sites in the north", 23);
    pmqtt_property_finish(&writer, &list);
    pmqtt_ack_with(client, event->mid, event->qos, 0x83, &list); /* the broker does not send it again */
}

static void on_reading(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    struct seen *seen = userdata;
    pmqtt_property site, left;

    printf("received: %.*s\n", (int)event->payload_len, (const char *)event->payload);
    print_properties(&event->properties);
    if (pmqtt_property_find(&event->properties, PMQTT_PROP_MESSAGE_EXPIRY_INTERVAL, &left))
        printf("  it is worth something for %" PRIu32 " more seconds\n", left.number);
    if (pmqtt_property_user(&event->properties, "site", &site) && site.value_len == 5 &&
        memcmp(site.value, "north", 5) == 0) {
        hand_on(client, event, "pmqtt/mqtt5/elsewhere");
        pmqtt_ack(client, event->mid, event->qos);
    } else {
        refuse(client, event);
    }
    seen->readings++;
}

static void on_subscribe(pmqtt_client *client, void *userdata, const pmqtt_subscribed *event)
{
    struct seen *seen = userdata;

    (void)client;
    for (size_t i = 0; i < event->granted_qos_count; i++)
        if (event->granted_qos[i] >= 0x80)
            printf("filter %zu: %s\n", i, pmqtt_reason_string(event->granted_qos[i]));
    seen->subscribed = event->rc == PMQTT_ERR_SUCCESS;
}

static int subscribe_with_options(pmqtt_client *client, struct seen *seen)
{
    pmqtt_subscription readings = {
        .struct_size = sizeof readings,
        .filter = "pmqtt/mqtt5/pressure",
        .qos = 1,
        .retain_handling = PMQTT_RETAIN_IF_NEW, /* no retained messages if the session already has this filter */
        .retain_as_published = true,            /* a bridge hands on the retain flag */
        .callback = on_reading,                 /* until the program unsubscribes, through all reconnects */
        .userdata = seen,
    };

    return pmqtt_subscribe_with(client, &readings, 1, NULL, NULL);
}

/* ---- Authenticating ---- */

static void on_auth(pmqtt_client *client, void *userdata, const pmqtt_auth_event *event)
{
    (void)userdata;
    switch (event->step) {
    case PMQTT_AUTH_START: /* the data goes into CONNECT */
        pmqtt_auth_answer(client, "token 1", 7, NULL);
        break;
    case PMQTT_AUTH_CHALLENGE: /* event->data asks; a program may also answer later, from any thread */
        pmqtt_auth_fail(client, 0x83);
        break;
    case PMQTT_AUTH_DONE: /* on_connect follows */
        break;
    }
}

static int use_tokens(pmqtt_client *client)
{
    return pmqtt_auth_set(client, "example-token", on_auth);
}

static int use_scram(pmqtt_client *client)
{
    return pmqtt_auth_scram_set(client, "sensor 1", "secret");
}

/* ---- The program ---- */

static void must(pmqtt_client *client, int rc)
{
    char why[300];

    if (rc == PMQTT_ERR_SUCCESS)
        return;
    pmqtt_last_error(client, why, sizeof why);
    fprintf(stderr, "%s\n", why);
    exit(EXIT_FAILURE);
}

static pmqtt_client *create(struct seen *seen)
{
    pmqtt_client *client;

    if (pmqtt_client_new(&client, NULL, true, seen, PMQTT_PROTOCOL_V5) != PMQTT_ERR_SUCCESS)
        exit(EXIT_FAILURE);
    pmqtt_on_connect_set(client, on_connect);
    pmqtt_on_disconnect_set(client, on_disconnect);
    pmqtt_on_subscribe_set(client, on_subscribe);
    pmqtt_on_publish_set(client, on_publish);
    return client;
}

static void connect_to(pmqtt_client *client, const char *host, int port, struct seen *seen)
{
    seen->disconnected = false;
    must(client, pmqtt_connect(client, host, port, 60, NULL));
    while (!seen->connected && !seen->disconnected)
        pmqtt_loop(client, 1000);
}

static void leave(pmqtt_client *client, struct seen *seen)
{
    must(client, leave_with_will(client));
    while (!seen->disconnected)
        pmqtt_loop(client, 1000);
}

/* Brokers that do not know the method say so. */
static void authenticate(const char *host, int port, int (*use)(pmqtt_client *))
{
    struct seen seen = {0};
    pmqtt_client *client = create(&seen);

    must(client, use(client));
    connect_to(client, host, port, &seen);
    if (seen.connected)
        leave(client, &seen);
    pmqtt_client_free(client);
}

int main(int argc, char **argv)
{
    struct seen seen = {0};
    pmqtt_client *client = create(&seen);

    if (argc != 3)
        return EXIT_FAILURE;
    must(client, pmqtt_manual_ack_set(client, PMQTT_ACK_IN_ORDER));
    must(client, ask_for_a_session(client));
    must(client, set_will(client));
    connect_to(client, argv[1], atoi(argv[2]), &seen);
    if (!seen.connected)
        return EXIT_FAILURE;

    must(client, subscribe_with_options(client, &seen));
    while (!seen.subscribed)
        pmqtt_loop(client, 1000);
    must(client, publish_reading(client, "north", NORTH));
    must(client, publish_reading(client, "south", SOUTH));
    while (seen.readings < 2 || seen.outcomes < 3)
        pmqtt_loop(client, 1000);

    leave(client, &seen);
    publish_for_a_second(client);
    while (seen.outcomes < 4)
        pmqtt_loop(client, 1000);
    pmqtt_client_free(client);

    authenticate(argv[1], atoi(argv[2]), use_scram);
    authenticate(argv[1], atoi(argv[2]), use_tokens);
    return EXIT_SUCCESS;
}
