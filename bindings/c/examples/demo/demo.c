/*
 * Messages to a broker and back, at each quality of service, while the broker is killed:
 *   demo HOST PORT [CONTROL]
 * CONTROL is a command that controls the broker by its argument: freeze, kill or start. Without it, the
 * demo does not touch the broker, and any broker will do.
 *
 * One thread does all the work: it polls one descriptor of pmqtt, which reconnects by itself. The last step shows
 * MQTT 5.
 */
#define _POSIX_C_SOURCE 200809L

#include "demo.h"

#include <pmqtt.h>

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TIME_LIMIT_MS = 15000, EACH = 3, MAX_MESSAGES = 64 };

static const char *const qos_names[] = {"at most once", "at least once", "exactly once"};

struct message {
    int qos;
    uint64_t mid;
    bool refused;   /* QoS 0, and no connection: pmqtt promised nothing */
    bool confirmed; /* QoS 0: written to the socket; QoS 1 and 2: the broker has it */
    int received;
    double sent_at, back_at;
};

struct demo {
    pmqtt_client *client;
    const char *host;
    int port;
    const char *control;
    char id[24]; /* every broker accepts 23 characters */
    char filter[48];

    struct message messages[MAX_MESSAGES];
    int count;

    bool connected, subscribed, session_present;
    int failed_attempts;
    double started_at, lost_at;
};

static void connect_and_subscribe(struct demo *demo);
static void time_round_trips(struct demo *demo);
static void kill_the_broker(struct demo *demo);
static bool account(const struct demo *demo);
static void take_leave(struct demo *demo);

int main(int argc, char **argv)
{
    static struct demo demo;

    if (argc < 3 || argc > 4)
        fail("usage: demo HOST PORT [CONTROL]");
    demo.host = argv[1];
    demo.port = atoi(argv[2]);
    demo.control = argv[3];
    demo.started_at = now_ms();

    connect_and_subscribe(&demo);
    time_round_trips(&demo);
    if (demo.control)
        kill_the_broker(&demo);
    else
        puts("\n3  Kill the broker: left out, because this one is not ours to kill");
    if (!account(&demo))
        fail("not all that was promised has arrived within %d seconds", TIME_LIMIT_MS / 1000);
    take_leave(&demo);
    show_mqtt5(demo.host, demo.port, demo.id);
    putchar('\n');
    return EXIT_SUCCESS;
}

/* ---- The callbacks, which note the events. The steps below check the notes. ---- */

static void on_connect(pmqtt_client *client, void *userdata, const pmqtt_connected *event)
{
    struct demo *demo = userdata;

    if (event->rc != 0)
        fail("%s", pmqtt_connack_string(event->rc));
    demo->connected = true;
    demo->session_present = event->session_present;
    /* Always, because the broker may have lost the session. A second SUBSCRIBE does no harm. */
    pmqtt_subscribe(client, demo->filter, 2, NULL);
}

static void on_subscribe(pmqtt_client *client, void *userdata, const pmqtt_subscribed *event)
{
    struct demo *demo = userdata;

    (void)client;
    if (event->rc == PMQTT_ERR_SUCCESS && event->granted_qos[0] != 2)
        fail("the broker does not grant a subscription with QoS 2");
    demo->subscribed = event->rc == PMQTT_ERR_SUCCESS;
}

static void on_disconnect(pmqtt_client *client, void *userdata, const pmqtt_disconnected *event)
{
    struct demo *demo = userdata;

    (void)client, (void)event;
    demo->connected = demo->subscribed = false;
    demo->lost_at = now_ms();
}

static void on_connect_fail(pmqtt_client *client, void *userdata, const pmqtt_connect_failed *event)
{
    struct demo *demo = userdata;

    (void)client, (void)event;
    demo->failed_attempts++;
}

static void on_publish(pmqtt_client *client, void *userdata, const pmqtt_published *event)
{
    struct demo *demo = userdata;

    (void)client;
    for (int i = 0; i < demo->count; i++)
        if (demo->messages[i].mid == event->mid)
            demo->messages[i].confirmed = event->rc == PMQTT_ERR_SUCCESS;
}

/* The last level of the topic is the number of the message. */
static void on_message(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    struct demo *demo = userdata;
    int number = atoi(strrchr(event->topic, '/') + 1);

    (void)client;
    if (number < 0 || number >= demo->count)
        return;
    demo->messages[number].received++;
    demo->messages[number].back_at = now_ms();
}

/* ---- Conditions to wait for. ---- */

