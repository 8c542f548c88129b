/* pmqtt with its own thread. Other threads publish, and wait while the queue is full. */
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "pmqtt_work.h"

/* About how much a message takes in the queue in addition to its payload. */
enum { BESIDE = 96 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t has_room = PTHREAD_COND_INITIALIZER;
static unsigned long times_full; /* and had room again */

static sem_t connected, ended;
static pmqtt_client *handle;

static void on_writable(pmqtt_client *client, void *userdata, const pmqtt_writable *event)
{
    (void)client, (void)userdata, (void)event;
    pthread_mutex_lock(&lock);
    times_full++;
    pthread_cond_broadcast(&has_room);
    pthread_mutex_unlock(&lock);
}

static void publish(const void *payload)
{
    unsigned long seen;
    int rc;

    for (;;) {
        seen = __atomic_load_n(&times_full, __ATOMIC_ACQUIRE);
        rc = pmqtt_publish(handle, TOPIC, payload, work.size, work.qos, false, NULL);
        if (rc != PMQTT_ERR_QUEUE_SIZE)
            break;
        pthread_mutex_lock(&lock);
        while (times_full == seen)
            pthread_cond_wait(&has_room, &lock);
        pthread_mutex_unlock(&lock);
    }
    check_rc(rc, "pmqtt_publish");
}

static void *publish_share(void *stream)
{
    uint32_t share = work.count / work.threads, i;
    char *payload = malloc(work.size);

    memset(payload, 'x', work.size);
    for (i = 0; i < share; i++) {
        payload_put(payload, work.size, (uint32_t)(uintptr_t)stream, i);
        publish(payload);
    }
    free(payload);
    return NULL;
}

static void publish_all(void)
{
    pthread_t threads[16];
    uint32_t i;

    if (work.threads > 16 || work.count % work.threads != 0)
        die("there are at most 16 threads, which have equal shares");
    for (i = 1; i < work.threads; i++)
        pthread_create(&threads[i], NULL, publish_share, (void *)(uintptr_t)i);
    publish_share(NULL);
    for (i = 1; i < work.threads; i++)
        pthread_join(threads[i], NULL);
    check_rc(pmqtt_drain(handle, 60000, NULL), "pmqtt_drain");
    check_rc(pmqtt_disconnect(handle), "pmqtt_disconnect");
}

static void on_connect(pmqtt_client *client, void *userdata, const pmqtt_connected *event)
{
    (void)client, (void)userdata;
    check_rc(event->rc, "CONNACK");
    sem_post(&connected);
}

static void on_publish(pmqtt_client *client, void *userdata, const pmqtt_published *event)
{
    (void)client, (void)userdata;
    check_rc(event->rc, "a publish");
}

static void on_disconnect(pmqtt_client *client, void *userdata, const pmqtt_disconnected *event)
{
    (void)client, (void)userdata;
    check_rc(event->rc, "the connection has ended");
    sem_post(&ended);
}

int main(int argc, char **argv)
{
    struct client *clients;

    work = work_parse(argc, argv);
    if (work.clients != 1 || (work.kind != WORK_PUBLISH && !work_subscribes(&work)))
        die("not with a thread");
    sem_init(&connected, 0, 0);
    sem_init(&ended, 0, 0);
    clients = clients_new();
    handle = clients->handle;
    pmqtt_on_disconnect_set(handle, on_disconnect);
    if (work_publishes(&work)) {
        pmqtt_on_connect_set(handle, on_connect);
        pmqtt_on_publish_set(handle, on_publish);
        pmqtt_on_writable_set(handle, on_writable);
        pmqtt_max_queued_bytes_set(handle, work.window * (work.size + BESIDE));
    }
    client_connect(clients);
    pmqtt_loop_start(handle);
    if (work_publishes(&work)) {
        sem_wait(&connected);
        publish_all();
    }
    sem_wait(&ended);
    pmqtt_loop_stop(handle);
    clients_free(clients);
    return EXIT_SUCCESS;
}
