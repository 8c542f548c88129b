/* Connects to the brokers of a domain, and prints a line for each call that says which broker it
 * reached:
 *   srv DOMAIN TIMEOUT_MS COUNT [CA_FILE]   with pmqtt_connect_srv once, then with pmqtt_reconnect
 *   srv DOMAIN give-up                      while another thread disconnects
 * DOMAIN `-` is NULL.  With a CA_FILE, over TLS.  It fails if a call exceeds its bound. */
#define _POSIX_C_SOURCE 200112L
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pmqtt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* What a busy machine may add to each bound. */
#define GRACE_MS 5000

static pmqtt_client *client;
static const char *domain;

/* Whether the thread of give_up has ended. */
static bool finished;
static pthread_mutex_t finished_lock = PTHREAD_MUTEX_INITIALIZER;

static void must(int holds, const char *what)
{
    if (!holds) {
        char words[512] = "";
        pmqtt_last_error(client, words, sizeof words);
        fprintf(stderr, "srv: %s (%s)\n", what, words);
        exit(1);
    }
}

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000L + now.tv_nsec / 1000000L;
}

static int connect_once(void)
{
    return pmqtt_connect_srv(client, domain, 60, NULL);
}

static void report(int rc)
{
    if (rc != PMQTT_ERR_SUCCESS) {
        char words[4096];
        pmqtt_last_error(client, words, sizeof words);
        printf("failed with %d: %s\n", rc, words);
        return;
    }
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;
    must(getpeername(pmqtt_socket(client), (struct sockaddr *)&peer, &length) == 0, "no peer");
    printf("connected to %d\n", ntohs(peer.sin_port));
}

static void connect_often(int timeout_ms, int count)
{
    must(pmqtt_connect_timeout_set(client, timeout_ms) == PMQTT_ERR_SUCCESS, "no timeout");
    bool is_set = false;
    for (int i = 0; i < count; i++) {
        long start = now_ms();
        /* After a first connect that failed, there is nothing to reconnect to. */
        int rc = is_set ? pmqtt_reconnect(client) : connect_once();
        is_set = is_set || rc == PMQTT_ERR_SUCCESS;
        must(now_ms() - start < timeout_ms + GRACE_MS, "the connect timeout did not hold");
        report(rc);
    }
}

static void *connect_in_thread(void *unused)
{
    (void)unused;
    report(connect_once());
    pthread_mutex_lock(&finished_lock);
    finished = true;
    pthread_mutex_unlock(&finished_lock);
    return NULL;
}

static bool is_finished(void)
{
    pthread_mutex_lock(&finished_lock);
    bool result = finished;
    pthread_mutex_unlock(&finished_lock);
    return result;
}

/* The look-up continues for a minute, but no call has to wait for it. */
static void give_up(void)
{
    pthread_t thread;
    long start = now_ms();
    must(pmqtt_connect_timeout_set(client, 60000) == PMQTT_ERR_SUCCESS, "no timeout");
    must(pthread_create(&thread, NULL, connect_in_thread, NULL) == 0, "no thread");
    while (!is_finished()) {
        struct timespec pause = {0, 10000000};
        nanosleep(&pause, NULL);
        long before = now_ms();
        pmqtt_disconnect(client);
        must(now_ms() - before < GRACE_MS, "pmqtt_disconnect waited");
    }
    pthread_join(thread, NULL);
    must(now_ms() - start < 60000, "the attempt was not given up");
}

static void on_connect(pmqtt_client *self, void *userdata, const pmqtt_connected *event)
{
    (void)userdata;
    must(event->rc == 0 && pmqtt_is_connected(self), "not connected in on_connect");
    report(PMQTT_ERR_SUCCESS);
    must(pmqtt_disconnect(self) == PMQTT_ERR_SUCCESS, "no disconnect");
    must(!pmqtt_is_connected(self), "still connected");
}

static void on_connect_fail(pmqtt_client *self, void *userdata, const pmqtt_connect_failed *event)
{
    (void)userdata;
    report(event->rc);
    pmqtt_disconnect(self);
}

/* The call does not wait, and a callback reports the outcome. */
static void connect_async(void)
{
    long start = now_ms();
    must(pmqtt_on_connect_set(client, on_connect) == PMQTT_ERR_SUCCESS, "no callback");
    must(pmqtt_on_connect_fail_set(client, on_connect_fail) == PMQTT_ERR_SUCCESS, "no callback");
    must(pmqtt_connect_srv_async(client, domain, 60, NULL) == PMQTT_ERR_SUCCESS, "it failed at once");
    must(now_ms() - start < GRACE_MS, "it waited");
    must(!pmqtt_is_connected(client), "connected too early");
    pmqtt_loop_forever(client, true);
    must(!pmqtt_is_connected(client), "connected in the end");
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: srv DOMAIN TIMEOUT_MS COUNT [CA_FILE] | srv DOMAIN give-up | srv DOMAIN async\n");
        return 2;
    }
    domain = strcmp(argv[1], "-") == 0 ? NULL : argv[1];
    must(pmqtt_client_new(&client, NULL, true, NULL, 0) == PMQTT_ERR_SUCCESS, "no client");
    if (argc > 4) {
        int rc = pmqtt_tls_set(client, argv[4], NULL, NULL, PMQTT_CERT_REQUIRED, 0, NULL);
        must(rc == PMQTT_ERR_SUCCESS, "no TLS");
    }
    if (strcmp(argv[2], "give-up") == 0)
        give_up();
    else if (strcmp(argv[2], "async") == 0)
        connect_async();
    else
        connect_often(atoi(argv[2]), argc > 3 ? atoi(argv[3]) : 1);
    long start = now_ms();
    pmqtt_client_free(client);
    must(now_ms() - start < GRACE_MS, "pmqtt_client_free waited");
    return 0;
}
