/* A program that gets each event, and reads all of its fields:  events PORT */
#include <arpa/inet.h>
#include <pmqtt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define CHECK(condition) \
    ((condition) ? (void)0 : (fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition), exit(1)))

#define TOPIC "abi"
#define NO_REASON (-1)

static struct {
    int connected, failed, disconnected, message, published, subscribed, unsubscribed, writable, log, interest;
} told;
static uint64_t mid;

static void on_connect(pmqtt_client *client, void *userdata, const pmqtt_connected *event)
{
    (void)client;
    CHECK(userdata == &told && !event->session_present && event->rc == 0 && event->reason == 0);
    told.connected++;
}

static void on_connect_fail(pmqtt_client *client, void *userdata, const pmqtt_connect_failed *event)
{
    (void)client;
    CHECK(userdata == &told && event->rc == PMQTT_ERR_ERRNO);
    told.failed++;
}

static void on_disconnect(pmqtt_client *client, void *userdata, const pmqtt_disconnected *event)
{
    (void)client;
    CHECK(userdata == &told && event->rc == 0 && event->reason == NO_REASON);
    told.disconnected++;
}

static void check_message(const pmqtt_message *message)
{
    CHECK(message->topic_len == strlen(TOPIC) && strcmp(message->topic, TOPIC) == 0);
    CHECK(message->payload_len == 2 && memcmp(message->payload, "hi", 2) == 0);
    CHECK(message->qos == 1 && !message->dup);
}

static void on_message(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    (void)client;
    CHECK(userdata == &told && event->mid != 0 && !event->retain);
    check_message(event);
    told.message++;
}

static void on_publish(pmqtt_client *client, void *userdata, const pmqtt_published *event)
{
    (void)client;
    CHECK(userdata == &told && event->mid == mid && event->rc == 0 && event->reason == NO_REASON);
    told.published++;
}

static void on_subscribe(pmqtt_client *client, void *userdata, const pmqtt_subscribed *event)
{
    (void)client;
    CHECK(userdata == &told && event->mid == mid && event->rc == 0 && event->reason == NO_REASON);
    CHECK(event->granted_qos_count == 1 && event->granted_qos[0] == 1);
    told.subscribed++;
}

static void on_unsubscribe(pmqtt_client *client, void *userdata, const pmqtt_unsubscribed *event)
{
    (void)client;
    CHECK(userdata == &told && event->mid == mid && event->rc == 0 && event->reason == NO_REASON);
    told.unsubscribed++;
}

static void on_writable(pmqtt_client *client, void *userdata, const pmqtt_writable *event)
{
    (void)client;
    CHECK(userdata == &told && event->messages == 0 && event->bytes < 1000);
    told.writable++;
}

static void on_log(pmqtt_client *client, void *userdata, const pmqtt_log_line *event)
{
    (void)client;
    CHECK(userdata == &told && event->level >= PMQTT_LOG_INFO && event->level <= PMQTT_LOG_DEBUG);
    CHECK(strlen(event->text) > 0);
    told.log++;
}

static void on_interest(pmqtt_client *client, void *userdata, const pmqtt_interest *event)
{
    (void)client;
    CHECK(userdata == &told && event->fd >= -1 && event->timeout_ms >= -1);
    CHECK(!event->closing || (event->fd >= 0 && !event->read && !event->write));
    told.interest++;
}

/* Runs the loop until an event was reported `times` times. */
static void loop_until(pmqtt_client *client, const int *count, int times)
{
    while (*count < times)
        pmqtt_loop(client, 100);
}

/* A port on which no process listens. */
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

static void check_callbacks(int port)
{
    pmqtt_client *client;

    CHECK(pmqtt_client_new(&client, NULL, true, &told, PMQTT_PROTOCOL_V311) == 0);
    pmqtt_on_connect_set(client, on_connect);
    pmqtt_on_connect_fail_set(client, on_connect_fail);
    pmqtt_on_disconnect_set(client, on_disconnect);
    pmqtt_on_message_set(client, on_message);
    pmqtt_on_publish_set(client, on_publish);
    pmqtt_on_subscribe_set(client, on_subscribe);
    pmqtt_on_unsubscribe_set(client, on_unsubscribe);
    pmqtt_on_writable_set(client, on_writable);
    pmqtt_on_log_set(client, on_log);
    pmqtt_on_interest_set(client, on_interest);

    CHECK(pmqtt_connect_async(client, "127.0.0.1", closed_port(), 60, NULL) == 0);
    loop_until(client, &told.failed, 1);
    CHECK(pmqtt_connect_async(client, "127.0.0.1", port, 60, NULL) == 0);
    loop_until(client, &told.connected, 1);
    CHECK(pmqtt_subscribe(client, TOPIC, 1, &mid) == 0);
    loop_until(client, &told.subscribed, 1);

    CHECK(pmqtt_max_queued_messages_set(client, 1) == 0);
    CHECK(pmqtt_publish(client, TOPIC, "hi", 2, 1, true, &mid) == 0);
    CHECK(pmqtt_publish(client, TOPIC, "hi", 2, 1, true, NULL) == PMQTT_ERR_QUEUE_SIZE);
    loop_until(client, &told.published, 1);
    loop_until(client, &told.writable, 1);
    loop_until(client, &told.message, 1);

    CHECK(pmqtt_unsubscribe(client, TOPIC, &mid) == 0);
    loop_until(client, &told.unsubscribed, 1);
    CHECK(pmqtt_disconnect(client) == 0);
    loop_until(client, &told.disconnected, 1);
    CHECK(told.connected == 1 && told.message == 1 && told.log > 0 && told.interest > 0);
    pmqtt_client_free(client);
}

/* Receives the retained message in the array of a one-shot. */
static void check_received(int port)
{
    pmqtt_oneshot_options options = {.struct_size = sizeof options};
    const char *filter = TOPIC;
    pmqtt_messages *messages;

    options.hostname = "127.0.0.1";
    options.port = port;
    CHECK(pmqtt_subscribe_simple(&filter, 1, 1, 1, true, &options, &messages) == 0);
    CHECK(pmqtt_messages_count(messages) == 1);
    check_message(pmqtt_messages_get(messages, 0));
    CHECK(pmqtt_messages_get(messages, 0)->retain);
    pmqtt_messages_free(messages);
    CHECK(pmqtt_publish_single(TOPIC, NULL, 0, 1, true, &options) == 0); /* deletes the retained message */
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 1883;

    check_callbacks(port);
    check_received(port);
    return 0;
}
