#include "scenario.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    ROUNDS = 2,
    MESSAGES = 100, /* of each client in a round */
    ATTEMPTS = 2,   /* failed attempts of each client, before the broker is restarted */
    CPU_PERCENT = 10 /* of the time without a broker; a loop that spins takes 100 */
};

static const char *const topics[CLIENTS] = {"adapters/plain", "adapters/tls"};

pmqtt_client *clients[CLIENTS];

static struct {
    bool subscribed;
    int failed; /* attempts to connect */
    int confirmed, received;
} seen[CLIENTS];

static const char *control_command;
static void (*leave_loop)(int index);
static int rounds, disconnected;
static bool finished;
static clock_t cpu_before;
static struct timespec lost_at;

static void say(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

static void fail(const char *what)
{
    char why[200];
    int i;

    fprintf(stderr, "FAILED: %s\n", what);
    for (i = 0; i < CLIENTS; i++) {
        pmqtt_last_error(clients[i], why, sizeof why);
        fprintf(stderr, "  %s: %s\n", topics[i], why);
    }
    exit(EXIT_FAILURE);
}

void must(int rc)
{
    if (rc != PMQTT_ERR_SUCCESS)
        fail(pmqtt_error_string(rc));
}

static int index_of(const pmqtt_client *client)
{
    return client == clients[0] ? 0 : 1;
}

static void control(const char *verb)
{
    char command[500];

    snprintf(command, sizeof command, "'%s' %s", control_command, verb);
    if (system(command) != 0)
        fail(command);
}

static void lose_broker(void)
{
    control("kill");
    say("the broker is gone");
    clock_gettime(CLOCK_MONOTONIC, &lost_at);
    cpu_before = clock();
}

static void regain_broker(void)
{
    struct timespec now;
    double cpu = (double)(clock() - cpu_before) / CLOCKS_PER_SEC, away;

    clock_gettime(CLOCK_MONOTONIC, &now);
    away = (double)(now.tv_sec - lost_at.tv_sec) + (double)(now.tv_nsec - lost_at.tv_nsec) / 1e9;
    say("%.3f s without a broker took %.3f s of CPU time", away, cpu);
    if (cpu > away * CPU_PERCENT / 100)
        fail("the loop spins without a broker");
    control("start");
    say("the broker is back");
}

static void begin_round(void)
{
    int i, number;

    say("round %d: both are subscribed", rounds + 1);
    for (i = 0; i < CLIENTS; i++) {
        seen[i].confirmed = seen[i].received = seen[i].failed = 0;
        for (number = 0; number < MESSAGES; number++)
            must(pmqtt_publish(clients[i], topics[1 - i], "hello", 5, 1, false, NULL));
    }
}

static void end_round(void)
{
    int i;

    for (i = 0; i < CLIENTS; i++)
        if (seen[i].confirmed < MESSAGES || seen[i].received < MESSAGES)
            return;
    say("round %d: all %d messages are there", ++rounds, CLIENTS * MESSAGES);
    if (rounds < ROUNDS)
        lose_broker();
    else
        for (i = 0; i < CLIENTS; i++)
            must(pmqtt_disconnect(clients[i]));
}

/* Runs in a callback of one of the clients, and frees both. */
static void end_both(void)
{
    int i;

    for (i = 0; i < CLIENTS; i++) {
        leave_loop(i);
        pmqtt_client_free(clients[i]);
    }
    finished = true;
    say("both have disconnected");
}

static void on_connect(pmqtt_client *client, void *userdata, const pmqtt_connected *event)
{
    (void)userdata;
    if (event->rc != 0)
        fail(pmqtt_connack_string(event->rc));
    must(pmqtt_subscribe(client, topics[index_of(client)], 1, NULL));
}

static void on_subscribe(pmqtt_client *client, void *userdata, const pmqtt_subscribed *event)
{
    (void)userdata;
    if (event->rc != PMQTT_ERR_SUCCESS || event->granted_qos[0] != 1)
        fail("a subscription was refused");
    seen[index_of(client)].subscribed = true;
    if (seen[0].subscribed && seen[1].subscribed)
        begin_round();
}

static void on_message(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    (void)userdata, (void)event;
    seen[index_of(client)].received++;
    end_round();
}

static void on_publish(pmqtt_client *client, void *userdata, const pmqtt_published *event)
{
    (void)userdata;
    must(event->rc);
    seen[index_of(client)].confirmed++;
    end_round();
}

static void on_disconnect(pmqtt_client *client, void *userdata, const pmqtt_disconnected *event)
{
    (void)userdata;
    seen[index_of(client)].subscribed = false;
    if (event->rc == PMQTT_ERR_SUCCESS && ++disconnected == CLIENTS)
        end_both();
}

/* The loop reconnects by itself. */
static void on_connect_fail(pmqtt_client *client, void *userdata, const pmqtt_connect_failed *event)
{
    (void)userdata;
    if (rounds == 0)
        must(event->rc);
    seen[index_of(client)].failed++;
    if (seen[0].failed >= ATTEMPTS && seen[1].failed >= ATTEMPTS) {
        seen[0].failed = seen[1].failed = 0;
        regain_broker();
    }
}

static void begin_client(int i, const char *host, int port)
{
    must(pmqtt_on_connect_set(clients[i], on_connect));
    must(pmqtt_on_connect_fail_set(clients[i], on_connect_fail));
    must(pmqtt_on_disconnect_set(clients[i], on_disconnect));
    must(pmqtt_on_message_set(clients[i], on_message));
    must(pmqtt_on_publish_set(clients[i], on_publish));
    must(pmqtt_on_subscribe_set(clients[i], on_subscribe));
    must(pmqtt_reconnect_delay_set(clients[i], 1, 1));
    must(pmqtt_connect_async(clients[i], host, port, 60, NULL));
}

void scenario_begin(int argc, char **argv, void (*leave)(int index))
{
    int i;

    if (argc != 6) {
        fprintf(stderr, "usage: %s HOST PORT TLS_PORT CA_FILE CONTROL\n", argv[0]);
        exit(2);
    }
    control_command = argv[5];
    leave_loop = leave;
    for (i = 0; i < CLIENTS; i++)
        must(pmqtt_client_new(&clients[i], NULL, true, NULL, 0));
    must(pmqtt_tls_set(clients[1], argv[4], NULL, NULL, PMQTT_CERT_REQUIRED, 0, NULL));
    for (i = 0; i < CLIENTS; i++)
        begin_client(i, argv[1], atoi(argv[2 + i]));
}

int scenario_end(void)
{
    if (!finished)
        fprintf(stderr, "FAILED: the loop ended before the clients did\n");
    return finished ? EXIT_SUCCESS : EXIT_FAILURE;
}
