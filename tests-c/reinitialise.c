/* A client is reinitialised: while it is connected, between attempts, with a full queue, in each
 * callback, and under its loop thread. Nothing of its old state reaches the new one. */
#include <string.h>

#include "broker.h"
#include "loops.h"
#include "record.h"
#include "scene.h"

/* The client is as if just created: no connection, nothing queued, the first mid, the new user data. */
static void check_new(pmqtt_client *client, record *fresh)
{
    pmqtt_statistics stats = client_stats(client);
    uint64_t mid = 0;

    CHECK(pmqtt_user_data(client) == fresh);
    CHECK(!stats.connected);
    CHECK_INT(stats.unsettled, 0);
    CHECK_INT(stats.queued_bytes, 0);
    CHECK_INT(stats.connections + stats.messages_in + stats.messages_out, 0);
    CHECK_RC(pmqtt_disconnect(client), PMQTT_ERR_NO_CONN);
    CHECK_RC(pmqtt_reconnect(client), PMQTT_ERR_INVAL);
    CHECK_RC(pmqtt_message_callback_remove(client, "old"), PMQTT_ERR_NOT_FOUND);
    CHECK_RC(pmqtt_publish(client, "new", "x", 1, 1, false, &mid), PMQTT_ERR_NO_CONN);
    CHECK_INT(mid, 1);
}

/* The first message that is settled is the one that check_new has queued. */
static void live_again(loop *loop, pmqtt_client *client, record *fresh)
{
    record_events(client);
    /* on_interest is removed with the other callbacks. */
    if (loop->kind == &INTEREST_LOOP)
        INTEREST_LOOP.add(loop, 0);
    CHECK_OK(pmqtt_connect(client, BROKER_HOST, broker_port(), 60, NULL));
    RUN_UNTIL(loop, tally_get(&fresh->connects) == 1);
    RUN_UNTIL(loop, tally_get(&fresh->published) == 1);
    CHECK_INT(tally_get(&fresh->messages), 0);
}

static void end(loop *loop, pmqtt_client *client, record *old, record *fresh)
{
    record before = *old;

    check_new(client, fresh);
    live_again(loop, client, fresh);
    CHECK_INT(memcmp(&before, old, sizeof before), 0);
    loop_end(loop);
    client_free(client);
}

static void ignore(pmqtt_client *client, void *userdata, const pmqtt_message *event)
{
    (void)client;
    (void)userdata;
    (void)event;
}

static pmqtt_client *connected(loop *loop, const loop_kind *kind, record *old)
{
    pmqtt_client *client = recorded_client("old", old);

    CHECK_OK(pmqtt_message_callback_add(client, "old", ignore));
    loop_begin(loop, kind);
    loop_add(loop, client);
    CHECK_OK(pmqtt_connect(client, BROKER_HOST, broker_port(), 60, NULL));
    RUN_UNTIL(loop, tally_get(&old->connects) == 1);
    return client;
}

static void while_connected(const loop_kind *kind)
{
    record old = {0}, fresh = {0};
    pmqtt_client *client;
    const char *id;
    loop loop;

    step("while connected, %s", kind->name);
    client = connected(&loop, kind, &old);
    id = pmqtt_client_id(client);
    CHECK_RC(pmqtt_reinitialise(client, "", false, &fresh), PMQTT_ERR_INVAL);
    CHECK(client_stats(client).connected);
    CHECK(pmqtt_user_data(client) == &old);
    CHECK_OK(pmqtt_reinitialise(client, "new", true, &fresh));
    CHECK_TEXT(id, "old");
    CHECK_TEXT(pmqtt_client_id(client), "new");
    end(&loop, client, &old, &fresh);
}

/* Messages in flight and queued, and a subscription: none of them has an outcome. */
static void with_work_to_do(const loop_kind *kind)
{
    record old = {0}, fresh = {0};
    pmqtt_client *client;
    loop loop;
    int i;

    step("with work to do, %s", kind->name);
    client = connected(&loop, kind, &old);
    broker_pause();
    CHECK_OK(pmqtt_subscribe(client, "old", 2, NULL));
    for (i = 0; i < 100; i++)
        CHECK_OK(pmqtt_publish(client, "old", "x", 1, 1 + i % 2, false, NULL));
    CHECK_OK(pmqtt_reinitialise(client, NULL, true, &fresh));
    broker_kill();
    broker_start();
    end(&loop, client, &old, &fresh);
}

static void between_attempts(const loop_kind *kind)
{
    record old = {0}, fresh = {0};
    pmqtt_client *client = recorded_client(NULL, &old);
    loop loop;

    step("between attempts to connect, %s", kind->name);
    loop_begin(&loop, kind);
    loop_add(&loop, client);
    CHECK_OK(pmqtt_reconnect_delay_set(client, 3600, 3600));
    CHECK_OK(pmqtt_connect_async(client, BROKER_HOST, SCENE_NO_PORT, 60, NULL));
    RUN_UNTIL(&loop, tally_get(&old.connect_fails) == 1);
    CHECK_OK(pmqtt_reinitialise(client, NULL, true, &fresh));
    end(&loop, client, &old, &fresh);
}

static record reborn;

static void begin_anew(scene *self)
{
    memset(&reborn, 0, sizeof reborn);
    CHECK_OK(pmqtt_reinitialise(self->client, NULL, true, &reborn));
    check_new(self->client, &reborn);
    record_events(self->client);
    CHECK_OK(pmqtt_connect_async(self->client, BROKER_HOST, broker_port(), 60, NULL));
}

static void in_callbacks(int how, const loop_kind *kind)
{
    int where;

    for (where = 0; where < CALLBACKS; where++) {
        scene scene;
        loop loop;

        if (!scene_is_met((callback)where, how))
            continue;
        step("in %s, %s", CALLBACK_NAMES[where], SCENE_RUN[how].name);
        scene_begin(&scene, (callback)where, begin_anew);
        SCENE_RUN[how].run(&scene);
        loop_begin(&loop, kind);
        if (how != SCENE_THREAD)
            loop_add(&loop, scene.client);
        RUN_UNTIL(&loop, tally_get(&reborn.connects) == 1 && tally_get(&reborn.published) == 1);
        CHECK_INT(tally_get(&reborn.messages), 0);
        loop_end(&loop);
        client_free(scene.client);
    }
}

int main(void)
{
    static const loop_kind *const kinds[] = {&STEP_LOOP, &POLL_LOOP, &INTEREST_LOOP, &EVENT_POLL_LOOP, &THREAD_LOOP};
    unsigned i;

    watchdog(240);
    broker_start();
    for (i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        while_connected(kinds[i]);
        with_work_to_do(kinds[i]);
        between_attempts(kinds[i]);
    }
    in_callbacks(SCENE_LOOP, &STEP_LOOP);
    in_callbacks(SCENE_READ, &POLL_LOOP);
    in_callbacks(SCENE_PROCESS, &EVENT_POLL_LOOP);
    in_callbacks(SCENE_THREAD, &THREAD_LOOP);
    return 0;
}
