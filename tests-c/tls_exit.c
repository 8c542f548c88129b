/* A program that has used OpenSSL before returns from main while loop threads use TLS. OpenSSL then
 * frees its tables, which no thread may read any more. */
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cases.h"
#include "client.h"
#include "tally.h"
#include "tls_listeners.h"
#include "wait.h"

enum { CLIENTS = 4, ENOUGH = 20 };

/* How the process ends, in one case after the other: main returns during messages or during
 * handshakes, clients are freed after OpenSSL, or a loop thread calls exit in a callback. */
enum { AMID_MESSAGES, AMID_HANDSHAKES, LATE_FREE, IN_CALLBACK, WAYS };

static int way;

static int port;
static tally messages, may_exit, exits;
static pmqtt_client *clients[CLIENTS];

/* Each message is sent again, so they never end. */
static void send_again(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    (void)userdata;
    tally_add(&messages);
    if (tally_get(&may_exit) && tally_add(&exits) == 1)
        exit(0);
    pmqtt_publish(client, event->topic, event->payload, event->payload_len, 0, false, NULL);
}

static void subscribe(pmqtt_client *client, void *userdata, const pmqtt_connected *event)
{
    static const char payload[2000];
    int i;

    (void)event;
    CHECK_OK(pmqtt_subscribe(client, userdata, 0, NULL));
    for (i = 0; i < 3; i++)
        CHECK_OK(pmqtt_publish(client, userdata, payload, sizeof payload, 0, false, NULL));
}

/* Runs after OpenSSL's own handler, as the destructor of a static C++ object does. */
static void free_late(void)
{
    int i;

    for (i = 0; i < CLIENTS; i++) {
        pmqtt_publish(clients[i], "late", "x", 1, 0, false, NULL);
        pmqtt_disconnect(clients[i]);
        pmqtt_client_free(clients[i]);
    }
}

static void play(int number)
{
    static char topics[CLIENTS][20];
    struct timespec moment = {0, (number * 7919L) % 997 * 1000};
    int i;

    way = number % WAYS;
    if (way == LATE_FREE)
        CHECK_INT(atexit(free_late), 0);
    SSL_CTX_free(SSL_CTX_new(TLS_method()));
    for (i = 0; i < CLIENTS; i++) {
        snprintf(topics[i], sizeof topics[i], "%d/%d", number, i);
        CHECK_OK(pmqtt_client_new(&clients[i], NULL, true, topics[i], 0));
        CHECK_OK(pmqtt_tls_set(clients[i], "authority.pem", NULL, NULL, PMQTT_CERT_REQUIRED, 0, NULL));
        CHECK_OK(pmqtt_on_connect_set(clients[i], subscribe));
        CHECK_OK(pmqtt_on_message_set(clients[i], send_again));
        CHECK_OK(pmqtt_connect_async(clients[i], "127.0.0.1", port, 60, NULL));
        CHECK_OK(pmqtt_loop_start(clients[i]));
    }
    WAIT_UNTIL(way == AMID_HANDSHAKES || tally_get(&messages) > ENOUGH);
    if (way == IN_CALLBACK) {
        tally_set(&may_exit, 1);
        sleep_ms(PATIENCE_MS);
    }
    if (way == AMID_HANDSHAKES)
        moment.tv_nsec *= 10;
    nanosleep(&moment, NULL);
}

int main(int argc, char **argv)
{
    CHECK_INT(argc, 4);
    port = atoi(argv[3]) + ADDRESSED;
    CHECK_INT(cases_play(atoi(argv[1]), atoi(argv[2]), play), 0);
    return 0;
}
