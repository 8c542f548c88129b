/* A client is freed in every callback, in every loop, and by other threads while it is busy. */
#include <pthread.h>

#include "broker.h"
#include "client.h"
#include "record.h"
#include "scene.h"
#include "wait.h"

static void free_here(scene *self)
{
    client_free(self->client);
}

static void free_in_callbacks(void)
{
    int loop, where;

    for (loop = 0; loop < SCENE_LOOPS; loop++) {
        for (where = 0; where < CALLBACKS; where++) {
            scene scene;

            if (!scene_is_met((callback)where, loop))
                continue;
            step("free in %s, %s", CALLBACK_NAMES[where], SCENE_RUN[loop].name);
            scene_begin(&scene, (callback)where, free_here);
            SCENE_RUN[loop].run(&scene);
            CHECK_INT(tally_get(&scene.begun), 1);
        }
    }
}

/* A callback that is running while another thread frees the client. */
static struct {
    tally entered, freeing, left;
} slow;

static void linger(scene *self)
{
    (void)self;
    tally_set(&slow.entered, 1);
    WAIT_UNTIL(tally_get(&slow.freeing));
    sleep_ms(20);
    tally_set(&slow.left, 1);
}

static void free_while_callbacks_run(void)
{
    int where;

    for (where = 0; where < CALLBACKS; where++) {
        scene scene;

        if (!scene_is_met((callback)where, SCENE_THREAD))
            continue;
        step("free while %s runs in the loop thread", CALLBACK_NAMES[where]);
        tally_set(&slow.entered, 0);
        tally_set(&slow.freeing, 0);
        tally_set(&slow.left, 0);
        scene_begin(&scene, (callback)where, linger);
        CHECK_OK(pmqtt_loop_start(scene.client));
        WAIT_UNTIL(tally_get(&slow.entered));
        tally_set(&slow.freeing, 1);
        client_free(scene.client);
        CHECK(tally_get(&slow.left));
    }
}

/* Messages that a client sends to itself keep its callbacks running all the time. */
static void on_message(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    tally_add(&((record *)userdata)->messages);
    pmqtt_publish(client, event->topic, event->payload, event->payload_len, event->qos, false, NULL);
}

static void free_under_load(void)
{
    enum { ROUNDS = 60 };
    int round;

    for (round = 0; round < ROUNDS; round++) {
        record seen = {0};
        pmqtt_client *client = recorded_client(NULL, &seen);
        int qos = round % 3;
        int messages;

        step("free under load, round %d", round);
        CHECK_OK(pmqtt_on_message_set(client, on_message));
        CHECK_OK(pmqtt_loop_start(client));
        CHECK_OK(pmqtt_connect(client, BROKER_HOST, broker_port(), 60, NULL));
        WAIT_UNTIL(tally_get(&seen.connects) == 1);
        CHECK_OK(pmqtt_subscribe(client, "free", qos, NULL));
        CHECK_OK(pmqtt_publish(client, "free", "x", 1, qos, false, NULL));
        CHECK_OK(pmqtt_publish(client, "free", "y", 1, qos, false, NULL));
        WAIT_UNTIL(tally_get(&seen.messages) > round);
        client_free(client);
        messages = tally_get(&seen.messages);
        sleep_ms(1);
        CHECK_INT(tally_get(&seen.messages), messages);
    }
}

static void *drain(void *client)
{
    int rc = pmqtt_drain(client, PATIENCE_MS, NULL);

    CHECK(rc != PMQTT_ERR_SUCCESS && rc != PMQTT_ERR_INVAL);
    return NULL;
}

static void *loop_forever(void *client)
{
    pmqtt_loop_forever(client, true);
    return NULL;
}

/* The call ends when the client does; on_publish for a QoS 0 message shows that it has begun. */
static void free_while_another_thread_waits(void *(*wait)(void *), const char *name)
{
    record seen = {0};
    pmqtt_client *client = recorded_client(NULL, &seen);
    pthread_t thread;
    long long begin = now_ms();

    step("free while another thread waits in %s", name);
    CHECK_OK(pmqtt_connect(client, BROKER_HOST, broker_port(), 60, NULL));
    DO_UNTIL(tally_get(&seen.connects) == 1, pmqtt_loop(client, 10));
    broker_pause();
    CHECK_OK(pmqtt_publish(client, "free", "x", 1, 1, false, NULL));
    CHECK_OK(pmqtt_publish(client, "free", "x", 1, 0, false, NULL));
    CHECK_INT(pthread_create(&thread, NULL, wait, client), 0);
    WAIT_UNTIL(tally_get(&seen.published) == 1);
    client_free(client);
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK(now_ms() - begin < PATIENCE_MS / 2);
    broker_kill();
    broker_start();
}

int main(void)
{
    int descriptors;

    watchdog(240);
    broker_start();
    descriptors = open_descriptors();
    free_in_callbacks();
    free_while_callbacks_run();
    free_under_load();
    free_while_another_thread_waits(loop_forever, "loop_forever");
    free_while_another_thread_waits(drain, "drain");
    pmqtt_client_free(NULL);

    /* The threads of clients that were freed in their own callbacks may be about to end. */
    step("each descriptor is closed");
    WAIT_UNTIL(open_descriptors() == descriptors);
    return 0;
}