static bool is_subscribed(const struct demo *demo) { return demo->subscribed; }
static bool is_disconnected(const struct demo *demo) { return !demo->connected; }
static bool has_tried_again(const struct demo *demo) { return demo->failed_attempts > 0; }

static bool is_back(const struct message *message)
{
    return message->refused || (message->confirmed && message->received > 0);
}

static bool all_are_back(const struct demo *demo)
{
    for (int i = 0; i < demo->count; i++)
        if (!is_back(&demo->messages[i]))
            return false;
    return true;
}

/* The loop: all work of pmqtt, and every callback, runs in here. Returns false when the time is up. */
static bool wait_until(struct demo *demo, bool (*is_so)(const struct demo *))
{
    struct pollfd events = {.fd = pmqtt_event_fd(demo->client), .events = POLLIN};

    while (!is_so(demo)) {
        double left = demo->started_at + TIME_LIMIT_MS - now_ms();
        if (left <= 0)
            return false;
        poll(&events, 1, (int)left + 1);
        pmqtt_process(demo->client);
    }
    return true;
}

/* ---- Small helpers. ---- */

double now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void fail(const char *format, ...)
{
    va_list arguments;

    fflush(stdout);
    fputs("\ndemo: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(EXIT_FAILURE);
}

void say(const char *what, const char *format, ...)
{
    va_list arguments;

    printf("   %-13s", what);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

static const char *why(const struct demo *demo)
{
    static char text[160];

    pmqtt_last_error(demo->client, text, sizeof text);
    return text;
}

static void must(const struct demo *demo, int rc)
{
    if (rc != PMQTT_ERR_SUCCESS)
        fail("%s", why(demo));
}

static void must_come(bool in_time, const char *what)
{
    if (!in_time)
        fail("%s did not come within %d seconds", what, TIME_LIMIT_MS / 1000);
}

/* ---- The steps. ---- */

static void connect_and_subscribe(struct demo *demo)
{
    long run = (long)time(NULL) % 1000000 * 1000 + (long)getpid() % 1000;

    snprintf(demo->id, sizeof demo->id, "pmqttdemo%ld", run);
    snprintf(demo->filter, sizeof demo->filter, "pmqtt/demo/%ld/+", run);
    if (pmqtt_client_new(&demo->client, demo->id, false, demo, 0) != PMQTT_ERR_SUCCESS)
        fail("no client could be made");
    pmqtt_on_connect_set(demo->client, on_connect);
    pmqtt_on_connect_fail_set(demo->client, on_connect_fail);
    pmqtt_on_disconnect_set(demo->client, on_disconnect);
    pmqtt_on_subscribe_set(demo->client, on_subscribe);
    pmqtt_on_publish_set(demo->client, on_publish);
    pmqtt_on_message_set(demo->client, on_message);
    pmqtt_connect_timeout_set(demo->client, 5000);
    pmqtt_reconnect_delay_set(demo->client, 1, 2);

    puts("\n1  Connect to a broker, and subscribe to what we are going to publish");
    must(demo, pmqtt_connect(demo->client, demo->host, demo->port, 60, NULL));
    must_come(wait_until(demo, is_subscribed), "the broker's answer");
    say("connected", "to %s port %d; the broker keeps our session while we are away", demo->host,
        demo->port);
    say("subscribed", "to %s", demo->filter);
}

static struct message *publish(struct demo *demo, int qos)
{
    struct message *message = &demo->messages[demo->count];
    char topic[64];
    int rc;

    snprintf(topic, sizeof topic, "%.*s%d", (int)strlen(demo->filter) - 1, demo->filter, demo->count);
    demo->count++;
    message->qos = qos;
    message->sent_at = now_ms();
    rc = pmqtt_publish(demo->client, topic, "hello", 5, qos, false, &message->mid);
    if (rc == PMQTT_ERR_NO_CONN)
        message->refused = qos == 0; /* QoS 1 and 2 wait for the next connection */
    else
        must(demo, rc);
    return message;
}

static void publish_several(struct demo *demo, int qos)
{
    for (int i = 0; i < EACH; i++)
        publish(demo, qos);
}

/* Starts with QoS 2, so that the broker has written its part of QoS 2 to disk long before it is killed. */
static void time_round_trips(struct demo *demo)
{
    puts("\n2  Publish, and take the time until the message is back");
    for (int qos = 2; qos >= 0; qos--) {
        printf("   QoS %d  %-15s", qos, qos_names[qos]);
        for (int i = 0; i < EACH; i++) {
            const struct message *message = publish(demo, qos);
            must_come(wait_until(demo, all_are_back), "the message");
            printf("%9.3f ms", message->back_at - message->sent_at);
            fflush(stdout);
        }
        putchar('\n');
    }
}

static void control(const struct demo *demo, const char *verb)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        execl(demo->control, demo->control, verb, (char *)NULL);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        fail("%s %s: this did not work", demo->control, verb);
}

static pmqtt_statistics statistics(const struct demo *demo)
{
    pmqtt_statistics now = {.struct_size = sizeof now};

    pmqtt_stats(demo->client, &now);
    return now;
}

static int back_since(const struct demo *demo, int first)
{
    int count = 0;

    for (int i = first; i < demo->count; i++)
        count += demo->messages[i].received > 0;
    return count;
}

/*
 * The broker is frozen before it is killed, so that it has not read the messages on their way. It can lose
 * messages, also of QoS 2, that it has read but not written to disk; no client can prevent that.
 */
static void kill_the_broker(struct demo *demo)
{
    int first = demo->count;

    puts("\n3  Kill the broker while messages are under way");
    control(demo, "freeze");
    publish_several(demo, 1);
    publish_several(demo, 2);
    pmqtt_process(demo->client);
    say("frozen", "%d messages of QoS 1 and 2 are sent, and no answer comes",
        (int)statistics(demo).in_flight);

    control(demo, "kill");
    must_come(wait_until(demo, is_disconnected), "the end of the connection");
    say("killed", "%s", why(demo));

    for (int qos = 0; qos <= 2; qos++)
        publish_several(demo, qos);
    say("published", "%d more: QoS 0 is refused; of QoS 1 and 2 now %d are waiting", 3 * EACH,
        (int)statistics(demo).queued_messages);

    must_come(wait_until(demo, has_tried_again), "an attempt to connect again");
    say("tried again", "%s", why(demo));

    control(demo, "start");
    must_come(wait_until(demo, is_subscribed), "the next connection");
    say("reconnected", "by itself, %.1f s after the loss; the broker %s our session",
        (now_ms() - demo->lost_at) / 1e3, demo->session_present ? "still has" : "has forgotten");
    wait_until(demo, all_are_back); /* if it times out, the account shows the missing messages */
    say("settled", "%d of those that waited are back, %d are still waiting", back_since(demo, first),
        (int)statistics(demo).unsettled);
}

struct sums {
    int published, refused, confirmed, received, duplicates, lost;
};

static struct sums add_up(const struct demo *demo, int qos)
{
    struct sums sums = {0};

    for (int i = 0; i < demo->count; i++) {
        const struct message *message = &demo->messages[i];
        if (message->qos != qos)
            continue;
        sums.published++;
        sums.refused += message->refused;
        sums.confirmed += message->confirmed;
        sums.received += message->received > 0;
        sums.duplicates += message->received > 1 ? message->received - 1 : 0;
        sums.lost += !message->refused && message->received == 0;
    }
    return sums;
}

/* Returns true if pmqtt has kept the promise of QoS for each message. */
static bool account(const struct demo *demo)
{
    bool kept = all_are_back(demo);

    puts("\n4  Account for every message\n"
         "                         published  refused  confirmed  received  duplicates  lost");
    for (int qos = 0; qos <= 2; qos++) {
        struct sums sums = add_up(demo, qos);
        printf("   QoS %d  %-13s %10d %8d %10d %9d %11d %5d\n", qos, qos_names[qos], sums.published,
               sums.refused, sums.confirmed, sums.received, sums.duplicates, sums.lost);
        kept = kept && (qos == 1 || sums.duplicates == 0);
    }
    puts("   confirmed: QoS 0 written to the socket, QoS 1 and 2 acknowledged by the broker");
    if (kept)
        printf("\nAll that was promised has arrived, in %.1f s.\n",
               (now_ms() - demo->started_at) / 1e3);
    return kept;
}

/* A connection with a clean session makes the broker discard the durable session. */
static void take_leave(struct demo *demo)
{
    pmqtt_disconnect(demo->client);
    must_come(wait_until(demo, is_disconnected), "the end of the connection");
    must(demo, pmqtt_reinitialise(demo->client, demo->id, true, NULL));
    must(demo, pmqtt_connect(demo->client, demo->host, demo->port, 60, NULL));
    must(demo, pmqtt_disconnect(demo->client));
    must(demo, pmqtt_loop_forever(demo->client, false));
    pmqtt_client_free(demo->client);
}
